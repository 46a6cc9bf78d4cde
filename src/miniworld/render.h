// Scene -> pixels, with integers only: 4x4 samples a pixel, the same bytes on every machine.
#pragma once

#include "miniworld/shape.h"
#include "reasonbrain/image.h"

namespace reasonbrain::miniworld {

inline constexpr int kMinSize = 32, kMaxSize = 128, kSizeStep = 8;  // pixels

struct Picture {
  io::Image rgb;
  io::Image instances;  // 1 channel; the topmost instance that covers half of the pixel or more
  bool operator==(const Picture&) const = default;
};

// Throws Error(kUsage) unless size is a multiple of kSizeStep in [kMinSize, kMaxSize].
Picture render(const Scene& scene, int size);

}  // namespace reasonbrain::miniworld
