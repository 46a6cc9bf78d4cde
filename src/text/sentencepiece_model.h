// A SentencePiece model as bytes, before the library reads it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::text {

// The library follows a model's normalisation without checks of bounds. Error(kData) beginning with
// `origin` where that would read foreign memory, and where the fields of the model are damaged.
void check_sentencepiece_model(std::string_view model, const std::string& origin);

// What the library keeps to itself.
struct SentencePieceKinds {
  bool unigram = true;             // the model's type; BPE and others are not
  std::vector<bool> user_defined;  // by id
};

SentencePieceKinds read_sentencepiece_kinds(std::string_view model, const std::string& origin);

}  // namespace reasonbrain::text
