#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/init_from.h"
#include "cli/output.h"
#include "cli/run_config.h"
#include "cli/training.h"
#include "cli/validators.h"
#include "config/options.h"
#include "core/str.h"

namespace reasonbrain::cli {
namespace {

struct ConfigArgs {
  std::vector<std::string> configs, overrides;
  std::string prefix;  // of `config options`
  std::string a, b;    // of `config diff`
  bool help = false, json = false;
};

RunConfig load(const std::vector<std::string>& names, const std::vector<std::string>& overrides) {
  RunConfig options = load_run_config(names, overrides);
  take_model(options);
  return options;
}

void show(const ConfigArgs& args) {
  std::cout << config::write_options(load(args.configs, args.overrides), args.help);
}

void check(const ConfigArgs& args) {
  check_training(load(args.configs, args.overrides));
  if (args.json) {
    print_json({{"ok", true}, {"configs", args.configs}});
  } else {
    std::cout << join(args.configs, ", ") << ": ok\n";
  }
}

void list(const ConfigArgs& args) {
  nlohmann::json rows = nlohmann::json::array();
  for (const config::OptionRow& row : config::list_options<RunConfig>()) {
    if (!starts_with(row.path, args.prefix)) continue;
    if (args.json) {
      rows.push_back({{"path", row.path},
                      {"type", row.type},
                      {"default", row.value},
                      {"unit", row.unit},
                      {"range", row.range},
                      {"help", row.help}});
      continue;
    }
    std::cout << row.path << " = " << row.value << "  (" << row.type
              << (row.unit.empty() ? "" : ", " + row.unit)
              << (row.range.empty() ? "" : ", " + row.range) << ")\n    " << row.help << '\n';
  }
  if (args.json) print_json({{"options", rows}});
}

void diff(const ConfigArgs& args) {
  nlohmann::json rows = nlohmann::json::array();
  for (const config::OptionDifference& row :
       config::diff_options(load({args.a}, args.overrides), load({args.b}, args.overrides))) {
    if (args.json) {
      rows.push_back({{"path", row.path}, {"a", row.a}, {"b", row.b}});
    } else {
      std::cout << row.path << ": " << row.a << " -> " << row.b << '\n';
    }
  }
  if (args.json) print_json({{"differences", rows}});
}

}  // namespace

void add_config(CLI::App& app, Action& action) {
  CLI::App* parent =
      app.add_subcommand("config", "Show, check and compare training configurations");
  parent->require_subcommand(0, 1);
  auto args = std::make_shared<ConfigArgs>();
  const auto add = [&](const std::string& name, const std::string& help,
                       void (*body)(const ConfigArgs&)) {
    CLI::App* command = parent->add_subcommand(name, help);
    command->callback([args, body, &action] { action = [args, body] { body(*args); }; });
    return command;
  };
  CLI::App* show_command = add("show", "Print the resolved configuration", show);
  add_config_files(*show_command, args->configs, args->overrides);
  show_command->add_flag("--comments", args->help, "With the help of every option above it");
  CLI::App* check_command = add("check", "Say whether a configuration is valid", check);
  add_config_files(*check_command, args->configs, args->overrides);
  check_command->add_flag("--json", args->json, "Print one JSON object");
  CLI::App* options_command =
      add("options", "List every option with type, default, unit, range and help", list);
  options_command->add_option("prefix", args->prefix,
                              "Only options whose path starts so, such as train.");
  options_command->add_flag("--json", args->json, "Print one JSON object");
  CLI::App* diff_command = add("diff", "Options in which two configurations differ", diff);
  diff_command->add_option("a", args->a, "YAML file or name")->required();
  diff_command->add_option("b", args->b, "YAML file or name")->required();
  diff_command->add_flag("--json", args->json, "Print one JSON object");
  parent->footer(
      "examples:\n  reasonbrain config show --config mini train.steps=100\n"
      "  reasonbrain config options train.\n  reasonbrain config diff mini other.yaml");
}

}  // namespace reasonbrain::cli
