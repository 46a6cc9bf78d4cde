#include "io/safetensors_format.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/str.h"
#include "io/json.h"
#include "io/quote.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kMaxRank = 64;
constexpr size_t kAlignment = 8;
constexpr const char* kMetadataKey = "__metadata__";

struct DtypeInfo {
  const char* name;
  int bytes;
};

constexpr DtypeInfo kDtypes[] = {{"F64", 8}, {"F32", 4},  {"F16", 2},     {"BF16", 2},
                                 {"I64", 8}, {"I32", 4},  {"I16", 2},     {"I8", 1},
                                 {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};

class Parser {
 public:
  Parser(std::string_view file, const std::string& origin) : file_(file), origin_(origin) {}

  SafetensorsHeader parse() {
    const nlohmann::json json = header_json();
    for (const auto& item : json.items()) {
      if (item.key() == kMetadataKey) {
        read_metadata(item.value());
      } else {
        header_.tensors.push_back(entry(item.key(), item.value()));
      }
    }
    check_layout();
    return std::move(header_);
  }

 private:
  Error error(const std::string& problem) const {
    return data_error(origin_ + " is not a valid safetensors file: " + problem);
  }

  nlohmann::json header_json() {
    if (file_.size() < 8) {
      throw error(str("it has ", file_.size(), " bytes, expected at least 8; download it again"));
    }
    uint64_t length = 0;
    for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<uint8_t>(file_[i]);
    if (length > kMaxHeaderBytes) {
      throw error(str("its header claims ", length, " bytes, the limit is ", kMaxHeaderBytes));
    }
    if (length > file_.size() - 8) {
      throw error(str("its header claims ", length, " bytes but the file has ", file_.size(),
                      "; it was cut short, download it again"));
    }
    header_.data_start = 8 + length;
    const std::string_view header = file_.substr(8, length);
    if (!header.starts_with('{')) {
      throw error("its header is not a JSON object, which begins with '{'");
    }
    return parse_json(header, origin_ + " (header)");
  }

  void read_metadata(const nlohmann::json& json) {
    if (!json.is_object()) throw error("__metadata__ is not an object");
    for (const auto& item : json.items()) {
      if (!item.value().is_string()) {
        throw error(str("__metadata__ '", shortened(item.key()), "' is not text"));
      }
      header_.metadata[item.key()] = item.value().get<std::string>();
    }
  }

  TensorEntry entry(const std::string& name, const nlohmann::json& json) const {
    const std::string where = "tensor '" + shortened(name) + "' ";
    if (!json.is_object() || json.size() != 3 || !json.contains("dtype") ||
        !json.contains("shape") || !json.contains("data_offsets")) {
      throw error(where + "must have exactly dtype, shape and data_offsets");
    }
    TensorEntry entry;
    entry.name = name;
    entry.dtype = dtype(json["dtype"], where);
    uint64_t num_bytes = static_cast<uint64_t>(dtype_bytes(entry.dtype));
    int64_t stride = 1;  // LibTorch's, which takes sizes of 0 as 1
    const nlohmann::json& shape = json["shape"];
    if (!shape.is_array() || shape.size() > kMaxRank) throw error(where + "has no valid shape");
    for (const nlohmann::json& size : shape) {
      const uint64_t value = unsigned_number(size, where + "has a size that");
      if (__builtin_mul_overflow(num_bytes, value, &num_bytes) ||
          __builtin_mul_overflow(stride, std::max<uint64_t>(value, 1), &stride)) {
        throw error(where + "has a shape that is too large");
      }
      entry.shape.push_back(static_cast<int64_t>(value));
    }
    const nlohmann::json& offsets = json["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2) {
      throw error(where + "must have two data_offsets");
    }
    entry.begin = unsigned_number(offsets[0], where + "has an offset that");
    entry.end = unsigned_number(offsets[1], where + "has an offset that");
    const uint64_t num_data_bytes = file_.size() - header_.data_start;
    if (entry.begin > entry.end || entry.end > num_data_bytes) {
      throw error(str(where, "lies at bytes ", entry.begin, " to ", entry.end, " of ",
                      num_data_bytes, "; if the file was cut short, download it again"));
    }
    if (entry.num_bytes() != num_bytes) {
      throw error(
          str(where, "has ", entry.num_bytes(), " bytes, its shape and dtype need ", num_bytes));
    }
    return entry;
  }

  Dtype dtype(const nlohmann::json& json, const std::string& where) const {
    if (json.is_string()) {
      for (size_t i = 0; i < std::size(kDtypes); ++i) {
        if (json.get_ref<const std::string&>() == kDtypes[i].name) return static_cast<Dtype>(i);
      }
    }
    throw error(where + "has the unknown dtype " + shortened(json.dump()));
  }

  uint64_t unsigned_number(const nlohmann::json& json, const std::string& what) const {
    if (!json.is_number_unsigned()) throw error(what + " is not an integer >= 0");
    return json.get<uint64_t>();
  }

  // The tensors fill the data without gaps or overlaps. (nlohmann keeps keys sorted by name.)
  void check_layout() const {
    std::vector<const TensorEntry*> order;
    for (const TensorEntry& entry : header_.tensors) order.push_back(&entry);
    std::sort(order.begin(), order.end(), [](const TensorEntry* a, const TensorEntry* b) {
      return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
    });
    uint64_t position = 0;
    for (const TensorEntry* entry : order) {
      if (entry->begin != position) {
        throw error(
            str("tensor '", shortened(entry->name), "' starts at byte ", entry->begin,
                ", expected ", position,
                entry->begin < position ? ": it overlaps another" : ": there is a gap before it"));
      }
      position = entry->end;
    }
    const uint64_t num_data_bytes = file_.size() - header_.data_start;
    if (position != num_data_bytes) {
      throw error(str("its tensors end at byte ", position, " of ", num_data_bytes));
    }
  }

  std::string_view file_;
  const std::string& origin_;
  SafetensorsHeader header_;
};

}  // namespace

const char* dtype_name(Dtype dtype) {
  return kDtypes[static_cast<int>(dtype)].name;
}

int dtype_bytes(Dtype dtype) {
  return kDtypes[static_cast<int>(dtype)].bytes;
}

SafetensorsHeader parse_safetensors(std::string_view file, const std::string& origin) {
  return Parser(file, origin).parse();
}

std::string layout_safetensors(std::vector<TensorEntry>& tensors,
                               const std::map<std::string, std::string>& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
    const int bytes_a = dtype_bytes(a.dtype), bytes_b = dtype_bytes(b.dtype);
    return bytes_a != bytes_b ? bytes_a > bytes_b : a.name < b.name;
  });
  nlohmann::json json = nlohmann::json::object();
  if (!metadata.empty()) json[kMetadataKey] = metadata;
  uint64_t position = 0;
  for (TensorEntry& entry : tensors) {
    uint64_t num_bytes = static_cast<uint64_t>(dtype_bytes(entry.dtype));
    for (int64_t size : entry.shape) num_bytes *= static_cast<uint64_t>(size);
    entry.begin = position;
    entry.end = position += num_bytes;
    json[entry.name] = {{"dtype", dtype_name(entry.dtype)},
                        {"shape", entry.shape},
                        {"data_offsets", {entry.begin, entry.end}}};
  }
  std::string header = json.dump();
  header.resize((header.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  std::string text(8, '\0');
  for (int i = 0; i < 8; ++i) text[i] = static_cast<char>(header.size() >> (8 * i));
  return text + header;
}

}  // namespace reasonbrain::io
