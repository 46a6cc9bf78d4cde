# LibTorch from an unpacked PyPI wheel (scripts/setup puts it into .deps/python).
set(LIBTORCH_ROOT "" CACHE PATH "Folder that holds the torch/ folder of the PyPI wheel")
if(NOT LIBTORCH_ROOT)
  set(LIBTORCH_ROOT ${CMAKE_SOURCE_DIR}/.deps/python)
endif()
set(TORCH_DIR ${LIBTORCH_ROOT}/torch)
if(NOT EXISTS ${TORCH_DIR}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch not found at ${TORCH_DIR}: run scripts/setup, or pass "
                      "-DLIBTORCH_ROOT=DIR where DIR/torch is the unpacked PyPI wheel")
endif()
file(STRINGS ${TORCH_DIR}/include/torch/headeronly/version.h TORCH_VERSION_LINES
     REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE "[^0-9;]" "" TORCH_VERSION "${TORCH_VERSION_LINES}")
string(REPLACE ";" "." TORCH_VERSION "${TORCH_VERSION}")

include(LibTorchTargets)
list(APPEND CMAKE_BUILD_RPATH ${TORCH_DIR}/lib)

# Versions of the accelerator libraries that the wheel expects, printed here and by `doctor`.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/scripts/libtorch.lock)
file(STRINGS ${CMAKE_SOURCE_DIR}/scripts/libtorch.lock _lock REGEX "^[a-z]")
foreach(pair cudnn:CUDNN nccl:NCCL runtime:CUDA)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 key)
  list(GET pair 1 var)
  set(line ${_lock})
  list(FILTER line INCLUDE REGEX "^nvidia-(cuda-)?${key}")
  string(REGEX MATCH "==([0-9.]+)" _ "${line}")
  set(REASONBRAIN_${var}_VERSION ${CMAKE_MATCH_1})
endforeach()
message(STATUS "LibTorch ${TORCH_VERSION} at ${TORCH_DIR}; built for CUDA "
               "${REASONBRAIN_CUDA_VERSION}, cuDNN ${REASONBRAIN_CUDNN_VERSION}, "
               "NCCL ${REASONBRAIN_NCCL_VERSION}")
