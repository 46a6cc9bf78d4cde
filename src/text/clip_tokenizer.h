// CLIP's byte-level BPE from vocab.json and merges.txt.
#pragma once

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/tokenizer.h"

namespace reasonbrain::text {

class ClipTokenizer : public Tokenizer {
 public:
  explicit ClipTokenizer(const std::filesystem::path& folder);

  std::vector<int64_t> encode(std::string_view text, bool add_special) const override;
  std::string decode(const std::vector<int64_t>& ids, bool skip_special) const override;
  std::optional<int64_t> token_id(std::string_view token) const override;
  int64_t vocab_size() const override;
  std::optional<int64_t> bos_id() const override { return bos_id_; }
  std::optional<int64_t> eos_id() const override { return eos_id_; }
  std::optional<int64_t> pad_id() const override { return pad_id_; }

 private:
  void encode_words(std::string_view normalized, std::vector<int64_t>& ids) const;

  Bpe bpe_;
  AddedTokens raw_, normalized_;  // matched before and after normalising
  int64_t bos_id_ = 0, eos_id_ = 0, pad_id_ = 0, unknown_id_ = 0;
};

}  // namespace reasonbrain::text
