// Runs the binary and keeps what it said.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "core/str.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::cli {

namespace fs = std::filesystem;

struct Finished {
  int status = -1;  // exit status, or 128 + signal
  std::string out, err;
};

// In the child of a fork.
[[noreturn]] inline void become_program(const std::vector<std::string>& arguments) {
  std::vector<char*> argv = {const_cast<char*>(RB_BINARY)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(RB_BINARY, argv.data());
  ::_exit(99);
}

// A folder that goes away with the test, and the program run inside it.
class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / str("rb-cli-", ::getpid(), "-", info->name());
    fs::create_directories(folder_);
  }
  ~ProgramTest() override {
    std::error_code ignored;
    fs::permissions(folder_, fs::perms::owner_all, ignored);
    fs::remove_all(folder_, ignored);
  }

  Finished run(const std::vector<std::string>& arguments, const std::string& input = "") const {
    write_file_atomic(folder_ / ".stdin", input);
    const pid_t child = ::fork();
    if (child == 0) {
      redirect(".stdin", O_RDONLY, STDIN_FILENO);
      redirect(".stdout", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
      redirect(".stderr", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
      if (::chdir(folder_.c_str()) != 0) ::_exit(99);
      become_program(arguments);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    Finished result;
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.out = read_file(folder_ / ".stdout");
    result.err = read_file(folder_ / ".stderr");
    return result;
  }

  // Runs, and expects the status and one message that names every one of `words`.
  void expect_failure(const std::vector<std::string>& arguments, int status,
                      const std::vector<std::string>& words, const std::string& input = "") const {
    const Finished result = run(arguments, input);
    const std::string command = join(arguments, " ");
    EXPECT_EQ(result.status, status) << command << "\n" << result.err;
    for (const std::string& word : words) {
      EXPECT_NE(result.err.find(word), std::string::npos)
          << command << "\nwithout '" << word << "': " << result.err;
    }
    EXPECT_EQ(result.out, "") << command;
    EXPECT_EQ(result.err.find("terminate called"), std::string::npos) << result.err;
    EXPECT_EQ(result.err.find("frame #"), std::string::npos) << result.err;
  }

  std::string picture(const std::string& name, int width = 64, int height = 64) const {
    io::write_png(folder_ / name, io::Image(width, height, 3, 120));
    return name;
  }

  // Names in a folder of the test, without the program's captured streams.
  std::vector<std::string> names_in(const fs::path& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / folder)) {
      const std::string name = entry.path().filename().string();
      if (name != ".stdin" && name != ".stdout" && name != ".stderr") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path folder_;

 private:
  void redirect(const char* name, int flags, int descriptor) const {
    const int file = ::open((folder_ / name).c_str(), flags, 0666);
    ::dup2(file, descriptor);
    ::close(file);
  }
};

}  // namespace reasonbrain::cli
