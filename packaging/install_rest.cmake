# Run by `cmake --install`: what is packed on the way, or whose place depends on the prefix.
set(root "$ENV{DESTDIR}")
set(share "${root}${CMAKE_INSTALL_PREFIX}/share")

# gzip without name and time, so that two builds are the same.
function(pack FROM TO)
  execute_process(COMMAND gzip -9nc INPUT_FILE "${FROM}" OUTPUT_FILE "${TO}" COMMAND_ERROR_IS_FATAL ANY)
  file(CHMOD "${TO}" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

file(GLOB pages "${MANUAL}/pages/*.[15]")
if(NOT pages)
  message(FATAL_ERROR "There are no man pages to install: build the target `manual` first.")
endif()
foreach(page ${pages})
  get_filename_component(name "${page}" NAME)
  string(REGEX REPLACE ".*\\." "" section "${name}")
  file(MAKE_DIRECTORY "${share}/man/man${section}")
  pack("${page}" "${share}/man/man${section}/${name}.gz")
endforeach()

# Debian's zsh looks for the administrator's completions elsewhere than for those of packages.
set(zsh_folder share/zsh/vendor-completions)
if(CMAKE_INSTALL_PREFIX MATCHES "/local/?$")
  set(zsh_folder share/zsh/site-functions)
endif()
file(INSTALL "${MANUAL}/completions/_echoscan" DESTINATION "${CMAKE_INSTALL_PREFIX}/${zsh_folder}")

# The list of who is left alone belongs to the machine: one that is there stays.
if(NOT EXISTS "${root}/etc/echoscan/exclude.txt")
  file(INSTALL "${PACKAGING}/exclude.txt" DESTINATION "/etc/echoscan")
endif()
