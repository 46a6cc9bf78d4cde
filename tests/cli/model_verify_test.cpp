// `model verify --against`: weights beside weights.
#include <cstring>
#include <limits>

#include "program.h"

namespace reasonbrain::cli {
namespace {

class ModelVerifyTest : public ProgramTest {
 protected:
  // A safetensors file with one number.
  void write_weights(const std::string& name, float value) const {
    std::string header = R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    header.resize(56, ' ');  // with the eight bytes before it a multiple of 64
    std::string bytes(8 + header.size() + sizeof value, '\0');
    bytes[0] = static_cast<char>(header.size());
    std::memcpy(&bytes[8], header.data(), header.size());
    std::memcpy(&bytes[8 + header.size()], &value, sizeof value);
    write_file_atomic(folder_ / name, bytes);
  }
};

TEST_F(ModelVerifyTest, WhatIsNotFiniteEqualsNothing) {
  write_weights("a.safetensors", 1);
  write_weights("b.safetensors", 1);
  EXPECT_EQ(run({"model", "verify", "a.safetensors", "--against", "b.safetensors"}).status, 0);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    write_weights("b.safetensors", bad);
    expect_failure(
        {"model", "verify", "a.safetensors", "--against", "b.safetensors", "--tolerance", "1"}, 4,
        {"b.safetensors", "'x'", "NaN"});
  }
  expect_failure({"model", "verify", "a.safetensors", "--as", "gpt"}, 2, {"gpt", "unet"});
}

}  // namespace
}  // namespace reasonbrain::cli
