#include "reason/token_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "models/llama/rope_scaling.h"
#include "nn/rope.h"
#include "reason/small_llama.h"
#include "reason/token_propagation.h"

namespace reasonbrain::reason {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> row(const torch::Tensor& x, int64_t b = 0) {
  const torch::Tensor plain = x[b].contiguous();
  return {plain.data_ptr<int64_t>(), plain.data_ptr<int64_t>() + plain.numel()};
}

TEST(SelectionScores, FollowTheRowsAskedFor) {
  SelectionInput in;
  in.eligible = at::tensor(std::vector<int64_t>{0, 1, 2, 3});
  in.asking = at::tensor(std::vector<int64_t>{4, 5});
  in.asking_keep = at::tensor(std::vector<int64_t>{0, 1}).to(torch::kBool).view({1, 2});
  in.img_begin = 6;
  in.img_end = in.length = 8;
  // Rows: padding, text, IMG_1, IMG_2; one head.
  const torch::Tensor weights = at::tensor({9.f, 9.f,  9.f, 9.f, 0.f, 0.f, 0.f, 0.f,  //
                                            .4f, .1f,  .2f, .2f, .1f, 0.f, 0.f, 0.f,  //
                                            .0f, .34f, .1f, .2f, .1f, .1f, .2f, 0.f,  //
                                            .0f, .1f,  .5f, .2f, .1f, .1f, 0.f, 0.f})
                                    .view({1, 1, 4, 8});
  const auto kept = [&](SelectionRows rows, SelectionMode mode) {
    TokenSelectionOptions options;
    options.rows = rows;
    return row(select_tokens(selection_scores(weights, in, options), /*count=*/2, mode));
  };
  const auto top = SelectionMode::kKeepTop, bottom = SelectionMode::kKeepBottom;
  EXPECT_THAT(kept(SelectionRows::kInstruction, top),
              ElementsAre(0, 2));  // .2 twice: the lower one
  EXPECT_THAT(kept(SelectionRows::kInstruction, bottom), ElementsAre(1, 2));
  EXPECT_THAT(kept(SelectionRows::kLast, top), ElementsAre(2, 3));
  EXPECT_THAT(kept(SelectionRows::kLast, bottom), ElementsAre(0, 1));
  EXPECT_THAT(kept(SelectionRows::kImg, top), ElementsAre(1, 2));
  EXPECT_THAT(kept(SelectionRows::kMixed, bottom), ElementsAre(0, 1));
}

TEST(SelectTokens, KeptSetsAreNested) {
  Rng rng(/*seed=*/2);
  const torch::Tensor scores = randn(rng, {3, 17});
  for (const auto mode : {SelectionMode::kKeepTop, SelectionMode::kKeepBottom}) {
    for (int64_t count = 1; count < 17; ++count) {
      for (int64_t b = 0; b < 3; ++b) {
        const auto fewer = row(select_tokens(scores, count, mode), b);
        const auto more = row(select_tokens(scores, count + 1, mode), b);
        EXPECT_EQ(static_cast<int64_t>(fewer.size()), count);
        EXPECT_TRUE(std::includes(more.begin(), more.end(), fewer.begin(), fewer.end()));
      }
    }
  }
}

TEST(ContrastSum, CountsWhatIsCloserThanTheMargin) {
  const torch::Tensor states = at::tensor({1.f, 0.f, 3.f, 4.f, 2.f, 0.f}).view({1, 3, 2});
  const torch::Tensor negative = at::tensor({2.f, 0.f, 4.f, 3.f, 0.f, 1.f}).view({1, 3, 2});
  // Distances 0, 0.04 and 1.
  EXPECT_NEAR(contrast_sum(states, negative, 0.1).item<double>(), 0.1 + 0.06, 1e-6);
}

TEST(TokenSelection, KeepingAllChangesNoBit) {
  Llama llama = small_llama();
  for (const auto execution : {SelectionExecution::kDrop, SelectionExecution::kMask}) {
    torch::Tensor plain_in = states(2).requires_grad_(), in = states(2).requires_grad_();
    TokenSelectionOptions all = options(kNumImage);
    all.execution = execution;
    TokenSelection selection(all, input(2), /*next=*/nullptr);
    const torch::Tensor plain = llama->forward(plain_in).last_hidden_state.narrow(1, kImg, 2);
    const torch::Tensor selected = guidance(llama, in, selection);
    if (execution == SelectionExecution::kDrop) {
      EXPECT_TRUE(selected.equal(plain));
    } else {  // a mask takes another path through the attention
      EXPECT_LT(difference(selected, plain), 1e-5);
    }
    plain.sum().backward();
    selected.sum().backward();
    EXPECT_LT(difference(in.grad(), plain_in.grad()), 1e-5);
  }
}

TEST(TokenSelection, MaskAndDropAgree) {
  Llama llama = small_llama(torch::kFloat64);
  torch::Tensor mask = at::ones({2, kLength}, torch::kInt64);
  mask[1].narrow(0, kText, 2).zero_();  // padding in the middle
  const torch::Tensor positions = (mask.cumsum(1) - 1).clamp_min(0);
  for (const torch::Tensor& keep : {torch::Tensor(), mask}) {
    std::vector<torch::Tensor> results;
    for (const auto execution : {SelectionExecution::kDrop, SelectionExecution::kMask}) {
      TokenSelectionOptions some = options(3);
      some.execution = execution;
      SelectionInput in = input(2);
      if (keep.defined()) in.asking_keep = keep.narrow(1, kText, kNumText) != 0;
      TokenSelection selection(some, in, /*next=*/nullptr);
      results.push_back(guidance(llama, states(2, torch::kFloat64), selection, keep, positions));
    }
    EXPECT_LT(difference(results[0], results[1]), 1e-12);
  }
}

TEST(TokenSelection, MaskAndDropAgreeBelowPropagationByActivation) {
  Llama llama = small_llama(torch::kFloat64);
  for (const auto granularity : {PropagationGranularity::kHead, PropagationGranularity::kBatch}) {
    TokenPropagationOptions scaled;
    scaled.enabled = true;
    scaled.form = PropagationForm::kActivation;
    scaled.granularity = granularity;
    scaled.gamma = 5;
    std::vector<torch::Tensor> results;
    for (const auto execution : {SelectionExecution::kDrop, SelectionExecution::kMask}) {
      TokenSelectionOptions some = options(3);
      some.execution = execution;
      TokenSelection selection(some, input(2), /*next=*/nullptr);
      TokenPropagation propagation(scaled, {}, at::ones({2, kLength}, torch::kBool), &selection);
      results.push_back(guidance(llama, states(2, torch::kFloat64), propagation));
    }
    EXPECT_LT(difference(results[0], results[1]), 1e-6);
  }
}

TEST(TokenSelection, DroppedTokensAreNeverReadAgain) {
  Llama llama = small_llama();
  TokenSelectionOptions some = options(3);
  some.execution = SelectionExecution::kMask;
  TokenSelection selection(some, input(1), /*next=*/nullptr);
  const torch::Tensor behind =  // the states behind the layer that selects
      llama->forward(states(1), {}, {}, &selection, /*keep_hidden_states=*/true).hidden_states[2];
  models::llama::PassContext pass;
  pass.hook = &selection;
  std::tie(pass.cos, pass.sin) = nn::rope_tables(
      at::arange(kLength).unsqueeze(0),
      models::llama::rotation(llama->config(), kLength, torch::kCPU).inverse_frequency);
  const auto finish = [&](torch::Tensor x) {
    for (size_t layer = 2; layer < 4; ++layer) {
      x = llama->model->layers->ptr<models::llama::DecoderLayerImpl>(layer)->forward(
          x, pass, static_cast<int64_t>(layer));
    }
    return x.narrow(1, kImg, 2);
  };
  const torch::Tensor before = finish(behind);
  const auto kept = row(selection.kept());
  for (int64_t token = 0; token < kNumImage; ++token) {
    torch::Tensor changed = behind.clone();
    changed[0][kImage + token] += 3;
    const bool is_kept = std::find(kept.begin(), kept.end(), token) != kept.end();
    const double change = difference(finish(changed), before);
    if (is_kept) {
      EXPECT_GT(change, 1e-4) << token;
    } else {
      EXPECT_EQ(change, 0) << token;
    }
  }
}

TEST(TokenSelection, SampleAloneEqualsSampleInPaddedBatch) {
  Llama llama = small_llama();
  const torch::Tensor embeddings = states(2);
  torch::Tensor mask = at::ones({2, kLength}, torch::kInt64);
  mask[1].narrow(0, kText, 1).zero_();
  const torch::Tensor positions = (mask.cumsum(1) - 1).clamp_min(0);
  SelectionInput both = input(2);
  both.asking_keep = mask.narrow(1, kText, kNumText) != 0;
  TokenSelection batch(options(3), both, /*next=*/nullptr);
  const torch::Tensor together = guidance(llama, embeddings, batch, mask, positions);

  const torch::Tensor left = at::cat({at::arange(0, kText), at::arange(kText + 1, kLength)});
  SelectionInput single = input(1);
  single.asking = at::arange(kText, kText + 2, torch::kInt64);
  single.asking_keep = at::ones({1, 2}, torch::kBool);
  single.img_begin = kImg - 1;
  single.img_end = single.length = kLength - 1;
  TokenSelection alone(options(3), single, /*next=*/nullptr);
  const torch::Tensor own =
      guidance(llama, embeddings.narrow(0, 1, 1).index_select(1, left), alone);
  EXPECT_EQ(row(batch.kept(), 1), row(alone.kept()));
  EXPECT_LT(difference(together[1], own[0]), 1e-5);
}

// SID's code: the attention of one layer's last row, the same set in all later layers.
TEST(TokenSelection, SidPresetEqualsAStraightMask) {
  Llama llama = small_llama();
  const torch::Tensor embeddings = states(1);
  TokenSelectionOptions sid = options(2);
  sid.rows = SelectionRows::kLast;
  sid.mode = SelectionMode::kKeepBottom;
  TokenSelection selection(sid, input(1), /*next=*/nullptr);
  const torch::Tensor result = guidance(llama, embeddings, selection);

  struct Straight : models::llama::LayerHook {
    torch::Tensor mask;
    torch::Tensor wanted_rows(int64_t layer) override {
      return layer == 1 ? at::tensor(std::vector<int64_t>{kLength - 1}) : torch::Tensor();
    }
    void take_rows(int64_t, const torch::Tensor& weights) override {
      const torch::Tensor score = weights.mean(1)[0][0].narrow(0, kImage, kNumImage);
      const auto [unused, order] = score.sort(/*stable=*/true, /*dim=*/0, /*descending=*/false);
      mask = at::zeros({1, 1, 1, kLength});
      mask.narrow(3, kImage, kNumImage).fill_(std::numeric_limits<float>::lowest());
      mask.index_fill_(3, order.narrow(0, 0, 2) + kImage, 0);
    }
    torch::Tensor key_mask(int64_t layer) override { return layer > 1 ? mask : torch::Tensor(); }
  } straight;
  const torch::Tensor expected =
      llama->forward(embeddings, {}, {}, &straight).last_hidden_state.narrow(1, kImg, 2);
  EXPECT_LT(difference(result, expected), 1e-5);
}

TEST(TokenSelection, ReportsTheShareOfTheScoreThatIsKept) {
  Llama llama = small_llama();
  const auto mass = [&](int64_t count, SelectionMode mode) {
    TokenSelectionOptions some = options(count);
    some.mode = mode;
    TokenSelection selection(some, input(2), /*next=*/nullptr);
    guidance(llama, states(2), selection);
    PassStatistics statistics;
    selection.report(statistics);
    EXPECT_EQ(statistics.kept_mass.sizes(), torch::IntArrayRef({2}));
    double kept = 0, all = 0;  // of sample 1, token by token
    const auto chosen = row(selection.kept(), 1);
    for (int64_t v = 0; v < kNumImage; ++v) {
      const double score = selection.scores()[1][v].item<double>();
      all += score;
      if (std::find(chosen.begin(), chosen.end(), v) != chosen.end()) kept += score;
    }
    EXPECT_NEAR(statistics.kept_mass[1].item<double>(), kept / all, 1e-6);
    return statistics.kept_mass[1].item<double>();
  };
  const double top = mass(2, SelectionMode::kKeepTop), bottom = mass(2, SelectionMode::kKeepBottom);
  EXPECT_GT(top, 1.0 / 3);
  EXPECT_LT(bottom, 1.0 / 3);
  EXPECT_NEAR(mass(kNumImage, SelectionMode::kKeepTop), 1, 1e-6);
}

TEST(TokenSelection, ARecorderBehindItSeesAllPositions) {
  struct Recorder : models::llama::LayerHook {
    std::vector<int64_t> sizes;
    torch::Tensor wanted_rows(int64_t) override { return at::tensor(std::vector<int64_t>{12}); }
    void take_rows(int64_t, const torch::Tensor& weights) override {
      EXPECT_EQ(weights.size(2), 1);
      sizes.push_back(weights.size(3));
    }
  } recorder;
  Llama llama = small_llama();
  TokenSelection with(options(3), input(1), &recorder), without(options(3), input(1), nullptr);
  const torch::Tensor seen = guidance(llama, states(1), with);
  EXPECT_LT(difference(seen, guidance(llama, states(1), without)), 1e-5);
  EXPECT_THAT(recorder.sizes, ElementsAre(13, 13, 13, 13));
}

}  // namespace
}  // namespace reasonbrain::reason
