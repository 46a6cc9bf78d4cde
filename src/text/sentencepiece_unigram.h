// The cut of SentencePiece's unigram models as version 0.2.3 of the library makes it.
#pragma once

#include <sentencepiece_processor.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/sentencepiece_model.h"
#include "text/unigram_cuts.h"

namespace reasonbrain::text {

// 0.1.97 compares sums in double with a best one rounded to float, and so cuts otherwise where two
// ways are equal. The text is normalised by the library; the cut of it, in float, is our own.
class SentencePieceUnigram {
 public:
  SentencePieceUnigram(const sentencepiece::SentencePieceProcessor& processor,
                       const SentencePieceKinds& kinds);

  // Appends the ids of a text. `processor`: that of the constructor.
  void encode(const sentencepiece::SentencePieceProcessor& processor, std::string_view text,
              std::vector<int64_t>& ids) const;

 private:
  UnigramCuts<float> cuts_;
  float unknown_score_ = 0;
  bool byte_fallback_ = false;
  std::array<int64_t, 256> byte_ids_{};  // with byte_fallback_
};

}  // namespace reasonbrain::text
