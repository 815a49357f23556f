#!/usr/bin/env bash
# The guest's file system, as two archives that the kernel unpacks one after the other.
#
#   initramfs.sh base OUT            busybox, the tools of the lab's scripts, the project's programs and scripts
#   initramfs.sh modules KERNEL OUT  the network drivers of a kernel's folder (packages.sh), in the order to load, and
#                                    the kinds of interface
#
# Uncompressed: qemu copies it into the guest's memory, and an emulated processor would unpack for seconds.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${ECHOSCAN_BUILD:-$root/build/release}
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# A program and the libraries that it is linked with, at the same paths.
copy_program() { # PATH [PATH IN THE GUEST]
  local path=$1 library
  install -D "$path" "$tree${2:-$path}"
  ldd "$path" | awk '$2 == "=>" {print $3} $1 ~ "^/" {print $1}' | while read -r library; do
    [ -e "$tree$library" ] || install -D "$library" "$tree$library"
  done
}

pack() { # OUT
  (cd "$tree" && find . -mindepth 1 | cpio --quiet -o -H newc) >"$1"
}

# DPDK for the guest's cards: the module, and the drivers that DPDK opens itself, each once: what is there under two
# names, and is no link, it would open twice.
copy_dpdk() {
  local module=$build/libechoscan_dpdk.so drivers name driver
  [ -e "$module" ] || return 0
  drivers=$(dirname "$(realpath /usr/lib/*/librte_bus_pci.so)")
  for name in bus_pci mempool_ring net_e1000 net_virtio net_vmxnet3; do
    driver=$(realpath "$drivers/librte_$name.so")
    install -D "$driver" "$tree$driver"
    mkdir -p "$tree/lib/$(basename "$(dirname "$(dirname "$drivers")")")"
    ln -s "$driver" "$tree/lib/$(basename "$(dirname "$(dirname "$drivers")")")/$(objdump -p "$driver" | awk '$1 == "SONAME" {print $2}')"
    strip --strip-debug "$tree$driver"
    copy_program "$driver"
  done
  copy_program "$module" "/echoscan/build/release/libechoscan_dpdk.so"
}

make_base() { # OUT
  local tool program
  for tool in bash jq ip ethtool setpriv fping wg; do
    copy_program "$(realpath "$(command -v "$tool")")" "/usr/bin/$tool"
  done
  install -D "$(command -v busybox)" "$tree/bin/busybox" # static
  ln -s /usr/bin/bash "$tree/bin/bash"
  ln -s /bin/busybox "$tree/usr/bin/env" # where scripts look for it
  for program in echoscan tests/lab_world tests/lab_tunnel; do
    copy_program "$build/$program" "/echoscan/build/release/$program"
    strip --strip-debug "$tree/echoscan/build/release/$program"
  done
  copy_dpdk
  mkdir -p "$tree"/{proc,sys,dev,run,tmp,etc,var} "$tree/echoscan"/{docs,tests/end_to_end}
  printf '%s\n' "icmp 1" "ipv6-icmp 58" >"$tree/etc/protocols" # fping asks for them by name
  cp -r "$root/tests/lab" "$root/tests/vm" "$tree/echoscan/tests/"
  cp "$root/tests/end_to_end/scan_networks_test.sh" "$tree/echoscan/tests/end_to_end/"
  cp "$root/docs/networks.md" "$tree/echoscan/docs/"
  install -m 755 "$root/tests/vm/init" "$tree/init"
  pack "$1"
}

# Modules and what they lean on, unpacked, and the order to load them in as a list of that NAME.
put_modules() { # KERNEL NAME MODULE...
  local kernel=$1 list=$tree/modules/$2 module path version
  shift 2
  version=$(cat "$kernel/version")
  # Where virtio_pci is built in, there is no such module; each driver's own dependencies come before it.
  for module in "$@"; do
    /usr/sbin/modprobe -q -D -d "$kernel/modules" -S "$version" "$module" || [ "$module" = virtio_pci ]
  done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' | while read -r path; do
    module=$(basename "$path" .xz)
    case $path in
      *.xz) xz -dc "$path" >"$tree/modules/$module" ;;
      *) cp "$path" "$tree/modules/$module" ;;
    esac
    echo "$module" >>"$list"
  done
}

# Kinds of interface are loaded by their case alone: some of them make interfaces of their own.
make_modules() { # KERNEL OUT
  mkdir -p "$tree/modules"
  put_modules "$1" order virtio_pci virtio_net igb e1000e vmxnet3 uio_pci_generic vfio_iommu_type1 vfio-pci
  put_modules "$1" kinds veth dummy bridge macvlan ipvlan 8021q bonding vrf ip_gre ipip wireguard tun
  pack "$2"
}

case "${1:-} $#" in
  "base 2") make_base "$2" ;;
  "modules 3") make_modules "$2" "$3" ;;
  *)
    echo "usage: initramfs.sh base OUT | modules KERNEL OUT" >&2
    exit 2
    ;;
esac
