#include <gtest/gtest.h>

#include "core/expect_error.h"
#include "core/temp_dir.h"
#include "io/html.h"
#include "io/path_safety.h"

namespace reasonbrain::io {
namespace {
namespace fs = std::filesystem;

TEST(Html, EscapesWhatHasAMeaning) {
  EXPECT_EQ(escape_html("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

TEST(Html, Base64MatchesRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFF\xFE\xFD"), "//79");
  EXPECT_EQ(data_uri("image/png", "foo"), "data:image/png;base64,Zm9v");
}

TEST(ResolveInside, AcceptsPathsBelowTheRoot) {
  const TempDir dir;
  EXPECT_EQ(resolve_inside(dir.path(), "a/b.png", "f"), dir / "a/b.png");
  EXPECT_EQ(resolve_inside(dir.path(), "./..c", "f"), dir.path() / "./..c");
  EXPECT_EQ(resolve_inside("", "m.png", "f"), fs::path("./m.png"));
}

TEST(ResolveInside, RefusesEscapes) {
  const TempDir dir;
  EXPECT_ERROR(resolve_inside(dir.path(), "", "f:3"), kData, "f:3: path '' is empty");
  EXPECT_ERROR(resolve_inside(dir.path(), "/etc/passwd", "f"), kData, "is absolute");
  EXPECT_ERROR(resolve_inside(dir.path(), "../x", "f"), kData, "'..'");
  EXPECT_ERROR(resolve_inside(dir.path(), "a/../b", "f"), kData, "'..'");
  EXPECT_ERROR(resolve_inside(dir.path(), std::string("a\0b", 3), "f"), kData, "NUL");
  fs::create_directory_symlink("/usr", dir / "link");
  EXPECT_ERROR(resolve_inside(dir.path(), "link/bin", "f"), kData, "through a link");
  EXPECT_ERROR(resolve_inside(dir.path(), std::string(5000, 'a'), "f"), kData,
               "cannot be resolved");
}

}  // namespace
}  // namespace reasonbrain::io
