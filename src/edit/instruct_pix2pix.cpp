#include "edit/instruct_pix2pix.h"

#include "core/sha256.h"
#include "core/str.h"
#include "diffusion/guidance.h"
#include "io/json.h"
#include "io/json_options.h"
#include "models/clip/folder.h"
#include "models/hf_folder.h"
#include "models/unet/folder.h"
#include "models/vae/folder.h"
#include "reasonbrain/error.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::edit {
namespace {

namespace fs = std::filesystem;

constexpr const char* kClass = "StableDiffusionInstructPix2PixPipeline";
constexpr int64_t kDefaultLatentSide = 64;  // of a UNet that states none

// The class of a part as the index names it: ["diffusers", "AutoencoderKL"].
std::string part_class(const nlohmann::json& index, const std::string& part,
                       const std::string& origin) {
  const auto found = index.find(part);
  const bool named =
      found != index.end() && found->is_array() && found->size() == 2 && (*found)[1].is_string();
  if (!named) throw data_error(str(origin, ": names no part '", part, "'"));
  return (*found)[1];
}

void expect_class(const nlohmann::json& index, const std::string& part, const std::string& expected,
                  const std::string& origin) {
  const std::string got = part_class(index, part, origin);
  if (got != expected) {
    throw data_error(str(origin, ": part '", part, "' is a ", got,
                         ", which is not supported; expected ", expected));
  }
}

// The index decides the class, as in the reference; scheduler_config.json the options.
diffusion::SchedulerConfig read_scheduler(const fs::path& folder, const std::string& class_name) {
  const fs::path file = folder / "scheduler_config.json";
  nlohmann::json json = io::read_python_json(file);
  if (json.is_object()) json["_class_name"] = class_name;
  auto config = diffusion::SchedulerConfig::defaults_for(json);
  io::read_json_options(json, config, file.string(), {.ignore_unknown = true});
  if (config.is_flow()) {
    throw data_error(str(file.string(), ": InstructPix2Pix is not sampled by ", class_name,
                         "; expected a scheduler of noise, such as DDIMScheduler"));
  }
  try {
    config.validate(ErrorKind::kData);
    diffusion::Sampler::make(config);
  } catch (const Error& error) {
    throw data_error(str(file.string(), ": ", error.what()));
  }
  return config;
}

int64_t read_max_tokens(const fs::path& tokenizer, int64_t positions) {
  const fs::path file = tokenizer / "tokenizer_config.json";
  if (!fs::exists(file)) return positions;
  const nlohmann::json config = io::read_json(file);
  const auto found = config.find("model_max_length");
  if (found == config.end() || !found->is_number()) return positions;
  const double stated = found->get<double>();  // 1e30 where it is not known
  return stated >= 3 && stated < static_cast<double>(positions) ? static_cast<int64_t>(stated)
                                                                : positions;
}

std::string model_sha256(const fs::path& folder) {
  std::string lines = str("settings ", models::settings_sha256(folder), "\n");
  for (const char* part : {"text_encoder", "unet", "vae"}) {
    for (const fs::path& file : io::TensorStore(folder / part).files())
      lines += str(part, "/", file.filename().string(), " ", sha256_file(file), "\n");
  }
  return sha256_hex(lines);
}

}  // namespace

bool InstructPix2Pix::is_folder(const fs::path& folder) {
  const fs::path index = folder / "model_index.json";
  if (!fs::exists(index)) return false;
  const nlohmann::json json = io::read_json(index);
  return json.is_object() && json.contains("_class_name") && json["_class_name"] == kClass;
}

InstructPix2Pix::InstructPix2Pix(const fs::path& folder, const Placement& placement)
    : placement_(placement) {
  const std::string origin = (folder / "model_index.json").string();
  const nlohmann::json index = io::read_json(folder / "model_index.json");
  expect_class(index, "unet", "UNet2DConditionModel", origin);
  expect_class(index, "vae", "AutoencoderKL", origin);
  expect_class(index, "text_encoder", "CLIPTextModel", origin);
  scheduler_ = read_scheduler(folder / "scheduler", part_class(index, "scheduler", origin));

  const nlohmann::json text_config = io::read_json(folder / "text_encoder" / "config.json");
  if (text_config.is_object() &&
      text_config.value("use_attention_mask", nlohmann::json()) == true) {
    throw data_error(str((folder / "text_encoder").string(),
                         ": 'use_attention_mask' true is not supported; expected false"));
  }

  const nn::Build build{placement.options()};
  unet_ = models::unet::load(folder / "unet", build).model;
  vae_ = models::vae::load(folder / "vae", build).model;
  text_ = models::clip::load_text(folder / "text_encoder", build).model;
  tokenizer_ = text::load_tokenizer(folder / "tokenizer");
  unet_->eval();
  vae_->eval();
  text_->eval();
  max_tokens_ = read_max_tokens(folder / "tokenizer", text_->config().max_position_embeddings);

  const auto& unet = unet_->config();
  const int64_t channels = vae_->config().latent_channels;
  if (unet.in_channels != 2 * channels || unet.out_channels != channels) {
    throw data_error(str((folder / "unet").string(), ": the UNet has ", unet.in_channels,
                         " input and ", unet.out_channels, " output channels, expected ",
                         2 * channels, " and ", channels, " for latents of ", channels,
                         " channels beside those of the source"));
  }
  const int64_t width = unet.cross_attention_dim.front();
  if (width != text_->config().hidden_size) {
    throw data_error(str(folder.string(), ": the UNet reads a text of width ", width,
                         ", the text encoder has ", text_->config().hidden_size));
  }
  if (tokenizer_->vocab_size() > text_->config().vocab_size) {
    throw data_error(str(folder.string(), ": the tokenizer has ", tokenizer_->vocab_size(),
                         " tokens, the text encoder ", text_->config().vocab_size));
  }
  sha256_ = model_sha256(folder);
}

