// The parts of `reasonbrain data`.
#pragma once

#include "cli/command.h"

namespace reasonbrain::cli {

void add_data_miniworld(CLI::App& data, Action& action);
void add_data_tokenizers(CLI::App& data, Action& action);
void add_data_check(CLI::App& data, Action& action);
void add_data_stats(CLI::App& data, Action& action);
void add_data_cache(CLI::App& data, Action& action);

}  // namespace reasonbrain::cli
