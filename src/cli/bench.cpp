#include "cli/bench.h"

namespace reasonbrain::cli {

void add_bench(CLI::App& app, Action& action) {
  CLI::App* bench = app.add_subcommand("bench", "Measure editing, training and single components");
  bench->require_subcommand(0, 1);
  add_bench_edit(*bench, action);
  add_bench_batch(*bench, action);
  add_bench_train(*bench, action);
  add_bench_parity(*bench, action);
  add_bench_load(*bench, action);
  bench->footer(
      "Times are those of this machine as it is: wall time, and CPU time of all threads, which "
      "other "
      "programs disturb less.\n"
      "docs/benchmarks.md says how the figures there were taken.");
}

}  // namespace reasonbrain::cli
