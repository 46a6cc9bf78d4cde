#include "io/pickle_machine.h"

#include <algorithm>
#include <bit>

#include "core/str.h"
#include "io/pickle_globals.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io::pickle {
namespace {

constexpr size_t kMaxPickleBytes = 64 << 20;
constexpr size_t kMaxValues = 4'000'000;  // on the stack, in the memo, in all containers
constexpr uint64_t kMaxTextBytes = 1 << 20;

// Opcodes by the names of Python's pickletools.
enum Opcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kList = 'l',
  kDict = 'd',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyTuple = ')',
  kEmptyList = ']',
  kEmptyDict = '}',
  kBinFloat = 'G',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kProto = 0x80,
  kNewObj = 0x81,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

Error damaged(const std::string& origin, const std::string& problem) {
  return data_error(str(origin, " is not a state dict that can be read: ", problem));
}

}  // namespace

Machine::Machine(std::string_view pickle, const std::string& origin)
    : pickle_(pickle), origin_(origin) {}

Value Machine::run() {
  if (pickle_.size() > kMaxPickleBytes) {
    throw data_error(str(origin_, ": its pickle has ", pickle_.size(), " bytes, expected at most ",
                         kMaxPickleBytes));
  }
  while (true) {
    const auto opcode = static_cast<uint8_t>(bytes(1)[0]);
    if (opcode == kStop) return pop();
    step(opcode);
  }
}

void Machine::step(uint8_t opcode) {
  const auto text = [this](uint64_t size) {
    if (size > kMaxTextBytes) throw damaged(origin_, "a text in its pickle is too long");
    push({.kind = Kind::kText, .text = bytes(size)});
  };
  const auto blob = [this](uint64_t size) {  // bytes are never a part of tensors
    bytes(size);
    push({.kind = Kind::kOpaque});
  };
  switch (opcode) {
    case kProto:
      if (unsigned_number(1) > 5) throw damaged(origin_, "its pickle protocol is not known");
      return;
    case kFrame:
      bytes(8);
      return;
    case kNone:
      return push({});
    case kNewTrue:
    case kNewFalse:
      return push({.kind = Kind::kBool, .number = opcode == kNewTrue});
    case kBinInt:
      return push({.kind = Kind::kInt, .number = static_cast<int32_t>(unsigned_number(4))});
    case kBinInt1:
      return push({.kind = Kind::kInt, .number = static_cast<int64_t>(unsigned_number(1))});
    case kBinInt2:
      return push({.kind = Kind::kInt, .number = static_cast<int64_t>(unsigned_number(2))});
    case kLong1:
      return push({.kind = Kind::kInt, .number = long_integer()});
    case kLong4:
      return blob(unsigned_number(4));  // more than 2040 bits: nothing that a tensor has
    case kBinFloat:
      bytes(8);
      return push({.kind = Kind::kFloat});
    case kBinUnicode:
    case kBinString:
      return text(unsigned_number(4));
    case kShortBinUnicode:
    case kShortBinString:
      return text(unsigned_number(1));
    case kBinUnicode8:
      return text(unsigned_number(8));
    case kBinBytes:
      return blob(unsigned_number(4));
    case kShortBinBytes:
      return blob(unsigned_number(1));
    case kBinBytes8:
      return blob(unsigned_number(8));
    case kBinPut:
      return remember(unsigned_number(1));
    case kLongBinPut:
      return remember(unsigned_number(4));
    case kMemoize:
      return remember(memo_.size());
    case kBinGet:
      return recall(unsigned_number(1));
    case kLongBinGet:
      return recall(unsigned_number(4));
    default:
      return step_container(opcode);
  }
}

void Machine::step_container(uint8_t opcode) {
  const auto tuple = [this](size_t size) {
    Node items(size);
    for (size_t i = size; i-- > 0;) items[i] = pop();
    push(new_node(Kind::kTuple, std::move(items)));
  };
  switch (opcode) {
    case kMark:
      return push({.kind = Kind::kMark});
    case kPop:
      if (stack_.empty()) throw damaged(origin_, "its pickle takes more than it has put");
      stack_.pop_back();
      return;
    case kPopMark:
      pop_to_mark();
      return;
    case kDup:
      return push(top());
    case kEmptyTuple:
      return tuple(0);
    case kTuple1:
    case kTuple2:
    case kTuple3:
      return tuple(opcode - kTuple1 + 1u);
    case kTuple:
      return push(new_node(Kind::kTuple, pop_to_mark()));
    case kList:
      return push(new_node(Kind::kList, pop_to_mark()));
    case kEmptyList:
      return push(new_node(Kind::kList));
    case kEmptyDict:
      return push(new_node(Kind::kDict));
    case kEmptySet:
      return push({.kind = Kind::kOpaque});
    case kDict: {
      Node items = pop_to_mark();
      const Value dict = new_node(Kind::kDict);
      append(dict, items);
      return push(dict);
    }
    case kAppend: {
      const Value item = pop();
      return append(top(), {item});
    }
    case kSetItem: {
      const Value value = pop(), key = pop();
      return append(top(), {key, value});
    }
    case kAppends:
    case kSetItems:
    case kAddItems: {
      const Node items = pop_to_mark();
      return append(top(), items);
    }
    default:
      return step_object(opcode);
  }
}

