// Tensors through a key map: loading, saving, gradients.
#include <algorithm>
#include <set>

#include "core/str.h"
#include "models/key_map.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models {
namespace {

using Tensors = std::vector<torch::Tensor>;

// Rows of each head from [2, half] to [half, 2], or back.
torch::Tensor regrouped(const torch::Tensor& x, int64_t heads, bool to_pairs) {
  const int64_t half = x.size(0) / heads / 2;
  std::vector<int64_t> sizes = {heads, to_pairs ? 2 : half, to_pairs ? half : 2};
  sizes.insert(sizes.end(), x.sizes().begin() + 1, x.sizes().end());
  return x.reshape(sizes).transpose(1, 2).reshape(x.sizes());
}

torch::Tensor transformed(const torch::Tensor& x, const KeyBinding& binding) {  // module -> file
  switch (binding.transform) {
    case KeyTransform::kSwapHalves: {  // at::roll has no meta kernel
      const int64_t half = x.size(0) / 2;
      return at::cat({x.slice(0, half), x.slice(0, 0, half)}, 0);
    }
    case KeyTransform::kTranspose:
      return x.transpose(0, 1);
    case KeyTransform::kPointwise:
      return x.dim() == 2 ? x.unsqueeze(-1).unsqueeze(-1) : x;
    case KeyTransform::kSqueeze:
      return x.unsqueeze(0);
    case KeyTransform::kRotaryHalves:
      return regrouped(x, binding.heads, /*to_pairs=*/true);
    default:
      return x;
  }
}

torch::Tensor transformed_back(const torch::Tensor& x, const KeyBinding& binding) {
  switch (binding.transform) {
    case KeyTransform::kPointwise:
      return x.dim() == 4 ? x.flatten(1) : x;
    case KeyTransform::kSqueeze:
      return x.squeeze(0);
    case KeyTransform::kRotaryHalves:
      return regrouped(x, binding.heads, /*to_pairs=*/false);
    default:
      return transformed(x, binding);  // each is its own inverse
  }
}

bool fits(const KeyBinding& binding, const Tensors& parts) {  // what transformed() needs
  if (binding.transform == KeyTransform::kTranspose) return parts[0].dim() == 2;
  if (binding.transform == KeyTransform::kRotaryHalves && parts.size() == 1) {
    return parts[0].dim() > 0 && parts[0].size(0) % (2 * binding.heads) == 0;
  }
  return parts[0].dim() > 0 || (parts.size() == 1 && binding.file.size() == 1);
}

torch::Tensor whole(const KeyBinding& binding, const Tensors& parts) {
  return transformed(parts.size() == 1 ? parts[0] : at::cat(parts, 0), binding);
}

// The file's tensor number `index` of the binding.
torch::Tensor file_tensor(const KeyBinding& binding, size_t index, const Tensors& parts) {
  const torch::Tensor all = whole(binding, parts);
  if (binding.file.size() == 1) return all;
  const int64_t size = all.size(0) / static_cast<int64_t>(binding.file.size());
  return all.narrow(0, size * static_cast<int64_t>(index), size);
}

std::vector<int64_t> without_trailing_ones(std::vector<int64_t> sizes) {
  while (sizes.size() > 2 && sizes.back() == 1) sizes.pop_back();
  return sizes;
}

bool same_shape(const KeyBinding& binding, const std::vector<int64_t>& file,
                const std::vector<int64_t>& expected) {
  if (file == expected) return true;
  return binding.transform == KeyTransform::kPointwise &&
         without_trailing_ones(file) == without_trailing_ones(expected);
}

class Loader {
 public:
  Loader(torch::nn::Module& module, const io::TensorStore& store)
      : own_(nn::state_dict(module)), store_(store) {}

  void check(const KeyPlan& plan, const std::function<bool(const std::string&)>& may_be_missing,
             const std::function<std::string(const std::string&)>& missing_name) {
    problems_.unexpected = plan.unknown;
    std::set<std::string> given;
    for (const KeyBinding& binding : plan.bindings) {
      check(binding);
      given.insert(binding.module.begin(), binding.module.end());
    }
    for (const auto& entry : own_) {
      if (given.contains(entry.first) || (may_be_missing && may_be_missing(entry.first))) continue;
      problems_.missing.push_back(missing_name ? missing_name(entry.first) : entry.first);
    }
    auto& missing = problems_.missing;  // several parts of one tensor of the file
    std::sort(missing.begin(), missing.end());
    missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
    nn::require_fit(problems_, store_.path().string());
  }

