// Where samples come from: a JSONL file, or a generator such as the mini world.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reasonbrain/record.h"

namespace reasonbrain::data {

// Of those who make batches ahead, unless asked for others.
inline constexpr int64_t kDefaultWorkers = 1;   // threads
inline constexpr int64_t kDefaultPrefetch = 4;  // batches

class SampleSource {
 public:
  virtual ~SampleSource() = default;

  // Samples of one epoch, at least 1. Indices are 0 .. size()-1; a generator may accept any index
  // beyond.
  virtual int64_t size() const = 0;

  // The sample at an index: a pure function of it, safe to call from several threads.
  // Throws Error(kData) naming the record when a picture is missing or damaged, and for an index
  // that there is not.
  virtual Sample get(int64_t index) const = 0;

  // The words of each label slot (InstanceLabel::words), fixed for the source; empty without
  // labels.
  virtual std::vector<std::vector<std::string>> label_slots() const { return {}; }

  // Identifies the data: the same hash, the same samples.
  virtual std::string fingerprint() const = 0;
};

}  // namespace reasonbrain::data
