// A small task that has nothing to do with pictures: a two-layer regression on generated samples.
// It draws keyed noise in collate() and uses LibTorch's dropout, so that resuming has something to
// get wrong.
#pragma once

#include <torch/types.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "core/rng.h"
#include "core/str.h"
#include "nn/linear.h"
#include "nn/state_dict.h"
#include "reasonbrain/safetensors.h"
#include "reasonbrain/task.h"

namespace reasonbrain::train {

class ToySource : public data::SampleSource {
 public:
  int64_t size() const override { return 22; }  // not a multiple of the batch sizes in the tests
  data::Sample get(int64_t index) const override {
    Rng rng(11, {static_cast<uint64_t>(index)});
    data::Sample sample;
    sample.record.id = str("sample-", index);
    sample.source = io::Image(1, 1, 3);
    for (uint8_t& pixel : sample.source.pixels) pixel = static_cast<uint8_t>(rng.below(256));
    return sample;
  }
  std::string fingerprint() const override { return "toy"; }
};

struct ToyBatch : Batch {
  torch::Tensor inputs;   // [B, 3] in [0, 1], with noise
  torch::Tensor targets;  // [B]
};

struct ToyModelImpl : torch::nn::Module {
  ToyModelImpl() {
    hidden = register_module("hidden", nn::Linear(3, 16, /*bias=*/true, nn::Build{}));
    out = register_module("out", nn::Linear(16, 1, /*bias=*/true, nn::Build{}));
  }
  torch::Tensor forward(const torch::Tensor& x, double dropout) {  // [B, 3] -> [B]
    const torch::Tensor h = torch::dropout(torch::tanh(hidden(x)), dropout, is_training());
    return out(h).squeeze(1);
  }
  nn::Linear hidden{nullptr}, out{nullptr};
};
TORCH_MODULE(ToyModel);

class ToyTask : public Task {
 public:
  double dropout = 0.2;
  double noise = 0.05;
  std::string poisoned_id;  // this sample's input is not a number
  std::string metric = "val_loss";
  std::function<void(int64_t)> before_losses;  // called with the number of earlier calls
  ToyModel model;

  ToyTask() { nn::init_weights(*model, /*seed=*/3); }

  std::vector<std::string> stages() const override { return {"all", "last"}; }
  void begin_stage(const std::string& stage) override {
    nn::set_requires_grad(*model->hidden, stage == "all");
  }
  std::shared_ptr<data::SampleSource> source() const override {
    return std::make_shared<ToySource>();
  }

  std::unique_ptr<Batch> collate(std::vector<data::Sample>&& samples,
                                 const BatchInfo& info) const override {
    auto batch = std::make_unique<ToyBatch>();
    std::vector<float> inputs, targets;
    for (size_t i = 0; i < samples.size(); ++i) {
      batch->sample_ids.push_back(samples[i].record.id);
      Rng rng(info.seed, {static_cast<uint64_t>(info.epoch), static_cast<uint64_t>(info.indices[i]),
                          hash_key("noise")});
      const auto& pixels = samples[i].source.pixels;
      for (int c = 0; c < 3; ++c) {
        inputs.push_back(pixels[c] / 255.0f + static_cast<float>(noise * rng.normal()));
      }
      if (samples[i].record.id == poisoned_id) inputs.back() = NAN;
      targets.push_back(target(pixels));
    }
    batch->inputs = torch::tensor(inputs).view({-1, 3});
    batch->targets = torch::tensor(targets);
    return batch;
  }

  // "size" counts only samples whose first input is large: a count that differs between batches.
  std::vector<LossCount> counts(const Batch& batch) const override {
    const auto& toy = static_cast<const ToyBatch&>(batch);
    return {{"square", static_cast<double>(toy.targets.size(0))},
            {"size", large(toy).sum().item<double>()},
            {"never", 0}};
  }
  std::vector<LossTerm> losses(const Batch& batch) override {
    if (before_losses) before_losses(calls_++);
    const auto& toy = static_cast<const ToyBatch&>(batch);
    const torch::Tensor predicted = model->forward(toy.inputs, dropout);
    return {{"square", (predicted - toy.targets).square().sum(), 1},
            {"size", (predicted.abs() * large(toy)).sum(), 0.1},
            {"never", torch::zeros({}), 1}};
  }

  torch::nn::Module& module() override { return *model; }
  std::vector<ParameterGroup> parameter_groups() override {
    ParameterGroup decayed{"decayed", {}, 1, 0.05}, plain{"plain", {}, 0.5, 0};
    for (const auto& entry : model->named_parameters()) {
      if (!entry.value().requires_grad()) continue;
      (entry.value().dim() > 1 ? decayed : plain)
          .parameters.emplace_back(entry.key(), entry.value());
    }
    return {decayed, plain};
  }

  std::map<std::string, double> evaluate() override {
    std::vector<data::Sample> samples;
    BatchInfo info{.seed = 1};
    for (int64_t i = 100; i < 116; ++i) {
      samples.push_back(ToySource().get(i));
      info.indices.push_back(i);
    }
    const auto batch = collate(std::move(samples), info);
    const auto& toy = static_cast<const ToyBatch&>(*batch);
    const double loss =
        (model->forward(toy.inputs, dropout) - toy.targets).square().mean().item<double>();
    return {{"val_loss", loss}, {"val_score", -loss}};
  }
  std::string best_metric() const override { return metric; }
  bool best_is_highest() const override { return metric == "val_score"; }

  void preview(const std::filesystem::path& folder) override {
    write_file_atomic(folder / "preview.txt", str(evaluate().at("val_loss")));
  }
  void export_model(const std::filesystem::path& folder) override {
    io::save_safetensors(folder / "model.safetensors", nn::state_dict(*model));
  }

 private:
  static float target(const std::vector<uint8_t>& pixels) {
    return std::sin(pixels[0] / 80.0f) + pixels[1] * pixels[2] / 65025.0f;
  }
  static torch::Tensor large(const ToyBatch& batch) {  // [B], 0 or 1
    return (batch.inputs.select(1, 0) > 0.5).to(torch::kFloat32);
  }

  int64_t calls_ = 0;
};

}  // namespace reasonbrain::train
