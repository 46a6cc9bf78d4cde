#include "miniworld/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "miniworld/world_fixture.h"

namespace reasonbrain::miniworld {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::regex pattern(const std::string& text) {
  std::string escaped = std::regex_replace(text, std::regex(R"([.?])"), R"(\$&)");
  return std::regex(std::regex_replace(escaped, std::regex(R"(\{[a-z]\})"), "[a-z]+( [a-z]+)?"));
}

// All frames of a scenario: an opener around a clause.
std::vector<std::regex> frames(const Scenario& scenario, bool held_out_opener,
                               bool held_out_clause) {
  std::vector<std::regex> list;
  for (const Event& event : scenario.events()) {
    const auto clauses =
        held_out_clause ? std::vector<std::string>{event.held_out_clause} : event.clauses;
    for (const std::string& clause : clauses)
      for (const std::string& opener : openers(held_out_opener))
        list.push_back(pattern(fill(opener, {{"clause", clause}})));
  }
  return list;
}

bool matches_any(const std::string& text, const std::vector<std::regex>& list) {
  return std::any_of(list.begin(), list.end(),
                     [&](const std::regex& r) { return std::regex_match(text, r); });
}

TEST(Text, FramesAreManyAndHeldOutOnesAreNew) {
  EXPECT_GE(openers(false).size(), 8u);
  EXPECT_EQ(openers(true).size(), 4u);
  std::set<std::string> trained;
  for (const std::string& opener : openers(false))
    for (const std::string& word : words_of(lower(opener))) trained.insert(word);
  for (const Scenario* scenario : all_scenarios()) {
    for (const Event& event : scenario->events()) {
      EXPECT_GE(event.clauses.size(), 4u) << scenario->name();
      EXPECT_EQ(std::count(event.clauses.begin(), event.clauses.end(), event.held_out_clause), 0);
      for (const std::string& clause : event.clauses)
        for (const std::string& word : words_of(clause)) trained.insert(word);
    }
  }
  for (const Scenario* scenario : all_scenarios())
    for (const Event& event : scenario->events())
      for (const std::string& word : words_of(event.held_out_clause))
        EXPECT_TRUE(trained.count(word)) << "never trained: " << word;
  for (const std::string& opener : openers(true))
    for (const std::string& word : words_of(lower(opener)))
      EXPECT_TRUE(trained.count(word)) << "never trained: " << word;
}

TEST(Text, HeldOutFramesAppearOnlyInTestText) {
  for (const Scenario* scenario : all_scenarios()) {
    const auto trained = frames(*scenario, false, false), held_out = frames(*scenario, true, true);
    const auto new_opener = frames(*scenario, true, false),
               new_clause = frames(*scenario, false, true);
    for (const std::string& split : split_names()) {
      const MiniWorld world = make_world(split, 21, 32, {scenario->name()});
      for (int64_t i = 0; i < 100; ++i) {
        const std::string text = world.instruction(split == "test_pairs" ? 4 * (i / 4) : i);
        EXPECT_EQ(matches_any(text, trained), split != "test_text") << text;
        EXPECT_EQ(matches_any(text, held_out), split == "test_text") << text;
        EXPECT_FALSE(matches_any(text, new_opener)) << text;
        EXPECT_FALSE(matches_any(text, new_clause)) << text;
      }
    }
  }
}

// No word that tells the result apart from the scene before may stand in the instruction.
TEST(Text, InstructionsDoNotNameTheResult) {
  const std::set<std::string> fillers = {"a",  "an",   "the", "of",   "on", "in",
                                         "is", "that", "and", "with", "to"};
  for (const std::string& split : split_names()) {
    const MiniWorld world = make_world(split, 13, 32);
    for (int64_t i = 0; i < 300; ++i) {
      const auto r = world.get(i).record;
      const auto before = words_of(r.source_caption), instruction = words_of(lower(r.instruction));
      for (const std::string& word : words_of(r.target_caption)) {
        if (fillers.count(word) || std::count(before.begin(), before.end(), word)) continue;
        EXPECT_EQ(std::count(instruction.begin(), instruction.end(), word), 0)
            << r.instruction << ": " << word;
      }
      EXPECT_EQ(r.source_caption == r.target_caption, r.outcome == kUnchanged) << r.id;
    }
  }
}

TEST(Text, VocabularyHoldsEveryWord) {
  const auto list = all_words();
  EXPECT_TRUE(std::is_sorted(list.begin(), list.end()));
  EXPECT_LT(list.size(), 300u);
  const std::set<std::string> words(list.begin(), list.end());
  std::set<std::string> used;
  for (const std::string& split : split_names()) {
    const MiniWorld world = make_world(split, 17, 32);
    for (int64_t i = 0; i < 1200; ++i) {
      const auto r = world.get(i).record;
      std::vector<std::string> texts = {r.instruction, r.instruction_explicit, r.source_caption,
                                        r.target_caption};
      texts.insert(texts.end(), r.answer.begin(), r.answer.end());
      texts.insert(texts.end(), r.objects.begin(), r.objects.end());
      for (const auto& instance : r.instances)
        texts.insert(texts.end(), instance.words.begin(), instance.words.end());
      for (const std::string& text : texts)
        for (const std::string& word : words_of(text)) used.insert(word);
    }
  }
  for (const std::string& word : used) EXPECT_TRUE(words.count(word)) << "missing: " << word;
  for (const std::string& word : words) EXPECT_TRUE(used.count(word)) << "never used: " << word;
}

TEST(Text, CorpusIsTheTrainingText) {
  const auto lines = corpus(5, 12);
  const MiniWorld world = make_world("train", 5);
  ASSERT_EQ(lines.size(), 12u);
  for (int64_t i = 0; i < 12; ++i) EXPECT_EQ(lines[i], world.get(i).record.instruction);
}

TEST(Text, WordsOfTakesTheFinalMarkOff) {
  EXPECT_EQ(words_of("What if it fell?"),
            (std::vector<std::string>{"What", "if", "it", "fell", "?"}));
  EXPECT_EQ(words_of(" a  b. c"), (std::vector<std::string>{"a", "b", ".", "c"}));
  EXPECT_TRUE(words_of("").empty());
}

}  // namespace
}  // namespace reasonbrain::miniworld
