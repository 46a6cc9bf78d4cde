// What torch.save writes: a zip archive with a pickle that names tensors and an entry for each
// storage. The pickle is read by an interpreter of our own that knows the few opcodes and names
// that state dicts need; nothing in it is executed. Knows nothing of LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/safetensors_format.h"

namespace reasonbrain::io {

// A tensor as a strided view of a storage.
struct PickledTensor {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<int64_t> shape, strides;  // strides and offset in elements, none negative
  int64_t offset = 0;
  std::string storage;        // name of its entry in the archive, without the folder "data/"
  int64_t storage_numel = 0;  // of `dtype` elements

  int64_t extent() const;  // elements of the storage from its start that the view needs
  int64_t numel() const;
};

// The tensors of a state dict, sorted by name: of the outermost dictionary, or of the one that it
// holds as state_dict, model, module, teacher, ... Values that are no tensors are passed over.
// Throws Error(kData) naming `origin`: a pickle that is damaged or asks for anything but tensors
// (the name asked for is in the message), views that leave their storage.
std::vector<PickledTensor> parse_torch_pickle(std::string_view pickle, const std::string& origin);

struct TorchArchive {
  struct Tensor : PickledTensor {
    uint64_t begin = 0, end = 0;  // its storage, byte offsets in the file
  };
  std::vector<Tensor> tensors;  // sorted by name
};

// A whole file. Error(kData) as above, and for files of before PyTorch 1.6, TorchScript archives,
// big-endian files, storages that are missing or too short.
TorchArchive parse_torch_archive(std::string_view file, const std::string& origin);

// True for what torch.save wrote before PyTorch 1.6 (a bare pickle, or a tar archive).
bool is_legacy_torch(std::string_view file);

}  // namespace reasonbrain::io
