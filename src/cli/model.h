// The parts of `reasonbrain model`.
#pragma once

#include <string>

#include "cli/command.h"

namespace reasonbrain::models {
struct ModelKind;
}

namespace reasonbrain::cli {

// By the name that `model import` takes; Error(kUsage) naming all for another one.
const models::ModelKind& find_kind(const std::string& name);

void add_model_list(CLI::App& model, Action& action);
void add_model_info(CLI::App& model, Action& action);
void add_model_run(CLI::App& model, Action& action);
void add_model_export(CLI::App& model, Action& action);
void add_model_import(CLI::App& model, Action& action);
void add_model_verify(CLI::App& model, Action& action);

}  // namespace reasonbrain::cli
