#include "reason/token_propagation.h"

#include <vector>

#include "reason/small_llama.h"

namespace reasonbrain::reason {
namespace {

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
  const torch::Tensor places = at::tensor({0.0, 150.0, 300.0, 450.0, 599.0}, torch::kFloat64) / 600;
  const torch::Tensor expected = at::tensor({.0034, .1099, .4876, .6261, .4690}, torch::kFloat64);
  const auto scalar = [](double x) { return at::scalar_tensor(x, torch::kFloat64); };
  EXPECT_LT(difference(propagation_probability(places, scalar(20), scalar(3000), 128), expected),
            1e-4);
}

TEST(TokenPropagation, EntropyIsThatOfTheProbabilityOverPlaces) {
  Llama llama = small_llama(torch::kFloat64);
  auto& attention = *llama->model->layers->ptr<models::llama::DecoderLayerImpl>(2)->self_attn;
  const torch::Tensor query = attention.q_proj->weight.detach().view({4, 4, 16})[3];
  const torch::Tensor key = attention.k_proj->weight.detach().view({2, 4, 16})[1];
  const torch::Tensor product = at::matmul(query.t(), key);  // W_Q W_K^T, [D, D]
  const double first = product.trace().item<double>();
  const double second = std::abs(at::matmul(product, product).trace().item<double>());
  constexpr int kPlaces = 256;
  std::vector<double> probability;
  double sum = 0, entropy = 0;
  for (int i = 0; i < kPlaces; ++i) {
    const double u = static_cast<double>(i) / kPlaces;
    const double mean = (u - 0.5) * first / 2;  // sqrt of the head's width, 4
    const double scale = std::sqrt(2 * (2 * u * u + 7.0 / 12) * second / 16);
    probability.push_back((std::erf((1 - mean) / scale) + std::erf(mean / scale)) / 2);
    sum += probability.back();
  }
  for (const double p : probability) entropy -= p / sum * std::log(p / sum);
  const torch::Tensor got = propagation_entropy(*llama);
  EXPECT_EQ(got.sizes(), torch::IntArrayRef({4, 4}));
  EXPECT_NEAR(got[2][3].item<double>(), entropy / std::log(kPlaces), 1e-9);
  {
    const torch::NoGradGuard no_grad;
    attention.q_proj->weight.zero_();  // nothing is preferred, and nothing divides by zero
  }
  EXPECT_NEAR(propagation_entropy(*llama)[2].min().item<double>(), 1, 1e-9);
}

TEST(TokenPropagation, ReportsTheFactorsOfItsLayers) {
  Llama llama = small_llama();
  TokenPropagationOptions options;
  options.layers = {1, 3};
  torch::Tensor factors = at::ones({4, 4});
  factors[0].fill_(7);  // of a layer that is not scaled
  factors[1][2] = 0.8;
  factors[3][0] = 1.2;
  factors[3][1] = 1.1;
  const auto report = [&](const torch::Tensor& given) {
    TokenPropagation propagation(options, given, at::ones({2, kLength}, torch::kBool),
                                 /*next=*/nullptr);
    PassStatistics statistics;
    propagation.report(statistics);
    EXPECT_FALSE(statistics.factor_mean.defined());  // nothing has been seen
    llama->forward(states(2), {}, {}, &propagation);
    propagation.report(statistics);
    return statistics;
  };
  const PassStatistics of_weights = report(factors);
  EXPECT_NEAR(of_weights.factor_mean.item<double>(), (8 - 0.2 + 0.2 + 0.1) / 8, 1e-6);
  EXPECT_NEAR(of_weights.factor_max.item<double>(), 1.2, 1e-6);
  EXPECT_EQ(of_weights.factor_clamped.item<double>(), 0.25);
  options.form = PropagationForm::kActivation;
  const PassStatistics of_states = report({});
  EXPECT_EQ(of_states.factor_mean.sizes(), torch::IntArrayRef({2}));
  EXPECT_TRUE((of_states.factor_max > of_states.factor_mean).all().item<bool>());
  EXPECT_FALSE(of_states.factor_clamped.defined());
}

}  // namespace
}  // namespace reasonbrain::reason
