# Makes the Debian packages by CPack, in FOLDER. Packages of earlier versions go, so that echoscan_*.deb is one file.
#
# The one of debug information is put right: CPack 3.25 calls it .ddeb, names a folder of this machine in its list of
# digests, and leaves out what every package has, a changelog and a copyright, which Debian's own dbgsym packages have by
# a link to the program's.
#
# Files have the time of the commit: the same program makes the same packages, byte for byte. Where there is DPDK to build
# the module of --method dpdk with (DPDK), it is a package of its own.
#
#   cmake -DFOLDER=DIR -DCPACK=PROGRAM -DPYTHON=PROGRAM -DSOURCE=DIR -DDPDK=0|1 -P make_deb.cmake
execute_process(COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 "${PYTHON}"
  "${CMAKE_CURRENT_LIST_DIR}/program_tables.py" "${SOURCE}"
  OUTPUT_VARIABLE epoch OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(ENV{SOURCE_DATE_EPOCH} ${epoch})
file(GLOB stale "${FOLDER}/echoscan*_*.deb" "${FOLDER}/echoscan*_*.ddeb")
if(stale)
  file(REMOVE ${stale})
endif()
execute_process(COMMAND "${CPACK}" -G DEB WORKING_DIRECTORY "${FOLDER}" COMMAND_ERROR_IS_FATAL ANY)
file(GLOB packages "${FOLDER}/echoscan-dbgsym_*.ddeb")
if(NOT packages)
  message(FATAL_ERROR "CPack has made no package of debug information; does the program have a build id?")
endif()
string(REGEX REPLACE "ddeb$" "deb" name "${packages}")
set(tree "${FOLDER}/package/dbgsym")
file(REMOVE_RECURSE "${tree}")
function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY "${tree}" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()
execute_process(COMMAND dpkg-deb --raw-extract "${packages}" "${tree}" COMMAND_ERROR_IS_FATAL ANY)
file(MAKE_DIRECTORY "${tree}/usr/share/doc")
file(CREATE_LINK echoscan "${tree}/usr/share/doc/echoscan-dbgsym" SYMBOLIC)
file(GLOB_RECURSE files RELATIVE "${tree}" "${tree}/usr/lib/*")
execute_process(COMMAND md5sum ${files} WORKING_DIRECTORY "${tree}" OUTPUT_FILE "${tree}/DEBIAN/md5sums"
  COMMAND_ERROR_IS_FATAL ANY)
run(chmod -R u=rwX,go=rX .)
run(chmod 644 ${files} DEBIAN/md5sums DEBIAN/control)
run(dpkg-deb --root-owner-group -Zgzip -z6 --build . "${name}")
file(REMOVE_RECURSE "${tree}" "${packages}")
if(DPDK)
  execute_process(COMMAND ${CMAKE_COMMAND} "-DFOLDER=${FOLDER}" "-DSOURCE=${SOURCE}"
    -P "${CMAKE_CURRENT_LIST_DIR}/make_dpdk_deb.cmake" COMMAND_ERROR_IS_FATAL ANY)
endif()
