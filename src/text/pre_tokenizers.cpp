// The pre-tokenizers of tokenizer.json.
#include "core/str.h"
#include "reasonbrain/error.h"
#include "text/bpe.h"
#include "text/step_fields.h"
#include "text/tokenizer_steps.h"
#include "text/unicode.h"

namespace reasonbrain::text {
namespace {

using nlohmann::json;

// GPT-2's words.
constexpr const char* kByteLevelWords =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

enum class Behavior { kRemoved, kIsolated, kWithPrevious, kWithNext, kContiguous };

Behavior parse_behavior(const json& step, const std::string& origin) {
  const std::string name = text_field(step, "behavior", origin);
  if (name == "Removed") return Behavior::kRemoved;
  if (name == "Isolated") return Behavior::kIsolated;
  if (name == "MergedWithPrevious") return Behavior::kWithPrevious;
  if (name == "MergedWithNext") return Behavior::kWithNext;
  if (name == "Contiguous") return Behavior::kContiguous;
  throw data_error(str(origin, ": behavior '", name, "' is not supported"));
}

struct Part {
  size_t begin, end;
  bool matched;
};

// Matches and what lies between them, in order.
std::vector<Part> parts_of(std::string_view text, const Finder& find, bool invert) {
  std::vector<Part> parts;
  size_t done = 0;
  for (const auto& [begin, end] : find(text)) {
    if (begin > done) parts.push_back({done, begin, invert});
    parts.push_back({begin, end, !invert});
    done = end;
  }
  if (done < text.size()) parts.push_back({done, text.size(), invert});
  return parts;
}

std::vector<Part> merged(const std::vector<Part>& parts, Behavior behavior) {
  std::vector<Part> out;
  bool open = false;  // whether the last part of `out` waits for what follows it
  for (const Part& part : parts) {
    if (behavior == Behavior::kRemoved) {
      if (!part.matched) out.push_back(part);
    } else if (behavior == Behavior::kContiguous && !out.empty() &&
               out.back().matched == part.matched) {
      out.back().end = part.end;
    } else if (behavior == Behavior::kWithPrevious && part.matched && !out.empty() &&
               !out.back().matched) {
      out.back() = {out.back().begin, part.end, true};
    } else if (behavior == Behavior::kWithNext && open && !part.matched) {
      out.back().end = part.end;
      open = false;
    } else {
      out.push_back(part);
      open = part.matched;
    }
  }
  return out;
}

PreTokenizer splitter(Finder find, Behavior behavior, bool invert) {
  return [find = std::move(find), behavior, invert](std::vector<Piece>& pieces) {
    std::vector<Piece> out;
    for (const Piece& piece : pieces) {
      for (const Part& part : merged(parts_of(piece.text, find, invert), behavior)) {
        out.push_back(
            {piece.text.substr(part.begin, part.end - part.begin), piece.first && part.begin == 0});
      }
    }
    pieces = std::move(out);
  };
}

void spell_bytes(std::vector<Piece>& pieces) {
  for (Piece& piece : pieces) {
    std::string spelt;
    for (const char byte : piece.text) spelt += byte_letters()[static_cast<uint8_t>(byte)];
    piece.text = std::move(spelt);
  }
}

PreTokenizer byte_level(const json& step, const std::string& origin) {
  const bool prefix = flag_field(step, "add_prefix_space", true, origin);
  PreTokenizer split;
  if (flag_field(step, "use_regex", true, origin)) {
    const Regex words(kByteLevelWords, origin);
    split = splitter([words](std::string_view text) { return words.find_all(text); },
                     Behavior::kIsolated, /*invert=*/false);
  }
  return [prefix, split](std::vector<Piece>& pieces) {
    for (Piece& piece : pieces) {
      if (prefix && !starts_with(piece.text, " ")) piece.text = " " + piece.text;
    }
    if (split) split(pieces);
    spell_bytes(pieces);
  };
}

PreTokenizer metaspace(const json& step, const std::string& origin) {
  const std::string mark =
      step.contains("replacement") ? text_field(step, "replacement", origin) : kSpaceMark;
  const std::string scheme = prepend_scheme(step, origin);
  const json by_mark = {{"pattern", {{"String", mark}}}},
             by_space = {{"pattern", {{"String", " "}}}};
  const Finder spaces = pattern_field(by_space, origin);
  PreTokenizer split;
  if (flag_field(step, "split", true, origin)) {
    split = splitter(pattern_field(by_mark, origin), Behavior::kWithNext, /*invert=*/false);
  }
  return [=](std::vector<Piece>& pieces) {
    for (Piece& piece : pieces) {
      piece.text = replace_all(piece.text, spaces, mark);
      const bool wanted = scheme == "always" || (scheme == "first" && piece.first);
      if (wanted && !starts_with(piece.text, mark)) piece.text = mark + piece.text;
    }
    if (split) split(pieces);
  };
}

PreTokenizer sequence(const json& steps, const std::string& origin) {
  std::vector<PreTokenizer> parts;
  for (const json& step : steps) parts.push_back(parse_pre_tokenizer(step, origin));
  return [parts = std::move(parts)](std::vector<Piece>& pieces) {
    for (const PreTokenizer& part : parts) {
      part(pieces);
      std::erase_if(pieces, [](const Piece& piece) { return piece.text.empty(); });
    }
  };
}

PreTokenizer by_regex(const char* pattern, Behavior behavior, const std::string& origin) {
  const Regex regex(pattern, origin);
  return splitter([regex](std::string_view text) { return regex.find_all(text); }, behavior,
                  /*invert=*/false);
}

}  // namespace

PreTokenizer parse_pre_tokenizer(const json& step, const std::string& origin) {
  if (step.is_null()) return [](std::vector<Piece>&) {};
  const std::string type = step_type(step, origin);
  if (type == "Sequence") return sequence(list_field(step, "pretokenizers", origin), origin);
  if (type == "ByteLevel") return byte_level(step, origin);
  if (type == "Metaspace") return metaspace(step, origin);
  if (type == "WhitespaceSplit") return by_regex(R"(\s)", Behavior::kRemoved, origin);
  if (type == "Digits") {
    const bool single = flag_field(step, "individual_digits", false, origin);
    return by_regex(R"(\p{N})", single ? Behavior::kIsolated : Behavior::kContiguous, origin);
  }
  if (type == "Split") {
    return splitter(pattern_field(step, origin), parse_behavior(step, origin),
                    flag_field(step, "invert", false, origin));
  }
  throw data_error(str(origin, ": pre-tokenizer '", type, "' is not supported; expected Sequence, ",
                       "ByteLevel, Metaspace, WhitespaceSplit, Digits or Split"));
}

}  // namespace reasonbrain::text
