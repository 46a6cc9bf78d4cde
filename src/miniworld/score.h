// Exact scores of an edited picture against the rule's outcomes, on 8-bit pictures; no networks.
//
// For an alternative O and the target t let E = {pixels where a channel of O and t differs by more
// than 6 levels}; v(O) = sum over E of (|o - O| - |o - t|) / sum over E of |O - t|, in [-1, 1]: 1
// for the target, -1 for O, 0 for an even blend.
#pragma once

#include <optional>
#include <string>

#include "reasonbrain/record.h"

namespace reasonbrain::miniworld {

inline constexpr double kConfidentMargin = 0.3;

struct Verdict {
  std::optional<double> margin;  // smallest v(O) over the alternatives; unset without a usable one
  std::string nearest;           // name of that alternative; of several with equal v the one that
                                 // differs most from the target
  std::optional<double> attr;    // share of the record's checks that hold
  std::optional<double>
      keep;  // 0..10: nearness to the target where every outcome leaves the source
             // alone (eroded 3x3, the canvas edge too); unset without such pixels
  std::optional<double> progress;  // 1 - |o - t| / |s - t| over the pixels that any outcome
                                   // changes; unset if the target is the source there
};

// `edited` is RGB of the target's size. Throws Error(kData) when the sample has no target or
// pictures of different sizes.
Verdict judge(const data::Sample& sample, const io::Image& edited);

}  // namespace reasonbrain::miniworld
