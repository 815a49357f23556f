# Writes the header that says which commit this source is, and touches it only when that changes.
#
#   cmake -DSOURCE=DIR -DHEADER=FILE [-DCOMMIT=TEXT] [-DGIT=PROGRAM] -P write_commit.cmake
#
# From git where SOURCE is the top of a checkout; else from source_commit.txt, into which `git archive` writes it;
# else "unknown". A COMMIT that is given wins: an image is built without .git.
set(commit "${COMMIT}")
if(NOT commit AND GIT AND EXISTS "${SOURCE}/.git")
  execute_process(COMMAND ${GIT} -C "${SOURCE}" rev-parse --verify HEAD
    OUTPUT_VARIABLE head OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(status EQUAL 0)
    set(commit "${head}")
    execute_process(COMMAND ${GIT} -C "${SOURCE}" diff --quiet HEAD RESULT_VARIABLE is_changed ERROR_QUIET)
    if(NOT is_changed EQUAL 0)
      string(APPEND commit ", with changes")
    endif()
  endif()
endif()
if(NOT commit)
  file(STRINGS "${SOURCE}/packaging/source_commit.txt" commit LIMIT_COUNT 1 REGEX "^[0-9a-f]+ [0-9]+$")
  string(REGEX REPLACE " .*" "" commit "${commit}")
endif()
if(NOT commit)
  set(commit unknown)
endif()
set(text "#define ECHOSCAN_COMMIT \"${commit}\"\n")
if(EXISTS "${HEADER}")
  file(READ "${HEADER}" before)
endif()
if(NOT before STREQUAL text)
  file(WRITE "${HEADER}" "${text}")
endif()
