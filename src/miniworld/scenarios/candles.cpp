// Candles that burn down a measure an hour while they have air; under a jar the flame goes out
// soon. An unlit candle stays as it is, unless somebody lights it first.
#include <algorithm>

#include "miniworld/things.h"

namespace reasonbrain::miniworld {
namespace {

constexpr int kMaxHours = 2;
constexpr int kMeasures = 4;                                            // of wax in a whole candle
const std::string kHeight[] = {"gone", "low", "half", "high", "full"};  // by measures
constexpr Fixed kMeasure = 6_u, kWidth = 8_u;
constexpr Colour kFlame{255, 214, 92};

struct Candle {
  Fixed left;
  int measures;
  bool burns, covered;  // by a jar
};

struct Situation {
  std::vector<Thing> things;
  std::vector<Candle> candles;
  Fixed table;
  int referent;
  bool lights;  // somebody lights the referent before the time passes
  int hours;    // 1 to kMaxHours
};

// The candle after the hours. What covers it is left as it is.
Candle after(Candle candle, bool lights, int hours) {
  candle.burns = candle.burns || lights;
  if (!candle.burns) return candle;
  if (candle.covered) {
    candle.burns = false;
  } else {
    candle.measures = std::max(candle.measures - hours, 0);
    candle.burns = candle.measures > 0;
  }
  return candle;
}

bool equal(const Candle& a, const Candle& b) {
  return a.measures == b.measures && a.burns == b.burns;
}

Situation sample(Rng& rng) {
  Situation s;
  const int count = 2 + static_cast<int>(rng.below(2));
  s.things = draw_things(rng, count);
  for (Thing& thing : s.things) thing.large = false;
  s.table = 48_u + static_cast<Fixed>(rng.below(7)) * kUnit;
  const int skipped = count == 3 ? -1 : static_cast<int>(rng.below(3));  // an empty column
  for (int column = 0; column < 3; ++column) {
    if (column == skipped) continue;
    const Fixed left = 7_u + column * 20_u + static_cast<Fixed>(rng.below(4)) * kUnit;
    s.candles.push_back({left, static_cast<int>(rng.between(kMaxHours + 1, kMeasures)),
                         rng.chance(0.65), rng.chance(0.35)});
  }
  s.referent = static_cast<int>(rng.below(count));
  s.lights = rng.chance(0.4);
  s.hours = 1 + static_cast<int>(rng.below(kMaxHours));
  // A share that leaves every outcome about equally likely, whatever the text.
  s.candles[s.referent].burns = rng.chance(s.lights ? 0.6 : 0.85);
  return s;
}

void apply(Flip flip, Situation& s) {
  Candle& candle = s.candles[s.referent];
  if (flip == Flip::kCue) candle.covered = !candle.covered;
  if (flip == Flip::kInstruction) s.hours = kMaxHours + 1 - s.hours;
  if (flip == Flip::kReferent) s.referent = (s.referent + 1) % static_cast<int>(s.candles.size());
}

void draw_jar(Scene& scene, Fixed left, Fixed table, int instance) {
  const Fixed right = left + kWidth, wall = 2_u, gap = 1_u;
  const Fixed top = table - kMeasures * kMeasure - 14_u;
  for (const Fixed x : {left - gap - wall, right + gap})
    scene.add(rect(x, top, x + wall, table), {kGrey}, instance);
  scene.add(rect(left - gap - wall, top, right + gap + wall, top + wall), {kGrey}, instance);
}

Scene draw(const Situation& s, Colour background, const std::vector<Candle>& candles) {
  Scene scene{background, {}};
  scene.add(rect(0, s.table, kCanvasUnits * kUnit, s.table + 3_u), {kDark}, 0);
  for (size_t i = 0; i < candles.size(); ++i) {
    const Candle& candle = candles[i];
    const int instance = static_cast<int>(i) + 1;
    const Fixed top = s.table - candle.measures * kMeasure, middle = candle.left + kWidth / 2;
    if (candle.covered) draw_jar(scene, candle.left, s.table, instance);
    scene.add(rect(candle.left, top, candle.left + kWidth, s.table), {hue_colour(s.things[i].hue)},
              instance);
    scene.add(rect(middle - 1_u, top - 3_u, middle + 1_u, top), {kDark}, instance);  // wick
    if (candle.burns) {
      scene.add(polygon({{middle, top - 11_u},
                         {middle + 4_u, top - 5_u},
                         {middle, top - 2_u},
                         {middle - 4_u, top - 5_u}}),
                {kFlame}, instance);
    }
  }
  return scene;
}

std::string caption(const Situation& s, const std::vector<Candle>& candles) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < candles.size(); ++i) {
    parts.push_back(a_hue(s.things[i]) + " candle that is " + kHeight[candles[i].measures] +
                    (candles[i].burns ? " and burns" : " and dark") +
                    (candles[i].covered ? " in a jar" : ""));
  }
  return list_words(parts);
}

