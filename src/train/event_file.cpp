#include "train/event_file.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <fstream>
#include <system_error>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::train {
namespace fs = std::filesystem;
namespace {

// Field numbers of tensorflow's event.proto and summary.proto.
enum EventField { kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7 };
enum SummaryField { kValue = 1 };
enum ValueField { kTag = 1, kSimpleValue = 2, kImage = 4 };
enum ImageField { kHeight = 1, kWidth = 2, kColourSpace = 3, kEncoded = 4 };
enum SessionLogField { kStatus = 1 };
constexpr uint64_t kRgb = 3, kStart = 1;

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
    table[i] = value;
  }
  return table;
}

// The little-endian bytes of an integer.
template <class T>
std::string fixed(T value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}

std::string key(int field, int wire_type) {
  return varint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(wire_type));
}

std::string number_field(int field, uint64_t value) {
  return key(field, 0) + varint(value);
}

std::string double_field(int field, double value) {
  return key(field, 1) + fixed(std::bit_cast<uint64_t>(value));
}

std::string float_field(int field, float value) {
  return key(field, 5) + fixed(std::bit_cast<uint32_t>(value));
}

std::string bytes_field(int field, std::string_view bytes) {
  return str(key(field, 2), varint(bytes.size()), bytes);
}

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Readers take the files of a folder in the order of their names: the time comes first.
std::string file_name() {
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  const auto micros = static_cast<int64_t>(now_seconds() * 1e6);
  const std::string fraction = std::to_string(1'000'000 + micros % 1'000'000).substr(1);
  return str("events.out.tfevents.", micros / 1'000'000, ".", fraction, ".", host, ".", ::getpid());
}

}  // namespace

uint32_t masked_crc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = make_crc_table();
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<uint8_t>(byte)) & 0xff];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

EventFile::EventFile(fs::path folder, int64_t first_step)
    : folder_(std::move(folder)), first_step_(first_step) {}

void EventFile::add_scalars(int64_t step, const std::map<std::string, double>& values) {
  std::string summary;
  for (const auto& [name, value] : values) {
    summary += bytes_field(
        kValue, bytes_field(kTag, name) + float_field(kSimpleValue, static_cast<float>(value)));
  }
  write_event(step, bytes_field(kSummary, summary));
}

void EventFile::add_picture(int64_t step, const std::string& tag, std::string_view png,
                            int64_t width, int64_t height) {
  const std::string image = number_field(kHeight, static_cast<uint64_t>(height)) +
                            number_field(kWidth, static_cast<uint64_t>(width)) +
                            number_field(kColourSpace, kRgb) + bytes_field(kEncoded, png);
  write_event(step, bytes_field(kSummary, bytes_field(kValue, bytes_field(kTag, tag) +
                                                                  bytes_field(kImage, image))));
}

void EventFile::write_event(int64_t step, std::string_view payload) {
  const auto event = [](int64_t at, std::string_view content) {
    const std::string bytes = str(double_field(kWallTime, now_seconds()),
                                  number_field(kStep, static_cast<uint64_t>(at)), content);
    const std::string length = fixed(static_cast<uint64_t>(bytes.size()));
    return length + fixed(masked_crc32c(length)) + bytes + fixed(masked_crc32c(bytes));
  };
  std::string records;
  if (path_.empty()) {
    std::error_code failure;
    fs::create_directories(folder_, failure);
    path_ = folder_ / file_name();
    records = event(0, bytes_field(kFileVersion, "brain.Event:2"));
    // What earlier files hold from this step on is repeated by this one.
    records += event(first_step_ + 1, bytes_field(kSessionLog, number_field(kStatus, kStart)));
  }
  append(records + event(step, payload));
}

void EventFile::append(std::string_view record) {
  std::error_code absent;
  const auto size = fs::file_size(path_, absent);
  std::ofstream file(path_, std::ios::app | std::ios::binary);
  file.write(record.data(), static_cast<std::streamsize>(record.size()));
  file.close();
  if (file) return;
  std::error_code ignored;
  absent ? (void)fs::remove(path_, ignored) : fs::resize_file(path_, size, ignored);
  throw runtime_error(str("cannot write ", path_.string(), ": the disk may be full"));
}

}  // namespace reasonbrain::train
