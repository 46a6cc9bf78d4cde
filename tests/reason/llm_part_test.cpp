// Language models from folders of LLaVA.
#include <nlohmann/json.hpp>

#include "core/expect_error.h"
#include "io/json.h"
#include "models/llava/folder.h"
#include "reason/pipeline_fixture.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::reason {
namespace {

class LlmPartTest : public PipelineTest {
 protected:
  // A LLaVA whose halves have the sizes of the small pipeline.
  static models::llava::Llava save_llava(const std::filesystem::path& folder, bool original) {
    const PipelineOptions options = PipelineTest::options();
    models::llava::LlavaConfig config;
    config.vision = options.vision;
    config.text = options.llm;
    config.image_token_index = original ? models::llava::kPictureToken : config.text.vocab_size - 1;
    models::llava::Llava llava(config, nn::Build{});
    nn::init_weights(*llava, /*seed=*/5);
    original ? models::llava::save_original(folder, llava) : models::llava::save(folder, llava);
    return llava;
  }

  // As the original folders were published: the tower is elsewhere.
  static void drop_tower(const std::filesystem::path& folder) {
    nlohmann::json config = io::read_json(folder / "config.json");
    config.erase("vision_config");
    config["mm_vision_tower"] = "openai/clip-vit-large-patch14";
    io::write_json(folder / "config.json", config);
    io::TensorMap weights = io::load_safetensors(folder / "model.safetensors");
    std::erase_if(weights, [](const auto& entry) {
      return entry.first.find("vision_tower") != std::string::npos;
    });
    io::save_safetensors(folder / "model.safetensors", weights);
  }

  static PipelineOptions options_with(const std::filesystem::path& llm, ProjectorType type) {
    PipelineOptions options = PipelineTest::options();
    options.parts.llm.path = llm.string();
    options.reason.image_adapter.type = type;
    return options;
  }

  static torch::Tensor adapter_weight(const Pipeline& pipeline) {
    return nn::state_dict(pipeline).at("model.image_adapter.linear_1.weight");
  }
};

TEST_F(LlmPartTest, LlavaBringsItsLanguageHalfAndItsProjector) {
  for (const bool original : {false, true}) {
    const TempDir folder;
    const models::llava::Llava llava = save_llava(folder / "llava", original);
    if (original) drop_tower(folder / "llava");
    const auto pipeline = Pipeline::create(
        options_with(folder / "llava", ProjectorType::kMlp2xGelu), Placement{}, /*seed=*/4);
    const nn::StateDict expected = nn::state_dict(*llava->language_model);
    const nn::StateDict got = nn::state_dict(*pipeline->model->llm);
    ASSERT_EQ(got.size(), expected.size());
    for (const auto& [name, tensor] : got) EXPECT_TRUE(tensor.equal(expected.at(name))) << name;
    EXPECT_TRUE(adapter_weight(*pipeline).equal(
        nn::state_dict(*llava->multi_modal_projector).at("linear_1.weight")));

    // Saved by reference and loaded again, IA being its own by then.
    {
      const torch::NoGradGuard no_grad;
      adapter_weight(*pipeline).add_(1);
    }
    pipeline->save(folder / "model");
    const auto loaded = Pipeline::load(folder / "model", Placement{});
    EXPECT_TRUE(adapter_weight(*loaded).equal(adapter_weight(*pipeline)));
    EXPECT_TRUE(nn::state_dict(*loaded->model->llm)
                    .at("model.embed_tokens.weight")
                    .equal(expected.at("model.embed_tokens.weight")));
  }
}

TEST_F(LlmPartTest, AProjectorThatIsAnotherOneLeavesTheAdapterFresh) {
  const TempDir folder;
  save_llava(folder / "llava", /*original=*/false);
  const PipelineOptions linear = options_with(folder / "llava", ProjectorType::kLinear);
  PipelineOptions fresh = linear;
  fresh.parts.llm.path.clear();
  EXPECT_TRUE(adapter_weight(*Pipeline::create(linear, Placement{}, /*seed=*/4))
                  .equal(adapter_weight(*Pipeline::create(fresh, Placement{}, /*seed=*/4))));
}

TEST_F(LlmPartTest, OnlyWhatStaysAsItsFolderHoldsItIsReferenced) {
  const TempDir folder;
  save_llava(folder / "llava", /*original=*/false);
  PipelineOptions options = options_with(folder / "llava", ProjectorType::kMlp2xGelu);
  options.parts.llm.train = TrainMode::kLora;
  const auto pipeline = Pipeline::create(options, Placement{}, /*seed=*/4);
  EXPECT_TRUE(pipeline->is_referenced("model.llm.model.norm.weight"));
  EXPECT_FALSE(pipeline->is_referenced("model.llm.model.layers.0.self_attn.q_proj.lora_A"));
  EXPECT_FALSE(pipeline->is_referenced("model.image_adapter.linear_1.weight"));
  EXPECT_FALSE(pipeline->is_referenced("denoiser.unet.conv_in.weight"));
  EXPECT_EQ(pipeline->references().size(), 1u);
  pipeline->detach_paths({"llm"});
  EXPECT_FALSE(pipeline->is_referenced("model.llm.model.norm.weight"));
  EXPECT_TRUE(pipeline->references().empty());
}

TEST_F(LlmPartTest, OptionsThatNoPictureFitsAreRefused) {
  const auto refused = [](const auto& change) {
    PipelineOptions options = PipelineTest::options();
    change(options);
    return Pipeline::create(options, Placement{}, /*seed=*/4);
  };
  EXPECT_ERROR(refused([](PipelineOptions& o) {
                 o.image_mean = {0.5, 0.5};
               }),
               kConfig, "model.image_mean has 2 values");
  EXPECT_ERROR(refused([](PipelineOptions& o) { o.reason.image_adapter.pool = 5; }), kConfig,
               "has 4 x 4 patches");
  EXPECT_ERROR(refused([](PipelineOptions& o) { o.inference.steps = 1001; }), kConfig,
               "model.inference.steps");
  EXPECT_ERROR(refused([](PipelineOptions& o) { o.reason.image_adapter.select_layer = -9; }),
               kConfig, "hidden state -9");
}

}  // namespace
}  // namespace reasonbrain::reason
