#include "reasonbrain/trainer.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/isfinite.h>

#include <cmath>
#include <memory>
#include <utility>

#include "core/atomic_file.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/rng.h"
#include "core/str.h"
#include "optim/ema.h"
#include "reasonbrain/error.h"
#include "train/checkpoint.h"
#include "train/dry_run.h"
#include "train/run_folder.h"
#include "train/run_log.h"
#include "train/run_state.h"
#include "train/stage_plan.h"
#include "train/step.h"
#include "train/step_feed.h"

namespace reasonbrain::train {
namespace {

// Operators that have a slower deterministic form use it: a resumed run must repeat every bit. On a
// GPU some have none; then LibTorch warns.
class DeterministicScope {
 public:
  DeterministicScope()
      : was_on_(at::globalContext().deterministicAlgorithms()),
        warned_only_(at::globalContext().deterministicAlgorithmsWarnOnly()),
        filled_(at::globalContext().deterministicFillUninitializedMemory()) {
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
    at::globalContext().setDeterministicFillUninitializedMemory(false);
  }
  ~DeterministicScope() {
    at::globalContext().setDeterministicAlgorithms(was_on_, warned_only_);
    at::globalContext().setDeterministicFillUninitializedMemory(filled_);
  }
  DeterministicScope(const DeterministicScope&) = delete;
  DeterministicScope& operator=(const DeterministicScope&) = delete;

 private:
  bool was_on_, warned_only_, filled_;
};

class Trainer {
 public:
  Trainer(Task& task, const TrainOptions& options, const RunInfo& run, StagePlan plan)
      : task_(task), options_(options), run_(run), folder_(run.folder) {
    identity_.seed = run.seed;
    identity_.plan = std::move(plan);
    identity_.model = run.model;
    identity_.model.merge(task.references());
  }

  TrainResult run();

 private:
  size_t find_start();
  void begin_stage(const Stage& stage);
  bool run_stage(const Stage& stage);  // false: a signal asked to stop
  void end_stage(const Stage& stage);

  void after_step(const Stage& stage, bool stop);
  bool is_due(int64_t every, const Stage& stage) const;
  std::map<std::string, double> evaluate();
  bool is_best(const std::map<std::string, double>& metrics) const;
  void preview();
  void save(const std::filesystem::path& destination);
  std::string where(const Stage& stage) const;
  std::string last_good() const;

