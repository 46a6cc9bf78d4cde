# What `cmake --install` writes: a tree that can be moved as a whole.
#   bin/reasonbrain  lib/libreasonbrain.so  include/reasonbrain/  lib/cmake/reasonbrain/
#   share/reasonbrain/{configs,help,models/mini}   share/doc/reasonbrain/
# LibTorch is not part of it: binary and library look for it where it was when they were built, and the CMake
# package takes -DLIBTORCH_ROOT. The libraries from Debian are needed as packages.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(data_dir ${CMAKE_INSTALL_DATADIR}/reasonbrain)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/reasonbrain)
install(TARGETS reasonbrain reasonbrain_library
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/reasonbrain DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${CMAKE_BINARY_DIR}/${RB_HELP} DESTINATION ${data_dir})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/configs DESTINATION ${data_dir})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/models/mini DESTINATION ${data_dir}/models)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/bench DESTINATION ${data_dir} FILES_MATCHING PATTERN "*.py")
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/reasonbrainConfig.cmake.in
  ${CMAKE_BINARY_DIR}/generated/reasonbrainConfig.cmake
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/reasonbrainConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/generated/reasonbrainConfig.cmake
  ${CMAKE_BINARY_DIR}/generated/reasonbrainConfigVersion.cmake
  ${CMAKE_SOURCE_DIR}/cmake/LibTorchTargets.cmake
  DESTINATION ${package_dir})
