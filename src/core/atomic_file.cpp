#include "core/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

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

// What a killed process left, of this machine or another one, must not be met again: process
// numbers repeat.
fs::path temporary_beside(const fs::path& destination) {
  static std::atomic<int> counter{0};
  static const unsigned int unique = std::random_device()();
  constexpr size_t kMaxOwn = 200;  // of the 255 bytes that a name may have
  return destination.parent_path() / str(".", destination.filename().string().substr(0, kMaxOwn),
                                         ".tmp-", ::getpid(), "-", unique, "-", counter++);
}

// Also where there is nothing yet.
fs::path through_links(fs::path path) {
  constexpr int kMaxLinks = 40;
  std::error_code failure;
  for (int i = 0; fs::is_symlink(fs::symlink_status(path, failure)); ++i) {
    if (i == kMaxLinks) throw write_error(path, "its links lead in a circle");
    path = path.parent_path() / fs::read_symlink(path, failure);
  }
  return path;
}

// "out/" and "out/." name the folder "out"; a link stands for what it leads to.
fs::path resolved(fs::path path) {
  while ((!path.has_filename() || path.filename() == ".") && path.has_relative_path() &&
         path.has_parent_path()) {
    path = path.parent_path();
  }
  path = through_links(std::move(path));
  std::error_code failure;
  return path.filename() == ".." ? fs::weakly_canonical(path, failure) : path;
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

void swap_paths(const fs::path& a, const fs::path& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return;
  // The file system cannot: for a moment there is nothing at b.
  const fs::path old = temporary_beside(b);
  rename_path(b, old);
  try {
    rename_path(a, b);
  } catch (const Error&) {
    rename_path(old, b);
    throw;
  }
  rename_path(old, a);
}

fs::path folder_around(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// A folder that cannot be renamed.
bool is_fixed(const fs::path& folder) {
  struct statx status {};
  if (::statx(AT_FDCWD, folder.c_str(), AT_SYMLINK_NOFOLLOW, STATX_MODE, &status) != 0 ||
      !S_ISDIR(status.stx_mode)) {
    return false;
  }
  return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 ||
         ::access(folder_around(folder).c_str(), W_OK | X_OK) != 0;
}

// But for what killed processes left.
bool holds_nothing(const fs::path& folder) {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder, failure)) {
    if (!is_temporary_name(entry.path().filename().string())) return false;
  }
  return !failure;
}

// A rename survives a power failure once the folder around it is on disk.
void sync_parent(const fs::path& path) {
  const int descriptor = ::open(folder_around(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
    : destination_(through_links(std::move(destination))),
      temporary_(temporary_beside(destination_)) {
  create_parent(destination_);
  if (fs::is_directory(destination_)) throw write_error(destination_, "it is a folder");
  if (fs::exists(destination_) && !fs::is_regular_file(destination_))
    throw write_error(destination_, "it is not a regular file");
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw write_error(destination_, last_reason());
  remove_on_abort(temporary_);
}

AtomicFile::~AtomicFile() {
  if (committed_) return;
  if (descriptor_ >= 0) ::close(descriptor_);
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

void AtomicFile::finish() {
  if (::fsync(descriptor_) != 0) throw write_error(destination_, last_reason());
  ::close(std::exchange(descriptor_, -1));
}

void AtomicFile::commit() {
  if (descriptor_ >= 0) finish();
  rename_path(temporary_, destination_);
  committed_ = true;
  keep_on_abort(temporary_);
  sync_parent(destination_);
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

bool is_temporary_name(std::string_view name) {
  return name.starts_with('.') && name.find(".tmp-") != std::string_view::npos;
}

void require_swappable(const fs::path& folder) {
  if (!is_fixed(resolved(folder)) || holds_nothing(folder)) return;
  throw write_error(folder,
                    "it is a mount point or its parent folder cannot be written, so that no other "
                    "folder can take its place, and it is not empty or cannot be read; name a new "
                    "folder inside it");
}

AtomicFolder::AtomicFolder(fs::path destination) : destination_(resolved(std::move(destination))) {
  create_parent(destination_);
  require_swappable(destination_);
  in_place_ = is_fixed(destination_);
  temporary_ = temporary_beside(in_place_ ? destination_ / "content" : destination_);
  std::error_code failure;
  if (!fs::create_directory(temporary_, failure))
    throw write_error(destination_, failure.message());
  remove_on_abort(temporary_);
}

AtomicFolder::~AtomicFolder() {
  if (committed_) return;
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
  keep_on_abort(temporary_);
}

void AtomicFolder::commit(bool replace) {
  if (!fs::exists(fs::symlink_status(destination_))) {
    rename_path(temporary_, destination_);
  } else if (!replace) {
    throw write_error(destination_, "it exists already");
  } else if (in_place_) {
    return move_content();
  } else {
    swap_paths(temporary_, destination_);
  }
  committed_ = true;
  sync_parent(destination_);
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);  // what was there before
  keep_on_abort(temporary_);
}

void AtomicFolder::move_content() {
  std::vector<fs::path> content;
  for (const auto& entry : fs::directory_iterator(temporary_)) content.push_back(entry.path());
  for (const fs::path& path : content) rename_path(path, destination_ / path.filename());
  sync_parent(temporary_);
}  // the empty temporary folder goes with the destructor

}  // namespace reasonbrain
