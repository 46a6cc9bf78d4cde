// A tokenizer from tokenizer.json alone, by the rules in the file (the tokenizers library).
#pragma once

#include "text/added_tokens.h"
#include "text/token_model.h"
#include "text/tokenizer.h"
#include "text/tokenizer_steps.h"

namespace reasonbrain::text {

class JsonTokenizer : public Tokenizer {
 public:
  explicit JsonTokenizer(const std::filesystem::path& folder);

  std::vector<int64_t> encode(std::string_view text, bool add_special) const override;
  std::string decode(const std::vector<int64_t>& ids, bool skip_special) const override;
  std::optional<int64_t> token_id(std::string_view token) const override;
  int64_t vocab_size() const override;
  std::optional<int64_t> bos_id() const override { return bos_id_; }
  std::optional<int64_t> eos_id() const override { return eos_id_; }
  std::optional<int64_t> pad_id() const override { return pad_id_; }

 private:
  void read_added_tokens(const nlohmann::json& file, TokenizerSettings& settings,
                         const std::string& origin);
  // What stands around a text: from the post-processor, else from the settings.
  void read_frame(const nlohmann::json& post_processor, const TokenizerSettings& settings,
                  const std::string& origin);

  Normalizer normalize_;
  PreTokenizer pre_tokenize_;
  Decoder decode_;
  std::string word_end_;  // of CLIP's class, which puts spaces for it; else empty
  std::unique_ptr<TokenModel> model_;
  AddedTokens raw_, normalized_;  // matched before and after normalising
  std::vector<int64_t> front_, back_;
  std::optional<int64_t> bos_id_, eos_id_, pad_id_;
};

}  // namespace reasonbrain::text
