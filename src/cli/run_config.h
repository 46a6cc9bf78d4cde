// The whole of a training configuration: the root of the YAML file.
#pragma once

#include <string>

#include "config/node.h"
#include "data/loader.h"
#include "reason/pipeline_options.h"
#include "reasonbrain/describe.h"
#include "reasonbrain/trainer.h"
#include "tasks/options.h"

namespace reasonbrain::cli {

enum class DataSource { kMiniworld, kRecords };

struct MiniworldSection {
  int64_t count = 200000;
  int64_t seed = 1;
  std::vector<std::string> scenarios;
  void describe(OptionVisitor& v);
};

struct ValidationSection {
  int64_t count = 600;
  int64_t seed = 777;
  std::string split = "val";
  std::string records;
  void describe(OptionVisitor& v);
};

struct DataSection {
  DataSource source = DataSource::kMiniworld;
  std::string records;
  data::LoaderOptions loader;
  MiniworldSection miniworld;
  ValidationSection validation;
  void describe(OptionVisitor& v);
};

struct RunConfig {
  int64_t seed = 1;
  std::string init_from;
  reason::PipelineOptions model;
  DataSection data;
  tasks::TaskOptions task;
  train::TrainOptions train;
  config::Node written_model;  // with init_from: what was written in `model`, but parts, tokenizers
                               // and preset; not an option
  void describe(OptionVisitor& v);
};

// Throws Error(kConfig) naming the first value of `model` that the parts built from options, not
// from a path, cannot have.
void check_model_options(const reason::PipelineOptions& model);

// Files and named overlays laid over each other, then overrides; paths of tokenizers are looked up
// in the configuration folders as well. Files that say nothing of the model, neither by `model` nor
// by `init_from`, are laid over the preset mini. Throws Error(kConfig).
RunConfig load_run_config(const std::vector<std::string>& files,
                          const std::vector<std::string>& overrides);

}  // namespace reasonbrain::cli
