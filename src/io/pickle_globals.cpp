#include "io/pickle_globals.h"

#include "io/pickle_machine.h"
#include "io/safetensors_format.h"

namespace reasonbrain::io::pickle {
namespace {

constexpr int64_t number(Dtype dtype) {
  return static_cast<int64_t>(dtype);
}

}  // namespace

const std::vector<Global>& globals() {
  static const std::vector<Global> kGlobals = {
      {"collections", "OrderedDict", Role::kOrderedDict},
      {"torch._utils", "_rebuild_tensor", Role::kTensor},
      {"torch._utils", "_rebuild_tensor_v2", Role::kTensor},
      {"torch._utils", "_rebuild_tensor_v3", Role::kTensorWithDtype},
      {"torch._utils", "_rebuild_parameter", Role::kFirstArgument},
      {"torch._utils", "_rebuild_parameter_with_state", Role::kFirstArgument},
      {"torch", "Size", Role::kFirstArgument},
      {"torch", "DoubleStorage", Role::kStorage, number(Dtype::kF64)},
      {"torch", "FloatStorage", Role::kStorage, number(Dtype::kF32)},
      {"torch", "HalfStorage", Role::kStorage, number(Dtype::kF16)},
      {"torch", "BFloat16Storage", Role::kStorage, number(Dtype::kBF16)},
      {"torch", "LongStorage", Role::kStorage, number(Dtype::kI64)},
      {"torch", "IntStorage", Role::kStorage, number(Dtype::kI32)},
      {"torch", "ShortStorage", Role::kStorage, number(Dtype::kI16)},
      {"torch", "CharStorage", Role::kStorage, number(Dtype::kI8)},
      {"torch", "ByteStorage", Role::kStorage, number(Dtype::kU8)},
      {"torch", "BoolStorage", Role::kStorage, number(Dtype::kBool)},
      {"torch", "UntypedStorage", Role::kStorage, kUntyped},
      {"torch.storage", "UntypedStorage", Role::kStorage, kUntyped},
      {"torch", "float64", Role::kDtype, number(Dtype::kF64)},
      {"torch", "float32", Role::kDtype, number(Dtype::kF32)},
      {"torch", "float16", Role::kDtype, number(Dtype::kF16)},
      {"torch", "bfloat16", Role::kDtype, number(Dtype::kBF16)},
      {"torch", "int64", Role::kDtype, number(Dtype::kI64)},
      {"torch", "int32", Role::kDtype, number(Dtype::kI32)},
      {"torch", "int16", Role::kDtype, number(Dtype::kI16)},
      {"torch", "int8", Role::kDtype, number(Dtype::kI8)},
      {"torch", "uint8", Role::kDtype, number(Dtype::kU8)},
      {"torch", "bool", Role::kDtype, number(Dtype::kBool)},
      {"torch", "float8_e4m3fn", Role::kDtype, number(Dtype::kF8E4M3)},
      {"torch", "float8_e5m2", Role::kDtype, number(Dtype::kF8E5M2)},
      {"torch", "device", Role::kOpaque},
      {"argparse", "Namespace", Role::kOpaque},
      {"copyreg", "_reconstructor", Role::kOpaque},
      {"copy_reg", "_reconstructor", Role::kOpaque},
      {"builtins", "object", Role::kOpaque},
      {"builtins", "set", Role::kOpaque},
      {"builtins", "frozenset", Role::kOpaque},
      {"builtins", "slice", Role::kOpaque},
      {"builtins", "complex", Role::kOpaque},
      {"builtins", "bytearray", Role::kOpaque},
      {"__builtin__", "object", Role::kOpaque},
      {"__builtin__", "set", Role::kOpaque},
      {"collections", "defaultdict", Role::kOpaque},
      {"collections", "Counter", Role::kOpaque},
      {"_codecs", "encode", Role::kOpaque},
      {"pathlib", "PosixPath", Role::kOpaque},
      {"numpy", "dtype", Role::kOpaque},
      {"numpy", "ndarray", Role::kOpaque},
      {"numpy.core.multiarray", "scalar", Role::kOpaque},
      {"numpy.core.multiarray", "_reconstruct", Role::kOpaque},
      {"numpy._core.multiarray", "scalar", Role::kOpaque},
      {"numpy._core.multiarray", "_reconstruct", Role::kOpaque},
      {"pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint", Role::kOpaque},
      {"pytorch_lightning.utilities.parsing", "AttributeDict", Role::kOpaque},
      {"lightning_fabric.utilities.data", "AttributeDict", Role::kOpaque},
  };
  return kGlobals;
}

int64_t find_global(std::string_view module, std::string_view name) {
  const auto& all = globals();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].module == module && all[i].name == name) return static_cast<int64_t>(i);
  }
  return -1;
}

}  // namespace reasonbrain::io::pickle
