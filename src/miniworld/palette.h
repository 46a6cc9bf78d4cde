// The colours of the mini world.
//
// Hues lie pairwise at least 60 levels apart (largest channel difference), so that an object can be
// told by its hue. The tint of the background says on which side of the train / held-out line a
// picture is: every pixel of a picture's corner shows it, so the two sides can share no picture at
// any seed.
#pragma once

#include <cstdint>

#include "core/rng.h"

namespace reasonbrain::miniworld {

struct Colour {
  uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Colour&) const = default;
};

inline constexpr int kNumHues = 8;
const char* hue_name(int hue);  // hue in [0, kNumHues)
Colour hue_colour(int hue);

inline constexpr Colour kDark{64, 64, 72};
inline constexpr Colour kGrey{150, 150, 156};
inline constexpr Colour kWhite{252, 252, 255};
inline constexpr Colour kWater{172, 206, 234};
inline constexpr Colour kSkin{222, 174, 142};
inline constexpr Colour kWall{198, 170, 132};

// One of six pale colours with a slight tint, from the wanted side of the line.
Colour draw_background(Rng& rng, bool held_out);

// The side of a background colour: true for about one tint in eight.
bool is_held_out(Colour background);

}  // namespace reasonbrain::miniworld
