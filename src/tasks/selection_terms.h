// What token selection, token propagation and their losses add to a training batch: draws, loss
// terms, and what is only measured, as terms of weight 0.
#pragma once

#include <string>
#include <vector>

#include "reason/model.h"
#include "reasonbrain/task.h"

namespace reasonbrain::tasks {

// Keyed by the batch's place in the stage of `epoch_size` samples, so that a resumed run repeats
// it.
reason::SelectionDraw draw_selection(const reason::ReasonOptions& options,
                                     const train::BatchInfo& info, int64_t epoch_size);

// Names of the terms that these options may measure.
std::vector<std::string> selection_terms(const reason::ReasonOptions& options);

// Counts and terms of a batch in a stage that reasons. There may be others than selection_terms()
// names among the counts.
void count_selection_terms(const reason::ReasonOptions& options, const reason::SelectionDraw& draw,
                           int64_t batch_size, std::vector<train::LossCount>& counts);
void add_selection_terms(const reason::ReasonOptions& options, reason::ModelImpl& model,
                         const reason::ModelOutputs& outputs, std::vector<train::LossTerm>& terms);

}  // namespace reasonbrain::tasks
