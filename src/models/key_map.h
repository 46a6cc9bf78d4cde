// Key maps: how the tensors of a weight file in some reference's layout correspond to the tensors
// of a module, as a table that is read in both directions (loading, saving) and through which
// gradients are reported under the file's keys.
//
//   KeyTable table({
//       {{"double_blocks.{i}.img_attn.qkv.{p}"},                              // one tensor there,
//        {"blocks.{i}.to_q.{p}", "blocks.{i}.to_k.{p}", "blocks.{i}.to_v.{p}"}},  // three here
//       {{"final.adaLN.1.{p}"}, {"norm_out.linear.{p}"}, KeyTransform::kSwapHalves},
//       {{"{rest}.inv_freq"}, {}},                                            // passed over
//       {{"{rest}"}, {"{rest}"}},                                             // all others: as is
//   });
#pragma once

#include <torch/nn/module.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/key_pattern.h"
#include "nn/state_dict.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::models {

// What turns the file's tensor into the module's, and back.
enum class KeyTransform {
  kNone,
  kSwapHalves,    // the two halves of dimension 0 change places
  kTranspose,     // of a matrix
  kPointwise,     // a 1x1 convolution [out, in, 1, 1] there, a linear [out, in] here; when
                  // loading, trailing dimensions of 1 may be there or not
  kSqueeze,       // a leading dimension of 1 there, none here
  kRotaryHalves,  // rows of `heads` heads: what turns together stands side by side there, half a
                  // head apart here
};

// The tensors of `file`, concatenated along dimension 0, are the transformed concatenation of the
// tensors of `module`. Parts of a file's tensor have the sizes of the module's; several `file`
// tensors of one module's tensor are of equal size. Without `module` the keys are passed over.
// Both sides have the same captures.
struct KeyRule {
  std::vector<std::string> file;    // patterns, see key_pattern.h
  std::vector<std::string> module;  // patterns
  KeyTransform transform = KeyTransform::kNone;
  bool only_loading = false;  // an old or second name, never written
  int64_t heads = 1;          // of kRotaryHalves
};

// A rule with its captures filled in.
struct KeyBinding {
  std::vector<std::string> file, module;
  KeyTransform transform = KeyTransform::kNone;
  bool alias = false;  // another key of the file goes before it: only gradients are reported
  int64_t heads = 1;
};

class KeyPlan {
 public:
  std::vector<KeyBinding> bindings;
  std::vector<std::string> unknown;  // keys that no rule matches

  // A tensor that is the same on both sides. Of two for one module's tensor the one that bears its
  // name goes before the other.
  void add(const std::string& file_key, const std::string& module_key);

 private:
  std::map<std::string, size_t> loaded_;  // module's tensor -> the added binding that is no alias
};

class KeyTable {
 public:
  // The first rule that matches decides, for keys of either side.
  explicit KeyTable(std::vector<KeyRule> rules);

  // The same rules for keys that begin with `prefix` in the file, and then `more` rules.
  KeyTable with_file_prefix(const std::string& prefix, const std::vector<KeyRule>& more = {}) const;

  KeyPlan plan_loading(const std::vector<std::string>& file_keys) const;
  KeyPlan plan_saving(const std::vector<std::string>& module_keys) const;

  const std::vector<KeyRule>& rules() const { return rules_; }

 private:
  struct Compiled {
    std::vector<KeyPattern> file, module;
  };
  KeyBinding bind(size_t rule, const Captures& captures) const;

  std::vector<KeyRule> rules_;
  std::vector<Compiled> compiled_;
};

// A tensor of a weight file as the module holds it. `assemble` makes the file's tensor of tensors
// that are shaped like `parts`; it is linear, so it maps values and gradients alike.
struct FileParameter {
  using Assemble = std::function<torch::Tensor(const std::vector<torch::Tensor>&)>;

  FileParameter() = default;
  FileParameter(torch::Tensor tensor);  // NOLINT: the module's tensor is the file's
  FileParameter(std::vector<torch::Tensor> parts, Assemble assemble)
      : parts(std::move(parts)), assemble(std::move(assemble)) {}

  std::vector<torch::Tensor> parts;  // the module's own tensors
  Assemble assemble;
};

// By key of the weight file.
struct FileParameters : std::map<std::string, FileParameter> {
  FileParameters() = default;
  FileParameters(const nn::StateDict& tensors)  // NOLINT: every key is a tensor of the module
      : map(tensors.begin(), tensors.end()) {}
};

// Copies the weights of `store` into `module`, converting dtype and device. Strict: Error(kData)
// lists keys that are missing (under the file's names), unexpected or of another shape; values that
// are not finite are an error too. Keys of the module for which `may_be_missing` holds may be
// absent. Holds one tensor of the file in memory at a time.
FileParameters load_weights(torch::nn::Module& module, const io::TensorStore& store,
                            const KeyTable& table,
                            const std::function<bool(const std::string&)>& may_be_missing = {});

// The same for bindings that are known already. `missing_name` names a tensor of the module that
// the file lacks as the file would.
FileParameters load_bindings(torch::nn::Module& module, const io::TensorStore& store,
                             const KeyPlan& plan,
                             const std::function<bool(const std::string&)>& may_be_missing,
                             const std::function<std::string(const std::string&)>& missing_name);

// Tensors of a module in the file's layout. Error(kData) naming tensors that no rule has.
nn::StateDict to_file_layout(const KeyTable& table, const nn::StateDict& tensors);

// True when one of `keys` matches the pattern: how a layout is recognised.
bool any_key_matches(const std::vector<std::string>& keys, const std::string& pattern);

}  // namespace reasonbrain::models
