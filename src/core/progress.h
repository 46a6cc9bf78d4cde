// A progress line with the time that is left.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>

namespace reasonbrain {

// "title 12/40 samples (30%), 3.1 samples/s, 0:09 left, note". A total of 0 means unknown.
std::string progress_text(const std::string& title, int64_t done, int64_t total,
                          const std::string& unit, double elapsed_seconds, const std::string& note);

// On a terminal one live line, elsewhere a plain line every ten seconds without control codes.
// All members are safe to call from several threads.
class Progress {
 public:
  // total: number of units expected, 0 when unknown; unit: plural noun such as "samples".
  Progress(std::string title, int64_t total, std::string unit, std::FILE* out = stderr);
  ~Progress();  // like finish()
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(int64_t n = 1);
  void set_note(std::string text);
  void finish();  // prints the last state; later calls do nothing

 private:
  using Clock = std::chrono::steady_clock;

  void show(bool last);

  const std::string title_;
  const int64_t total_;
  const std::string unit_;
  std::FILE* const out_;
  const bool live_;
  const Clock::time_point start_;
  std::mutex mutex_;
  Clock::time_point next_show_;
  int64_t done_ = 0;
  std::string note_;
  bool finished_ = false;
};

}  // namespace reasonbrain
