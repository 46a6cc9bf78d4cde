#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/bench.h"
#include "cli/output.h"
#include "cli/version.h"
#include "core/atomic_file.h"
#include "core/interrupt.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double process_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::string self_path() {
  return fs::read_symlink("/proc/self/exe").string();
}

// Four significant digits, without an exponent.
std::string figure_text(double value) {
  const double magnitude = std::abs(value);
  const int digits = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 4;
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  return out.str();
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

Elapsed time_program(const std::vector<std::string>& arguments) {
  throw_if_interrupted();
  const ScratchFolder scratch;
  const fs::path said = scratch.path() / "output";
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, said.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const auto start = Clock::now();
  pid_t child = 0;
  const int failure = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0)
    throw runtime_error(str("cannot start ", arguments[0], ": ", std::strerror(failure)));
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  const double wall = since(start);
  throw_if_interrupted();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw runtime_error(str(join(arguments, " "), " failed: ", trim(read_file(said))));
  }
  return {wall, seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

Elapsed time_self(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), self_path());
  return time_program(arguments);
}

Elapsed time_call(const std::function<void()>& body) {
  throw_if_interrupted();
  const auto start = Clock::now();
  const double cpu = process_cpu_seconds();
  body();
  return {since(start), process_cpu_seconds() - cpu};
}

Elapsed least(const std::vector<Elapsed>& runs) {
  return *std::min_element(runs.begin(), runs.end(),
                           [](const Elapsed& a, const Elapsed& b) { return a.cpu < b.cpu; });
}

Elapsed median(const std::vector<Elapsed>& runs) {
  std::vector<double> wall, cpu;
  for (const Elapsed& run : runs) {
    wall.push_back(run.wall);
    cpu.push_back(run.cpu);
  }
  return {median_of(wall), median_of(cpu)};
}

ScratchFolder::ScratchFolder() {
  std::string name = (fs::temp_directory_path() / "reasonbrain-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw runtime_error(str("cannot create ", name, ": ", std::strerror(errno)));
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void BenchTable::add(const std::string& name, const std::vector<double>& figures) {
  rows_.push_back({name, figures});
}

void BenchTable::print(bool json) const {
  if (json) {
    nlohmann::json rows = nlohmann::json::array();
    for (const Row& row : rows_) {
      nlohmann::json object = {{columns_[0], row.name}};
      for (size_t i = 0; i < row.figures.size(); ++i) object[columns_[i + 1]] = row.figures[i];
      rows.push_back(object);
    }
    print_json({{"machine",
                 {{"cores", std::thread::hardware_concurrency()},
                  {"cpu", at::get_cpu_capability()},
                  {"threads", at::get_num_threads()},
                  {"version", version_text()}}},
                {"rows", rows}});
    return;
  }
  std::cout << "| " << join(columns_, " | ") << " |\n|---|";
  for (size_t i = 1; i < columns_.size(); ++i) std::cout << "--:|";
  std::cout << '\n';
  for (const Row& row : rows_) {
    std::cout << "| " << row.name << " |";
    for (const double figure : row.figures) std::cout << ' ' << figure_text(figure) << " |";
    std::cout << '\n';
  }
}

}  // namespace reasonbrain::cli
