#include "io/zip_format.h"

#include <algorithm>

#include "core/str.h"
#include "io/bytes.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kZip64End = 0x06064b50;
constexpr uint32_t kZip64Locator = 0x07064b50;
constexpr size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22;
constexpr size_t kZip64EndBytes = 56, kLocatorBytes = 20;
constexpr size_t kMaxComment = 65535;
constexpr uint16_t kZip64Extra = 1;
constexpr uint16_t kEncrypted = 1;
constexpr uint64_t kIn64 = 0xffffffff;  // the field stands in the zip64 record

class Parser {
 public:
  Parser(std::string_view file, const std::string& origin) : file_(file), origin_(origin) {}

  std::vector<ZipEntry> parse() {
    find_directory();
    // Every entry takes at least a header of the directory, so the count is bounded by the file.
    if (num_entries_ > directory_bytes_ / kCentralBytes) {
      throw error(
          str("its directory claims ", num_entries_, " entries in ", directory_bytes_, " bytes"));
    }
    uint64_t at = directory_;
    for (uint64_t i = 0; i < num_entries_; ++i) at = read_entry(at);
    check_layout();
    std::sort(entries_.begin(), entries_.end(),
              [](const ZipEntry& a, const ZipEntry& b) { return a.name < b.name; });
    for (size_t i = 1; i < entries_.size(); ++i) {
      if (entries_[i].name == entries_[i - 1].name) {
        throw error(str("it holds '", entries_[i].name, "' twice"));
      }
    }
    return std::move(entries_);
  }

 private:
  Error error(const std::string& problem) const {
    return data_error(str(origin_, " is not a valid zip archive: ", problem));
  }

  void require(uint64_t at, uint64_t num_bytes, const char* what) const {
    if (at > file_.size() || num_bytes > file_.size() - at) {
      throw error(str(what, " lies outside the file; it was cut short, get it again"));
    }
  }

  uint64_t number(uint64_t at, int num_bytes) const {
    uint64_t value = 0;
    for (int i = num_bytes - 1; i >= 0; --i) {
      value = value << 8 | static_cast<uint8_t>(file_[at + static_cast<uint64_t>(i)]);
    }
    return value;
  }

  bool signature(uint64_t at, uint32_t expected) const {
    return at + 4 <= file_.size() && number(at, 4) == expected;
  }

  // The record at the end of the file, which only a comment may follow.
  void find_directory() {
    if (file_.size() < kEndBytes) throw error("it is too short");
    const uint64_t last = file_.size() - kEndBytes;
    const uint64_t first = last > kMaxComment ? last - kMaxComment : 0;
    uint64_t end = last;
    while (!signature(end, kEnd) || end + kEndBytes + number(end + 20, 2) != file_.size()) {
      if (end == first) throw error("its directory is missing; it was cut short, get it again");
      --end;
    }
    if (number(end + 4, 2) != 0 && number(end + 4, 2) != 0xffff) {
      throw error("it is a part of several");
    }
    num_entries_ = number(end + 10, 2);
    directory_bytes_ = number(end + 12, 4);
    directory_ = number(end + 16, 4);
    if (end >= kLocatorBytes && signature(end - kLocatorBytes, kZip64Locator)) {
      end = number(end - kLocatorBytes + 8, 8);
      require(end, kZip64EndBytes, "its zip64 record");
      if (!signature(end, kZip64End)) throw error("its zip64 record is missing");
      num_entries_ = number(end + 32, 8);
      directory_bytes_ = number(end + 40, 8);
      directory_ = number(end + 48, 8);
    }
    require(directory_, directory_bytes_, "its directory");
  }

  // One header of the directory; returns where the next one stands.
  uint64_t read_entry(uint64_t at) {
    require(at, kCentralBytes, "a header of its directory");
    if (!signature(at, kCentralHeader)) throw error("a header of its directory is damaged");
    const uint64_t flags = number(at + 8, 2), method = number(at + 10, 2);
    uint64_t stored = number(at + 20, 4), size = number(at + 24, 4), local = number(at + 42, 4);
    const uint64_t name_bytes = number(at + 28, 2), extra_bytes = number(at + 30, 2);
    const uint64_t next = at + kCentralBytes + name_bytes + extra_bytes + number(at + 32, 2);
    require(at, next - at, "a header of its directory");
    if (next > directory_ + directory_bytes_) throw error("its directory is longer than it claims");
    ZipEntry entry{std::string(file_.substr(at + kCentralBytes, name_bytes))};
    read_zip64(at + kCentralBytes + name_bytes, extra_bytes, size, stored, local);
    if ((flags & kEncrypted) != 0) throw error(str("'", entry.name, "' is encrypted"));
    entry.compressed = method != 0 || stored != size;
    require(local, kLocalBytes, "an entry");
    if (!signature(local, kLocalHeader) || number(local + 26, 2) != name_bytes ||
        file_.compare(std::min<uint64_t>(local + kLocalBytes, file_.size()), name_bytes,
                      entry.name) != 0) {
      throw error(str("'", entry.name, "' does not stand where its directory says"));
    }
    entry.begin = local + kLocalBytes + name_bytes + number(local + 28, 2);
    require(entry.begin, stored, "an entry");
    entry.end = entry.begin + stored;
    entries_.push_back(std::move(entry));
    headers_.push_back(local);
    return next;
  }

  // The zip64 extra field holds, in this order, those of the values that did not fit.
  void read_zip64(uint64_t at, uint64_t num_bytes, uint64_t& size, uint64_t& stored,
                  uint64_t& local) const {
    const uint64_t end = at + num_bytes;
    while (end - at >= 4) {
      const uint64_t id = number(at, 2), length = number(at + 2, 2);
      at += 4;
      if (length > end - at) throw error("an extra field of its directory is damaged");
      if (id == kZip64Extra) {
        uint64_t left = length, from = at;
        for (uint64_t* value : {&size, &stored, &local}) {
          if (*value != kIn64) continue;
          if (left < 8) throw error("a zip64 field of its directory is too short");
          *value = number(from, 8);
          from += 8;
          left -= 8;
        }
      }
      at += length;
    }
  }

  void check_layout() const {
    std::vector<std::pair<uint64_t, uint64_t>> ranges;  // with headers
    for (size_t i = 0; i < entries_.size(); ++i) ranges.emplace_back(headers_[i], entries_[i].end);
    std::sort(ranges.begin(), ranges.end());
    uint64_t position = 0;
    for (const auto& [begin, end] : ranges) {
      if (begin < position) throw error("two of its entries overlap");
      position = end;
    }
    if (position > directory_) throw error("an entry overlaps its directory");
  }

  std::string_view file_;
  const std::string& origin_;
  uint64_t num_entries_ = 0, directory_ = 0, directory_bytes_ = 0;
  std::vector<ZipEntry> entries_;
  std::vector<uint64_t> headers_;  // where each entry's local header stands
};

}  // namespace

bool is_zip(std::string_view file) {
  return file.substr(0, 4) == "PK\x03\x04";
}

std::vector<ZipEntry> parse_zip(std::string_view file, const std::string& origin) {
  return Parser(file, origin).parse();
}

}  // namespace reasonbrain::io
