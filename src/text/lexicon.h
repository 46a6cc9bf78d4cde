// Closed lists of English words for the object rules. Every argument is one lower-case word.
#pragma once

#include <string>
#include <string_view>

namespace reasonbrain::text {

bool is_determiner(std::string_view word);  // starts a noun phrase: the, a, this, her, two, 10, ...
bool is_definite(std::string_view word);    // the, this, that, these, those, both
bool is_function_word(std::string_view word);  // prepositions, conjunctions, pronouns, adverbs, ...
bool is_auxiliary(std::string_view word);      // was, would, does, ...
bool is_pronoun(std::string_view word);        // it, someone, they, ...
bool is_past_form(std::string_view word);  // past tenses and participles: stayed, blew, taken; -ing
bool is_base_verb(std::string_view word);  // look, stays; none that is as often a noun
bool is_adjective(std::string_view word);  // colours, sizes, places, materials, states
bool is_distinguishing(std::string_view word);    // colours, places, order: says which one is meant
bool is_filler_adjective(std::string_view word);  // same, whole, ...: left out of a phrase
bool is_quantity(std::string_view word);          // pile, pair, ...: "a pile of leaves" is leaves
bool is_control(std::string_view word);  // switch, lever, ...: moved for the sake of something else
bool is_time_noun(std::string_view word);    // minutes, night, winter, ...
bool is_giving_verb(std::string_view word);  // give, lend, ...: what stands behind "to" receives
bool is_vague_noun(std::string_view word);   // picture, side, front, ...: never the object

// The singular of a noun; the word itself when it looks like one.
std::string singular(std::string_view word);

}  // namespace reasonbrain::text
