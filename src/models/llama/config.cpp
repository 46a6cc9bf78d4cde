#include "models/llama/config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/str.h"
#include "models/hf_folder.h"
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
  for (const nlohmann::json* object : {&std::as_const(config), &std::as_const(rope)}) {
    const auto partial = object->find("partial_rotary_factor");
    if (partial != object->end() && !partial->is_null() && *partial != 1) {
      throw data_error(
          str(origin, ": partial_rotary_factor ", partial->dump(), " is not supported; only 1 is"));
    }
  }
  config["rope_scaling"] = rope;
}

void check_rope(const RopeScaling& rope, const std::string& origin) {
  const std::vector<std::string> known = {"default", "linear", "dynamic", "llama3"};
  if (std::find(known.begin(), known.end(), rope.rope_type) == known.end()) {
    throw data_error(str(origin, ": rope_type '", rope.rope_type, "' is not supported; expected ",
                         join(known, ", ")));
  }
  if (rope.rope_type == "llama3" && rope.high_freq_factor <= rope.low_freq_factor) {
    throw data_error(str(origin, ": high_freq_factor ", rope.high_freq_factor,
                         " must be greater than low_freq_factor ", rope.low_freq_factor));
  }
}

nlohmann::json scaling_to_json(const RopeScaling& rope, int64_t max_positions) {
  if (rope.rope_type == "default") return nullptr;
  nlohmann::json out = {{"rope_type", rope.rope_type}, {"factor", rope.factor}};
  if (rope.rope_type == "llama3") {
    out["low_freq_factor"] = rope.low_freq_factor;
    out["high_freq_factor"] = rope.high_freq_factor;
    const int64_t original = rope.original_max_position_embeddings;
    out["original_max_position_embeddings"] = original ? original : max_positions;
  }
  return out;
}

}  // namespace

void RopeScaling::describe(OptionVisitor& v) {
  v.field("rope_type", rope_type,
          {.help = "How frequencies are stretched: default (not), linear, dynamic, llama3"});
  v.field("factor", factor,
          {.help = "How many times longer the context becomes", .min = 1, .max = 1e6});
  v.field("low_freq_factor", low_freq_factor,
          {.help = "llama3: waves longer than the original context over this are stretched in full",
           .min = 1e-6,
           .max = 1e6});
  v.field("high_freq_factor", high_freq_factor,
          {.help = "llama3: waves shorter than the original context over this stay",
           .min = 1e-6,
           .max = 1e6});
  v.field("original_max_position_embeddings", original_max_position_embeddings,
          {.help = "llama3: context of training; 0 means max_position_embeddings",
           .unit = "tokens",
           .min = 0,
           .max = 1e9});
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
  check_rope(config.rope_scaling, origin);
}

LlamaConfig parse_config(const nlohmann::json& config, const std::string& origin) {
  expect_model_type(config, {"llama"}, origin);
  nlohmann::json normalised = config;
  normalise_rope(normalised, origin);
  LlamaConfig out;
  read_hf_options(normalised, out, origin);
  check(out, origin);
  return out;
}

nlohmann::json to_hf_config(const LlamaConfig& config) {
  nlohmann::json out = io::write_json_options(config);
  out["num_key_value_heads"] = config.kv_heads();
  out["head_dim"] = config.head_width();
  out["rope_scaling"] = scaling_to_json(config.rope_scaling, config.max_position_embeddings);
  out["model_type"] = "llama";
  out["architectures"] = {"LlamaForCausalLM"};
  return out;
}

}  // namespace reasonbrain::models::llama
