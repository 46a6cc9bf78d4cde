// Cubes hang above a tank of water. Cut loose, wood and wax float, stone and metal sink, and what
// stands on a shelf stays there. Half of the water may run out first.
#include <iterator>

#include "miniworld/things.h"

namespace reasonbrain::miniworld {
namespace {

constexpr Texture kMaterials[] = {Texture::kWood, Texture::kPlain, Texture::kStone,
                                  Texture::kMetal};
constexpr int kNumMaterials = 4;
constexpr Fixed kFloor = 58_u;  // of the tank
constexpr Fixed kString = 2_u;  // width
constexpr double kShelfShare = 0.25;
constexpr Fixed kRise = 2_u;  // of the water when a cube goes in

struct Cube {
  Fixed centre, top, size;
  int material;
  bool on_shelf;
};

struct Situation {
  std::vector<Thing> things;
  std::vector<Cube> cubes;
  Fixed level;  // top of the water
  int referent;
  bool drained;  // half of the water runs out first
};

enum class Fate { kHangs, kFloats, kSinks };

Fate fate_of(const Cube& cube) {
  if (cube.on_shelf) return Fate::kHangs;
  return cube.material < 2 ? Fate::kFloats : Fate::kSinks;
}

struct After {    // one way in which things may stand
  int cube = -1;  // the one that was cut loose
  Fate fate = Fate::kHangs;
  bool drained = false;
};

Situation sample(Rng& rng) {
  Situation s;
  const int count = 2 + static_cast<int>(rng.below(2));
  s.things = draw_things(rng, count);
  const int skipped = count == 3 ? -1 : static_cast<int>(rng.below(3));  // an empty column
  for (int column = 0, i = 0; column < 3; ++column) {
    if (column == skipped) continue;
    Cube cube;
    cube.size = s.things[i++].large ? 14_u : 10_u;
    cube.centre = 16_u + column * 16_u + static_cast<Fixed>(rng.between(-1, 1)) * kUnit;
    cube.top = 6_u + static_cast<Fixed>(rng.below(4)) * kUnit;
    cube.material = static_cast<int>(rng.below(kNumMaterials));
    cube.on_shelf = rng.chance(kShelfShare);
    s.cubes.push_back(cube);
  }
  s.level = 34_u + static_cast<Fixed>(rng.between(-2, 2)) * kUnit;
  s.referent = static_cast<int>(rng.below(count));
  s.drained = rng.chance(0.5);
  return s;
}

void apply(Flip flip, Situation& s) {
  int& material = s.cubes[s.referent].material;
  if (flip == Flip::kCue) material = (material + 2) % kNumMaterials;
  if (flip == Flip::kInstruction) s.drained = !s.drained;
  if (flip == Flip::kReferent) s.referent = (s.referent + 1) % static_cast<int>(s.cubes.size());
}

void draw_shelf(Scene& scene, const Cube& cube, int instance) {
  const Fixed left = cube.centre - cube.size / 2, right = cube.centre + cube.size / 2;
  const Fixed bottom = cube.top + cube.size;
  scene.add(rect(left - 2_u, bottom, right + 2_u, bottom + 3_u), {kDark}, instance);
  scene.add(rect(left - 2_u, 4_u, left, bottom), {kDark}, instance);
  scene.add(rect(right, 4_u, right + 2_u, bottom), {kDark}, instance);
}

Scene draw(const Situation& s, Colour background, const After& after) {
  Scene scene{background, {}};
  const int tank = static_cast<int>(s.cubes.size()) + 1;
  Fixed level = after.drained ? (s.level + kFloor) / 2 : s.level;
  const Fixed still = level;
  if (after.fate != Fate::kHangs) level -= kRise;
  scene.add(rect(6_u, 2_u, 58_u, 4_u), {kDark}, 0);
  scene.add(rect(7_u, level, 57_u, kFloor), {kWater}, tank);
  scene.add(rect(5_u, 27_u, 7_u, 60_u), {kDark}, tank);
  scene.add(rect(57_u, 27_u, 59_u, 60_u), {kDark}, tank);
  scene.add(rect(5_u, kFloor, 59_u, 60_u), {kDark}, tank);
  for (size_t i = 0; i < s.cubes.size(); ++i) {
    const Cube& cube = s.cubes[i];
    Fixed top = cube.top;
    if (static_cast<int>(i) == after.cube) {
      if (after.fate == Fate::kFloats) top = still - cube.size * 2 / 5;
      if (after.fate == Fate::kSinks) top = kFloor - cube.size;
    }
    scene.add(rect(cube.centre - kString / 2, 4_u, cube.centre + kString / 2, cube.top), {kDark},
              0);
    if (cube.on_shelf) draw_shelf(scene, cube, static_cast<int>(i) + 1);
    scene.add(rect(cube.centre - cube.size / 2, top, cube.centre + cube.size / 2, top + cube.size),
              {hue_colour(s.things[i].hue), kMaterials[cube.material]}, static_cast<int>(i) + 1);
  }
  return scene;
}

std::string outcome_name(const After& after) {
  if (after.fate == Fate::kHangs) return after.drained ? "drained" : kUnchanged;
  const std::string fate = after.fate == Fate::kFloats ? "float" : "sink";
  return fate + (after.drained ? "-low" : "");
}

std::string caption(const Situation& s, const After& after) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < s.cubes.size(); ++i) {
    const std::string cube =
        a_hue(s.things[i]) + " cube of " + texture_name(kMaterials[s.cubes[i].material]);
    const Fate fate = static_cast<int>(i) == after.cube ? after.fate : Fate::kHangs;
    const std::string where = fate == Fate::kFloats  ? " floats in"
                              : fate == Fate::kSinks ? " rests below"
                              : s.cubes[i].on_shelf  ? " stands on a shelf above"
                                                     : " hangs above";
    parts.push_back(cube + where);
  }
  return list_words(parts) + (after.drained ? " low water" : " high water");
}

