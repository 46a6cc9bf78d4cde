#include "text/objects.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iostream>

#include "core/str.h"
#include "text/noun_phrases.h"

namespace reasonbrain::text {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string head_of(const std::string& phrase) {
  return split(phrase, ' ').back();
}

struct Shares {
  int total = 0;
  double head = 0, exact = 0;  // of the first object
};

Shares measure(const std::string& name) {
  std::ifstream file(std::string(RB_TEST_DATA) + "/" + name);
  int total = 0, heads = 0, exact = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto columns = split(line, '\t');
    const auto accepted = split(columns.at(1), '|');
    const auto found = extract_objects(columns[0], 3);
    const bool head = !found.empty() &&
                      std::any_of(accepted.begin(), accepted.end(), [&](const std::string& label) {
                        return head_of(label) == head_of(found[0]);
                      });
    ++total;
    heads += head;
    exact += !found.empty() && std::count(accepted.begin(), accepted.end(), found[0]) > 0;
    if (!head) std::cout << "missed: " << columns[0] << " -> " << join(found, " | ") << "\n";
  }
  std::cout << name << ": head " << heads << ", exact " << exact << " of " << total << "\n";
  return {total, static_cast<double>(heads) / total, static_cast<double>(exact) / total};
}

TEST(Objects, ReferentOfHandLabelledInstructions) {
  const Shares shares = measure("objects.tsv");
  EXPECT_GE(shares.total, 60);
  EXPECT_GE(shares.head, 0.97);
  EXPECT_GE(shares.exact, 0.95);
}

TEST(Objects, ReferentOfInstructionsWrittenAfterTheRules) {
  const Shares shares = measure("objects_heldout.tsv");
  EXPECT_GE(shares.total, 25);
  EXPECT_GE(shares.head, 0.92);
  EXPECT_GE(shares.exact, 0.92);
}

TEST(Objects, SharedHeadsAndPronouns) {
  EXPECT_THAT(
      extract_objects("Suppose someone swapped the plates under the red and blue blocks", 3),
      ElementsAre("red block", "blue block", "plates"));
  EXPECT_THAT(extract_objects("What if the red block and the blue one traded places?", 2),
              ElementsAre("red block", "blue block"));
  EXPECT_THAT(extract_objects("What if the red, green and teal cubes fell?", 3),
              ElementsAre("red cube", "green cube", "teal cube"));
}

TEST(Objects, WhatIsActedOnGoesBeforeItsPartsAndControls) {
  EXPECT_THAT(extract_objects("What if the plate of the red block was lent to the blue block?", 3),
              ElementsAre("blue block", "red block", "plate"));
  EXPECT_THAT(extract_objects("Suppose the left block lent its plate to the right block.", 2),
              ElementsAre("right block", "left block"));
  EXPECT_THAT(extract_objects("What if somebody pressed the switch of the magnet?", 3),
              ElementsAre("magnet", "switch"));
  EXPECT_THAT(extract_objects("What if the wolf blew at the house with the green roof?", 3),
              ElementsAre("green roof house", "wolf"));
  // Marks as typesetting writes them.
  for (const auto& [typeset, plain] :
       {std::pair("What if the wolf’s house burned down…", "What if the wolf's house burned down."),
        std::pair("What if the “red block” wasn’t cold?", "What if the \"red block\" wasn't cold?"),
        std::pair("the cat\u2014the black one\u2014slept", "the cat - the black one - slept"),
        std::pair("What if the\u00A0ice melted?", "What if the ice melted?")}) {
    EXPECT_EQ(extract_objects(typeset, 3), extract_objects(plain, 3)) << typeset;
  }
}

TEST(Objects, NothingToFind) {
  EXPECT_THAT(extract_objects("", 3), IsEmpty());
  EXPECT_THAT(extract_objects("How would this look two hours later?", 3), IsEmpty());
  EXPECT_THAT(extract_objects("What would happen after ten minutes?", 3), IsEmpty());
  EXPECT_THAT(extract_objects("What if the cat jumped?", 0), IsEmpty());
}

TEST(Objects, LongListsAndPhrasesKeepTheirEnds) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "the red, ";
  text += "the blue";
  for (int i = 0; i < 1000; ++i) text += " wolf";
  const std::vector<NounPhrase> phrases = noun_phrases(sentence_words(text + " den"));
  ASSERT_EQ(phrases.size(), 9u);
  for (const NounPhrase& phrase : phrases) {
    EXPECT_EQ(phrase.nouns.size(), 16u);
    EXPECT_EQ(phrase.head(), "den");
  }
}

TEST(Objects, SurvivesAnyBytes) {
  EXPECT_THAT(extract_objects("\xff\xfe the \xc3", 3).size(), ::testing::Le(3u));
  EXPECT_THAT(extract_objects(std::string("What if the cat\0 slept?", 23), 3), ElementsAre("cat"));
  const std::string long_text(100'000, 'x');
  EXPECT_THAT(extract_objects(long_text, 3), ElementsAre(long_text));
  EXPECT_THAT(extract_objects(std::string(50'000, '\''), 3), IsEmpty());
}

}  // namespace
}  // namespace reasonbrain::text
