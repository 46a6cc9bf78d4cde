# Warnings, sanitizers, ccache. One place for everything that every target is compiled with.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # The precompiled header defeats ccache unless it is told which differences do not matter.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CCACHE_PROGRAM})
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()
add_compile_options(-Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers)
if(REASONBRAIN_SANITIZE)
  set(RB_SANITIZERS -fsanitize=address,undefined -fno-sanitize-recover=all)
  add_compile_options(${RB_SANITIZERS} -fno-omit-frame-pointer -g1)
  add_link_options(${RB_SANITIZERS})
endif()
