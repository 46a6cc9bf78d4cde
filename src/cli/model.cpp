#include "cli/model.h"

namespace reasonbrain::cli {

void add_model(CLI::App& app, Action& action) {
  CLI::App* model = app.add_subcommand(
      "model", "Describe, import, verify and export models, run single components");
  model->require_subcommand(0, 1);
  add_model_list(*model, action);
  add_model_info(*model, action);
  add_model_run(*model, action);
  add_model_export(*model, action);
  add_model_import(*model, action);
  add_model_verify(*model, action);
}

}  // namespace reasonbrain::cli
