#include "io/json.h"

#include <unordered_set>
#include <vector>

#include "core/atomic_file.h"
#include "core/str.h"
#include "io/quote.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

constexpr size_t kMaxDepth = 64;

// Outside strings, the word Infinity replaced by a number.
std::string without_infinities(std::string_view text) {
  constexpr std::string_view kWord = "Infinity", kNumber = "1.7976931348623157e308";
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!in_string && text.substr(i, kWord.size()) == kWord) {
      out += kNumber;
      i += kWord.size() - 1;
      continue;
    }
    if (text[i] == '"') in_string = !in_string;
    if (in_string && text[i] == '\\' && i + 1 < text.size()) out += text[i++];
    out += text[i];
  }
  return out;
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& origin, uint64_t max_bytes) {
  using Event = nlohmann::json::parse_event_t;
  if (text.size() > max_bytes) {
    throw data_error(
        str(origin, ": JSON of ", text.size(), " bytes, expected at most ", max_bytes));
  }
  if (const size_t nul = text.find('\0'); nul != text.npos) {  // it would end the text silently
    throw data_error(str(origin, ": not valid JSON: a NUL byte at byte ", nul));
  }
  std::vector<std::unordered_set<std::string>>
      open;  // the keys of each open object; empty for arrays
  const auto check = [&](int, Event event, nlohmann::json& value) {
    if (event == Event::object_start || event == Event::array_start) {
      if (open.size() >= kMaxDepth) {
        throw data_error(str(origin, ": JSON nested deeper than ", kMaxDepth, " levels"));
      }
      open.emplace_back();
    } else if (event == Event::object_end || event == Event::array_end) {
      open.pop_back();
    } else if (event == Event::key && !open.back().insert(value.get<std::string>()).second) {
      throw data_error(
          str(origin, ": key ", shortened(value.dump()), " stands twice in the same object"));
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text, check);
  } catch (const nlohmann::json::exception& problem) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: ..." without the bracket
    const std::string message = problem.what();
    const size_t bracket = message.find("] ");
    throw data_error(
        str(origin, ": not valid JSON: ",
            shortened(bracket == std::string::npos ? message : message.substr(bracket + 2))));
  }
}

nlohmann::json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path, kMaxJsonBytes), path.string());
}

nlohmann::json read_python_json(const std::filesystem::path& path) {
  return parse_json(without_infinities(read_file(path, kMaxJsonBytes)), path.string());
}

void write_json(const std::filesystem::path& path, const nlohmann::json& value) {
  // A path may hold bytes that are not UTF-8.
  write_file_atomic(
      path,
      value.dump(2, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace reasonbrain::io
