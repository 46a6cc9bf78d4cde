// From the model's guidance to pictures: the denoising loop with guidance passes and keyed noise.
//
// Legend: P pictures to make, B rows of the guidance, S picture side.
#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

#include "reason/paint.h"
#include "reason/pipeline.h"

namespace reasonbrain::edit {

// What the noise of a picture depends on, and all it depends on: the second turn of a chain is what
// editing the first one's result with the same seed gives.
struct NoiseKey {
  uint64_t seed = 0;
  int64_t picture = 0;  // index among the pictures asked for
};

struct SampleJob {
  NoiseKey key;
  int64_t row = 0;  // of the guidance and the source latents
};

// Noise of the jobs' pictures, each row keyed by its job alone.
diffusion::NoiseSource job_noise(const std::vector<SampleJob>& jobs);

// Error(kData) unless every value is finite.
void require_finite_pixels(const torch::Tensor& pixels);

// Called after each denoising step with the predicted pictures [P, 3, S, S].
using OnPictures = std::function<void(int64_t step, const torch::Tensor& pixels)>;

// Pixels [P, 3, S, S] in [-1, 1], float32 on the pipeline's device. Throws Error(kUsage) for a
// number of steps that the scheduler does not have, Error(kData) when the result is not finite,
// Error(kInterrupted) between two steps after a signal.
torch::Tensor sample_pictures(reason::Pipeline& pipeline,
                              const reason::Guidance& guidance,  // [B, ..]
                              const torch::Tensor& source,       // [B, C, h, w]
                              const std::vector<SampleJob>& jobs,
                              const reason::PaintSettings& settings,
                              const OnPictures& on_pictures = {});

}  // namespace reasonbrain::edit
