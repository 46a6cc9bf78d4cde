// Model folders: everything that was saved comes back, nothing else is accepted.
#include <fstream>

#include "core/expect_error.h"
#include "io/json.h"
#include "reason/pipeline_fixture.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::reason {
namespace {

namespace fs = std::filesystem;

fs::path copy_of(const TempDir& from, const TempDir& to) {
  fs::copy(from.path(), to.path() / "model", fs::copy_options::recursive);
  return to.path() / "model";
}

TEST_F(PipelineTest, SaveAndLoadRestoreEveryTensor) {
  const auto pipeline = Pipeline::create(options(), Placement{}, /*seed=*/8);
  const TempDir folder;
  pipeline->save(folder.path());
  const auto loaded = Pipeline::load(folder.path(), Placement{});
  const nn::StateDict before = nn::state_dict(*pipeline), after = nn::state_dict(*loaded);
  ASSERT_EQ(before.size(), after.size());
  for (const auto& [name, tensor] : before) {
    ASSERT_TRUE(after.contains(name)) << name;
    EXPECT_TRUE(at::equal(tensor, after.at(name))) << name;
  }
  EXPECT_EQ(loaded->sha256().size(), 64u);
}

TEST_F(PipelineTest, AFolderSavedFromALoadedModelStandsAlone) {
  const TempDir copy;
  std::shared_ptr<Pipeline> first;
  nn::StateDict before;
  {
    const TempDir original;
    Pipeline::create(options(), Placement{}, /*seed=*/8)->save(original.path() / "model");
    first = Pipeline::load(original.path() / "model", Placement{});
    first->save(copy.path() / "model");
    before = nn::state_dict(*first);
    for (auto& [name, tensor] : before) tensor = tensor.clone();
  }  // the original is gone
  const auto loaded = Pipeline::load(copy.path() / "model", Placement{});
  for (const auto& [name, tensor] : nn::state_dict(*loaded)) {
    EXPECT_TRUE(at::equal(tensor, before.at(name))) << name;
  }
  for (const auto& [name, part] :
       io::read_json(copy.path() / "model" / "model_index.json")["parts"].items()) {
    EXPECT_EQ(part["path"], name);
  }
}

TEST(ShippedModel, StandsAloneAndIsSmall) {
  const fs::path folder = fs::path(RB_SOURCE_DIR) / "models" / "mini";
  const nlohmann::json index = io::read_json(folder / "model_index.json");
  for (const auto& [name, part] : index["parts"].items()) EXPECT_EQ(part["path"], name);
  uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  EXPECT_LE(bytes, 8'000'000u);
  const auto pipeline = Pipeline::load(folder, Placement{});
  EXPECT_EQ(pipeline->options().preset, "mini");
}

TEST_F(PipelineTest, LoraAdaptersAreSavedAndLoaded) {
  const auto pipeline = Pipeline::create(options(), Placement{}, /*seed=*/8);
  pipeline->ensure_llm_lora(/*seed=*/3);
  for (auto& parameter : pipeline->model->llm->named_parameters()) {
    if (parameter.key().find("lora_B") != std::string::npos) {
      torch::NoGradGuard no_grad;
      parameter.value().fill_(0.05);
    }
  }
  const TempDir folder;
  pipeline->save(folder.path());
  EXPECT_TRUE(fs::exists(folder.path() / "llm" / "adapter" / "adapter_model.safetensors"));
  const auto loaded = Pipeline::load(folder.path(), Placement{});
  torch::NoGradGuard no_grad;
  const auto run = [&](Pipeline& p) {
    return p.reason(p.encode(p.processor()(pictures())), false).states;
  };
  EXPECT_TRUE(at::allclose(run(*pipeline), run(*loaded), 1e-5, 1e-6));
}

TEST_F(PipelineTest, RefusesPathsThatLeaveTheFolder) {
  const TempDir folder;
  const fs::path model = copy_of(*folder_, folder);
  for (const char* path : {"../elsewhere", "/etc", "llm/../../x"}) {
    nlohmann::json index = io::read_json(model / "model_index.json");
    index["parts"]["llm"] = {{"path", path}, {"frozen", false}};
    io::write_json(model / "model_index.json", index);
    EXPECT_ERROR(Pipeline::load(model, Placement{}), kData, "leaves the model folder");
  }
}

TEST_F(PipelineTest, RefusesDamagedFolders) {
  const TempDir folder;
  const fs::path model = copy_of(*folder_, folder);
  const auto damaged = [&](const fs::path& file) {
    const TempDir copy;
    fs::copy(model, copy.path() / "m", fs::copy_options::recursive);
    fs::resize_file(copy.path() / "m" / file, fs::file_size(copy.path() / "m" / file) / 2);
    EXPECT_ERROR(Pipeline::load(copy.path() / "m", Placement{}), kData, "");
  };
  damaged("reason/model.safetensors");
  damaged("denoiser/diffusion_pytorch_model.safetensors");
  damaged("model_index.json");
  damaged("reason/config.json");
  EXPECT_ERROR(Pipeline::load(model / "reason", Placement{}), kData, "no model folder");
  EXPECT_ERROR(Pipeline::load(model / "nowhere", Placement{}), kData, "no such folder");
}

TEST_F(PipelineTest, RefusesOptionsWithWhichNothingCouldBePainted) {
  const TempDir folder;
  const fs::path model = copy_of(*folder_, folder);
  const auto expect = [&](const fs::path& file, const nlohmann::json& change,
                          const std::string& word) {
    const nlohmann::json good = io::read_json(model / file);
    nlohmann::json bad = good;
    bad.merge_patch(change);
    io::write_json(model / file, bad);
    EXPECT_ERROR(Pipeline::load(model, Placement{}), kData, word);
    io::write_json(model / file, good);
  };
  expect("reason/config.json", {{"denoiser", {{"picture_side", edit::kTinySide + 1}}}},
         "picture_side");
  expect("scheduler/scheduler_config.json", {{"_class_name", "NoScheduler"}}, "NoScheduler");
  EXPECT_NO_THROW(Pipeline::load(model, Placement{}));
}

TEST_F(PipelineTest, RefusesWeightsThatAreNotFinite) {
  const TempDir folder;
  const fs::path model = copy_of(*folder_, folder);
  const fs::path file = model / "reason" / "model.safetensors";
  io::TensorMap tensors;
  for (const auto& [name, tensor] : io::load_safetensors(file)) tensors[name] = tensor.clone();
  tensors.begin()->second.view({-1})[0] = std::numeric_limits<float>::quiet_NaN();
  io::save_safetensors(file, tensors);
  EXPECT_ERROR(Pipeline::load(model, Placement{}), kData, tensors.begin()->first);
}

TEST_F(PipelineTest, IncompleteCheckpointsAreRefusedAndRunFoldersSearched) {
  const TempDir run;
  const fs::path checkpoints = run.path() / "checkpoints";
  fs::create_directories(checkpoints / "step-000010");
  fs::copy(folder_->path(), checkpoints / "step-000010" / "model", fs::copy_options::recursive);
  EXPECT_ERROR(find_model_folder(checkpoints / "step-000010"), kData, "incomplete");
  EXPECT_ERROR(find_model_folder(run.path()), kData, "without a complete checkpoint");
  std::ofstream(checkpoints / "step-000010" / "COMPLETE").flush();
  EXPECT_EQ(find_model_folder(run.path()), checkpoints / "step-000010" / "model");
  EXPECT_EQ(find_model_folder(checkpoints / "step-000010"), checkpoints / "step-000010" / "model");
  // A newer one that is damaged is passed over.
  fs::copy(checkpoints / "step-000010", checkpoints / "step-000020", fs::copy_options::recursive);
  const fs::path newer = checkpoints / "step-000020" / "model";
  EXPECT_EQ(find_model_folder(run.path()), newer);
  fs::resize_file(newer / "model_index.json", 20);
  EXPECT_EQ(find_model_folder(run.path()), checkpoints / "step-000010" / "model");
  EXPECT_EQ(find_model_folder(newer.parent_path()), newer);
}

TEST_F(PipelineTest, TheHashOfAModelKnowsItsSettings) {
  const TempDir folder;
  const fs::path model = copy_of(*folder_, folder);
  const std::string before = Pipeline::load(model, Placement{})->sha256();
  EXPECT_EQ(Pipeline::load(folder_->path(), Placement{})->sha256(), before);
  const auto changed = [&](const char* file, const char* key, const nlohmann::json& value) {
    nlohmann::json settings = io::read_json(model / file);
    const nlohmann::json old = settings[key];
    settings[key] = value;
    io::write_json(model / file, settings);
    EXPECT_NE(Pipeline::load(model, Placement{})->sha256(), before) << file;
    settings[key] = old;
    io::write_json(model / file, settings);
  };
  changed("reason/config.json", "image_mean", {0.1, 0.2, 0.3});
  changed("scheduler/scheduler_config.json", "num_train_timesteps", 900);
  changed("llm/config.json", "rms_norm_eps", 1e-4);
}

}  // namespace
}  // namespace reasonbrain::reason
