// LLaMA's tokenizer.model and T5's spiece.model through the SentencePiece library.
#pragma once

#include <sentencepiece_processor.h>

#include "text/added_tokens.h"
#include "text/sentencepiece_unigram.h"
#include "text/tokenizer.h"

namespace reasonbrain::text {

// The rule of transformers' slow tokenizers (legacy=True), which LLaVA was trained with: the text
// is split at added tokens, and every piece between them is encoded on its own with its own dummy
// prefix.
class SentencePieceTokenizer : public Tokenizer {
 public:
  SentencePieceTokenizer(const std::filesystem::path& folder, const std::string& model_name);

  std::vector<int64_t> encode(std::string_view text, bool add_special) const override;
  std::string decode(const std::vector<int64_t>& ids, bool skip_special) const override;
  std::optional<int64_t> token_id(std::string_view token) const override;
  int64_t vocab_size() const override;
  std::optional<int64_t> bos_id() const override { return bos_id_; }
  std::optional<int64_t> eos_id() const override { return eos_id_; }
  std::optional<int64_t> pad_id() const override { return pad_id_; }

 private:
  std::optional<int64_t> piece_id(std::string_view piece) const;

  sentencepiece::SentencePieceProcessor processor_;
  std::optional<SentencePieceUnigram> unigram_;  // for models of this type
  AddedTokens added_;
  std::optional<int64_t> bos_id_, eos_id_, pad_id_;
  bool add_bos_ = false;
  bool add_eos_ = false;
};

}  // namespace reasonbrain::text
