// Scores folders of predictions, and the anchors that stand beside them, with a protocol.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "eval/results.h"
#include "reasonbrain/sample_source.h"

namespace reasonbrain::eval {

struct Prediction {
  std::string name;              // of the method
  std::filesystem::path folder;  // holds ID.png for every sample
};

// "NAME=DIR". Error(kUsage) for another form or a name that is not [A-Za-z0-9_.-]+, starts with a
// dot or ends in ".png".
Prediction parse_prediction(const std::string& text);

struct EvaluateOptions {
  uint64_t seed = 0;       // of the anchors
  double max_fail = 0.02;  // greatest share of failed pictures per method
  int num_threads = 0;     // 0: one per core
};

// Pictures for the gallery go to `picture_folder`/images (not created when the path is empty):
// ID_src.png, ID_tgt.png, ID_altK.png for alternative K, counted from 0, and METHOD/ID.png.
//
// A picture of another size than the target's is resized (Pillow's bicubic) and counted; one that
// is missing or damaged counts as failed. Error(kData) when a method fails more often than
// max_fail, when a folder is missing and when a sample has no target; Error(kUsage) when two
// methods share a name.
Results evaluate(const data::SampleSource& source, const Protocol& protocol,
                 const std::vector<Prediction>& predictions, const EvaluateOptions& options,
                 const std::filesystem::path& picture_folder);

}  // namespace reasonbrain::eval
