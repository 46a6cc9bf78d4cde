// JSON with the checks that untrusted files need.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace reasonbrain::io {

constexpr uint64_t kMaxJsonBytes = 100'000'000;

// Error(kData) starting with `origin` for: syntax, NUL bytes, invalid UTF-8, duplicate keys,
// nesting deeper than 64, more than max_bytes.
nlohmann::json parse_json(std::string_view text, const std::string& origin,
                          uint64_t max_bytes = kMaxJsonBytes);

nlohmann::json read_json(const std::filesystem::path& path);

// The same for files that Python wrote, whose json module spells infinities: Infinity and -Infinity
// become the largest and the smallest number. NaN stays an error.
nlohmann::json read_python_json(const std::filesystem::path& path);

// Two spaces of indentation and a final line feed; bytes that are not UTF-8 become U+FFFD. Appears
// complete or not at all.
void write_json(const std::filesystem::path& path, const nlohmann::json& value);

}  // namespace reasonbrain::io
