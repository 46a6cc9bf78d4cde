#include "cli/completion.h"

#include <algorithm>
#include <iostream>

#include "cli/command.h"
#include "cli/run_config.h"
#include "config/options.h"
#include "core/str.h"

namespace reasonbrain::cli {
namespace {

// Of a type name such as "TEXT:{auto,float32}" or "... {given->0,rules->1} OR {0,1}".
std::vector<std::string> choices_of(const std::string& type_name) {
  const size_t begin = type_name.find('{'), end = type_name.find('}');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  std::vector<std::string> choices;
  for (const std::string& item : split(type_name.substr(begin + 1, end - begin - 1), ',')) {
    choices.push_back(trim(item.substr(0, item.find("->"))));
  }
  return choices;
}

// Keys of a configuration, ready for a value.
std::vector<std::string> override_words() {
  std::vector<std::string> words;
  for (const config::OptionRow& row : config::list_options<RunConfig>()) {
    if (row.path.find('[') == std::string::npos) words.push_back(row.path + "=");
  }
  return words;
}

CompletionCommand describe_command(const CLI::App& app, const std::string& path) {
  CompletionCommand command{.path = path};
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    command.subcommands.emplace_back(child->get_name(), child->get_description());
  }
  for (const CLI::Option* option : app.get_options()) {
    if (option->nonpositional()) {
      CompletionOption row{.help = option->get_description(),
                           .takes_value = option->get_items_expected_max() > 0,
                           .choices = choices_of(option->get_type_name())};
      for (const std::string& name : option->get_lnames()) row.names.push_back("--" + name);
      for (const std::string& name : option->get_snames()) row.names.push_back("-" + name);
      command.options.push_back(row);
    } else if (option->get_name() == "overrides") {
      command.words = override_words();
    } else if (!choices_of(option->get_type_name()).empty()) {
      command.words = choices_of(option->get_type_name());
    }
  }
  return command;
}

void add_commands(const CLI::App& app, const std::string& path,
                  std::vector<CompletionCommand>& commands) {
  commands.push_back(describe_command(app, path));
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    add_commands(*child, path.empty() ? child->get_name() : path + " " + child->get_name(),
                 commands);
  }
}

}  // namespace

std::vector<CompletionCommand> completion_table(const CLI::App& app) {
  std::vector<CompletionCommand> commands;
  add_commands(app, "", commands);
  return commands;
}

void add_completion(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("completion", "Print a completion script for a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "Which shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(
      "bash:  source <(reasonbrain completion bash), for example in ~/.bashrc\n"
      "zsh:   reasonbrain completion zsh > DIR/_reasonbrain, with DIR in $fpath\n"
      "fish:  reasonbrain completion fish > ~/.config/fish/completions/reasonbrain.fish");
  command->callback([shell, &app, &action] {
    action = [shell, &app] {
      const std::vector<CompletionCommand> commands = completion_table(app);
      std::cout << (*shell == "bash"  ? bash_completion(commands)
                    : *shell == "zsh" ? zsh_completion(commands)
                                      : fish_completion(commands));
    };
  });
}

}  // namespace reasonbrain::cli
