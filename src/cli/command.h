// The subcommands. Each registers its options and, when it was chosen, leaves in `action` what to
// run.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace reasonbrain::cli {

using Action = std::function<void()>;

void add_train(CLI::App& app, Action& action);
void add_edit(CLI::App& app, Action& action);
void add_eval(CLI::App& app, Action& action);
void add_data(CLI::App& app, Action& action);
void add_model(CLI::App& app, Action& action);
void add_tokenize(CLI::App& app, Action& action);
void add_config(CLI::App& app, Action& action);
void add_launch(CLI::App& app, Action& action);
void add_doctor(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
void add_completion(CLI::App& app, Action& action);

// The parser of the whole program with every command; parsing leaves the chosen one in `action`.
struct Program {
  Program();
  CLI::App app;
  Action action;
};

// The whole program: parses, runs, maps errors to exit codes (0 ok, 1 run time, 2 usage, 3
// configuration, 4 weights or data, 5 memory, 130 interrupted) and prints one message for an error
// on stderr.
int run(int argc, char** argv);

}  // namespace reasonbrain::cli
