// The wolf blows at a house: straw falls to a pile, wood leans, brick stays. A family may first
// have built like their neighbours.
#include "miniworld/things.h"

namespace reasonbrain::miniworld {
namespace {

enum Material { kStraw, kWood, kBrick, kNumMaterials };
constexpr Texture kTexture[] = {Texture::kStraw, Texture::kWood, Texture::kBrick};
enum State { kStands, kPile, kLeans, kNumStates };
const std::string kStateWord[] = {"stand", "pile", "lean"};
constexpr Fixed kGround = 44_u;

struct House {
  Fixed centre;
  int material;
};

struct Situation {
  std::vector<Thing> things;
  std::vector<House> houses;
  int referent, other;
  bool copied;  // the walls of `other` before the wolf blows
  bool wolf_right;

  int built_of() const { return houses[copied ? other : referent].material; }
};

struct After {  // what has become of one house
  int house = -1;
  int material = kStraw;
  State state = kStands;
};

State state_after(int material) {
  return material == kStraw ? kPile : material == kWood ? kLeans : kStands;
}

int draw_material(Rng& rng, double brick) {
  const double u = rng.uniform();
  return u < brick ? kBrick : u < (1 + brick) / 2 ? kStraw : kWood;
}

Situation sample(Rng& rng) {
  Situation s;
  const int count = 2 + static_cast<int>(rng.below(2));
  s.things = draw_things(rng, count);
  const int skipped = count == 3 ? -1 : static_cast<int>(rng.below(3));  // an empty column
  for (int column = 0; column < 3; ++column) {
    if (column == skipped) continue;
    const Fixed centre = 12_u + column * 20_u + static_cast<Fixed>(rng.between(-1, 1)) * kUnit;
    s.houses.push_back({centre, draw_material(rng, 0.25)});  // few: nothing happens to brick
  }
  s.referent = static_cast<int>(rng.below(count));
  s.other = draw_other(rng, count, s.referent);
  s.copied = rng.chance(0.4);
  s.wolf_right = rng.chance(0.5);
  if (s.copied) {  // a neighbour who built of something else; walls of brick are new here
    int& own = s.houses[s.referent].material;
    const int wanted = s.houses[s.other].material = draw_material(rng, 0.4);
    if (own == wanted) own = (wanted + 1 + static_cast<int>(rng.below(2))) % kNumMaterials;
  }
  return s;
}

void apply(Flip flip, Situation& s) {
  int& material = s.houses[s.copied ? s.other : s.referent].material;
  if (flip == Flip::kCue) material = (material + 1) % kNumMaterials;
  if (flip == Flip::kInstruction) s.copied = !s.copied;
  if (flip == Flip::kReferent) std::swap(s.referent, s.other);
}

void draw_house(Scene& scene, const Situation& s, int index, int material, State state) {
  const Thing& thing = s.things[index];
  const Fixed half = thing.large ? 7_u : 5_u, x = s.houses[index].centre;
  const Fixed height = state == kPile ? 4_u : thing.large ? 16_u : 11_u;
  const Fixed roof = thing.large ? 9_u : 7_u, eaves = half + 1_u;
  const Fixed shift = state != kLeans ? 0 : s.wolf_right ? -6_u : 6_u;  // of the roof's tip
  const Fixed wall_shift = shift * 2 / 3;
  const Fixed spread = state == kPile ? 2_u : 0, top = kGround - height;
  const Paint walls{kWall, kTexture[material]};
  scene.add(polygon({{x - half + wall_shift, top},
                     {x + half + wall_shift, top},
                     {x + half + spread, kGround},
                     {x - half - spread, kGround}}),
            walls, index + 1);
  scene.add(
      polygon(
          {{x - eaves + wall_shift, top}, {x + shift, top - roof}, {x + eaves + wall_shift, top}}),
      {hue_colour(thing.hue)}, index + 1);
}

void draw_wolf(Scene& scene, bool on_right, int instance) {
  const Fixed sign = on_right ? -1 : 1;  // it looks to the middle
  const Fixed x = on_right ? 52_u : 12_u, y = 54_u;
  const Paint fur{kGrey}, dark{kDark};
  scene.add(polyline({{x - sign * 6_u, y}, {x - sign * 9_u, y - 4_u}}, 2_u), dark, instance);
  for (const Fixed leg : {-5_u, -2_u, 2_u, 5_u})
    scene.add(rect(x + leg - 1_u, y, x + leg + 1_u, y + 7_u), dark, instance);
  scene.add(ellipse({x, y}, 8_u, 3_u), fur, instance);
  const Fixed head = x + sign * 8_u;
  scene.add(polygon({{head - 2_u, y - 4_u}, {head, y - 8_u}, {head + 2_u, y - 4_u}}), dark,
            instance);
  scene.add(disc({head, y - 3_u}, 3_u), fur, instance);
  scene.add(polygon({{head + sign * 2_u, y - 4_u},
                     {head + sign * 6_u, y - 2_u},
                     {head + sign * 2_u, y - 1_u}}),
            dark, instance);
}

Scene draw(const Situation& s, Colour background, const After& after) {
  Scene scene{background, {}};
  const int count = static_cast<int>(s.houses.size());
  scene.add(rect(0, kGround, kCanvasUnits * kUnit, kGround + 2_u), {kDark}, 0);
  for (int i = 0; i < count; ++i) {
    const bool hit = i == after.house;
    draw_house(scene, s, i, hit ? after.material : s.houses[i].material,
               hit ? after.state : kStands);
  }
  draw_wolf(scene, s.wolf_right, count + 1);
  return scene;
}

std::string caption(const Situation& s, const After& after) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < s.houses.size(); ++i) {
    const bool hit = static_cast<int>(i) == after.house;
    const std::string state[] = {"", " in a pile", " that leans"};
    parts.push_back(a_hue(s.things[i]) + " house of " +
                    texture_name(kTexture[hit ? after.material : s.houses[i].material]) +
                    state[hit ? after.state : kStands]);
  }
  parts.push_back("a wolf");
  return list_words(parts);
}

