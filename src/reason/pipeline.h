// A whole ReasonBrain: tokenizers, towers, reasoning half, denoiser; built from options or from a
// model folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/placement.h"
#include "models/vae/vae.h"
#include "reason/denoiser.h"
#include "reason/encoder.h"
#include "reason/model.h"
#include "reason/pipeline_options.h"
#include "reason/processor.h"

namespace reasonbrain::reason {

// Tokens of the denoiser's context that the reasoning half gives.
int64_t context_tokens(const ReasonOptions& options);

class Pipeline : public torch::nn::Module {
 public:
  // From a configuration: parts with a path are loaded, the others are fresh, drawn from `seed`.
  // On the meta device nothing is loaded or drawn. Throws Error(kConfig), Error(kData).
  static std::shared_ptr<Pipeline> create(const PipelineOptions& options,
                                          const Placement& placement, uint64_t seed);

  // From a model folder, a checkpoint or a run folder (its best checkpoint, else the newest
  // complete one). Weights are converted to the placement's dtype. Throws Error(kData) when
  // something is missing, damaged, not finite, or does not carry the sha256 that the index states.
  static std::shared_ptr<Pipeline> load(const std::filesystem::path& folder,
                                        const Placement& placement);

  // These parts will not stay as their paths hold them: save() writes them whole. Of vision, text,
  // llm, vae, denoiser, text_2.
  void detach_paths(const std::vector<std::string>& names);

  // A model folder in the weights' dtype. A part from a path whose own weights stay as they are
  // (train frozen or lora) is referred to by that path and its sha256; every other part is written.
  // Adapters are always written. Overwrites files of the same name.
  void save(const std::filesystem::path& folder);

  // Whether save() only refers to the folder that holds this parameter or buffer.
  bool is_referenced(const std::string& name) const;
  // The weights in those folders: "weights of model.parts.llm" -> sha256, read once.
  std::map<std::string, std::string> references();

  Inputs encode(const EncoderInputs& inputs);  // towers and source latents
  ModelOutputs reason(const Inputs& inputs, bool want_logits, bool paint = true,
                      models::llama::LayerHook* hook = nullptr) {
    return model->forward(inputs, want_logits, paint, hook);
  }
  Denoiser& denoiser() { return *denoiser_; }

  // What of each part learns from now on (PartOptions::train and lora), whatever a model folder
  // said. Error(kConfig) when train is lora and the part has adapters of another rank already.
  void set_training(const PartsOptions& parts);

  // Lets learn what the joint stage trains, by parts.X.train, and nothing else. Error(kConfig) for
  // a mode that the part does not have.
  void train_joint(uint64_t seed);

  // Gives the LLM fresh adapters (options().parts.llm.lora) unless it has some; only adapters
  // learn.
  void ensure_llm_lora(uint64_t seed);

  const PipelineOptions& options() const { return options_; }
  const Processor& processor() const { return *processor_; }
  const Placement& placement() const { return placement_; }

  // sha256 over the model folder it was loaded from; "" when it was not.
  const std::string& sha256() const { return sha256_; }

  Encoder encoder = nullptr;
  Model model = nullptr;

 private:
  Pipeline(const PipelineOptions& options, const Placement& placement);
  void build(uint64_t seed, const nn::StateDict* own_weights, const std::string& origin);
  std::shared_ptr<Denoiser> build_denoiser(uint64_t seed, const models::vae::AutoencoderKL& vae);
  models::t5::T5Encoder build_text_2(uint64_t seed, const nn::Build& build);
  torch::nn::Module* adapted_part(const std::string& name);  // nullptr: has no adapters
  const std::string& referenced_sha256(const std::string& path);
  void require_usable_options() const;
  std::unique_ptr<Processor> make_processor() const;

  PipelineOptions options_;
  Placement placement_;
  std::shared_ptr<Denoiser> denoiser_;
  std::shared_ptr<torch::nn::Module> backbone_;  // of the denoiser
  std::unique_ptr<Processor> processor_;
  std::string sha256_;
  std::map<std::string, std::string> referenced_sha256_;  // path -> of its weights, as loaded
};

// The model folder that `folder` stands for: itself, a checkpoint's, or a run folder's.
std::filesystem::path find_model_folder(const std::filesystem::path& folder);

// The options of a model in a folder as load() takes it, without reading weights: from what the
// folder says and the configurations in the folders of its parts; paths of parts are left out.
// Error(kData) for what is missing or damaged.
PipelineOptions read_model_options(const std::filesystem::path& folder);

}  // namespace reasonbrain::reason
