// Pictures and words -> tensors, without any model: tokenizers, normalisation, regions on the patch
// grid.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "reason/denoiser_options.h"
#include "reason/inputs.h"
#include "reason/options.h"
#include "reasonbrain/image.h"
#include "text/tokenizer.h"

namespace reasonbrain::reason {

// One picture to be edited, already on the model's canvas.
struct Picture {
  io::Image canvas;  // RGB, S x S
  std::string instruction;
  std::vector<std::string> objects;  // referent first
  io::Image instance_map;            // 1 channel, S x S, 0 = background; empty: no regions
};

struct VisionProcessing {
  int64_t image_size = 0;         // pixels
  int64_t patch_size = 0;         // pixels
  std::vector<double> mean, std;  // per channel, of values in [0, 1]
  int64_t grid() const { return image_size / patch_size; }
};

// T5's tokens of an instruction, as diffusers' FluxPipeline makes them.
struct PromptProcessing {
  std::shared_ptr<const text::Tokenizer> tokenizer;  // empty: none are made
  int64_t max_sequence_length = 0;                   // tokens: filled up, cut off
};

class Processor {
 public:
  Processor(const ReasonOptions& reason, const DenoiserOptions& denoiser,
            const VisionProcessing& vision, int64_t max_clip_tokens,
            std::shared_ptr<const text::Tokenizer> llm_tokenizer,
            std::shared_ptr<const text::Tokenizer> clip_tokenizer, PromptProcessing prompt = {});

  // Throws Error(kUsage) when an instruction is empty, not UTF-8 or does not fit (got and limit in
  // tokens), Error(kData) when a picture is not S x S.
  EncoderInputs operator()(const std::vector<Picture>& pictures) const;

  int64_t picture_side() const { return denoiser_.picture_side; }
  const text::Tokenizer& llm_tokenizer() const { return *llm_tokenizer_; }

  // The prompt's texts and the instruction as LLM tokens, without BOS.
  std::vector<int64_t> instruction_tokens(const std::string& instruction) const;

  // Answer words -> r token ids: each word must be one token of the LLM's vocabulary; EOS fills the
  // rest. Throws Error(kData) naming a word that is not.
  std::vector<int64_t> answer_ids(const std::vector<std::string>& words) const;
  std::vector<std::string> answer_words(const std::vector<int64_t>& ids) const;

 private:
  void read_pictures(const std::vector<Picture>& pictures, EncoderInputs& out) const;
  void encode_words(const std::vector<Picture>& pictures, EncoderInputs& out) const;
  void encode_objects(const std::vector<Picture>& pictures, EncoderInputs& out) const;
  void encode_regions(const std::vector<Picture>& pictures, EncoderInputs& out) const;
  void fill_regions(const io::Image& instance_map, int64_t row, EncoderInputs& out) const;

  ReasonOptions reason_;
  DenoiserOptions denoiser_;
  VisionProcessing vision_;
  int64_t max_clip_tokens_;
  std::shared_ptr<const text::Tokenizer> llm_tokenizer_, clip_tokenizer_;
  PromptProcessing prompt_;
};

// Labels of an instance map in the order in which they become regions: largest first, ties by
// label.
std::vector<int> region_order(const io::Image& instance_map);

// RGB pictures of one size -> float32 [B, 3, H, W] in [-1, 1], and back (rounded, clamped).
torch::Tensor to_tensor(const std::vector<const io::Image*>& images);
io::Image to_image(const torch::Tensor& pixels);  // [3, H, W]

}  // namespace reasonbrain::reason
