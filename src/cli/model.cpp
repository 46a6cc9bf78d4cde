#include "cli/model.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {

void add_model(CLI::App& app, Action& action) {
  CLI::App* model =
      app.add_subcommand("model", "Describe and export models, run single components");
  model->require_subcommand(0, 1);
  add_model_list(*model, action);
  add_model_info(*model, action);
  add_model_run(*model, action);
  add_model_export(*model, action);
  for (const std::string name : {"import", "verify"}) {
    CLI::App* command = model->add_subcommand(name, "(not in this release)");
    command->prefix_command();
    command->callback([name, &action] {
      action = [name] {
        throw runtime_error(
            str("model ", name, ": not in this release; there are: list, info, run, export"));
      };
    });
  }
}

}  // namespace reasonbrain::cli
