// The committed corpus through every parser, and through it cut short and with flipped bytes, with
// whatever compiler there is. tests/fuzz/run_fuzzers.py searches for more where clang is installed.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "fuzz/targets.h"

namespace reasonbrain::fuzz {
namespace {
namespace fs = std::filesystem;

constexpr size_t kMaxVariants = 400;  // of one input

std::vector<std::string> corpus(const std::string& target) {
  std::vector<fs::path> paths;
  for (const auto& entry :
       fs::directory_iterator(fs::path(RB_SOURCE_DIR) / "tests/fuzz/corpus" / target)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> inputs;
  for (const fs::path& path : paths) {
    std::ostringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    inputs.push_back(bytes.str());
  }
  return inputs;
}

class Corpus : public ::testing::TestWithParam<size_t> {};

TEST_P(Corpus, IsReadOrRefused) {
  const Target& target = targets()[GetParam()];
  const auto inputs = corpus(target.name);
  ASSERT_FALSE(inputs.empty()) << target.name;
  for (const std::string& input : inputs) {
    EXPECT_NO_THROW(target.run(input)) << target.name;
    const size_t step = std::max<size_t>(1, input.size() * 2 / kMaxVariants);
    for (size_t at = 0; at < input.size(); at += step) {
      EXPECT_NO_THROW(target.run(std::string_view(input).substr(0, at))) << target.name << at;
      std::string flipped = input;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
      EXPECT_NO_THROW(target.run(flipped)) << target.name << at;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, ::testing::Range<size_t>(0, 7),
                         [](const auto& info) { return targets()[info.param].name; });

TEST(Corpus, EveryTargetIsReplayed) {
  EXPECT_EQ(targets().size(), 7u);
}

}  // namespace
}  // namespace reasonbrain::fuzz
