# Import targets for the LibTorch in ${TORCH_DIR}. Used by the build and by the installed package.
# find_package(Torch) is not used: on a CUDA build it insists on a CUDA toolkit even for CPU programs.
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
# Only the CPU half is linked; libtorch_cuda is loaded on demand.
target_link_libraries(libtorch INTERFACE torch_cpu_lib torch_c10)
