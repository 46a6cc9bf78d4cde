#include "models/llama/config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/str.h"
#include "models/hf_folder.h"
#include "nn/activation.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::llama {
namespace {

constexpr double kMaxSize = 1 << 20;

// Brings both spellings of RoPE to rope_theta beside an object rope_scaling with rope_type.
void normalise_rope(nlohmann::json& config, const std::string& origin) {
  const auto is_object = [&](const char* key) {
    return config.contains(key) && config[key].is_object();
  };
  const char* source = is_object("rope_scaling") && !config["rope_scaling"].empty()
                           ? "rope_scaling"
                           : "rope_parameters";
  nlohmann::json rope = is_object(source) ? config[source] : nlohmann::json::object();
  if (!rope.contains("rope_type") && rope.contains("type")) rope["rope_type"] = rope["type"];
  if (rope.contains("rope_theta")) config["rope_theta"] = rope["rope_theta"];
  for (const char* field : {"partial_rotary_factor"}) {  // also allowed outside
    if (!rope.contains(field) && config.contains(field)) rope[field] = config[field];
  }
  const auto truncate = rope.find("truncate");
  if (truncate != rope.end() && truncate->is_null()) *truncate = false;
  const char* original = "original_max_position_embeddings";  // outside goes before inside
  if (config.contains(original) && !config[original].is_null()) rope[original] = config[original];
  const auto partial = rope.find("partial_rotary_factor");
  const nlohmann::json type = rope.value("rope_type", nlohmann::json());
  const bool read = !type.is_null() && type != "default" && type != "proportional";
  if (read && partial != rope.end() && !partial->is_null() && *partial != 1) {
    throw data_error(str(origin, ": partial_rotary_factor ", partial->dump(),
                         " is not supported for rope_type ", type.dump(), "; expected 1"));
  }
  config["rope_scaling"] = rope;
}

// LongRoPE has a factor for each frequency.
void check_factors(const char* name, const std::vector<double>& factors, int64_t head_width,
                   const std::string& origin) {
  if (static_cast<int64_t>(factors.size()) != head_width / 2) {
    throw data_error(str(origin, ": ", name, " has ", factors.size(), " entries; expected ",
                         head_width / 2, ", half the width of a head"));
  }
}

void check_rope(const LlamaConfig& config, const std::string& origin) {
  const RopeScaling& rope = config.rope_scaling;
  const std::vector<std::string> known = {"default", "linear",   "dynamic",     "llama3",
                                          "yarn",    "longrope", "proportional"};
  if (std::find(known.begin(), known.end(), rope.rope_type) == known.end()) {
    throw data_error(str(origin, ": rope_type '", rope.rope_type, "' is not supported; expected ",
                         join(known, ", ")));
  }
  const bool needs_factor =  // a negative one is refused where it is read
      rope.rope_type == "linear" || rope.rope_type == "dynamic" || rope.rope_type == "llama3";
  if (needs_factor && rope.factor == 0) {
    throw data_error(str(origin, ": rope_type '", rope.rope_type, "' with the factor ", rope.factor,
                         "; expected more than 0"));
  }
  if (rope.rope_type == "yarn" && config.rope_theta <= 1) {
    throw data_error(str(origin, ": rope_type 'yarn' needs a rope_theta above 1"));
  }
  if (rope.rope_type == "longrope") {
    check_factors("short_factor", rope.short_factor, config.head_width(), origin);
    check_factors("long_factor", rope.long_factor, config.head_width(), origin);
  }
  if (rope.rope_type == "llama3" && rope.high_freq_factor <= rope.low_freq_factor) {
    throw data_error(str(origin, ": high_freq_factor ", rope.high_freq_factor,
                         " must be greater than low_freq_factor ", rope.low_freq_factor));
  }
}

nlohmann::json scaling_to_json(const RopeScaling& rope, int64_t max_positions) {
  if (rope.rope_type == "default") return nullptr;
  const std::string& type = rope.rope_type;
  nlohmann::json out = {{"rope_type", type}};
  const auto put = [&](const char* name, double value) {
    if (value != 0) out[name] = value;
  };
  put("factor", rope.factor);
  if (type == "llama3" || type == "yarn" || type == "longrope") {
    const int64_t original = rope.original_max_position_embeddings;
    out["original_max_position_embeddings"] = original ? original : max_positions;
  }
  if (type == "llama3") {
    out["low_freq_factor"] = rope.low_freq_factor;
    out["high_freq_factor"] = rope.high_freq_factor;
  }
  if (type == "yarn" || type == "longrope") put("attention_factor", rope.attention_factor);
  if (type == "yarn") {
    put("beta_fast", rope.beta_fast);
    put("beta_slow", rope.beta_slow);
    put("mscale", rope.mscale);
    put("mscale_all_dim", rope.mscale_all_dim);
    out["truncate"] = rope.truncate;
  }
  if (type == "longrope") {
    out["short_factor"] = rope.short_factor;
    out["long_factor"] = rope.long_factor;
  }
  if (type == "proportional") out["partial_rotary_factor"] = rope.partial_rotary_factor;
  return out;
}

// As torch.nn.Embedding reads padding_idx: a negative one counts from the end.
int64_t padding_row(const nlohmann::json& config, int64_t vocab_size, const std::string& origin) {
  const auto found = config.find("pad_token_id");
  if (found == config.end() || found->is_null()) return -1;
  const int64_t id = found->is_number_integer() ? found->get<int64_t>() : vocab_size;
  if (id < -vocab_size || id >= vocab_size) {
    throw data_error(str(origin, ": pad_token_id is ", found->dump(), "; expected null or one of ",
                         vocab_size, " token ids"));
  }
  return id < 0 ? id + vocab_size : id;
}

}  // namespace

