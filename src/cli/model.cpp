#include "cli/model.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {

void add_model(CLI::App& app, Action& action) {
  CLI::App* model = app.add_subcommand("model", "Describe models, run single components");
  model->require_subcommand(1);
  add_model_list(*model, action);
  add_model_info(*model, action);
  add_model_run(*model, action);
  for (const std::string name : {"import", "export", "verify"}) {
    CLI::App* command = model->add_subcommand(name, "(not in this release)");
    command->allow_extras();
    command->callback([name, &action] {
      action = [name] {
        throw runtime_error(
            str("model ", name, ": not in this release; there are: list, info, run"));
      };
    });
  }
}

}  // namespace reasonbrain::cli
