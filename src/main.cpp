// The face of the program: everything else is libreasonbrain, which is loaded here because LibTorch
// takes a third of a second to load and --help should not wait for it. Help is answered from the
// texts that the build wrote with the library's own parser (cli/help_texts.h); without them the
// library answers.
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace {

namespace fs = std::filesystem;

constexpr int kRuntimeFailure = 1;
constexpr int kInterrupted = 130;

// "edit --help" is reasonbrain.edit.txt; empty where the arguments are not just the names of a
// command and a request for its help, or the version.
std::string help_file(int argc, char** argv) {
  if (argc < 2) return {};
  const std::string wish = argv[argc - 1];
  if (argc == 2 && wish == "--version") return "--version.txt";
  if (wish != "--help" && wish != "-h") return {};
  std::string name = "reasonbrain";
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string word = argv[i];
    if (word.empty() || word[0] == '-' || word.find_first_of("./") != std::string::npos) return {};
    name += "." + word;
  }
  return name + ".txt";
}

bool print_help(int argc, char** argv) {
  const std::string name = help_file(argc, argv);
  if (name.empty()) return false;
  std::error_code failure;
  const fs::path binary = fs::read_symlink("/proc/self/exe", failure);
  std::ifstream text(binary.parent_path() / RB_HELP_FOLDER / name);
  if (!text) return false;
  std::cout << text.rdbuf() << std::flush;
  return true;
}

// Tensors of one step are freed and needed again by the next: giving their pages back to the system
// in between cost a training step 2 to 3 % (docs/benchmarks.md).
void keep_freed_pages() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest that it takes
  mallopt(M_TRIM_THRESHOLD, -1);
#endif
}

// A stream that the caller closed must not become the first file that is opened. Using it still
// fails: it is open for the other direction.
void occupy_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) != -1) continue;
    if (open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  occupy_closed_streams();
  if (print_help(argc, argv) && std::cout) return 0;
  keep_freed_pages();
  // Until the library has its own handlers there is nothing to clean up.
  for (int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { _exit(kInterrupted); });
  void* library = dlopen(RB_LIBRARY, RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    std::fprintf(stderr, "reasonbrain: cannot load its library: %s\n", dlerror());
    return kRuntimeFailure;
  }
  const auto run = reinterpret_cast<int (*)(int, char**)>(dlsym(library, "reasonbrain_run"));
  if (run == nullptr) {
    std::fprintf(stderr, "reasonbrain: %s is another version's: %s\n", RB_LIBRARY, dlerror());
    return kRuntimeFailure;
  }
  return run(argc, argv);
}
