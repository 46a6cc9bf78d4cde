#include "train/run_log.h"

#include <sys/resource.h>

#include <algorithm>
#include <iomanip>

#include "core/atomic_file.h"
#include "core/log.h"
#include "core/str.h"
#include "io/image_header.h"
#include "train/curves_page.h"

namespace reasonbrain::train {
namespace {

int64_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;  // Linux counts in KiB
}

}  // namespace

RunLog::RunLog(const RunFolder& folder, int64_t step, int64_t remaining_steps)
    : folder_(folder),
      metrics_(folder.metrics(), step),
      events_(folder.events(), step),
      progress_("train", std::max<int64_t>(remaining_steps, 0), "steps") {}

void RunLog::add_step(const RunState& state, const Stage& stage, int64_t epoch,
                      double wait_seconds) {
  ++line_steps_;
  epoch_ = epoch;
  wait_seconds_ += wait_seconds;
  progress_.set_note(str("step ", state.step, ", stage ", stage.name, " ", state.stage_step, "/",
                         stage.steps, ", loss ", std::setprecision(4), state.loss));
  progress_.add();
}

void RunLog::write_line(const RunState& state, const Stage& stage,
                        const std::map<std::string, double>& metrics) {
  const double seconds = std::chrono::duration<double>(Clock::now() - line_start_).count();
  const auto steps = static_cast<double>(std::max<int64_t>(line_steps_, 1));
  nlohmann::json line = state.window.means();
  line["step"] = state.step;
  line["stage"] = stage.name;
  line["stage_step"] = state.stage_step;
  line["epoch"] = epoch_;
  line["samples_seen"] = state.samples_seen;
  line["lr"] = stage.lr_at(state.stage_step - 1);
  line["samples_per_second"] = steps * static_cast<double>(stage.samples_per_step()) / seconds;
  line["seconds_per_step"] = seconds / steps;
  line["data_wait_seconds"] = wait_seconds_ / steps;
  line["peak_memory_bytes"] = peak_memory_bytes();
  std::string summary;
  for (const auto& [name, value] : metrics) {
    line[name] = value;
    summary += str(", ", name, " ", value);
  }
  metrics_.append(line);
  std::map<std::string, double> scalars;
  for (const auto& [name, value] : line.items()) {
    if (value.is_number() && name != "step") scalars[name] = value;
  }
  events_.add_scalars(state.step, scalars);
  if (!metrics.empty()) log::info(str("step ", state.step, " (", stage.name, ")", summary));
  line_start_ = Clock::now();
  line_steps_ = 0;
  wait_seconds_ = 0;
}

void RunLog::add_pictures(int64_t step, const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".png") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    const std::string png = read_file(file);
    const io::ImageHeader header = io::read_image_header(png, file.string());
    events_.add_picture(step, file.stem().string(), png, header.width, header.height);
  }
}

void RunLog::write_curves() const {
  const std::string title = std::filesystem::absolute(folder_.path()).filename().string();
  write_file_atomic(folder_.curves(), curves_page("Training run " + title, metrics_));
}

}  // namespace reasonbrain::train
