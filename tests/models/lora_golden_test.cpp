// Adapter files of diffusers and kohya against the Python reference with the same adapter
// (scripts/golden/make_adapters.py).
#include <gtest/gtest.h>

#include "models/convert.h"
#include "models/lora.h"
#include "models/lora_adapter.h"
#include "reference.h"

namespace reasonbrain::models {
namespace {
namespace fs = std::filesystem;

constexpr double kTolerance = 2e-5;  // of the largest value: the merged weights are rounded

ConvertibleModel load(const std::string& kind, const fs::path& folder) {
  for (const ModelKind& known : model_kinds()) {
    if (known.name == kind) return known.load(folder, nn::Build{});
  }
  throw std::logic_error("no such kind");
}

// Runs the component on a copy of the case whose weights hold the adapter.
double error_with(const std::string& kind, const fs::path& folder, const fs::path& file,
                  bool merged) {
  const ConvertibleModel model = load(kind, folder);
  const LoraAdapter adapter = read_lora_file(*model.module, file, model.lora);
  if (merged) {
    merge_adapter(*model.module, adapter);
  } else {
    attach_adapters(*model.module, {{adapter}});
  }
  const fs::path out = fs::path(::testing::TempDir()) / ("lora-golden-" + kind);
  fs::remove_all(out);
  model.save(out);
  if (!merged) save_peft_adapter(*model.module, out / kAdapterFolder);
  const io::TensorStore io(folder / "io");
  Tensors inputs = io.tensors();
  const torch::Tensor expected = inputs.at("expect.sample");
  inputs.erase("expect.sample");
  const Tensors results =
      run_component(*find_component(kind), out, inputs, {}, torch::kCPU, torch::kFloat32);
  return testing::relative_error(results.at("sample"), expected);
}

std::vector<fs::path> cases(const std::string& kind) {
  return testing::golden_cases("lora/" + kind);
}

TEST(LoraGolden, OutputWithAFileMatchesReference) {
  for (const std::string kind : {"unet", "flux"}) {
    ASSERT_FALSE(cases(kind).empty()) << kind;
    for (const fs::path& folder : cases(kind)) {
      testing::note_taken(folder);
      for (const char* file : {"diffusers.safetensors", "kohya.safetensors"}) {
        if (!fs::exists(folder / file)) continue;
        for (const bool merged : {true, false}) {
          EXPECT_LT(error_with(kind, folder, folder / file, merged), kTolerance)
              << folder / file << (merged ? " merged" : " attached");
        }
      }
    }
  }
}

}  // namespace
}  // namespace reasonbrain::models
