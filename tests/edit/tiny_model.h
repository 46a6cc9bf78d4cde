// A model folder of random weights, small enough to be built in a test.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

#include "core/str.h"
#include "reason/pipeline.h"
#include "text/train_tokenizer.h"

namespace reasonbrain::edit {

constexpr int kTinySide = 32;

inline reason::PipelineOptions tiny_options(const std::filesystem::path& tokenizers) {
  reason::PipelineOptions options;
  options.preset = "tiny";
  options.tokenizers.llm = (tokenizers / "llm").string();
  options.tokenizers.text = (tokenizers / "text").string();
  options.vision.hidden_size = 32;
  options.vision.intermediate_size = 64;
  options.vision.num_hidden_layers = 2;
  options.vision.num_attention_heads = 2;
  options.vision.projection_dim = 16;
  options.vision.image_size = kTinySide;
  options.vision.patch_size = 8;
  options.text.hidden_size = 32;
  options.text.intermediate_size = 64;
  options.text.num_hidden_layers = 1;
  options.text.num_attention_heads = 2;
  options.text.projection_dim = 16;
  options.llm.hidden_size = 32;
  options.llm.intermediate_size = 64;
  options.llm.num_hidden_layers = 2;
  options.llm.num_attention_heads = 2;
  options.llm.max_position_embeddings = 256;
  options.qformer.hidden_size = 32;
  options.qformer.num_hidden_layers = 1;
  options.qformer.num_attention_heads = 2;
  options.qformer.intermediate_size = 64;
  options.qformer.cross_attention_frequency = 1;
  options.denoiser.codec = reason::LatentCodec::kPixelBlocks;
  options.denoiser.prediction = reason::Prediction::kCopyPaint;
  options.denoiser.pixel_block = 4;
  options.denoiser.picture_side = kTinySide;
  options.unet.in_channels = 48;
  options.unet.out_channels = 64;
  options.unet.down_block_types = {"DownBlock2D", "CrossAttnDownBlock2D"};
  options.unet.up_block_types = {"CrossAttnUpBlock2D", "UpBlock2D"};
  options.unet.block_out_channels = {16, 16};
  options.unet.layers_per_block = {1};
  options.unet.cross_attention_dim = {32};
  options.unet.attention_head_dim = {2};
  options.unet.norm_num_groups = 4;
  options.scheduler.class_name = "FlowMatchEulerDiscreteScheduler";
  options.scheduler.prediction_type = diffusion::PredictionType::kSample;
  options.reason.width = 32;
  options.reason.num_heads = 2;
  options.reason.num_guidance_tokens = 4;
  options.reason.num_queries = 6;
  options.reason.initializer_range = 0.2;
  options.initializer_range = 0.2;
  options.reason.mllm_scope = reason::MllmScope::kAnswerWords;
  options.reason.prompt.max_instruction_tokens = 24;
  options.reason.frce.layers = {1, 2};
  options.reason.frce.patch_layers = 1;
  options.reason.frce.region_layers = 1;
  options.reason.frce.max_regions = 8;
  options.reason.idc.max_objects = 3;
  options.inference.steps = 3;
  return options;
}

// Saves the model in `folder`.
inline void make_tiny_model(const std::filesystem::path& folder) {
  const std::vector<std::string> words = {"What", "if",   "the", "block", "melts",
                                          "wolf", "left", "?",   "red",   "gone"};
  const std::filesystem::path tokenizers = folder / "tokenizers";
  text::train_llama_tokenizer({"What if the red block melts ?", "What if the wolf left ?"}, words,
                              tokenizers / "llm");
  text::train_clip_tokenizer(words, tokenizers / "text");
  reason::PipelineOptions options = tiny_options(tokenizers);
  const auto llm = text::load_tokenizer(tokenizers / "llm");
  const auto clip = text::load_tokenizer(tokenizers / "text");
  options.llm.vocab_size = llm->vocab_size();
  options.text.vocab_size = clip->vocab_size();
  options.text.eos_token_id = *clip->eos_id();
  reason::Pipeline::create(options, Placement{}, /*seed=*/3)->save(folder);
}

}  // namespace reasonbrain::edit
