// `model` beside init_from: what the weights say of themselves.
#pragma once

#include "cli/run_config.h"
#include "reason/pipeline_options.h"

namespace reasonbrain::cli {

// Makes `model` that of the weights; what of each part learns stays. Error(kConfig) for an option
// of `model` that was written and differs from theirs.
void take_model(RunConfig& config, const reason::PipelineOptions& own);

// The same with the options of init_from; nothing without it.
void take_model(RunConfig& config);

}  // namespace reasonbrain::cli
