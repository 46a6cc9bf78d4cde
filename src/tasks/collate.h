// Samples -> the tensors of a training batch. Pure: every draw is keyed by (seed, epoch, sample,
// purpose).
//
// Legend: B batch, S picture side, r guidance tokens, K regions, n_o objects, L label slots, C x h
// x w latent.
#pragma once

#include "reason/denoiser.h"
#include "reason/hallucination_options.h"
#include "reason/processor.h"
#include "reasonbrain/task.h"
#include "tasks/options.h"

namespace reasonbrain::tasks {

// What a step of training takes: the model's inputs, what it should say and paint, and all that is
// drawn.
//
// edit_density: how much a pixel tells the target from the other outcomes, the source among them.
// Each other outcome has the same part, spread evenly over the pixels where it differs from the
// target and divided by how much it differs there, so that taking any of them for the target costs
// the same in L1: pale or small differences as much as large ones. The mean is 1 where that
// difference is .3 of the range; it is at most 4.8, and 0 where no outcome differs.
struct ReasonBatch : train::Batch {
  reason::EncoderInputs inputs;
  torch::Tensor target;         // [B, 3, S, S] in [-1, 1]
  torch::Tensor edit_mask;      // float32 [B, 1, S, S]: 1 where any outcome differs from another
  torch::Tensor edit_density;   // float32 [B, 1, S, S]: see above
  torch::Tensor answer_ids;     // int64 [B, r]
  torch::Tensor region_labels;  // int64 [B, K, L]; -1: not scored
  torch::Tensor object_labels;  // int64 [B, n_o, L]; -1: not scored
  torch::Tensor noise;          // [B, C, h, w]
  torch::Tensor time;           // float32 [B] in [0, 1]
  torch::Tensor keep_text, keep_image;  // float32 [B]
  torch::Tensor open_gate;  // float32 [B, 1, S, S]: 1 where copy_paint must paint (mix.open_gate)
  bool is_validation = false;
  reason::SelectionDraw selection;
};

// The sample on the model's canvas, side x side, fitted as `edit` fits a picture: as it is when it
// has that size. Error(kData) naming a record whose target has not the source's size.
data::Sample on_canvas(data::Sample sample, int side);

class Collator {
 public:
  // `max_objects`: of those that rules find, as `edit` takes them (reason.idc.max_objects).
  Collator(const TaskOptions& options, const reason::Processor& processor,
           std::vector<int64_t> latent_shape, int64_t max_objects, bool answer_words,
           std::vector<std::vector<std::string>> label_slots);

  // Of samples that are on_canvas().
  ReasonBatch operator()(const std::vector<data::Sample>& samples,
                         const train::BatchInfo& info) const;

  // As `edit` would see the sample: its own regions and objects, nothing dropped.
  reason::Picture plain_picture(const data::Sample& sample) const;

 private:
  reason::Picture draw_picture(const data::Sample& sample, Rng& rng) const;
  void label_regions(const data::Sample& sample, const io::Image& used, torch::Tensor row) const;
  void label_objects(const data::Sample& sample, const std::vector<std::string>& used,
                     torch::Tensor row) const;
  void write_words(const data::Sample& sample, int label, torch::Tensor row) const;

  TaskOptions options_;
  const reason::Processor& processor_;
  std::vector<int64_t> latent_shape_;
  int max_objects_;
  bool answer_words_;
  std::vector<std::map<std::string, int64_t>> label_ids_;  // per slot: word -> class
};

}  // namespace reasonbrain::tasks
