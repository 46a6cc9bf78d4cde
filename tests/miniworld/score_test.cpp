#include "miniworld/score.h"

#include <gtest/gtest.h>

#include "miniworld/checks.h"
#include "miniworld/miniworld_protocol.h"
#include "miniworld/world_fixture.h"
#include "reasonbrain/error.h"

namespace reasonbrain::miniworld {
namespace {

void fill_square(io::Image& image, uint8_t value) {  // 4x4 pixels of an 16x16 picture
  for (int y = 6; y < 10; ++y)
    for (int x = 6; x < 10; ++x)
      for (int c = 0; c < 3; ++c) image.at(x, y, c) = value;
}

data::Sample square_sample() {
  data::Sample sample;
  sample.record.id = "square";
  sample.source = io::Image(16, 16, 3, 0);
  sample.target = sample.source;
  fill_square(sample.target, 100);
  io::Image other = sample.source;
  fill_square(other, 200);
  sample.alternatives = {{"bright", other}, {"none", sample.source}};
  return sample;
}

TEST(Score, AgreesWithNumbersByHand) {
  const auto sample = square_sample();
  io::Image edited(16, 16, 3, 5);
  fill_square(edited, 120);
  const Verdict verdict = judge(sample, edited);
  // bright: (80 - 20) / 100; none: (120 - 20) / 100.
  EXPECT_DOUBLE_EQ(*verdict.margin, 0.6);
  EXPECT_EQ(verdict.nearest, "bright");
  EXPECT_DOUBLE_EQ(*verdict.progress, 0.8);
  EXPECT_DOUBLE_EQ(*verdict.keep, 10 * (1 - 5.0 / 255 / 0.10));
  EXPECT_FALSE(verdict.attr.has_value());
}

TEST(Score, KeepLeavesOutTheRimOfChangesAndOfTheCanvas) {
  const auto sample = square_sample();
  io::Image edited = sample.target;
  for (int x = 0; x < 16; ++x)
    for (int c = 0; c < 3; ++c) edited.at(x, 0, c) = edited.at(x, 15, c) = 255;
  for (int x = 5; x < 11; ++x)
    for (int c = 0; c < 3; ++c) edited.at(x, 5, c) = 255;
  EXPECT_DOUBLE_EQ(*judge(sample, edited).keep, 10.0);
  edited.at(4, 4, 0) = 255;
  EXPECT_LT(*judge(sample, edited).keep, 10.0);
}

TEST(Score, UndefinedValuesAreUnset) {
  data::Sample sample = square_sample();
  sample.target = sample.source;
  sample.alternatives = {{"all", io::Image(16, 16, 3, 90)}};
  Verdict verdict = judge(sample, sample.source);
  EXPECT_FALSE(verdict.keep.has_value()) << "every pixel may change";
  EXPECT_FALSE(verdict.progress.has_value()) << "nothing is to change";
  EXPECT_DOUBLE_EQ(*verdict.margin, 1.0);
  sample.alternatives = {{"faint", io::Image(16, 16, 3, 6)}};  // 6 levels do not count
  EXPECT_FALSE(judge(sample, sample.source).margin.has_value());
  sample.alternatives.clear();
  EXPECT_FALSE(judge(sample, sample.source).margin.has_value());
}

TEST(Score, RefusesPicturesOfOtherSizes) {
  const auto sample = square_sample();
  EXPECT_THROW(judge(sample, io::Image(8, 16, 3)), Error);
  data::Sample bare = sample;
  bare.target = {};
  EXPECT_THROW(judge(bare, sample.source), Error);
  EXPECT_THROW(MiniWorldProtocol().anchor("oracle", bare, 0), Error);
}

class ScoreOnWorld : public testing::Test {
 protected:
  static constexpr int64_t kCount = 240;
  static const std::vector<data::Sample>& samples() {
    static const auto list = [] {
      std::vector<data::Sample> made;
      const MiniWorld world = make_world("val", 41);
      for (int64_t i = 0; i < kCount; ++i) made.push_back(world.get(i));
      return made;
    }();
    return list;
  }
};

TEST_F(ScoreOnWorld, OracleIsPerfect) {
  for (const auto& sample : samples()) {
    const Verdict verdict = judge(sample, sample.target);
    EXPECT_DOUBLE_EQ(verdict.margin.value(), 1.0) << sample.record.id;
    EXPECT_DOUBLE_EQ(verdict.attr.value(), 1.0) << sample.record.id;
    EXPECT_DOUBLE_EQ(verdict.keep.value(), 10.0) << sample.record.id;
    if (sample.record.outcome == kUnchanged) continue;
    EXPECT_DOUBLE_EQ(verdict.progress.value(), 1.0);
  }
}

TEST_F(ScoreOnWorld, CopyIsRightExactlyWhereNothingHappens) {
  for (const auto& sample : samples()) {
    const Verdict verdict = judge(sample, sample.source);
    EXPECT_EQ(verdict.margin.value() > 0, sample.record.outcome == kUnchanged) << sample.record.id;
    EXPECT_DOUBLE_EQ(verdict.keep.value(), 10.0);
    if (sample.record.outcome != kUnchanged) {
      EXPECT_DOUBLE_EQ(verdict.progress.value(), 0.0);
      EXPECT_LT(verdict.attr.value(), 1.0) << sample.record.id << " " << sample.record.extra_json;
    }
  }
}

TEST_F(ScoreOnWorld, WrongOutcomesAreNamed) {
  for (const auto& sample : samples()) {
    for (const auto& alternative : sample.alternatives) {
      const Verdict verdict = judge(sample, alternative.image);
      EXPECT_DOUBLE_EQ(verdict.margin.value(), -1.0);
      EXPECT_EQ(verdict.nearest, alternative.name) << sample.record.id;
    }
  }
}

TEST_F(ScoreOnWorld, AnchorsAreWhatTheySay) {
  const MiniWorldProtocol protocol;
  int random_right = 0;
  for (const auto& sample : samples()) {
    EXPECT_EQ(protocol.anchor("copy", sample, 1), sample.source);
    EXPECT_EQ(protocol.anchor("oracle", sample, 1), sample.target);
    const auto random = protocol.anchor("random", sample, 1);
    EXPECT_EQ(random, protocol.anchor("random", sample, 1));
    random_right += random == sample.target;
    const auto blended = protocol.score(sample, protocol.anchor("blend", sample, 1));
    EXPECT_EQ(blended.values.size(), protocol.metrics().size());
    if (sample.alternatives.size() == 1) continue;
    EXPECT_LE(blended.values[2].value(), 0.5) << "a blend is no confident answer";
  }
  EXPECT_GT(random_right, kCount / 10);
  EXPECT_LT(random_right, kCount * 35 / 100);
  EXPECT_THROW(protocol.anchor("best", samples()[0], 1), Error);
}

TEST(Anchor, BlendRoundsHalfUp) {
  data::Sample sample = square_sample();
  sample.target = io::Image(16, 16, 3, 1);
  sample.alternatives = {{"a", io::Image(16, 16, 3, 2)}};
  EXPECT_EQ(MiniWorldProtocol().anchor("blend", sample, 0).pixels[0], 2);
  sample.alternatives.push_back({"b", io::Image(16, 16, 3, 1)});
  EXPECT_EQ(MiniWorldProtocol().anchor("blend", sample, 0).pixels[0], 1);
}

TEST(Anchor, MetricsComeInOrder) {
  std::vector<std::string> names;
  for (const auto& metric : MiniWorldProtocol().metrics()) names.push_back(metric.name);
  EXPECT_EQ(names, (std::vector<std::string>{"rule", "rule_confident", "margin", "attr", "keep",
                                             "progress"}));
  const auto score = MiniWorldProtocol().score(square_sample(), square_sample().target);
  EXPECT_DOUBLE_EQ(score.values[0].value(), 1.0);
  EXPECT_DOUBLE_EQ(score.values[1].value(), 1.0);
}

TEST(Checks, EachTypeCanHoldAndFail) {
  data::Sample sample = square_sample();
  sample.instance_map = io::Image(16, 16, 1, 0);
  sample.instance_map.at(2, 2) = 1;
  const auto share = [&](const std::string& checks, const io::Image& edited) {
    sample.record.extra_json = "{\"checks\": " + checks + "}";
    return check_share(sample, edited).value();
  };
  const std::string where = R"("color": [100, 100, 100], "box": [4, 4, 12, 12])";
  const std::string area = R"([{"type": "area", )" + where + R"(, "expect": 16, "tol": 2}])";
  EXPECT_EQ(share(area, sample.target), 1.0);
  EXPECT_EQ(share(area, sample.source), 0.0);
  const std::string centroid =
      R"([{"type": "centroid", )" + where + R"(, "expect": [8, 8], "tol": 0.1}])";
  EXPECT_EQ(share(centroid, sample.target), 1.0);
  EXPECT_EQ(share(centroid, sample.source), 0.0);
  const std::string mean =
      R"([{"type": "mean_color", "box": [4, 4, 12, 12], "expect": [25, 25, 25], "tol": 1}])";
  EXPECT_EQ(share(mean, sample.target), 1.0);
  EXPECT_EQ(share(mean, sample.source), 0.0);
  const std::string match = R"([{"type": "match", "box": [4, 4, 12, 12], "tol": 9}])";
  EXPECT_EQ(share(match, sample.target), 1.0);
  EXPECT_EQ(share(match, sample.source), 0.0);
  // Without a box: the whole picture.
  const std::string all = R"([{"type": "area", "color": [100, 100, 100], "expect": 16, "tol": 2}])";
  EXPECT_EQ(share(all, sample.target), 1.0);
  EXPECT_EQ(share(all, sample.source), 0.0);
  const std::string unchanged = R"([{"type": "unchanged", "instance": 1, "tol": 8}])";
  EXPECT_EQ(share(unchanged, sample.target), 1.0);
  EXPECT_EQ(share(unchanged, io::Image(16, 16, 3, 9)), 0.0);
}

TEST(Checks, WhatCannotBeEvaluatedFails) {
  data::Sample sample = square_sample();
  sample.record.extra_json =
      R"({"checks": [{"type": "smell"}, {"type": "area"}, 7,
          {"type": "area", "color": [356, 100, 100], "expect": 0, "tol": 999}, {"type": "unchanged", "instance": 1, "tol": 8},
          {"type": "mean_color", "box": [20, 0, 30, 9], "expect": [0, 0, 0], "tol": 9}]})";
  EXPECT_EQ(check_share(sample, sample.target), 0.0);
  sample.record.extra_json = R"({"other": 1})";
  EXPECT_EQ(check_share(sample, sample.target), std::nullopt);
}

}  // namespace
}  // namespace reasonbrain::miniworld
