#include "cli/data.h"

#include "cli/command.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {

void add_data(CLI::App& app, Action& action) {
  CLI::App* data = app.add_subcommand("data", "Make, check and describe records");
  data->require_subcommand(0, 1);
  add_data_miniworld(*data, action);
  add_data_tokenizers(*data, action);
  add_data_check(*data, action);
  add_data_stats(*data, action);
  add_data_cache(*data, action);
  for (const std::string name : {"pack", "split", "build"}) {
    CLI::App* command = data->add_subcommand(name, "(not in this release)");
    command->prefix_command();
    command->callback([name, &action] {
      action = [name] {
        throw usage_error(
            str("data ", name,
                ": not in this release; there are: miniworld, tokenizers, check, stats, cache"));
      };
    });
  }
}

}  // namespace reasonbrain::cli
