#include "cli/command.h"
#include "cli/training.h"
#include "cli/validators.h"

namespace reasonbrain::cli {

void add_train(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("train", "Train a model from YAML configurations");
  auto args = std::make_shared<TrainArguments>();
  add_config_files(*command, args->configs, args->overrides);
  command->add_option("--resume", args->resume, "auto, none, or a checkpoint or run folder")
      ->capture_default_str();
  command->add_option("--run", args->run_folder,
                      "Run folder; default: runs/ and the name of the preset");
  command->add_flag("--dry-run", args->dry_run,
                    "Parameters and memory plan, below 4 GiB also one step of every stage; writes "
                    "nothing");
  add_device(*command, args->device);
  command->footer(
      "SIGTERM and SIGUSR1 save a checkpoint at the next step and end with 0, SIGINT does the same "
      "and ends with 130.\n"
      "examples:\n"
      "  reasonbrain train --config mini --run runs/mini\n"
      "  reasonbrain train --config mini --config ablation/t4-04 train.steps=500 --run runs/t4-04\n"
      "  reasonbrain config options lists every key");
  command->callback([args, &action] { action = [args] { run_training(*args); }; });
}

}  // namespace reasonbrain::cli
