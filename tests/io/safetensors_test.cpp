#include "reasonbrain/safetensors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "core/expect_error.h"
#include "core/temp_dir.h"
#include "io/json.h"
#include "io/safetensors_tensor.h"

namespace reasonbrain::io {
namespace {
namespace fs = std::filesystem;

bool identical(const torch::Tensor& a, const torch::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         (a.numel() == 0 || std::memcmp(a.contiguous().const_data_ptr(),
                                        b.contiguous().const_data_ptr(), a.nbytes()) == 0);
}

TensorMap example() {
  return {{"weight", torch::arange(12, torch::kFloat32).view({3, 4})},
          {"scalar", torch::tensor(2.5, torch::kFloat64)},
          {"empty", torch::empty({0, 3}, torch::kInt64)},
          {"half", torch::arange(5).to(torch::kBFloat16)}};
}

TEST(Safetensors, RoundTripsEveryDtype) {
  const TempDir dir;
  TensorMap tensors;
  for (int i = 0; i <= static_cast<int>(Dtype::kF8E5M2); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    tensors[dtype_name(dtype)] = torch::arange(7).to(torch::kFloat32).to(to_scalar_type(dtype));
    EXPECT_EQ(to_dtype(to_scalar_type(dtype)), dtype);
    EXPECT_EQ(c10::elementSize(to_scalar_type(dtype)), static_cast<size_t>(dtype_bytes(dtype)));
  }
  save_safetensors(dir / "t.safetensors", tensors);
  const TensorMap back = load_safetensors(dir / "t.safetensors");
  ASSERT_EQ(back.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(identical(back.at(name), tensor)) << name;
  EXPECT_ERROR(to_dtype(torch::kComplexFloat), kRuntime, "no dtype");
}

TEST(Safetensors, KeepsShapesMetadataAndStridedValues) {
  const TempDir dir;
  TensorMap tensors = example();
  tensors["strided"] = tensors["weight"].t();
  save_safetensors(dir / "t.safetensors", tensors, {{"note", "hello"}});
  const SafetensorsFile file(dir / "t.safetensors");
  EXPECT_EQ(file.keys(),
            (std::vector<std::string>{"empty", "half", "scalar", "strided", "weight"}));
  EXPECT_EQ(file.metadata(), (TextMetadata{{"format", "pt"}, {"note", "hello"}}));
  EXPECT_EQ(file.shape("strided"), (std::vector<int64_t>{4, 3}));
  EXPECT_EQ(file.dtype("half"), torch::kBFloat16);
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(identical(file.tensor(name), tensor));
  EXPECT_FALSE(file.contains("bias"));
  EXPECT_ERROR(file.tensor("weigth"), kData, "nearest 'weight'");
}

TEST(Safetensors, ViewsOutliveTheFileAndNeverChangeIt) {
  const TempDir dir;
  save_safetensors(dir / "t.safetensors", example());
  const std::string before = slurp(dir / "t.safetensors");
  torch::Tensor weight = SafetensorsFile(dir / "t.safetensors").tensor("weight");
  weight.fill_(9);
  EXPECT_EQ(weight.sum().item<float>(), 108);
  EXPECT_EQ(slurp(dir / "t.safetensors"), before);
}

TEST(Safetensors, SameArgumentsSameBytes) {
  const TempDir dir;
  save_safetensors(dir / "a.safetensors", example(), {{"x", "y"}});
  save_safetensors(dir / "b.safetensors", example(), {{"x", "y"}});
  EXPECT_EQ(slurp(dir / "a.safetensors"), slurp(dir / "b.safetensors"));
}

TEST(Safetensors, ReadsMisalignedData) {
  const TempDir dir;
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} )";
  ASSERT_NE((8 + header.size()) % 4, 0u);
  std::string file(8, '\0');
  file[0] = static_cast<char>(header.size());
  const float value = 1.5f;
  file += header + std::string(reinterpret_cast<const char*>(&value), 4);
  EXPECT_EQ(load_safetensors(dir.write("m.safetensors", file)).at("a").item<float>(), 1.5f);
}

TEST(Safetensors, SaysWhyAFileCannotBeReadOrWritten) {
  const TempDir dir;
  EXPECT_ERROR(SafetensorsFile(dir / "absent"), kData, "absent");
  EXPECT_ERROR(SafetensorsFile(dir.write("empty", "")), kData, "0 bytes");
  EXPECT_ERROR(SafetensorsFile(dir.path()), kData, dir.path().string());
  EXPECT_ERROR(save_safetensors("/proc/none/t", example()), kRuntime, "/proc/none/t");
}

TEST(TensorStore, OpensFilesAndFoldersOfEveryName) {
  for (const char* name : {"model.safetensors", "diffusion_pytorch_model.safetensors",
                           "adapter_model.safetensors", "weights_of_any_name.safetensors"}) {
    const TempDir dir;
    save_safetensors(dir / name, example());
    for (const fs::path& path : {dir.path(), dir / name}) {
      const TensorStore store(path);
      EXPECT_EQ(store.keys().size(), 4u);
      EXPECT_TRUE(identical(store.tensor("weight"), example().at("weight")));
      EXPECT_EQ(store.files(), (std::vector<fs::path>{dir / name}));
    }
  }
}

TEST(TensorStore, ReadsShards) {
  const TempDir dir;
  save_sharded_safetensors(dir.path(), "model", example(), /*max_shard_bytes=*/20, {{"k", "v"}});
  EXPECT_TRUE(fs::exists(dir / "model-00001-of-00002.safetensors"));
  EXPECT_FALSE(fs::exists(dir / "model.safetensors"));
  const TensorStore store(dir.path());
  EXPECT_EQ(store.files().size(), 2u);
  EXPECT_EQ(store.metadata().at("k"), "v");
  const TensorMap tensors = store.tensors();
  ASSERT_EQ(tensors.size(), 4u);
  for (const auto& [name, tensor] : example()) EXPECT_TRUE(identical(tensors.at(name), tensor));
  EXPECT_ERROR(store.shape("half2"), kData, "nearest 'half'");
  const nlohmann::json index = read_json(dir / "model.safetensors.index.json");
  EXPECT_EQ(index["metadata"]["total_size"], 10 + 8 + 48);
}

TEST(TensorStore, OneShardNeedsNoIndex) {
  const TempDir dir;
  save_sharded_safetensors(dir.path(), "model", example(), /*max_shard_bytes=*/1 << 20);
  EXPECT_TRUE(fs::exists(dir / "model.safetensors"));
  EXPECT_FALSE(fs::exists(dir / "model.safetensors.index.json"));
}

TEST(TensorStore, RefusesBrokenIndexes) {
  const TempDir dir;
  save_safetensors(dir / "a.safetensors", {{"x", torch::ones({1})}});
  const auto open = [&](const std::string& index) {
    TensorStore store(dir.write("model.safetensors.index.json", index));
  };
  EXPECT_ERROR(open(R"({"weight_map": {"x": "gone.safetensors"}})"), kData, "which is missing");
  EXPECT_ERROR(open(R"({"weight_map": {"y": "a.safetensors"}})"), kData, "does not hold it");
  EXPECT_ERROR(open(R"({"weight_map": {"x": ".."}})"), kData, "'..'");
  EXPECT_ERROR(open(R"({"weight_map": {"x": "../a.safetensors"}})"), kData, "'..'");
  EXPECT_ERROR(open(R"({"weight_map": {"x": "/etc/passwd"}})"), kData, "absolute");
  EXPECT_ERROR(open(R"({"weight_map": {"x": 1}})"), kData, "not a file name");
  EXPECT_ERROR(open(R"({"weight_map": {}})"), kData, "no weight_map");
  EXPECT_ERROR(open("[]"), kData, "no weight_map");
  EXPECT_ERROR(open("{"), kData, "not valid JSON");
}

TEST(TensorStore, ShardsMayBeLinks) {
  const TempDir dir, cache;
  save_safetensors(cache / "blob", {{"x", torch::ones({1})}});
  fs::create_symlink(cache / "blob", dir / "a.safetensors");
  dir.write("model.safetensors.index.json", R"({"weight_map": {"x": "a.safetensors"}})");
  EXPECT_TRUE(TensorStore(dir.path()).contains("x"));
}

TEST(TensorStore, SaysWhatAFolderLacks) {
  const TempDir dir;
  EXPECT_ERROR(TensorStore(dir / "absent"), kData, "does not exist");
  EXPECT_ERROR(TensorStore(dir / std::string(300, 'n')), kData, "cannot read ");
  EXPECT_ERROR(TensorStore(dir.path()), kData, "has no weight files");
  dir.write("pytorch_model.bin", "x");
  EXPECT_ERROR(TensorStore(dir.path()), kData, "neither a safetensors file nor");
  fs::remove(dir / "pytorch_model.bin");
  save_safetensors(dir / "a.safetensors", example());
  EXPECT_TRUE(TensorStore(dir.path()).contains("weight"));
  save_safetensors(dir / "b.safetensors", example());
  EXPECT_ERROR(TensorStore(dir.path()), kData, "has several weight files");
}

TEST(TensorStore, RefusesNamesWithoutMeasure) {
  const TempDir dir;
  save_safetensors(dir / "a.safetensors", {{std::string(1000, 'x'), torch::ones({1})}});
  EXPECT_EQ(TensorStore(dir / "a.safetensors").keys().size(), 1u);
  save_safetensors(dir / "b.safetensors", {{std::string(1001, 'x'), torch::ones({1})}});
  EXPECT_ERROR(TensorStore(dir / "b.safetensors"), kData, "has 1001 bytes; expected at most 1000");
}

TEST(RequireFinite, RefusesNanAndInfinity) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const auto dtype :
       {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kFloat8_e5m2}) {
    require_finite(torch::ones({}).to(dtype), "scalar", "file");
    for (const int64_t position : {0, 50, 69}) {
      for (const double bad : {kInfinity, -kInfinity, std::nan("")}) {
        torch::Tensor values = torch::arange(70, torch::kFloat64) - 35;
        require_finite(values.to(dtype), "w", "file");
        values[position] = bad;
        EXPECT_ERROR(require_finite(values.to(dtype), "w", "file"), kData,
                     "file: tensor 'w' holds NaN or infinite");
      }
    }
  }
  require_finite(torch::ones({3}, torch::kInt64), "ids", "file");
  require_finite(torch::empty({0}), "none", "file");
}

}  // namespace
}  // namespace reasonbrain::io
