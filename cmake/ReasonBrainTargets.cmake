# rb_folder(NAME [TORCH] [EXCLUDE regex...] [DEPS folder...] [LIBS target...]): the library of src/NAME.
#   TORCH    the folder's files may include LibTorch; they share one precompiled header.
#   EXCLUDE  names of files that belong to another target.
# Every folder is part of the library, see cmake/Program.cmake.
function(rb_folder name)
  cmake_parse_arguments(ARG "TORCH" "" "DEPS;LIBS;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  foreach(pattern ${ARG_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX "/${pattern}$")
  endforeach()
  add_library(rb_${name} STATIC ${sources})
  rb_in_library(rb_${name} ${ARG_LIBS})
  target_include_directories(rb_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  foreach(dep ${ARG_DEPS})
    target_link_libraries(rb_${name} PUBLIC rb_${dep})
  endforeach()
  target_link_libraries(rb_${name} PUBLIC ${ARG_LIBS})
  if(ARG_TORCH)
    target_link_libraries(rb_${name} PUBLIC libtorch)
    rb_use_pch(rb_${name})
  endif()
endfunction()

# Notes a target whose objects, and libraries on which they depend, belong to the installed library.
function(rb_in_library target)
  set_property(GLOBAL APPEND PROPERTY RB_LIBRARY_TARGETS ${target})
  set_property(GLOBAL APPEND PROPERTY RB_LIBRARY_LIBS ${ARGN})
endfunction()

# The precompiled header is built once, by rb_pch, and reused by every target that sees LibTorch.
function(rb_use_pch target)
  if(target STREQUAL rb_pch)
    target_precompile_headers(rb_pch PRIVATE ${CMAKE_SOURCE_DIR}/src/core/torch_pch.h)
  else()
    target_precompile_headers(${target} REUSE_FROM rb_pch)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL EXECUTABLE)  # -fPIE would make the header invalid, which was built with -fPIC
      target_compile_options(${target} PRIVATE -fPIC)
    endif()
  endif()
endfunction()

# rb_test(FOLDER [TORCH] [LABELS label...] [LIBS target...] [TIMEOUT seconds]): one test binary from
# tests/FOLDER/*_test.cpp.
function(rb_test folder)
  cmake_parse_arguments(ARG "TORCH" "TIMEOUT" "LABELS;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/*_test.cpp)
  add_executable(test_${folder} ${sources})
  target_include_directories(test_${folder} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(test_${folder} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(test_${folder} PRIVATE
    RB_SOURCE_DIR="${CMAKE_SOURCE_DIR}" RB_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/${folder}/data"
    RB_BINARY="${CMAKE_BINARY_DIR}/bin/reasonbrain")
  if(ARG_TORCH)
    target_link_libraries(test_${folder} PRIVATE libtorch)
    rb_use_pch(test_${folder})
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${folder} COMMAND test_${folder})
  set_tests_properties(${folder} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "OMP_NUM_THREADS=1")
endfunction()
