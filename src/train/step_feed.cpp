#include "train/step_feed.h"

#include <ATen/Parallel.h>

#include <iterator>
#include <utility>

namespace reasonbrain::train {
namespace {

data::LoaderOptions loader_options(const Stage& stage, uint64_t seed, const RunInfo& run) {
  return {.batch_size = stage.settings.batch_size,
          .workers = run.data_workers,
          .prefetch = run.data_prefetch,
          .shuffle = true,
          .seed = seed};
}

MicroBatches collate_by_epoch(const Task& task, uint64_t seed, int64_t source_size,
                              std::vector<data::Sample>&& samples, const data::BatchKeys& info) {
  MicroBatches batches;
  for (size_t begin = 0, end = 0; begin < samples.size(); begin = end) {
    const data::SampleKey& first = info.keys[begin];
    BatchInfo part{seed, first.epoch, first.position - first.epoch * source_size, {}};
    std::vector<data::Sample> part_samples;
    for (; end < samples.size() && info.keys[end].epoch == first.epoch; ++end) {
      part.indices.push_back(info.keys[end].index);
      part_samples.push_back(std::move(samples[end]));
    }
    batches.push_back(task.collate(std::move(part_samples), part));
  }
  return batches;
}

}  // namespace

StepFeed::StepFeed(const Task& task, const Stage& stage, uint64_t seed, int64_t first_step,
                   const RunInfo& run, bool one_batch)
    : loader_(
          task.source(), loader_options(stage, seed, run),
          [&task, seed, size = task.source()->size()](std::vector<data::Sample>&& samples,
                                                      const data::BatchKeys& info) {
            return collate_by_epoch(task, seed, size, std::move(samples), info);
          },
          one_batch ? 0 : first_step * stage.samples_per_step(),
          // Of that thread alone: with a team of its own, which waits by spinning, a worker would
          // take the cores from the thread that trains.
          /*begin_worker=*/[] { at::set_num_threads(1); }),
      accumulate_(stage.settings.accumulate),
      source_size_(task.source()->size()),
      one_batch_(one_batch) {}

const MicroBatches& StepFeed::next() {
  if (one_batch_ && !batches_.empty()) return batches_;
  epoch_ = loader_.position() / source_size_;
  batches_.clear();
  for (int64_t i = 0; i < accumulate_; ++i) {
    MicroBatches more = loader_.next();
    std::move(more.begin(), more.end(), std::back_inserter(batches_));
  }
  return batches_;
}

double StepFeed::take_wait_seconds() {
  const double since = loader_.wait_seconds() - wait_seconds_taken_;
  wait_seconds_taken_ = loader_.wait_seconds();
  return since;
}

}  // namespace reasonbrain::train
