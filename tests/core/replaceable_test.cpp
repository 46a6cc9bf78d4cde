#include "core/replaceable.h"

#include <gtest/gtest.h>

#include "core/expect_error.h"
#include "core/temp_dir.h"

namespace reasonbrain {
namespace {

namespace fs = std::filesystem;

void require(const fs::path& folder) {
  require_replaceable("--out", folder, "proof",
                      [](const std::string& name) { return name == "proof" || name == "more"; });
}

TEST(Replaceable, IsWhatAnEarlierRunLeftAndNothingElse) {
  const TempDir dir;
  require(dir / "absent");
  fs::create_directory(dir / "empty");
  require(dir / "empty");
  dir.write("whole/proof", "");
  dir.write("whole/more", "");
  require(dir / "whole");
  dir.write("unproven/more", "");
  EXPECT_ERROR(require(dir / "unproven"), kUsage, "holds no proof of an earlier run");
  dir.write("foreign/proof", "");
  dir.write("foreign/letter", "");
  EXPECT_ERROR(require(dir / "foreign"), kUsage, "holds 'letter', which this command does not");
  EXPECT_ERROR(require(dir / "foreign/letter"), kUsage, "is not a folder");
}

TEST(Replaceable, IsNoFolderThatAShellStandsIn) {
  const TempDir dir;
  fs::create_directories(dir / "empty/inner");
  const fs::path before = fs::current_path();
  fs::current_path(dir / "empty/inner");
  EXPECT_ERROR(require("."), kUsage, "the working directory");
  EXPECT_ERROR(require(dir / "empty"), kUsage, "the working directory");
  require("beside");
  fs::current_path(before);
}

}  // namespace
}  // namespace reasonbrain