void RopeScaling::describe(OptionVisitor& v) {
  v.field("rope_type", rope_type,
          {.help = "How frequencies are stretched: default (not), linear, dynamic, llama3, yarn, "
                   "longrope, proportional"});
  v.field("factor", factor,
          {.help = "How many times longer the context becomes; 0: from the two context lengths",
           .min = 0,
           .max = 1e6});
  v.field("low_freq_factor", low_freq_factor,
          {.help = "llama3: waves longer than the original context over this are stretched in full",
           .min = 1e-6,
           .max = 1e6});
  v.field("high_freq_factor", high_freq_factor,
          {.help = "llama3: waves shorter than the original context over this stay",
           .min = 1e-6,
           .max = 1e6});
  v.field("original_max_position_embeddings", original_max_position_embeddings,
          {.help = "Context of training; 0 means max_position_embeddings",
           .unit = "tokens",
           .min = 0,
           .max = 1e9});
  v.field("attention_factor", attention_factor,
          {.help = "yarn, longrope: factor on the rotated parts; 0: from factor",
           .min = 0,
           .max = 1e6});
  v.field("beta_fast", beta_fast,
          {.help = "yarn: waves that turn more often in the original context stay; 0 means 32",
           .min = 0,
           .max = 1e6});
  v.field("beta_slow", beta_slow,
          {.help = "yarn: waves that turn less often are stretched in full; 0 means 1",
           .min = 0,
           .max = 1e6});
  v.field("mscale", mscale,
          {.help = "yarn: weight of log(factor) in attention_factor", .min = 0, .max = 1e6});
  v.field("mscale_all_dim", mscale_all_dim,
          {.help = "yarn: the same in its divisor", .min = 0, .max = 1e6});
  v.field("truncate", truncate, {.help = "yarn: round the ends of the ramp to whole dimensions"});
  v.field("short_factor", short_factor,
          {.help = "longrope: divisors of the frequencies within the original context",
           .min = 1e-6,
           .max = 1e9});
  v.field("long_factor", long_factor,
          {.help = "longrope: divisors of the frequencies beyond it", .min = 1e-6, .max = 1e9});
  v.field("partial_rotary_factor", partial_rotary_factor,
          {.help = "proportional: share of the frequencies that turn", .min = 0, .max = 1});
}

