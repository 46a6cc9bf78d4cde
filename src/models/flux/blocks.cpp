#include "models/flux/blocks.h"

#include "models/flux/rope.h"
#include "models/register_at.h"
#include "nn/attention.h"

namespace reasonbrain::models::flux {
namespace {

constexpr int64_t kMlpRatio = 4;

using Heads = HeadProjections::Heads;

// Chunks [B, 1, W] of what the condition says about a block: shift, scale, gate, ...
std::vector<torch::Tensor> chunks(nn::Linear& linear, const torch::Tensor& condition,
                                  int64_t count) {
  return linear(condition).unsqueeze(1).chunk(count, -1);
}

torch::Tensor attend(const Heads& heads, const torch::Tensor& rotations) {
  const torch::Tensor query = rotate(heads.query, rotations).transpose(1, 2);
  const torch::Tensor key = rotate(heads.key, rotations).transpose(1, 2);
  return nn::merge_heads(nn::attention(query, key, heads.value.transpose(1, 2)));
}

}  // namespace

torch::Tensor modulated_norm(const torch::Tensor& x, const torch::Tensor& shift,
                             const torch::Tensor& scale) {
  return at::addcmul(shift, at::layer_norm(x, {x.size(-1)}, {}, {}, kNormEps), 1 + scale);
}

HeadProjections::HeadProjections(torch::nn::Module& owner, const AttentionNames& names,
                                 const FluxConfig& config, const nn::Build& build)
    : num_heads_(config.num_attention_heads) {
  const int64_t width = config.width();
  q_ = register_at(owner, names.q, nn::Linear(width, width, /*bias=*/true, build));
  k_ = register_at(owner, names.k, nn::Linear(width, width, /*bias=*/true, build));
  v_ = register_at(owner, names.v, nn::Linear(width, width, /*bias=*/true, build));
  const int64_t head = config.attention_head_dim;
  q_norm_ = register_at(owner, names.q_norm, nn::RMSNorm(head, kNormEps, build));
  k_norm_ = register_at(owner, names.k_norm, nn::RMSNorm(head, kNormEps, build));
}

Heads HeadProjections::operator()(const torch::Tensor& x) {
  const auto split = [&](const torch::Tensor& y) {
    return y.view({y.size(0), y.size(1), num_heads_, y.size(2) / num_heads_});
  };
  return {q_norm_(split(q_(x))), k_norm_(split(k_(x))), split(v_(x))};
}

DoubleBlockImpl::DoubleBlockImpl(const FluxConfig& config, const nn::Build& build) {
  image_ = make_stream({"norm1.linear",
                        "attn.to_out.0",
                        "ff.net.0.proj",
                        "ff.net.2",
                        {"attn.to_q", "attn.to_k", "attn.to_v", "attn.norm_q", "attn.norm_k"}},
                       config, build);
  text_ = make_stream({"norm1_context.linear",
                       "attn.to_add_out",
                       "ff_context.net.0.proj",
                       "ff_context.net.2",
                       {"attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj",
                        "attn.norm_added_q", "attn.norm_added_k"}},
                      config, build);
}

DoubleBlockImpl::Stream DoubleBlockImpl::make_stream(const StreamNames& names,
                                                     const FluxConfig& config,
                                                     const nn::Build& build) {
  const int64_t width = config.width(), inner = kMlpRatio * width;
  Stream stream;
  stream.modulation =
      register_at(*this, names.modulation, nn::Linear(width, 6 * width, /*bias=*/true, build));
  stream.heads = HeadProjections(*this, names.attention, config, build);
  stream.out = register_at(*this, names.out, nn::Linear(width, width, /*bias=*/true, build));
  stream.ff_in = register_at(*this, names.ff_in, nn::Linear(width, inner, /*bias=*/true, build));
  stream.ff_out = register_at(*this, names.ff_out, nn::Linear(inner, width, /*bias=*/true, build));
  return stream;
}

torch::Tensor DoubleBlockImpl::update(Stream& stream, const torch::Tensor& x,
                                      const torch::Tensor& attended,
                                      const std::vector<torch::Tensor>& modulation) {
  const torch::Tensor y = at::addcmul(x, modulation[2], stream.out(attended));
  const torch::Tensor inner = stream.ff_in(modulated_norm(y, modulation[3], modulation[4]));
  return at::addcmul(y, modulation[5], stream.ff_out(at::gelu(inner, "tanh")));
}

DoubleBlockImpl::Streams DoubleBlockImpl::forward(const Streams& in, const torch::Tensor& condition,
                                                  const torch::Tensor& rotations) {
  const auto text_modulation = chunks(text_.modulation, condition, 6);
  const auto image_modulation = chunks(image_.modulation, condition, 6);
  const Heads text = text_.heads(modulated_norm(in.text, text_modulation[0], text_modulation[1]));
  const Heads image =
      image_.heads(modulated_norm(in.image, image_modulation[0], image_modulation[1]));
  const torch::Tensor attended =
      attend({at::cat({text.query, image.query}, 1), at::cat({text.key, image.key}, 1),
              at::cat({text.value, image.value}, 1)},
             rotations);
  const int64_t length = in.text.size(1);
  return {update(text_, in.text, attended.narrow(1, 0, length), text_modulation),
          update(image_, in.image, attended.narrow(1, length, in.image.size(1)), image_modulation)};
}

SingleBlockImpl::SingleBlockImpl(const FluxConfig& config, const nn::Build& build) {
  const int64_t width = config.width(), inner = kMlpRatio * width;
  modulation_ =
      register_at(*this, "norm.linear", nn::Linear(width, 3 * width, /*bias=*/true, build));
  ff_in_ = register_module("proj_mlp", nn::Linear(width, inner, /*bias=*/true, build));
  out_ = register_module("proj_out", nn::Linear(width + inner, width, /*bias=*/true, build));
  heads_ = HeadProjections(
      *this, {"attn.to_q", "attn.to_k", "attn.to_v", "attn.norm_q", "attn.norm_k"}, config, build);
}

torch::Tensor SingleBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& condition,
                                       const torch::Tensor& rotations) {
  const auto modulation = chunks(modulation_, condition, 3);
  const torch::Tensor normed = modulated_norm(x, modulation[0], modulation[1]);
  const torch::Tensor both =
      at::cat({attend(heads_(normed), rotations), at::gelu(ff_in_(normed), "tanh")}, -1);
  return at::addcmul(x, modulation[2], out_(both));
}

}  // namespace reasonbrain::models::flux
