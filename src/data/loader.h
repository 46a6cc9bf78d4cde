// Batches of samples, made ahead by worker threads.
//
// What a batch holds depends on (seed, position) alone: not on the number of workers, on timing or
// on where the loader was started. So a run resumes at any position, and draws keyed by SampleKey
// repeat.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "data/permutation.h"
#include "reasonbrain/describe.h"
#include "reasonbrain/error.h"
#include "reasonbrain/sample_source.h"

namespace reasonbrain::data {

struct LoaderOptions {
  int64_t batch_size = 32;
  int64_t workers = kDefaultWorkers;
  int64_t prefetch = kDefaultPrefetch;
  bool shuffle = true;
  uint64_t seed = 0;  // given by the caller, not an option of its own

  void describe(OptionVisitor& visitor) {
    visitor.field("workers", workers,
                  {.help = "Threads that prepare batches; 0 prepares them when asked for",
                   .min = 0,
                   .max = 256});
    visitor.field("prefetch", prefetch,
                  {.help = "Batches made ahead at most", .unit = "batches", .min = 1, .max = 1024});
  }
};

// Names one use of one sample.
struct SampleKey {
  int64_t position = 0;  // samples drawn before this one since the run began
  int64_t epoch = 0;     // position / size of the source
  int64_t index = 0;     // SampleSource::get(index)
};

struct BatchKeys {
  std::vector<SampleKey>
      keys;  // one a sample, positions ascending; a batch may reach into the next epoch
};

// The sample at a position of the endless sequence of epochs.
SampleKey sample_key(int64_t position, int64_t source_size, const LoaderOptions& options);

template <class Batch>
class Loader {
 public:
  // Called by several threads at once.
  using Collate = std::function<Batch(std::vector<Sample>&&, const BatchKeys&)>;

  // `begin_worker` is called in every worker thread before anything else there.
  Loader(std::shared_ptr<const SampleSource> source, const LoaderOptions& options, Collate collate,
         int64_t start_position = 0, std::function<void()> begin_worker = {})
      : source_(std::move(source)),
        options_(options),
        collate_(std::move(collate)),
        start_position_(start_position),
        begin_worker_(std::move(begin_worker)) {
    if (source_->size() < 1) throw data_error("the data holds no sample");
    if (options_.batch_size < 1) throw usage_error("the batch size must be at least 1");
    for (int64_t i = 0; i < options_.workers; ++i) threads_.emplace_back([this] { work(); });
  }

  ~Loader() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // The next batch in order. An error met while it was made is thrown here, at its place; the call
  // after that goes on with the following batch.
  Batch next() {
    const auto begin = std::chrono::steady_clock::now();
    Result result = threads_.empty() ? make(num_given_) : take();
    ++num_given_;
    room_.notify_all();
    wait_seconds_ +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (auto* error = std::get_if<std::exception_ptr>(&result)) std::rethrow_exception(*error);
    return std::get<Batch>(std::move(result));
  }

  // The first sample of the batch that next() gives: where a resumed run has to start.
  int64_t position() const { return start_position_ + num_given_ * options_.batch_size; }

  double wait_seconds() const { return wait_seconds_; }  // spent inside next() so far

 private:
  using Result = std::variant<std::exception_ptr, Batch>;

  Result make(int64_t number) const {
    try {
      BatchKeys info;
      std::vector<Sample> samples;
      for (int64_t i = 0; i < options_.batch_size; ++i) {
        const int64_t position = start_position_ + number * options_.batch_size + i;
        info.keys.push_back(sample_key(position, source_->size(), options_));
        samples.push_back(source_->get(info.keys.back().index));
      }
      return collate_(std::move(samples), info);
    } catch (...) {
      return std::current_exception();
    }
  }

  void work() {
    if (begin_worker_) begin_worker_();
    std::unique_lock lock(mutex_);
    while (true) {
      room_.wait(lock, [&] { return stopping_ || num_started_ < num_taken_ + options_.prefetch; });
      if (stopping_) return;
      const int64_t number = num_started_++;
      lock.unlock();
      Result result = make(number);
      lock.lock();
      ready_.emplace(number, std::move(result));
      arrived_.notify_all();
    }
  }

  Result take() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return ready_.count(num_given_) > 0; });
    auto node = ready_.extract(num_given_);
    ++num_taken_;
    return std::move(node.mapped());
  }

  std::shared_ptr<const SampleSource> source_;
  LoaderOptions options_;
  Collate collate_;
  int64_t start_position_;
  std::function<void()> begin_worker_;
  int64_t num_given_ = 0;  // touched by the caller of next() only
  double wait_seconds_ = 0;

  std::mutex mutex_;
  std::condition_variable room_, arrived_;
  std::map<int64_t, Result> ready_;  // by number of the batch
  int64_t num_started_ = 0, num_taken_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace reasonbrain::data
