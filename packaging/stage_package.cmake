# Run by CPack: fills the folder that becomes the package by `cmake --install`, and adds what a Debian package has beside
# what is installed: its changelog, and the list of what it is made of (SPDX).
set(stage "${CPACK_TEMPORARY_INSTALL_DIRECTORY}")
if(NOT stage)
  message(FATAL_ERROR "CPack does not say where the package is filled.")
endif()
set(documents "${stage}/usr/share/doc/echoscan")
execute_process(COMMAND ${CMAKE_COMMAND} -E env "DESTDIR=${stage}"
  ${CMAKE_COMMAND} --install "${CPACK_ECHOSCAN_BUILD}" --prefix /usr OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
set(python ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 ${CPACK_ECHOSCAN_PYTHON})
set(papers "${CPACK_ECHOSCAN_BUILD}/package")
execute_process(COMMAND ${python} "${CPACK_ECHOSCAN_SOURCE}/packaging/debian_changelog.py" "${CPACK_ECHOSCAN_SOURCE}"
  "${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}" "${CPACK_PACKAGE_CONTACT}" "${papers}/changelog.Debian"
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${python} "${CPACK_ECHOSCAN_SOURCE}/packaging/bill_of_materials.py"
  "${CPACK_ECHOSCAN_BUILD}/echoscan" "${CPACK_ECHOSCAN_SOURCE}" "${papers}/echoscan.spdx.json"
  COMMAND_ERROR_IS_FATAL ANY)
file(COPY_FILE "${papers}/echoscan.spdx.json" "${documents}/echoscan.spdx.json")
execute_process(COMMAND gzip -9nc INPUT_FILE "${papers}/changelog.Debian"
  OUTPUT_FILE "${documents}/changelog.Debian.gz" COMMAND_ERROR_IS_FATAL ANY)
# Where Debian has a program's own changelog.
execute_process(COMMAND gzip -9nc INPUT_FILE "${documents}/CHANGELOG.md" OUTPUT_FILE "${documents}/changelog.gz"
  COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE "${documents}/CHANGELOG.md")
file(MAKE_DIRECTORY "${stage}/usr/share/lintian/overrides")
file(COPY_FILE "${CPACK_ECHOSCAN_SOURCE}/packaging/lintian-overrides" "${stage}/usr/share/lintian/overrides/echoscan")
execute_process(COMMAND chmod -R u=rwX,go=rX "${stage}" COMMAND_ERROR_IS_FATAL ANY)
