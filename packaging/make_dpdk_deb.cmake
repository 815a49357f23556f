# Makes echoscan-dpdk_*.deb, the module of --method dpdk, beside the program's package in FOLDER: who scans without it has
# none of DPDK's libraries. It is of exactly one version of the program, since the two share a table of functions.
#
# DPDK opens a card's driver by itself, so no library names it: what every card needs is among the dependencies, and the
# cards' own, of which docs/dpdk.md has the table, are suggestions, since all of them are 100 packages. By CPack's
# components the program's package would be one of several, with another name for all that is made of it.
#
#   cmake -DFOLDER=DIR -DSOURCE=DIR -P make_dpdk_deb.cmake   with SOURCE_DATE_EPOCH, as make_deb.cmake has it
set(tree "${FOLDER}/package/dpdk")
file(REMOVE_RECURSE "${tree}")
set(library "${tree}/usr/lib/echoscan/libechoscan_dpdk.so")
execute_process(COMMAND ${CMAKE_COMMAND} -E env "DESTDIR=${tree}"
  ${CMAKE_COMMAND} --install "${FOLDER}" --prefix /usr --component dpdk OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND strip --strip-unneeded --remove-section=.comment --remove-section=.note "${library}"
  COMMAND_ERROR_IS_FATAL ANY)
file(MAKE_DIRECTORY "${tree}/usr/share/doc" "${tree}/DEBIAN" "${tree}/debian")
file(CREATE_LINK echoscan "${tree}/usr/share/doc/echoscan-dpdk" SYMBOLIC)

# dpkg-shlibdeps runs in a source's folder.
file(WRITE "${tree}/debian/control" "Source: echoscan\n\nPackage: echoscan-dpdk\nArchitecture: any\n")
execute_process(COMMAND dpkg-shlibdeps -O "-e${library}" WORKING_DIRECTORY "${tree}" OUTPUT_VARIABLE libraries
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE "${tree}/debian")
string(REGEX REPLACE "^shlibs:Depends=" "" libraries "${libraries}")
if(NOT libraries MATCHES "librte-eal([0-9]+)")
  message(FATAL_ERROR "The module's libraries are not DPDK's: ${libraries}")
endif()
set(abi ${CMAKE_MATCH_1})

# The cards' drivers, as the document has them, of the version that the module was built with.
file(STRINGS "${SOURCE}/docs/dpdk.md" rows REGEX "^\\|.*`librte-net-")
set(drivers "")
foreach(row ${rows})
  string(REGEX MATCH "librte-net-[a-z0-9]+(-[0-9]+)?" driver "${row}")
  string(REGEX REPLACE "[0-9][0-9]$" "${abi}" driver "${driver}")
  list(APPEND drivers "${driver}")
endforeach()
if(NOT drivers)
  message(FATAL_ERROR "docs/dpdk.md names no driver.")
endif()
list(JOIN drivers ", " drivers)

file(GLOB program "${FOLDER}/echoscan_*.deb")
foreach(field Version Architecture Maintainer)
  execute_process(COMMAND dpkg-deb -f "${program}" ${field} OUTPUT_VARIABLE ${field} OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
file(SIZE "${library}" bytes)
math(EXPR kilobytes "(${bytes} + 1023) / 1024 + 1")
file(WRITE "${tree}/DEBIAN/control" "Package: echoscan-dpdk
Source: echoscan
Version: ${Version}
Architecture: ${Architecture}
Maintainer: ${Maintainer}
Installed-Size: ${kilobytes}
Depends: echoscan (= ${Version}), librte-bus-pci${abi}, librte-mempool-ring${abi}, ${libraries}
Suggests: ${drivers}
Section: net
Priority: optional
Description: ping scanner for very large sets of IPv4 addresses, by DPDK
 With this module echoscan takes a network card from the kernel and drives it
 in the scan's own process (--method dpdk), by the Data Plane Development Kit.
 .
 The driver of a card is a package of its own, named librte-net-* after it.
")
file(RELATIVE_PATH name "${tree}" "${library}")
execute_process(COMMAND md5sum "${name}" WORKING_DIRECTORY "${tree}" OUTPUT_FILE "${tree}/DEBIAN/md5sums"
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND chmod -R u=rwX,go=rX "${tree}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND chmod 644 "${library}" "${tree}/DEBIAN/md5sums" "${tree}/DEBIAN/control"
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND dpkg-deb --root-owner-group -Zgzip -z6 --build "${tree}"
  "${FOLDER}/echoscan-dpdk_${Version}_${Architecture}.deb" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE "${tree}")
