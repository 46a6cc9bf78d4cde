// Files of torch.save (scripts/golden/make_torch_archives.py) against the same tensors as
// safetensors, and damaged ones.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/expect_error.h"
#include "core/temp_dir.h"
#include "io/torch_pickle.h"
#include "io/zip_format.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::io {
namespace {
namespace fs = std::filesystem;

const fs::path kData = fs::path(RB_TEST_DATA) / "torch";

std::string read_bytes(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

void expect_same(const std::string& archive, const std::string& expected) {
  const TensorStore store(kData / archive);
  const TensorMap tensors = load_safetensors(kData / expected);
  EXPECT_EQ(store.keys().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    ASSERT_TRUE(store.contains(name)) << name;
    EXPECT_EQ(store.dtype(name), tensor.scalar_type()) << name;
    EXPECT_EQ(store.shape(name), tensor.sizes().vec()) << name;
    EXPECT_TRUE(at::equal(store.tensor(name).to(torch::kFloat64), tensor.to(torch::kFloat64)))
        << name;
    store.release(name);
    EXPECT_TRUE(at::equal(store.tensor(name).to(torch::kFloat64), tensor.to(torch::kFloat64)));
  }
}

TEST(TorchArchive, ReadsViewsDtypesAndCheckpoints) {
  expect_same("views.pt", "views.safetensors");
  expect_same("dtypes.pt", "dtypes.safetensors");
  expect_same("checkpoint.ckpt", "checkpoint.safetensors");
}

TEST(TorchArchive, ViewsOfOneStorageShareMemory) {
  const TensorStore store(kData / "views.pt");
  EXPECT_EQ(store.tensor("whole").data_ptr<float>() + 20, store.tensor("tail").data_ptr<float>());
  EXPECT_EQ(store.tensor("transposed").strides(), (std::vector<int64_t>{1, 4}));
}

TEST(TorchArchive, WhatIsNoStateDictIsRefused) {
  EXPECT_ERROR(TensorStore(kData / "legacy.pth"), kData, "before 1.6");
  EXPECT_ERROR(TensorStore(kData / "program.pt"), kData, "TorchScript");
  EXPECT_ERROR(TensorStore(kData / "foreign.pt"), kData, "torch.nn.modules.activation.ReLU");
}

TEST(TorchArchive, FoldersInTheOldNamesAreFound) {
  const TempDir dir;
  fs::copy_file(kData / "views.pt", dir / "pytorch_model-00001-of-00002.bin");
  fs::copy_file(kData / "dtypes.pt", dir / "pytorch_model-00002-of-00002.bin");
  std::ofstream(dir / "pytorch_model.bin.index.json")
      << R"({"weight_map": {"whole": "pytorch_model-00001-of-00002.bin",
                            "bool": "pytorch_model-00002-of-00002.bin"}})";
  const TensorStore sharded(dir.path());
  EXPECT_EQ(sharded.keys(), (std::vector<std::string>{"bool", "whole"}));
  EXPECT_EQ(sharded.files().size(), 2u);
  fs::copy_file(kData / "checkpoint.ckpt", dir / "pytorch_model.bin");
  EXPECT_EQ(TensorStore(dir.path()).keys()[0], "linear.bias");
  fs::copy_file(kData / "views.safetensors", dir / "model.safetensors");
  EXPECT_TRUE(TensorStore(dir.path()).contains("whole"));  // safetensors go before pickles
}

// Whatever the bytes: an Error, or tensors that lie inside the file.
void parse(const std::string& bytes) {
  try {
    for (const auto& tensor : parse_torch_archive(bytes, "file").tensors) {
      ASSERT_LE(tensor.begin, tensor.end);
      ASSERT_LE(tensor.end, bytes.size());
      ASSERT_LE(static_cast<uint64_t>(tensor.extent() * dtype_bytes(tensor.dtype)),
                tensor.end - tensor.begin);
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
  }
}

TEST(TorchArchive, DamagedFilesAreErrors) {
  const std::string good = read_bytes(kData / "views.pt");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(parse_torch_archive(good.substr(0, size), "file"), Error) << size;
  }
  for (size_t at = 0; at < good.size(); ++at) {
    for (const int value : {0, 1, 0x7f, 0x80, 0xff, good[at] + 1}) {
      std::string bad = good;
      bad[at] = static_cast<char>(value);
      parse(bad);
    }
  }
}

TEST(TorchArchive, CompressedAndBigEndianFilesAreRefused) {
  std::string bytes = read_bytes(kData / "views.pt");
  std::string big = bytes;
  big.replace(big.find("little", big.find("byteorder")), 6, "bigger");
  EXPECT_ERROR(parse_torch_archive(big, "file"), kData, "big-endian");
  const size_t header = bytes.find("PK\x01\x02");
  bytes[header + 10] = 8;  // the method of the first entry: deflate
  EXPECT_ERROR(parse_torch_archive(bytes, "file"), kData, "compressed");
  EXPECT_ERROR(parse_torch_archive(bytes, "file"), kData, "torch.save(torch.load(file");
}

}  // namespace
}  // namespace reasonbrain::io
