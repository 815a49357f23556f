# What is installed, and the Debian packages: `cmake --build --preset release --target deb` makes echoscan_*.deb,
# echoscan-dbgsym_*.deb and, where there is DPDK, echoscan-dpdk_*.deb in the build folder; `cmake --install build/release
# --strip` puts the program's files elsewhere.
#
# Files are installed by the same rules for both, under a prefix that is not known before (hence install(CODE)): what
# belongs in /etc and where zsh looks for completions depend on it.
include(GNUInstallDirs)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(CMAKE_INSTALL_DOCDIR ${CMAKE_INSTALL_DATAROOTDIR}/doc/echoscan)
set(PACKAGING ${PROJECT_SOURCE_DIR}/packaging)
set(MANUAL ${PROJECT_BINARY_DIR}/manual)

# Man pages and completions, which the program's own tables of options make. They are part of `all`, since `--install`
# takes them.
file(GLOB manual_sources CONFIGURE_DEPENDS ${PACKAGING}/*.py ${PACKAGING}/manual/*.md)
set(ask ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 ${Python3_EXECUTABLE})
add_custom_command(
  OUTPUT ${MANUAL}/made
  COMMAND ${ask} ${PACKAGING}/manual_pages.py $<TARGET_FILE:echoscan> ${PROJECT_SOURCE_DIR} ${MANUAL}/pages
  COMMAND ${ask} ${PACKAGING}/completions.py $<TARGET_FILE:echoscan> ${MANUAL}/completions
  COMMAND ${CMAKE_COMMAND} -E touch ${MANUAL}/made
  DEPENDS echoscan ${manual_sources} ${PROJECT_SOURCE_DIR}/docs/json-lines.md
  COMMENT "Man pages and completions" VERBATIM)
add_custom_target(manual ALL DEPENDS ${MANUAL}/made)

# --install needs what the target `manual` makes and nothing else of `all`; tests are not built for it.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
install(TARGETS echoscan)
install(FILES README.md CHANGELOG.md ${PACKAGING}/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
file(GLOB schemas CONFIGURE_DEPENDS docs/schema/*.schema.json)
install(FILES ${schemas} DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/echoscan/schema)
install(FILES ${PACKAGING}/scan.conf ${PACKAGING}/limits.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES ${PACKAGING}/echoscan@.service DESTINATION lib/systemd/system)
install(FILES ${MANUAL}/completions/echoscan DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions)
install(FILES ${MANUAL}/completions/echoscan.fish DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/fish/vendor_completions.d)
install(CODE "set(PACKAGING \"${PACKAGING}\")\nset(MANUAL \"${MANUAL}\")\nset(PYTHON \"${Python3_EXECUTABLE}\")")
install(SCRIPT ${PACKAGING}/install_rest.cmake)

# Who answers for the package: whoever hands it on says so.
set(ECHOSCAN_MAINTAINER "echoscan maintainers <maintainers@echoscan.invalid>" CACHE STRING "Maintainer of the package")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME echoscan)
set(CPACK_PACKAGE_CONTACT "${ECHOSCAN_MAINTAINER}")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES OFF)  # dbgsym takes the debug information off
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DEBUGINFO_PACKAGE ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE gzip)  # xz saves a fifth and takes ten times as long
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "ping scanner for very large sets of IPv4 addresses")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "echoscan sends an ICMP echo request to each address of a list, up to all four
billion, and writes a line of JSON for each that replies. Probes leave by
AF_XDP or AF_PACKET, replies are matched in the kernel by XDP and proved by
keyed hashes, and at the end every probe and every reply is accounted for.

It has a ledger that must add up, an order that can be repeated from a seed,
shards for many machines, and reports, comparisons and bundles of scans.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/package/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${PROJECT_BINARY_DIR}/package/conffiles "/etc/echoscan/exclude.txt\n")
# `cmake --install` under a DESTDIR fills the package. CPack's own way has none, and /etc would be this machine's.
set(CPACK_INSTALL_CMAKE_PROJECTS "")
set(CPACK_INSTALL_SCRIPTS ${PACKAGING}/stage_package.cmake)
# What these scripts need to know.
set(CPACK_ECHOSCAN_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_ECHOSCAN_BUILD ${PROJECT_BINARY_DIR})
set(CPACK_ECHOSCAN_PYTHON ${Python3_EXECUTABLE})
include(CPack)

add_custom_target(deb
  COMMAND ${CMAKE_COMMAND} -DFOLDER=${PROJECT_BINARY_DIR} -DCPACK=${CMAKE_CPACK_COMMAND}
          -DPYTHON=${Python3_EXECUTABLE} -DSOURCE=${PROJECT_SOURCE_DIR}
          -DDPDK=$<TARGET_EXISTS:echoscan_dpdk> -P ${PACKAGING}/make_deb.cmake
  DEPENDS ${MANUAL}/made COMMENT "Debian packages" VERBATIM)
add_dependencies(deb manual)
