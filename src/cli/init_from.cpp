#include "cli/init_from.h"

#include "config/options.h"
#include "core/str.h"
#include "reason/pipeline.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace {

// What is written of the model must be what the weights bring, or it would be passed over in
// silence.
void require_same_model(const RunConfig& config, const reason::PipelineOptions& own) {
  reason::PipelineOptions written = own;
  config::read_options(config.written_model, written);
  for (const config::OptionDifference& row : config::diff_options(own, written)) {
    if (ends_with(row.path, "initializer_range")) continue;  // of fresh weights; there are none
    throw config_error(str("model.", row.path, " is ", row.b, ", but the model of init_from, ",
                           config.init_from, ", has ", row.a,
                           "; leave the key out, or start without init_from"));
  }
}

}  // namespace

void take_model(RunConfig& config, const reason::PipelineOptions& own) {
  require_same_model(config, own);
  const reason::PartsOptions parts = config.model.parts;
  config.model = own;
  config.model.parts = parts;
}

void take_model(RunConfig& config) {
  if (!config.init_from.empty()) take_model(config, reason::read_model_options(config.init_from));
}

}  // namespace reasonbrain::cli
