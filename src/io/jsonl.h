// Files of one JSON object a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace reasonbrain::io {

constexpr uint64_t kMaxLineBytes = 4 << 20;

// Lines of a UTF-8 text file: LF or CRLF, with or without a byte order mark; lines of white space
// are passed over. Error(kData) "FILE:LINE: ..." for invalid UTF-8 and for a line over the limit,
// "cannot read FILE: ..." where the disk fails.
class LineReader {
 public:
  explicit LineReader(std::filesystem::path path, uint64_t max_line_bytes = kMaxLineBytes);

  bool next(std::string& text);       // false at the end
  int line() const { return line_; }  // 1-based number of the line that next() gave
  std::string origin() const;         // "FILE:LINE"

 private:
  int next_byte();  // or eof()

  std::filesystem::path path_;
  uint64_t max_line_bytes_;
  std::ifstream file_;
  int line_ = 0;
};

// Calls `visit(object, origin, line)` for every line, where origin is "FILE:LINE". Each line must
// be a JSON object and there must be one at least: else Error(kData).
void for_each_json_line(
    const std::filesystem::path& path,
    const std::function<void(const nlohmann::json&, const std::string& origin, int line)>& visit);

}  // namespace reasonbrain::io
