// Small tokenizers in the formats of the large ones, for models that are trained from scratch.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace reasonbrain::text {

// SentencePiece BPE as LLaMA's: byte fallback, identity normaliser, dummy prefix, <unk> 0, <s> 1,
// </s> 2. Writes tokenizer.model and tokenizer_config.json. The vocabulary is the smallest in which
// each of `words` is one piece (punctuation marks: one without a leading space); `corpus` adds its
// characters and its frequencies. The same input gives the same bytes. Error(kData) when a word
// cannot be one piece (it holds white space or mixes letters with punctuation).
void train_llama_tokenizer(const std::vector<std::string>& corpus,
                           const std::vector<std::string>& words,
                           const std::filesystem::path& folder);

// Byte-level BPE as CLIP's, whose merges make every word (CLIP's notion of it: after lower-casing
// and cutting into letters, single numbers and symbols) one token. Writes vocab.json, merges.txt
// and tokenizer_config.json. The same input gives the same bytes.
void train_clip_tokenizer(const std::vector<std::string>& words,
                          const std::filesystem::path& folder);

}  // namespace reasonbrain::text
