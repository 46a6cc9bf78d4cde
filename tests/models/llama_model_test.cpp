#include <nlohmann/json.hpp>

#include "core/expect_error.h"
#include "core/rng_tensor.h"
#include "io/json.h"
#include "io/json_options.h"
#include "models/llama/folder.h"
#include "models/lora.h"
#include "models/peft_pattern.h"
#include "models/reference.h"
#include "nn/attention.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::models::llama {
namespace {

constexpr float kRounding = 1e-5f;

LlamaConfig small_config() {
  LlamaConfig config;
  config.vocab_size = 20;
  config.hidden_size = 16;
  config.intermediate_size = 24;
  config.num_hidden_layers = 3;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.initializer_range = 0.25;
  return config;
}

Llama small_model(const LlamaConfig& config = small_config()) {
  Llama model(config, nn::Build{});
  nn::init_weights(*model, /*seed=*/5);
  return model;
}

torch::Tensor random_states(int64_t batch, int64_t length) {
  Rng rng(/*seed=*/11);
  return randn(rng, {batch, length, small_config().hidden_size});
}

std::filesystem::path fresh_folder(const std::string& name) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / name;
  std::filesystem::remove_all(folder);
  return folder;
}

TEST(Llama, MatchesReference) {
  models::testing::check_component("llama");
}

TEST(Llama, BatchWithLeftPaddingEqualsSingles) {
  Llama model = small_model();
  const torch::Tensor states = random_states(/*batch=*/3, /*length=*/6);
  torch::Tensor mask = at::ones({3, 6}, torch::kInt64);
  const std::vector<int64_t> padding = {0, 2, 5};
  for (int64_t b = 0; b < 3; ++b) mask[b].narrow(0, 0, padding[b]).zero_();
  const torch::Tensor positions = (mask.cumsum(-1) - 1).clamp_min(0);
  const torch::Tensor batch = model->forward(states, mask, positions).last_hidden_state;
  EXPECT_TRUE(batch.isfinite().all().item<bool>());
  for (int64_t b = 0; b < 3; ++b) {
    const int64_t kept = 6 - padding[b];
    const torch::Tensor alone =
        model->forward(states.narrow(0, b, 1).narrow(1, padding[b], kept)).last_hidden_state;
    EXPECT_LT(models::testing::relative_error(batch[b].narrow(0, padding[b], kept), alone[0]),
              kRounding);
  }
}

TEST(Llama, PaddedRowsHaveFiniteGradients) {
  Llama model = small_model();
  torch::Tensor states = random_states(2, 5).set_requires_grad(true);
  torch::Tensor mask = at::ones({2, 5}, torch::kInt64);
  mask[0].narrow(0, 0, 3).zero_();
  model->head(model->forward(states, mask).last_hidden_state).sum().backward();
  EXPECT_TRUE(states.grad().isfinite().all().item<bool>());
  for (const auto& parameter : model->named_parameters()) {
    if (parameter.key() == "model.embed_tokens.weight") continue;  // the input was not made from it
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_TRUE(parameter.value().grad().isfinite().all().item<bool>()) << parameter.key();
  }
}

// Hides the given keys from `first_layer` on, scales heads, and records the rows asked for.
class TestHook : public LayerHook {
 public:
  torch::Tensor mask, scale, rows;
  int64_t first_layer = 0;
  std::map<int64_t, torch::Tensor> taken;

  torch::Tensor key_mask(int64_t layer) override {
    return layer >= first_layer ? mask : torch::Tensor();
  }
  torch::Tensor head_scale(int64_t) override { return scale; }
  torch::Tensor wanted_rows(int64_t) override { return rows; }
  void take_rows(int64_t layer, const torch::Tensor& weights) override { taken[layer] = weights; }
};

