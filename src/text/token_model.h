// The models of tokenizer.json: how one pre-tokenised piece becomes ids.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::text {

class TokenModel {
 public:
  virtual ~TokenModel() = default;

  virtual void encode(const std::string& piece, std::vector<int64_t>& ids) const = 0;
  virtual std::optional<int64_t> token_id(std::string_view token) const = 0;
  virtual const std::string* token(int64_t id) const = 0;  // null when there is none
  virtual int64_t max_id() const = 0;
};

// BPE or Unigram. Error(kData) for other types and for a damaged model.
std::unique_ptr<TokenModel> parse_token_model(const nlohmann::json& model,
                                              const std::string& origin);

// Each by itself.
std::unique_ptr<TokenModel> parse_bpe_model(const nlohmann::json& model, const std::string& origin);
std::unique_ptr<TokenModel> parse_unigram_model(const nlohmann::json& model,
                                                const std::string& origin);

// The ids of "<0x00>" ... for the bytes of `text`; empty when one is not in the vocabulary.
std::vector<int64_t> byte_ids(const TokenModel& model, std::string_view text);

}  // namespace reasonbrain::text