void Machine::step_object(uint8_t opcode) {
  switch (opcode) {
    case kGlobal: {
      const std::string_view module = line(), name = line();
      return push(global(module, name));
    }
    case kStackGlobal: {
      const Value name = pop(), module = pop();
      if (name.kind != Kind::kText || module.kind != Kind::kText) {
        throw damaged(origin_, "its pickle names a class by something that is no text");
      }
      return push(global(module.text, name.text));
    }
    case kBinPersId: {
      const Value id = pop();
      return push(storage(id));
    }
    case kReduce:
    case kNewObj: {
      const Value arguments = pop(), callable = pop();
      return push(call(callable, arguments));
    }
    case kBuild:  // attributes, such as the _metadata of a state dict
      pop();
      top();
      return;
    default: {
      const bool names_protocol = static_cast<uint8_t>(pickle_[0]) == kProto;  // 2 and later do
      throw damaged(
          origin_, str("its pickle has the opcode ", static_cast<int>(opcode), " at byte ", at_ - 1,
                       names_protocol
                           ? ", which no state dict needs"
                           : str(", as protocols 0 and 1 have, expected protocol 2; ", kConvert)));
    }
  }
}

std::string_view Machine::bytes(uint64_t count) {
  if (count > pickle_.size() - at_) throw damaged(origin_, "its pickle is cut short");
  const std::string_view out = pickle_.substr(at_, count);
  at_ += count;
  return out;
}

uint64_t Machine::unsigned_number(int num_bytes) {
  const std::string_view digits = bytes(static_cast<uint64_t>(num_bytes));
  uint64_t value = 0;
  for (int i = num_bytes - 1; i >= 0; --i) {
    value = value << 8 | static_cast<uint8_t>(digits[static_cast<size_t>(i)]);
  }
  return value;
}

int64_t Machine::long_integer() {  // little-endian two's complement of any length
  const uint64_t size = unsigned_number(1);
  const std::string_view digits = bytes(size);
  if (size > 8) return -1;  // refused where an integer matters
  uint64_t value = size > 0 && (digits[size - 1] & 0x80) != 0 ? ~uint64_t{0} : 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<uint8_t>(digits[i]);
  return std::bit_cast<int64_t>(value);
}

std::string_view Machine::line() {
  const size_t end = pickle_.find('\n', at_);
  if (end == std::string_view::npos) throw damaged(origin_, "its pickle is cut short");
  const std::string_view out = pickle_.substr(at_, end - at_);
  at_ = end + 1;
  return out;
}

void Machine::push(Value value) {
  if (stack_.size() == kMaxValues) throw damaged(origin_, "its pickle holds too many values");
  stack_.push_back(value);
}

Value& Machine::top() {
  if (stack_.empty() || stack_.back().kind == Kind::kMark) {
    throw damaged(origin_, "its pickle takes more than it has put");
  }
  return stack_.back();
}

Value Machine::pop() {
  const Value value = top();
  stack_.pop_back();
  return value;
}

Node Machine::pop_to_mark() {
  const auto mark = std::find_if(stack_.rbegin(), stack_.rend(),
                                 [](const Value& value) { return value.kind == Kind::kMark; });
  if (mark == stack_.rend()) throw damaged(origin_, "its pickle has no mark where it needs one");
  Node items(mark.base(), stack_.end());
  stack_.erase(mark.base() - 1, stack_.end());
  return items;
}

Value Machine::new_node(Kind kind, Node items) {
  num_items_ += items.size();
  if (nodes_.size() == kMaxValues || num_items_ > kMaxValues) {
    throw damaged(origin_, "its pickle holds too many values");
  }
  nodes_.push_back(std::move(items));
  return {.kind = kind, .number = static_cast<int64_t>(nodes_.size()) - 1};
}

