#include "data/loader.h"

namespace reasonbrain::data {

SampleKey sample_key(int64_t position, int64_t source_size, const LoaderOptions& options) {
  SampleKey key{position, position / source_size, position % source_size};
  if (options.shuffle) {
    key.index = Permutation(source_size, options.seed, static_cast<uint64_t>(key.epoch))(key.index);
  }
  return key;
}

}  // namespace reasonbrain::data
