#include "io/jsonl.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/str.h"
#include "io/json.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {

LineReader::LineReader(std::filesystem::path path, uint64_t max_line_bytes)
    : path_(std::move(path)), max_line_bytes_(max_line_bytes) {
  // Looked at before it is opened: a named pipe would be waited for.
  std::error_code failed;
  const auto type = std::filesystem::status(path_, failed).type();
  const auto cannot_read = [&](const std::string& why) {
    return data_error(str("cannot read ", path_.string(), ": ", why));
  };
  if (type == std::filesystem::file_type::not_found) throw cannot_read("no such file");
  if (type != std::filesystem::file_type::regular) throw cannot_read("expected a text file");
  file_.open(path_, std::ios::binary);
  if (!file_.is_open()) throw cannot_read(std::strerror(errno));
}

std::string LineReader::origin() const {
  return str(path_.string(), ":", line_);
}

int LineReader::next_byte() {
  try {
    return file_.rdbuf()->sbumpc();
  } catch (const std::ios_base::failure& problem) {
    throw data_error(str("cannot read ", path_.string(), ": ", problem.code().message()));
  }
}

bool LineReader::next(std::string& text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  while (true) {
    text.clear();
    ++line_;
    int byte;
    while ((byte = next_byte()) != std::char_traits<char>::eof() && byte != '\n') {
      text += static_cast<char>(byte);
      if (text.size() > max_line_bytes_) {
        throw data_error(str(origin(), ": the line is longer than ", max_line_bytes_, " bytes"));
      }
    }
    if (byte != '\n' && text.empty()) return false;
    if (line_ == 1 && text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
    if (!text.empty() && text.back() == '\r') text.pop_back();
    if (!is_valid_utf8(text)) throw data_error(origin() + ": the line is not UTF-8");
    if (!trim(text).empty()) return true;
    if (byte != '\n') return false;
  }
}

void for_each_json_line(
    const std::filesystem::path& path,
    const std::function<void(const nlohmann::json&, const std::string&, int)>& visit) {
  LineReader reader(path);
  std::string text;
  bool any = false;
  while (reader.next(text)) {
    const std::string origin = reader.origin();
    const nlohmann::json value = parse_json(text, origin);
    if (!value.is_object()) throw data_error(origin + ": expected a JSON object on each line");
    any = true;
    visit(value, origin, reader.line());
  }
  if (!any)
    throw data_error(path.string() + ": the file is empty, expected one JSON object a line");
}

}  // namespace reasonbrain::io