TEST(LayerHook, MaskedKeysAreAsIfRemoved) {
  Llama model = small_model();
  const torch::Tensor states = random_states(1, 6);
  torch::Tensor keep = at::ones({1, 6}, torch::kInt64);
  keep[0][2] = 0;
  TestHook hook;
  hook.mask = nn::additive_key_mask(keep, torch::kFloat32);
  const torch::Tensor masked = model->forward(states, {}, {}, &hook).last_hidden_state;
  const torch::Tensor left = at::tensor(std::vector<int64_t>{0, 1, 3, 4, 5});
  const torch::Tensor removed =
      model->forward(states.index_select(1, left), {}, left.view({1, 5})).last_hidden_state;
  EXPECT_LT(models::testing::relative_error(masked.index_select(1, left), removed), kRounding);
  EXPECT_GT(models::testing::relative_error(masked, model->forward(states).last_hidden_state),
            1e-3);
}

TEST(LayerHook, RowsAreTheAttentionInUse) {
  Llama model = small_model();
  const torch::Tensor states = random_states(2, 5);
  TestHook hook;
  hook.rows = at::tensor(std::vector<int64_t>{1, 4});
  const torch::Tensor plain = model->forward(states).last_hidden_state;
  EXPECT_TRUE(model->forward(states, {}, {}, &hook).last_hidden_state.equal(plain));
  ASSERT_EQ(hook.taken.size(), 3u);
  const torch::Tensor weights = hook.taken.at(2);
  EXPECT_EQ(weights.sizes(), (std::vector<int64_t>{2, 4, 2, 5}));
  EXPECT_TRUE(weights.sum(-1).allclose(at::ones({2, 4, 2})));
  EXPECT_EQ(weights.select(2, 0).narrow(-1, 2, 3).abs().max().item<float>(),
            0);  // row 1 sees no later key
  EXPECT_FALSE(weights.requires_grad());
}

TEST(LayerHook, ScaleZeroMakesAttentionUniform) {
  Llama model = small_model();
  TestHook hook;
  hook.scale = at::tensor({1.f, 0.f, 1.f, 1.f});
  hook.rows = at::tensor(std::vector<int64_t>{3});
  model->forward(random_states(1, 4), {}, {}, &hook);
  EXPECT_TRUE(hook.taken.at(0)[0][1][0].allclose(at::full({4}, 0.25)));
  EXPECT_FALSE(hook.taken.at(0)[0][0][0].allclose(at::full({4}, 0.25)));
}

TEST(KvCache, TextInPartsEqualsTheWhole) {
  Llama model = small_model();
  const torch::Tensor states = random_states(2, 7);
  torch::Tensor mask = at::ones({2, 7}, torch::kInt64);
  mask[0].narrow(0, 0, 2).zero_();
  for (const torch::Tensor& keep : {torch::Tensor(), mask}) {
    const torch::Tensor whole = model->forward(states, keep).last_hidden_state;
    KvCache cache;
    std::vector<torch::Tensor> parts;
    for (const auto& [begin, count] : {std::pair{0, 3}, {3, 2}, {5, 1}, {6, 1}}) {
      const torch::Tensor seen = keep.defined() ? keep.narrow(1, 0, begin + count) : keep;
      parts.push_back(model
                          ->forward(states.narrow(1, begin, count), seen, {}, /*hook=*/nullptr,
                                    /*keep_hidden_states=*/false, &cache)
                          .last_hidden_state);
    }
    EXPECT_EQ(cache.length(), 7);
    const torch::Tensor joined = at::cat(parts, 1);
    EXPECT_LT(models::testing::relative_error(joined.narrow(1, 2, 5), whole.narrow(1, 2, 5)),
              kRounding);
  }
}