void Machine::append(const Value& target, const Node& items) {
  if (target.kind == Kind::kOpaque) return;
  if (target.kind != Kind::kList && target.kind != Kind::kDict) {
    throw damaged(origin_, "its pickle adds items to something that is no container");
  }
  if (target.kind == Kind::kDict && items.size() % 2 != 0) {
    throw damaged(origin_, "its pickle has a key without value");
  }
  num_items_ += items.size();
  if (num_items_ > kMaxValues) throw damaged(origin_, "its pickle holds too many values");
  Node& node = nodes_[static_cast<size_t>(target.number)];
  node.insert(node.end(), items.begin(), items.end());
}

void Machine::remember(uint64_t slot) {
  if (memo_.size() == kMaxValues) throw damaged(origin_, "its pickle holds too many values");
  memo_[slot] = top();
}

void Machine::recall(uint64_t slot) {
  const auto found = memo_.find(slot);
  if (found == memo_.end()) throw damaged(origin_, "its pickle recalls what it never kept");
  push(found->second);
}

Value Machine::global(std::string_view module, std::string_view name) const {
  const auto entry = find_global(module, name);
  if (entry >= 0) return {.kind = Kind::kGlobal, .number = entry};
  const auto shown = [](std::string_view text) {
    std::string out(text.substr(0, 200));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return out;
  };
  throw data_error(str(origin_, ": its pickle asks for ", shown(module), ".", shown(name),
                       ", which is not a part of plain weights and was not run; save only the ",
                       "state dict, or convert the file to safetensors where it is trusted"));
}

Value Machine::storage(const Value& id) {
  const auto refuse = [this] { return damaged(origin_, "it names a storage in an unknown way"); };
  if (id.kind != Kind::kTuple) throw refuse();
  const Node& parts = node(id);  // 'storage', class, key, device, number of elements
  if (parts.size() < 5 || parts[0].kind != Kind::kText || parts[0].text != "storage" ||
      parts[1].kind != Kind::kGlobal || parts[2].kind != Kind::kText ||
      parts[4].kind != Kind::kInt) {
    throw refuse();
  }
  const Global& type = globals()[static_cast<size_t>(parts[1].number)];
  if (type.role != Role::kStorage) throw refuse();
  return new_node(Kind::kStorage, {parts[2], parts[4], {.kind = Kind::kInt, .number = type.dtype}});
}

Value Machine::call(const Value& callable, const Value& arguments) {
  if (callable.kind == Kind::kOpaque) return callable;
  if (callable.kind != Kind::kGlobal || arguments.kind != Kind::kTuple) {
    throw damaged(origin_, "its pickle calls something that is no class");
  }
  const Node& given = node(arguments);
  switch (globals()[static_cast<size_t>(callable.number)].role) {
    case Role::kOrderedDict: {
      const Value dict = new_node(Kind::kDict);
      if (given.empty() || given[0].kind != Kind::kList) return dict;
      for (const Value& pair : node(given[0])) {  // pairs, as Python 2 wrote them
        if ((pair.kind != Kind::kTuple && pair.kind != Kind::kList) || node(pair).size() != 2) {
          throw damaged(origin_, "its pickle fills a dictionary with something that is no pair");
        }
        append(dict, node(pair));
      }
      return dict;
    }
    case Role::kTensor:
      return rebuilt_tensor(given, /*with_dtype=*/false);
    case Role::kTensorWithDtype:
      return rebuilt_tensor(given, /*with_dtype=*/true);
    case Role::kFirstArgument:
      if (given.empty()) throw damaged(origin_, "its pickle calls a class without arguments");
      return given[0];
    default:
      return {.kind = Kind::kOpaque};
  }
}

// (storage, offset, sizes, strides, requires_grad, hooks[, dtype, metadata])
Value Machine::rebuilt_tensor(const Node& arguments, bool with_dtype) {
  const auto is_sizes = [](const Value& value) {
    return value.kind == Kind::kTuple || value.kind == Kind::kList;
  };
  if (arguments.size() < (with_dtype ? 7u : 4u) || arguments[0].kind != Kind::kStorage ||
      arguments[1].kind != Kind::kInt || !is_sizes(arguments[2]) || !is_sizes(arguments[3])) {
    throw damaged(origin_, "it describes a tensor in an unknown way");
  }
  Node parts(arguments.begin(), arguments.begin() + 4);
  if (with_dtype) {
    const Value& dtype = arguments[6];
    const bool known = dtype.kind == Kind::kGlobal &&
                       globals()[static_cast<size_t>(dtype.number)].role == Role::kDtype;
    if (!known) throw damaged(origin_, "it holds a tensor of an unknown dtype");
    parts.push_back(
        {.kind = Kind::kInt, .number = globals()[static_cast<size_t>(dtype.number)].dtype});
  }
  return new_node(Kind::kTensor, std::move(parts));
}

}  // namespace reasonbrain::io::pickle
