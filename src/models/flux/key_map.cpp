#include "models/flux/key_map.h"

#include "core/str.h"

namespace reasonbrain::models::flux {
namespace {

constexpr const char* kPrefix = "model.diffusion_model.";

// What a stream of a double block is called there and here.
struct StreamNames {
  const char *stream, *norm, *feed_forward, *q, *k, *v, *out, *q_norm, *k_norm;
};
constexpr StreamNames kStreams[] = {
    {"img", "norm1", "ff", "to_q", "to_k", "to_v", "to_out.0", "norm_q", "norm_k"},
    {"txt", "norm1_context", "ff_context", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out",
     "norm_added_q", "norm_added_k"}};

void add_stream(std::vector<KeyRule>& rules, const StreamNames& names) {
  const std::string there = str("double_blocks.{i}.", names.stream);
  const std::string here = "transformer_blocks.{i}.";
  const std::string attn = here + "attn.";
  const auto part = [&](const char* name) { return str(attn, name, ".{p}"); };
  rules.push_back({{there + "_mod.lin.{p}"}, {str(here, names.norm, ".linear.{p}")}});
  rules.push_back({{there + "_attn.qkv.{p}"}, {part(names.q), part(names.k), part(names.v)}});
  rules.push_back({{there + "_attn.proj.{p}"}, {part(names.out)}});
  rules.push_back({{there + "_attn.norm.query_norm.scale"}, {str(attn, names.q_norm, ".weight")}});
  rules.push_back({{there + "_attn.norm.key_norm.scale"}, {str(attn, names.k_norm, ".weight")}});
  rules.push_back({{there + "_mlp.0.{p}"}, {str(here, names.feed_forward, ".net.0.proj.{p}")}});
  rules.push_back({{there + "_mlp.2.{p}"}, {str(here, names.feed_forward, ".net.2.{p}")}});
}

void add_single_block(std::vector<KeyRule>& rules) {
  const std::string there = "single_blocks.{i}.", here = "single_transformer_blocks.{i}.";
  rules.push_back({{there + "modulation.lin.{p}"}, {here + "norm.linear.{p}"}});
  rules.push_back({{there + "linear1.{p}"},
                   {here + "attn.to_q.{p}", here + "attn.to_k.{p}", here + "attn.to_v.{p}",
                    here + "proj_mlp.{p}"}});
  rules.push_back({{there + "linear2.{p}"}, {here + "proj_out.{p}"}});
  rules.push_back({{there + "norm.query_norm.scale"}, {here + "attn.norm_q.weight"}});
  rules.push_back({{there + "norm.key_norm.scale"}, {here + "attn.norm_k.weight"}});
}

}  // namespace

KeyTable original_key_table() {
  std::vector<KeyRule> rules;
  static const std::pair<const char*, const char*> kEmbedders[] = {
      {"time_in", "timestep_embedder"},
      {"guidance_in", "guidance_embedder"},
      {"vector_in", "text_embedder"}};
  for (const auto& [there, here] : kEmbedders) {
    const std::string path = str("time_text_embed.", here);
    rules.push_back({{str(there, ".in_layer.{p}")}, {path + ".linear_1.{p}"}});
    rules.push_back({{str(there, ".out_layer.{p}")}, {path + ".linear_2.{p}"}});
  }
  rules.push_back({{"img_in.{p}"}, {"x_embedder.{p}"}});
  rules.push_back({{"txt_in.{p}"}, {"context_embedder.{p}"}});
  for (const StreamNames& names : kStreams) add_stream(rules, names);
  add_single_block(rules);
  // Shift before scale there, scale before shift here.
  rules.push_back(
      {{"final_layer.adaLN_modulation.1.{p}"}, {"norm_out.linear.{p}"}, KeyTransform::kSwapHalves});
  rules.push_back({{"final_layer.linear.{p}"}, {"proj_out.{p}"}});
  return KeyTable(std::move(rules));
}

KeyTable key_table(const std::vector<std::string>& file_keys) {
  for (const std::string& prefix : {std::string(), std::string(kPrefix)}) {
    if (any_key_matches(file_keys, prefix + "img_in.{p}")) {
      return original_key_table().with_file_prefix(prefix);
    }
  }
  return KeyTable({{{"{rest}"}, {"{rest}"}}});
}

}  // namespace reasonbrain::models::flux
