#include "models/t5/config.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "core/str.h"
#include "models/hf_folder.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::t5 {
namespace {

constexpr double kMaxSize = 1 << 20;
constexpr const char* kGated = "gated-";
// Other names of the reference for its fields; they go before.
constexpr std::pair<const char*, const char*> kAliases[] = {{"hidden_size", "d_model"},
                                                            {"num_attention_heads", "num_heads"},
                                                            {"num_hidden_layers", "num_layers"},
                                                            {"head_dim", "d_kv"}};

void check(const T5Config& config, const std::string& origin) {
  try {
    config.activation();
  } catch (const Error& error) {
    const bool own = !config.dense_act_fn.empty();
    throw data_error(str(origin, own ? ": dense_act_fn '" : ": feed_forward_proj '",
                         own ? config.dense_act_fn : config.feed_forward_proj,
                         "' is not supported: ", error.what()));
  }
  // Half of the buckets are for keys before the query, and half of those for single distances.
  const int64_t exact = config.relative_attention_num_buckets / 4;
  if (config.relative_attention_max_distance <= exact) {
    throw data_error(str(origin, ": relative_attention_max_distance ",
                         config.relative_attention_max_distance,
                         " is not supported; expected more ",
                         "than a quarter of relative_attention_num_buckets, ", exact));
  }
}

}  // namespace

void T5Config::describe(OptionVisitor& v) {
  v.field("vocab_size", vocab_size, {.help = "Number of token ids", .min = 1, .max = 1e8});
  v.field("d_model", d_model, {.help = "Width of the states", .min = 1, .max = kMaxSize});
  v.field("d_kv", d_kv, {.help = "Width of an attention head", .min = 1, .max = kMaxSize});
  v.field("d_ff", d_ff, {.help = "Width inside the feed-forward part", .min = 1, .max = kMaxSize});
  v.field("num_layers", num_layers, {.help = "Number of layers", .min = 1, .max = 1000});
  v.field("num_heads", num_heads, {.help = "Number of attention heads", .min = 1, .max = kMaxSize});
  v.field("relative_attention_num_buckets", relative_attention_num_buckets,
          {.help = "Rows of the table of relative positions", .min = 4, .max = kMaxSize});
  v.field("relative_attention_max_distance", relative_attention_max_distance,
          {.help = "Distance from which on all positions share a row",
           .unit = "tokens",
           .min = 1,
           .max = kMaxSize});
  v.field("layer_norm_epsilon", layer_norm_epsilon,
          {.help = "Added to the mean square in norms", .min = 0, .max = 1});
  v.field("initializer_factor", initializer_factor,
          {.help = "Factor on the standard deviation of fresh weights", .min = 0, .max = 1e3});
  v.field("feed_forward_proj", feed_forward_proj,
          {.help = "Activation of the feed-forward part, or gated-ACTIVATION"});
  v.field("dense_act_fn", dense_act_fn,
          {.help = "Activation in place of that of feed_forward_proj; empty: that one"});
}

bool T5Config::gated() const {
  return is_gated_act.value_or(starts_with(feed_forward_proj, kGated));
}

nn::Activation T5Config::activation() const {
  if (!dense_act_fn.empty()) return nn::parse_activation(dense_act_fn);
  if (feed_forward_proj == "gated-gelu")
    return nn::Activation::kGeluTanh;  // the reference's reading
  const bool prefixed = starts_with(feed_forward_proj, kGated);
  return nn::parse_activation(prefixed ? feed_forward_proj.substr(std::string(kGated).size())
                                       : feed_forward_proj);
}

T5Config parse_t5_config(const nlohmann::json& config, const std::string& origin) {
  expect_model_type(config, {"t5"}, origin);
  if (config.value("is_decoder", nlohmann::json(false)) == true) {
    throw data_error(str(origin, ": 'is_decoder' true is not supported; expected an encoder"));
  }
  nlohmann::json plain = config;
  for (const auto& [alias, field] : kAliases) {
    if (config.contains(alias) && !config[alias].is_null()) plain[field] = config[alias];
  }
  T5Config out;
  read_hf_options(plain, out, origin);
  const auto gate = config.find("is_gated_act");
  if (gate != config.end() && gate->is_boolean()) out.is_gated_act = gate->get<bool>();
  check(out, origin);
  return out;
}

nlohmann::json to_hf_config(const T5Config& config) {
  nlohmann::json out = io::write_json_options(config);
  if (config.dense_act_fn.empty()) out.erase("dense_act_fn");
  if (config.is_gated_act) out["is_gated_act"] = *config.is_gated_act;
  out["model_type"] = "t5";
  out["architectures"] = {"T5EncoderModel"};
  return out;
}

}  // namespace reasonbrain::models::t5
