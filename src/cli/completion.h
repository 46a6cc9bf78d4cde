// The option table of the whole program, and shell completion scripts made from it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace reasonbrain::cli {

struct CompletionOption {
  std::vector<std::string> names;  // "--model", "-h"
  std::string help;
  bool takes_value = false;
  std::vector<std::string> choices;  // what the value can be; empty: anything, files are offered
};

struct CompletionCommand {
  std::string path;  // "" for the program itself, "eval", "eval run"
  std::vector<std::pair<std::string, std::string>> subcommands;  // name, help
  std::vector<CompletionOption> options;
  std::vector<std::string> words;  // what its positional arguments can be; empty: files
};

// Every command that does something, parents before children.
std::vector<CompletionCommand> completion_table(const CLI::App& app);

std::string bash_completion(const std::vector<CompletionCommand>& commands);
std::string zsh_completion(const std::vector<CompletionCommand>& commands);
std::string fish_completion(const std::vector<CompletionCommand>& commands);

}  // namespace reasonbrain::cli
