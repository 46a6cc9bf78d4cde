#include "eval/report.h"

#include <nlohmann/json.hpp>
#include <set>

#include "support.h"

namespace reasonbrain::eval {
namespace {

namespace fs = std::filesystem;

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
}

class ReportTest : public ::testing::Test {
 protected:
  nlohmann::json write(const fs::path& out) {
    const auto predictions =
        write_predictions(folder_ / "pred", {{"a", 100}, {"b", 120}, {"c", 1}, {"d", 0}});
    ReportOptions options;
    options.num_resamples = 100;
    return write_report(four_samples(), GreyProtocol(), {{"ours", predictions}}, options, out);
  }
  TempDir folder_;
};

TEST_F(ReportTest, HasEveryFileAndThePicturesOfTheGallery) {
  const fs::path out = folder_ / "new/report";
  const nlohmann::json summary = write(out);
  EXPECT_EQ(names_in(out),
            (std::set<std::string>{"summary.json", "summary.csv", "per_sample.jsonl", "tables.md",
                                   "tables.tex", "index.html", "images"}));
  EXPECT_EQ(nlohmann::json::parse(read_file(out / "summary.json")), summary);
  for (const char* name : {"a_src.png", "d_tgt.png", "c_alt0.png", "ours/b.png"}) {
    EXPECT_TRUE(fs::exists(out / "images" / name)) << name;
  }
}

TEST_F(ReportTest, TheGalleryIsSelfContainedAndItsDataCannotEndTheScript) {
  write(folder_ / "report");
  const std::string page = read_file(folder_ / "report/index.html");
  EXPECT_EQ(page.find("http"), std::string::npos);
  const std::string open = "<script id=\"data\" type=\"application/json\">";
  const size_t begin = page.find(open) + open.size();
  const auto data =
      nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  EXPECT_EQ(data["samples"][0]["instruction"], "What if </script> \"a\"?");
  EXPECT_EQ(data["samples"][2]["outputs"][0]["nearest_image"], "images/c_alt0.png");
  EXPECT_EQ(data["methods"], nlohmann::json({"ours"}));
}

TEST_F(ReportTest, ReplacesAnEarlierReportOnly) {
  const fs::path out = folder_ / "report";
  fs::create_directories(out);
  write(out);
  write(out);
  write_file_atomic(out / "notes.txt", "mine");
  EXPECT_EQ(kind_of([&] { write(out); }), ErrorKind::kUsage);
  EXPECT_EQ(read_file(out / "notes.txt"), "mine");
}

TEST_F(ReportTest, NamesAloneDoNotMakeAReport) {
  const fs::path out = folder_ / "report";
  write_file_atomic(out / "images/holiday.png", "mine");
  EXPECT_EQ(kind_of([&] { write(out); }), ErrorKind::kUsage);
  EXPECT_EQ(read_file(out / "images/holiday.png"), "mine");
}

TEST_F(ReportTest, PathsThatAreNotUtf8AreShown) {
  ReportOptions options;
  options.evaluate.max_fail = 1;
  const fs::path predictions = folder_ / "pred\xff";
  fs::create_directories(predictions);
  write_report(four_samples(), GreyProtocol(), {{"ours", predictions}}, options, folder_ / "out");
  EXPECT_NE(read_file(folder_ / "out/per_sample.jsonl").find("pred\xef\xbf\xbd"),
            std::string::npos);
}

TEST_F(ReportTest, LeavesNothingWhenItFails) {
  const fs::path parent = folder_ / "empty";
  fs::create_directories(parent);
  const std::vector<Prediction> missing = {{"ours", folder_ / "none"}};
  EXPECT_EQ(kind_of([&] {
              write_report(four_samples(), GreyProtocol(), missing, {}, parent / "report");
            }),
            ErrorKind::kData);
  EXPECT_TRUE(fs::is_empty(parent));
}

}  // namespace
}  // namespace reasonbrain::eval
