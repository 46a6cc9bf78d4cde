#include <c10/util/Exception.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <new>
#include <set>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/version.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace {

constexpr const char* kExamples = R"(examples:
  reasonbrain edit --model models/mini --image in.png --instruction "What if the block was left in the sun?" --out out.png
  reasonbrain data miniworld --out data --split val --count 96 --seed 7
  reasonbrain edit --model models/mini --data data/records.jsonl --out predictions
  reasonbrain eval run --data data/records.jsonl --pred mini=predictions --protocol miniworld --out report
  reasonbrain train --config mini train.steps=1000 --run runs/mini
  reasonbrain COMMAND --help says more about each command

exit codes: 0 ok, 1 run-time failure, 2 usage, 3 configuration, 4 weights or data, 5 out of memory, 130 interrupted)";

int exit_with(ErrorKind kind, const std::string& message) {
  log::error(message);
  log::flush();
  return static_cast<int>(kind);
}

// LibTorch reports exhausted memory on the CPU as a plain error.
bool is_out_of_memory(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  return text.find("not enough memory") != std::string::npos ||
         text.find("can't allocate memory") != std::string::npos;
}

// A path that leads nowhere is the user's; anything else is the machine's.
int exit_with_path(const std::filesystem::filesystem_error& error) {
  constexpr std::errc kNoSuchPath[] = {std::errc::no_such_file_or_directory,
                                       std::errc::not_a_directory, std::errc::filename_too_long,
                                       std::errc::too_many_symbolic_link_levels};
  const bool is_data = std::any_of(std::begin(kNoSuchPath), std::end(kNoSuchPath),
                                   [&](std::errc code) { return error.code() == code; });
  return exit_with(is_data ? ErrorKind::kData : ErrorKind::kRuntime,
                   str("cannot use ", error.path1().string(), ": ", error.code().message()));
}

// The command that was named, as far as it was: "reasonbrain eval run".
std::pair<const CLI::App*, std::string> chosen_command(const CLI::App& app) {
  const CLI::App* chosen = &app;
  std::string name = app.get_name();
  while (!chosen->get_subcommands().empty()) {
    chosen = chosen->get_subcommands().front();
    name += " " + chosen->get_name();
  }
  return {chosen, name};
}

Error no_command_error(const CLI::App& app) {
  const auto [chosen, name] = chosen_command(app);
  std::vector<std::string> names;
  for (const CLI::App* command : chosen->get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return usage_error(str("no command after '", name, "'; there are: ", join(names, ", "),
                         "; see: ", name, " --help"));
}

int run_guarded(const std::function<int()>& body) {
  constexpr const char* kMemory =
      "out of memory; use a smaller picture, batch or model, or close other programs";
  try {
    return body();
  } catch (const Error& error) {
    return exit_with(error.kind(), error.what());
  } catch (const std::bad_alloc&) {
    return exit_with(ErrorKind::kOutOfMemory, kMemory);
  } catch (const c10::OutOfMemoryError&) {
    return exit_with(ErrorKind::kOutOfMemory, kMemory);
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) return exit_with(ErrorKind::kOutOfMemory, kMemory);
    return exit_with(ErrorKind::kRuntime,
                     str("LibTorch: ", split(error.what_without_backtrace(), '\n').front()));
  } catch (const std::filesystem::filesystem_error& error) {
    return exit_with_path(error);
  } catch (const std::exception& error) {
    return exit_with(ErrorKind::kRuntime, split(error.what(), '\n').front());
  }
}

// An operator without a deterministic form would warn at every step of a training.
class WarnOnce : public c10::WarningHandler {
 public:
  void process(const c10::Warning& warning) override {
    const std::lock_guard lock(mutex_);
    if (said_.insert(warning.msg()).second) log::warning("LibTorch: " + warning.msg());
  }

 private:
  std::mutex mutex_;
  std::set<std::string> said_;
};

}  // namespace

Program::Program()
    : app("ReasonBrain edits pictures by hypothetical instructions, and trains the models that do.",
          "reasonbrain") {
  app.set_version_flag("--version", version_text());
  app.require_subcommand(0, 1);  // none is reported by run()
  app.footer(kExamples);
  add_train(app, action);
  add_edit(app, action);
  add_eval(app, action);
  add_data(app, action);
  add_model(app, action);
  add_tokenize(app, action);
  add_config(app, action);
  add_launch(app, action);
  add_bench(app, action);
  add_doctor(app, action);
  add_completion(app, action);
}

int run(int argc, char** argv) {
  return run_guarded([&] {
    install_interrupt_handlers();
    WarnOnce warn_once;
    const c10::WarningUtils::WarningHandlerGuard guard(&warn_once);
    Program program;
    try {
      program.app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() != 0) {
        throw usage_error(
            str(error.what(), "; see: ", chosen_command(program.app).second, " --help"));
      }
      program.app.exit(error);  // --help or --version
      flush_stdout();
      return 0;
    }
    if (!program.action) throw no_command_error(program.app);
    program.action();
    flush_stdout();
    return 0;
  });
}

}  // namespace reasonbrain::cli

// What src/main.cpp looks up in the library.
extern "C" int reasonbrain_run(int argc, char** argv) {
  return reasonbrain::cli::run(argc, argv);
}
