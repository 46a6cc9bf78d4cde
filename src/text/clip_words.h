// How CLIP cleans a text and cuts it into words (transformers 5 CLIPTokenizer).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::text {

// NFC, each run of white space to one space, lower case.
std::string clip_normalize(std::string_view text);

// Contractions, runs of letters, single numbers and runs of other symbols; white space is dropped.
std::vector<std::string> clip_words(std::string_view normalized);

// The vocabulary spelling of a word's bytes, one symbol a byte; the last one carries "</w>".
std::vector<std::string> clip_symbols(std::string_view word);

// What a decoded text reads as: each end of a word is a space, and the text is stripped.
std::string clip_text(std::string_view spelt, std::string_view word_end = "</w>");

}  // namespace reasonbrain::text
