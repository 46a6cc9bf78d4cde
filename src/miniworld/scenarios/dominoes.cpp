// A row of tiles and a hand. A nudge topples the first tile if the hand reaches it; a tile topples
// the next one if the gap between them is less than a tile's height. A tile may be taken away
// first.
#include <algorithm>
#include <iterator>

#include "miniworld/things.h"

namespace reasonbrain::miniworld {
namespace {

constexpr int kMaxTiles = 5;
constexpr Fixed kWidth = 6_u;     // of a tile
constexpr Fixed kWideGap = 14_u;  // more than a tile's height
const std::string kNumber[] = {"no", "one", "two", "three", "four", "five"};
const std::string kCount[] = {"n0", "n1", "n2", "n3", "n4", "n5"};

struct Situation {
  std::vector<Thing> tiles;  // from the hand outwards
  int gap_after;    // the wide gap follows tile 0 .. n-2; n-1: there is none; -1: it is the hand's
  bool from_right;  // the hand is on the right
  Fixed ground;
  int taken;      // tile that is taken away; -1: none
  bool indirect;  // the taken tile is told by its place

  int count() const { return static_cast<int>(tiles.size()); }
  Fixed small_gap() const { return count() == kMaxTiles ? 3_u : 4_u; }
  Fixed height() const { return count() == kMaxTiles ? 12_u : 13_u; }
};

// How the row stands after the event.
struct After {
  int taken = -1;  // tile that is gone
  int fallen = 0;  // so many of the tiles that are left, from the hand on, have toppled
};

int number_fallen(const Situation& s, int taken) {
  const int connected = s.gap_after + 1;
  return taken >= 0 && taken < connected ? taken : connected;
}

// The place of a tile as seen in the picture, "" if no single word tells it.
std::string seen_place(const Situation& s, int tile) {
  const int n = s.count();
  const int from_left = s.from_right ? n - 1 - tile : tile;
  if (from_left == 0) return "leftmost";
  if (from_left == n - 1) return "rightmost";
  return n % 2 == 1 && from_left == n / 2 ? "middle" : "";
}

bool hue_unique(const Situation& s, int tile) {
  return std::count_if(s.tiles.begin(), s.tiles.end(),
                       [&](const Thing& t) { return t.hue == s.tiles[tile].hue; }) == 1;
}

// The tiles that can be told by hue, or by place.
std::vector<int> nameable(const Situation& s, bool by_place) {
  std::vector<int> tiles;
  for (int i = 0; i < s.count(); ++i)
    if (by_place ? !seen_place(s, i).empty() : hue_unique(s, i)) tiles.push_back(i);
  return tiles;
}

Situation sample(Rng& rng) {
  Situation s;
  const int count = 3 + static_cast<int>(rng.below(3));
  s.tiles = draw_things(rng, count);
  s.from_right = rng.chance(0.5);
  s.ground = 46_u + static_cast<Fixed>(rng.below(7)) * kUnit;
  const bool takes = rng.chance(0.5);
  const bool out_of_reach = rng.chance(takes ? 0.1 : 0.27);
  s.gap_after = out_of_reach ? -1 : static_cast<int>(rng.below(count));
  s.taken = -1;
  s.indirect = rng.chance(0.5);
  const auto tiles = nameable(s, s.indirect);
  const int pick = tiles[rng.below(tiles.size())];
  if (takes) s.taken = pick;
  return s;
}

void apply(Flip flip, Situation& s) {
  if (flip == Flip::kCue) s.gap_after = s.gap_after == s.count() - 1 ? -1 : s.gap_after + 1;
  if (flip == Flip::kInstruction) s.taken = -1;
  if (flip == Flip::kReferent && s.taken >= 0) {
    const auto tiles = nameable(s, s.indirect);
    const auto at = std::find(tiles.begin(), tiles.end(), s.taken);
    s.taken = std::next(at) == tiles.end() ? tiles.front() : *std::next(at);
  }
}

Shape mirrored(Shape shape) {
  const Fixed width = kCanvasUnits * kUnit;
  if (shape.num_corners == 0) {
    shape.centre.x = width - shape.centre.x;
    return shape;
  }
  for (int i = 0; i < shape.num_corners; ++i) shape.corners[i].x = width - shape.corners[i].x;
  std::reverse(shape.corners.begin(), shape.corners.begin() + shape.num_corners);
  return shape;
}

std::vector<Fixed> left_edges(const Situation& s) {  // with the hand on the left
  std::vector<Fixed> lefts;
  Fixed x = 10_u + (s.gap_after < 0 ? kWideGap - s.small_gap() : 0);
  for (int i = 0; i < s.count(); ++i) {
    lefts.push_back(x);
    x += kWidth + (i == s.gap_after ? kWideGap : s.small_gap());
  }
  return lefts;
}

Shape tile_shape(const Situation& s, Fixed left, int degrees) {
  const Fixed right = left + kWidth;
  const Shape upright = rect(left, s.ground - s.height(), right, s.ground);
  return degrees == 0 ? upright : rotated(upright, {right, s.ground}, degrees);
}

Scene draw(const Situation& s, Colour background, const After& after) {
  Scene scene{background, {}};
  const auto add = [&](Shape shape, Paint paint, int instance) {
    scene.add(s.from_right ? mirrored(shape) : shape, paint, instance);
  };
  const int hand = s.count() + 1;
  const Fixed reach = s.ground - 9_u;
  scene.add(rect(0, s.ground, kCanvasUnits * kUnit, s.ground + 2_u), {kDark}, 0);
  add(ellipse({2_u, reach + 1_u}, 5_u, 5_u), {kSkin}, hand);
  add(rect(2_u, reach - 2_u, 9_u, reach + 1_u), {kSkin}, hand);

  std::vector<int> left_over;  // tiles that are still there, from the hand on
  for (int i = 0; i < s.count(); ++i)
    if (i != after.taken) left_over.push_back(i);
  const auto lefts = left_edges(s);
  for (int k = static_cast<int>(left_over.size()) - 1; k >= 0; --k) {  // each lies on the next
    const int i = left_over[k];
    int degrees = k < after.fallen ? 60 : 0;
    if (k == after.fallen - 1) {  // the last leans on a near neighbour or lies flat
      const bool has_next = k + 1 < static_cast<int>(left_over.size());
      const bool near = has_next && lefts[left_over[k + 1]] - lefts[i] - kWidth < s.height() / 2;
      degrees = near ? 30 : 90;
    }
    add(tile_shape(s, lefts[i], degrees), {hue_colour(s.tiles[i].hue)}, i + 1);
  }
  return scene;
}

std::string caption(const Situation& s, const After& after) {
  std::vector<std::string> hues;
  for (int i = 0; i < s.count(); ++i)
    if (i != after.taken) hues.push_back(hue_name(s.tiles[i].hue));
  return std::string("a row of ") + list_words(hues) + " tiles with " + kNumber[after.fallen] +
         " fallen";
}

class Dominoes : public Scenario {
 public:
  std::string name() const override { return "dominoes"; }
  std::string category() const override { return "causal"; }

