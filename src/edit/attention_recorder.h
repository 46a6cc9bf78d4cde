// Records where the guidance tokens look in the picture.
#pragma once

#include <torch/types.h>

#include "models/llama/layer_hook.h"
#include "reason/model.h"

namespace reasonbrain::edit {

class AttentionRecorder : public models::llama::LayerHook {
 public:
  explicit AttentionRecorder(const reason::SequenceLayout& layout) : layout_(layout) {}

  torch::Tensor wanted_rows(int64_t /*layer*/) override {
    return at::arange(layout_.img_begin, layout_.img_end, torch::kInt64);
  }

  void take_rows(int64_t /*layer*/, const torch::Tensor& weights) override {  // [B, H, r, T]
    const torch::Tensor image =
        weights.narrow(3, layout_.image_begin, layout_.image_end - layout_.image_begin).mean(1);
    sum_ = sum_.defined() ? sum_ + image : image;
    ++num_layers_;
  }

  // [B, r, g * g], mean over heads and layers.
  torch::Tensor mean() const { return sum_ / static_cast<double>(num_layers_); }

 private:
  const reason::SequenceLayout layout_;
  torch::Tensor sum_;
  int64_t num_layers_ = 0;
};

}  // namespace reasonbrain::edit
