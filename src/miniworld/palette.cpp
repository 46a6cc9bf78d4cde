#include "miniworld/palette.h"

#include <string_view>

namespace reasonbrain::miniworld {
namespace {

struct NamedColour {
  const char* name;
  Colour colour;
};

// Every channel leaves room for a texture of +-24 levels.
constexpr NamedColour kHues[kNumHues] = {
    {"red", {212, 54, 50}},     {"orange", {230, 136, 44}}, {"yellow", {230, 208, 62}},
    {"green", {74, 166, 78}},   {"teal", {40, 158, 172}},   {"blue", {58, 86, 206}},
    {"purple", {142, 66, 186}}, {"pink", {230, 134, 190}},
};

constexpr Colour kBackgrounds[] = {{238, 236, 228}, {226, 236, 244}, {234, 244, 228},
                                   {246, 232, 226}, {238, 230, 244}, {244, 242, 216}};
constexpr int kTint = 2;  // levels

}  // namespace

const char* hue_name(int hue) {
  return kHues[hue].name;
}
Colour hue_colour(int hue) {
  return kHues[hue].colour;
}

bool is_held_out(Colour background) {
  const char bytes[] = {static_cast<char>(background.r), static_cast<char>(background.g),
                        static_cast<char>(background.b)};
  return hash_key(std::string_view(bytes, sizeof(bytes))) % 8 == 0;
}

Colour draw_background(Rng& rng, bool held_out) {
  Colour colour;
  do {
    const Colour base = kBackgrounds[rng.below(std::size(kBackgrounds))];
    colour.r = static_cast<uint8_t>(base.r + rng.between(-kTint, kTint));
    colour.g = static_cast<uint8_t>(base.g + rng.between(-kTint, kTint));
    colour.b = static_cast<uint8_t>(base.b + rng.between(-kTint, kTint));
  } while (is_held_out(colour) != held_out);
  return colour;
}

}  // namespace reasonbrain::miniworld
