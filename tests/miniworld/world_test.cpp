#include "miniworld/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <unordered_set>

#include "miniworld/pixels.h"
#include "miniworld/world_fixture.h"
#include "reasonbrain/error.h"

namespace reasonbrain::miniworld {
namespace {

// One line a sample: id and hash, of train samples 0..31 with seed 7 at 32 pixels.
TEST(World, GoldenSamples) {
  std::ifstream file(RB_TEST_DATA "/golden_32px.txt");
  ASSERT_TRUE(file);
  const MiniWorld world = make_world("train", 7, 32);
  std::string id;
  uint64_t hash = 0;
  int64_t count = 0;
  for (; file >> id >> hash; ++count) {
    const auto sample = world.get(count);
    EXPECT_EQ(sample.record.id, id);
    EXPECT_EQ(sample_hash(sample), hash) << id;
  }
  EXPECT_EQ(count, 32);
}

TEST(World, SamplesArePureFunctionsOfTheirArguments) {
  for (const std::string& split : split_names()) {
    const MiniWorld world = make_world(split, 3), again = make_world(split, 3),
                    other = make_world(split, 4);
    for (const int64_t i : {23, 5, 0}) {
      EXPECT_EQ(sample_hash(world.get(i)), sample_hash(again.get(i))) << split << " " << i;
      EXPECT_NE(picture_hash(world.get(i).source), picture_hash(other.get(i).source))
          << split << " " << i;
    }
    EXPECT_EQ(world.fingerprint(), again.fingerprint());
    EXPECT_NE(world.fingerprint(), other.fingerprint());
  }
}

TEST(World, ScenariosComeInTurn) {
  const MiniWorld world = make_world("train", 1);
  std::set<std::string> categories;
  for (size_t i = 0; i < 2 * scenarios().size(); ++i) {
    const auto record = world.get(static_cast<int64_t>(i)).record;
    EXPECT_EQ(record.scenario, scenarios()[i % scenarios().size()]->name());
    categories.insert(record.category);
  }
  EXPECT_EQ(categories, (std::set<std::string>{"physical", "temporal", "causal", "story"}));
  const MiniWorld two = make_world("train", 1, 64, {"magnet", "melt"});
  EXPECT_EQ(two.get(0).record.scenario, "magnet");
  EXPECT_EQ(two.get(3).record.scenario, "melt");
}

TEST(World, RefusesWhatItCannotDo) {
  const auto message = [](MiniWorldOptions options) -> std::string {
    try {
      MiniWorld world(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message({.split = "test_param"}).find("train, val, test_text, test_comp, test_pairs"),
            std::string::npos);
  EXPECT_NE(message({.scenarios = {"volcano"}}).find("melt, tank"), std::string::npos);
  EXPECT_NE(message({.size = 20}).find("32 to 128"), std::string::npos);
  EXPECT_NE(message({.count = 0}).find("count 0"), std::string::npos);
  EXPECT_THROW(make_world("train", 1).get(-1), Error);
}

bool is_lower_word(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

void expect_valid(const data::Sample& sample) {
  const data::Record& r = sample.record;
  SCOPED_TRACE(r.split + " " + r.id);
  EXPECT_TRUE(sample.source.same_shape(sample.target));
  ASSERT_FALSE(r.answer.empty());
  EXPECT_LE(r.answer.size(), 8u);
  for (const std::string& word : r.answer) EXPECT_TRUE(is_lower_word(word)) << word;
  ASSERT_GE(r.objects.size(), 1u);
  EXPECT_LE(r.objects.size(), 3u);
  ASSERT_EQ(r.objects.size(), r.object_instances.size());
  for (size_t i = 0; i < r.objects.size(); ++i) {
    EXPECT_LE(words_of(r.objects[i]).size(), 3u);
    EXPECT_NE(r.instruction.find(r.objects[i]), std::string::npos) << r.objects[i];
    EXPECT_GE(r.object_instances[i], 1);
    EXPECT_LE(r.object_instances[i], static_cast<int>(r.instances.size()));
  }
  EXPECT_LE(r.instances.size(), 10u);
  std::vector<int> area(r.instances.size() + 1, 0);
  for (const uint8_t label : sample.instance_map.pixels) {
    ASSERT_LT(label, area.size());
    ++area[label];
  }
  for (size_t i = 0; i < r.instances.size(); ++i) {
    EXPECT_EQ(r.instances[i].label, static_cast<int>(i) + 1);
    EXPECT_EQ(r.instances[i].words.size(), static_cast<size_t>(kNumSlots));
    EXPECT_GT(area[i + 1], 12) << "instance " << i + 1;
  }
  EXPECT_GT(area[0], 0);
  EXPECT_EQ(sample.instance_map.pixels[0], 0) << "the corner shows the background";
}

void expect_valid_alternatives(const data::Sample& sample) {
  SCOPED_TRACE(sample.record.split + " " + sample.record.id);
  ASSERT_EQ(sample.alternatives.size(), sample.record.alternatives.size());
  EXPECT_GE(sample.alternatives.size(), 1u);
  std::set<std::string> names = {sample.record.outcome};
  bool has_unchanged = false;
  for (size_t i = 0; i < sample.alternatives.size(); ++i) {
    const auto& alternative = sample.alternatives[i];
    EXPECT_TRUE(names.insert(alternative.name).second) << "twice: " << alternative.name;
    EXPECT_EQ(alternative.name, sample.record.alternatives[i].name);
    EXPECT_GE(count_visible(alternative.image, sample.target), 12) << alternative.name;
    EXPECT_EQ(alternative.image == sample.source, alternative.name == kUnchanged)
        << alternative.name;
    has_unchanged = has_unchanged || alternative.name == kUnchanged;
  }
  EXPECT_EQ(sample.source == sample.target, sample.record.outcome == kUnchanged);
  EXPECT_EQ(has_unchanged, sample.record.outcome != kUnchanged);
}

TEST(World, SamplesAreValid) {
  for (const std::string& split : split_names()) {
    for (const int64_t size : {64, 32, 96}) {
      const MiniWorld world = make_world(split, 11, size);
      for (int64_t i = 0; i < 120; ++i) {
        const auto sample = world.get(i);
        expect_valid(sample);
        expect_valid_alternatives(sample);
      }
    }
  }
}

TEST(World, AlternativesCanBeLeftOut) {
  MiniWorldOptions options;
  const auto with = MiniWorld(options).get(4);
  options.with_alternatives = false;
  const auto without = MiniWorld(options).get(4);
  EXPECT_TRUE(without.alternatives.empty());
  EXPECT_EQ(without.target, with.target);
}

TEST(World, LabelsComeFromTheSlots) {
  const auto slots = make_world("train", 1).label_slots();
  ASSERT_EQ(slots.size(), static_cast<size_t>(kNumSlots));
  for (const std::string& split : split_names()) {
    const MiniWorld world = make_world(split, 2, 32);
    for (int64_t i = 0; i < 200; ++i) {
      for (const auto& instance : world.get(i).record.instances) {
        for (int slot = 0; slot < kNumSlots; ++slot) {
          const std::string& word = instance.words[slot];
          if (word.empty()) continue;
          EXPECT_TRUE(std::count(slots[slot].begin(), slots[slot].end(), word))
              << slot << " " << word;
        }
      }
    }
  }
}

TEST(World, TrainAndHeldOutSplitsShareNoPicture) {
  std::unordered_set<uint64_t> trained;
  for (const int64_t seed : {1, 2}) {
    const MiniWorld world = make_world("train", seed, 32);
    for (int64_t i = 0; i < 2400; ++i) {
      const auto sample = world.get(i);
      const uint8_t* p = sample.source.pixels.data();
      EXPECT_FALSE(is_held_out({p[0], p[1], p[2]}));
      for (const uint64_t hash : picture_hashes(sample)) trained.insert(hash);
    }
  }
  for (const std::string& split : split_names()) {
    if (split == "train") continue;
    for (const int64_t seed : {1, 5}) {
      const MiniWorld world = make_world(split, seed, 32);
      for (int64_t i = 0; i < 600; ++i) {
        const auto sample = world.get(i);
        for (const auto& outcome : sample.alternatives) {
          const uint8_t* p = outcome.image.pixels.data();
          EXPECT_TRUE(is_held_out({p[0], p[1], p[2]}));
        }
        for (const uint64_t hash : picture_hashes(sample))
          EXPECT_EQ(trained.count(hash), 0u) << split;
      }
    }
  }
}

// The pair of the referent's hue and the deciding cue, where the labels show both.
std::string shown_pair(const data::Record& r) {
  const auto& words = r.instances[r.object_instances[0] - 1].words;
  if (r.objects.size() > 1 && (r.scenario == "melt" || r.scenario == "houses")) {
    const auto& lender = r.instances[r.object_instances[1] - 1].words;
    if (lender[2] != "wolf") return words[1] + " " + lender[3];
  }
  return words[1] + " " + words[3];
}

TEST(World, HeldOutPairsMeetOnlyInTestComp) {
  for (const std::string scenario : {"melt", "tank", "hourglass", "houses"}) {
    std::set<std::string> trained, held_out;
    const MiniWorld train = make_world("train", 1, 32, {scenario});
    const MiniWorld comp = make_world("test_comp", 1, 32, {scenario});
    for (int64_t i = 0; i < 3000; ++i) trained.insert(shown_pair(train.get(i).record));
    for (int64_t i = 0; i < 100; ++i) held_out.insert(shown_pair(comp.get(i).record));
    EXPECT_EQ(held_out.size(), 1u) << scenario;
    for (const std::string& pair : held_out)
      EXPECT_EQ(trained.count(pair), 0u) << scenario << " " << pair;
    EXPECT_LE(6 * held_out.size(), trained.size() + held_out.size()) << scenario;
  }
}

int num_changed_labels(const data::Record& a, const data::Record& b) {
  int count = 0;
  for (size_t i = 0; i < a.instances.size(); ++i)
    for (int slot = 0; slot < kNumSlots; ++slot)
      count += a.instances[i].words[slot] != b.instances[i].words[slot];
  return count;
}

TEST(World, MinimalPairsDifferInOneThing) {
  const MiniWorld world = make_world("test_pairs", 9);
  for (int64_t group = 0; group < 60; ++group) {
    std::vector<data::Sample> members;
    for (int64_t i = 0; i < 4; ++i) members.push_back(world.get(4 * group + i));
    const auto& first = members[0];
    SCOPED_TRACE(first.record.id);
    for (int i = 1; i < 4; ++i) {
      const auto& member = members[i];
      EXPECT_EQ(member.record.group, first.record.group);
      EXPECT_NE(member.record.id, first.record.id);
      EXPECT_GE(count_visible(member.target, first.target), 12);
      ASSERT_EQ(member.record.instances.size(), first.record.instances.size());
      const int labels = num_changed_labels(first.record, member.record);
      const bool cue = i == 1 || (i == 3 && first.record.scenario == "magnet");
      if (cue) {
        EXPECT_EQ(member.record.instruction, first.record.instruction);
        EXPECT_NE(member.record.outcome, first.record.outcome);
        EXPECT_GE(labels, 1);  // a gap that moves changes two
        EXPECT_LE(labels, first.record.scenario == "dominoes" ? 2 : 1);
      } else {
        EXPECT_NE(member.record.instruction, first.record.instruction);
        EXPECT_EQ(member.source, first.source);
        EXPECT_EQ(labels, 0);
      }
    }
    EXPECT_NE(world.get(4 * group + 4).record.group, first.record.group);
  }
}

}  // namespace
}  // namespace reasonbrain::miniworld
