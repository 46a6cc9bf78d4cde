// Instructions: an opener around a clause that tells the event and never its effect.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/rng.h"

namespace reasonbrain::miniworld {

using Slots = std::vector<std::pair<std::string, std::string>>;  // "{name}" -> words

// The ways in which one event may be told. Test texts use the held-out openers and the held-out
// clause, whose words (but not whose order) all occur in training.
struct Event {
  std::vector<std::string> clauses;
  std::string held_out_clause;
};

const std::vector<std::string>& openers(bool held_out);  // each holds "{clause}" once

std::string fill(std::string text, const Slots& slots);

// A sentence for the event; the draws do not depend on the event's content.
std::string tell(Rng& rng, const Event& event, const Slots& slots, bool held_out);

// "a and b and c"
std::string list_words(const std::vector<std::string>& parts);

// Splits at spaces and takes the final mark of a sentence off: "What if it fell?" -> What if it
// fell ?
std::vector<std::string> words_of(const std::string& text);

}  // namespace reasonbrain::miniworld
