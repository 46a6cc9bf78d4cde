// Files and folders that appear complete or not at all.
//
// Content goes to a temporary name beside the destination and is renamed when it is whole; a link
// to the destination stays one. Every failure is an Error(kRuntime) with the reason of the
// operating system (full disk, no permission).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace reasonbrain {

// The whole file. Throws Error(kData) when it is missing, unreadable, not a regular file or larger.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes = 1ull << 30);

// Whether AtomicFile or AtomicFolder gives such names to what is not whole yet.
bool is_temporary_name(std::string_view name);

// Writes piece by piece; without commit() the destructor removes what was written.
// Missing parent folders are created.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path destination);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t num_bytes);
  void finish();  // nothing more is written; it is on disk, under its temporary name
  void commit();  // finish, then rename over the destination

 private:
  std::filesystem::path destination_, temporary_;
  int descriptor_ = -1;
  bool committed_ = false;
};

void write_file_atomic(const std::filesystem::path& path, std::string_view bytes);

// Error(kRuntime) for a folder that holds something and that no other one can be renamed to: a
// mount point, or a folder in one that cannot be written.
void require_swappable(const std::filesystem::path& folder);

// A folder built under a temporary sibling name, path(), until commit() renames it. Where the
// destination is an empty folder that nothing can be renamed to, it is built inside, and commit()
// renames its entries, one after the other.
class AtomicFolder {
 public:
  // Error(kRuntime) for what require_swappable() refuses.
  explicit AtomicFolder(std::filesystem::path destination);
  ~AtomicFolder();  // removes a folder that was not committed
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::filesystem::path& path() const { return temporary_; }

  // replace: an existing destination is swapped out and then removed; otherwise it is an error.
  void commit(bool replace = false);

 private:
  void move_content();

  std::filesystem::path destination_, temporary_;
  bool in_place_ = false;  // built inside the destination
  bool committed_ = false;
};

}  // namespace reasonbrain
