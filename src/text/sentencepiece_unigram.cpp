#include "text/sentencepiece_unigram.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::text {
namespace {

using sentencepiece::SentencePieceProcessor;

constexpr float kUnknownPenalty = 10;  // below the lowest score

std::string byte_piece(int byte) {
  char spelt[8];
  std::snprintf(spelt, sizeof spelt, "<0x%02X>", static_cast<unsigned>(byte & 0xFF));
  return spelt;
}

}  // namespace

SentencePieceUnigram::SentencePieceUnigram(const SentencePieceProcessor& processor,
                                           const SentencePieceKinds& kinds) {
  // The library begins at the least positive float, which scores of at most 0 leave as it is.
  float lowest = std::numeric_limits<float>::max(), highest = std::numeric_limits<float>::min();
  const auto is_user_defined = [&](int id) {
    const auto index = static_cast<size_t>(id);
    return index < kinds.user_defined.size() && kinds.user_defined[index];
  };
  std::vector<int> in_texts;
  for (int id = 0; id < processor.GetPieceSize(); ++id) {
    byte_fallback_ = byte_fallback_ || processor.IsByte(id);
    if (processor.IsByte(id) || processor.IsControl(id) || processor.IsUnknown(id) ||
        processor.IsUnused(id)) {
      continue;
    }
    in_texts.push_back(id);
    if (is_user_defined(id)) continue;
    lowest = std::min(lowest, processor.GetScore(id));
    highest = std::max(highest, processor.GetScore(id));
  }
  for (const int id : in_texts) {
    const std::string& piece = processor.IdToPiece(id);
    const auto bonus = static_cast<float>(static_cast<float>(piece.size()) * highest - 0.1);
    cuts_.insert(piece, id, is_user_defined(id) ? bonus : processor.GetScore(id));
  }
  unknown_score_ = lowest - kUnknownPenalty;
  for (int byte = 0; byte_fallback_ && byte < 256; ++byte) {
    byte_ids_[static_cast<size_t>(byte)] = processor.PieceToId(byte_piece(byte));
  }
}

void SentencePieceUnigram::encode(const SentencePieceProcessor& processor, std::string_view text,
                                  std::vector<int64_t>& ids) const {
  sentencepiece::ImmutableSentencePieceText cut;
  const auto status = processor.Encode(text, cut.mutable_proto());
  if (!status.ok()) throw data_error(str("SentencePiece cannot encode: ", status.ToString()));
  // The pieces join to the normalised text; unknown ones are spelt in it or in bytes.
  std::string normalized;
  for (const auto& piece : cut.pieces()) {
    const auto id = static_cast<int64_t>(piece.id());
    if (byte_fallback_ && processor.IsByte(static_cast<int>(id))) {
      const auto byte = std::find(byte_ids_.begin(), byte_ids_.end(), id) - byte_ids_.begin();
      normalized.push_back(static_cast<char>(byte));
    } else {
      normalized += piece.piece();
    }
  }
  const int64_t unknown = processor.unk_id();
  for (const auto& span : cuts_.best(normalized, unknown, unknown_score_)) {
    if (span.id != unknown || !byte_fallback_) {
      ids.push_back(span.id);
      continue;
    }
    for (size_t i = span.begin; i < span.end; ++i) {
      ids.push_back(byte_ids_[static_cast<uint8_t>(normalized[i])]);
    }
  }
}

}  // namespace reasonbrain::text
