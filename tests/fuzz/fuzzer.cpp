// libFuzzer's entry; the environment variable RB_FUZZ_TARGET names the target.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const reasonbrain::fuzz::Target* target = [] {
    const char* name = std::getenv("RB_FUZZ_TARGET");
    for (const auto& candidate : reasonbrain::fuzz::targets()) {
      if (name != nullptr && candidate.name == name) return &candidate;
    }
    std::abort();
  }();
  target->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