  std::vector<Event> events() const override {
    return {{{"the hand gave a nudge to the row", "the row got a nudge from the hand",
              "the hand gave the row of tiles a nudge", "somebody nudged the row with the hand"},
             "the row of tiles got a nudge from the hand"},
            {{"the {r} was taken away before the hand gave a nudge",
              "the hand gave a nudge after the {r} was taken away",
              "somebody took the {r} away and then the hand gave a nudge",
              "after somebody took the {r} away the hand gave a nudge"},
             "before the hand gave a nudge somebody took the {r} away"}};
  }

  std::string words() const override {
    return "tile hand leftmost middle rightmost n0 n1 n2 n3 n4 n5 fall left right gone "
           "place a row of and tiles with no one two three four five fallen the first "
           "everything as it is Make Remove Leave .";
  }

  std::array<std::string, kNumSlots> slot_words() const override {
    return {"n1 n2 n3 n4 n5 left right", "", "tile hand", "leftmost middle rightmost",
            "near far end"};
  }

  Draft draft(Draw& draw_of) const override {
    Situation s = sample(draw_of.scene);
    apply(draw_of.flip, s);
    const int n = s.count();
    const auto outcome = [&](const After& after, const std::string& name) {
      return Outcome{name, draw(s, draw_of.background, after)};
    };
    const auto fall = [](int fallen) { return "fall-" + std::to_string(fallen); };
    const After truth{s.taken, number_fallen(s, s.taken)};

    Draft d;
    d.source = draw(s, draw_of.background, {});
    const bool unchanged = s.taken < 0 && truth.fallen == 0;
    d.truth = outcome(truth, unchanged ? kUnchanged : fall(truth.fallen));
    d.others.push_back(outcome({}, kUnchanged));
    for (int fallen = 0; fallen <= n - (s.taken >= 0); ++fallen)
      if (fallen != truth.fallen) d.others.push_back(outcome({s.taken, fallen}, fall(fallen)));
    if (s.taken >= 0) {
      d.others.push_back(outcome({-1, number_fallen(s, -1)}, "not-taken"));
      const int wrong = (s.taken + 1) % n;
      d.others.push_back(outcome({wrong, number_fallen(s, wrong)}, "wrong-tile"));
    }
    for (int i = 0; i < n; ++i) {
      const std::string gap = i == n - 1 ? "end" : i == s.gap_after ? "far" : "near";
      const int hue = s.tiles[i].hue;
      d.instances.push_back(
          {{kCount[i + 1], hue_name(hue), "tile", seen_place(s, i), gap}, hue_colour(hue)});
    }
    d.instances.push_back(
        {{s.from_right ? "right" : "left", "", "hand", "", s.gap_after < 0 ? "far" : "near"},
         kSkin});

    const bool by_place = s.taken >= 0 && s.indirect;
    std::string referent;
    if (s.taken >= 0) {
      referent = (by_place ? seen_place(s, s.taken) : hue_name(s.tiles[s.taken].hue)) + " tile";
      d.objects.push_back({referent, s.taken + 1});
    }
    d.objects.push_back({"hand", n + 1});
    d.instruction =
        tell(draw_of.text, events()[s.taken >= 0], {{"r", referent}}, draw_of.held_out_text);
    const std::string side = s.from_right ? "left" : "right";  // to which they fall
    const int fallen = truth.fallen;
    const std::string who = fallen == 0   ? "no tile"
                            : fallen == 1 ? "the first tile"
                                          : "the first " + kNumber[fallen] + " tiles";
    d.instruction_explicit = "Make " + who + " fall " + side + ".";
    if (unchanged) d.instruction_explicit = "Leave everything as it is.";
    if (s.taken >= 0)
      d.instruction_explicit = "Remove the " + referent + ". " + d.instruction_explicit;
    d.source_caption = caption(s, {});
    d.target_caption = caption(s, truth);
    d.answer = {kCount[truth.fallen], "fall", side};
    if (s.taken >= 0) {
      for (const std::string& word :
           {std::string(hue_name(s.tiles[s.taken].hue)), std::string("gone"), std::string("place"),
            kCount[s.taken + 1]})
        d.answer.push_back(word);
    }
    d.probe = by_place ? 'I' : 'R';
    d.held_out = is_held_out_pair(s.tiles[std::max(s.taken, 0)].hue, truth.fallen - 1);
    return d;
  }
};

}  // namespace

std::unique_ptr<Scenario> make_dominoes() {
  return std::make_unique<Dominoes>();
}

}  // namespace reasonbrain::miniworld
