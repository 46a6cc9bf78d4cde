// Objects that an instruction can mean, and the words for them.
#pragma once

#include <string>
#include <vector>

#include "core/rng.h"
#include "miniworld/scenario.h"

namespace reasonbrain::miniworld {

struct Thing {
  int hue = 0;
  bool large = false;
};

// From left to right. In one scene of five two of them share a hue.
std::vector<Thing> draw_things(Rng& rng, int count);

// "left", "middle" or "right" of 2 or 3 things.
std::string place_word(int index, int count);
std::string size_word(const Thing& thing);
std::string a_hue(const Thing& thing);  // "a red", "an orange"

struct Reference {
  std::string adjective;  // "red", "left", "smaller", "largest"
  bool indirect = false;  // anything but a hue
  std::string phrase(const std::string& kind) const { return adjective + " " + kind; }
};

// A word that means things[index] and no other. Takes the same number of draws whatever the things.
Reference refer(Rng& rng, const std::vector<Thing>& things, int index);

// Whether the hue and the deciding cue of a referent meet only in test_comp. One pair per scenario:
// every further one makes the hue tell more of the outcome everywhere else.
bool is_held_out_pair(int hue, int cue);

// Different from `index`, in [0, count).
int draw_other(Rng& rng, int count, int index);

}  // namespace reasonbrain::miniworld
