// Signals as flags that loops look at between two steps.
//
// After install_interrupt_handlers() the first SIGINT and every SIGTERM and SIGUSR1 only set a
// flag; a second SIGINT removes the registered temporary paths and ends the process with status
// 130.
#pragma once

#include <filesystem>

namespace reasonbrain {

void install_interrupt_handlers();

int interrupted();      // number of SIGINT so far
bool stop_requested();  // SIGTERM or SIGUSR1 came

// Error(kInterrupted) after any of these signals. For work that has nothing to save.
void throw_if_interrupted();

// Registers a file or folder to remove when a second SIGINT aborts the process, and takes it back.
void remove_on_abort(const std::filesystem::path& path);
void keep_on_abort(const std::filesystem::path& path);

}  // namespace reasonbrain