  Task& task_;
  const TrainOptions& options_;
  const RunInfo& run_;
  RunFolder folder_;
  RunIdentity identity_;
  RunState state_;
  std::optional<Checkpoint> resumed_;  // until its stage has begun
  std::unique_ptr<RunLog> log_;
  std::unique_ptr<optim::AdamW> optimizer_;
  std::unique_ptr<optim::Ema> ema_;  // null when the stage has none
  std::filesystem::path last_checkpoint_;
};

TrainResult Trainer::run() {
  size_t stage_index = find_start();
  // What earlier stages attached to the model is in the checkpoint as well.
  for (size_t i = 0; i < stage_index; ++i) task_.begin_stage(identity_.plan[i].name);
  bool finished = true;
  for (; finished && stage_index < identity_.plan.size(); ++stage_index) {
    const Stage& stage = identity_.plan[stage_index];
    begin_stage(stage);
    finished = run_stage(stage);
    if (finished) end_stage(stage);
  }
  log_->write_curves();
  log_.reset();  // ends the progress line
  if (!finished) {
    const std::string message = str("stopped by a signal at step ", state_.step, "; continue from ",
                                    last_checkpoint_.string(), " with --resume auto");
    if (interrupted() > 0) throw Error(ErrorKind::kInterrupted, message);
    log::info(message);
  } else {
    log::info(str("finished at step ", state_.step, ": ", last_checkpoint_.string()));
  }
  return {.stopped = !finished,
          .steps = state_.step,
          .loss = state_.loss,
          .metrics = state_.metrics,
          .best = state_.best,
          .checkpoint = last_checkpoint_,
          .report = ""};
}

// The index of the stage to go on with.
size_t Trainer::find_start() {
  resumed_ = folder_.resume_point(run_.resume);
  if (!resumed_) return 0;
  const std::string origin = resumed_->folder.string();
  state_ = run_state_from_json(resumed_->trainer_state, origin);
  require_same_run(resumed_->trainer_state, identity_, origin);
  last_checkpoint_ = resumed_->folder;
  log::info(str("resuming from ", origin, " at step ", state_.step, ", stage ", state_.stage));
  size_t index = 0;
  while (identity_.plan[index].name != state_.stage) ++index;  // require_same_run has seen it
  return index;
}

void Trainer::begin_stage(const Stage& stage) {
  task_.begin_stage(stage.name);
  identity_.data_fingerprint = task_.source()->fingerprint();
  optimizer_ = std::make_unique<optim::AdamW>(make_optimizer(task_, stage, options_));
  ema_ = stage.settings.ema_decay > 0
             ? std::make_unique<optim::Ema>(optimizer_->parameters(), stage.settings.ema_decay)
             : nullptr;
  if (resumed_) {
    load_checkpoint(*resumed_, task_, *optimizer_, ema_.get());
    if (resumed_->trainer_state.at("data") != identity_.data_fingerprint) {
      log::warning(
          "the training data have changed: the run goes on at the same position of the new");
    }
    if (run_.resume != "auto") folder_.set_aside_after(state_.step);
    resumed_.reset();
  } else {
    state_.stage = stage.name;
    state_.stage_step = 0;
    // Stages measure different things: the best of one says nothing of another.
    state_.best.reset();
    folder_.remove_best();
    state_.window = {};
  }
  // From here on the run is this one: a refused checkpoint has left the folder as it was.
  folder_.describe_run(run_, identity_.data_fingerprint);
  if (!log_) {
    log_ =
        std::make_unique<RunLog>(folder_, state_.step, total_steps(identity_.plan) - state_.step);
  }
}

bool Trainer::run_stage(const Stage& stage) {
  if (state_.stage_step >= stage.steps) return true;
  const uint64_t seed = Rng(run_.seed, {hash_key("stage"), hash_key(stage.name)}).next_u64();
  StepFeed feed(task_, stage, seed, state_.stage_step, run_, options_.overfit_one_batch);
  task_.module().train();
  while (state_.stage_step < stage.steps) {
    const MicroBatches& batches = feed.next();
    const StepResult result = run_step(task_, *optimizer_, batches, stage,
                                       {seed, state_.stage_step}, [&] { return where(stage); });
    ++state_.step;
    ++state_.stage_step;
    for (const auto& batch : batches) {
      state_.samples_seen += static_cast<int64_t>(batch->sample_ids.size());
    }
    if (ema_) ema_->update(state_.stage_step);
    state_.loss = result.loss;
    state_.window.add(result);
    log_->add_step(state_, stage, feed.epoch(), feed.take_wait_seconds());
    const bool stop = stop_requested() || interrupted() > 0;
    after_step(stage, stop);
    if (stop) return false;
  }
  return true;
}

void Trainer::end_stage(const Stage& stage) {
  if (ema_) ema_->copy_to_parameters();
  log::info(str("stage ", stage.name, " ended at step ", state_.step));
}

// The checkpoint comes last: a run that is killed before it repeats everything that belongs to the
// step.
void Trainer::after_step(const Stage& stage, bool stop) {
  const bool last = state_.stage_step == stage.steps;
  const bool evaluated = is_due(options_.eval_every, stage);
  bool best = false;
  if (evaluated) {
    state_.metrics = evaluate();
    best = is_best(state_.metrics);
    if (best) state_.best = state_.metrics.at(task_.best_metric());
  }
  if (evaluated || last || state_.step % options_.log_every == 0) {
    log_->write_line(state_, stage, evaluated ? state_.metrics : std::map<std::string, double>{});
    state_.window = {};
  }
  if (best && options_.keep_best) save(folder_.best());
  if (is_due(options_.sample_every, stage)) preview();
  const bool saves = stop || is_due(options_.save_every, stage);
  if (evaluated || saves) log_->write_curves();
  if (saves) {
    save(folder_.checkpoint(state_.step));
    last_checkpoint_ = folder_.checkpoint(state_.step);
    prune_checkpoints(folder_.checkpoints(), state_.step, options_.keep_last, options_.keep_every);
  }
}

bool Trainer::is_due(int64_t every, const Stage& stage) const {
  return every > 0 && (state_.step % every == 0 || state_.stage_step == stage.steps);
}

std::map<std::string, double> Trainer::evaluate() {
  const torch::NoGradGuard no_grad;
  const optim::EmaScope averaged(ema_.get());
  task_.module().eval();
  auto metrics = task_.evaluate();
  task_.module().train();
  return metrics;
}

bool Trainer::is_best(const std::map<std::string, double>& metrics) const {
  const auto found = metrics.find(task_.best_metric());
  if (found == metrics.end() || !std::isfinite(found->second)) return false;
  if (!state_.best) return true;
  return task_.best_is_highest() ? found->second > *state_.best : found->second < *state_.best;
}

void Trainer::preview() {
  const torch::NoGradGuard no_grad;
  const optim::EmaScope averaged(ema_.get());
  AtomicFolder pictures(folder_.samples(state_.step));
  task_.module().eval();
  task_.preview(pictures.path());
  task_.module().train();
  if (std::filesystem::is_empty(pictures.path())) return;  // the stage makes none
  pictures.commit(/*replace=*/true);
  log_->add_pictures(state_.step, folder_.samples(state_.step));
}

void Trainer::save(const std::filesystem::path& destination) {
  for (const auto& [name, parameter] : optimizer_->parameters()) {
    if (at::isfinite(parameter.detach()).all().item<bool>()) continue;
    throw runtime_error(str("the update of step ", state_.step, " of stage '", state_.stage,
                            "' left values that are not finite in ", name,
                            "; no checkpoint of it is written", last_good()));
  }
  write_checkpoint(destination, task_, *optimizer_, ema_.get(), to_json(state_, identity_));
}

std::string Trainer::where(const Stage& stage) const {
  const std::string text = str("stage '", stage.name, "', step ", state_.step + 1, " (",
                               state_.stage_step + 1, " of the stage)");
  return text + last_good();
}

std::string Trainer::last_good() const {
  return last_checkpoint_.empty() ? ", no checkpoint yet"
                                  : ", last good checkpoint " + last_checkpoint_.string();
}

}  // namespace

TrainResult train(Task& task, const TrainOptions& options, const RunInfo& run) {
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  const DeterministicScope deterministic;
  StagePlan plan = resolve_stages(options, task.stages());
  if (run.dry_run) return dry_run(task, options, run, plan);
  return Trainer(task, options, run, std::move(plan)).run();
}

}  // namespace reasonbrain::train
