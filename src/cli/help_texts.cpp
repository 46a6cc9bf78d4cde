#include "cli/help_texts.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/atomic_file.h"
#include "core/str.h"

namespace reasonbrain::cli {
namespace {

using Words = std::vector<std::string>;

std::string answer_to(Words arguments) {
  Program program;
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  std::ostringstream text;
  try {
    program.app.parse(arguments);
  } catch (const CLI::ParseError& request) {
    program.app.exit(request, text, text);
  }
  return text.str();
}

void add_names(const CLI::App& app, const Words& words, std::vector<Words>& all) {
  all.push_back(words);
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    Words longer = words;
    longer.push_back(command->get_name());
    add_names(*command, longer, all);
  }
}

}  // namespace

void write_help_texts(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  std::vector<Words> commands;
  const Program program;
  add_names(program.app, {}, commands);
  for (const Words& words : commands) {
    Words arguments = words, name = words;
    arguments.push_back("--help");
    name.insert(name.begin(), "reasonbrain");
    write_file_atomic(folder / (join(name, ".") + ".txt"), answer_to(arguments));
  }
  write_file_atomic(folder / "--version.txt", answer_to({"--version"}));
}

}  // namespace reasonbrain::cli