TEST(Llama, WantedPositionsAreTheLastOfAll) {
  Llama model = small_model();
  const torch::Tensor states = random_states(2, 6);
  torch::Tensor mask = at::ones({2, 6}, torch::kInt64);
  mask[1].narrow(0, 0, 2).zero_();
  TestHook hook;
  for (const torch::Tensor& keep : {torch::Tensor(), mask}) {
    for (LayerHook* seen_by : {static_cast<LayerHook*>(nullptr), static_cast<LayerHook*>(&hook)}) {
      const auto run = [&](int64_t num_wanted) {
        torch::Tensor inputs = states.clone().set_requires_grad(true);
        const torch::Tensor out =
            model
                ->forward(inputs, keep, {}, seen_by,
                          /*keep_hidden_states=*/false, /*cache=*/nullptr, num_wanted)
                .last_hidden_state;
        out.narrow(1, out.size(1) - 3, 3).square().sum().backward();
        return std::pair(out.detach(), inputs.grad());
      };
      const auto [all, all_gradient] = run(0);
      const auto [last, gradient] = run(3);
      ASSERT_EQ(last.size(1), 3);
      EXPECT_LT(models::testing::relative_error(last, all.narrow(1, 3, 3)), kRounding);
      EXPECT_LT(models::testing::relative_error(gradient, all_gradient), kRounding);
    }
  }
}

TEST(Llama, RowsThatSeeNothingReadNothing) {
  Llama model = small_model();
  const torch::Tensor states = random_states(1, 5);
  torch::Tensor mask = at::ones({1, 5}, torch::kInt64);
  mask.narrow(1, 0, 2).zero_();
  // Without attention the first layer of a blind row is its feed-forward part alone.
  auto& layer = *model->model->layers->ptr<DecoderLayerImpl>(0);
  const torch::Tensor blind = states.narrow(1, 0, 2);
  const torch::Tensor expected = blind + layer.mlp(layer.post_attention_layernorm(blind));
  const auto all = model->forward(states, mask, {}, /*hook=*/nullptr, /*keep_hidden_states=*/true);
  EXPECT_LT(models::testing::relative_error(all.hidden_states[1].narrow(1, 0, 2), expected),
            kRounding);
}

TEST(Llama, ThePaddingRowOfTheTableDoesNotLearn) {
  LlamaConfig config = small_config();
  config.padding_row = 3;
  Llama model = small_model(config);
  const torch::Tensor ids = at::tensor(std::vector<int64_t>{3, 5, 3}).view({1, 3});
  model->forward(model->embed(ids)).last_hidden_state.square().sum().backward();
  const torch::Tensor gradient = model->model->embed_tokens->weight.grad();
  EXPECT_EQ(gradient[3].abs().max().item<float>(), 0);
  EXPECT_GT(gradient[5].abs().max().item<float>(), 0);
  EXPECT_EQ(parse_config(to_hf_config(config), "config.json").padding_row, 3);
  EXPECT_EQ(parse_config({{"vocab_size", 20}, {"pad_token_id", -1}}, "config.json").padding_row,
            19);
}

TEST(LlamaFolder, TiedTablesThatDifferAreTwo) {
  const auto folder = fresh_folder("llama_untied");
  Llama model = small_model();
  save(folder, model);
  nlohmann::json config = io::read_json(folder / "config.json");
  config["tie_word_embeddings"] = true;
  io::write_json(folder / "config.json", config);
  auto loaded = load(folder, nn::Build{});
  EXPECT_FALSE(loaded.model->config().tie_word_embeddings);
  EXPECT_TRUE(loaded.model->lm_head->weight.equal(model->lm_head->weight));
}

TEST(LlamaFolder, EveryRopeScalingIsWrittenAndRead) {
  for (const char* text :
       {R"({"rope_type": "yarn", "factor": 4, "beta_fast": 8, "mscale": 2, "mscale_all_dim": 1,
            "original_max_position_embeddings": 8, "truncate": false})",
        R"({"rope_type": "longrope", "factor": 4, "original_max_position_embeddings": 4,
            "short_factor": [1, 2], "long_factor": [3, 4]})",
        R"({"rope_type": "proportional", "factor": 2, "partial_rotary_factor": 0.5})"}) {
    LlamaConfig config = small_config();
    io::read_json_options(nlohmann::json::parse(text), config.rope_scaling, "test");
    const auto folder = fresh_folder("llama_rope");
    Llama model = small_model(config);
    save(folder, model);
    const torch::Tensor states = random_states(1, 6);
    EXPECT_TRUE(load(folder, nn::Build{})
                    .model->forward(states)
                    .last_hidden_state.equal(model->forward(states).last_hidden_state))
        << text;
  }
}

