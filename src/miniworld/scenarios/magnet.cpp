// A magnet at the edge pulls what is of metal until it touches the magnet or is stopped; it may be
// carried to the other side first.
#include "miniworld/things.h"

namespace reasonbrain::miniworld {
namespace {

constexpr Texture kMaterials[] = {Texture::kMetal, Texture::kWood, Texture::kPlain,
                                  Texture::kStone};
constexpr int kNumMaterials = 4;
constexpr Fixed kReach = 10_u;  // of the magnet into the canvas
constexpr Fixed kEdge = kCanvasUnits * kUnit;

struct Item {
  Fixed left, size;
  int material;
  bool metal() const { return material == 0; }
};

struct Situation {
  std::vector<Thing> things;
  std::vector<Item> items;  // from left to right
  Fixed ground;
  bool on_right;   // the magnet
  bool carried;    // to the other side before it is switched on
  int second_cue;  // an item whose material minimal pairs change
  int first_cue;
};

Situation sample(Rng& rng) {
  Situation s;
  const int count = 2 + static_cast<int>(rng.below(2));
  s.things = draw_things(rng, count);
  s.ground = 44_u + static_cast<Fixed>(rng.below(7)) * kUnit;
  const bool three = count == 3;
  const Fixed spare = three ? 1_u : 5_u;  // beyond the smallest gaps
  Fixed x = kReach;
  for (Thing& thing : s.things) {
    if (three) thing.large = false;
    Item item;
    item.size = three ? 9_u : thing.large ? 13_u : 10_u;
    x += (three ? 4_u : 5_u) +
         static_cast<Fixed>(rng.below(spare / kUnit + 1)) * kUnit / (three ? 4 : 1);
    item.left = x;
    item.material = rng.chance(0.47) ? 0 : 1 + static_cast<int>(rng.below(kNumMaterials - 1));
    x += item.size;
    s.items.push_back(item);
  }
  // Two large boxes could touch the magnet on the right: a slide there needs room.
  const Fixed over = x - (kEdge - kReach - 4_u);
  if (!three && over > 0) {
    s.items[0].left -= over / kUnit / 2 * kUnit;
    s.items[1].left -= over;
  }
  s.on_right = rng.chance(0.5);
  s.carried = rng.chance(0.4);
  s.first_cue = static_cast<int>(rng.below(count));
  s.second_cue = draw_other(rng, count, s.first_cue);
  return s;
}

void apply(Flip flip, Situation& s) {
  const auto change = [](Item& item) { item.material = item.metal() ? 1 : 0; };
  if (flip == Flip::kCue) change(s.items[s.first_cue]);
  if (flip == Flip::kInstruction) s.carried = !s.carried;
  if (flip == Flip::kReferent) change(s.items[s.second_cue]);
}

// Left edges after the items of `pulled` (one bit each) have slid towards the magnet.
std::vector<Fixed> slide(const Situation& s, bool to_right, unsigned pulled) {
  std::vector<Fixed> lefts(s.items.size());
  Fixed free = to_right ? kEdge - kReach : kReach;  // how far a sliding item gets
  for (size_t k = 0; k < s.items.size(); ++k) {
    const size_t i = to_right ? s.items.size() - 1 - k : k;
    const Item& item = s.items[i];
    lefts[i] = item.left;
    if (pulled >> i & 1) lefts[i] = to_right ? free - item.size : free;
    free = to_right ? lefts[i] : lefts[i] + item.size;
  }
  return lefts;
}

void draw_magnet(Scene& scene, Fixed ground, bool on_right, int instance) {
  const auto bar = [&](Fixed from, Fixed to, Fixed top, Fixed bottom, Colour colour) {
    scene.add(on_right ? rect(kEdge - to, top, kEdge - from, bottom) : rect(from, top, to, bottom),
              {colour}, instance);
  };
  bar(1_u, 5_u, ground - 15_u, ground - 1_u, kDark);
  for (const Fixed top : {ground - 15_u, ground - 5_u}) {
    bar(5_u, 7_u, top, top + 4_u, kDark);
    bar(7_u, kReach, top, top + 4_u, kGrey);
  }
}

Scene draw(const Situation& s, Colour background, bool on_right, const std::vector<Fixed>& lefts) {
  Scene scene{background, {}};
  scene.add(rect(0, s.ground, kEdge, s.ground + 2_u), {kDark}, 0);
  draw_magnet(scene, s.ground, on_right, static_cast<int>(s.items.size()) + 1);
  for (size_t i = 0; i < s.items.size(); ++i) {
    const Item& item = s.items[i];
    scene.add(rect(lefts[i], s.ground - item.size, lefts[i] + item.size, s.ground),
              {hue_colour(s.things[i].hue), kMaterials[item.material]}, static_cast<int>(i) + 1);
  }
  return scene;
}

std::string outcome_name(unsigned pulled, int count) {
  std::string name = "pull";
  for (int i = 0; i < count; ++i)
    if (pulled >> i & 1) name += "-" + place_word(i, count);
  return pulled == 0 ? "pull-nothing" : name;
}

std::string caption(const Situation& s, bool on_right, unsigned pulled) {
  std::vector<std::string> parts = {std::string("a magnet on the ") +
                                    (on_right ? "right" : "left")};
  for (size_t i = 0; i < s.items.size(); ++i) {
    parts.push_back(a_hue(s.things[i]) + " box of " +
                    texture_name(kMaterials[s.items[i].material]) +
                    (pulled >> i & 1 ? " pulled close" : " standing free"));
  }
  return list_words(parts);
}

class Magnet : public Scenario {
 public:
  std::string name() const override { return "magnet"; }
  std::string category() const override { return "causal"; }

