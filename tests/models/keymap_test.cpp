// Key maps: patterns, tables in both directions, strict loading, the layouts' round trips.
#include "models/key_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/rng_tensor.h"
#include "core/temp_dir.h"
#include "models/clip/key_map.h"
#include "models/clip/text.h"
#include "models/qformer/key_map.h"
#include "models/qformer/qformer.h"
#include "models/unet/key_map.h"
#include "models/unet/unet.h"
#include "models/vae/key_map.h"
#include "models/vae/vae.h"
#include "nn/linear.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PairImpl : public nn::Module {
 public:
  PairImpl() {
    q = register_module("q", nn::Linear(4, 2, /*bias=*/true, nn::Build{}));
    k = register_module("k", nn::Linear(4, 6, /*bias=*/true, nn::Build{}));
    out = register_module("out", nn::Linear(4, 4, /*bias=*/false, nn::Build{}));
  }
  nn::Linear q{nullptr}, k{nullptr}, out{nullptr};
};
TORCH_MODULE(Pair);

KeyTable pair_table() {
  return KeyTable({{{"old.qk.{p}"}, {"q.{p}", "k.{p}"}},
                   {{"old.out.{p}"}, {"out.{p}"}, KeyTransform::kTranspose},
                   {{"{rest}.inv_freq"}, {}}});
}

io::TensorMap pair_file() {
  Rng rng(4);
  return {{"old.qk.weight", randn(rng, {8, 4})},
          {"old.qk.bias", randn(rng, {8})},
          {"old.out.weight", randn(rng, {4, 4})},
          {"rope.inv_freq", at::ones({2})}};
}

std::string load_problem(const io::TensorMap& tensors, const KeyTable& table) {
  const TempDir folder;
  io::save_safetensors(folder.path() / "model.safetensors", tensors);
  Pair module;
  try {
    load_weights(*module, io::TensorStore(folder.path()), table);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    return error.what();
  }
  return "";
}

TEST(KeyPattern, CapturesNumbersPartsAndRest) {
  Captures captures;
  EXPECT_TRUE(KeyPattern("a.{i}.{name}.{rest}").match("a.12.x.y.z", captures));
  EXPECT_EQ(captures, (Captures{{"i", "12"}, {"name", "x"}, {"rest", "y.z"}}));
  EXPECT_EQ(KeyPattern("{rest}/{i}").fill(captures), "y.z/12");
  EXPECT_FALSE(KeyPattern("a.{i}.b").match("a.x.b", captures));
  EXPECT_FALSE(KeyPattern("a.{name}").match("a.x.b", captures));
  EXPECT_FALSE(KeyPattern("a.{rest}").match("a.", captures));
  EXPECT_TRUE(KeyPattern("{rest}.q.{p}").match("x.q.q.bias", captures));
  EXPECT_EQ(captures.at("rest"), "x.q");
}

TEST(KeyTable, FusedTensorsAreSplitAndGradientsPutTogether) {
  const TempDir folder;
  const io::TensorMap file = pair_file();
  io::save_safetensors(folder.path() / "model.safetensors", file);
  Pair module;
  const FileParameters parameters =
      load_weights(*module, io::TensorStore(folder.path()), pair_table());
  EXPECT_TRUE(at::equal(module->q->weight, file.at("old.qk.weight").narrow(0, 0, 2)));
  EXPECT_TRUE(at::equal(module->k->bias, file.at("old.qk.bias").narrow(0, 2, 6)));
  EXPECT_TRUE(at::equal(module->out->weight, file.at("old.out.weight").t()));
  EXPECT_EQ(parameters.size(), 3u);
  for (const auto& [key, parameter] : parameters) {
    EXPECT_TRUE(at::equal(parameter.assemble(parameter.parts), file.at(key))) << key;
  }
  nn::StateDict written = to_file_layout(pair_table(), nn::state_dict(*module));
  ASSERT_EQ(written.size(), 3u);
  for (const auto& [key, tensor] : written) EXPECT_TRUE(at::equal(tensor, file.at(key))) << key;
}

TEST(KeyTable, ProblemsAreListedUnderTheFilesNames) {
  io::TensorMap file = pair_file();
  EXPECT_EQ(load_problem(file, pair_table()), "");
  file.erase("old.out.weight");
  EXPECT_THAT(load_problem(file, pair_table()), HasSubstr("1 missing: old.out.weight"));
  file["old.qk.weight"] = at::ones({9, 4});
  file["other"] = at::ones({1});
  const std::string message = load_problem(file, pair_table());
  EXPECT_THAT(message, HasSubstr("unexpected: other"));
  EXPECT_THAT(message, HasSubstr("old.qk.weight (file [9, 4], model [8, 4])"));
  file = pair_file();
  file["old.qk.bias"][3] = INFINITY;
  EXPECT_THAT(load_problem(file, pair_table()), HasSubstr("'old.qk.bias'"));
}

