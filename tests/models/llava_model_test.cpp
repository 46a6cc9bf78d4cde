#include <nlohmann/json.hpp>

#include "core/rng_tensor.h"
#include "core/temp_dir.h"
#include "io/json.h"
#include "models/clip/folder.h"
#include "models/llava/delta.h"
#include "models/llava/folder.h"
#include "models/reference.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::llava {
namespace {

using ::testing::HasSubstr;

LlavaConfig small_config(bool original) {
  LlavaConfig config;
  config.vision.hidden_size = 8;
  config.vision.intermediate_size = 12;
  config.vision.num_hidden_layers = 2;
  config.vision.num_attention_heads = 2;
  config.vision.image_size = 8;
  config.vision.patch_size = 4;
  config.text.vocab_size = 20;
  config.text.hidden_size = 12;
  config.text.intermediate_size = 16;
  config.text.num_hidden_layers = 2;
  config.text.num_attention_heads = 2;
  config.text.initializer_range = 0.3;
  config.image_token_index = original ? kPictureToken : 19;
  return config;
}

Llava small_model(const LlavaConfig& config) {
  Llava model(config, nn::Build{});
  nn::init_weights(*model, /*seed=*/3);
  return model;
}

torch::Tensor pictures(int64_t count) {
  Rng rng(/*seed=*/4);
  return randn(rng, {count, 3, 8, 8});
}

torch::Tensor ids(const std::vector<int64_t>& values) {
  return at::tensor(values).view({1, -1});
}

TEST(Llava, MatchesReference) {
  models::testing::check_component("llava");
}

TEST(Llava, BothLayoutsComputeTheSame) {
  Llava hf = small_model(small_config(/*original=*/false));
  Llava original = small_model(small_config(/*original=*/true));
  const torch::Tensor expected = hf(ids({1, 19, 19, 19, 19, 5}), pictures(1));
  const torch::Tensor logits = original(ids({1, kPictureToken, 5}), pictures(1));
  EXPECT_LT(models::testing::relative_error(logits, expected), 1e-6);
}

TEST(Llava, TextWithoutPictureMayBeGivenOne) {
  Llava model = small_model(small_config(/*original=*/true));
  const torch::Tensor batch = at::cat({ids({1, 2, 3}), ids({4, kPictureToken, 5})});
  const torch::Tensor own = model(batch, pictures(2));
  EXPECT_EQ(own.sizes(), (std::vector<int64_t>{2, 6, 20}));
  const torch::Tensor alone = model(ids({4, kPictureToken, 5}), pictures(2).narrow(0, 1, 1));
  EXPECT_LT(models::testing::relative_error(own[1], alone[0]), 1e-6);
  EXPECT_THROW(model(batch, pictures(3)), Error);
}

TEST(Llava, CountsThatDoNotFitAreNamed) {
  Llava model = small_model(small_config(/*original=*/false));
  try {
    model(ids({1, 19, 19, 5}), pictures(1));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), HasSubstr("2 image tokens"));
  }
}

TEST(Llava, WithoutPicturesTextStaysAsItIs) {
  for (const bool original : {false, true}) {
    LlavaConfig config = small_config(original);
    config.max_length = 2;
    Llava model = small_model(config);
    const torch::Tensor text = ids({1, 2, 3}), mask = ids({1, 1, 0});
    const torch::Tensor logits = model(text, torch::Tensor(), mask);
    llama::Llama& language = model->language_model;
    const auto states = language->forward(language->embed(text), mask).last_hidden_state;
    EXPECT_TRUE(logits.equal(language->head(states)));
  }
}

TEST(Llava, ImageTokensThatAreNoWordsNeedPictures) {
  LlavaConfig beyond = small_config(/*original=*/false);
  beyond.image_token_index = 25;
  for (const LlavaConfig& config : {beyond, small_config(/*original=*/true)}) {
    Llava model = small_model(config);
    EXPECT_THROW(model(ids({1, config.image_token_index}), torch::Tensor()), Error);
  }
  Llava word = small_model(small_config(/*original=*/false));
  EXPECT_NO_THROW(word(ids({1, 19}), torch::Tensor()));
}