class Houses : public Scenario {
 public:
  std::string name() const override { return "houses"; }
  std::string category() const override { return "story"; }

  std::vector<Event> events() const override {
    return {{{"the wolf blew at the {r}", "the wolf blew with all its might at the {r}",
              "the {r} was blown at by the wolf", "with all its might the wolf blew at the {r}",
              "the wolf came and blew at the {r}"},
             "the wolf came to the {r} and blew with all its might"},
            {{"the wolf blew at the {r} and it was built like the {b}",
              "the {r} was built like the {b} and the wolf blew at it",
              "the wolf blew at the {r} after somebody built it like the {b}",
              "the {r} was built like the {b} before the wolf blew at it"},
             "the wolf blew at the {r} after it was built like the {b}"}};
  }

  std::string words() const override {
    return "house wolf smaller smallest larger largest left middle right straw wood brick "
           "stand pile lean same a of in that leans an and the into walls everything as it is "
           "Make Turn Give Leave .";
  }

  std::array<std::string, kNumSlots> slot_words() const override {
    return {"left middle right", "", "house wolf", "straw wood brick", "small large"};
  }

  Draft draft(Draw& draw_of) const override {
    Situation s = sample(draw_of.scene);
    apply(draw_of.flip, s);
    const int count = static_cast<int>(s.things.size());
    const auto drawn = [&](const After& after) { return draw(s, draw_of.background, after); };
    const int own = s.houses[s.referent].material, built = s.built_of();
    const State truth = state_after(built);
    const bool unchanged = built == own && truth == kStands;

    Draft d;
    d.source = drawn({});
    d.truth = {unchanged ? kUnchanged : kStateWord[truth], drawn({s.referent, built, truth})};
    d.others.push_back({kUnchanged, d.source});
    for (int state = 0; state < kNumStates; ++state)
      if (state != truth)
        d.others.push_back(
            {kStateWord[state], drawn({s.referent, built, static_cast<State>(state)})});
    if (s.copied) d.others.push_back({"not-copied", drawn({s.referent, own, state_after(own)})});
    for (int i = 0; i < count; ++i) {
      if (i == s.referent) continue;
      const int material = s.copied ? built : s.houses[i].material;
      d.others.push_back(
          {"wrong-" + place_word(i, count), drawn({i, material, state_after(material)})});
    }
    for (int i = 0; i < count; ++i) {
      const Thing& thing = s.things[i];
      d.instances.push_back({{place_word(i, count), hue_name(thing.hue), "house",
                              texture_name(kTexture[s.houses[i].material]), size_word(thing)},
                             hue_colour(thing.hue)});
    }
    d.instances.push_back({{s.wolf_right ? "right" : "left", "", "wolf", "", ""}, kGrey});

    const Reference r = refer(draw_of.text, s.things, s.referent);
    const Reference b = refer(draw_of.text, s.things, s.other);
    d.objects = {{r.phrase("house"), s.referent + 1}, {"wolf", count + 1}};
    if (s.copied) d.objects.insert(d.objects.begin() + 1, {b.phrase("house"), s.other + 1});
    d.instruction =
        tell(draw_of.text, events()[s.copied], {{"r", r.phrase("house")}, {"b", b.phrase("house")}},
             draw_of.held_out_text);
    const std::string house = "the " + r.phrase("house");
    const std::string material = texture_name(kTexture[built]);
    const std::string explicitly[] = {"Give " + house + " walls of " + material + ".",
                                      "Turn " + house + " into a pile of " + material + ".",
                                      "Make " + house + " of " + material + " lean."};
    d.instruction_explicit = unchanged ? "Leave everything as it is." : explicitly[truth];
    d.source_caption = caption(s, {});
    d.target_caption = caption(s, {s.referent, built, truth});
    // "stand" alone would not tell new walls of brick, to be painted, from those that were there.
    d.answer = {place_word(s.referent, count), hue_name(s.things[s.referent].hue), material,
                unchanged ? "same" : kStateWord[truth]};
    d.probe = r.indirect ? 'I' : s.copied ? 'R' : 'P';
    d.held_out = is_held_out_pair(s.things[s.referent].hue, built);
    return d;
  }
};

}  // namespace

std::unique_ptr<Scenario> make_houses() {
  return std::make_unique<Houses>();
}

}  // namespace reasonbrain::miniworld
