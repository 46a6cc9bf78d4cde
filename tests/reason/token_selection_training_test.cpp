// Token selection under gradients: they are exact, and they teach what to keep.
#include <torch/optim/adam.h>

#include "reason/small_llama.h"

namespace reasonbrain::reason {
namespace {

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

}  // namespace
}  // namespace reasonbrain::reason
