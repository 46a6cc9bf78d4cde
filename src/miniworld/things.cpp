#include "miniworld/things.h"

#include <algorithm>
#include <numeric>

namespace reasonbrain::miniworld {
namespace {

constexpr double kSameHueShare = 0.2;
constexpr double kHueReferenceShare = 0.55;    // where the hue is unique
constexpr double kPlaceReferenceShare = 0.25;  // the rest goes by size, where sizes differ

}  // namespace

std::vector<Thing> draw_things(Rng& rng, int count) {
  std::vector<int> hues(kNumHues);
  std::iota(hues.begin(), hues.end(), 0);
  std::vector<Thing> things(count);
  for (int i = 0; i < count; ++i) {
    std::swap(hues[i], hues[rng.between(i, kNumHues - 1)]);
    things[i] = {hues[i], rng.chance(0.5)};
  }
  if (rng.chance(kSameHueShare)) {
    const int from = static_cast<int>(rng.below(count));
    things[draw_other(rng, count, from)].hue = things[from].hue;
  }
  return things;
}

std::string place_word(int index, int count) {
  if (index == 0) return "left";
  return index == count - 1 ? "right" : "middle";
}

std::string size_word(const Thing& thing) {
  return thing.large ? "large" : "small";
}

std::string a_hue(const Thing& thing) {
  const std::string hue = hue_name(thing.hue);
  return (hue[0] == 'o' ? "an " : "a ") + hue;
}

Reference refer(Rng& rng, const std::vector<Thing>& things, int index) {
  const double form = rng.uniform();
  const Thing& thing = things[index];
  const auto count_if = [&](auto same) {
    return std::count_if(things.begin(), things.end(), same);
  };
  const bool hue_unique = count_if([&](const Thing& t) { return t.hue == thing.hue; }) == 1;
  const bool size_unique = count_if([&](const Thing& t) { return t.large == thing.large; }) == 1;
  const int count = static_cast<int>(things.size());
  if (form < kHueReferenceShare && hue_unique) return {hue_name(thing.hue), false};
  if (form < kHueReferenceShare + kPlaceReferenceShare || !size_unique)
    return {place_word(index, count), true};
  const std::string stem = thing.large ? "larg" : "small";
  return {stem + (count == 2 ? "er" : "est"), true};
}

bool is_held_out_pair(int hue, int cue) {
  return hue == 1 && cue == 0;
}

int draw_other(Rng& rng, int count, int index) {
  return static_cast<int>((index + 1 + rng.below(count - 1)) % count);
}

}  // namespace reasonbrain::miniworld
