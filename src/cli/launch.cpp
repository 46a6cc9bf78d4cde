#include "cli/command.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {

void add_launch(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("launch", "Several training processes (not in this release)");
  command->prefix_command();
  command->callback([&action] {
    action = [] {
      throw usage_error(
          "launch: training in several processes is not in this release; use: reasonbrain train");
    };
  });
}

}  // namespace reasonbrain::cli