class Tank : public Scenario {
 public:
  std::string name() const override { return "tank"; }
  std::string category() const override { return "physical"; }

  std::vector<Event> events() const override {
    return {{{"the string of the {r} was cut", "somebody cut the string of the {r}",
              "the {r} was cut off its string", "somebody cut the {r} off its string"},
             "the string of the {r} was cut by somebody"},
            {{"half of the water ran out before somebody cut the string of the {r}",
              "the string of the {r} was cut after half of the water ran out",
              "half of the water ran out and then the {r} was cut off its string",
              "after half of the water ran out somebody cut the string of the {r}"},
             "somebody cut the string of the {r} after half of the water ran out"}};
  }

  std::string words() const override {
    return "cube smaller smallest larger largest left middle right float sink stay low "
           "high a of wood wax stone metal hangs above floats in rests below stands shelf "
           "water an and the at rest on bottom lower level everything as it is half run "
           "out Make Leave Let .";
  }

  std::array<std::string, kNumSlots> slot_words() const override {
    return {"left middle right", "", "cube water", "wood wax stone metal", "small large held"};
  }

  Draft draft(Draw& draw_of) const override {
    Situation s = sample(draw_of.scene);
    apply(draw_of.flip, s);
    const int count = static_cast<int>(s.things.size());
    const auto outcome = [&](const After& after) {
      return Outcome{outcome_name(after), draw(s, draw_of.background, after)};
    };
    const Fate fate = fate_of(s.cubes[s.referent]);
    const After truth{s.referent, fate, s.drained};

    Draft d;
    d.source = draw(s, draw_of.background, {});
    d.truth = outcome(truth);
    d.others = {outcome({})};
    for (const Fate other : {Fate::kHangs, Fate::kFloats, Fate::kSinks})
      if (other != fate) d.others.push_back(outcome({s.referent, other, s.drained}));
    d.others.push_back(outcome({s.referent, fate, !s.drained}));
    for (int i = 0; i < count; ++i) {
      if (i == s.referent) continue;
      Outcome wrong = outcome({i, fate_of(s.cubes[i]), s.drained});
      wrong.name = "wrong-" + place_word(i, count);
      d.others.push_back(wrong);
    }
    for (int i = 0; i < count; ++i) {
      const Thing& thing = s.things[i];
      d.instances.push_back({{place_word(i, count), hue_name(thing.hue), "cube",
                              texture_name(kMaterials[s.cubes[i].material]),
                              s.cubes[i].on_shelf ? "held" : size_word(thing)},
                             hue_colour(thing.hue)});
    }
    d.instances.push_back({{"", "", "water", "", ""}, kWater});

    const Reference r = refer(draw_of.text, s.things, s.referent);
    d.objects = {{r.phrase("cube"), s.referent + 1}};
    if (s.drained) d.objects.push_back({"water", count + 1});
    d.instruction =
        tell(draw_of.text, events()[s.drained], {{"r", r.phrase("cube")}}, draw_of.held_out_text);
    const std::string make = "Make the " + r.phrase("cube");
    if (fate == Fate::kHangs) {
      d.instruction_explicit =
          s.drained ? "Let half of the water run out." : "Leave everything as it is.";
    } else {
      d.instruction_explicit =
          make + (fate == Fate::kFloats ? " float in the water" : " rest on the bottom") +
          (s.drained ? " at a lower level." : ".");
    }
    d.source_caption = caption(s, {});
    d.target_caption = caption(s, truth);
    d.answer = {place_word(s.referent, count), hue_name(s.things[s.referent].hue),
                fate == Fate::kHangs    ? "stay"
                : fate == Fate::kFloats ? "float"
                                        : "sink",
                s.drained ? "low" : "high"};
    d.probe = r.indirect ? 'I' : 'P';
    d.held_out = is_held_out_pair(s.things[s.referent].hue, s.cubes[s.referent].material);
    return d;
  }
};

}  // namespace

std::unique_ptr<Scenario> make_tank() {
  return std::make_unique<Tank>();
}

}  // namespace reasonbrain::miniworld