  std::vector<Event> events() const override {
    return {{{"the magnet was switched on", "somebody switched the magnet on",
              "the switch of the magnet was pressed", "somebody pressed the switch of the magnet"},
             "somebody pressed the switch and the magnet was on"},
            {{"the magnet was carried to the other side and then switched on",
              "the magnet was switched on after it was carried to the other side",
              "somebody carried the magnet to the other side before it was switched on",
              "after somebody carried the magnet to the other side it was switched on"},
             "somebody switched the magnet on after it was carried to the other side"}};
  }

  std::string words() const override {
    return "magnet box left middle right pull stay a on the of metal wood wax stone pulled "
           "close standing free an and to every side everything as it is Move Leave .";
  }

  std::array<std::string, kNumSlots> slot_words() const override {
    return {"left middle right", "", "box magnet", "metal wood wax stone", "small large"};
  }

  Draft draft(Draw& draw_of) const override {
    Situation s = sample(draw_of.scene);
    apply(draw_of.flip, s);
    const int count = static_cast<int>(s.items.size());
    const auto drawn = [&](bool on_right, unsigned pulled) {
      return draw(s, draw_of.background, on_right, slide(s, on_right, pulled));
    };
    const bool side = s.on_right != s.carried;  // where the magnet is in the end
    unsigned metal = 0;
    for (int i = 0; i < count; ++i) metal |= static_cast<unsigned>(s.items[i].metal()) << i;
    const bool unchanged = !s.carried && metal == 0;

    Draft d;
    d.source = drawn(s.on_right, 0);
    d.truth = {unchanged ? kUnchanged : outcome_name(metal, count), drawn(side, metal)};
    d.others.push_back({kUnchanged, d.source});
    for (unsigned pulled = 0; pulled < 1u << count; ++pulled)
      if (pulled != metal && (pulled != 0 || s.carried))
        d.others.push_back({outcome_name(pulled, count), drawn(side, pulled)});
    if (s.carried) d.others.push_back({"not-carried", drawn(s.on_right, metal)});
    for (int i = 0; i < count; ++i) {
      const Thing& thing = s.things[i];
      d.instances.push_back({{place_word(i, count), hue_name(thing.hue), "box",
                              texture_name(kMaterials[s.items[i].material]), size_word(thing)},
                             hue_colour(thing.hue)});
    }
    d.instances.push_back({{s.on_right ? "right" : "left", "", "magnet", "", ""}, kDark});

    d.objects = {{"magnet", count + 1}};
    d.instruction = tell(draw_of.text, events()[s.carried], {}, draw_of.held_out_text);
    const std::string where = side ? "right" : "left";
    d.instruction_explicit = unchanged
                                 ? "Leave everything as it is."
                                 : "Move every box of metal to the magnet on the " + where + ".";
    d.source_caption = caption(s, s.on_right, 0);
    d.target_caption = caption(s, side, metal);
    for (int i = 0; i < count; ++i) {
      d.answer.push_back(place_word(i, count));
      d.answer.push_back(metal >> i & 1 ? "pull" : "stay");
    }
    d.answer.push_back("magnet");
    d.answer.push_back(where);
    d.probe = 'P';
    for (int i = 0; i < count; ++i)  // each of them decides
      d.held_out = d.held_out || is_held_out_pair(s.things[i].hue, s.items[i].material);
    return d;
  }
};

}  // namespace

std::unique_ptr<Scenario> make_magnet() {
  return std::make_unique<Magnet>();
}

}  // namespace reasonbrain::miniworld
