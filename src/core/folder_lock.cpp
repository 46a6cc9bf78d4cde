#include "core/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace reasonbrain {

FolderLock::FolderLock(const std::filesystem::path& folder, Wait wait)
    : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (descriptor_ < 0) return;
  const int operation = LOCK_EX | (wait == Wait::kNo ? LOCK_NB : 0);
  int result = 0;
  do result = ::flock(descriptor_, operation);
  while (result != 0 && errno == EINTR);
  held_ = result == 0 || errno != EWOULDBLOCK;
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace reasonbrain
