#include "core/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <set>
#include <thread>

#include "reasonbrain/error.h"

namespace reasonbrain {
namespace {

std::atomic<int> num_interrupts{0};
std::atomic<bool> stop{false};
int abort_pipe[2] = {-1, -1};

struct TemporaryPaths {
  std::mutex mutex;
  std::set<std::filesystem::path> paths;
};

TemporaryPaths& temporary_paths() {
  static auto* paths = new TemporaryPaths;  // outlives every static object: the thread may use it
  return *paths;
}

void on_signal(int signal) {
  const int saved_errno = errno;
  if (signal != SIGINT) {
    stop = true;
  } else if (++num_interrupts > 1) {
    [[maybe_unused]] const ssize_t written = ::write(abort_pipe[1], "x", 1);
  }
  errno = saved_errno;
}

// Removing folders is not allowed in a signal handler, so a thread of its own waits for the order.
void wait_for_abort() {
  char byte;
  while (::read(abort_pipe[0], &byte, 1) < 0 && errno == EINTR) {
  }
  TemporaryPaths& temporaries = temporary_paths();
  const std::lock_guard lock(temporaries.mutex);  // held to the end: no new ones appear
  for (const std::filesystem::path& path : temporaries.paths) {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  ::_exit(static_cast<int>(ErrorKind::kInterrupted));
}

}  // namespace

void install_interrupt_handlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (::pipe2(abort_pipe, O_CLOEXEC) != 0) throw runtime_error("cannot create a pipe");
    std::thread(wait_for_abort).detach();
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    for (int signal : {SIGINT, SIGTERM, SIGUSR1}) ::sigaction(signal, &action, nullptr);
    // A file that outgrows its limit is then a failed write with a message, not a silent end.
    ::signal(SIGXFSZ, SIG_IGN);
  });
}

int interrupted() {
  return num_interrupts;
}

bool stop_requested() {
  return stop;
}

void throw_if_interrupted() {
  if (interrupted() > 0 || stop_requested()) throw Error(ErrorKind::kInterrupted, "interrupted");
}

void remove_on_abort(const std::filesystem::path& path) {
  TemporaryPaths& temporaries = temporary_paths();
  const std::lock_guard lock(temporaries.mutex);
  temporaries.paths.insert(std::filesystem::absolute(path));
}

void keep_on_abort(const std::filesystem::path& path) {
  TemporaryPaths& temporaries = temporary_paths();
  const std::lock_guard lock(temporaries.mutex);
  temporaries.paths.erase(std::filesystem::absolute(path));
}

}  // namespace reasonbrain
