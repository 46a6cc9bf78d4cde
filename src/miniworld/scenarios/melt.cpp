// Blocks on heated, mild or cooled plates: what time does to them. A block that borrows a plate
// takes what that plate gives.
//   hot:  sags in ten minutes, is a puddle after thirty     mild: nothing in ten, sags in thirty
//   cold: a white cap, sooner or later
#include "miniworld/things.h"

namespace reasonbrain::miniworld {
namespace {

enum Tag { kHotTag, kMildTag, kColdTag, kNumTags };
enum State { kSame, kHalf, kPuddle, kFrost, kNumStates };
constexpr Texture kTagTexture[] = {Texture::kHot, Texture::kMild, Texture::kCold};
const std::string kStateWord[] = {"same", "sagging", "puddle", "frosted"};
const std::string kOutcomeName[] = {kUnchanged, "sagging", "puddle", "frosted"};

struct Block {
  Fixed centre, width, height;
  Fixed tag_left;  // on the lattice
  int tag;
};

struct Situation {
  std::vector<Thing> things;
  std::vector<Block> blocks;
  int referent, other;
  bool borrows;  // the referent spends the time on the plate of `other`
  bool thirty;   // minutes, else ten

  int deciding_tag() const { return blocks[borrows ? other : referent].tag; }
};

State state_after(int tag, bool thirty) {
  if (tag == kColdTag) return kFrost;
  if (tag == kHotTag) return thirty ? kPuddle : kHalf;
  return thirty ? kHalf : kSame;
}

int draw_tag(Rng& rng) {  // mild is rarer: with it nothing may happen
  const double u = rng.uniform();
  return u < 0.36 ? kHotTag : u < 0.64 ? kMildTag : kColdTag;
}

Situation sample(Rng& rng) {
  Situation s;
  const int count = 2 + static_cast<int>(rng.below(2));
  s.things = draw_things(rng, count);
  const int skipped = count == 3 ? -1 : static_cast<int>(rng.below(3));  // an empty column
  for (int column = 0, i = 0; column < 3; ++column) {
    if (column == skipped) continue;
    const bool large = s.things[i++].large;
    Block block;
    block.centre = 12_u + column * 20_u + static_cast<Fixed>(rng.between(-1, 1)) * kUnit;
    block.width = large ? 13_u : 10_u;
    block.height = (large ? 20_u : 12_u) + static_cast<Fixed>(rng.below(2)) * kUnit;
    const Fixed middle = rng.chance(0.5) ? 24_u : 32_u;
    block.tag_left = column == 0 ? 8_u : column == 1 ? middle : 48_u;
    block.tag = draw_tag(rng);
    s.blocks.push_back(block);
  }
  s.referent = static_cast<int>(rng.below(count));
  s.other = draw_other(rng, count, s.referent);
  s.borrows = rng.chance(0.4);
  s.thirty = rng.chance(0.5);
  if (s.borrows) {  // a plate that gives something else
    int& own = s.blocks[s.referent].tag;
    const int lent = s.blocks[s.other].tag;
    if (own == lent) own = (lent + 1 + static_cast<int>(rng.below(2))) % kNumTags;
  }
  return s;
}

void apply(Flip flip, Situation& s) {
  int& tag = s.blocks[s.borrows ? s.other : s.referent].tag;
  if (flip == Flip::kCue) tag = (tag + 1) % kNumTags;
  if (flip == Flip::kInstruction) s.thirty = !s.thirty;
  if (flip == Flip::kReferent) std::swap(s.referent, s.other);
}

void draw_block(Scene& scene, const Block& b, State state, Colour hue, int instance) {
  const Fixed top_of_plate = 44_u, half = b.width / 2;
  const Fixed top = top_of_plate - (state == kHalf ? b.height / 2 : b.height);
  const Fixed left = b.centre - half, right = b.centre + half;
  if (state == kPuddle) {
    scene.add(ellipse({b.centre, top_of_plate - 1_u}, half + 3_u, 4_u), {hue}, instance);
  } else if (state == kHalf) {
    scene.add(
        polygon(
            {{left, top}, {right, top}, {right + 3_u, top_of_plate}, {left - 3_u, top_of_plate}}),
        {hue}, instance);
  } else {
    scene.add(rect(left, top, right, top_of_plate), {hue}, instance);
  }
  if (state == kFrost)
    scene.add(rect(left - 1_u, top - 1_u, right + 1_u, top + 4_u), {kWhite}, instance);
}

Scene draw(const Situation& s, Colour background, const std::vector<State>& states) {
  Scene scene{background, {}};
  for (size_t i = 0; i < s.blocks.size(); ++i) {
    const Block& b = s.blocks[i];
    const int instance = static_cast<int>(i) + 1;
    scene.add(rect(b.centre - 9_u, 44_u, b.centre + 9_u, 48_u), {kDark}, instance);
    scene.add(rect(b.centre - 9_u, 48_u, b.centre + 9_u, 57_u), {kGrey}, instance);
    scene.add_tag(b.tag_left, 48_u, kTagTexture[b.tag], instance);
    draw_block(scene, b, states[i], hue_colour(s.things[i].hue), instance);
  }
  return scene;
}

std::string caption(const Situation& s, const std::vector<State>& states) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < s.blocks.size(); ++i) {
    const std::string hue = hue_name(s.things[i].hue), a = a_hue(s.things[i]);
    const std::string noun[] = {a + " block", "a sagging " + hue + " block", a + " puddle",
                                "a frosted " + hue + " block"};
    parts.push_back(noun[states[i]] + " on a " + texture_name(kTagTexture[s.blocks[i].tag]) +
                    " plate");
  }
  return list_words(parts);
}

