# Import targets for LibTorch from an unpacked PyPI wheel (scripts/setup puts it into .deps/python).
# find_package(Torch) is not used: on a CUDA build it insists on a CUDA toolkit even for CPU programs.
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

function(_rb_import name file)
  add_library(${name} SHARED IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${TORCH_DIR}/lib/${file}
                                           IMPORTED_NO_SONAME TRUE)
endfunction()
_rb_import(torch_c10 libc10.so)
_rb_import(torch_cpu_lib libtorch_cpu.so)

add_library(libtorch INTERFACE)
target_include_directories(libtorch SYSTEM INTERFACE
  ${TORCH_DIR}/include ${TORCH_DIR}/include/torch/csrc/api/include)
target_compile_definitions(libtorch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
# Only the CPU half is linked; libtorch_cuda is loaded on demand (core/device.cpp).
target_link_libraries(libtorch INTERFACE torch_cpu_lib torch_c10)
list(APPEND CMAKE_BUILD_RPATH ${TORCH_DIR}/lib)

# Versions of the accelerator libraries that the wheel expects, printed here and by `doctor`.
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
