// The parts of `reasonbrain bench`, and what they share.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"

namespace reasonbrain::cli {

void add_bench_edit(CLI::App& bench, Action& action);
void add_bench_batch(CLI::App& bench, Action& action);
void add_bench_train(CLI::App& bench, Action& action);
void add_bench_parity(CLI::App& bench, Action& action);
void add_bench_load(CLI::App& bench, Action& action);

struct Elapsed {
  double wall = 0;  // seconds
  double cpu = 0;   // user and system time of all threads, seconds
};

// Of a program that is started, runs to its end and is silent. Error(kRuntime) with what it said
// when it fails.
Elapsed time_program(const std::vector<std::string>& arguments);
Elapsed time_self(std::vector<std::string> arguments);  // of this binary

Elapsed time_call(const std::function<void()>& body);  // in this process

// The one with the least CPU time, which other programs disturb least.
Elapsed least(const std::vector<Elapsed>& runs);
Elapsed median(const std::vector<Elapsed>& runs);  // of each figure on its own

// A folder that goes away again.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Rows of figures: a Markdown table on stdout, or with --json one object {"machine", "rows"}.
class BenchTable {
 public:
  explicit BenchTable(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  void add(const std::string& name, const std::vector<double>& figures);
  void print(bool json) const;

 private:
  struct Row {
    std::string name;
    std::vector<double> figures;
  };
  std::vector<std::string> columns_;  // the first is of the names
  std::vector<Row> rows_;
};

}  // namespace reasonbrain::cli
