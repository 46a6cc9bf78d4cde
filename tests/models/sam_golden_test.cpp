// SAM against transformers, and what must hold of any.

#include <array>
#include <nlohmann/json.hpp>

#include "core/rng_tensor.h"
#include "core/temp_dir.h"
#include "io/json.h"
#include "models/hf_folder.h"
#include "models/sam/folder.h"
#include "models/sam/layout.h"
#include "reasonbrain/error.h"
#include "reference.h"

namespace reasonbrain::models::sam {
namespace {

SamConfig small_config() {
  SamConfig config;
  config.vision.hidden_size = 12;
  config.vision.num_attention_heads = 2;
  config.vision.num_hidden_layers = 2;
  config.vision.image_size = config.prompt.image_size = 20;
  config.vision.patch_size = config.prompt.patch_size = 4;
  config.vision.window_size = 3;
  config.vision.global_attn_indexes = {1};
  config.vision.num_pos_feats = 8;
  config.vision.output_channels = config.prompt.hidden_size = config.decoder.hidden_size = 16;
  config.decoder.num_attention_heads = 2;
  config.decoder.mlp_dim = 12;
  return config;
}

Sam small_sam() {
  Sam sam(small_config(), /*tied=*/true, nn::Build{});
  nn::init_weights(*sam, /*seed=*/3);
  return sam;
}

torch::Tensor pictures(int64_t count) {
  Rng rng(4);
  return randn(rng, {count, 3, 20, 20});
}

torch::Tensor points(int64_t count, int64_t prompts) {
  Rng rng(5);
  return randn(rng, {count, prompts, 2, 2}).abs() * 6;
}

// To the reference's own float32 noise: its gradients of queries and keys in the decoder's
// attention are off by up to 1e-3 (tests/models/reference.h).
TEST(Sam, MatchesReference) {
  testing::check_component("sam");
}

TEST(Sam, BatchAndPromptsEqualSingles) {
  torch::NoGradGuard no_grad;
  Sam sam = small_sam();
  const torch::Tensor images = sam->encode(pictures(2)), places = points(2, 3);
  const Masks together = sam->decode(images, {.points = places});
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t p = 0; p < 3; ++p) {
      const Masks alone = sam->decode(images.slice(0, i, i + 1),
                                      {.points = places.slice(0, i, i + 1).slice(1, p, p + 1)});
      EXPECT_LT(testing::relative_error(alone.pred_masks[0][0], together.pred_masks[i][p]), 1e-5);
      EXPECT_LT(testing::relative_error(alone.iou_scores[0][0], together.iou_scores[i][p]), 1e-5);
    }
  }
}

TEST(Sam, WindowsSeeNothingOfEachOther) {
  torch::NoGradGuard no_grad;
  SamConfig config = small_config();
  config.vision.global_attn_indexes = {};
  config.vision.num_hidden_layers = 1;
  VisionLayer layer(config.vision, /*window=*/3, nn::Build{});
  nn::init_weights(*layer, /*seed=*/6);
  Rng rng(7);
  torch::Tensor map = randn(rng, {1, 5, 5, 12});
  const torch::Tensor before = layer(map);
  map[0][4][4] = map[0][4][4].flip(0);  // in the last window, which the grid fills only in part
  const torch::Tensor change = (layer(map) - before).abs().sum(-1)[0];
  EXPECT_EQ(change.slice(0, 0, 3).max().item<float>(), 0);
  EXPECT_EQ(change.slice(1, 0, 3).max().item<float>(), 0);
  EXPECT_GT(change.slice(0, 3).slice(1, 3).min().item<float>(), 0);
}

TEST(Sam, SaveAndLoadRestoreEveryWeightInEitherLayout) {
  torch::NoGradGuard no_grad;
  Sam sam = small_sam();
  const TempDir folder;
  save(folder.path() / "hf", sam);
  const KeyTable table = original_keys(sam->config().decoder.iou_head_depth);
  const nn::StateDict original = to_file_layout(table, base_state_dict(*sam));
  EXPECT_TRUE(original.contains("image_encoder.blocks.1.attn.rel_pos_h"));
  EXPECT_TRUE(original.contains("mask_decoder.output_hypernetworks_mlps.3.layers.2.bias"));
  EXPECT_TRUE(original.contains("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"));
  std::filesystem::create_directory(folder.path() / "original");
  io::save_safetensors(folder.path() / "original" / "sam_vit_t.safetensors", original);
  std::filesystem::copy(folder.path() / "hf" / "config.json", folder.path() / "original");
  const torch::Tensor picture = pictures(1);
  const Masks expected = sam->decode(sam->encode(picture), {.points = points(1, 1)});
  for (const char* layout : {"hf", "original"}) {
    Sam loaded = load(folder.path() / layout, nn::Build{}).model;
    const Masks got = loaded->decode(loaded->encode(picture), {.points = points(1, 1)});
    EXPECT_TRUE(at::equal(got.pred_masks, expected.pred_masks)) << layout;
    EXPECT_TRUE(at::equal(got.iou_scores, expected.iou_scores)) << layout;
  }
}

