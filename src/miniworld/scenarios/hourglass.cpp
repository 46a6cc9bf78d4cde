// Timers whose sand runs from the upper to the lower bulb, three measures in all, one a minute,
// unless the neck is shut. A timer may be turned over first.
#include <algorithm>

#include "miniworld/things.h"

namespace reasonbrain::miniworld {
namespace {

constexpr int kMeasures = 3;                                    // of sand in a timer
const std::string kLevel[] = {"empty", "low", "high", "full"};  // of the upper bulb

struct Timer {
  Fixed neck_left;  // of the neck tile, on the lattice
  int top;          // measures in the upper bulb
  bool shut;
};

struct Situation {
  std::vector<Thing> things;
  std::vector<Timer> timers;
  Fixed neck_top;  // of the neck tiles, on the lattice
  int referent;
  bool turned;  // over, before the time passes
  int minutes;  // 1 or 2
};

int top_after(const Timer& timer, bool turned, int minutes) {
  const int top = turned ? kMeasures - timer.top : timer.top;
  return timer.shut ? top : std::max(top - minutes, 0);
}

Situation sample(Rng& rng) {
  Situation s;
  const int count = 2 + static_cast<int>(rng.below(2));
  s.things = draw_things(rng, count);
  for (Thing& thing : s.things) thing.large = false;
  s.neck_top = rng.chance(0.5) ? 24_u : 32_u;
  const int skipped = count == 3 ? -1 : static_cast<int>(rng.below(3));  // an empty column
  const Fixed middle = rng.chance(0.5) ? 24_u : 32_u;
  for (int column = 0; column < 3; ++column) {
    if (column == skipped) continue;
    const Fixed left = column == 0 ? 8_u : column == 1 ? middle : 48_u;
    s.timers.push_back({left, static_cast<int>(rng.below(kMeasures + 1)), rng.chance(0.5)});
  }
  s.referent = static_cast<int>(rng.below(count));
  s.turned = rng.chance(0.4);
  s.minutes = rng.chance(0.5) ? 1 : 2;
  Timer& timer = s.timers[s.referent];
  // Shares that leave every outcome about equally likely, whatever the text.
  const double shut_share = 0.25;
  if (s.turned) {
    timer.top =
        s.minutes == 1 ? 2 * static_cast<int>(rng.below(2)) : static_cast<int>(rng.below(3));
  } else {
    timer.top = static_cast<int>(rng.between(s.minutes, kMeasures));
    timer.shut = rng.chance(shut_share);
  }
  return s;
}

void apply(Flip flip, Situation& s) {
  Timer& timer = s.timers[s.referent];
  if (flip == Flip::kCue) timer.shut = !timer.shut;
  if (flip == Flip::kInstruction) s.turned = !s.turned;
  if (flip == Flip::kReferent) s.referent = (s.referent + 1) % static_cast<int>(s.timers.size());
}

Scene draw(const Situation& s, Colour background, const std::vector<int>& tops) {
  Scene scene{background, {}};
  const Fixed bulb = 13_u, measure = 4_u, y = s.neck_top;
  for (size_t i = 0; i < s.timers.size(); ++i) {
    const Timer& timer = s.timers[i];
    const Fixed left = timer.neck_left - 2_u, right = timer.neck_left + 10_u;
    const Paint hue{hue_colour(s.things[i].hue)};
    const int instance = static_cast<int>(i) + 1;
    for (const Fixed top : {y - bulb, y + 8_u}) {  // glass
      scene.add(rect(left - 1_u, top, right + 1_u, top + bulb), {kGrey}, instance);
      scene.add(rect(left, top, right, top + bulb), {kWhite}, instance);
    }
    scene.add(rect(left - 1_u, y - bulb - 4_u, right + 1_u, y - bulb), hue, instance);
    scene.add(rect(left - 1_u, y + 8_u + bulb, right + 1_u, y + 12_u + bulb), hue, instance);
    scene.add(rect(left, y - tops[i] * measure, right, y), hue, instance);
    const Fixed floor = y + 8_u + bulb;
    scene.add(rect(left, floor - (kMeasures - tops[i]) * measure, right, floor), hue, instance);
    scene.add_tag(timer.neck_left, y, timer.shut ? Texture::kShut : Texture::kOpen, instance);
  }
  return scene;
}

std::string caption(const Situation& s, const std::vector<int>& tops) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < s.timers.size(); ++i) {
    parts.push_back(a_hue(s.things[i]) + " timer with " +
                    (s.timers[i].shut ? "a shut" : "an open") + " neck and a top that is " +
                    kLevel[tops[i]]);
  }
  return list_words(parts);
}

