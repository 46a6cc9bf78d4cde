#include "models/llama/llama.h"

#include "core/str.h"
#include "models/llama/rope_scaling.h"
#include "nn/attention.h"
#include "nn/rope.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::llama {
namespace {

// [B or 1, T, W] -> [B, T', W]
torch::Tensor rows_at(const torch::Tensor& x, const torch::Tensor& kept) {
  const int64_t width = x.size(2);
  return x.expand({kept.size(0), -1, -1})
      .gather(1, kept.unsqueeze(-1).expand({kept.size(0), kept.size(1), width}));
}

// Goes on with the positions `kept` [B, T'] only.
void narrow_to(const torch::Tensor& kept, torch::Tensor& states, PassContext& pass) {
  states = rows_at(states, kept);
  pass.cos = rows_at(pass.cos, kept);
  pass.sin = rows_at(pass.sin, kept);
  if (!pass.mask.defined()) return;
  const torch::Tensor rows = rows_at(pass.mask.squeeze(1), kept);
  pass.mask = rows_at(rows.transpose(1, 2), kept).transpose(1, 2).unsqueeze(1);
}

}  // namespace

MlpImpl::MlpImpl(const LlamaConfig& config, const nn::Build& build)
    : activation_(nn::parse_activation(config.hidden_act)) {
  const int64_t width = config.hidden_size, inner = config.intermediate_size;
  gate_proj = register_module("gate_proj", nn::Linear(width, inner, config.mlp_bias, build));
  up_proj = register_module("up_proj", nn::Linear(width, inner, config.mlp_bias, build));
  down_proj = register_module("down_proj", nn::Linear(inner, width, config.mlp_bias, build));
}

torch::Tensor MlpImpl::forward(const torch::Tensor& states) {
  return down_proj(nn::activate(gate_proj(states), activation_) * up_proj(states));
}

DecoderLayerImpl::DecoderLayerImpl(const LlamaConfig& config, const nn::Build& build) {
  const auto norm = [&] { return nn::RMSNorm(config.hidden_size, config.rms_norm_eps, build); };
  self_attn = register_module("self_attn", Attention(config, build));
  mlp = register_module("mlp", Mlp(config, build));
  input_layernorm = register_module("input_layernorm", norm());
  post_attention_layernorm = register_module("post_attention_layernorm", norm());
}

torch::Tensor DecoderLayerImpl::forward(const torch::Tensor& states, const PassContext& pass,
                                        int64_t layer) {
  const torch::Tensor attended =
      asking(states, pass.num_asking) + self_attn(input_layernorm(states), pass, layer);
  return attended + mlp(post_attention_layernorm(attended));
}

DecoderImpl::DecoderImpl(const LlamaConfig& config, const nn::Build& build) {
  embed_tokens = register_module(
      "embed_tokens",
      nn::Embedding(config.vocab_size, config.hidden_size, build, config.padding_row));
  layers = register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    layers->push_back(DecoderLayer(config, build));
  norm = register_module("norm", nn::RMSNorm(config.hidden_size, config.rms_norm_eps, build));
}

LlamaImpl::LlamaImpl(const LlamaConfig& config, const nn::Build& build) : config_(config) {
  check(config, "LLaMA options");
  const nn::Build normal = build.normal(config.initializer_range);
  model = register_module("model", Decoder(config, normal));
  if (!config.tie_word_embeddings) {
    lm_head = register_module(
        "lm_head", nn::Linear(config.hidden_size, config.vocab_size, /*bias=*/false, normal));
  }
}

torch::Tensor LlamaImpl::embed(const torch::Tensor& input_ids) {
  return model->embed_tokens(input_ids);
}

PassContext LlamaImpl::begin_pass(const torch::Tensor& inputs_embeds,
                                  const torch::Tensor& attention_mask,
                                  const torch::Tensor& position_ids, KvCache* cache) const {
  const int64_t past = cache ? cache->length() : 0;
  const int64_t length = inputs_embeds.size(1);
  const auto options = inputs_embeds.options();
  const torch::Tensor positions =
      position_ids.defined()
          ? position_ids
          : at::arange(past, past + length, options.dtype(torch::kInt64)).unsqueeze(0);
  const bool needs_length =
      depends_on_length(config_.rope_scaling);  // reading it waits for the device
  const int64_t rope_length = needs_length ? positions.max().item<int64_t>() + 1 : length;
  const Rotation turn = rotation(config_, rope_length, inputs_embeds.device());

  PassContext pass;
  pass.cache = cache;
  std::tie(pass.cos, pass.sin) = nn::rope_tables(positions, turn.inverse_frequency);
  if (turn.scale != 1) {
    pass.cos = pass.cos * turn.scale;
    pass.sin = pass.sin * turn.scale;
  }
  if (attention_mask.defined() &&
      (attention_mask.is_meta() || (attention_mask == 0).any().item<bool>())) {
    const torch::Tensor keys =
        nn::additive_key_mask(attention_mask, inputs_embeds.scalar_type(), nn::BlindRow::kZero);
    pass.mask = causal_mask(length, keys, options);
  }
  return pass;
}

LlamaOutput LlamaImpl::forward(const torch::Tensor& inputs_embeds,
                               const torch::Tensor& attention_mask,
                               const torch::Tensor& position_ids, LayerHook* hook,
                               bool keep_hidden_states, KvCache* cache, int64_t num_wanted) {
  PassContext pass = begin_pass(inputs_embeds, attention_mask, position_ids, cache);
  pass.hook = hook;
  LlamaOutput out;
  torch::Tensor states = inputs_embeds;
  for (int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
    if (keep_hidden_states) out.hidden_states.push_back(states);
    if (!hook && layer == config_.num_hidden_layers - 1) pass.num_asking = num_wanted;
    states = model->layers->ptr<DecoderLayerImpl>(static_cast<size_t>(layer))
                 ->forward(states, pass, layer);
    const torch::Tensor kept = hook ? hook->kept_positions(layer) : torch::Tensor();
    if (kept.defined()) narrow_to(kept, states, pass);
  }
  out.last_hidden_state = model->norm(asking(states, num_wanted));
  if (keep_hidden_states) out.hidden_states.push_back(out.last_hidden_state);
  return out;
}

torch::Tensor LlamaImpl::head(const torch::Tensor& states) {
  return lm_head.is_empty() ? at::linear(states, model->embed_tokens->weight) : lm_head(states);
}

}  // namespace reasonbrain::models::llama
