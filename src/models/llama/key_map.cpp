#include "models/llama/key_map.h"

namespace reasonbrain::models::llama {
namespace {

constexpr const char* kTable = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";
constexpr const char* kOriginalQuery = "layers.{i}.attention.wq.weight";

// With a tied table its second name is read, and never written.
KeyRule head_rule(const LlamaConfig& config, const std::string& file_key) {
  const bool tied = config.tie_word_embeddings;
  return {.file = {file_key}, .module = {tied ? kTable : kHead}, .only_loading = tied};
}

}  // namespace

KeyTable original_key_table(const LlamaConfig& config) {
  const std::string theirs = "layers.{i}.", ours = "model.layers.{i}.";
  const auto rotated = [&](const char* name, const char* own, int64_t heads) {
    return KeyRule{.file = {theirs + "attention." + name + ".weight"},
                   .module = {ours + "self_attn." + own + ".weight"},
                   .transform = KeyTransform::kRotaryHalves,
                   .heads = heads};
  };
  return KeyTable({
      {{"tok_embeddings.weight"}, {kTable}},
      head_rule(config, "output.weight"),
      {{"norm.weight"}, {"model.norm.weight"}},
      rotated("wq", "q_proj", config.num_attention_heads),
      rotated("wk", "k_proj", config.kv_heads()),
      {{theirs + "attention.wv.weight"}, {ours + "self_attn.v_proj.weight"}},
      {{theirs + "attention.wo.weight"}, {ours + "self_attn.o_proj.weight"}},
      {{theirs + "feed_forward.w1.weight"}, {ours + "mlp.gate_proj.weight"}},
      {{theirs + "feed_forward.w2.weight"}, {ours + "mlp.down_proj.weight"}},
      {{theirs + "feed_forward.w3.weight"}, {ours + "mlp.up_proj.weight"}},
      {{theirs + "attention_norm.weight"}, {ours + "input_layernorm.weight"}},
      {{theirs + "ffn_norm.weight"}, {ours + "post_attention_layernorm.weight"}},
      {{"rope.freqs"}, {}},
  });
}

KeyTable key_table(const LlamaConfig& config, const std::vector<std::string>& file_keys) {
  if (any_key_matches(file_keys, kOriginalQuery)) return original_key_table(config);
  return KeyTable({
      {{"{rest}rotary_emb.inv_freq"}, {}},  // a buffer of old versions
      {{kTable}, {kTable}},
      head_rule(config, kHead),
      {{"{rest}"}, {"{rest}"}},
  });
}

}  // namespace reasonbrain::models::llama
