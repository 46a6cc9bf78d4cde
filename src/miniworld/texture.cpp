#include "miniworld/texture.h"

#include <array>
#include <cstdint>

namespace reasonbrain::miniworld {
namespace {

constexpr int kPeriod = 8;  // units
constexpr int kMaterialLevel = 24;
constexpr int kTagLevel = 56;

constexpr const char* kNames[kNumTextures] = {"wax", "wood", "stone", "metal", "straw", "brick",
                                              "hot", "mild", "cold",  "open",  "shut"};

constexpr int pattern(Texture texture, int x, int y) {
  const int column = (x / 2) % 2;  // stripes of 2 units
  const int row = (y / 2) % 2;
  const auto two_levels = [](bool high, int level) { return high ? level : -level; };
  switch (texture) {
    case Texture::kPlain:
      return 0;
    case Texture::kWood:
      return two_levels(column, kMaterialLevel);
    case Texture::kStone:
      return two_levels(column != row, kMaterialLevel);
    case Texture::kMetal:
      return two_levels((x + y) & 4, kMaterialLevel);
    case Texture::kStraw:
      return two_levels(row, kMaterialLevel);
    case Texture::kBrick: {  // bricks of 6x2 units in a bond of 8x4; three eighths are brick
      const bool shifted = y & 4;
      const bool brick = row == 0 && (x + (shifted ? 4 : 0)) % kPeriod < 6;
      return brick ? 20 : -12;
    }
    case Texture::kHot:
      return two_levels(column != row, kTagLevel);
    case Texture::kMild:
      return two_levels(row, kTagLevel);
    case Texture::kCold:
      return two_levels(column, kTagLevel);
    case Texture::kOpen:
      return two_levels(x >= 2 && x < 6, kTagLevel);
    case Texture::kShut:
      return two_levels(y < 2 || y >= 6, kTagLevel);
  }
  return 0;
}

constexpr auto make_table() {
  std::array<std::array<std::array<int8_t, kPeriod>, kPeriod>, kNumTextures> table{};
  for (int t = 0; t < kNumTextures; ++t)
    for (int y = 0; y < kPeriod; ++y)
      for (int x = 0; x < kPeriod; ++x)
        table[t][y][x] = static_cast<int8_t>(pattern(static_cast<Texture>(t), x, y));
  return table;
}

constexpr auto kTable = make_table();

}  // namespace

const char* texture_name(Texture texture) {
  return kNames[static_cast<int>(texture)];
}

int texture_level(Texture texture, int x, int y) {
  return kTable[static_cast<int>(texture)][y & (kPeriod - 1)][x & (kPeriod - 1)];
}

}  // namespace reasonbrain::miniworld