TEST(LlamaFolder, SaveAndLoadRestoresModelAndAdapter) {
  const auto folder = fresh_folder("llama_roundtrip");
  LlamaConfig config = small_config();
  config.tie_word_embeddings = true;
  config.head_dim = 6;
  config.rope_scaling.rope_type = "llama3";
  config.rope_scaling.factor = 4;
  Llama model = small_model(config);
  EXPECT_EQ(attach_lora(*model, {.rank = 2, .alpha = 6, .targets = {"q_proj", "1.mlp.up_proj"}},
                        /*seed=*/1),
            4);
  for (auto& parameter : model->named_parameters()) {
    if (!is_lora_parameter(parameter.key())) continue;
    torch::NoGradGuard no_grad;
    Rng rng(/*seed=*/2);
    parameter.value().copy_(randn(rng, parameter.value().sizes()));
  }
  save(folder, model);
  save_peft_adapter(*model, folder / kAdapterFolder);
  auto loaded = load(folder, nn::Build{});
  const torch::Tensor ids = at::tensor(std::vector<int64_t>{1, 5, 7}).view({1, 3});
  const auto logits = [&](Llama& llama) {
    return llama->head(llama(llama->embed(ids)).last_hidden_state);
  };
  const torch::Tensor expected = logits(model);
  EXPECT_TRUE(logits(loaded.model).equal(expected));
  EXPECT_TRUE(
      loaded.by_file_key.contains("base_model.model.model.layers.1.mlp.up_proj.lora_B.weight"));
  merge_lora(*loaded.model);
  EXPECT_LT(models::testing::relative_error(logits(loaded.model), expected), kRounding);
}

TEST(Lora, FreshAdapterChangesNothingAndRepeats) {
  Llama model = small_model(), other = small_model();
  const torch::Tensor states = random_states(1, 4);
  const torch::Tensor before = model->forward(states).last_hidden_state;
  attach_lora(*model, LoraOptions{}, /*seed=*/7);
  attach_lora(*other, LoraOptions{}, /*seed=*/7);
  EXPECT_TRUE(model->forward(states).last_hidden_state.equal(before));
  const auto left = nn::state_dict(*model), right = nn::state_dict(*other);
  const std::string key = "model.layers.0.self_attn.q_proj.lora_A";
  EXPECT_TRUE(left.at(key).equal(right.at(key)));
  EXPECT_GT(left.at(key).abs().max().item<float>(), 0);
}

TEST(Lora, RefusesWhatItCannotUse) {
  Llama model = small_model();
  EXPECT_THROW(attach_lora(*model, {.targets = {"query"}}, /*seed=*/1), Error);
  EXPECT_THROW(save_peft_adapter(*model, fresh_folder("no_adapter")), Error);

  const auto folder = fresh_folder("bad_adapter");
  attach_lora(*model, LoraOptions{}, /*seed=*/1);
  save_peft_adapter(*model, folder);
  LlamaConfig shallow = small_config();
  shallow.num_hidden_layers = 1;  // the adapter's layers 1 and 2 do not exist
  Llama other(shallow, nn::Build{});
  EXPECT_THROW(load_peft_adapter(*other, folder), Error);

  const nlohmann::json plain = io::read_json(folder / "adapter_config.json");
  const std::pair<const char*, nlohmann::json> fields[] = {{"init_lora_weights", "pissa_niter_4"},
                                                           {"init_lora_weights", "OLoRA"},
                                                           {"layer_replication", {{0, 1}, {1, 2}}},
                                                           {"use_dora", true}};
  for (const auto& [name, value] : fields) {
    nlohmann::json config = plain;
    config[name] = value;
    io::write_json(folder / "adapter_config.json", config);
    Llama fresh = small_model();
    EXPECT_ERROR(load_peft_adapter(*fresh, folder), kData, name);
  }
  nlohmann::json config = plain;
  config["fan_in_fan_out"] = true;  // means nothing for linear layers
  io::write_json(folder / "adapter_config.json", config);
  Llama fresh = small_model();
  EXPECT_NO_THROW(load_peft_adapter(*fresh, folder));

  const std::string layer = "model.layers.0.self_attn.q_proj";
  io::TensorMap weights = io::load_safetensors(folder / "adapter_model.safetensors");
  weights["base_model.model." + layer + ".lora_A.weight"] = at::ones({0, 16});
  weights["base_model.model." + layer + ".lora_B.weight"] = at::ones({16, 0});
  io::save_safetensors(folder / "adapter_model.safetensors", weights);
  config["rank_pattern"] = {{layer, 0}};
  io::write_json(folder / "adapter_config.json", config);
  Llama last = small_model();
  EXPECT_ERROR(load_peft_adapter(*last, folder), kData, "at least 1");
}

