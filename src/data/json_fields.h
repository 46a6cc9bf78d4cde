// Taking typed fields out of an untrusted JSON object; what is not taken is left over.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reasonbrain/error.h"

namespace reasonbrain::data {

// Errors are Error(kData) "ORIGIN: field 'x' ...". null counts as absent.
class JsonFields {
 public:
  JsonFields(nlohmann::json object, std::string origin);

  const nlohmann::json& peek(const char* name) const;  // null when absent
  nlohmann::json take(const char* name);               // null when absent
  std::string take_string(const char* name);           // "" when absent
  std::string required_string(const char* name);       // not empty
  std::string take_path(const char* name);             // relative, without ".."; "" when absent
  std::string required_path(const char* name);
  int required_int(const char* name, int min, int max);
  std::vector<int> take_ints(const char* name, int min, int max);
  void take_objects(const char* name, const std::function<void(JsonFields&)>& visit);

  std::vector<std::string> strings(const nlohmann::json& value, const char* name) const;
  Error error(const std::string& problem) const;
  const nlohmann::json& rest() const { return object_; }

 private:
  Error wrong(const char* name, const nlohmann::json& value, const std::string& expected) const;

  nlohmann::json object_;
  std::string origin_;
};

}  // namespace reasonbrain::data
