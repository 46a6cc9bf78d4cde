// The T5 encoder against transformers, and what must hold of any.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temp_dir.h"
#include "models/hf_folder.h"
#include "models/t5/folder.h"
#include "reasonbrain/error.h"
#include "reference.h"

namespace reasonbrain::models::t5 {
namespace {

T5Config small_config() {
  T5Config config;
  config.vocab_size = 30;
  config.d_model = 12;
  config.d_kv = 4;
  config.d_ff = 20;
  config.num_layers = 2;
  config.num_heads = 2;
  config.feed_forward_proj = "gated-gelu";
  return config;
}

T5Encoder small_encoder() {
  T5Encoder encoder(small_config(), nn::Build{});
  nn::init_weights(*encoder, /*seed=*/2);
  return encoder;
}

TEST(T5, MatchesReference) {
  testing::check_component("t5-encoder");
}

TEST(T5, BucketsGrowWithDistanceInBothDirections) {
  const torch::Tensor distance = at::arange(-200, 201);
  const torch::Tensor buckets =
      relative_buckets(distance, /*num_buckets=*/32, /*max_distance=*/128);
  const auto at_distance = [&](int64_t d) { return buckets[d + 200].item<int64_t>(); };
  EXPECT_EQ(at_distance(0), 0);
  EXPECT_EQ(at_distance(-7), 7);
  EXPECT_EQ(at_distance(7), 16 + 7);
  EXPECT_EQ(at_distance(-128), 15);
  EXPECT_EQ(at_distance(200), 31);
  const torch::Tensor before = buckets.narrow(0, 0, 201).flip(0);
  EXPECT_TRUE((before.slice(0, 1) >= before.slice(0, 0, -1)).all().item<bool>());
}

TEST(T5, PaddingDoesNotReachTokens) {
  T5Encoder encoder = small_encoder();
  const torch::Tensor ids = at::arange(1, 8).view({1, 7});
  const torch::Tensor alone = encoder(ids.narrow(1, 0, 4));
  const torch::Tensor mask = at::tensor({1, 1, 1, 1, 0, 0, 0}).view({1, 7});
  EXPECT_LT(testing::relative_error(encoder(ids, mask).narrow(1, 0, 4), alone), 1e-5);
  EXPECT_GT(testing::relative_error(encoder(ids).narrow(1, 0, 4), alone), 1e-3);
}

TEST(T5, SaveAndLoadRestoreEveryWeight) {
  T5Encoder encoder = small_encoder();
  const TempDir folder;
  save(folder.path(), encoder);
  T5Encoder loaded = load(folder.path(), nn::Build{}).model;
  const torch::Tensor ids = at::arange(10).view({2, 5});
  EXPECT_TRUE(at::equal(encoder(ids), loaded(ids)));
}

TEST(T5, DecoderOfAWholeModelIsPassedOver) {
  T5Encoder encoder = small_encoder();
  const TempDir folder;
  save(folder.path(), encoder);
  nn::StateDict weights = base_state_dict(*encoder);
  weights["decoder.block.0.layer.0.layer_norm.weight"] = at::ones({12});
  weights["lm_head.weight"] = at::ones({30, 12});
  io::save_safetensors(folder.path() / "model.safetensors", weights);
  EXPECT_NO_THROW(load(folder.path(), nn::Build{}));
  weights["encoder.block.0.foreign.weight"] = at::ones({12});
  io::save_safetensors(folder.path() / "model.safetensors", weights);
  EXPECT_THROW(load(folder.path(), nn::Build{}), Error);
}

TEST(T5, CountOfThePublishedModel) {
  T5Config config;
  config.d_model = 4096;
  config.d_ff = 10240;
  config.num_layers = 24;
  config.num_heads = 64;
  config.feed_forward_proj = "gated-gelu";
  const nn::Build meta{.tensor = torch::TensorOptions(torch::kFloat32).device(torch::kMeta)};
  EXPECT_EQ(nn::count_parameters(*T5Encoder(config, meta)).total, 4'762'310'656);
}

TEST(T5, ActivationAndGateOfTheirOwnGoBeforeTheProjectionsName) {
  const T5Config both = parse_t5_config(
      {{"feed_forward_proj", "gated-gelu"}, {"dense_act_fn", "gelu"}, {"is_gated_act", false}},
      "config.json");
  EXPECT_EQ(both.activation(), nn::Activation::kGelu);
  EXPECT_FALSE(both.gated());
  const T5Config again = parse_t5_config(to_hf_config(both), "config.json");
  EXPECT_EQ(again.activation(), nn::Activation::kGelu);
  EXPECT_FALSE(again.gated());
  const T5Config plain = parse_t5_config({{"feed_forward_proj", "gated-gelu"}}, "config.json");
  EXPECT_EQ(plain.activation(), nn::Activation::kGeluTanh);
  EXPECT_TRUE(plain.gated());
}

TEST(T5, TheReferencesOtherNamesGoBefore) {
  const T5Config config = parse_t5_config(
      {{"hidden_size", 16}, {"d_model", 8}, {"num_hidden_layers", 3}, {"head_dim", 4}},
      "config.json");
  EXPECT_EQ(config.d_model, 16);
  EXPECT_EQ(config.num_layers, 3);
  EXPECT_EQ(config.d_kv, 4);
}

TEST(T5, UnsupportedValuesAreNamed) {
  const auto error_of = [](const nlohmann::json& object) -> std::string {
    try {
      parse_t5_config(object, "config.json");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  using ::testing::HasSubstr;
  EXPECT_EQ(error_of({{"feed_forward_proj", "gated-silu"}}), "");
  EXPECT_THAT(error_of({{"feed_forward_proj", "gated-maxout"}}), HasSubstr("gated-maxout"));
  EXPECT_THAT(error_of({{"dense_act_fn", "maxout"}}), HasSubstr("dense_act_fn 'maxout'"));
  EXPECT_THAT(error_of({{"model_type", "umt5"}}), HasSubstr("umt5"));
  EXPECT_THAT(error_of({{"is_decoder", true}}), HasSubstr("is_decoder"));
  EXPECT_THAT(error_of({{"relative_attention_max_distance", 8}}),
              HasSubstr("relative_attention_max_distance"));
}

}  // namespace
}  // namespace reasonbrain::models::t5
