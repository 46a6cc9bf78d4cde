// The steps of a tokenizer.json (the tokenizers library): normalizers, pre-tokenizers, decoders. A
// kind that is not read here is Error(kData) naming it.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace reasonbrain::text {

// A stretch of text that is tokenised on its own.
struct Piece {
  std::string text;
  bool first = false;  // begins where the whole input begins
};

using Normalizer = std::function<std::string(std::string text)>;
using PreTokenizer = std::function<void(std::vector<Piece>& pieces)>;
using Decoder = std::function<void(std::vector<std::string>& tokens)>;  // joined afterwards

// From the objects of the file; null gives a step that changes nothing (a decoder that puts spaces
// between tokens).
Normalizer parse_normalizer(const nlohmann::json& step, const std::string& origin);
PreTokenizer parse_pre_tokenizer(const nlohmann::json& step, const std::string& origin);
Decoder parse_decoder(const nlohmann::json& step, const std::string& origin);

}  // namespace reasonbrain::text
