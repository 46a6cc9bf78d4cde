// Parameter counts of the paper's Tab. A4, and that every ablation row builds and runs.
#include <functional>

#include "reason/cme.h"
#include "reason/frce.h"
#include "reason/pipeline_fixture.h"

namespace reasonbrain::reason {
namespace {

double millions(const torch::nn::Module& module) {
  return static_cast<double>(nn::count_parameters(module).total) / 1e6;
}

struct Sizes {
  int64_t width, heads;
  double frce, cme;  // millions, as printed in Tab. A4
};

TEST(TableA4, CueExtractionAndEnhancerHaveThePrintedSizes) {
  const nn::Build build{torch::TensorOptions(torch::kFloat32).device(torch::kMeta)};
  for (const Sizes& sizes : {Sizes{1024, 16, 82, 45}, Sizes{704, 11, 41, 22}}) {
    ReasonOptions options;
    options.width = sizes.width;
    options.num_heads = sizes.heads;
    options.frce.region_input = RegionInput::kTower;
    const Frce frce(options, /*vision_width=*/1024, /*text_width=*/768, build);
    EXPECT_NEAR(millions(*frce), sizes.frce, 0.03 * sizes.frce) << sizes.width;
    const Enhancer visual(options, /*has_cues=*/true, build),
        textual(options, /*has_cues=*/true, build);
    const nn::Linear text(768, sizes.width, /*bias=*/true, build);
    double cme = millions(*visual) + millions(*textual) + millions(*text);
    // A QFormer of another width than d (768 beside 704) needs its projection; 1024 needs none.
    if (sizes.width == 704) cme += millions(*nn::Linear(768, sizes.width, /*bias=*/true, build));
    EXPECT_NEAR(cme, sizes.cme, 0.03 * sizes.cme) << sizes.width;
  }
}

TEST_F(PipelineTest, EveryAblationRowBuildsAndRuns) {
  const PipelineOptions base = options();
  const auto row = [](bool patch, bool region, bool idc, bool visual, bool textual, CmeMode mode,
                      bool to_cme = true) {
    return [=](ReasonOptions& r) {
      r.frce.patch = patch;
      r.frce.region = region;
      r.frce.to_cme = to_cme;
      r.idc.enabled = idc;
      r.cme = {mode, visual, textual};
    };
  };
  const std::map<std::string, std::function<void(ReasonOptions&)>> rows = {
      {"t4-01", row(false, false, false, false, false, CmeMode::kPlain)},
      {"t4-02", row(true, false, false, false, false, CmeMode::kPlain)},
      {"t4-03", row(true, true, false, false, false, CmeMode::kPlain)},
      {"t4-04", row(true, true, true, false, false, CmeMode::kPlain)},
      {"t4-05", row(true, true, true, true, false, CmeMode::kFull)},
      {"t4-06", row(true, true, true, false, true, CmeMode::kFull)},
      {"t4-07", row(true, true, false, true, true, CmeMode::kFull)},
      {"t4-08", row(true, false, true, true, true, CmeMode::kFull)},
      {"t4-09", row(false, true, true, true, true, CmeMode::kFull)},
      {"t4-10", row(true, true, true, true, true, CmeMode::kFull)},
      {"a09-2", row(true, true, true, true, false, CmeMode::kSimpleCa)},
      {"a11", row(true, true, true, true, true, CmeMode::kFull, false)},
      {"a12", row(true, true, true, true, true, CmeMode::kReasoningToEditing)},
      {"neither branch", row(false, false, true, true, true, CmeMode::kFull)}};
  torch::NoGradGuard no_grad;
  std::map<std::string, torch::Tensor> start;
  for (const auto& [name, change] : rows) {
    PipelineOptions options = base;
    change(options.reason);
    const auto pipeline = Pipeline::create(options, Placement{}, /*seed=*/4);
    const ModelOutputs out =
        pipeline->reason(pipeline->encode(pipeline->processor()(pictures())), true);
    const int64_t streams = options.reason.cme.mode == CmeMode::kSimpleCa
                                ? 1
                                : std::max(1, int{options.reason.cme.visual_on()} +
                                                  int{options.reason.cme.textual_on()});
    EXPECT_EQ(out.guidance.context.size(1), streams * options.reason.num_queries) << name;
    EXPECT_EQ(out.guidance.residual_visual.defined(), options.reason.cme.visual_on()) << name;
    EXPECT_EQ(out.guidance.residual_text.defined(), options.reason.cme.textual_on()) << name;
    EXPECT_TRUE(out.guidance.context.isfinite().all().item<bool>()) << name;
    // Rows start from equal weights where they share a parameter: differences come from the switch
    // alone.
    for (const auto& parameter : pipeline->named_parameters()) {
      const auto [found, fresh] = start.emplace(parameter.key(), parameter.value().clone());
      if (!fresh && found->second.sizes() == parameter.value().sizes()) {
        EXPECT_TRUE(at::equal(found->second, parameter.value())) << name << " " << parameter.key();
      }
    }
  }
}

}  // namespace
}  // namespace reasonbrain::reason
