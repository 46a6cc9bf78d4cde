// What the encoder is given and what it hands to the model.
//
// Legend: B batch, S picture side (pixels), g grid side, N = g*g patches, K regions (padded), n_o
// objects (padded), L LLM text tokens (left-padded), L_c CLIP text tokens, L_o CLIP tokens of an
// object phrase, L_2 T5 tokens, d_v CLIP vision width, d_t CLIP text width, d_2 T5 width, C latent
// channels, h x w latent size, q queries of an enhancer's stream.
// Masks are bool, true = valid.
#pragma once

#include <torch/types.h>

#include <vector>

namespace reasonbrain::reason {

inline constexpr int64_t kNumGeometry =
    8;  // x0, y0, x1, y1, centre x, centre y, sqrt(area), covered share

// Pixels and ids; made by Processor without any model.
struct EncoderInputs {
  torch::Tensor pixels;         // [B, 3, S, S] in [-1, 1], for the latent codec
  torch::Tensor vision_pixels;  // [B, 3, s, s], normalised for the CLIP tower
  torch::Tensor prefix_ids;     // int64 [P]: BOS and the prompt's prefix, the same for every sample
  torch::Tensor instruction_ids;   // int64 [B, L], LLM tokens, padded on the left
  torch::Tensor instruction_mask;  // [B, L]
  torch::Tensor clip_ids;          // int64 [B, L_c], CLIP tokens of the instruction
  torch::Tensor clip_mask;         // [B, L_c]
  torch::Tensor object_ids;        // int64 [B, n_o, L_o]
  torch::Tensor object_mask;       // [B, n_o]
  torch::Tensor region_weights;    // float32 [B, K, N]: covered share of each patch cell, 0..1
  torch::Tensor region_geometry;   // float32 [B, K, kNumGeometry], in units of the picture's side
  torch::Tensor region_mask;       // [B, K]
  torch::Tensor t5_ids;            // int64 [B, L_2], padded on the right; undefined without T5

  EncoderInputs to(torch::Device device) const;
};

// Outputs of the towers. Where these are frozen, Inputs can be cached.
struct Inputs {
  std::vector<torch::Tensor> scales;   // per frce.layers: [B, N, d_v] without the class token
  torch::Tensor vision;                // [B, N, d_v]: the layer IA reads
  torch::Tensor objects;               // [B, n_o, d_t]: pooled CLIP text state per phrase
  torch::Tensor text;                  // [B, L_c, d_t]: CLIP text states of the instruction
  torch::Tensor source;                // [B, C, h, w]: source latent
  torch::Tensor pooled_prompt_embeds;  // [B, d_t]: pooled CLIP text state of the instruction
  torch::Tensor prompt_embeds;         // [B, L_2, d_2]: T5's states of it; undefined without T5
  torch::Tensor object_mask, text_mask, prefix_ids, instruction_ids, instruction_mask;
  torch::Tensor region_weights, region_geometry, region_mask;
};

// What the model hands to the denoiser. d = cue width.
struct Guidance {
  torch::Tensor context;          // [B, T, d], T = context_tokens(): q a stream, at least q
  torch::Tensor residual_visual;  // [B, N, d] (the g x g grid, rows first) or undefined
  torch::Tensor residual_text;    // [B, d] (masked mean) or undefined
  // As FLUX was trained with; from Inputs, undefined where a stage has no instruction.
  torch::Tensor pooled_prompt_embeds;  // [B, d_t]
  torch::Tensor prompt_embeds;         // [B, L_2, d_2]
};

}  // namespace reasonbrain::reason
