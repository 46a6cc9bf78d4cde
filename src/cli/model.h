// The parts of `reasonbrain model`.
#pragma once

#include "cli/command.h"

namespace reasonbrain::cli {

void add_model_list(CLI::App& model, Action& action);
void add_model_info(CLI::App& model, Action& action);
void add_model_run(CLI::App& model, Action& action);
void add_model_export(CLI::App& model, Action& action);
void add_model_import(CLI::App& model, Action& action);
void add_model_verify(CLI::App& model, Action& action);

}  // namespace reasonbrain::cli
