// What the weights of init_from say of the model, without reading them.
#pragma once

#include <filesystem>

#include "cli/run_config.h"
#include "reason/pipeline_options.h"

namespace reasonbrain::cli {

// The options of a model folder, checkpoint or run folder, from the configurations in it and in the
// folders of its parts; paths of parts are left out. Error(kData) for what is missing or damaged.
reason::PipelineOptions read_model_options(const std::filesystem::path& folder);

// Makes `model` that of the weights; what of each part learns stays. Error(kConfig) for an option
// of `model` that was written and differs from theirs.
void take_model(RunConfig& config, const reason::PipelineOptions& own);

// The same with the options of init_from; nothing without it.
void take_model(RunConfig& config);

}  // namespace reasonbrain::cli