  void copy(const KeyBinding& binding) {
    Tensors given;
    for (const std::string& key : binding.file) {
      given.push_back(store_.tensor(key));
      io::require_finite(given.back(), key, store_.path().string());
    }
    const torch::Tensor all =
        transformed_back(given.size() == 1 ? given[0] : at::cat(given, 0), binding);
    int64_t begin = 0;
    for (const std::string& key : binding.module) {
      torch::Tensor own = own_.at(key);
      if (binding.module.size() == 1) {
        own.copy_(all.view_as(own));
        break;
      }
      own.copy_(all.narrow(0, begin, own.size(0)));
      begin += own.size(0);
    }
    for (const std::string& key : binding.file) store_.release(key);
  }

  void report(const KeyBinding& binding, FileParameters& out) const {
    const Tensors parts = module_tensors(binding);
    for (size_t i = 0; i < binding.file.size(); ++i) {
      const bool same = binding.transform == KeyTransform::kNone && binding.file.size() == 1;
      const auto shape = store_.shape(binding.file[i]);
      out[binding.file[i]] = {parts, [binding, i, same, shape](const Tensors& values) {
                                if (same && values.size() == 1) return values[0];
                                return file_tensor(binding, i, values).reshape(shape).contiguous();
                              }};
    }
  }

 private:
  Tensors module_tensors(const KeyBinding& binding) const {
    Tensors parts;
    for (const std::string& key : binding.module) parts.push_back(own_.at(key));
    return parts;
  }

  void check(const KeyBinding& binding) {
    bool complete = true;
    for (const std::string& key : binding.file) {
      if (store_.contains(key)) continue;
      problems_.missing.push_back(key);
      complete = false;
    }
    for (const std::string& key : binding.module) {
      if (own_.contains(key)) continue;
      problems_.unexpected.insert(problems_.unexpected.end(), binding.file.begin(),
                                  binding.file.end());
      return;
    }
    if (!complete) return;
    Tensors parts;
    for (const torch::Tensor& tensor : module_tensors(binding)) {
      parts.push_back(at::empty(tensor.sizes(), tensor.options().device(torch::kMeta)));
    }
    for (size_t i = 0; i < binding.file.size(); ++i) {
      const auto shape = store_.shape(binding.file[i]);
      const bool defined = fits(binding, parts);
      const auto expected = defined ? file_tensor(binding, i, parts).sizes().vec() : shape;
      if (defined && same_shape(binding, shape, expected)) continue;
      problems_.mismatched.push_back(reasonbrain::str(binding.file[i], " (file ",
                                                      torch::IntArrayRef(shape), ", model ",
                                                      torch::IntArrayRef(expected), ")"));
    }
  }

  nn::StateDict own_;
  const io::TensorStore& store_;
  nn::KeyProblems problems_;
};

}  // namespace

FileParameter::FileParameter(torch::Tensor tensor)
    : parts{std::move(tensor)}, assemble([](const Tensors& values) { return values[0]; }) {}

FileParameters load_bindings(torch::nn::Module& module, const io::TensorStore& store,
                             const KeyPlan& plan,
                             const std::function<bool(const std::string&)>& may_be_missing,
                             const std::function<std::string(const std::string&)>& missing_name) {
  torch::NoGradGuard no_grad;
  Loader loader(module, store);
  loader.check(plan, may_be_missing, missing_name);
  FileParameters parameters;
  for (const KeyBinding& binding : plan.bindings) {
    if (!binding.alias) loader.copy(binding);
    loader.report(binding, parameters);
  }
  return parameters;
}

FileParameters load_weights(torch::nn::Module& module, const io::TensorStore& store,
                            const KeyTable& table,
                            const std::function<bool(const std::string&)>& may_be_missing) {
  const auto missing_name = [&](const std::string& key) {
    const KeyPlan plan = table.plan_saving({key});
    return plan.bindings.empty() ? key : join(plan.bindings[0].file, ", ");
  };
  return load_bindings(module, store, table.plan_loading(store.keys()), may_be_missing,
                       missing_name);
}

nn::StateDict to_file_layout(const KeyTable& table, const nn::StateDict& tensors) {
  std::vector<std::string> keys;
  for (const auto& entry : tensors) keys.push_back(entry.first);
  const KeyPlan plan = table.plan_saving(keys);
  std::vector<std::string> lost = plan.unknown;
  nn::StateDict out;
  for (const KeyBinding& binding : plan.bindings) {
    Tensors parts;
    for (const std::string& key : binding.module) {
      const auto found = tensors.find(key);
      if (found == tensors.end()) {
        lost.push_back(key);
      } else {
        parts.push_back(found->second.detach());
      }
    }
    if (parts.size() != binding.module.size()) continue;
    for (size_t i = 0; i < binding.file.size(); ++i) {
      out[binding.file[i]] = file_tensor(binding, i, parts).contiguous();
    }
  }
  if (!lost.empty()) {
    throw data_error(str("the layout to write has no place for ", join(lost, ", "),
                         "; keep the reference library's layout"));
  }
  return out;
}

}  // namespace reasonbrain::models
