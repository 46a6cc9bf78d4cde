// Errors that a user can cause and mend.
#pragma once

#include <stdexcept>
#include <string>

namespace reasonbrain {

// What went wrong decides the exit code of the command line tool.
enum class ErrorKind {
  kRuntime = 1,        // an output that cannot be written, a full disk
  kUsage = 2,          // unknown option, a value outside its range
  kConfig = 3,         // a configuration file or override
  kData = 4,           // weights or data: missing, damaged, of the wrong kind, not finite
  kOutOfMemory = 5,    // host or device memory; the library lets std::bad_alloc and LibTorch's own
                       // exceptions pass, the command line makes this of them
  kInterrupted = 130,  // a signal ended the work
};

// The message says what was got, what was expected and how to mend it, in one line where possible.
// The library throws; it never exits, and prints nothing but its log and progress, to stderr.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

inline Error runtime_error(const std::string& message) {
  return {ErrorKind::kRuntime, message};
}
inline Error usage_error(const std::string& message) {
  return {ErrorKind::kUsage, message};
}
inline Error config_error(const std::string& message) {
  return {ErrorKind::kConfig, message};
}
inline Error data_error(const std::string& message) {
  return {ErrorKind::kData, message};
}

}  // namespace reasonbrain
