#include "text/sentencepiece_tokenizer.h"

#include <algorithm>

#include "core/atomic_file.h"
#include "core/str.h"
#include "reasonbrain/error.h"
#include "text/sentencepiece_model.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

constexpr uint64_t kMaxModelBytes = 64 << 20;
constexpr int64_t kT5Sentinels = 100;
constexpr int64_t kMaxSentinels = 10'000;

// The control symbols of the model itself, where the settings name none.
void add_default_special_tokens(const sentencepiece::SentencePieceProcessor& processor, bool is_t5,
                                TokenizerSettings& settings) {
  const std::pair<const char*, int> roles[] = {{"bos_token", is_t5 ? -1 : processor.bos_id()},
                                               {"eos_token", processor.eos_id()},
                                               {"unk_token", processor.unk_id()},
                                               {"pad_token", processor.pad_id()}};
  for (const auto& [role, id] : roles) {
    if (id < 0) continue;
    AddedToken token;
    token.content = processor.IdToPiece(id);
    token.special = true;
    if (!token.content.empty()) settings.special.emplace(role, token);
  }
}

// <extra_id_0> has the greatest id, just behind the pieces (transformers T5Tokenizer).
void add_sentinels(int64_t num_pieces, TokenizerSettings& settings) {
  const int64_t count = settings.extra_ids.value_or(kT5Sentinels);
  if (count > kMaxSentinels) {
    throw data_error(
        str("tokenizer_config.json: extra_ids is ", count, ", at most ", kMaxSentinels));
  }
  for (int64_t i = 0; i < count; ++i) {
    AddedToken token;
    token.content = str("<extra_id_", i, ">");
    token.id = num_pieces + count - 1 - i;
    token.special = token.lstrip = token.rstrip = true;
    settings.added.push_back(std::move(token));
  }
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(const std::filesystem::path& folder,
                                               const std::string& model_name) {
  const auto path = folder / model_name;
  const std::string model = read_file(path, kMaxModelBytes);
  check_sentencepiece_model(model, path.string());
  const auto status = processor_.LoadFromSerializedProto(model);
  if (!status.ok() || processor_.GetPieceSize() == 0) {
    throw data_error(str(path.string(), ": not a SentencePiece model: ", status.ToString()));
  }
  const SentencePieceKinds kinds = read_sentencepiece_kinds(model, path.string());
  if (kinds.unigram) unigram_.emplace(processor_, kinds);
  TokenizerSettings settings = read_tokenizer_settings(folder);
  const bool is_t5 = settings.tokenizer_class.empty()
                         ? model_name == "spiece.model"
                         : settings.tokenizer_class.find("T5") != std::string::npos;
  add_bos_ = settings.add_bos_token.value_or(!is_t5);
  add_eos_ = settings.add_eos_token.value_or(is_t5);
  add_default_special_tokens(processor_, is_t5, settings);
  const bool lists_sentinels =
      std::any_of(settings.added.begin(), settings.added.end(),
                  [](const AddedToken& token) { return token.content == "<extra_id_0>"; });
  if (is_t5 && !lists_sentinels) add_sentinels(processor_.GetPieceSize(), settings);

  const auto find = [this](std::string_view piece) { return piece_id(piece); };
  added_ = AddedTokens(resolve_added_tokens(settings, processor_.GetPieceSize(), find));
  for (auto [role, id] : {std::pair{"bos_token", &bos_id_}, std::pair{"eos_token", &eos_id_},
                          std::pair{"pad_token", &pad_id_}}) {
    const auto found = settings.special.find(role);
    if (found != settings.special.end()) *id = added_.find(found->second.content)->id;
  }
  if ((add_bos_ && !bos_id_) || (add_eos_ && !eos_id_)) {
    throw data_error(str(path.string(), ": no ", add_bos_ && !bos_id_ ? "BOS" : "EOS",
                         " token, neither in the model nor in tokenizer_config.json"));
  }
}

std::vector<int64_t> SentencePieceTokenizer::encode(std::string_view text, bool add_special) const {
  const std::string clean = replace_invalid_utf8(text);
  std::vector<int64_t> ids;
  if (add_special && add_bos_) ids.push_back(*bos_id_);
  for (const Segment& segment : added_.split(clean)) {
    if (segment.token != nullptr) {
      ids.push_back(segment.token->id);
      continue;
    }
    if (unigram_) {
      unigram_->encode(processor_, segment.text, ids);
      continue;
    }
    std::vector<int> pieces;
    const auto status = processor_.Encode(segment.text, &pieces);
    if (!status.ok()) throw data_error(str("SentencePiece cannot encode: ", status.ToString()));
    ids.insert(ids.end(), pieces.begin(), pieces.end());
  }
  if (add_special && add_eos_) ids.push_back(*eos_id_);
  return ids;
}

std::string SentencePieceTokenizer::decode(const std::vector<int64_t>& ids,
                                           bool skip_special) const {
  std::string text;
  std::vector<int> pieces;
  const auto flush = [&] {
    std::string part;
    const auto status = processor_.Decode(pieces, &part);
    if (!status.ok()) throw data_error(str("SentencePiece cannot decode: ", status.ToString()));
    text += part;
    pieces.clear();
  };
  for (int64_t id : ids) {
    if (const AddedToken* token = added_.find(id)) {
      if (skip_special) continue;
      flush();
      text += token->content;
    } else if (id < 0 || id >= processor_.GetPieceSize()) {
      throw data_error(str("token id ", id, " is outside the vocabulary of ", vocab_size()));
    } else {
      pieces.push_back(static_cast<int>(id));
    }
  }
  flush();
  return text;
}

std::optional<int64_t> SentencePieceTokenizer::piece_id(std::string_view piece) const {
  const int id = processor_.PieceToId(piece);  // the unknown piece's id when there is none
  if (id < 0 || processor_.IdToPiece(id) != piece) return std::nullopt;
  return id;
}

std::optional<int64_t> SentencePieceTokenizer::token_id(std::string_view token) const {
  if (const AddedToken* added = added_.find(token)) return added->id;
  return piece_id(token);
}

int64_t SentencePieceTokenizer::vocab_size() const {
  return std::max<int64_t>(processor_.GetPieceSize(), added_.max_id() + 1);
}

}  // namespace reasonbrain::text
