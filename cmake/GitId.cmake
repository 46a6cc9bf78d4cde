# Script (cmake -P): writes OUTPUT, which defines the commit that is built and whether the tree differs from it.
# The file changes only when they do, so that nothing is compiled again without need.
find_package(Git QUIET)
set(id "")
set(dirty false)
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE} rev-parse HEAD
                  OUTPUT_VARIABLE id OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(failed)
    set(id "")
  else()
    execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE} status --porcelain --untracked-files=no
                    OUTPUT_VARIABLE changes ERROR_QUIET)
    if(changes)
      set(dirty true)
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"// Written by cmake/GitId.cmake.
#define REASONBRAIN_GIT_ID \"${id}\"
#define REASONBRAIN_GIT_DIRTY ${dirty}
" @ONLY)
