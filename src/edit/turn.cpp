#include "edit/turn.h"

#include <algorithm>
#include <cmath>

#include "edit/attention_recorder.h"

namespace reasonbrain::edit {
namespace {

void explain_reasoning(reason::Pipeline& pipeline, const reason::Inputs& inputs,
                       const reason::ModelOutputs& outputs, int64_t row, Turn& turn) {
  AttentionRecorder recorder(outputs.layout);
  pipeline.reason(inputs, /*want_logits=*/false, /*paint=*/false, &recorder);
  const torch::Tensor attention =
      recorder.mean()[row].to(torch::kCPU, torch::kFloat32).contiguous();
  turn.num_guidance_tokens = attention.size(0);
  turn.attention_grid = std::lround(std::sqrt(static_cast<double>(attention.size(1))));
  turn.attention.assign(attention.data_ptr<float>(),
                        attention.data_ptr<float>() + attention.numel());
  if (pipeline.options().reason.mllm_scope != reason::MllmScope::kAnswerWords) return;
  const auto [confidence, ids] =
      at::softmax(outputs.logits[row].to(torch::kCPU, torch::kFloat32), -1).max(-1);
  const torch::Tensor best = ids.contiguous();
  turn.answer = pipeline.processor().answer_words(
      {best.data_ptr<int64_t>(), best.data_ptr<int64_t>() + best.numel()});
  for (size_t i = 0; i < turn.answer.size(); ++i) {
    turn.answer_confidence.push_back(confidence[static_cast<int64_t>(i)].item<double>());
  }
}

// Rows first .. first + count - 1 of the pictures with the jobs that want them.
class Slice {
 public:
  Slice(reason::Pipeline& pipeline, const std::vector<reason::Picture>& pictures, int64_t first,
        int64_t count, bool explain)
      : pipeline_(pipeline), first_(first), count_(count), explain_(explain) {
    const std::vector<reason::Picture> own(pictures.begin() + first,
                                           pictures.begin() + first + count);
    const reason::EncoderInputs encoder_inputs =
        pipeline.processor()(own).to(pipeline.placement().device);
    inputs_ = pipeline.encode(encoder_inputs);
    outputs_ = pipeline.reason(inputs_, /*want_logits=*/explain);
  }

  void sample(const std::vector<SampleJob>& jobs, const reason::PaintSettings& settings,
              int64_t batch_size, TurnResult& result) {
    std::vector<SampleJob> own;
    std::vector<size_t> where;
    const auto flush = [&] {
      if (!own.empty()) sample_batch(own, where, settings, result);
      own.clear();
      where.clear();
    };
    for (size_t j = 0; j < jobs.size(); ++j) {
      if (jobs[j].row < first_ || jobs[j].row >= first_ + count_) continue;
      own.push_back({jobs[j].key, jobs[j].row - first_});
      where.push_back(j);
      if (static_cast<int64_t>(own.size()) == batch_size) flush();
    }
    flush();
  }

 private:
  void sample_batch(const std::vector<SampleJob>& jobs, const std::vector<size_t>& where,
                    const reason::PaintSettings& settings, TurnResult& result) {
    OnPictures on_pictures;
    if (explain_) {
      on_pictures = [&](int64_t, const torch::Tensor& pixels) {
        for (size_t j = 0; j < jobs.size(); ++j) {
          if (jobs[j].key.picture != 0) continue;
          Turn& turn = result.turns[static_cast<size_t>(first_ + jobs[j].row)];
          turn.denoising.push_back(reason::to_image(pixels[static_cast<int64_t>(j)]));
        }
      };
    }
    const torch::Tensor pixels =
        sample_pictures(pipeline_, outputs_.guidance, inputs_.source, jobs, settings, on_pictures);
    for (size_t j = 0; j < jobs.size(); ++j) {
      io::Image& edited = result.edited[where[j]];
      edited = reason::to_image(pixels[static_cast<int64_t>(j)]);
      if (!explain_ || jobs[j].key.picture != 0) continue;
      Turn& turn = result.turns[static_cast<size_t>(first_ + jobs[j].row)];
      turn.edited = edited;
      explain_reasoning(pipeline_, inputs_, outputs_, jobs[j].row, turn);
    }
  }

  reason::Pipeline& pipeline_;
  const int64_t first_, count_;
  const bool explain_;
  reason::Inputs inputs_;
  reason::ModelOutputs outputs_;
};

}  // namespace

Turn begin_turn(const reason::Picture& picture) {
  Turn turn;
  turn.instruction = picture.instruction;
  turn.objects = picture.objects;
  turn.canvas = picture.canvas;
  turn.instance_map = picture.instance_map;
  return turn;
}

TurnResult run_turn(reason::Pipeline& pipeline, const std::vector<reason::Picture>& pictures,
                    const std::vector<SampleJob>& jobs, const reason::PaintSettings& settings,
                    int64_t batch_size, bool explain) {
  const c10::InferenceMode inference;  // cheaper than NoGradGuard: no version counters
  TurnResult result;
  result.edited.resize(jobs.size());
  if (explain) {
    for (const reason::Picture& picture : pictures) result.turns.push_back(begin_turn(picture));
  }
  const auto total = static_cast<int64_t>(pictures.size());
  for (int64_t first = 0; first < total; first += batch_size) {
    Slice(pipeline, pictures, first, std::min(batch_size, total - first), explain)
        .sample(jobs, settings, batch_size, result);
  }
  return result;
}

}  // namespace reasonbrain::edit
