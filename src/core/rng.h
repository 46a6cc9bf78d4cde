// Counter-based random numbers (Philox 4x32-10, Salmon et al. 2011).
//
// A stream is named by (seed, key...), for example (seed, epoch, sample, purpose). It holds no
// shared state, so results depend neither on the order of draws elsewhere nor on the number of
// workers or ranks. Integers are the same on every machine; normal() goes through the C library's
// log and cos.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace reasonbrain {

// A stable 64-bit hash (FNV-1a followed by a finaliser) to use as a stream key.
uint64_t hash_key(std::string_view text);

class Rng {
 public:
  explicit Rng(uint64_t seed, std::initializer_list<uint64_t> keys = {});

  uint32_t next_u32();
  uint64_t next_u64();
  uint64_t below(uint64_t n);                  // uniform in [0, n), unbiased; n > 0
  int64_t between(int64_t low, int64_t high);  // uniform in [low, high], both included
  bool chance(double probability);             // true with that probability
  double uniform();                            // [0, 1), 53 bits
  double normal();                             // mean 0, variance 1

 private:
  void refill();

  uint32_t key_[2];
  uint64_t stream_ = 0;
  uint64_t counter_ = 0;
  uint32_t block_[4];
  int used_ = 4;
  bool has_spare_ = false;
  double spare_ = 0;
};

}  // namespace reasonbrain
