#include "core/progress.h"

#include <unistd.h>

#include <cmath>
#include <iomanip>
#include <sstream>
#include <utility>

#include "core/str.h"

namespace reasonbrain {
namespace {

using namespace std::chrono_literals;

constexpr auto kLiveInterval = 200ms;
constexpr auto kPlainInterval = 10s;

std::string duration_text(double seconds) {
  const auto total = static_cast<int64_t>(std::ceil(seconds));
  std::ostringstream out;
  out << std::setfill('0');
  if (total >= 3600) out << total / 3600 << ':' << std::setw(2);
  out << total / 60 % 60 << ':' << std::setw(2) << total % 60;
  return out.str();
}

}  // namespace

std::string progress_text(const std::string& title, int64_t done, int64_t total,
                          const std::string& unit, double elapsed_seconds,
                          const std::string& note) {
  std::string text = str(title, " ", done);
  if (total > 0) text += str("/", total);
  text += " " + unit;
  if (total > 0) text += str(" (", done * 100 / total, "%)");
  if (done > 0 && elapsed_seconds > 0) {
    const double rate = static_cast<double>(done) / elapsed_seconds;
    text += str(", ", std::setprecision(3), rate, " ", unit, "/s");
    if (done < total) {
      text += ", " + duration_text(static_cast<double>(total - done) / rate) + " left";
    } else {
      text += " in " + duration_text(elapsed_seconds);
    }
  }
  if (!note.empty()) text += ", " + note;
  return text;
}

Progress::Progress(std::string title, int64_t total, std::string unit, std::FILE* out)
    : title_(std::move(title)),
      total_(total),
      unit_(std::move(unit)),
      out_(out),
      live_(::isatty(::fileno(out)) != 0),
      start_(Clock::now()),
      next_show_(live_ ? start_ : start_ + kPlainInterval) {}

Progress::~Progress() {
  finish();
}

void Progress::add(int64_t n) {
  const std::lock_guard lock(mutex_);
  done_ += n;
  if (!finished_ && Clock::now() >= next_show_) show(/*last=*/false);
}

void Progress::set_note(std::string text) {
  const std::lock_guard lock(mutex_);
  note_ = std::move(text);
}

void Progress::finish() {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  finished_ = true;
  show(/*last=*/true);
}

void Progress::show(bool last) {
  const Clock::time_point now = Clock::now();
  next_show_ = now + (live_ ? Clock::duration(kLiveInterval) : Clock::duration(kPlainInterval));
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const std::string text = progress_text(title_, done_, total_, unit_, elapsed, note_);
  const std::string line = live_ ? "\r\033[K" + text + (last ? "\n" : "") : text + "\n";
  std::fwrite(line.data(), 1, line.size(), out_);
  std::fflush(out_);
}

}  // namespace reasonbrain
