# libreasonbrain.so holds every folder of src/; bin/reasonbrain loads it, or answers --help from the texts that
# are written here with the library's own parser (src/main.cpp says why).
include(GNUInstallDirs)
get_property(targets GLOBAL PROPERTY RB_LIBRARY_TARGETS)
get_property(libs GLOBAL PROPERTY RB_LIBRARY_LIBS)
list(REMOVE_DUPLICATES libs)
list(REMOVE_ITEM libs rb_log)
set(objects)
foreach(target ${targets})
  list(APPEND objects $<TARGET_OBJECTS:${target}>)
endforeach()
add_library(reasonbrain_library SHARED ${objects})
target_link_libraries(reasonbrain_library PRIVATE ${libs} libtorch)
set_target_properties(reasonbrain_library PROPERTIES
  OUTPUT_NAME reasonbrain
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR}
  INSTALL_RPATH "$ORIGIN;${TORCH_DIR}/lib")

add_executable(rb_write_help write_help.cpp)
target_include_directories(rb_write_help PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(rb_write_help PRIVATE reasonbrain_library)
set_target_properties(rb_write_help PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
set(RB_HELP ${CMAKE_INSTALL_DATADIR}/reasonbrain/help)
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/${RB_HELP}/reasonbrain.txt
  COMMAND rb_write_help ${CMAKE_BINARY_DIR}/${RB_HELP}
  DEPENDS rb_write_help reasonbrain_library
  COMMENT "Writing the help texts" VERBATIM)
add_custom_target(rb_help ALL DEPENDS ${CMAKE_BINARY_DIR}/${RB_HELP}/reasonbrain.txt)

add_executable(reasonbrain main.cpp)
target_compile_definitions(reasonbrain PRIVATE
  RB_LIBRARY="$<TARGET_SONAME_FILE_NAME:reasonbrain_library>" RB_HELP_FOLDER="../${RB_HELP}")
target_link_libraries(reasonbrain PRIVATE ${CMAKE_DL_LIBS})
set_target_properties(reasonbrain PROPERTIES
  BUILD_RPATH ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR}
  INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
add_dependencies(reasonbrain rb_help)
