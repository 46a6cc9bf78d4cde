#include "text/json_tokenizer.h"

#include <algorithm>
#include <set>

#include "core/str.h"
#include "io/json.h"
#include "io/quote.h"
#include "reasonbrain/error.h"
#include "text/clip_words.h"
#include "text/step_fields.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

using nlohmann::json;

json part(const json& file, const char* name) {
  const auto found = file.find(name);
  return found == file.end() ? json() : *found;
}

AddedToken read_added_token(const json& value, const std::string& origin) {
  if (!value.is_object())
    throw data_error(str(origin, ": an entry of 'added_tokens' is no object"));
  AddedToken token;
  token.content = text_field(value, "content", origin);
  if (token.content.empty()) throw data_error(str(origin, ": an added token is empty"));
  token.id = checked_token_id(part(value, "id"), token.content, origin);
  token.special = flag_field(value, "special", false, origin);
  token.lstrip = flag_field(value, "lstrip", false, origin);
  token.rstrip = flag_field(value, "rstrip", false, origin);
  token.single_word = flag_field(value, "single_word", false, origin);
  token.normalized = flag_field(value, "normalized", !token.special, origin);
  return token;
}

// The ids that one special token of a template stands for.
std::vector<int64_t> template_ids(const json& processor, const std::string& name,
                                  const std::string& origin) {
  const json tokens = part(processor, "special_tokens");
  if (!tokens.is_object() || !tokens.contains(name) || !tokens[name].is_object()) {
    throw data_error(str(origin, ": the post-processor names no ids of '", name, "'"));
  }
  std::vector<int64_t> ids;
  for (const json& id : list_field(tokens[name], "ids", origin)) {
    ids.push_back(checked_token_id(id, name, origin));
  }
  return ids;
}

// ["token", id] of the BERT and RoBERTa processors.
int64_t pair_id(const json& processor, const char* name, const std::string& origin) {
  const json& pair = list_field(processor, name, origin);
  if (pair.size() != 2) throw data_error(str(origin, ": '", name, "' must be a token and its id"));
  return checked_token_id(pair[1], name, origin);
}

struct Frame {
  std::vector<int64_t> front, back;
};

void add_frame(const json& processor, Frame& frame, const std::string& origin) {
  const std::string type = step_type(processor, origin);
  if (type == "ByteLevel") return;  // moves offsets only
  if (type == "Sequence") {
    for (const json& step : list_field(processor, "processors", origin)) {
      add_frame(step, frame, origin);
    }
  } else if (type == "TemplateProcessing") {
    bool behind = false;
    Frame own;
    for (const json& item : list_field(processor, "single", origin)) {
      if (item.is_object() && item.contains("Sequence")) {
        behind = true;
      } else if (item.is_object() && item.contains("SpecialToken")) {
        const std::string name = text_field(item["SpecialToken"], "id", origin);
        const std::vector<int64_t> ids = template_ids(processor, name, origin);
        std::vector<int64_t>& side = behind ? own.back : own.front;
        side.insert(side.end(), ids.begin(), ids.end());
      } else {
        throw data_error(
            str(origin, ": the template item ", io::shortened(item.dump()), " is not understood"));
      }
    }
    frame.front.insert(frame.front.begin(), own.front.begin(), own.front.end());
    frame.back.insert(frame.back.end(), own.back.begin(), own.back.end());
  } else if (type == "RobertaProcessing" || type == "BertProcessing") {
    frame.front.insert(frame.front.begin(), pair_id(processor, "cls", origin));
    frame.back.push_back(pair_id(processor, "sep", origin));
  } else {
    throw data_error(str(origin, ": post-processor '", type, "' is not supported; expected ",
                         "Sequence, ByteLevel, TemplateProcessing or RobertaProcessing"));
  }
}

std::string read_word_end(const json& model) {
  const json suffix = part(model, "end_of_word_suffix");
  const bool named = suffix.is_string() && !suffix.get_ref<const std::string&>().empty();
  return named ? suffix.get<std::string>() : "</w>";
}

}  // namespace