void LlamaConfig::describe(OptionVisitor& v) {
  v.field("vocab_size", vocab_size, {.help = "Number of token ids", .min = 1, .max = 1e8});
  v.field("hidden_size", hidden_size, {.help = "Width of the states", .min = 1, .max = kMaxSize});
  v.field("intermediate_size", intermediate_size,
          {.help = "Width inside the feed-forward part", .min = 1, .max = kMaxSize});
  v.field("num_hidden_layers", num_hidden_layers,
          {.help = "Number of layers", .min = 1, .max = 1000});
  v.field("num_attention_heads", num_attention_heads,
          {.help = "Number of attention heads", .min = 1, .max = kMaxSize});
  v.field("num_key_value_heads", num_key_value_heads,
          {.help = "Heads of keys and values; divides num_attention_heads; 0 means as many",
           .min = 0,
           .max = kMaxSize});
  v.field("head_dim", head_dim,
          {.help = "Width of a head, even; 0 means hidden_size / num_attention_heads",
           .min = 0,
           .max = kMaxSize});
  v.field("hidden_act", hidden_act, {.help = "Activation of the feed-forward part"});
  v.field("max_position_embeddings", max_position_embeddings,
          {.help = "Longest context of training", .unit = "tokens", .min = 1, .max = 1e9});
  v.field("rms_norm_eps", rms_norm_eps,
          {.help = "Added to the mean square in norms", .min = 0, .max = 1});
  v.field("initializer_range", initializer_range,
          {.help = "Standard deviation of new weights", .min = 0, .max = 10});
  v.field("rope_theta", rope_theta,
          {.help = "Base of the rotary frequencies", .min = 1, .max = 1e12});
  v.group("rope_scaling", rope_scaling, {.help = "Rotary frequencies for long contexts"});
  v.field("attention_bias", attention_bias, {.help = "Biases in the attention projections"});
  v.field("mlp_bias", mlp_bias, {.help = "Biases in the feed-forward part"});
  v.field("tie_word_embeddings", tie_word_embeddings,
          {.help = "One table for input tokens and logits"});
}

void check(const LlamaConfig& config, const std::string& origin) {
  if (config.head_dim == 0 && config.hidden_size % config.num_attention_heads != 0) {
    throw data_error(str(origin, ": hidden_size ", config.hidden_size,
                         " is not a multiple of num_attention_heads ", config.num_attention_heads));
  }
  if (config.num_attention_heads % config.kv_heads() != 0) {
    throw data_error(str(origin, ": num_key_value_heads ", config.kv_heads(),
                         " does not divide num_attention_heads ", config.num_attention_heads));
  }
  if (config.head_width() % 2 != 0) {
    throw data_error(str(origin, ": the head width ", config.head_width(),
                         " is odd; rotary positions need pairs"));
  }
  nn::parse_activation(config.hidden_act, origin + ": hidden_act");
  check_rope(config, origin);
}

LlamaConfig parse_config(const nlohmann::json& config, const std::string& origin) {
  expect_model_type(config, {"llama"}, origin);
  nlohmann::json normalised = config;
  normalise_rope(normalised, origin);
  LlamaConfig out;
  read_hf_options(normalised, out, origin);
  out.padding_row = padding_row(config, out.vocab_size, origin);
  check(out, origin);
  return out;
}

nlohmann::json to_hf_config(const LlamaConfig& config) {
  nlohmann::json out = io::write_json_options(config);
  if (config.padding_row >= 0) out["pad_token_id"] = config.padding_row;
  out["num_key_value_heads"] = config.kv_heads();
  out["head_dim"] = config.head_width();
  out["rope_scaling"] = scaling_to_json(config.rope_scaling, config.max_position_embeddings);
  out["model_type"] = "llama";
  out["architectures"] = {"LlamaForCausalLM"};
  return out;
}

}  // namespace reasonbrain::models::llama
