#include "data/rle.h"

#include <algorithm>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::data {
namespace {

constexpr int kFirstCharacter = 48;
constexpr int kMaxShift = 35;  // seven characters of five bits hold every run of a picture

}  // namespace

std::vector<int64_t> decompress_runs(std::string_view text, const std::string& origin) {
  std::vector<int64_t> runs;
  for (size_t i = 0; i < text.size();) {
    int64_t value = 0;
    int shift = 0;
    bool more = true;
    while (more) {
      const int bits = i < text.size() ? text[i] - kFirstCharacter : -1;
      if (bits < 0 || bits > 63 || shift >= kMaxShift) {
        throw data_error(
            str(origin, ": the counts string of a region is damaged at character ", i));
      }
      value |= static_cast<int64_t>(bits & 0x1f) << shift;
      more = (bits & 0x20) != 0;
      shift += 5;
      ++i;
      if (!more && (bits & 0x10) != 0) value |= -(int64_t{1} << shift);
    }
    if (runs.size() > 2) value += runs[runs.size() - 2];
    runs.push_back(value);
  }
  return runs;
}

std::string compress_runs(const std::vector<int64_t>& runs) {
  std::string text;
  for (size_t i = 0; i < runs.size(); ++i) {
    int64_t value = i > 2 ? runs[i] - runs[i - 2] : runs[i];
    bool more = true;
    while (more) {
      int64_t bits = value & 0x1f;
      value >>= 5;
      more = (bits & 0x10) != 0 ? value != -1 : value != 0;
      if (more) bits |= 0x20;
      text.push_back(static_cast<char>(bits + kFirstCharacter));
    }
  }
  return text;
}

int64_t runs_area(const std::vector<int64_t>& runs, int width, int height,
                  const std::string& origin) {
  const int64_t total = static_cast<int64_t>(width) * height;
  int64_t position = 0, area = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs[i] < 0 || runs[i] > total - position) {
      throw data_error(str(origin, ": run ", i, " of a region is ", runs[i], ", but ",
                           total - position, " of ", width, "x", height, " pixels are left"));
    }
    position += runs[i];
    if (i % 2 == 1) area += runs[i];
  }
  if (position != total) {
    throw data_error(str(origin, ": the runs of a region cover ", position, " of ", width, "x",
                         height, " pixels"));
  }
  return area;
}

std::vector<uint8_t> runs_to_mask(const std::vector<int64_t>& runs, int width, int height,
                                  const std::string& origin) {
  runs_area(runs, width, height, origin);  // checks them
  std::vector<uint8_t> mask(static_cast<size_t>(width) * static_cast<size_t>(height), 0);
  int64_t position = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    for (int64_t end = position + runs[i]; position < end; ++position) {
      const int64_t x = position / height, y = position % height;
      mask[static_cast<size_t>(y * width + x)] = i % 2;
    }
  }
  return mask;
}

std::vector<int64_t> mask_to_runs(const std::vector<uint8_t>& mask, int width, int height) {
  std::vector<int64_t> runs = {0};
  uint8_t current = 0;
  for (int x = 0; x < width; ++x) {
    for (int y = 0; y < height; ++y) {
      const uint8_t value = mask[static_cast<size_t>(y) * width + x] != 0;
      if (value != current) runs.push_back(0);
      current = value;
      ++runs.back();
    }
  }
  return runs;
}

}  // namespace reasonbrain::data
