// Reading the fields of a step of tokenizer.json.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "text/regex.h"

namespace reasonbrain::text {

// Error(kData) beginning with `origin` where a field is missing or of the wrong type.
std::string step_type(const nlohmann::json& step, const std::string& origin);
std::string text_field(const nlohmann::json& step, const char* name, const std::string& origin);
bool flag_field(const nlohmann::json& step, const char* name, bool otherwise,
                const std::string& origin);
const nlohmann::json& list_field(const nlohmann::json& step, const char* name,
                                 const std::string& origin);

// {"String": ...} or {"Regex": ...}: a function to all matches, [begin, end) in bytes.
using Finder = std::function<std::vector<std::pair<size_t, size_t>>(std::string_view)>;
Finder pattern_field(const nlohmann::json& step, const std::string& origin);

std::string replace_all(std::string_view text, const Finder& find, const std::string& content);

// The white space mark of SentencePiece's vocabularies.
constexpr const char* kSpaceMark = "\xe2\x96\x81";

// prepend_scheme of Metaspace, which older files spell add_prefix_space.
std::string prepend_scheme(const nlohmann::json& step, const std::string& origin);

}  // namespace reasonbrain::text
