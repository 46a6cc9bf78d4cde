#include "models/clip/folder.h"
#include "models/reference.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models::clip {
namespace {

VisionConfig small_vision() {
  VisionConfig config;
  config.hidden_size = 12;
  config.intermediate_size = 20;
  config.num_hidden_layers = 3;
  config.num_attention_heads = 2;
  config.image_size = 8;
  config.patch_size = 4;
  config.projection_dim = 5;
  return config;
}

TextConfig small_text() {
  TextConfig config;
  config.hidden_size = 12;
  config.intermediate_size = 20;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.vocab_size = 30;
  config.max_position_embeddings = 6;
  config.eos_token_id = 29;
  return config;
}

std::filesystem::path fresh_folder(const std::string& name) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / name;
  std::filesystem::remove_all(folder);
  return folder;
}

TEST(ClipVision, MatchesReference) {
  models::testing::check_component("clip-vision");
}
TEST(ClipText, MatchesReference) {
  models::testing::check_component("clip-text");
}

TEST(ClipVision, FewerLayersGiveTheSameStates) {
  VisionModel model(small_vision(), /*with_projection=*/false, nn::Build{});
  nn::init_weights(*model, /*seed=*/3);
  const torch::Tensor pixels = at::rand({2, 3, 8, 8});
  const auto all = model(pixels);
  const auto two = model->hidden_states(pixels, /*num_layers=*/2);
  ASSERT_EQ(two.size(), 3u);
  for (size_t i = 0; i < two.size(); ++i) EXPECT_TRUE(two[i].equal(all.hidden_states[i]));
  EXPECT_FALSE(all.image_embeds.defined());
}

TEST(ClipVision, RefusesAnotherPictureSize) {
  VisionModel model(small_vision(), /*with_projection=*/false, nn::Build{});
  EXPECT_THROW(model(at::zeros({1, 3, 8, 12})), Error);
  EXPECT_THROW(model(at::zeros({1, 1, 8, 8})), Error);
}

TEST(ClipFolder, SaveAndLoadRestoresEveryWeight) {
  const auto folder = fresh_folder("clip_vision_roundtrip");
  VisionModel model(small_vision(), /*with_projection=*/true, nn::Build{});
  nn::init_weights(*model, /*seed=*/1);
  save_vision(folder, model);
  const auto loaded = load_vision(folder, nn::Build{});
  const auto expected = nn::state_dict(*model), got = nn::state_dict(*loaded.model);
  ASSERT_EQ(expected.size(), got.size());
  for (const auto& [key, tensor] : expected) EXPECT_TRUE(tensor.equal(got.at(key))) << key;
  EXPECT_EQ(loaded.by_file_key.size(), got.size());
  EXPECT_EQ(loaded.model->config().image_size, 8);
}

TEST(ClipFolder, TextWithoutProjectionStaysWithout) {
  const auto folder = fresh_folder("clip_text_roundtrip");
  TextModel model(small_text(), /*with_projection=*/false, nn::Build{});
  nn::init_weights(*model, /*seed=*/1);
  save_text(folder, model);
  auto loaded = load_text(folder, nn::Build{});
  EXPECT_FALSE(loaded.model->has_projection());
  const torch::Tensor ids = at::tensor(std::vector<int64_t>{1, 7, 29, 29}).view({1, 4});
  EXPECT_TRUE(loaded.model(ids).pooler_output.equal(model(ids).pooler_output));
}

TEST(ClipFolder, MissingWeightIsNamed) {
  const auto folder = fresh_folder("clip_missing");
  VisionModel model(small_vision(), /*with_projection=*/false, nn::Build{});
  nn::init_weights(*model, /*seed=*/1);
  save_vision(folder, model);
  auto weights = nn::state_dict(*model);
  weights.erase("vision_model.pre_layrnorm.bias");
  io::save_safetensors(folder / "model.safetensors", weights);
  try {
    load_vision(folder, nn::Build{});
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("vision_model.pre_layrnorm.bias"));
  }
}

TEST(ClipText, PooledStateIsReadAtTheFirstEnd) {
  TextModel model(small_text(), /*with_projection=*/false, nn::Build{});
  nn::init_weights(*model, /*seed=*/2);
  const torch::Tensor ids =
      at::tensor(std::vector<int64_t>{1, 29, 3, 29, 1, 2, 3, 29}).view({2, 4});
  const auto out = model(ids);
  EXPECT_TRUE(out.pooler_output[0].equal(out.last_hidden_state[0][1]));
  EXPECT_TRUE(out.pooler_output[1].equal(out.last_hidden_state[1][3]));
}

TEST(ClipText, RefusesALongText) {
  TextModel model(small_text(), /*with_projection=*/false, nn::Build{});
  EXPECT_THROW(model(at::zeros({1, 7}, torch::kInt64)), Error);
}

}  // namespace
}  // namespace reasonbrain::models::clip
