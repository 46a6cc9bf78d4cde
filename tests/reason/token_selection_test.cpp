#include "reason/token_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "core/rng_tensor.h"
#include "models/llama/llama.h"
#include "models/llama/rope_scaling.h"
#include "models/lora.h"
#include "nn/rope.h"
#include "reason/token_propagation.h"

namespace reasonbrain::reason {
namespace {

using models::llama::Llama;
using models::llama::LlamaConfig;
using ::testing::ElementsAre;

// [2 other | 6 picture | 3 text | 2 guidance]
constexpr int64_t kLength = 13, kImage = 2, kNumImage = 6, kText = 8, kNumText = 3, kImg = 11;

Llama small_llama(torch::ScalarType dtype = torch::kFloat32, double range = 0.4) {
  LlamaConfig config;
  config.vocab_size = 11;
  config.hidden_size = 16;
  config.intermediate_size = 24;
  config.num_hidden_layers = 4;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.initializer_range = range;
  Llama llama(config, nn::Build{.tensor = torch::TensorOptions(dtype)});
  nn::init_weights(*llama, /*seed=*/5);
  return llama;
}

torch::Tensor states(int64_t batch, torch::ScalarType dtype = torch::kFloat32) {
  Rng rng(/*seed=*/8);
  return randn(rng, {batch, kLength, 16}).to(dtype);
}

SelectionInput input(int64_t batch) {
  SelectionInput out;
  out.eligible = at::arange(kImage, kImage + kNumImage, torch::kInt64);
  out.asking = at::arange(kText, kText + kNumText, torch::kInt64);
  out.asking_keep = at::ones({batch, kNumText}, torch::kBool);
  out.img_begin = kImg;
  out.img_end = out.length = kLength;
  return out;
}

TokenSelectionOptions options(int64_t count) {
  TokenSelectionOptions out;
  out.enabled = true;
  out.layer = 1;
  out.keep_count = count;
  return out;
}

torch::Tensor guidance(Llama& llama, const torch::Tensor& embeddings, TokenSelection& selection,
                       const torch::Tensor& mask = {}, const torch::Tensor& positions = {}) {
  const torch::Tensor last =
      llama->forward(embeddings, mask, positions, &selection).last_hidden_state;
  return last.narrow(1, last.size(1) - 2, 2);
}

std::vector<int64_t> row(const torch::Tensor& x, int64_t b = 0) {
  const torch::Tensor plain = x[b].contiguous();
  return {plain.data_ptr<int64_t>(), plain.data_ptr<int64_t>() + plain.numel()};
}

double difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// Adapters on q, k and v that are not zero, the only parameters that learn.
std::map<std::string, torch::Tensor> attach_adapters(Llama& llama) {
  models::attach_lora(*llama, {.targets = {"q_proj", "k_proj", "v_proj"}}, /*seed=*/3);
  nn::set_requires_grad(*llama, false);
  std::map<std::string, torch::Tensor> adapters;
  for (auto& entry : llama->named_parameters()) {
    if (!models::is_lora_parameter(entry.key())) continue;
    const torch::NoGradGuard no_grad;
    Rng rng(/*seed=*/4, {hash_key(entry.key())});
    entry.value().copy_(randn(rng, entry.value().sizes()) * 0.1);
    adapters[entry.key()] = entry.value().set_requires_grad(true);
  }
  return adapters;
}

// The slope of `f` along `direction` at the parameter's value, by central differences.
double slope(const std::function<double()>& f, torch::Tensor parameter,
             const torch::Tensor& direction) {
  constexpr double kStep = 0.01;  // much smaller, and the rounding of float32 norms shows
  const torch::NoGradGuard no_grad;
  const torch::Tensor start = parameter.clone();
  const auto at = [&](double steps) {
    parameter.copy_(start + direction * (steps * kStep));
    return f();
  };
  const double near = at(1) - at(-1), far = at(2) - at(-2);
  parameter.copy_(start);
  return (8 * near - far) / (12 * kStep);
}

// Gradients of the adapters against the slopes of `f` along one direction each.
void expect_slopes(const std::map<std::string, torch::Tensor>& adapters,
                   const std::function<double()>& f) {
  for (const auto& [name, parameter] : adapters) {
    Rng rng(/*seed=*/6, {hash_key(name)});
    const torch::Tensor direction = randn(rng, parameter.sizes()).to(parameter.dtype());
    const torch::Tensor& grad = parameter.grad();
    const double expected = grad.defined() ? (grad * direction).sum().item<double>() : 0;
    EXPECT_NEAR(slope(f, parameter, direction), expected, 1e-3 * std::max(1.0, std::abs(expected)))
        << name;
  }
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

TEST(TokenSelectionOptions, CountRoundsUpAndIsBounded) {
  TokenSelectionOptions options;
  options.keep_min = 3;
  options.keep_ratio = 0.5;
  EXPECT_EQ(options.count(9), 5);
  EXPECT_EQ(options.count(4), 3);
  EXPECT_EQ(options.count(2), 2);
  options.keep_ratio = 1;
  EXPECT_EQ(options.count(9), 9);
  options.keep_count = 4;
  EXPECT_EQ(options.count(9), 4);
}

TEST(TokenSelectionOptions, WarmsUpInEightSteps) {
  TokenSelectionOptions options;
  options.enabled = true;
  options.keep_ratio = 0.2;
  EXPECT_EQ(options.strength(0), 1);  // no warm-up
  options.warmup_samples = 100;
  EXPECT_EQ(options.strength(12), 0);
  EXPECT_FALSE(options.at(0).enabled);
  EXPECT_EQ(options.strength(13), 0.125);
  EXPECT_NEAR(options.at(0.125).keep_ratio, 0.9, 1e-12);
  EXPECT_EQ(options.strength(99), 0.875);
  EXPECT_EQ(options.strength(100), 1);
  EXPECT_EQ(options.at(1).keep_ratio, 0.2);
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

TEST(TokenSelection, GradientsAreThoseOfTheFrozenSelection) {
  struct Frozen : models::llama::LayerHook {
    torch::Tensor kept;
    torch::Tensor kept_positions(int64_t layer) override {
      return layer == 1 ? kept : torch::Tensor();
    }
  } frozen;
  Llama llama = small_llama(torch::kFloat64, /*range=*/0.2);  // smooth at the step of slope()
  auto adapters = attach_adapters(llama);
  Rng rng(/*seed=*/7);
  const torch::Tensor embeddings = states(2, torch::kFloat64),
                      weights = randn(rng, {2, 2, 16}).to(torch::kFloat64);
  const auto loss_of = [&](const torch::Tensor& last) {
    return (last.narrow(1, last.size(1) - 2, 2) * weights).sum();
  };
  const auto frozen_loss = [&] {
    return loss_of(llama->forward(embeddings, {}, {}, &frozen).last_hidden_state).item<double>();
  };
  for (const auto execution : {SelectionExecution::kDrop, SelectionExecution::kMask}) {
    TokenSelectionOptions some = options(3);
    some.execution = execution;
    TokenSelection selection(some, input(2), /*next=*/nullptr);
    for (auto& [name, parameter] : adapters) parameter.mutable_grad() = torch::Tensor();
    const torch::Tensor loss =
        loss_of(llama->forward(embeddings, {}, {}, &selection).last_hidden_state);
    loss.backward();
    const auto everyone = [](int64_t begin, int64_t end) {
      return at::arange(begin, end, torch::kInt64).expand({2, end - begin});
    };
    frozen.kept = at::cat(
        {everyone(0, kImage), selection.kept() + kImage, everyone(kText, kLength)}, /*dim=*/1);
    EXPECT_NEAR(frozen_loss(), loss.item<double>(), 1e-10);
    expect_slopes(adapters, frozen_loss);
  }
}

// Each text token asks for a key; the picture tokens of that key carry the answer, the others
// carry answers at random. Which tokens are kept is never a target.
TEST(TokenSelection, TrainingLearnsToKeepWhatTheInstructionAsksFor) {
  constexpr int64_t kWidth = 32, kKeys = 4, kAnswers = 4, kPicture = 12, kPlanted = 3, kBatch = 32;
  constexpr int kSteps = 300;
  LlamaConfig config;
  config.vocab_size = 2;
  config.hidden_size = kWidth;
  config.intermediate_size = 2 * kWidth;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 4;
  Llama llama(config, nn::Build{.tensor = torch::TensorOptions(torch::kFloat32)});
  nn::init_weights(*llama, /*seed=*/5);
  nn::Linear readout(kWidth, kAnswers, /*bias=*/true, nn::Build{});
  nn::init_weights(*readout, /*seed=*/6);
  nn::set_requires_grad(*llama->model->layers, true);
  nn::set_requires_grad(*readout, true);
  Rng words(/*seed=*/7);
  const torch::Tensor keys = randn(words, {kKeys, kWidth}), asks = randn(words, {kKeys, kWidth}),
                      answers = randn(words, {kAnswers, kWidth}), img = randn(words, {2, kWidth});

  SelectionInput in;  // [picture | text | guidance]
  in.eligible = at::arange(kPicture, torch::kInt64);
  in.asking = at::tensor(std::vector<int64_t>{kPicture});
  in.asking_keep = at::ones({kBatch, 1}, torch::kBool);
  in.img_begin = kPicture + 1;
  in.img_end = in.length = kPicture + 3;
  TokenSelectionOptions few = options(kPlanted);
  few.layer = 0;

  struct Outcome {
    torch::Tensor loss;
    double kept = 0;  // share of the planted tokens
  };
  const auto run = [&](uint64_t step) {
    Rng rng(/*seed=*/8, {step});
    std::vector<int64_t> token_keys, token_answers, asked, right;
    torch::Tensor planted = at::zeros({kBatch, kPicture}, torch::kBool);
    for (int64_t b = 0; b < kBatch; ++b) {
      asked.push_back(rng.between(0, kKeys - 1));
      right.push_back(rng.between(0, kAnswers - 1));
      for (int64_t i = 0, left = kPlanted; i < kPicture; ++i) {
        const bool plant = rng.between(1, kPicture - i) <= left;
        left -= plant ? 1 : 0;
        planted[b][i] = plant;
        token_keys.push_back(plant ? asked[b] : (asked[b] + rng.between(1, kKeys - 1)) % kKeys);
        token_answers.push_back(plant ? right[b] : rng.between(0, kAnswers - 1));
      }
    }
    const auto rows = [&](const torch::Tensor& table, const std::vector<int64_t>& ids) {
      return table.index_select(0, at::tensor(ids)).view({kBatch, -1, kWidth});
    };
    const torch::Tensor embeddings = at::cat({rows(keys, token_keys) + rows(answers, token_answers),
                                              rows(asks, asked), img.expand({kBatch, 2, kWidth})},
                                             1);
    TokenSelection selection(few, in, /*next=*/nullptr);
    const torch::Tensor logits = readout(guidance(llama, embeddings, selection).mean(1));
    Outcome out;
    out.loss = at::cross_entropy_loss(logits, at::tensor(right));
    out.kept = planted.gather(1, selection.kept()).to(torch::kFloat32).mean().item<double>();
    return out;
  };
  const auto share_kept = [&] {
    const torch::NoGradGuard no_grad;
    double sum = 0;
    for (uint64_t i = 0; i < 8; ++i) sum += run(1000000 + i).kept;
    return sum / 8;
  };
  EXPECT_LT(share_kept(), 0.6);
  std::vector<torch::Tensor> parameters = llama->model->layers->parameters();
  for (const auto& parameter : readout->parameters()) parameters.push_back(parameter);
  torch::optim::Adam optimizer(parameters, torch::optim::AdamOptions(3e-3));
  for (int step = 0; step < kSteps; ++step) {
    optimizer.zero_grad();
    run(static_cast<uint64_t>(step)).loss.backward();
    optimizer.step();
  }
  EXPECT_GT(share_kept(), 0.95);
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

TEST(TokenPropagation, FactorsOfThePublishedCode) {
  const torch::Tensor traces = at::tensor({10.0, 1e3, 1e5, 6e5}, torch::kFloat64);
  const torch::Tensor expected = at::tensor({1.3474, 1.1158, 1.0695, 1.0601}, torch::kFloat64);
  EXPECT_LT(difference(activation_factor(traces, 0.8, /*guard=*/false), expected), 1e-4);
  const torch::Tensor small = at::tensor({0.0, 0.5, 1.0});
  const torch::Tensor guarded = activation_factor(small, 0.8, /*guard=*/true);
  EXPECT_TRUE(guarded.isfinite().all().item<bool>());
  EXPECT_LT(difference(guarded, at::full({3}, 1.4)), 1e-5);
}

TEST(TokenPropagation, SpectrumIsTheTraceOfTheSquaredProduct) {
  Llama llama = small_llama();
  const torch::Tensor got = spectrum(*llama);
  auto& attention = *llama->model->layers->ptr<models::llama::DecoderLayerImpl>(2)->self_attn;
  const torch::Tensor query = attention.q_proj->weight.view({4, 4, 16})[3];
  const torch::Tensor key = attention.k_proj->weight.view({2, 4, 16})[1];
  const torch::Tensor product = at::matmul(query.t(), key);  // W_Q W_K^T, [D, D]
  const double expected = std::abs(at::matmul(product, product).trace().item<double>());
  EXPECT_NEAR(got[2][3].item<double>(), expected, 1e-4 * expected);
}

TEST(TokenPropagation, RelativeFormStartsAtOneAndDampsGrowth) {
  TokenPropagationOptions options;
  const torch::Tensor start = at::tensor({20.f, 200.f, 1.f}).view({1, 3});
  EXPECT_TRUE(weight_factors(start, start, options).equal(at::ones({1, 3})));
  const torch::Tensor grown = weight_factors(start * 4, start, options);
  EXPECT_LT(grown[0][0].item<double>(), 1);
  EXPECT_LT(grown[0][1].item<double>(), 1);
  EXPECT_EQ(grown[0][2].item<double>(), 1);  // still below e^2
  EXPECT_GE(grown.min().item<float>(), 0.8f);
  options.form = PropagationForm::kWeight;
  EXPECT_TRUE(weight_factors(at::zeros({1, 3}), start, options).isfinite().all().item<bool>());
}

TEST(TokenPropagation, PenaltyGrowsWithTheSpectrumAndReachesTheAdapters) {
  Llama llama = small_llama(torch::kFloat64);
  const torch::Tensor start = spectrum(*llama).detach();
  TokenPropagationOptions options;
  EXPECT_EQ(propagation_penalty(start, start, options).item<double>(), 0);
  auto adapters = attach_adapters(llama);
  const auto penalty = [&] { return propagation_penalty(spectrum(*llama), start, options); };
  const torch::Tensor change = spectrum(*llama).detach() / start - 1;
  EXPECT_NEAR(penalty().item<double>(), change.square().sum().item<double>(),
              1e-3 * penalty().item<double>());
  options.layers = {2};
  EXPECT_NEAR(penalty().item<double>(), change[2].square().sum().item<double>(),
              1e-3 * penalty().item<double>());
  options.layers = {};
  penalty().backward();
  for (const auto& [name, parameter] : adapters) {
    EXPECT_EQ(parameter.grad().defined(), name.find("v_proj") == std::string::npos) << name;
  }
  expect_slopes(adapters, [&] { return penalty().item<double>(); });
}

TEST(TokenPropagation, ScalesByHeadAndIgnoresPadding) {
  Llama llama = small_llama();
  TokenPropagationOptions options;
  options.form = PropagationForm::kActivation;
  const torch::Tensor embeddings = states(2);
  torch::Tensor keep = at::ones({2, kLength}, torch::kInt64);
  keep[1].narrow(0, 0, 4).zero_();
  const auto run = [&](const torch::Tensor& in, const torch::Tensor& mask,
                       PropagationGranularity granularity) {
    options.granularity = granularity;
    TokenPropagation propagation(options, {}, mask != 0, /*next=*/nullptr);
    const torch::Tensor positions = (mask.cumsum(1) - 1).clamp_min(0);
    return llama->forward(in, mask, positions, &propagation).last_hidden_state.narrow(1, kImg, 2);
  };
  const torch::Tensor alone_in = embeddings.narrow(0, 1, 1).narrow(1, 4, kLength - 4);
  const auto alone = [&](PropagationGranularity granularity) {
    options.granularity = granularity;
    const torch::Tensor mask = at::ones({1, kLength - 4}, torch::kInt64);
    TokenPropagation propagation(options, {}, mask != 0, /*next=*/nullptr);
    return llama->forward(alone_in, {}, {}, &propagation).last_hidden_state.narrow(1, kImg - 4, 2);
  };
  const auto head = PropagationGranularity::kHead, batch = PropagationGranularity::kBatch;
  EXPECT_LT(difference(run(embeddings, keep, head)[1], alone(head)[0]), 1e-5);
  EXPECT_GT(difference(run(embeddings, keep, batch)[1], alone(batch)[0]), 1e-5);  // as published
}

TEST(TokenPropagation, ProbabilitiesOfThePaper) {
  const double expected[] = {.0034, .1099, .4876, .6261, .4690};
  const double places[] = {0, 150, 300, 450, 599};
  for (int i = 0; i < 5; ++i) {
    EXPECT_NEAR(propagation_probability(places[i], 600, 20, 3000, 128), expected[i], 1e-4) << i;
  }
}

}  // namespace
}  // namespace reasonbrain::reason
