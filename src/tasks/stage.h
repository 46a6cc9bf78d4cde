// The stages of training by name, and whether a configuration gives them anything to learn.
#pragma once

#include <string>

#include "reason/options.h"
#include "tasks/options.h"

namespace reasonbrain::tasks {

enum class Stage { kReasoner, kPainter, kJoint };

// Error(kConfig) unless it is reasoner, painter or joint.
Stage parse_stage(const std::string& name);

const LossOptions& losses_of(const TaskOptions& options, Stage stage);

// Error(kConfig) when a model with these options cannot learn the stage, or all losses that the
// stage could have are 0; `has_labels` where the data has attribute words.
void check_stage(const std::string& name, const TaskOptions& options,
                 const reason::ReasonOptions& model, bool has_labels);

}  // namespace reasonbrain::tasks
