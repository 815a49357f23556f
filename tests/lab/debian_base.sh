# Sourced: Debian 12 out of Debian's packages, from no registry of images, kept between runs in build/container, for the
# container's base image and for the root in which the package is installed.
# shellcheck shell=bash disable=SC2154

cache=$root/build/container
mkdir -p "$cache"

# Makes $cache/base.tar unless it is there, as lean as the slim images are; what is said goes to $work/log.
make_base() {
  [ ! -e "$cache/base.tar" ] || return 0
  local folder
  folder=$(mktemp -d "$cache/base.XXXXXX")
  debootstrap --variant=minbase bookworm "$folder" >"$work/log" 2>&1 || return 1
  rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/cache/apt/*.bin "$folder"/var/lib/apt/lists/*
  printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' \
    >"$folder/etc/dpkg/dpkg.cfg.d/slim"
  chmod 755 "$folder"
  tar -C "$folder" -cf "$cache/base.tar.new" .
  mv "$cache/base.tar.new" "$cache/base.tar"
  rm -rf "$folder"
}
