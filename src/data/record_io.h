// Records as lines of JSON (the published Reason50K schema and its optional extensions).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "reasonbrain/record.h"

namespace reasonbrain::data {

// One line without a line feed. Fields without a value are left out; extra fields come last.
std::string to_json_line(const Record& record);

// `origin` ("FILE:LINE") starts every message. Throws Error(kData) for: broken JSON or UTF-8;
// missing id, src_image or instruction; a field of the wrong type; an id other than [A-Za-z0-9_.-]+
// or starting with a dot; an unknown category; a path that is absolute or has "..". Older names of
// the target caption (output_description, output_caption) and objects as "a, b" are understood.
// Unknown fields are kept in extra_json.
Record parse_record(std::string_view json, const std::string& origin, int line);

// Every line of a JSONL file: with or without a byte order mark, LF or CRLF. Error(kData) also for
// an empty file and for an id that stands twice.
std::vector<Record> read_records(const std::filesystem::path& path);

}  // namespace reasonbrain::data
