// A file mapped into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace reasonbrain::io {

// Pages are private: a write through data() never reaches the file.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);  // Error(kData) when it cannot be mapped
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view view() const { return {data_, size_}; }

  // Drops the pages that lie in this range from memory; they are read again when used, as the file
  // has them.
  void release(size_t begin, size_t num_bytes) const;

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace reasonbrain::io
