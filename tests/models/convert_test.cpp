// Models from the reference library's layout to the original code's and back, tensor by tensor.
#include "models/convert.h"

#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "core/temp_dir.h"
#include "io/json.h"
#include "models/llava/config.h"
#include "models/lora.h"
#include "models/sam/config.h"
#include "reasonbrain/error.h"
#include "reference.h"

namespace reasonbrain::models {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

ConvertibleModel load(const std::string& kind, const fs::path& folder) {
  return find_model_kind(kind)->load(folder, nn::Build{});
}

void expect_equal(const fs::path& folder, const fs::path& expected_folder) {
  const io::TensorStore got(folder), expected(expected_folder);
  EXPECT_EQ(got.keys(), expected.keys());
  for (const std::string& key : expected.keys()) {
    ASSERT_TRUE(got.contains(key)) << key;
    EXPECT_TRUE(at::equal(got.tensor(key), expected.tensor(key))) << key;
  }
  EXPECT_EQ(io::read_json(folder / "config.json"), io::read_json(expected_folder / "config.json"));
}

// What keeps the model of `folder` from the original layout; "" when it went there and back.
std::string there_and_back(const std::string& kind, const fs::path& folder) {
  SCOPED_TRACE(folder.string());
  const TempDir out;
  load(kind, folder).save(out.path() / "own");
  const ConvertibleModel model = load(kind, out.path() / "own");
  try {
    model.save_original(out.path() / "original");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    return error.what();
  }
  load(kind, out.path() / "original").save(out.path() / "back");
  expect_equal(out.path() / "back", out.path() / "own");
  return "";
}

// What the original layout of a kind cannot hold, as the message says it.
const std::map<std::string, std::string> kLacks = {{"llama", ".bias"},
                                                   {"llava", "LLaVA's original layout has"},
                                                   {"sam", "one table"},
                                                   {"unet", "time_embedding.cond_proj"}};

TEST(Convert, EveryModelThatMatchesReferenceGoesThereAndBack) {
  for (const ModelKind& kind : model_kinds()) {
    const auto cases = testing::golden_cases(kind.name == "vae" ? "vae-encode" : kind.name);
    int converted = 0;
    for (const fs::path& folder : cases) {
      const std::string problem = there_and_back(kind.name, folder);
      converted += problem.empty() ? 1 : 0;
      const auto lack = kLacks.find(kind.name);
      EXPECT_TRUE(problem.empty() ||
                  (lack != kLacks.end() && problem.find(lack->second) != std::string::npos))
          << folder << ": " << problem;
    }
    EXPECT_GT(converted, 0) << kind.name;
  }
}

const fs::path kData = RB_TEST_DATA;

TEST(Convert, TheOriginalLayoutsHaveTheOriginalNames) {
  const std::vector<std::array<const char*, 3>> names = {
      {"llama", "gqa", "layers.1.attention.wk.weight"},
      {"llava", "hub-prefixes", "model.mm_projector.2.bias"},
      {"llava", "hub-prefixes",
       "model.vision_tower.vision_tower.vision_model.embeddings.class_embedding"},
      {"t5-encoder", "v1-relu", "encoder/block_001/layer_001/DenseReluDense/wi/kernel"},
      {"t5-encoder", "v11-gated", "encoder/block_000/layer_000/rms_norm/scale"},
      {"sam", "case-00", "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"}};
  for (const auto& [kind, folder, key] : names) {
    const TempDir out;
    load(kind, kData / kind / folder).save_original(out.path() / "x");
    EXPECT_TRUE(io::TensorStore(out.path() / "x").contains(key)) << key;
  }
}

std::string original_problem(const std::string& kind, const fs::path& folder) {
  const TempDir out;
  try {
    load(kind, folder).save_original(out.path() / "x");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    return error.what();
  }
  return "";
}

TEST(Convert, WhatTheOriginalLayoutLacksIsNamed) {
  EXPECT_THAT(original_problem("llama", kData / "llama/left-padding-tied-biases"),
              HasSubstr("self_attn.q_proj.bias"));
  EXPECT_THAT(original_problem("llava", kData / "llava/new-prefixes-layers-tied"),
              HasSubstr("vision_feature_layer"));
  EXPECT_THAT(original_problem("sam", kData / "sam/case-02"), HasSubstr("one table"));
}

TEST(Convert, LlavaStaysOriginalWithoutATokenForThePicture) {
  const TempDir out;
  load("llava", kData / "llava/hub-prefixes").save_original(out.path() / "original");
  load("llava", out.path() / "original").save(out.path() / "hf");
  EXPECT_TRUE(io::TensorStore(out.path() / "hf").contains("multi_modal_projector.linear_1.weight"));
  const fs::path file = out.path() / "original" / "config.json";
  nlohmann::json config = io::read_json(file);
  config.erase("image_token_index");
  io::write_json(file, config);
  load("llava", out.path() / "original").save(out.path() / "kept");
  EXPECT_TRUE(io::TensorStore(out.path() / "kept").contains("model.mm_projector.0.weight"));
}

TEST(Convert, AdaptersOfLlavaAreWrittenUnderTheReferencesNames) {
  const TempDir out;
  for (const std::string name : {"adapter", "original-adapter"}) {
    const fs::path folder = kData / "llava" / name, written = out.path() / name;
    const ConvertibleModel model = load("llava", folder);
    save_peft_adapter(*model.module, written, "", model.lora.file_key);
    const io::TensorStore got(written), expected(folder / kAdapterFolder);
    size_t halves = 0;
    for (const std::string& key : expected.keys()) {
      if (key.find(".lora_") == std::string::npos) continue;  // a whole weight
      ++halves;
      ASSERT_TRUE(got.contains(key)) << key;
      EXPECT_TRUE(at::equal(got.tensor(key), expected.tensor(key))) << key;
    }
    EXPECT_EQ(got.keys().size(), halves);
    const ConvertibleModel bare = load("llava", kData / "llava" / "hub-prefixes");
    if (name == "adapter") {
      EXPECT_NO_THROW(load_peft_adapter(*bare.module, written, bare.lora.own_key));
    }
  }
}

TEST(Convert, KohyaFilesHaveTheNamesThatOthersRead) {
  const std::vector<std::array<std::string, 3>> cases = {
      {"unet", "case-00", "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"},
      {"clip-text", "old-eos", "lora_te_text_model_encoder_layers_0_self_attn_q_proj"},
      {"flux", "guidance", "lora_unet_double_blocks_0_img_attn_qkv"}};
  for (const auto& [kind, folder, layer] : cases) {
    const TempDir out;
    const fs::path file = out.path() / "x.safetensors";
    const ConvertibleModel model = load(kind, kData / kind / folder);
    attach_lora(*model.module, {.rank = 1, .targets = {kind == "clip-text" ? "q_proj" : "to_q"}},
                /*seed=*/1);
    write_lora_file(*model.module, lora_adapter_of(*model.module), file, model.lora,
                    LoraFormat::kKohya);
    EXPECT_TRUE(io::TensorStore(file).contains(layer + ".lora_up.weight")) << layer;
    EXPECT_NO_THROW(read_lora_file(*model.module, file, model.lora));
  }
}

TEST(Convert, FilesWithoutNamesForAModelAreRefused) {
  const TempDir out;
  const ConvertibleModel model = load("llama", kData / "llama/lora-right-padding-sharded");
  const LoraAdapter adapter = lora_adapter_of(*model.module);
  EXPECT_THROW(write_lora_file(*model.module, adapter, out.path() / "x.safetensors", model.lora,
                               LoraFormat::kKohya),
               Error);
}

}  // namespace
}  // namespace reasonbrain::models
