// Adapter files of diffusers and kohya: written, read, fused and split; several adapters; merging.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/expect_error.h"
#include "core/rng_tensor.h"
#include "core/temp_dir.h"
#include "models/lora.h"
#include "models/lora_adapter.h"
#include "nn/conv.h"
#include "nn/linear.h"
#include "reasonbrain/error.h"
#include "reference.h"

namespace reasonbrain::models {
namespace {

using ::testing::HasSubstr;

class BlockImpl : public nn::Module {
 public:
  BlockImpl() {
    to_q = register_module("to_q", nn::Linear(4, 3, /*bias=*/true, nn::Build{}));
    to_v = register_module("to_v", nn::Linear(4, 5, /*bias=*/true, nn::Build{}));
    out = register_module("out", nn::Linear(8, 6, /*bias=*/false, nn::Build{}));
    conv = register_module("conv", nn::Conv2d(6, 2, 3, 1, 1, /*bias=*/false, nn::Build{}));
  }
  torch::Tensor forward(const torch::Tensor& x) { return out(at::cat({to_q(x), to_v(x)}, -1)); }
  nn::Linear to_q{nullptr}, to_v{nullptr}, out{nullptr};
  nn::Conv2d conv{nullptr};
};
TORCH_MODULE(Block);

Block fresh_block() {
  Block block;
  nn::init_weights(*block, /*seed=*/2);
  return block;
}

LoraNames names() {
  return {{"unet."},
          {"lora_unet_"},
          KeyTable({{{"attn.qv.{p}"}, {"to_q.{p}", "to_v.{p}"}},
                    {{"final.{p}"}, {"out.{p}"}, KeyTransform::kSwapHalves},
                    {{"{rest}"}, {"{rest}"}}}),
          /*kohya_is_original=*/true};
}

LoraAdapter random_adapter(uint64_t seed) {
  Rng rng(seed);
  return {{"out", randn(rng, {2, 8}), randn(rng, {6, 2}), 0.5},
          {"to_q", randn(rng, {2, 4}), randn(rng, {3, 2}), 1.5},
          {"to_v", randn(rng, {1, 4}), randn(rng, {5, 1}), 2.0}};
}

torch::Tensor input() {
  Rng rng(77);
  return randn(rng, {3, 4});
}

torch::Tensor output_with(const std::vector<WeightedAdapter>& adapters) {
  Block block = fresh_block();
  attach_adapters(*block, adapters);
  return block(input());
}

class Formats : public ::testing::TestWithParam<LoraFormat> {};

TEST_P(Formats, WrittenAndReadAgainIsTheSameChange) {
  const TempDir folder;
  const auto path = folder.path() / "a.safetensors";
  for (const bool whole : {true, false}) {
    LoraAdapter adapter = random_adapter(1);
    if (!whole) adapter.pop_back();  // to_v has none, though it shares a tensor with to_q
    Block block = fresh_block();
    write_lora_file(*block, adapter, path, names(), GetParam());
    const LoraAdapter back = read_lora_file(*block, path, names());
    EXPECT_LT(testing::relative_error(output_with({{back}}), output_with({{adapter}})), 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(LoraFiles, Formats,
                         ::testing::Values(LoraFormat::kDiffusers, LoraFormat::kKohya));

TEST(LoraFiles, SeveralAdaptersAreTheirWeightedSum) {
  const torch::Tensor both = output_with({{random_adapter(1), 0.25}, {random_adapter(5), -2.0}});
  Block block = fresh_block();
  merge_adapter(*block, random_adapter(1), 0.25);
  merge_adapter(*block, random_adapter(5), -2.0);
  EXPECT_LT(testing::relative_error(block(input()), both), 1e-5);
  merge_adapter(*block, random_adapter(1), -0.25);
  merge_adapter(*block, random_adapter(5), 2.0);
  EXPECT_LT(testing::relative_error(block(input()), fresh_block()(input())), 1e-5);
}

TEST(LoraFiles, KohyaHasOurNamesWhereTheOriginalsAreNotUsual) {
  const TempDir folder;
  const auto path = folder.path() / "a.safetensors";
  LoraNames usual = names();
  Block block = fresh_block();
  write_lora_file(*block, random_adapter(1), path, usual, LoraFormat::kKohya);
  EXPECT_TRUE(io::TensorStore(path).contains("lora_unet_attn_qv.lora_up.weight"));
  usual.kohya_is_original = false;
  write_lora_file(*block, random_adapter(1), path, usual, LoraFormat::kKohya);
  EXPECT_TRUE(io::TensorStore(path).contains("lora_unet_to_q.lora_up.weight"));
}

TEST(LoraFiles, MetadataGoBeforeAlphaKeysOfAUNet) {
  const TempDir folder;
  const auto path = folder.path() / "a.safetensors";
  const io::TensorMap tensors = {{"unet.to_q.lora_A.weight", at::ones({2, 4})},
                                 {"unet.to_q.lora_B.weight", at::ones({3, 2})},
                                 {"unet.to_q.alpha", at::full({1}, 16.0)}};
  Block block = fresh_block();
  io::save_safetensors(path, tensors);
  LoraNames own = names();
  own.kohya_is_original = false;
  EXPECT_EQ(read_lora_file(*block, path, own).at(0).scale, 8);
  io::save_safetensors(path, tensors, {{"lora_adapter_metadata", R"({"unet.lora_alpha": 4})"}});
  EXPECT_EQ(read_lora_file(*block, path, own).at(0).scale, 2);
  EXPECT_ERROR(read_lora_file(*block, path, names()), kData, "is stated twice");
}

std::string read_problem(const io::TensorMap& tensors) {
  const TempDir folder;
  io::save_safetensors(folder.path() / "a.safetensors", tensors);
  Block block = fresh_block();
  try {
    read_lora_file(*block, folder.path() / "a.safetensors", names());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    return error.what();
  }
  return "";
}

TEST(LoraFiles, OldNamesAndOtherModelsKeys) {
  const torch::Tensor down = at::ones({2, 4}), up = at::ones({3, 2});
  EXPECT_EQ(read_problem({{"unet.to_q.lora.down.weight", down},
                          {"unet.to_q.lora.up.weight", up},
                          {"text_encoder.x.lora_A.weight", down}}),
            "");
  EXPECT_THAT(read_problem({{"lora_te_x.lora_down.weight", down}}), HasSubstr("no key"));
  EXPECT_THAT(read_problem({{"unet.to_x.lora_A.weight", down}}), HasSubstr("no layer"));
  EXPECT_THAT(read_problem({{"unet.to_q.lora_A.weight", down}}), HasSubstr("other matrix"));
  EXPECT_THAT(read_problem({{"unet.to_q.dora_scale", down}}), HasSubstr("dora_scale"));
  EXPECT_THAT(read_problem({{"lora_unet_attn_qv.lora_down.weight", down},
                            {"lora_unet_attn_qv.lora_up.weight", at::ones({9, 2})}}),
              HasSubstr("rows"));
  EXPECT_THAT(read_problem({{"unet.to_q.lora_A.weight", at::ones({0, 4})},
                            {"unet.to_q.lora_B.weight", at::ones({3, 0})}}),
              HasSubstr("rank 0"));
}

TEST(LoraFiles, ConvolutionsCanOnlyBeMerged) {
  Rng rng(3);
  const LoraAdapter adapter = {{"conv", randn(rng, {2, 6, 3, 3}), randn(rng, {2, 2, 1, 1}), 0.5}};
  Block block = fresh_block();
  EXPECT_THROW(attach_adapters(*block, {{adapter}}), Error);
  const torch::Tensor x = randn(rng, {1, 6, 5, 5});
  const torch::Tensor before = block->conv(x);
  merge_adapter(*block, adapter);
  const torch::Tensor change =
      at::conv2d(at::conv2d(x, adapter[0].down, {}, 1, 1), adapter[0].up) * 0.5;
  EXPECT_LT(testing::relative_error(block->conv(x), before + change), 1e-5);
  LoraAdapter wrong = adapter;
  wrong[0].up = at::ones({3, 2, 1, 1});
  EXPECT_THROW(merge_adapter(*block, wrong), Error);
}

}  // namespace
}  // namespace reasonbrain::models
