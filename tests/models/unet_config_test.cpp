#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/unet/unet.h"

namespace reasonbrain::models::unet {
namespace {

using nlohmann::json;

std::string error_of(const json& object) {
  try {
    unet_config_from_json(object, "config.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 4);
    return error.what();
  }
  return "";
}

TEST(UNetConfig, AbsentFieldsAreTheReferencesDefaults) {
  const UNetConfig config = unet_config_from_json(json::object(), "config.json");
  EXPECT_EQ(config.block_out_channels, (std::vector<int64_t>{320, 640, 1280, 1280}));
  EXPECT_EQ(config.num_heads(3), 8);
}

TEST(UNetConfig, ScalarsListsAndNullsOfTheReferenceAreRead) {
  const UNetConfig config =
      unet_config_from_json({{"attention_head_dim", {5, 10, 20, 20}},
                             {"layers_per_block", 2},
                             {"only_cross_attention", {true, false, true, false}},
                             {"mid_block_type", nullptr},
                             {"num_attention_heads", nullptr},
                             {"class_embed_type", nullptr},
                             {"mid_block_scale_factor", 1.0},
                             {"_diffusers_version", "0.20.0"}},
                            "config.json");
  EXPECT_EQ(config.num_heads(2), 20);
  EXPECT_EQ(config.only_cross_attention, (std::vector<int64_t>{1, 0, 1, 0}));
  EXPECT_EQ(config.mid_block_type, "none");
}

TEST(UNetConfig, UnsupportedValuesAreNamed) {
  EXPECT_THAT(error_of({{"class_embed_type", "timestep"}}), testing::HasSubstr("class_embed_type"));
  EXPECT_THAT(error_of({{"resnet_time_scale_shift", "scale_shift"}}),
              testing::HasSubstr("resnet_time_scale_shift"));
  EXPECT_THAT(error_of({{"down_block_types",
                         {"DownBlock2D", "DownBlock2D", "DownBlock2D", "KDownBlock2D"}}}),
              testing::HasSubstr("KDownBlock2D"));
  EXPECT_THAT(error_of({{"attention_head_dim", {8, 8}}}), testing::HasSubstr("attention_head_dim"));
  EXPECT_THAT(error_of({{"norm_num_groups", 7}}), testing::HasSubstr("norm_num_groups"));
  EXPECT_THAT(error_of({{"time_embedding_dim", -1}}), testing::HasSubstr("time_embedding_dim"));
  EXPECT_THAT(error_of({{"atention_head_dim", 8}}), testing::HasSubstr("atention_head_dim"));
}

TEST(UNetConfig, WhatChangesNothingIsTaken) {
  EXPECT_EQ(error_of({{"dropout", 0.1}, {"time_embedding_dim", 1280}, {"act_fn", "SiLU"}}), "");
}

TEST(UNetConfig, SizesHaveEnds) {
  for (const char* key :
       {"layers_per_block", "transformer_layers_per_block", "norm_num_groups",
        "cross_attention_dim", "attention_head_dim", "time_cond_proj_dim", "time_embedding_dim"}) {
    EXPECT_THAT(error_of({{key, 5'000'000'000'000'000'000}}), testing::HasSubstr(key));
  }
  const json levels = std::vector<int64_t>(17, 320);
  EXPECT_THAT(error_of({{"block_out_channels", levels}}), testing::HasSubstr("17 entries"));
}

TEST(UNetConfig, HeadsMatterOnlyWhereThereIsAttention) {
  json object{{"attention_head_dim", {8, 8, 8, 2000}}};
  EXPECT_THAT(error_of(object), testing::HasSubstr("level 3 2000 attention heads"));
  object["mid_block_type"] = nullptr;  // the last level's down and up blocks have none either
  EXPECT_EQ(error_of(object), "");
}

TEST(UNetConfig, WrittenAndReadItIsTheSame) {
  UNetConfig config;
  config.attention_head_dim = {5, 10, 20, 20};
  config.only_cross_attention = {1, 0, 0, 1};
  config.mid_block_type = "none";
  config.use_linear_projection = true;
  const json written = unet_config_to_json(config);
  EXPECT_EQ(written["_class_name"], "UNet2DConditionModel");
  EXPECT_EQ(written["layers_per_block"], 2);  // the reference takes no list of one
  EXPECT_TRUE(written["only_cross_attention"][0].is_boolean());
  EXPECT_EQ(unet_config_to_json(unet_config_from_json(written, "config.json")), written);
}

// Sizes of the published models; built without memory.
TEST(UNet, CountsOfStableDiffusion) {
  const nn::Build meta{.tensor = torch::TensorOptions(torch::kFloat32).device(torch::kMeta)};
  UNetConfig sd15;
  sd15.cross_attention_dim = {768};
  EXPECT_EQ(nn::count_parameters(*UNet(sd15, meta)).total, 859'520'964);
  UNetConfig sd21;
  sd21.cross_attention_dim = {1024};
  sd21.attention_head_dim = {5, 10, 20, 20};
  sd21.use_linear_projection = true;
  EXPECT_EQ(nn::count_parameters(*UNet(sd21, meta)).total, 865'910'724);
  sd15.in_channels = 8;
  EXPECT_EQ(nn::count_parameters(*UNet(sd15, meta)).total, 859'532'484);
}

}  // namespace
}  // namespace reasonbrain::models::unet
