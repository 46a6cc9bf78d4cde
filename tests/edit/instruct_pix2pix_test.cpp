// InstructPix2Pix against diffusers' own pipeline, picture by picture
// (scripts/golden/instruct_pix2pix.py), and as a model of the Editor.
#include "edit/instruct_pix2pix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/str.h"
#include "core/temp_dir.h"
#include "edit/explain.h"
#include "io/json.h"
#include "reasonbrain/editor.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::edit {
namespace {

namespace fs = std::filesystem;

// Of the largest value, after all steps: differences of 1e-6 of the denoiser add up.
constexpr double kTolerance = 1e-4;

fs::path own_case(int number) {
  return fs::path(RB_TEST_DATA) / "instruct-pix2pix" / str("case-0", number);
}

double relative_error(const torch::Tensor& got, const torch::Tensor& expected) {
  return (got - expected).abs().max().item<double>() / expected.abs().max().item<double>();
}

void check_case(const fs::path& folder) {
  SCOPED_TRACE(folder.string());
  const torch::NoGradGuard no_grad;
  const io::SafetensorsFile io(folder / "io" / "io.safetensors");
  InstructPix2Pix model(folder, Placement{});
  const torch::Tensor levels = io.tensor("picture").to(torch::kFloat32);  // [S, S, 3]
  ASSERT_EQ(levels.size(0), model.picture_side());
  const torch::Tensor pixels = (levels / 127.5 - 1).permute({2, 0, 1}).unsqueeze(0);
  int64_t draws = 0;
  const auto fresh = [&](torch::IntArrayRef) { return io.tensor("fresh")[draws++]; };
  const reason::PaintSettings settings{std::stoll(io.metadata().at("steps")),
                                       std::stod(io.metadata().at("guidance")),
                                       std::stod(io.metadata().at("image_guidance"))};
  const torch::Tensor latent =
      model.sample(model.encode_text({io.metadata().at("instruction")}),
                   model.encode_picture(pixels), io.tensor("noise"), settings, fresh);
  EXPECT_LE(relative_error(latent, io.tensor("latent")), kTolerance);
  const torch::Tensor edited = (model.decode(latent) / 2 + 0.5).clamp(0, 1);
  EXPECT_LE(relative_error(edited, io.tensor("pixels")), kTolerance);
}

TEST(InstructPix2Pix, MatchesReference) {
  std::vector<fs::path> roots = {fs::path(RB_TEST_DATA) / "instruct-pix2pix"};
  if (const char* extra = std::getenv("RB_GOLDEN_DIR"))
    roots.push_back(fs::path(extra) / "instruct-pix2pix");
  int64_t count = 0;
  for (const fs::path& root : roots) {
    if (!fs::exists(root)) continue;
    for (const auto& entry : fs::directory_iterator(root)) {
      check_case(entry.path());
      ++count;
    }
  }
  EXPECT_GE(count, 3);
}

EditRequest request(uint64_t seed) {
  EditRequest out;
  out.image = io::Image(40, 24, 3);
  for (size_t i = 0; i < out.image.pixels.size(); ++i)
    out.image.pixels[i] = static_cast<uint8_t>(i * 37 % 251);
  out.instructions = {"make it snow"};
  out.seed = seed;
  return out;
}

TEST(InstructPix2Pix, IsAModelOfTheEditor) {
  const Editor editor(own_case(0), "cpu");
  const EditOptions defaults = editor.resolved({});
  EXPECT_EQ(*defaults.steps, 100);
  EXPECT_EQ(*defaults.guidance, 7.5);
  EXPECT_EQ(*defaults.image_guidance, 1.5);
  EXPECT_EQ(editor.model_sha256().size(), 64u);

  EditOptions options;
  options.steps = 3;
  options.num = 2;
  options.explain = true;
  const std::vector<EditResult> both = editor.edit({request(1), request(2)}, options);
  options.num = 1;
  const EditResult alone = editor.edit({request(2)}, options)[0];
  EXPECT_EQ(both[1].pictures[0][0], alone.pictures[0][0]);
  EXPECT_NE(both[0].pictures[0][0], alone.pictures[0][0]);
  EXPECT_NE(both[1].pictures[1][0], alone.pictures[0][0]);
  EXPECT_TRUE(alone.pictures[0][0].same_shape(request(2).image));
  ASSERT_EQ(alone.turns.size(), 1u);
  EXPECT_EQ(alone.turns[0].denoising.size(), 3u);
  const TempDir folder;
  write_explanation(alone, folder.path() / "why");
  EXPECT_TRUE(fs::exists(folder.path() / "why" / "index.html"));

  EditRequest long_one = request(1);
  long_one.instructions = {std::string(200, 'q')};
  EXPECT_THROW(editor.check(long_one, {}), Error);
  for (const std::string& bad : {std::string(" "), std::string("\xff"), std::string("a\0b", 3)}) {
    long_one.instructions = {bad};
    EXPECT_THROW(editor.check(long_one, {}), Error);
  }
}

// The message of the Error(kData) that loading a changed copy of the first case throws.
std::string refusal(const std::function<void(const fs::path&)>& change) {
  const TempDir temporary;
  const fs::path folder = temporary.path() / "model";
  fs::copy(own_case(0), folder, fs::copy_options::recursive);
  change(folder);
  try {
    InstructPix2Pix(folder, Placement{});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData) << error.what();
    return error.what();
  }
  return "accepted";
}

void set_json(const fs::path& file, const std::string& key, const nlohmann::json& value) {
  nlohmann::json json = io::read_json(file);
  json[key] = value;
  io::write_json(file, json);
}

TEST(InstructPix2Pix, NamesWhatItCannotUse) {
  const auto index = [](const char* part, const char* class_name) {
    return [=](const fs::path& folder) {
      set_json(folder / "model_index.json", part, nlohmann::json::array({"diffusers", class_name}));
    };
  };
  const std::string scheduler = refusal(index("scheduler", "HeunDiscreteScheduler"));
  EXPECT_NE(scheduler.find("HeunDiscreteScheduler"), std::string::npos) << scheduler;
  const std::string flow = refusal(index("scheduler", "FlowMatchEulerDiscreteScheduler"));
  EXPECT_NE(flow.find("FlowMatchEulerDiscreteScheduler"), std::string::npos) << flow;
  const std::string vae = refusal(index("vae", "VQModel"));
  EXPECT_NE(vae.find("VQModel"), std::string::npos) << vae;
  const std::string spacing = refusal([](const fs::path& folder) {
    set_json(folder / "scheduler" / "scheduler_config.json", "beta_schedule", "laplace");
  });
  EXPECT_NE(spacing.find("beta_schedule"), std::string::npos) << spacing;
  EXPECT_NE(refusal([](const fs::path& f) { fs::remove_all(f / "unet"); }), "accepted");
  EXPECT_NE(refusal([](const fs::path& f) { fs::remove_all(f / "tokenizer"); }), "accepted");
  // A plain text-to-image UNet beside the same autoencoder.
  const std::string channels = refusal([](const fs::path& folder) {
    set_json(folder / "vae" / "config.json", "latent_channels", 2);
  });
  EXPECT_NE(channels, "accepted");
}

}  // namespace
}  // namespace reasonbrain::edit