TEST(Sam, CountsOfThePublishedModels) {
  const nn::Build meta{.tensor = torch::TensorOptions(torch::kFloat32).device(torch::kMeta)};
  const auto count = [&](int64_t width, int64_t layers, int64_t heads, int64_t every) {
    SamConfig config;
    config.vision.hidden_size = width;
    config.vision.num_hidden_layers = layers;
    config.vision.num_attention_heads = heads;
    config.vision.global_attn_indexes = {every - 1, 2 * every - 1, 3 * every - 1, 4 * every - 1};
    // the frequencies of positions are no parameter there
    return nn::count_parameters(*Sam(config, /*tied=*/true, meta)).total - 2 * 128;
  };
  EXPECT_EQ(count(768, 12, 12, 3), 93'735'728 - 256);
  EXPECT_EQ(count(1024, 24, 16, 6), 312'343'088 - 256);
  EXPECT_EQ(count(1280, 32, 16, 8), 641'090'864 - 256);
}

TEST(Sam, RefusesPromptsThatDoNotFit) {
  torch::NoGradGuard no_grad;
  Sam sam = small_sam();
  const torch::Tensor images = sam->encode(pictures(2)), places = points(2, 3);
  const torch::Tensor labels = at::ones({2, 3, 1}, torch::kInt64), boxes = at::ones({2, 2, 4});
  EXPECT_THROW(sam->encode(at::zeros({1, 3, 20, 16})), Error);
  EXPECT_THROW(sam->decode(images, {.points = points(1, 3)}), Error);
  EXPECT_THROW(sam->decode(images, {.points = places, .labels = labels}), Error);
  EXPECT_THROW(sam->decode(images, {.points = places, .boxes = boxes}), Error);
  EXPECT_THROW(sam->decode(images, {.points = places[0]}), Error);
  EXPECT_THROW(sam->decode(images, {.boxes = at::ones({2, 2, 3})}), Error);
  EXPECT_THROW(sam->decode(images, {.masks = at::zeros({2, 1, 16, 16})}), Error);
  EXPECT_THROW(sam->decode(images, {.masks = at::zeros({2, 3, 20, 20})}), Error);
  EXPECT_THROW(sam->decode(images, {.points = places, .boxes = at::ones({1, 3, 4})}), Error);
}

TEST(Sam, ConfigurationErrorsNameTheField) {
  const nlohmann::json good = to_hf_config(small_config());
  EXPECT_NO_THROW(parse_sam_config(good, "x"));
  EXPECT_NO_THROW(parse_sam_config(nlohmann::json::object(), "x"));  // all defaults: ViT-B
  const std::vector<std::array<const char*, 3>> bad = {
      {"vision_config", "hidden_act", "\"mish2\""},
      {"vision_config", "hidden_size", "13"},
      {"vision_config", "output_channels", "24"},
      {"vision_config", "num_pos_feats", "9"},
      {"vision_config", "patch_size", "40"},
      {"vision_config", "image_size", "[20, 20]"},
      {"vision_config", "global_attn_indexes", "3"},
      {"prompt_encoder_config", "image_size", "33"},
      {"mask_decoder_config", "hidden_size", "\"a\""},
      {"mask_decoder_config", "mlp_dim", "0"},
      {"mask_decoder_config", "num_attention_heads", "3"}};
  for (const auto& [section, field, value] : bad) {
    nlohmann::json config = good;
    config[section][field] = nlohmann::json::parse(value);
    try {
      parse_sam_config(config, "x");
      ADD_FAILURE() << field << " = " << value << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_THAT(error.what(),
                  ::testing::HasSubstr(std::string(field) == "hidden_act" ? "mish2" : field));
    }
  }
}

}  // namespace
}  // namespace reasonbrain::models::sam
