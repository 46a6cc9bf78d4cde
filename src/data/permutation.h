// A random order of 0 .. size-1 that needs no memory.
#pragma once

#include <cstdint>

namespace reasonbrain::data {

// A keyed bijection: a balanced Feistel network on the smallest even number of bits that holds
// `size`, walked until the result lies inside (Black and Rogaway 2002).
class Permutation {
 public:
  Permutation(int64_t size, uint64_t seed, uint64_t epoch);  // size >= 1

  int64_t operator()(int64_t position) const;  // position in [0, size)

 private:
  static constexpr int kRounds = 6;

  uint64_t size_;
  int half_bits_ = 1;
  uint64_t keys_[kRounds];
};

}  // namespace reasonbrain::data