TEST(LlavaFolder, BothLayoutsAreWrittenAndRead) {
  for (const bool original : {false, true}) {
    const TempDir folder;
    Llava model = small_model(small_config(original));
    save(folder.path(), model);
    Loaded loaded = load(folder.path(), nn::Build{});
    const torch::Tensor text = original ? ids({1, kPictureToken, 5}) : ids({1, 19, 19, 19, 19, 5});
    EXPECT_TRUE(loaded.model(text, pictures(1)).equal(model(text, pictures(1))));
    EXPECT_TRUE(loaded.by_file_key.contains(original ? "model.mm_projector.2.weight"
                                                     : "multi_modal_projector.linear_2.weight"));
  }
}

TEST(LlavaFolder, TowerThatIsNowhereIsAnError) {
  const TempDir folder;
  LlavaConfig config = small_config(/*original=*/true);
  save(folder.path(), small_model(config));
  const auto path = folder.path() / "config.json";
  nlohmann::json json = io::read_json(path);
  json.erase("vision_config");  // width 8 is no multiple of a head's 64
  io::write_json(path, json);
  try {
    load(folder.path(), nn::Build{});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("mm_vision_tower"));
  }
}

TEST(LlavaConfig, NamesWhatIsNotSupported) {
  const auto problem = [](const char* text) -> std::string {
    try {
      const auto json = nlohmann::json::parse(text);
      if (is_original_config(json)) {
        parse_original_config(json, small_config(true).vision, "config.json");
      } else {
        parse_config(json, "config.json");
      }
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(problem("{}"), "");
  EXPECT_THAT(problem(R"({"vision_feature_select_strategy": "half"})"), HasSubstr("half"));
  EXPECT_THAT(problem(R"({"vision_feature_layer": 99})"), HasSubstr("99"));
  EXPECT_THAT(problem(R"({"vision_feature_layer": "last"})"), HasSubstr("vision_feature_layer"));
  EXPECT_THAT(problem(R"({"text_config": {"model_type": "qwen2"}})"), HasSubstr("qwen2"));
  EXPECT_THAT(problem(R"({"vision_config": {"model_type": "siglip_vision_model"}})"),
              HasSubstr("siglip"));
  EXPECT_THAT(problem(R"({"mm_projector_type": "resampler"})"), HasSubstr("resampler"));
  EXPECT_THAT(problem(R"({"mm_projector_type": "mlp99999999999999999999x_gelu"})"),
              HasSubstr("mlp9"));
  EXPECT_THAT(problem(R"({"mm_patch_merge_type": "spatial_unpad"})"), HasSubstr("spatial_unpad"));
  EXPECT_THAT(problem(R"({"mm_hidden_size": 1024})"), HasSubstr("1024"));
}

TEST(Delta, IsAddedAndLongerTablesAreFilled) {
  const TempDir folder;
  Rng rng(/*seed=*/6);
  const torch::Tensor base = randn(rng, {4, 3}), delta = randn(rng, {6, 3});
  const torch::Tensor projector = randn(rng, {3, 2});
  const auto write = [&](const char* name, const io::TensorMap& tensors) {
    const auto path = folder.path() / (std::string(name) + ".safetensors");
    io::save_safetensors(path, tensors);
    return io::TensorStore(path);
  };
  const auto own =
      write("base", {{"model.embed_tokens.weight", base}, {"model.norm.weight", base}});
  const auto sum =
      apply_delta(own, write("delta", {{"model.embed_tokens.weight", delta.to(torch::kHalf)},
                                       {"model.norm.weight", base},
                                       {"model.mm_projector.weight", projector}}));
  const torch::Tensor table = sum.at("model.embed_tokens.weight");
  EXPECT_EQ(table.scalar_type(), torch::kHalf);
  const torch::Tensor half = delta.to(torch::kHalf).to(torch::kFloat32);
  EXPECT_TRUE(table.narrow(0, 0, 4).equal((half.narrow(0, 0, 4) + base).to(torch::kHalf)));
  EXPECT_TRUE(table.narrow(0, 4, 2).equal(delta.narrow(0, 4, 2).to(torch::kHalf)));
  EXPECT_TRUE(sum.at("model.norm.weight").equal(base + base));
  EXPECT_TRUE(sum.at("model.mm_projector.weight").equal(projector));

  EXPECT_THROW(apply_delta(own, write("short", {{"model.norm.weight", base}})), Error);
  EXPECT_THROW(apply_delta(own, write("other", {{"model.embed_tokens.weight", delta},
                                                {"model.norm.weight", delta}})),
               Error);
  EXPECT_THROW(apply_delta(own, write("extra", {{"model.embed_tokens.weight", delta},
                                                {"model.norm.weight", base},
                                                {"model.extra", base}})),
               Error);
}

}  // namespace
}  // namespace reasonbrain::models::llava
