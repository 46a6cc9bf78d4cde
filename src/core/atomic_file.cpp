#include "core/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/interrupt.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain {
namespace fs = std::filesystem;
namespace {

Error write_error(const fs::path& path, const std::string& reason) {
  return runtime_error(str("cannot write ", path.string(), ": ", reason));
}

std::string last_reason() {
  return std::strerror(errno);
}

fs::path temporary_beside(const fs::path& destination) {
  static std::atomic<int> counter{0};
  return destination.parent_path() /
         str(".", destination.filename().string(), ".tmp-", ::getpid(), "-", counter++);
}

// "out/" and "out/." name the folder "out".
fs::path without_trailing_slash(fs::path path) {
  path = path.lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

void create_parent(const fs::path& destination) {
  if (!destination.has_filename()) throw write_error(destination, "the name is empty");
  std::error_code failure;
  if (destination.has_parent_path()) fs::create_directories(destination.parent_path(), failure);
  if (failure) throw write_error(destination, failure.message());
}

void rename_path(const fs::path& from, const fs::path& to) {
  std::error_code failure;
  fs::rename(from, to, failure);
  if (failure) throw write_error(to, failure.message());
}

// A rename survives a power failure once the folder around it is on disk.
void sync_parent(const fs::path& path) {
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const int descriptor = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  // O_NONBLOCK: opening a named pipe that nobody writes to would wait for ever.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) throw data_error(str("cannot read ", path.string(), ": ", last_reason()));
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } closer{descriptor};
  struct stat status {};
  ::fstat(descriptor, &status);
  if (!S_ISREG(status.st_mode)) {
    throw data_error(str("cannot read ", path.string(), ": ",
                         S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a regular file"));
  }
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size > max_bytes) {
    throw data_error(str(path.string(), " has ", size, " bytes, expected at most ", max_bytes));
  }
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(descriptor, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw data_error(str("cannot read ", path.string(), ": ", last_reason()));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

AtomicFile::AtomicFile(fs::path destination)
    : destination_(std::move(destination)), temporary_(temporary_beside(destination_)) {
  create_parent(destination_);
  if (fs::is_directory(destination_)) throw write_error(destination_, "it is a folder");
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw write_error(destination_, last_reason());
  remove_on_abort(temporary_);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
  keep_on_abort(temporary_);
}

void AtomicFile::write(const void* data, size_t num_bytes) {
  const char* next = static_cast<const char*>(data);
  while (num_bytes > 0) {
    const ssize_t written = ::write(descriptor_, next, num_bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw write_error(destination_, last_reason());
    next += written;
    num_bytes -= static_cast<size_t>(written);
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) throw write_error(destination_, last_reason());
  rename_path(temporary_, destination_);
  ::close(descriptor_);
  descriptor_ = -1;
  keep_on_abort(temporary_);
  sync_parent(destination_);
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

AtomicFolder::AtomicFolder(fs::path destination)
    : destination_(without_trailing_slash(std::move(destination))),
      temporary_(temporary_beside(destination_)) {
  create_parent(destination_);
  std::error_code failure;
  fs::create_directory(temporary_, failure);
  if (failure) throw write_error(destination_, failure.message());
  remove_on_abort(temporary_);
}

AtomicFolder::~AtomicFolder() {
  if (committed_) return;
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
  keep_on_abort(temporary_);
}

void AtomicFolder::commit(bool replace) {
  fs::path old;
  if (fs::exists(fs::symlink_status(destination_))) {
    if (!replace) throw write_error(destination_, "it exists already");
    old = temporary_beside(destination_);
    rename_path(destination_, old);
  }
  try {
    rename_path(temporary_, destination_);
  } catch (const Error&) {
    if (!old.empty()) rename_path(old, destination_);
    throw;
  }
  committed_ = true;
  keep_on_abort(temporary_);
  sync_parent(destination_);
  std::error_code ignored;
  if (!old.empty()) fs::remove_all(old, ignored);
}

}  // namespace reasonbrain
