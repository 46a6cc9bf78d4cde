// Exponential moving average of parameters (Polyak averaging), kept by name in float32.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "optim/named_tensors.h"

namespace reasonbrain::optim {

// min(decay, (1 + s) / (10 + s)) after s optimiser steps: early steps are not held back by the
// start.
double ema_decay_at(double decay, int64_t step);

class Ema {
 public:
  // Starts from the parameters' present values.
  Ema(NamedTensors parameters, double decay);

  void update(int64_t step);  // after optimiser step `step`, 1-based

  TensorMap state() const;                  // name -> average: the live tensors
  void load_state(const TensorMap& state);  // Error(kData) when names or shapes differ

  void copy_to_parameters() const;

 private:
  friend class EmaScope;

  NamedTensors parameters_;
  std::vector<torch::Tensor> averages_;
  double decay_;
};

// While it lives the parameters hold the averages; afterwards their own values, to the bit.
// A null pointer changes nothing.
class EmaScope {
 public:
  explicit EmaScope(Ema* ema);
  ~EmaScope();
  EmaScope(const EmaScope&) = delete;
  EmaScope& operator=(const EmaScope&) = delete;

 private:
  Ema* ema_;
  std::vector<torch::Tensor> own_;
};

}  // namespace reasonbrain::optim