class Hourglass : public Scenario {
 public:
  std::string name() const override { return "hourglass"; }
  std::string category() const override { return "temporal"; }

  std::vector<Event> events() const override {
    return {
        {{"the {r} was watched for {m}", "for {m} somebody watched the {r}",
          "{m} went by for the {r}", "somebody waited {m} and looked at the {r}"},
         "somebody looked at the {r} after {m} went by"},
        {{"the {r} was turned over and {m} went by", "somebody turned the {r} over and waited {m}",
          "{m} went by after the {r} was turned over",
          "after somebody turned the {r} over {m} went by"},
         "somebody waited {m} after the {r} was turned over"}};
  }

  std::string words() const override {
    return "one minute two minutes timer left middle right empty low high full a an with "
           "shut open neck and top that is the of everything as it Make Leave .";
  }

  std::array<std::string, kNumSlots> slot_words() const override {
    return {"left middle right", "", "timer", "open shut", "empty low high full"};
  }

  Draft draft(Draw& draw_of) const override {
    Situation s = sample(draw_of.scene);
    apply(draw_of.flip, s);
    const int count = static_cast<int>(s.things.size());
    std::vector<int> before;
    for (const Timer& timer : s.timers) before.push_back(timer.top);
    const auto with = [&](int timer, int top) {
      auto tops = before;
      tops[timer] = top;
      return tops;
    };
    const auto drawn = [&](const std::vector<int>& tops) {
      return draw(s, draw_of.background, tops);
    };
    const auto name_of = [&](int top) {
      return top == before[s.referent] ? kUnchanged : kLevel[top];
    };
    const int truth = top_after(s.timers[s.referent], s.turned, s.minutes);

    Draft d;
    d.source = drawn(before);
    d.truth = {name_of(truth), drawn(with(s.referent, truth))};
    for (int top = 0; top <= kMeasures; ++top)
      d.others.push_back({name_of(top), drawn(with(s.referent, top))});
    for (int i = 0; i < count; ++i) {
      if (i == s.referent) continue;
      const int top = top_after(s.timers[i], s.turned, s.minutes);
      d.others.push_back({"wrong-" + place_word(i, count), drawn(with(i, top))});
    }
    for (int i = 0; i < count; ++i) {
      const int hue = s.things[i].hue;
      d.instances.push_back({{place_word(i, count), hue_name(hue), "timer",
                              s.timers[i].shut ? "shut" : "open", kLevel[before[i]]},
                             hue_colour(hue)});
    }

    const Reference r = refer(draw_of.text, s.things, s.referent);
    d.objects = {{r.phrase("timer"), s.referent + 1}};
    d.instruction =
        tell(draw_of.text, events()[s.turned],
             {{"r", r.phrase("timer")}, {"m", s.minutes == 1 ? "one minute" : "two minutes"}},
             draw_of.held_out_text);
    d.instruction_explicit =
        truth == before[s.referent]
            ? "Leave everything as it is."
            : "Make the top of the " + r.phrase("timer") + " " + kLevel[truth] + ".";
    d.source_caption = caption(s, before);
    d.target_caption = caption(s, with(s.referent, truth));
    d.answer = {place_word(s.referent, count), hue_name(s.things[s.referent].hue), kLevel[truth]};
    d.probe = r.indirect ? 'I' : s.timers[s.referent].shut ? 'P' : 'T';
    d.held_out = is_held_out_pair(s.things[s.referent].hue, s.timers[s.referent].shut);
    return d;
  }
};

}  // namespace

std::unique_ptr<Scenario> make_hourglass() {
  return std::make_unique<Hourglass>();
}

}  // namespace reasonbrain::miniworld
