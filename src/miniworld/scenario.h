// What a scenario is: it draws a situation and says, for one event, how it looks before and after,
// how else it might have turned out, and how it is told. Adding one: a file in scenarios/ that
// defines make_NAME(), and a line in scenario_list.inc (docs/tutorial.md goes through one).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/rng.h"
#include "miniworld/shape.h"
#include "miniworld/text.h"

namespace reasonbrain::miniworld {

inline constexpr int kNumSlots =
    5;  // words of an instance: place, hue, kind, material or state, extra

// What a member of a minimal pair group changes against the first member.
enum class Flip { kNone, kCue, kInstruction, kReferent };

// The draws of one sample. `scene` and `text` are apart so that flips leave the other one alone.
struct Draw {
  Rng scene, text;
  Colour background;
  Flip flip = Flip::kNone;
  bool held_out_text = false;
};

struct Outcome {
  std::string name;  // letters, digits and "-"; kUnchanged for the untouched source
  Scene scene;
};
inline const std::string kUnchanged = "none";

struct Instance {
  std::array<std::string, kNumSlots> words;
  Colour key;  // its colour, by which it is found in a picture
};

struct ObjectPhrase {
  std::string text;  // at most 3 words
  int instance;      // label in the instance map
};

// A sample before it is rendered. Instance i of `instances` has label i + 1 in the scenes.
struct Draft {
  Scene source;
  Outcome truth;
  std::vector<Outcome> others;  // may hold repetitions and look-alikes, which are dropped later
  std::vector<Instance> instances;
  std::vector<ObjectPhrase> objects;  // referent first
  std::string instruction, instruction_explicit, source_caption, target_caption;
  std::vector<std::string> answer;
  char probe = 'P';       // P texture, R relation, I which object, T magnitude
  bool held_out = false;  // the (hue, cue) pair of the referent is kept for test_comp
};

class Scenario {
 public:
  virtual ~Scenario() = default;
  virtual std::string name() const = 0;
  virtual std::string category() const = 0;
  virtual std::vector<Event> events() const = 0;
  virtual Draft draft(Draw& draw) const = 0;
  // Every word of captions, phrases, slots of clauses, answers and explicit instructions; hues
  // excepted.
  virtual std::string words() const = 0;
  // The words that its instances may carry in each slot; hues (slot 1) excepted.
  virtual std::array<std::string, kNumSlots> slot_words() const = 0;
};

// The usual scenarios, in the order in which samples take them where none is named.
const std::vector<const Scenario*>& scenarios();

// These and the further ones.
const std::vector<const Scenario*>& all_scenarios();

// Throws Error(kUsage) that lists what there is.
const Scenario& find_scenario(const std::string& name);

}  // namespace reasonbrain::miniworld