class Candles : public Scenario {
 public:
  std::string name() const override { return "candles"; }
  std::string category() const override { return "temporal"; }

  std::vector<Event> events() const override {
    return {{{"{h} went by for the {r}", "for {h} somebody watched the {r}",
              "the {r} was watched for {h}", "somebody looked at the {r} after {h}"},
             "somebody watched the {r} for {h}"},
            {{"the {r} was lit and {h} went by", "somebody lit the {r} and waited {h}",
              "{h} went by after somebody lit the {r}", "after somebody lit the {r} {h} went by"},
             "somebody waited {h} after the {r} was lit"}};
  }

  std::string words() const override {
    return "one hour two hours candle left middle right low half high full out same a an "
           "that is and burns dark in jar the Make Put Leave everything as it .";
  }

  std::array<std::string, kNumSlots> slot_words() const override {
    return {"left middle right", "", "candle", "open shut", "high full"};
  }

  Draft draft(Draw& draw_of) const override {
    Situation s = sample(draw_of.scene);
    apply(draw_of.flip, s);
    const int count = static_cast<int>(s.candles.size());
    const Candle& referent = s.candles[s.referent];
    const auto with = [&](int index, const Candle& candle) {
      auto candles = s.candles;
      candles[index] = candle;
      return candles;
    };
    const auto drawn = [&](const std::vector<Candle>& candles) {
      return draw(s, draw_of.background, candles);
    };
    const auto name_of = [&](const Candle& candle) {
      if (equal(candle, referent)) return kUnchanged;
      return candle.measures == referent.measures ? std::string(candle.burns ? "lit" : "out")
                                                  : kHeight[candle.measures];
    };
    const Candle truth = after(referent, s.lights, s.hours);

    Draft d;
    d.source = drawn(s.candles);
    d.truth = {name_of(truth), drawn(with(s.referent, truth))};
    for (int measures = 0; measures <= referent.measures; ++measures) {
      for (const bool burns : {false, true}) {
        Candle other = referent;
        other.measures = measures;
        other.burns = burns && measures > 0;
        // Shorter and dark is no outcome of the rule: it would differ from the truth by a flame.
        if (measures > 0 && measures < referent.measures && !burns) continue;
        d.others.push_back({name_of(other), drawn(with(s.referent, other))});
      }
    }
    for (int i = 0; i < count; ++i) {
      if (i == s.referent) continue;
      d.others.push_back({"wrong-" + place_word(i, count),
                          drawn(with(i, after(s.candles[i], s.lights, s.hours)))});
    }
    for (int i = 0; i < count; ++i) {
      const int hue = s.things[i].hue;
      d.instances.push_back(
          {{place_word(i, count), hue_name(hue), "candle", s.candles[i].covered ? "shut" : "open",
            kHeight[s.candles[i].measures]},
           hue_colour(hue)});
    }

    const Reference r = refer(draw_of.text, s.things, s.referent);
    d.objects = {{r.phrase("candle"), s.referent + 1}};
    d.instruction =
        tell(draw_of.text, events()[s.lights],
             {{"r", r.phrase("candle")}, {"h", s.hours == 1 ? "one hour" : "two hours"}},
             draw_of.held_out_text);
    const std::string outcome = name_of(truth);
    d.instruction_explicit = outcome == kUnchanged ? "Leave everything as it is."
                             : outcome == "out"
                                 ? "Put the " + r.phrase("candle") + " out."
                                 : "Make the " + r.phrase("candle") + " " + outcome + ".";
    d.source_caption = caption(s, s.candles);
    d.target_caption = caption(s, with(s.referent, truth));
    d.answer = {place_word(s.referent, count), hue_name(s.things[s.referent].hue),
                outcome == kUnchanged ? "same" : outcome};
    d.probe = r.indirect ? 'I' : referent.covered ? 'R' : 'T';
    d.held_out = is_held_out_pair(s.things[s.referent].hue, referent.covered);
    return d;
  }
};

}  // namespace

std::unique_ptr<Scenario> make_candles() {
  return std::make_unique<Candles>();
}

}  // namespace reasonbrain::miniworld
