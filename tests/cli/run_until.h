// Runs the binary and sends it a signal once there is evidence of how far it is.
#pragma once

#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include "program.h"

namespace reasonbrain::cli {

// Whether the process has a handler for the signal. The program's own handlers come before its
// library is loaded, the library's are all there when SIGUSR1 is caught.
inline bool catches(pid_t process, int signal) {
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("SigCgt:", 0) == 0)
      return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0;
  }
  return false;
}

inline bool has_ended(pid_t child) {
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
  return info.si_pid == child;
}

// Runs in `folder`; `err` is all that was said. The evidence is looked for every millisecond, and a
// failure when there is none before the program ends or ten minutes are over.
inline Finished run_until(const std::function<bool(pid_t)>& evidence, int signal,
                          const std::vector<std::string>& arguments, const fs::path& folder) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::chdir(folder.c_str()) != 0) ::_exit(99);
    const int said = ::open(".stderr", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) ::dup2(said, stream);
    become_program(arguments);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(10);
  bool seen = evidence(child);
  while (!seen && !has_ended(child) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    seen = evidence(child);
  }
  ::kill(child, seen ? signal : SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  Finished result;
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.err = read_file(folder / ".stderr");
  EXPECT_TRUE(seen) << join(arguments, " ") << "\n" << result.err;
  return result;
}

}  // namespace reasonbrain::cli
