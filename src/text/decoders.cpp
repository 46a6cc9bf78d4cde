// The decoders of tokenizer.json.
#include <charconv>

#include "core/str.h"
#include "reasonbrain/error.h"
#include "text/bpe.h"
#include "text/step_fields.h"
#include "text/tokenizer_steps.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

using nlohmann::json;

void join_all(std::vector<std::string>& tokens) {
  tokens = {join(tokens, "")};
}

void from_byte_letters(std::vector<std::string>& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) append_spelt_bytes(token, bytes);
  tokens = {replace_invalid_utf8(bytes)};
}

// "<0x0A>" -> the byte.
bool parse_byte(const std::string& token, char& byte) {
  if (token.size() != 6 || !starts_with(token, "<0x") || token[5] != '>') return false;
  uint8_t value = 0;
  const auto end = std::from_chars(token.data() + 3, token.data() + 5, value, 16);
  byte = static_cast<char>(value);
  return end.ec == std::errc() && end.ptr == token.data() + 5;
}

void join_bytes(std::vector<std::string>& tokens) {
  std::vector<std::string> out;
  std::string bytes;
  const auto flush = [&] {
    if (is_valid_utf8(bytes)) {
      if (!bytes.empty()) out.push_back(bytes);
    } else {
      for (size_t i = 0; i < bytes.size(); ++i) out.emplace_back("\xef\xbf\xbd");
    }
    bytes.clear();
  };
  for (const std::string& token : tokens) {
    char byte = 0;
    if (parse_byte(token, byte)) {
      bytes.push_back(byte);
      continue;
    }
    flush();
    out.push_back(token);
  }
  flush();
  tokens = std::move(out);
}

Decoder metaspace(const json& step, const std::string& origin) {
  const std::string mark =
      step.contains("replacement") ? text_field(step, "replacement", origin) : kSpaceMark;
  const bool drop_first = prepend_scheme(step, origin) != "never";
  const Finder find = pattern_field({{"pattern", {{"String", mark}}}}, origin);
  return [=](std::vector<std::string>& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      tokens[i] = replace_all(tokens[i], find, i == 0 && drop_first ? "" : " ");
    }
  };
}

int64_t count_field(const json& step, const char* name, const std::string& origin) {
  const auto found = step.find(name);
  if (found == step.end() || !found->is_number_unsigned()) {
    throw data_error(str(origin, ": '", name, "' must be a whole number of at least 0"));
  }
  return static_cast<int64_t>(std::min<uint64_t>(found->get<uint64_t>(), 1'000'000));
}

Decoder strip(const json& step, const std::string& origin) {
  const std::string content = text_field(step, "content", origin);
  const int64_t start = count_field(step, "start", origin),
                stop = count_field(step, "stop", origin);
  if (content.empty()) throw data_error(str(origin, ": decoder Strip with an empty 'content'"));
  return [=](std::vector<std::string>& tokens) {
    for (std::string& token : tokens) {
      for (int64_t i = 0; i < start && starts_with(token, content); ++i) {
        token.erase(0, content.size());
      }
      for (int64_t i = 0; i < stop && ends_with(token, content); ++i) {
        token.resize(token.size() - content.size());
      }
    }
  };
}

Decoder word_ends(const json& step, const std::string& origin) {
  const std::string suffix = step.contains("suffix") ? text_field(step, "suffix", origin) : "</w>";
  const Finder find = pattern_field({{"pattern", {{"String", suffix}}}}, origin);
  return [=](std::vector<std::string>& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      tokens[i] = replace_all(tokens[i], find, i + 1 == tokens.size() ? "" : " ");
    }
  };
}

Decoder sequence(const json& steps, const std::string& origin) {
  std::vector<Decoder> parts;
  for (const json& step : steps) parts.push_back(parse_decoder(step, origin));
  return [parts = std::move(parts)](std::vector<std::string>& tokens) {
    for (const Decoder& part : parts) part(tokens);
  };
}

}  // namespace

Decoder parse_decoder(const json& step, const std::string& origin) {
  if (step.is_null()) return [](std::vector<std::string>& tokens) { tokens = {join(tokens, " ")}; };
  const std::string type = step_type(step, origin);
  if (type == "Sequence") return sequence(list_field(step, "decoders", origin), origin);
  if (type == "ByteLevel") return from_byte_letters;
  if (type == "ByteFallback") return join_bytes;
  if (type == "Fuse") return join_all;
  if (type == "Metaspace") return metaspace(step, origin);
  if (type == "Strip") return strip(step, origin);
  if (type == "BPEDecoder") return word_ends(step, origin);
  if (type == "Replace") {
    return [find = pattern_field(step, origin),
            content = text_field(step, "content", origin)](std::vector<std::string>& tokens) {
      for (std::string& token : tokens) token = replace_all(token, find, content);
    };
  }
  throw data_error(str(origin, ": decoder '", type, "' is not supported; expected Sequence, ",
                       "ByteLevel, ByteFallback, Fuse, Metaspace, Strip, Replace or BPEDecoder"));
}

}  // namespace reasonbrain::text
