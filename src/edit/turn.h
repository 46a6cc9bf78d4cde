// One turn of editing on canvases: pictures through the encoder, the reasoning half and the
// sampler.
#pragma once

#include <vector>

#include "edit/sampling.h"
#include "reason/processor.h"
#include "reasonbrain/editor.h"

namespace reasonbrain::edit {

struct TurnResult {
  std::vector<io::Image> edited;  // S x S, one per job
  std::vector<Turn> turns;  // with `explain`: one per picture, of its job with NoiseKey::picture 0
};

// A turn without its results: what was given.
Turn begin_turn(const reason::Picture& picture);

// Job rows are positions in `pictures`. At most `batch_size` rows go through the model at once.
TurnResult run_turn(reason::Pipeline& pipeline, const std::vector<reason::Picture>& pictures,
                    const std::vector<SampleJob>& jobs, const reason::PaintSettings& settings,
                    int64_t batch_size, bool explain);

}  // namespace reasonbrain::edit
