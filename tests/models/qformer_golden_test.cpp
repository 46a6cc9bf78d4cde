// The QFormer against transformers, and what must hold of any.
#include <gtest/gtest.h>

#include "core/rng_tensor.h"
#include "core/temp_dir.h"
#include "models/qformer/folder.h"
#include "reference.h"

namespace reasonbrain::models::qformer {
namespace {

QFormer small_qformer() {
  QFormerConfig config;
  config.hidden_size = 8;
  config.num_attention_heads = 2;
  config.num_hidden_layers = 2;
  config.intermediate_size = 16;
  config.encoder_hidden_size = 6;
  config.initializer_range = 0.3;
  QFormer qformer(config, nn::Build{});
  nn::init_weights(*qformer, /*seed=*/9);
  return qformer;
}

TEST(QFormer, MatchesReference) {
  testing::check_component("qformer");
}

TEST(QFormer, MaskedStatesDoNotMatterAndQueriesAreShared) {
  QFormer qformer = small_qformer();
  Rng rng(1);
  const torch::Tensor queries = randn(rng, {1, 3, 8});
  torch::Tensor states = randn(rng, {2, 4, 6});
  const torch::Tensor mask = torch::tensor({{1, 1, 1, 0}, {1, 1, 1, 0}});
  const torch::Tensor masked = qformer(queries, states, mask);
  EXPECT_EQ(masked.sizes(), (std::vector<int64_t>{2, 3, 8}));
  const torch::Tensor cut = qformer(queries.expand({2, 3, 8}), states.slice(1, 0, 3));
  EXPECT_LT(testing::relative_error(masked, cut), 1e-5);
  EXPECT_GT(testing::relative_error(qformer(queries, states), cut), 1e-4);
}

TEST(QFormer, SaveAndLoadRestoreEveryWeight) {
  QFormer qformer = small_qformer();
  const TempDir folder;
  save(folder.path(), qformer);
  QFormer loaded = load(folder.path(), nn::Build{}).model;
  Rng rng(2);
  const torch::Tensor queries = randn(rng, {1, 3, 8}), states = randn(rng, {1, 4, 6});
  EXPECT_TRUE(at::equal(loaded(queries, states), qformer(queries, states)));
}

TEST(QFormer, CountOfBlip2) {
  const nn::Build meta{.tensor = torch::TensorOptions(torch::kFloat32).device(torch::kMeta)};
  EXPECT_EQ(nn::count_parameters(*QFormer(QFormerConfig(), meta)).total, 105'162'240 - 32 * 768);
}

TEST(QFormer, SectionOfAWholeBlip2) {
  const auto read = [](const nlohmann::json& config) {
    return qformer_config_from_json(config, "config.json");
  };
  EXPECT_EQ(read({{"qformer_config", nullptr}}).encoder_hidden_size, 1408);
  const nlohmann::json own = {{"hidden_size", 24}, {"encoder_hidden_size", 7}};
  const QFormerConfig config =
      read({{"qformer_config", own}, {"vision_config", {{"hidden_size", 10}}}});
  EXPECT_EQ(config.hidden_size, 24);
  EXPECT_EQ(config.encoder_hidden_size, 10);
  EXPECT_THROW(read({{"intermediate_size", 9'000'000'000'000'000'000}}), Error);
}

TEST(QFormer, RefusesWidthsThatDoNotFit) {
  QFormer qformer = small_qformer();
  EXPECT_THROW(qformer(at::zeros({1, 3, 7}), at::zeros({1, 4, 6})), Error);
  EXPECT_THROW(qformer(at::zeros({1, 3, 8}), at::zeros({1, 4, 5})), Error);
  EXPECT_THROW(qformer(at::zeros({2, 3, 8}), at::zeros({3, 4, 6})), Error);
  const torch::Tensor queries = at::zeros({1, 3, 8}), states = at::zeros({3, 4, 6});
  EXPECT_THROW(qformer(queries, states, at::ones({3, 5})), Error);
  EXPECT_THROW(qformer(queries, states, at::ones({1, 4})), Error);
  QFormerConfig config;
  config.num_attention_heads = 7;
  EXPECT_THROW(config.validate(), Error);
}

}  // namespace
}  // namespace reasonbrain::models::qformer
