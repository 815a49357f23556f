#!/usr/bin/env bash
# Kernels and qemu for the NIC matrix, out of Debian's packages, with the machine's own apt left as it is.
#
#   packages.sh kernel 6.1|6.12|newest   prints a folder: vmlinuz, version, modules/
#   packages.sh qemu backports           prints a folder: the qemu of bookworm-backports, for igb
#
# apt itself resolves, downloads and checks signatures, with lists and settings of its own in the cache; nothing
# is installed. The names of kernel packages change with each upload and old ones leave the mirror: what is in the
# cache is used as long as it is there. ECHOSCAN_VM_CACHE names the cache (default ~/.cache/echoscan/vm): to get
# a newer kernel, delete its folder. ECHOSCAN_DEBIAN_MIRROR names the mirror, by default the machine's. Exit 4: a package cannot be had.
set -euo pipefail

cache=${ECHOSCAN_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/echoscan/vm}
mirror=${ECHOSCAN_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
  'Codename: bookworm' | awk 'NR == 1 {sub("/$", ""); print}')}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "packages.sh: $*" >&2; }

cannot_be_had() {
  say "$*"
  exit 4
}

# apt's COMMAND (get, cache) over the lists of SUITE alone; no package counts as installed.
apt_of() { # SUITE COMMAND ARGUMENT...
  local state=$cache/apt/$1 command=$2
  shift 2
  "apt-$command" -qq -o Dir::State="$state" -o Dir::State::status="$state/status" \
    -o Dir::Cache="$state/cache" -o Dir::Etc::sourcelist="$state/sources.list" \
    -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null \
    -o Dir::Etc::preferencesparts=/dev/null -o APT::Sandbox::User=root "$@"
}

update() { # SUITE
  local state=$cache/apt/$1
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
  : >"$state/status"
  echo "deb [signed-by=$keyring] $mirror $1 main" >"$state/sources.list"
  apt_of "$1" get update >&2 || cannot_be_had "the package list of $1 cannot be had from $mirror"
}

# Downloads the packages into FOLDER.
download() { # SUITE FOLDER PACKAGE...
  local suite=$1 folder=$2
  shift 2
  say "downloading from $suite: $*"
  (cd "$folder" && apt_of "$suite" get download "$@" >&2) || cannot_be_had "$suite does not give: $*"
}

depends_of() { # SUITE PACKAGE
  apt_of "$1" cache depends "$2" | awk '$1 == "Depends:" {print $2}'
}

# The kernel's image is one package in older releases, and an empty one that names two others in newer.
kernel_packages() { # SUITE
  local image
  image=$(depends_of "$1" linux-image-amd64 | grep -m1 '^linux-image-[0-9]') ||
    cannot_be_had "$1 has no kernel for amd64"
  echo "$image"
  depends_of "$1" "$image" | grep -E '^linux-(binary|modules)-[0-9]' || [ $? = 1 ]
}

# Of 4,000 modules those of the NICs here, those that hand a card to a process, the kinds of interface that
# scan_networks_test.sh raises, and what they lean on.
readonly wanted_modules="virtio|drivers/net/(virtio_net|net_failover|vmxnet3|ethernet/intel/(igb|e1000e))|i2c/algos|dca\
|net/core|uio|vfio|virt/lib|iommu/iommufd|drivers/net/(bonding|dummy|ipvlan|macvlan|tun|veth|vrf|wireguard)\
|net/(802|8021q|bridge|llc|tls)\
|net/ipv4/(gre|ip_gre|ip_tunnel|ipip|tunnel4|udp_tunnel)|net/ipv6/ip6_udp_tunnel|arch/x86/crypto|crypto|lib"

extract_kernel() { # FOLDER DEB...
  local folder=$1 deb version
  shift
  for deb in "$@"; do
    dpkg-deb --fsys-tarfile "$deb" | tar -t |
      awk -v modules="/kernel/(drivers/)?($wanted_modules)[/.].*ko" \
        '/\/vmlinuz[^\/]*$/ || /\/modules\.(builtin|order)/ || $0 ~ modules' >"$folder/wanted"
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$folder" --no-recursion -T "$folder/wanted"
  done
  version=$(basename "$(dirname "$(find "$folder" -type d -path '*lib/modules/*/kernel' | head -1)")")
  mv "$(find "$folder" -name 'vmlinuz*' | head -1)" "$folder/vmlinuz"
  mkdir -p "$folder/modules/lib/modules"
  mv "$(find "$folder" -type d -path "*lib/modules/$version" -prune | head -1)" "$folder/modules/lib/modules/"
  /usr/sbin/depmod -b "$folder/modules" "$version" 2>"$folder/depmod.log"
  rm -f "$@" "$folder/wanted"
  echo "$version" >"$folder/version"
}

# Makes FOLDER by FUNCTION, whole or not at all, one process at a time.
make_once() { # FOLDER FUNCTION ARGUMENT...
  local folder=$1 making=$1.new
  shift
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  if [ ! -e "$folder" ]; then
    rm -rf "$making"
    mkdir -p "$making"
    "$@" "$making"
    mv "$making" "$folder"
  fi
  echo "$folder"
}

make_kernel() { # SUITE FOLDER
  local packages
  update "$1"
  packages=$(kernel_packages "$1")
  # shellcheck disable=SC2086
  download "$1" "$2" $packages
  extract_kernel "$2" "$2"/*.deb
}

make_qemu() { # SUITE FOLDER
  local deb
  update "$1"
  download "$1" "$2" qemu-system-x86 qemu-system-common qemu-system-data seabios
  for deb in "$2"/*.deb; do dpkg-deb -x "$deb" "$2"; done
  rm -f "$2"/*.deb
}

# A folder that was made with other modules is another one.
modules_mark=$(md5sum <<<"$wanted_modules" | cut -c1-8)
case "${1:-} ${2:-}" in
  "kernel 6.1") make_once "$cache/linux-6.1-$modules_mark" make_kernel bookworm ;;
  "kernel 6.12") make_once "$cache/linux-6.12-$modules_mark" make_kernel bookworm-backports ;;
  "kernel newest") make_once "$cache/linux-newest-$modules_mark" make_kernel trixie-backports ;;
  "qemu backports") make_once "$cache/qemu-backports" make_qemu bookworm-backports ;;
  *)
    say "usage: packages.sh kernel 6.1|6.12|newest | qemu backports"
    exit 2
    ;;
esac
