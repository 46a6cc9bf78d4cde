#include "train/metrics_log.h"

#include <sys/resource.h>

#include <csignal>

#include "run_test_base.h"
#include "train/curves_page.h"

namespace reasonbrain::train {
namespace {

using testing::HasSubstr;

class MetricsLogTest : public RunTest {
 protected:
  fs::path file() const { return root_ / "metrics.jsonl"; }
  static nlohmann::json line(int64_t step, double loss) {
    return {{"step", step}, {"stage", step < 3 ? "a" : "b<c"}, {"loss", loss}};
  }
};

TEST_F(MetricsLogTest, DropsLaterLinesAndATornOne) {
  {
    MetricsLog log(file(), 0);
    for (int64_t step = 1; step <= 4; ++step) log.append(line(step, 0.5 * step));
  }
  std::ofstream(file(), std::ios::app) << line(2, 7).dump();  // no line feed: cut off
  MetricsLog log(file(), 3);
  EXPECT_EQ(read_file(file()),
            line(1, 0.5).dump() + "\n" + line(2, 1).dump() + "\n" + line(3, 1.5).dump() + "\n");
  EXPECT_EQ(log.series().at("loss"), (MetricsLog::Series{{1, 0.5}, {2, 1}, {3, 1.5}}));
  EXPECT_EQ(log.stages(), (std::vector<std::pair<int64_t, std::string>>{{1, "a"}, {3, "b<c"}}));
}

TEST_F(MetricsLogTest, AWriteThatFailsHalfwayLeavesTheFile) {
  MetricsLog log(file(), 0);
  log.append(line(1, 1));
  const std::string before = read_file(file());
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit unlimited = limit;
  limit.rlim_cur = before.size() + 9;  // stands for a disk with room for nine bytes
  std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const std::string said = error_of(ErrorKind::kRuntime, [&] { log.append(line(2, 1)); });
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  EXPECT_THAT(said, HasSubstr("metrics.jsonl"));
  EXPECT_EQ(read_file(file()), before);
  EXPECT_EQ(log.series().at("loss").size(), 1u);
}

TEST_F(MetricsLogTest, ThePageIsDrawnFromAnything) {
  MetricsLog log(file(), 0);
  EXPECT_THAT(curves_page("<none>", log), HasSubstr("&lt;none&gt;"));
  log.append({{"step", 1}, {"stage", "a"}, {"loss", -1.0}, {"lr", nullptr}, {"val_x", 0.0}});
  for (int64_t step = 2; step < 3000; ++step) log.append(line(step, std::exp(-0.01 * step)));
  const std::string page = curves_page("run", log);
  for (const char* part : {"val_x", "b&lt;c", "polyline", "circle"})
    EXPECT_THAT(page, HasSubstr(part));
  EXPECT_LT(page.size(), 60000u);
  for (const char* part : {"nan", "inf"}) {
    EXPECT_EQ(page.find(str(part, ",")), std::string::npos);
    EXPECT_EQ(page.find(str(",", part)), std::string::npos);
  }
}

}  // namespace
}  // namespace reasonbrain::train
