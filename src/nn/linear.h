// y = x W^T + b, with a slot for a LoRA adapter (Hu et al. 2021; keys and scale as in PEFT).
#pragma once

#include "nn/module.h"

namespace reasonbrain::nn {

class LinearImpl : public Module {
 public:
  LinearImpl(int64_t in_features, int64_t out_features, bool bias, const Build& build);

  torch::Tensor forward(const torch::Tensor& x);  // [..., in_features] -> [..., out_features]

  // Adds trainable lora_A [rank, in] and lora_B [out, rank]; y gains scale * (x A^T) B^T. A starts
  // as U(-1/sqrt(in), 1/sqrt(in)) (PEFT: kaiming_uniform with a = sqrt 5), B as zero, so y is
  // unchanged.
  void attach_lora(int64_t rank, double scale);
  bool has_lora() const { return lora_A.defined(); }

  // Adds the adapter to the weight and removes it.
  void merge_lora();

  int64_t in_features() const { return in_features_; }
  int64_t out_features() const { return out_features_; }

  torch::Tensor weight;          // [out, in]
  torch::Tensor bias;            // [out] or undefined
  torch::Tensor lora_A, lora_B;  // undefined until attached
  double lora_scale = 0;

 private:
  int64_t in_features_, out_features_;
};
TORCH_MODULE(Linear);

}  // namespace reasonbrain::nn
