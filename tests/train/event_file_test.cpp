// Reads event files with a reader of its own: what the format says, not what the writer does.
#include "train/event_file.h"

#include <bit>
#include <cstring>

#include "core/atomic_file.h"
#include "reasonbrain/image_io.h"
#include "run_test_base.h"

namespace reasonbrain::train {
namespace {

// Bit by bit, from the polynomial.
uint32_t masked_crc(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

template <class T>
T take(std::string_view& bytes) {
  T value{};
  if (bytes.size() < sizeof(T)) {
    ADD_FAILURE() << "the file is cut short";
    bytes = {};
    return value;
  }
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return value;
}

uint64_t take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = take<uint8_t>(bytes);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

struct Field {
  uint64_t number = 0;  // of a varint, float or double: its bits
  std::string bytes;
};

std::multimap<int, Field> fields(std::string_view message) {
  std::multimap<int, Field> out;
  while (!message.empty()) {
    const uint64_t key = take_varint(message);
    Field field;
    switch (key & 7) {
      case 0:
        field.number = take_varint(message);
        break;
      case 1:
        field.number = take<uint64_t>(message);
        break;
      case 5:
        field.number = take<uint32_t>(message);
        break;
      default: {
        const uint64_t size = take_varint(message);
        field.bytes = message.substr(0, size);
        message.remove_prefix(std::min<size_t>(size, message.size()));
      }
    }
    out.emplace(static_cast<int>(key >> 3), field);
  }
  return out;
}

std::string only_bytes(const std::multimap<int, Field>& message, int number) {
  EXPECT_EQ(message.count(number), 1u) << number;
  const auto found = message.find(number);
  return found == message.end() ? "" : found->second.bytes;
}

struct Value {
  int64_t step;
  std::string tag;
  float number = 0;
  std::multimap<int, Field> image;
};

struct Events {
  std::vector<Value> values;
  std::vector<int64_t> starts;  // steps of the events that say: from here on it is told again
  std::string version;
};

Events read_events(const fs::path& folder) {
  Events events;
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.insert(entry.path());
  for (const fs::path& file : files) {
    const std::string text = read_file(file);
    for (std::string_view rest = text; !rest.empty();) {
      const std::string_view length_bytes = rest.substr(0, 8);
      const auto length = take<uint64_t>(rest);
      EXPECT_EQ(take<uint32_t>(rest), masked_crc(length_bytes));
      const std::string_view bytes = rest.substr(0, length);
      rest.remove_prefix(std::min<size_t>(length, rest.size()));
      EXPECT_EQ(take<uint32_t>(rest), masked_crc(bytes));
      const auto event = fields(bytes);
      EXPECT_GT(std::bit_cast<double>(event.find(1)->second.number), 1.6e9);  // seconds since 1970
      const auto step = static_cast<int64_t>(event.find(2)->second.number);
      if (event.contains(3)) events.version = only_bytes(event, 3);
      if (event.contains(7)) events.starts.push_back(step);
      if (!event.contains(5)) continue;
      const auto summary = fields(only_bytes(event, 5));
      for (auto [at, end] = summary.equal_range(1); at != end; ++at) {
        const auto value = fields(at->second.bytes);
        Value out{step, only_bytes(value, 1)};
        if (value.contains(2))
          out.number = std::bit_cast<float>(static_cast<uint32_t>(value.find(2)->second.number));
        if (value.contains(4)) out.image = fields(only_bytes(value, 4));
        events.values.push_back(out);
      }
    }
  }
  return events;
}

class EventFileTest : public RunTest {};

TEST_F(EventFileTest, MasksTheKnownChecksum) {
  const uint32_t known = 0xe3069283;  // CRC-32C of the nine digits, from RFC 3720's polynomial
  EXPECT_EQ(masked_crc32c("123456789"), (known >> 15 | known << 17) + 0xa282ead8u);
  EXPECT_EQ(masked_crc32c(""), 0xa282ead8u);
}

TEST_F(EventFileTest, HoldsScalarsAndPictures) {
  const std::string png = io::encode_png(io::Image(3, 2, 3, 77));
  EventFile file(root_ / "tb", /*first_step=*/4);
  file.add_scalars(300, {{"loss", 0.5}, {"lr", 1e-3}});
  file.add_picture(301, "preview", png, 3, 2);
  const Events events = read_events(root_ / "tb");
  EXPECT_EQ(events.version, "brain.Event:2");
  EXPECT_EQ(events.starts, std::vector<int64_t>{5});
  ASSERT_EQ(events.values.size(), 3u);
  EXPECT_EQ(events.values[0].tag, "loss");
  EXPECT_EQ(events.values[0].number, 0.5f);
  EXPECT_EQ(events.values[0].step, 300);
  EXPECT_EQ(events.values[1].number, 1e-3f);
  EXPECT_EQ(events.values[2].tag, "preview");
  EXPECT_EQ(events.values[2].step, 301);
  EXPECT_EQ(events.values[2].image.find(1)->second.number, 2u);  // height
  EXPECT_EQ(events.values[2].image.find(2)->second.number, 3u);  // width
  EXPECT_EQ(only_bytes(events.values[2].image, 4), png);
}

TEST_F(EventFileTest, ARunTellsItsMetricsAndAResumedRunWhereItGoesOn) {
  run_and_crash("run", 22);
  run("run");
  const Events events = read_events(root_ / "run" / "tb");
  std::map<int64_t, float> losses;
  for (const Value& value : events.values) {
    if (value.tag == "loss") losses[value.step] = value.number;
  }
  const auto lines = metrics("run");
  EXPECT_EQ(losses.size(), lines.size());
  for (const auto& line : lines) {
    EXPECT_EQ(losses.at(line["step"]), line["loss"].get<float>()) << line;
  }
  ASSERT_EQ(events.starts.size(), 2u);
  EXPECT_EQ(events.starts[0], 1);
  EXPECT_EQ(events.starts[1], 10) << "after the checkpoint at the end of the first stage";
}

TEST_F(EventFileTest, AFolderThatCannotBeWrittenIsAnError) {
  write_file_atomic(root_ / "tb", "a file");
  EventFile file(root_ / "tb", 0);
  EXPECT_NE(error_of(ErrorKind::kRuntime,
                     [&] {
                       file.add_scalars(1, {{"loss", 1}});
                     })
                .find("tb"),
            std::string::npos);
}

}  // namespace
}  // namespace reasonbrain::train
