// Statistics of token selection and propagation as terms of a batch, in a small pipeline.
#include "tasks/selection_terms.h"

#include <algorithm>
#include <map>

#include "reason/pipeline_fixture.h"

namespace reasonbrain::tasks {
namespace {

using reason::ApplyAt;
using reason::PropagationForm;
using reason::SelectionDraw;

class SelectionTermsTest : public reason::PipelineTest {
 protected:
  static reason::PipelineOptions both_on() {
    reason::PipelineOptions out = options();
    out.reason.token_selection.enabled = true;
    out.reason.token_selection.layer = 0;
    out.reason.token_selection.keep_count = 4;
    out.reason.token_propagation.enabled = true;
    return out;
  }

  // Mean of each term that the options name; those without a count are left out.
  static std::map<std::string, double> means(
      const reason::PipelineOptions& options, const SelectionDraw& draw,
      const std::vector<reason::Picture>& given = pictures()) {
    const torch::NoGradGuard no_grad;
    const auto pipeline = reason::Pipeline::create(options, Placement{}, /*seed=*/5);
    const auto outputs = pipeline->model->forward(pipeline->encode(pipeline->processor()(given)),
                                                  /*want_logits=*/false, /*paint=*/false,
                                                  /*hook=*/nullptr, draw);
    std::vector<train::LossCount> counts;
    std::vector<train::LossTerm> terms;
    count_selection_terms(options.reason, draw, outputs.states.size(0), counts);
    add_selection_terms(options.reason, *pipeline->model, outputs, terms);
    std::map<std::string, double> sizes, out;
    for (const auto& count : counts) sizes[count.name] = count.count;
    const auto names = selection_terms(options.reason);
    for (const auto& term : terms) {
      EXPECT_NE(std::find(names.begin(), names.end(), term.name), names.end()) << term.name;
      EXPECT_EQ(term.weight, 0) << term.name;
      EXPECT_GT(sizes[term.name], 0) << term.name;
      out[term.name] = term.sum.item<double>() / sizes[term.name];
    }
    for (const std::string& name : names) {
      EXPECT_EQ(out.contains(name), sizes[name] > 0) << name;
    }
    return out;
  }
};

TEST_F(SelectionTermsTest, NothingIsMeasuredUnlessItIsOn) {
  EXPECT_TRUE(selection_terms(options().reason).empty());
  EXPECT_TRUE(means(options(), {}).empty());
}

TEST_F(SelectionTermsTest, FreshWeightsHaveTheFactorOneAndKeepPartOfTheScore) {
  const auto measured = means(both_on(), {});
  ASSERT_EQ(measured.size(), 5u);
  EXPECT_GT(measured.at("selection_mass"), 4.0 / 16);  // more than an equal share
  EXPECT_LT(measured.at("selection_mass"), 1);
  EXPECT_EQ(measured.at("propagation_mean"), 1);
  EXPECT_EQ(measured.at("propagation_max"), 1);
  EXPECT_EQ(measured.at("propagation_clamped"), 0);
  EXPECT_GT(measured.at("propagation_entropy"), 0);
  EXPECT_LE(measured.at("propagation_entropy"), 1);
}

TEST_F(SelectionTermsTest, MeansOfABatchAreThoseOfItsSamples) {
  reason::PipelineOptions options = both_on();
  options.reason.token_propagation.form = PropagationForm::kActivation;
  const auto both = pictures();
  const auto all = means(options, {}, {both[0], both[1]});
  const auto first = means(options, {}, {both[0]}), second = means(options, {}, {both[1]});
  for (const std::string name : {"selection_mass", "propagation_mean", "propagation_max"}) {
    EXPECT_NE(first.at(name), second.at(name)) << name;
    EXPECT_NEAR(all.at(name), (first.at(name) + second.at(name)) / 2, 1e-5) << name;
  }
  EXPECT_EQ(all.at("propagation_entropy"), first.at("propagation_entropy"));
  EXPECT_GT(all.at("propagation_max"), all.at("propagation_mean"));
  EXPECT_FALSE(all.contains("propagation_clamped"));
}

TEST_F(SelectionTermsTest, WhatDoesNotActIsNotMeasured) {
  reason::PipelineOptions options = both_on();
  EXPECT_FALSE(means(options, {.strength = 0}).contains("selection_mass"));
  options.reason.token_selection.apply_at = options.reason.token_propagation.apply_at =
      ApplyAt::kTrain;
  EXPECT_EQ(means(options, {.training = true}).size(), 5u);
  EXPECT_EQ(means(options, {}).size(), 1u);  // the entropy, which is the weights'
}

TEST_F(SelectionTermsTest, TrainingBatchesSayThatTheyAre) {
  train::BatchInfo info;
  info.indices = {3};
  EXPECT_TRUE(draw_selection(options().reason, info, /*epoch_size=*/8).training);
  EXPECT_FALSE(SelectionDraw{}.training);
}

}  // namespace
}  // namespace reasonbrain::tasks
