// Options structs with describe() from and to JSON, such as a Hugging Face config.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reasonbrain/describe.h"

namespace reasonbrain::io {

struct JsonPolicy {
  bool ignore_unknown = false;  // keys that no option has: passed over, or an error
};

// All errors are Error(kData) and start with the origin. null leaves an option as it is.
class JsonOptionReader : public OptionVisitor {
 public:
  JsonOptionReader(const nlohmann::json& object, std::string origin, JsonPolicy policy);

  void finish();  // refuses unknown keys of the top level

  void field(const char* name, bool& value, const OptionInfo& info) override;
  void field(const char* name, int64_t& value, const OptionInfo& info) override;
  void field(const char* name, double& value, const OptionInfo& info) override;
  void field(const char* name, std::string& value, const OptionInfo& info) override;
  void field(const char* name, std::vector<int64_t>& value, const OptionInfo& info) override;
  void field(const char* name, std::vector<double>& value, const OptionInfo& info) override;
  void field(const char* name, std::vector<std::string>& value, const OptionInfo& info) override;

 protected:
  void choice_index(const char* name, int& index, const std::vector<std::string>& names,
                    const OptionInfo& info) override;
  bool begin_group(const char* name, const OptionInfo& info) override;
  void end_group() override;
  int64_t begin_list(const char* name, int64_t count, const OptionInfo& info) override;
  bool begin_item(int64_t index) override;
  void end_list() override;

 private:
  struct Level {
    const nlohmann::json* node;
    std::string path;
    std::vector<std::string> keys;
  };

  const nlohmann::json* take(const char* name);  // nullptr when absent or null
  [[noreturn]] void fail(const std::string& path, const nlohmann::json& got,
                         const std::string& problem) const;
  int64_t integer(const std::string& path, const nlohmann::json& got, const OptionInfo& info) const;
  double number(const std::string& path, const nlohmann::json& got, const OptionInfo& info) const;
  const nlohmann::json* take_array(const char* name);
  void check_unknown(const Level& level) const;

  std::string origin_;
  JsonPolicy policy_;
  std::vector<Level> levels_;
};

class JsonOptionWriter : public OptionVisitor {
 public:
  JsonOptionWriter() : stack_{nlohmann::json::object()} {}

  const nlohmann::json& value() const { return stack_.front(); }

  void field(const char* name, bool& value, const OptionInfo& info) override;
  void field(const char* name, int64_t& value, const OptionInfo& info) override;
  void field(const char* name, double& value, const OptionInfo& info) override;
  void field(const char* name, std::string& value, const OptionInfo& info) override;
  void field(const char* name, std::vector<int64_t>& value, const OptionInfo& info) override;
  void field(const char* name, std::vector<double>& value, const OptionInfo& info) override;
  void field(const char* name, std::vector<std::string>& value, const OptionInfo& info) override;

 protected:
  void choice_index(const char* name, int& index, const std::vector<std::string>& names,
                    const OptionInfo& info) override;
  bool begin_group(const char* name, const OptionInfo& info) override;
  void end_group() override;
  int64_t begin_list(const char* name, int64_t count, const OptionInfo& info) override;
  bool begin_item(int64_t index) override;
  void end_list() override;

 private:
  void put(const std::string& name, nlohmann::json value);
  void close();  // puts the innermost open value into the one around it

  std::vector<nlohmann::json> stack_;  // open objects and arrays, the document first
  std::vector<std::string> names_;     // key of each open value but the first, "" for list items
};

template <class T>
void read_json_options(const nlohmann::json& object, T& options, const std::string& origin,
                       JsonPolicy policy = {}) {
  JsonOptionReader reader(object, origin, policy);
  options.describe(reader);
  reader.finish();
}

template <class T>
nlohmann::json write_json_options(T options) {
  JsonOptionWriter writer;
  options.describe(writer);
  return writer.value();
}

}  // namespace reasonbrain::io
