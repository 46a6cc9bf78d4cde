// The interpreter behind torch_pickle.h: Python's pickle virtual machine, reduced to what state
// dicts consist of. Objects of other classes are refused, or kept as opaque where trainers are
// known to leave them beside the weights. Knows nothing of LibTorch.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace reasonbrain::io::pickle {

enum class Kind {
  kNone,
  kBool,
  kInt,
  kFloat,
  kText,
  kTuple,
  kList,
  kDict,
  kGlobal,
  kStorage,
  kTensor,
  kOpaque,
  kMark
};

// The way out of what is not read.
constexpr const char* kConvert =
    "convert it in Python: torch.save(torch.load(file, weights_only=True), new_file), or to "
    "safetensors";

constexpr int64_t kUntyped = -1;  // dtype of a storage of bytes

// Containers are nodes of the machine, so values are small and copies share. A dictionary's node
// holds keys and values in turn. kStorage: (key, number of elements, dtype). kTensor: (storage,
// offset, sizes, strides) and for storages without dtype the dtype. Nodes never move in memory.
struct Value {
  Kind kind = Kind::kNone;
  int64_t number = 0;     // kBool, kInt; of nodes: their index; kGlobal: its entry in a table
  std::string_view text;  // kText, in the pickle
};
using Node = std::vector<Value>;

class Machine {
 public:
  // `pickle` must outlive the machine and its values.
  Machine(std::string_view pickle, const std::string& origin);

  // The object that the pickle describes. Error(kData) naming `origin` when the pickle is damaged,
  // too large, or asks for a name outside the list of known ones.
  Value run();

  const Node& node(const Value& value) const { return nodes_[static_cast<size_t>(value.number)]; }

 private:
  Value new_node(Kind kind, Node items = {});
  void step(uint8_t opcode);
  void step_container(uint8_t opcode);
  void step_object(uint8_t opcode);

  std::string_view bytes(uint64_t count);
  uint64_t unsigned_number(int num_bytes);
  std::string_view line();
  int64_t long_integer();

  void push(Value value);
  Value pop();
  Value& top();
  Node pop_to_mark();
  void append(const Value& target, const Node& items);
  void remember(uint64_t slot);
  void recall(uint64_t slot);

  Value global(std::string_view module, std::string_view name) const;
  Value storage(const Value& id);
  Value call(const Value& callable, const Value& arguments);
  Value rebuilt_tensor(const Node& arguments, bool with_dtype);

  std::string_view pickle_;
  const std::string& origin_;
  size_t at_ = 0;
  size_t num_items_ = 0;  // in all nodes
  std::vector<Value> stack_;
  std::deque<Node> nodes_;
  std::unordered_map<uint64_t, Value> memo_;
};

}  // namespace reasonbrain::io::pickle