JsonTokenizer::JsonTokenizer(const std::filesystem::path& folder) {
  const auto path = folder / "tokenizer.json";
  const std::string origin = path.string();
  const json file = io::read_json(path);
  if (!file.is_object()) throw data_error(str(origin, ": must hold a JSON object"));
  model_ = parse_token_model(part(file, "model"), origin);
  normalize_ = parse_normalizer(part(file, "normalizer"), origin);
  pre_tokenize_ = parse_pre_tokenizer(part(file, "pre_tokenizer"), origin);
  decode_ = parse_decoder(part(file, "decoder"), origin);
  TokenizerSettings settings = read_tokenizer_settings(folder);
  if (settings.tokenizer_class == "CLIPTokenizer" ||
      settings.tokenizer_class == "CLIPTokenizerFast") {
    word_end_ = read_word_end(part(file, "model"));
  }
  read_added_tokens(file, settings, origin);
  for (auto [role, id] : {std::pair{"bos_token", &bos_id_}, std::pair{"eos_token", &eos_id_},
                          std::pair{"pad_token", &pad_id_}}) {
    const auto found = settings.special.find(role);
    if (found != settings.special.end()) *id = token_id(found->second.content);
  }
  read_frame(part(file, "post_processor"), settings, origin);
}

void JsonTokenizer::read_added_tokens(const json& file, TokenizerSettings& settings,
                                      const std::string& origin) {
  std::vector<AddedToken> tokens;
  std::set<std::string> known;
  if (file.contains("added_tokens")) {
    for (const json& value : list_field(file, "added_tokens", origin)) {
      tokens.push_back(read_added_token(value, origin));
      known.insert(tokens.back().content);
    }
  }
  for (AddedToken& token : settings.added) {
    if (known.insert(token.content).second) tokens.push_back(std::move(token));
  }
  settings.added = std::move(tokens);
  const auto find = [this](std::string_view token) { return model_->token_id(token); };
  std::vector<AddedToken> raw, normalized;
  for (AddedToken& token : resolve_added_tokens(settings, model_->max_id() + 1, find)) {
    if (const auto id = find(token.content)) token.id = *id;
    (token.normalized ? normalized : raw).push_back(std::move(token));
  }
  raw_ = AddedTokens(std::move(raw));
  normalized_ = AddedTokens(std::move(normalized), normalize_);
}

void JsonTokenizer::read_frame(const json& post_processor, const TokenizerSettings& settings,
                               const std::string& origin) {
  Frame frame;
  if (!post_processor.is_null()) {
    add_frame(post_processor, frame, origin);
  } else {
    if (settings.add_bos_token.value_or(false) && bos_id_) frame.front = {*bos_id_};
    if (settings.add_eos_token.value_or(false) && eos_id_) frame.back = {*eos_id_};
  }
  front_ = std::move(frame.front);
  back_ = std::move(frame.back);
  if (!bos_id_ && !front_.empty()) bos_id_ = front_.front();
  if (!eos_id_ && !back_.empty()) eos_id_ = back_.back();
}

std::vector<int64_t> JsonTokenizer::encode(std::string_view text, bool add_special) const {
  const std::string clean = replace_invalid_utf8(text);
  std::vector<int64_t> ids;
  if (add_special) ids = front_;
  for (const Segment& outer : raw_.split(clean)) {
    if (outer.token != nullptr) {
      ids.push_back(outer.token->id);
      continue;
    }
    const bool at_start = outer.text.data() == clean.data();
    const std::string normalized = normalize_(std::string(outer.text));
    for (const Segment& inner : normalized_.split(normalized)) {
      if (inner.token != nullptr) {
        ids.push_back(inner.token->id);
        continue;
      }
      std::vector<Piece> pieces = {
          {std::string(inner.text), at_start && inner.text.data() == normalized.data()}};
      pre_tokenize_(pieces);
      for (const Piece& piece : pieces) {
        if (!piece.text.empty()) model_->encode(piece.text, ids);
      }
    }
  }
  if (add_special) ids.insert(ids.end(), back_.begin(), back_.end());
  return ids;
}

std::string JsonTokenizer::decode(const std::vector<int64_t>& ids, bool skip_special) const {
  std::vector<std::string> tokens;
  for (const int64_t id : ids) {
    const AddedToken* added = raw_.find(id);
    if (added == nullptr) added = normalized_.find(id);
    const std::string* token = model_->token(id);
    if (added == nullptr && token == nullptr) {
      throw data_error(str("token id ", id, " is outside the vocabulary of ", vocab_size()));
    }
    if (added != nullptr && skip_special) continue;
    tokens.push_back(added != nullptr ? added->content : *token);
  }
  decode_(tokens);
  const std::string text = join(tokens, "");
  return word_end_.empty() ? text : clip_text(text, word_end_);
}

std::optional<int64_t> JsonTokenizer::token_id(std::string_view token) const {
  if (const AddedToken* added = raw_.find(token)) return added->id;
  if (const AddedToken* added = normalized_.find(token)) return added->id;
  return model_->token_id(token);
}

int64_t JsonTokenizer::vocab_size() const {
  return std::max({model_->max_id(), raw_.max_id(), normalized_.max_id()}) + 1;
}

}  // namespace reasonbrain::text
