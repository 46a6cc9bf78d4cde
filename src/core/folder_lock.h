// One process, or one part of it, at a time in a folder.
#pragma once

#include <filesystem>

namespace reasonbrain {

// Holds the folder until it is destroyed. Where the file system has no locks it holds nothing and
// says that it does.
class FolderLock {
 public:
  enum class Wait { kNo, kYes };

  FolderLock(const std::filesystem::path& folder, Wait wait);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  bool is_held() const { return held_; }  // false: somebody else has the folder

 private:
  int descriptor_;
  bool held_ = true;
};

}  // namespace reasonbrain
