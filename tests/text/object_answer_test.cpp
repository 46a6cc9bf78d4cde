#include "text/object_answer.h"

#include <gmock/gmock.h>

namespace reasonbrain::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kInstruction = "What if the Ice Cube met the wolf's red-hot stove?";

TEST(ObjectAnswer, KeepsWhatTheInstructionHolds) {
  EXPECT_THAT(checked_objects(R"("ice cube", "wolf's", "ice cube", "red-hot stove"] and so on)",
                              kInstruction, 8),
              ElementsAre("ice cube", "wolf's", "red-hot stove"));
  EXPECT_THAT(checked_objects(R"("ice cube", "wolf's"])", kInstruction, 1),
              ElementsAre("ice cube"));
}

TEST(ObjectAnswer, DropsInventionsPartsOfWordsAndSentences) {
  EXPECT_THAT(checked_objects(R"("dragon", "cub", "stove met", "", "the ice cube met the"])",
                              kInstruction, 8),
              IsEmpty());
}

TEST(ObjectAnswer, BrokenAnswersLeaveWhatIsWhole) {
  EXPECT_THAT(checked_objects(R"("ice cube", "wol)", kInstruction, 8), ElementsAre("ice cube"));
  EXPECT_THAT(checked_objects("\n\"ice cube\"]", kInstruction, 8), IsEmpty());
  EXPECT_THAT(checked_objects("", kInstruction, 8), IsEmpty());
  EXPECT_THAT(checked_objects("\"\xff\", \"ice cube\"", kInstruction, 8), ElementsAre("ice cube"));
}

TEST(ObjectAnswer, TheQuestionEndsInTheList) {
  const std::string question = object_question("What if\nit rained?");
  EXPECT_THAT(question, HasSubstr("Sentence: What if it rained?\nObjects: ["));
  EXPECT_EQ(question.back(), '[');
}

}  // namespace
}  // namespace reasonbrain::text
