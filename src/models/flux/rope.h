// Rotary positions over several axes, neighbouring channels paired (Su et al. 2021; diffusers
// FluxPosEmbed). Legend: T tokens, A axes, H heads, D head width.
#pragma once

#include <torch/types.h>

#include <vector>

namespace reasonbrain::models::flux {

// Unit complex numbers [T, D / 2], complex64: the angles of axis a fill axes_dims[a] / 2 of a row.
torch::Tensor rotations(const torch::Tensor& ids,  // [T, A], any number type
                        const std::vector<int64_t>& axes_dims);

torch::Tensor rotate(const torch::Tensor& x,           // [B, T, H, D], last dimension contiguous
                     const torch::Tensor& rotations);  // [T, D / 2] -> like x

}  // namespace reasonbrain::models::flux