std::vector<int64_t> InstructPix2Pix::tokens(const std::string& instruction) const {
  std::vector<int64_t> ids = tokenizer_->encode(instruction, /*add_special=*/true);
  if (static_cast<int64_t>(ids.size()) > max_tokens_) {
    throw usage_error(str("the instruction has ", ids.size(), " tokens, this model takes at most ",
                          max_tokens_, "; shorten it"));
  }
  const int64_t pad = tokenizer_->pad_id().value_or(tokenizer_->eos_id().value_or(0));
  ids.resize(static_cast<size_t>(max_tokens_), pad);
  return ids;
}

torch::Tensor InstructPix2Pix::encode_text(const std::vector<std::string>& instructions) {
  std::vector<torch::Tensor> rows;
  for (const std::string& instruction : instructions)
    rows.push_back(at::tensor(tokens(instruction), torch::kInt64));
  return text_->forward(at::stack(rows).to(placement_.device)).last_hidden_state;
}

// The mode, not multiplied by the scaling factor.
torch::Tensor InstructPix2Pix::encode_picture(const torch::Tensor& pixels) {
  return vae_->encode(pixels.to(placement_.options())).mean;
}

torch::Tensor InstructPix2Pix::decode(const torch::Tensor& latent) {
  return vae_->decode((latent / vae_->config().scaling_factor).to(placement_.dtype))
      .to(torch::kFloat32);
}

torch::Tensor InstructPix2Pix::sample(const torch::Tensor& text, const torch::Tensor& source,
                                      const torch::Tensor& noise,
                                      const reason::PaintSettings& settings,
                                      const diffusion::NoiseSource& step_noise,
                                      const diffusion::OnStep& on_step) {
  const bool guided = settings.text_scale > 1 && settings.image_scale >= 1;
  const auto passes = guided ? diffusion::guidance_passes(settings.text_scale, settings.image_scale)
                             : diffusion::guidance_passes(/*text_scale=*/1, /*image_scale=*/1);
  const auto count = static_cast<int64_t>(passes.size());
  const torch::Tensor null_text = encode_text({""}).expand_as(text);
  std::vector<torch::Tensor> texts, sources;
  for (const diffusion::GuidancePass& pass : passes) {
    texts.push_back(pass.kind == diffusion::PassKind::kFull ? text : null_text);
    sources.push_back(pass.kind == diffusion::PassKind::kNone ? at::zeros_like(source) : source);
  }
  const torch::Tensor context = at::cat(texts), pictures = at::cat(sources);
  const auto sampler = diffusion::Sampler::make(scheduler_);
  sampler->set_timesteps(settings.steps);
  const auto answer = [&](const torch::Tensor& x, double timestep) {
    const torch::Tensor z = x.repeat({count, 1, 1, 1}).to(source.scalar_type());
    const torch::Tensor t = at::full({z.size(0)}, timestep, z.options().dtype(torch::kFloat32));
    return diffusion::combine_guidance(
        unet_->forward(at::cat({z, pictures}, 1), t, context).to(torch::kFloat32), passes);
  };
  return diffusion::denoise(*sampler, answer, noise.to(torch::kFloat32), step_noise, on_step);
}

int64_t InstructPix2Pix::picture_side() const {
  const int64_t side = unet_->config().sample_size;
  return (side > 0 ? side : kDefaultLatentSide) * vae_->config().downscale();
}

int64_t InstructPix2Pix::num_parameters() const {
  return nn::count_parameters(*unet_).total + nn::count_parameters(*vae_).total +
         nn::count_parameters(*text_).total;
}

}  // namespace reasonbrain::edit
