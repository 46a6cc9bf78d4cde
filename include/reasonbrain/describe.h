// How an option is declared: once, in the describe() of the struct that holds it.
//
//   struct TrainOptions {
//     int64_t steps = 1000;
//     Objective objective = Objective::kFlow;
//     OptimOptions optim;
//     void describe(OptionVisitor& v) {
//       v.field("steps", steps, {.help = "Optimiser steps of this stage", .min = 1, .max = 1e9});
//       v.choice("objective", objective, {"epsilon", "flow"},
//                {.help = "What the denoiser predicts"});
//       v.group("optim", optim, {.help = "AdamW"});
//     }
//   };
//
// The default is the value that a default-constructed struct holds. From the declaration come YAML
// and JSON parsing, range checks, dumps and `config options`. A reader refuses a value of another
// type, outside its range or not among the choices: YAML with Error(kConfig), JSON with
// Error(kData).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace reasonbrain {

struct OptionInfo {
  std::string help;  // one sentence; a test requires it
  std::string unit = "";
  double min = -std::numeric_limits<double>::infinity();  // both ends included
  double max = std::numeric_limits<double>::infinity();
};

// The sink of a declaration. Implementations: YAML reader and writer, JSON reader and writer,
// option lister.
class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;

  virtual void field(const char* name, bool& value, const OptionInfo& info) = 0;
  virtual void field(const char* name, int64_t& value, const OptionInfo& info) = 0;
  virtual void field(const char* name, double& value, const OptionInfo& info) = 0;
  virtual void field(const char* name, std::string& value, const OptionInfo& info) = 0;
  virtual void field(const char* name, std::vector<int64_t>& value, const OptionInfo& info) = 0;
  virtual void field(const char* name, std::vector<double>& value, const OptionInfo& info) = 0;
  virtual void field(const char* name, std::vector<std::string>& value, const OptionInfo& info) = 0;

  // An enum whose values 0, 1, 2, ... are spelt as listed.
  template <class Enum>
  void choice(const char* name, Enum& value, const std::vector<std::string>& names,
              const OptionInfo& info) {
    int index = static_cast<int>(value);
    choice_index(name, index, names, info);
    value = static_cast<Enum>(index);
  }

  // A nested struct with its own describe().
  template <class T>
  void group(const char* name, T& value, const OptionInfo& info) {
    if (begin_group(name, info)) {
      value.describe(*this);
      end_group();
    }
  }

  // A list of structs, each with its own describe(): a YAML or JSON sequence of mappings.
  template <class T>
  void list(const char* name, std::vector<T>& value, const OptionInfo& info) {
    const int64_t count = begin_list(name, static_cast<int64_t>(value.size()), info);
    value.resize(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      if (begin_item(i)) {
        value[static_cast<size_t>(i)].describe(*this);
        end_group();
      }
    }
    end_list();
  }

 protected:
  virtual void choice_index(const char* name, int& index, const std::vector<std::string>& names,
                            const OptionInfo& info) = 0;
  virtual bool begin_group(const char* name,
                           const OptionInfo& info) = 0;  // false: skip its content
  virtual void end_group() = 0;
  // Gets the present length, returns the length wanted.
  virtual int64_t begin_list(const char* name, int64_t count, const OptionInfo& info) = 0;
  virtual bool begin_item(int64_t index) = 0;  // false: skip its content
  virtual void end_list() = 0;
};

}  // namespace reasonbrain
