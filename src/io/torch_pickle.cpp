#include "io/torch_pickle.h"

#include <algorithm>
#include <set>

#include "core/str.h"
#include "io/pickle_machine.h"
#include "io/quote.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

constexpr size_t kMaxTensors = 1'000'000;
constexpr size_t kMaxRank = 64;
constexpr int kMaxNesting = 4;  // of dictionaries around the tensors

using pickle::Kind;
using pickle::Node;
using pickle::Value;

// Where trainers keep the weights, best first.
constexpr const char* kWrappers[] = {"state_dict", "model_state_dict", "model",   "module",
                                     "params_ema", "params",           "teacher", "net"};

class StateDictReader {
 public:
  StateDictReader(const pickle::Machine& machine, const std::string& origin)
      : machine_(machine), origin_(origin) {}

  std::vector<PickledTensor> read(const Value& root) {
    if (root.kind != Kind::kDict) throw error("expected a dictionary of tensors (a state dict)");
    collect(weights_of(root, 0), "", 0);
    if (tensors_.empty()) throw error("it holds no tensors");
    std::sort(tensors_.begin(), tensors_.end(),
              [](const PickledTensor& a, const PickledTensor& b) { return a.name < b.name; });
    for (size_t i = 1; i < tensors_.size(); ++i) {
      if (tensors_[i].name == tensors_[i - 1].name) {
        throw error(str("it holds '", shortened(tensors_[i].name), "' twice"));
      }
    }
    return std::move(tensors_);
  }

 private:
  Error error(const std::string& problem) const { return data_error(str(origin_, ": ", problem)); }

  bool holds_tensors(const Value& dict) const {
    const Node& items = machine_.node(dict);
    for (size_t i = 1; i < items.size(); i += 2) {
      if (items[i].kind == Kind::kTensor) return true;
    }
    return false;
  }

  Value weights_of(const Value& dict, int depth) {
    const Node& items = machine_.node(dict);
    if (depth == kMaxNesting) return dict;
    for (const char* wrapper : kWrappers) {
      for (size_t i = 0; i + 1 < items.size(); i += 2) {
        const Value &key = items[i], &value = items[i + 1];
        if (key.kind != Kind::kText || key.text != wrapper || value.kind != Kind::kDict) continue;
        if (!searched_.insert(value.number).second) continue;
        const Value inner = weights_of(value, depth + 1);
        if (holds_tensors(inner)) return inner;
      }
    }
    return dict;
  }

  void collect(const Value& dict, const std::string& prefix, int depth) {
    const Node& items = machine_.node(dict);
    const bool flat = holds_tensors(dict);
    if (!collected_.insert(dict.number).second) throw error("a dictionary holds itself twice");
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      const Value &key = items[i], &value = items[i + 1];
      if (value.kind == Kind::kTensor) {
        if (key.kind != Kind::kText) throw error("the name of a tensor is not text");
        if (!is_valid_utf8(key.text)) throw error("the name of a tensor is not UTF-8");
        add(prefix + std::string(key.text), value);
      } else if (value.kind == Kind::kDict && key.kind == Kind::kText && depth < kMaxNesting &&
                 !flat) {
        collect(value, prefix + std::string(key.text) + ".", depth + 1);
      }
    }
  }

  void add(const std::string& name, const Value& value) {
    if (tensors_.size() == kMaxTensors) throw error("it holds too many tensors");
    // (storage, offset, sizes, strides), as the machine keeps them; a storage is (key, numel).
    const Node& parts = machine_.node(value);
    const Node& storage = machine_.node(parts[0]);
    PickledTensor tensor;
    tensor.name = name;
    tensor.storage = std::string(storage[0].text);
    tensor.storage_numel = storage[1].number;
    if (parts.size() == 5) {  // a storage of bytes, and the dtype beside it
      tensor.dtype = static_cast<Dtype>(parts[4].number);
      tensor.storage_numel /= dtype_bytes(tensor.dtype);
    } else if (storage[2].number == pickle::kUntyped) {
      throw error(str("tensor '", shortened(name), "' has a storage without dtype"));
    } else {
      tensor.dtype = static_cast<Dtype>(storage[2].number);
    }
    tensor.offset = parts[1].number;
    for (const Value& size : machine_.node(parts[2])) tensor.shape.push_back(integer(size, name));
    for (const Value& step : machine_.node(parts[3])) tensor.strides.push_back(integer(step, name));
    check(tensor);
    tensors_.push_back(std::move(tensor));
  }

  int64_t integer(const Value& value, const std::string& name) const {
    if (value.kind != Kind::kInt || value.number < 0) {
      throw error(
          str("tensor '", shortened(name), "' has a size or stride that is not an integer >= 0"));
    }
    return value.number;
  }

  void check(const PickledTensor& tensor) const {
    const auto refuse = [&](const char* problem) {
      return error(str("tensor '", shortened(tensor.name), "' ", problem));
    };
    if (tensor.shape.size() != tensor.strides.size() || tensor.shape.size() > kMaxRank) {
      throw refuse("has a shape that is not valid");
    }
    if (tensor.offset < 0 || tensor.storage_numel < 0) throw refuse("has a negative offset");
    int64_t stride = 1, last = tensor.offset;  // LibTorch's stride, which takes sizes of 0 as 1
    bool empty = false;
    for (size_t i = 0; i < tensor.shape.size(); ++i) {
      int64_t step = 0;
      empty = empty || tensor.shape[i] == 0;
      if (__builtin_mul_overflow(stride, std::max<int64_t>(tensor.shape[i], 1), &stride) ||
          (tensor.shape[i] > 0 &&
           (__builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &step) ||
            __builtin_add_overflow(last, step, &last)))) {
        throw refuse("has a shape that is too large");
      }
    }
    if (!empty && last >= tensor.storage_numel) throw refuse("leaves its storage");
  }

  const pickle::Machine& machine_;
  const std::string& origin_;
  std::vector<PickledTensor> tensors_;
  std::set<int64_t> searched_, collected_;  // nodes: shared ones must not multiply the work
};

}  // namespace

int64_t PickledTensor::numel() const {
  int64_t numel = 1;
  for (const int64_t size : shape) numel *= size;
  return numel;
}

int64_t PickledTensor::extent() const {
  if (numel() == 0) return 0;
  int64_t last = offset;
  for (size_t i = 0; i < shape.size(); ++i) last += (shape[i] - 1) * strides[i];
  return last + 1;
}

std::vector<PickledTensor> parse_torch_pickle(std::string_view pickle, const std::string& origin) {
  pickle::Machine machine(pickle, origin);
  const Value root = machine.run();
  return StateDictReader(machine, origin).read(root);
}

}  // namespace reasonbrain::io