TEST(Lora, FullWeightsComeWithTheAdapter) {
  const auto folder = fresh_folder("full_weights");
  Llama model = small_model();
  attach_lora(*model, LoraOptions{}, /*seed=*/1);
  save_peft_adapter(*model, folder);
  io::TensorMap weights = io::load_safetensors(folder / "adapter_model.safetensors");
  const torch::Tensor head = at::full({20, 16}, 0.5), table = at::full({20, 16}, 0.25);
  weights["base_model.model.lm_head.base_layer.weight"] = head;
  weights["base_model.model.model.embed_tokens.weight"] = table;
  io::save_safetensors(folder / "adapter_model.safetensors", weights);
  Llama loaded = small_model();
  load_peft_adapter(*loaded, folder);
  EXPECT_TRUE(loaded->lm_head->weight.equal(head));
  EXPECT_TRUE(loaded->model->embed_tokens->weight.equal(table));

  LlamaConfig config = small_config();
  config.tie_word_embeddings = true;
  Llama tied = small_model(config);
  weights.erase("base_model.model.lm_head.base_layer.weight");
  io::save_safetensors(folder / "adapter_model.safetensors", weights);
  EXPECT_ERROR(load_peft_adapter(*tied, folder), kData, "tie_word_embeddings");
  nlohmann::json ensured = io::read_json(folder / "adapter_config.json");
  ensured["ensure_weight_tying"] = true;
  io::write_json(folder / "adapter_config.json", ensured);
  weights["base_model.model.lm_head.weight"] = table;
  io::save_safetensors(folder / "adapter_model.safetensors", weights);
  const auto by_key = load_peft_adapter(*tied, folder);
  EXPECT_TRUE(tied->model->embed_tokens->weight.equal(table));
  EXPECT_TRUE(by_key.contains("base_model.model.lm_head.weight"));
}

