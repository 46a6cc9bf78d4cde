#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const auto fail = [&](const std::string& reason) {
    return data_error(str("cannot read ", path.string(), ": ", reason));
  };
  // O_NONBLOCK: opening a named pipe that nobody writes to would wait for ever.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) throw fail(std::strerror(errno));
  struct stat status {};
  void* mapped = nullptr;
  int problem = ::fstat(descriptor, &status) == 0 ? 0 : errno;
  const bool regular = S_ISREG(status.st_mode);
  if (problem == 0 && regular && status.st_size > 0) {  // nothing to map in an empty file
    size_ = static_cast<size_t>(status.st_size);
    mapped =
        ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0);
    if (mapped == MAP_FAILED) problem = errno;
  }
  ::close(descriptor);
  if (problem != 0) throw fail(std::strerror(problem));
  if (!regular) throw fail("it is not a regular file");
  data_ = static_cast<char*>(mapped);
}

void MappedFile::release(size_t begin, size_t num_bytes) const {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t first = (begin + page - 1) / page * page;
  const size_t last = begin + num_bytes == size_ ? size_ : (begin + num_bytes) / page * page;
  if (first < last) ::madvise(data_ + first, last - first, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace reasonbrain::io