TEST(KeyTable, OneTensorOfOursFromSeveral) {
  const KeyTable table({{{"a.{p}", "b.{p}"}, {"out.{p}"}}, {{"{rest}"}, {"{rest}"}}});
  const TempDir folder;
  Pair source;
  nn::init_weights(*source, 3);
  const nn::StateDict file = to_file_layout(table, nn::state_dict(*source));
  EXPECT_EQ(file.at("b.weight").sizes(), (std::vector<int64_t>{2, 4}));
  io::save_safetensors(folder.path() / "model.safetensors", file);
  Pair module;
  load_weights(*module, io::TensorStore(folder.path()), table);
  EXPECT_TRUE(at::equal(module->out->weight, source->out->weight));
}

TEST(KeyTable, RotatingPairsStandSideBySideInTheFile) {
  const KeyTable table({{.file = {"wq.{p}"},
                         .module = {"q.{p}"},
                         .transform = KeyTransform::kRotaryHalves,
                         .heads = 2}});
  const torch::Tensor rows = at::arange(12).to(torch::kFloat32).view({12, 1});
  const torch::Tensor file = to_file_layout(table, {{"q.weight", rows}}).at("wq.weight");
  const torch::Tensor expected =
      at::tensor({0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}, torch::kFloat32);
  EXPECT_TRUE(at::equal(file.flatten(), expected));
}

TEST(KeyTable, TheFirstOfTwoNamesIsLoaded) {
  KeyPlan plan;
  plan.add("lm_head.weight", "table.weight");
  plan.add("table.weight", "table.weight");
  plan.add("old.weight", "table.weight");
  plan.add("norm.weight", "norm.weight");
  std::vector<bool> aliases;
  for (const KeyBinding& binding : plan.bindings) aliases.push_back(binding.alias);
  EXPECT_EQ(aliases, (std::vector<bool>{true, false, true, false}));
}

// Writing in a layout and reading it again gives every weight back.
template <class Model>
void expect_round_trip(Model source, Model target, const KeyTable& table) {
  nn::init_weights(*source, /*seed=*/8);
  const TempDir folder;
  io::save_safetensors(folder.path() / "x.safetensors",
                       to_file_layout(table, nn::state_dict(*source)));
  load_weights(*target, io::TensorStore(folder.path()), table);
  const nn::StateDict expected = nn::state_dict(*source);
  for (const auto& [key, tensor] : nn::state_dict(*target)) {
    EXPECT_TRUE(at::equal(tensor, expected.at(key))) << key;
  }
}

TEST(Layouts, EveryWeightComesBack) {
  const nn::Build build;
  unet::UNetConfig unet;
  unet.block_out_channels = {8, 16, 16};
  unet.down_block_types = {"CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"};
  unet.up_block_types = {"CrossAttnUpBlock2D", "UpBlock2D", "CrossAttnUpBlock2D"};
  unet.layers_per_block = {2, 1, 1};
  unet.cross_attention_dim = {6};
  unet.norm_num_groups = 4;
  unet.attention_head_dim = {2};
  expect_round_trip(unet::UNet(unet, build), unet::UNet(unet, build), unet::ldm_key_table(unet));
  vae::VaeConfig vae;
  vae.block_out_channels = {4, 8, 8};
  vae.down_block_types = {"DownEncoderBlock2D", "AttnDownEncoderBlock2D", "DownEncoderBlock2D"};
  vae.up_block_types = {"UpDecoderBlock2D", "UpDecoderBlock2D", "AttnUpDecoderBlock2D"};
  vae.norm_num_groups = 2;
  expect_round_trip(vae::AutoencoderKL(vae, build), vae::AutoencoderKL(vae, build),
                    vae::ldm_key_table(vae));
  qformer::QFormerConfig qformer;
  qformer.hidden_size = 8;
  qformer.num_attention_heads = 2;
  qformer.num_hidden_layers = 3;
  qformer.intermediate_size = 12;
  expect_round_trip(qformer::QFormer(qformer, build), qformer::QFormer(qformer, build),
                    qformer::lavis_key_table());
  clip::TextConfig text;
  text.hidden_size = 8;
  text.num_attention_heads = 2;
  text.num_hidden_layers = 2;
  text.intermediate_size = 12;
  text.vocab_size = 10;
  text.projection_dim = 6;
  expect_round_trip(clip::TextModel(text, true, build), clip::TextModel(text, true, build),
                    clip::original_text_key_table());
}

TEST(Layouts, UnknownKeysBelowTheirOwnPrefixAreUnexpected) {
  const std::vector<std::string> keys = {"model.diffusion_model.input_blocks.0.0.weight",
                                         "model.diffusion_model.input_blocks.99.x",
                                         "first_stage_model.anything", "betas"};
  const KeyPlan plan = unet::key_table(unet::UNetConfig(), keys).plan_loading(keys);
  EXPECT_THAT(plan.unknown, ElementsAre("model.diffusion_model.input_blocks.99.x"));
  EXPECT_EQ(plan.bindings.size(), 1u);
}

}  // namespace
}  // namespace reasonbrain::models