TEST(Lora, PatternsNameOneLayerOrThoseOfAnExpression) {
  const auto read = [](const nlohmann::ordered_json& patterns) {
    return LayerPatterns({{"rank_pattern", patterns}}, "rank_pattern", "a.json");
  };
  const LayerPatterns some = read({{"layers.1.*proj", 4}, {"v_proj", 6}, {"k.proj", 7}});
  EXPECT_EQ(some.of("model.layers.1.self_attn.v_proj", 1), 4);  // the first that fits
  EXPECT_EQ(some.of("model.layers.0.self_attn.v_proj", 1), 6);
  EXPECT_EQ(some.of("v_proj", 1), 6);
  EXPECT_EQ(some.of("model.layers.0.self_attn.my_v_proj", 1), 1);
  EXPECT_EQ(some.of("model.layers.0.self_attn.k_proj", 1), 7);
  EXPECT_EQ(some.of("proj", 1), 1);
  const LayerPatterns exact = read({{exact_pattern("proj_out"), 2}});
  EXPECT_EQ(exact.of("proj_out", 1), 2);
  EXPECT_EQ(exact.of("blocks.0.proj_out", 1), 1);
  EXPECT_EQ(LayerPatterns({}, "rank_pattern", "a.json").of("proj_out", 1), 1);
  EXPECT_EQ(read(nullptr).of("proj_out", 1), 1);
  EXPECT_ERROR(read({{"(", 2}}), kData, "a.json: rank_pattern: '(' is not a regular expression");
  EXPECT_ERROR(read({{"q", "2"}}), kData, "a.json: rank_pattern of 'q' is \"2\"");
  EXPECT_ERROR(read(nlohmann::ordered_json::array({1})), kData, "expected an object");
  for (const std::string& long_one : {std::string(20'000, '('), std::string("(a?){30000}")})
    EXPECT_ERROR(read({{long_one, 2}}), kData, "is too long");
  EXPECT_EQ(read({{"layers.[10,11,12,13].mlp", 2}}).of("model.layers.1.mlp", 1), 2);
  EXPECT_ERROR(read({{"(?=.*(?=.*zz))q", 2}}), kData, "look-aheads");
  // Exponential where an engine tries one way after the other.
  EXPECT_EQ(read({{"(a*)*b", 2}}).of(std::string(200, 'a'), 1), 1);
}

TEST(Lora, ManyKeysAreRefusedBeforeTheyTakeQuadraticTime) {
  std::string text = "{\"rank_pattern\": {\"q\": 1";
  for (int i = 0; i < 10'000; ++i) text += ", \"" + std::to_string(i) + "\": 1";
  EXPECT_ERROR(parse_ordered(text + "}}", "a.json"), kData, "a.json: an object holds 10001 keys");
  EXPECT_EQ(parse_ordered(R"({"b": 1, "a": 2})", "a.json").begin().key(), "b");
}

TEST(LlamaConfig, NamesWhatIsNotSupported) {
  const auto problem = [](const char* text) -> std::string {
    try {
      parse_config(nlohmann::json::parse(text), "config.json");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(problem(R"({"rope_scaling": {"type": "su", "factor": 2}})"),
              ::testing::HasSubstr("'su'"));
  EXPECT_THAT(problem(R"({"rope_scaling": {"type": "linear"}})"), ::testing::HasSubstr("factor"));
  EXPECT_THAT(problem(R"({"rope_scaling": {"type": "linear", "factor": -2}})"),
              ::testing::HasSubstr("factor"));
  EXPECT_EQ(problem(R"({"rope_scaling": {"type": "linear", "factor": 0.5}})"), "");
  EXPECT_THAT(problem(R"({"rope_scaling": {"type": "longrope", "factor": 2, "long_factor": [1]}})"),
              ::testing::HasSubstr("short_factor"));
  EXPECT_THAT(problem(R"({"model_type": "mistral"})"), ::testing::HasSubstr("mistral"));
  EXPECT_THAT(problem(R"({"num_attention_heads": 4, "num_key_value_heads": 3})"),
              ::testing::HasSubstr("3"));
  EXPECT_THAT(problem(R"({"hidden_act": "xielu"})"), ::testing::HasSubstr("hidden_act 'xielu'"));
  EXPECT_THAT(problem(R"({"vocab_size": 9, "pad_token_id": 9})"),
              ::testing::HasSubstr("pad_token_id"));
  EXPECT_THAT(problem(R"({"hidden_size": 10, "num_attention_heads": 4})"),
              ::testing::HasSubstr("10"));
  EXPECT_THAT(problem(R"({"partial_rotary_factor": 0.5, "rope_scaling": {"type": "yarn"}})"),
              ::testing::HasSubstr("partial_rotary_factor"));
  EXPECT_EQ(problem(R"({"rope_parameters": {"rope_theta": 5e5, "partial_rotary_factor": 0.5}})"),
            "");
  EXPECT_EQ(
      problem(R"({"rope_scaling": null, "num_key_value_heads": null, "torch_dtype": "float16"})"),
      "");
}

}  // namespace
}  // namespace reasonbrain::models::llama
