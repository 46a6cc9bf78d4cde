#include "eval/evaluate.h"

#include "support.h"

namespace reasonbrain::eval {
namespace {

TEST(ParsePrediction, TakesNameAndFolder) {
  const Prediction prediction = parse_prediction("ours.v2=some/folder=x");
  EXPECT_EQ(prediction.name, "ours.v2");
  EXPECT_EQ(prediction.folder, "some/folder=x");
  for (const char* text : {"folder", "=folder", "name=", "../x=folder", "a/b=folder", ".x=folder",
                           "x.png=folder", ""}) {
    EXPECT_EQ(kind_of([&] { parse_prediction(text); }), ErrorKind::kUsage) << text;
  }
}

TEST(Evaluate, ScoresPredictionsAndAnchors) {
  const TempDir folder;
  const auto predictions =
      write_predictions(folder / "pred", {{"a", 100}, {"b", 171}, {"c", 140}, {"d", 0}});
  const Results results = evaluate(four_samples(), GreyProtocol(), {{"ours", predictions}}, {}, "");
  ASSERT_EQ(results.methods.size(), 3u);
  EXPECT_EQ(results.methods[0].name, "ours");
  EXPECT_EQ(results.methods[1].name, "copy");
  EXPECT_TRUE(results.methods[2].anchor);
  const auto& outcomes = results.methods[0].outcomes;
  EXPECT_EQ(outcomes[0].score.values[0], 1.0);
  EXPECT_EQ(outcomes[1].score.values[0], 0.0);
  EXPECT_DOUBLE_EQ(*outcomes[1].score.values[1], 0.8);
  EXPECT_FALSE(outcomes[3].score.values[1].has_value());
  EXPECT_EQ(outcomes[1].score.nearest, "other");
  for (const Outcome& outcome : results.methods[2].outcomes)
    EXPECT_EQ(outcome.score.values[0], 1.0);
}

TEST(Evaluate, ResizesAndCountsPicturesOfAnotherSize) {
  const TempDir folder;
  const auto predictions =
      write_predictions(folder / "pred", {{"a", 100}, {"b", 120}, {"c", 140}, {"d", 0}});
  io::write_png(predictions / "c.png", grey(140, /*side=*/9));
  const Results results = evaluate(four_samples(), GreyProtocol(), {{"ours", predictions}}, {}, "");
  EXPECT_EQ(results.methods[0].num_resized, 1);
  EXPECT_EQ(results.methods[0].outcomes[2].score.values[0], 1.0);
}

TEST(Evaluate, MissingAndDamagedPicturesFailUpToALimit) {
  const TempDir folder;
  const auto predictions = write_predictions(folder / "pred", {{"a", 100}, {"b", 120}});
  write_file_atomic(predictions / "c.png", "not a picture");
  EvaluateOptions options;
  options.max_fail = 0.5;
  const Results results =
      evaluate(four_samples(), GreyProtocol(), {{"ours", predictions}}, options, "");
  EXPECT_TRUE(results.methods[0].outcomes[2].failed());
  EXPECT_TRUE(results.methods[0].outcomes[3].failed());
  EXPECT_FALSE(results.methods[0].outcomes[3].score.values[0].has_value());
  options.max_fail = 0.49;
  EXPECT_EQ(kind_of([&] {
              evaluate(four_samples(), GreyProtocol(), {{"ours", predictions}}, options, "");
            }),
            ErrorKind::kData);
}

TEST(Evaluate, RefusesMissingFoldersAndNamesThatAppearTwice) {
  const TempDir folder;
  const auto predictions = write_predictions(folder / "pred", {});
  const auto run = [&](const std::vector<Prediction>& list) {
    return kind_of([&] { evaluate(four_samples(), GreyProtocol(), list, {}, ""); });
  };
  EXPECT_EQ(run({{"ours", folder / "none"}}), ErrorKind::kData);
  std::filesystem::create_symlink("loop", folder / "loop");
  EXPECT_EQ(run({{"ours", folder / "loop"}}), ErrorKind::kData);
  EXPECT_EQ(run({{"copy", predictions}}), ErrorKind::kUsage);
  EXPECT_EQ(run({{"x", predictions}, {"x", predictions}}), ErrorKind::kUsage);
}

TEST(Evaluate, DoesNotDependOnTheNumberOfThreads) {
  const TempDir folder;
  const auto predictions =
      write_predictions(folder / "pred", {{"a", 90}, {"b", 120}, {"c", 1}, {"d", 0}});
  EvaluateOptions one, many;
  one.num_threads = 1;
  many.num_threads = 4;
  const Results a = evaluate(four_samples(), GreyProtocol(), {{"ours", predictions}}, one, "");
  const Results b = evaluate(four_samples(), GreyProtocol(), {{"ours", predictions}}, many, "");
  for (size_t i = 0; i < a.samples.size(); ++i) {
    EXPECT_EQ(a.samples[i].id, b.samples[i].id);
    EXPECT_EQ(a.methods[0].outcomes[i].score.values, b.methods[0].outcomes[i].score.values);
  }
}

TEST(Evaluate, RefusesASampleWithoutTarget) {
  data::Sample sample = make_sample("a", "physical", 1);
  sample.target = {};
  EXPECT_EQ(kind_of([&] { evaluate(ListSource({sample}), GreyProtocol(), {}, {}, ""); }),
            ErrorKind::kData);
}

}  // namespace
}  // namespace reasonbrain::eval
