#include "miniworld/world.h"

#include <algorithm>
#include <set>

#include "core/str.h"
#include "miniworld/checks.h"
#include "miniworld/pixels.h"
#include "miniworld/render.h"
#include "reasonbrain/error.h"

namespace reasonbrain::miniworld {
namespace {

constexpr uint64_t kWorldVersion = 3;
constexpr int64_t kMaxCount = 1'000'000'000;
constexpr int kMinDifferentPixels = 12;  // between the target and an alternative
constexpr int kMaxAttempts = 20'000;
constexpr Flip kGroup[] = {Flip::kNone, Flip::kCue, Flip::kInstruction, Flip::kReferent};
constexpr int kGroupSize = 4;

struct Split {
  std::string name;
  bool held_out_side, held_out_text, held_out_pairs, grouped;
};

const Split kSplits[] = {{"train", false, false, false, false},
                         {"val", true, false, false, false},
                         {"test_text", true, true, false, false},
                         {"test_comp", true, false, true, false},
                         {"test_pairs", true, false, false, true}};

const Split& find_split(const std::string& name) {
  for (const Split& split : kSplits)
    if (split.name == name) return split;
  throw usage_error("no split '" + name + "' in the mini world; there are " +
                    join(split_names(), ", "));
}

// Whether each member of a minimal pair group shows what it is for.
bool is_minimal_group(const std::vector<Draft>& members, int size) {
  const io::Image source = render(members[0].source, size).rgb;
  const io::Image target = render(members[0].truth.scene, size).rgb;
  for (int i = 1; i < kGroupSize; ++i) {
    const bool same_outcome =
        count_visible(target, render(members[i].truth.scene, size).rgb) < kMinDifferentPixels;
    const bool same_picture = render(members[i].source, size).rgb == source;
    const bool picture_changes = members[i].instruction == members[0].instruction;
    if (same_outcome || same_picture == picture_changes) return false;
    if (picture_changes && members[i].truth.name == members[0].truth.name) return false;
    if (members[i].held_out) return false;
  }
  const auto num_unchanged = std::count_if(members.begin(), members.end(), [](const Draft& member) {
    return member.truth.name == kUnchanged;
  });
  return num_unchanged <= 1;
}

void fill_pictures(data::Sample& sample, const Draft& draft, const MiniWorldOptions& options) {
  const int size = static_cast<int>(options.size);
  const std::string images = "images/" + sample.record.id + "_";
  Picture source = render(draft.source, size), target = render(draft.truth.scene, size);
  sample.source = std::move(source.rgb);
  sample.instance_map = std::move(source.instances);
  sample.target = std::move(target.rgb);
  std::vector<Colour> keys;
  for (const Instance& instance : draft.instances) keys.push_back(instance.key);
  sample.record.extra_json = make_checks(sample, target.instances, keys);
  if (!options.with_alternatives) return;
  for (const Outcome& other : draft.others) {
    io::Image image = render(other.scene, size).rgb;
    if (count_visible(image, sample.target) < kMinDifferentPixels) continue;
    const bool repeated = std::any_of(sample.alternatives.begin(), sample.alternatives.end(),
                                      [&](const data::Alternative& a) { return a.image == image; });
    if (repeated) continue;
    sample.record.alternatives.push_back({other.name, images + "alt-" + other.name + ".png"});
    sample.alternatives.push_back({other.name, std::move(image)});
  }
}

void fill_record(data::Record& record, Draft&& draft) {
  record.src_image = "images/" + record.id + "_src.png";
  record.tgt_image = "images/" + record.id + "_tgt.png";
  record.instance_map = "regions/" + record.id + ".png";
  record.instruction = std::move(draft.instruction);
  record.instruction_explicit = std::move(draft.instruction_explicit);
  record.source_caption = std::move(draft.source_caption);
  record.target_caption = std::move(draft.target_caption);
  record.outcome = draft.truth.name;
  record.probe = std::string(1, draft.probe);
  record.answer = std::move(draft.answer);
  for (const ObjectPhrase& object : draft.objects) {
    record.objects.push_back(object.text);
    record.object_instances.push_back(object.instance);
  }
  for (size_t i = 0; i < draft.instances.size(); ++i) {
    const auto& words = draft.instances[i].words;
    record.instances.push_back({static_cast<int>(i) + 1, {words.begin(), words.end()}});
  }
}

std::string padded(int64_t index) {
  const std::string digits = std::to_string(index);
  return std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
}

}  // namespace

std::vector<std::string> split_names() {
  std::vector<std::string> names;
  for (const Split& split : kSplits) names.push_back(split.name);
  return names;
}

MiniWorld::MiniWorld(MiniWorldOptions options) : options_(std::move(options)) {
  find_split(options_.split);
  if (options_.count < 1 || options_.count > kMaxCount)
    throw usage_error(str("count ", options_.count, " is not between 1 and ", kMaxCount));
  if (options_.size < kMinSize || options_.size > kMaxSize || options_.size % kSizeStep != 0) {
    throw usage_error(str("size ", options_.size, " is not possible: the mini world is drawn at ",
                          kMinSize, " to ", kMaxSize, " pixels in steps of ", kSizeStep));
  }
  for (const std::string& name : options_.scenarios) scenarios_.push_back(&find_scenario(name));
  if (scenarios_.empty()) scenarios_ = scenarios();
}

MiniWorld::Place MiniWorld::locate(int64_t index) const {
  if (index < 0) throw usage_error(str("sample index ", index, " is negative"));
  const bool grouped = find_split(options_.split).grouped;
  const int64_t stream = grouped ? index / kGroupSize : index;
  return {scenarios_[static_cast<size_t>(stream) % scenarios_.size()], stream,
          grouped ? kGroup[index % kGroupSize] : Flip::kNone};
}

Draft MiniWorld::draft(const Place& place) const {
  const Split& split = find_split(options_.split);
  const auto seed = static_cast<uint64_t>(options_.seed);
  const uint64_t stream = static_cast<uint64_t>(place.stream);
  const uint64_t split_key = hash_key(split.name), scenario_key = hash_key(place.scenario->name());
  Rng background_rng(seed,
                     {kWorldVersion, split_key, scenario_key, stream, hash_key("background")});
  const Colour background = draw_background(background_rng, split.held_out_side);
  for (uint64_t attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const auto make = [&](Flip flip) {
      Draw draw{
          Rng(seed, {kWorldVersion, split_key, scenario_key, stream, attempt, hash_key("scene")}),
          Rng(seed, {kWorldVersion, split_key, scenario_key, stream, attempt, hash_key("text")}),
          background, flip, split.held_out_text};
      return place.scenario->draft(draw);
    };
    Draft first = make(Flip::kNone);
    if (first.held_out != split.held_out_pairs) continue;
    if (!split.grouped) return first;
    std::vector<Draft> members = {std::move(first)};
    for (int i = 1; i < kGroupSize; ++i) members.push_back(make(kGroup[i]));
    if (is_minimal_group(members, static_cast<int>(options_.size)))
      return std::move(members[static_cast<size_t>(place.flip)]);
  }
  throw runtime_error(str("scenario '", place.scenario->name(), "' found no sample for split '",
                          split.name, "' in ", kMaxAttempts, " draws"));
}

data::Sample MiniWorld::get(int64_t index) const {
  const Place place = locate(index);
  Draft drawn = draft(place);
  data::Sample sample;
  data::Record& record = sample.record;
  record.id = place.scenario->name() + "-" + padded(index);
  record.category = place.scenario->category();
  record.scenario = place.scenario->name();
  record.split = options_.split;
  if (find_split(options_.split).grouped)
    record.group = place.scenario->name() + "-" + padded(place.stream);
  fill_pictures(sample, drawn, options_);
  fill_record(record, std::move(drawn));
  return sample;
}

std::string MiniWorld::instruction(int64_t index) const {
  return draft(locate(index)).instruction;
}

std::vector<std::vector<std::string>> MiniWorld::label_slots() const {
  std::array<std::set<std::string>, kNumSlots> slots;
  for (int hue = 0; hue < kNumHues; ++hue) slots[1].insert(hue_name(hue));
  for (const Scenario* scenario : scenarios_) {
    const auto words = scenario->slot_words();
    for (int i = 0; i < kNumSlots; ++i)
      for (const std::string& word : words_of(words[i])) slots[i].insert(word);
  }
  std::vector<std::vector<std::string>> lists;
  for (const auto& slot : slots) lists.emplace_back(slot.begin(), slot.end());
  return lists;
}

std::string MiniWorld::fingerprint() const {
  std::string text = str("miniworld ", kWorldVersion, " ", options_.split, " ", options_.count, " ",
                         options_.seed, " ", options_.size, " ", options_.with_alternatives);
  for (const Scenario* scenario : scenarios_) text += " " + scenario->name();
  std::ostringstream hex;
  hex << "miniworld-" << std::hex << hash_key(text);
  return hex.str();
}

std::vector<std::string> all_words() {
  std::set<std::string> words;
  const auto add = [&](const std::string& text) {
    for (const std::string& word : words_of(text))
      if (word[0] != '{') words.insert(word);
  };
  for (const bool held_out : {false, true})
    for (const std::string& opener : openers(held_out)) add(opener);
  for (int hue = 0; hue < kNumHues; ++hue) add(hue_name(hue));
  for (const Scenario* scenario : scenarios()) {
    add(scenario->words());
    for (const std::string& slot : scenario->slot_words()) add(slot);
    for (const Event& event : scenario->events()) {
      add(event.held_out_clause);
      for (const std::string& clause : event.clauses) add(clause);
    }
  }
  return {words.begin(), words.end()};
}

std::vector<std::string> corpus(int64_t seed, int64_t count) {
  MiniWorldOptions options;
  options.seed = seed;
  const MiniWorld world(options);
  std::vector<std::string> lines;
  for (int64_t i = 0; i < count; ++i) lines.push_back(world.instruction(i));
  return lines;
}

}  // namespace reasonbrain::miniworld
