// The directory of a zip archive (zip64 included). Knows nothing of LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reasonbrain::io {

struct ZipEntry {
  std::string name;
  uint64_t begin = 0, end = 0;  // of its data as it stands in the file, byte offsets
  bool compressed = false;
};

// True when the bytes begin as a zip archive does.
bool is_zip(std::string_view file);

// The entries, sorted by name. Throws Error(kData) naming `origin` for anything but a well-formed
// archive: entries outside the file or over one another, encrypted entries, two of one name,
// several disks.
std::vector<ZipEntry> parse_zip(std::string_view file, const std::string& origin);

}  // namespace reasonbrain::io