class Melt : public Scenario {
 public:
  std::string name() const override { return "melt"; }
  std::string category() const override { return "physical"; }

  std::vector<Event> events() const override {
    return {
        {{"the {r} stayed where it is for {m} minutes",
          "for {m} minutes the {r} stayed where it is", "the {r} was left alone for {m} minutes",
          "{m} minutes went by and nobody touched the {r}"},
         "nobody touched the {r} for {m} minutes"},
        {{"the {r} borrowed the plate of the {b} for {m} minutes",
          "for {m} minutes the {r} borrowed the plate of the {b}",
          "the {b} lent its plate to the {r} for {m} minutes",
          "the plate of the {b} was lent to the {r} for {m} minutes"},
         "for {m} minutes the plate of the {b} was lent to the {r}"}};
  }

  std::string words() const override {
    return "ten thirty block smaller smallest larger largest left middle right same "
           "sagging puddle frosted a on hot mild cold plate an and the sag to half its "
           "height into frost Make Turn Put Leave everything as it is .";
  }

  std::array<std::string, kNumSlots> slot_words() const override {
    return {"left middle right", "", "block", "hot mild cold", "small large"};
  }

  Draft draft(Draw& draw_of) const override {
    Situation s = sample(draw_of.scene);
    apply(draw_of.flip, s);
    const int count = static_cast<int>(s.things.size());
    const auto drawn = [&](const std::vector<State>& states) {
      return draw(s, draw_of.background, states);
    };
    const std::vector<State> before(count, kSame);
    const State truth = state_after(s.deciding_tag(), s.thirty);
    auto with = [&](int block, State state) {
      auto states = before;
      states[block] = state;
      return states;
    };

    Draft d;
    d.source = drawn(before);
    d.truth = {kOutcomeName[truth], drawn(with(s.referent, truth))};
    for (int state = 0; state < kNumStates; ++state)
      d.others.push_back({kOutcomeName[state], drawn(with(s.referent, static_cast<State>(state)))});
    for (int i = 0; i < count; ++i)
      if (i != s.referent && truth != kSame)
        d.others.push_back({"wrong-" + place_word(i, count), drawn(with(i, truth))});
    for (int i = 0; i < count; ++i) {
      const Thing& thing = s.things[i];
      d.instances.push_back({{place_word(i, count), hue_name(thing.hue), "block",
                              texture_name(kTagTexture[s.blocks[i].tag]), size_word(thing)},
                             hue_colour(thing.hue)});
    }

    const Reference r = refer(draw_of.text, s.things, s.referent);
    const Reference b = refer(draw_of.text, s.things, s.other);
    d.objects = {{r.phrase("block"), s.referent + 1}};
    if (s.borrows) d.objects.push_back({b.phrase("block"), s.other + 1});
    d.instruction = tell(
        draw_of.text, events()[s.borrows],
        {{"r", r.phrase("block")}, {"b", b.phrase("block")}, {"m", s.thirty ? "thirty" : "ten"}},
        draw_of.held_out_text);
    const std::string block = "the " + r.phrase("block");
    const std::string explicitly[] = {
        "Leave everything as it is.", "Make " + block + " sag to half its height.",
        "Turn " + block + " into a puddle.", "Put frost on " + block + "."};
    d.instruction_explicit = explicitly[truth];
    d.source_caption = caption(s, before);
    d.target_caption = caption(s, with(s.referent, truth));
    d.answer = {place_word(s.referent, count), hue_name(s.things[s.referent].hue),
                kStateWord[truth]};
    d.probe = r.indirect ? 'I' : s.borrows ? 'R' : s.deciding_tag() == kColdTag ? 'P' : 'T';
    d.held_out = is_held_out_pair(s.things[s.referent].hue, s.deciding_tag());
    return d;
  }
};

}  // namespace

std::unique_ptr<Scenario> make_melt() {
  return std::make_unique<Melt>();
}

}  // namespace reasonbrain::miniworld
