// Text to token ids and back, as the reference libraries do it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::text {

// Safe to use from several threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Bytes that are not UTF-8 are read as U+FFFD. add_special: with the special tokens that the
  // reference adds by default (LLaMA: BOS in front; T5: EOS at the end; CLIP: both).
  virtual std::vector<int64_t> encode(std::string_view text, bool add_special) const = 0;

  // skip_special leaves out special and added tokens. Error(kData) for an id outside the
  // vocabulary.
  virtual std::string decode(const std::vector<int64_t>& ids, bool skip_special) const = 0;

  // The id of one token, added tokens included; nullopt when there is no such token.
  virtual std::optional<int64_t> token_id(std::string_view token) const = 0;

  virtual int64_t vocab_size() const = 0;  // the greatest id, added tokens included, plus one
  virtual std::optional<int64_t> bos_id() const = 0;
  virtual std::optional<int64_t> eos_id() const = 0;
  virtual std::optional<int64_t> pad_id() const = 0;
};

// Reads a Hugging Face folder: tokenizer.model or spiece.model (SentencePiece) goes before
// vocab.json with merges.txt (CLIP's byte-level BPE), which goes before tokenizer.json (BPE or
// Unigram by the rules in the file). added_tokens.json, special_tokens_map.json and
// tokenizer_config.json are honoured. Error(kData) when nothing fits or a file is damaged.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder);

// Copies the files that load_tokenizer() reads; the destination folder is created.
void copy_tokenizer_files(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace reasonbrain::text
