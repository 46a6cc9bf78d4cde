// The archive around the pickle: the file side of torch_pickle.h.
#include <algorithm>

#include "core/str.h"
#include "io/pickle_machine.h"
#include "io/torch_pickle.h"
#include "io/zip_format.h"
#include "reasonbrain/error.h"

namespace reasonbrain::io {
namespace {

using pickle::kConvert;

constexpr std::string_view kPickle = "/data.pkl";

const ZipEntry* find(const std::vector<ZipEntry>& entries, const std::string& name) {
  const auto found = std::lower_bound(
      entries.begin(), entries.end(), name,
      [](const ZipEntry& entry, const std::string& key) { return entry.name < key; });
  return found != entries.end() && found->name == name ? &*found : nullptr;
}

// The folder of the archive that holds everything, with its slash.
std::string archive_folder(const std::vector<ZipEntry>& entries, const std::string& origin) {
  std::vector<std::string> folders;
  for (const ZipEntry& entry : entries) {
    if (ends_with(entry.name, kPickle)) {
      folders.push_back(entry.name.substr(0, entry.name.size() - kPickle.size() + 1));
    }
  }
  if (folders.size() != 1) {
    throw data_error(str(origin, " is a zip archive with ", folders.size(),
                         " pickles data.pkl, expected one, as torch.save writes it"));
  }
  if (find(entries, folders[0] + "constants.pkl") != nullptr) {
    throw data_error(str(origin, " is a TorchScript program, expected weights; save its ",
                         "state_dict() with torch.save or as safetensors"));
  }
  return folders[0];
}

}  // namespace

bool is_legacy_torch(std::string_view file) {
  // A pickle of protocol 2 or later that begins with the number 0x1950a86a20f9469cfc6c; or the tar
  // archives of before 0.4, whose first member is named so.
  return (file.size() > 4 && file[0] == '\x80' && file.substr(2, 2) == "\x8a\x0a") ||
         (file.size() > 262 && file.substr(257, 5) == "ustar");
}

TorchArchive parse_torch_archive(std::string_view file, const std::string& origin) {
  if (is_legacy_torch(file)) {
    throw data_error(str(origin, " was saved in the format of PyTorch before 1.6, which is not ",
                         "read; ", kConvert));
  }
  const std::vector<ZipEntry> entries = parse_zip(file, origin);
  const auto data = [&](const ZipEntry& entry) {
    return file.substr(entry.begin, entry.end - entry.begin);
  };
  const std::string folder = archive_folder(entries, origin);
  for (const ZipEntry& entry : entries) {
    if (!entry.compressed) continue;
    throw data_error(str(origin, ": '", entry.name, "' is compressed, expected stored entries as ",
                         "torch.save writes them; ", kConvert));
  }
  const ZipEntry* order = find(entries, folder + "byteorder");
  if (order != nullptr && data(*order) != "little") {
    throw data_error(str(origin, " holds big-endian weights, which are not read; save it again ",
                         "on a little-endian machine"));
  }
  TorchArchive archive;
  for (PickledTensor& pickled :
       parse_torch_pickle(data(*find(entries, folder + "data.pkl")), origin)) {
    TorchArchive::Tensor tensor{std::move(pickled)};
    const ZipEntry* entry = find(entries, folder + "data/" + tensor.storage);
    if (entry == nullptr) {
      throw data_error(str(origin, ": the storage of tensor '", tensor.name, "' is missing"));
    }
    tensor.begin = entry->begin;
    tensor.end = entry->end;
    const auto element = static_cast<uint64_t>(dtype_bytes(tensor.dtype));
    const auto extent = static_cast<uint64_t>(tensor.extent());
    if (extent > (tensor.end - tensor.begin) / element) {
      throw data_error(str(origin, ": the storage of tensor '", tensor.name, "' has ",
                           tensor.end - tensor.begin, " bytes, expected at least ", extent, " x ",
                           element));
    }
    // Elements may stand for several (strides of 0), but not for more than a file of this size
    // could honestly hold.
    if (static_cast<uint64_t>(tensor.numel()) > file.size() / element) {
      throw data_error(str(origin, ": tensor '", tensor.name, "' claims ", tensor.numel(),
                           " elements in a file of ", file.size(), " bytes"));
    }
    archive.tensors.push_back(std::move(tensor));
  }
  return archive;
}

}  // namespace reasonbrain::io
