// Work on numbered items by several threads.
#pragma once

#include <cstdint>
#include <functional>

namespace reasonbrain {

// Calls body(i) for i in 0 .. count - 1 from `num_threads` threads (0: one per core), in this order
// of starts. The first exception stops the others and is thrown again; a signal ends with
// Error(kInterrupted).
void parallel_for(int64_t count, int64_t num_threads, const std::function<void(int64_t)>& body);

}  // namespace reasonbrain
