#include "models/reference.h"
#include "reasonbrain/error.h"

namespace reasonbrain::models {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(RB_TEST_DATA) / "llama" / "gqa";
constexpr int64_t kVocabSize = 30;

std::string problem(const Tensors& inputs, const std::vector<std::string>& grad_params = {}) {
  try {
    run_component(*find_component("llama"), kFolder, inputs, grad_params, torch::kCPU,
                  torch::kFloat32);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    return error.what();
  }
  return "";
}

torch::Tensor ids() {
  return at::arange(6).view({2, 3});
}

TEST(Component, UnknownNameIsNotFound) {
  EXPECT_EQ(find_component("gpt"), nullptr);
}

TEST(Component, NamesAreUnique) {
  for (const Component& component : components())
    EXPECT_EQ(find_component(component.name), &component);
}

TEST(Component, InputsAreCheckedByName) {
  using ::testing::HasSubstr;
  EXPECT_EQ(problem({{"input_ids", ids()}}), "");
  EXPECT_THAT(problem({{"input_ids", ids()}, {"pixels", ids()}}), HasSubstr("pixels"));
  EXPECT_THAT(problem({}), HasSubstr("input_ids"));
  EXPECT_THAT(problem({{"input_ids", ids().to(torch::kFloat32)}}), HasSubstr("input_ids"));
  EXPECT_THAT(problem({{"input_ids", ids()[0]}}), HasSubstr("input_ids"));
  EXPECT_THAT(problem({{"input_ids", ids() + kVocabSize}}), HasSubstr("0 to 29"));
  EXPECT_THAT(problem({{"input_ids", ids()}, {"attention_mask", at::ones({2, 4}, torch::kInt64)}}),
              HasSubstr("attention_mask"));
  EXPECT_THAT(problem({{"inputs_embeds", at::full({1, 2, 16}, NAN)}}), HasSubstr("inputs_embeds"));
  EXPECT_THAT(problem({{"input_ids", ids()}, {"inputs_embeds", at::ones({2, 3, 16})}}),
              HasSubstr("exactly one"));
}

TEST(Component, CotangentsAndParametersAreCheckedByName) {
  using ::testing::HasSubstr;
  const torch::Tensor cotangent = at::ones({2, 3, kVocabSize});
  EXPECT_THAT(problem({{"input_ids", ids()}, {"cotangent.logit", cotangent}}),
              HasSubstr("cotangent.logit"));
  EXPECT_THAT(problem({{"input_ids", ids()}, {"cotangent.logits", cotangent[0]}}),
              HasSubstr("cotangent.logits"));
  EXPECT_THAT(problem({{"input_ids", ids()}, {"cotangent.logits", cotangent}}, {"lm_head.wieght"}),
              HasSubstr("lm_head.weight"));
}

TEST(Component, ParametersBelowNoCotangentGetZero) {
  const Tensors results =
      run_component(*find_component("llama"), kFolder,
                    {{"input_ids", ids()}, {"cotangent.hidden_states.0", at::ones({2, 3, 16})}},
                    {"lm_head.weight", "model.embed_tokens.weight"}, torch::kCPU, torch::kFloat32);
  EXPECT_EQ(results.at("grad.param.lm_head.weight").abs().max().item<float>(), 0);
  EXPECT_EQ(results.at("grad.param.model.embed_tokens.weight").sum().item<float>(), 6 * 16);
}

}  // namespace
}  // namespace reasonbrain::models
