// The mini world: small scenes whose edits must be reasoned out, drawn without end from a seed.
//
// A sample is a pure function of (world version, split, seed, scenario, index). Splits:
//   train       the training distribution
//   val         the same, other pictures
//   test_text   held-out openers and clause orders
//   test_comp   held-out pairs of the referent's hue and the deciding cue
//   test_pairs  groups of four consecutive samples: a situation, then its cue, its instruction and
//               its referent changed, each of which changes the outcome
// All but train are on the held-out side: they share no picture with train, whatever the seeds.
#pragma once

#include "miniworld/scenario.h"
#include "reasonbrain/sample_source.h"

namespace reasonbrain::miniworld {

struct MiniWorldOptions {
  std::string split = "train";
  int64_t count = 1000;  // samples of one epoch
  int64_t seed = 1;
  int64_t size = 64;                   // pixels
  std::vector<std::string> scenarios;  // empty: the usual ones
  bool with_alternatives = true;
};

std::vector<std::string> split_names();

class MiniWorld : public data::SampleSource {
 public:
  // Throws Error(kUsage) for an unknown split or scenario (listing what there is) or a size or
  // count out of range.
  explicit MiniWorld(MiniWorldOptions options);

  int64_t size() const override { return options_.count; }

  // Takes the scenarios in turn (the groups of test_pairs as a whole). Any index >= 0 is valid.
  // Paths of the record are those of an exported folder: images/ID_src.png, images/ID_tgt.png,
  // images/ID_alt-NAME.png, regions/ID.png.
  data::Sample get(int64_t index) const override;

  // The instruction alone, without drawing: the same text as get(index).record.instruction.
  std::string instruction(int64_t index) const;

  // Of its scenarios: place, hue, kind, state, extra.
  std::vector<std::vector<std::string>> label_slots() const override;
  std::string fingerprint() const override;

 private:
  struct Place {  // what an index means
    const Scenario* scenario;
    int64_t stream;  // of the draws
    Flip flip;
  };
  Place locate(int64_t index) const;
  Draft draft(const Place& place) const;

  MiniWorldOptions options_;
  std::vector<const Scenario*> scenarios_;
};

// Every word that the usual scenarios' instructions, captions, phrases and answers may hold,
// sorted, as words_of() splits them: sentences begin with a capital, and "?" and "." are words of
// their own.
std::vector<std::string> all_words();

// Instructions of the training distribution, to train a tokenizer.
std::vector<std::string> corpus(int64_t seed, int64_t count);

}  // namespace reasonbrain::miniworld
