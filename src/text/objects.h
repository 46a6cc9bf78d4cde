// The objects that a hypothetical instruction speaks of, found without a model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::text {

constexpr size_t kMaxObjectWords = 3;

// Lower-case phrases of at most kMaxObjectWords words, the referent first, without duplicates;
// empty when there is none. "What if the wolf blew at the house with the green roof?" gives "green
// roof house", "wolf".
std::vector<std::string> extract_objects(std::string_view instruction, int max_objects);

}  // namespace reasonbrain::text
