// The normalizers of tokenizer.json.
#include "core/str.h"
#include "reasonbrain/error.h"
#include "text/charsmap.h"
#include "text/step_fields.h"
#include "text/tokenizer_steps.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

using nlohmann::json;

Normalizer sequence(const json& steps, const std::string& origin) {
  std::vector<Normalizer> parts;
  for (const json& step : steps) parts.push_back(parse_normalizer(step, origin));
  return [parts = std::move(parts)](std::string text) {
    for (const Normalizer& part : parts) text = part(std::move(text));
    return text;
  };
}

Normalizer unicode_form(const std::string& type) {
  const NormalForm form = type == "NFC"    ? NormalForm::kNfc
                          : type == "NFD"  ? NormalForm::kNfd
                          : type == "NFKC" ? NormalForm::kNfkc
                                           : NormalForm::kNfkd;
  return [form](std::string text) { return encode_utf8(normalize(decode_utf8(text), form)); };
}

}  // namespace

Normalizer parse_normalizer(const json& step, const std::string& origin) {
  if (step.is_null()) return [](std::string text) { return text; };
  const std::string type = step_type(step, origin);
  if (type == "Sequence") return sequence(list_field(step, "normalizers", origin), origin);
  if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD") return unicode_form(type);
  if (type == "Lowercase") {
    return [](std::string text) { return encode_utf8(lower_case(decode_utf8(text))); };
  }
  if (type == "Strip") {
    const bool left = flag_field(step, "strip_left", true, origin);
    const bool right = flag_field(step, "strip_right", true, origin);
    return [left, right](std::string text) {
      std::string_view view = text;
      if (left) view = strip_left(view);
      if (right) view = strip_right(view);
      return std::string(view);
    };
  }
  if (type == "Prepend") {
    return [prefix = text_field(step, "prepend", origin)](std::string text) {
      return text.empty() ? text : prefix + text;
    };
  }
  if (type == "Replace") {
    return [find = pattern_field(step, origin), content = text_field(step, "content", origin)](
               std::string text) { return replace_all(text, find, content); };
  }
  if (type == "Precompiled") {
    const auto found = step.find("precompiled_charsmap");
    if (found == step.end() || found->is_null()) return parse_normalizer(nullptr, origin);
    return [map = Charsmap(text_field(step, "precompiled_charsmap", origin), origin)](
               std::string text) { return map(text); };
  }
  throw data_error(str(origin, ": normalizer '", type,
                       "' is not supported; expected Sequence, NFC, ",
                       "NFD, NFKC, NFKD, Lowercase, Strip, Prepend, Replace or Precompiled"));
}

}  // namespace reasonbrain::text
