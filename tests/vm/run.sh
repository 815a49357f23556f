#!/usr/bin/env bash
# The NIC matrix: scans on emulated network cards, in virtual machines, each with a kernel of its own.
#
#   run.sh [--kernel 6.1|6.12|newest] [--nic virtio|virtio-iommu|igb|vmxnet3|e1000e] [--queues N] [--iommu] [CASE...]
#   run.sh --all        every kernel, every card, every case; an hour and more, ends with the table
#   run.sh --table      the table for docs/drivers.md, of the results so far
#
# One machine has two cards, joined inside the one qemu process by a hub: there is no other network in it and no
# way out of it. With --iommu it has an IOMMU, too, and DPDK's cases go by vfio-pci. No KVM is needed. The cases are
# case.sh's. Exit status: 0 all passed, 1 something failed, 77 the machine cannot be had (a package is missing from the
# mirror), with the reason; with ECHOSCAN_CI, kernel 6.1 has to be had. Results, one JSON object a line, are appended
# to build/vm/results.jsonl, which --all begins anew; serial consoles are kept beside it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
vm=$root/tests/vm
out=${ECHOSCAN_VM_OUT:-$root/build/vm}
readonly run_seconds_max=1200 boots_max=3

die() {
  echo "run.sh: $*" >&2
  exit 2
}

# packages.sh, with its "cannot be had" as ours.
fetch() {
  local status=0
  "$vm/packages.sh" "$@" || status=$?
  if [ $status = 4 ]; then status=77; fi
  return $status
}

# The command line of qemu up to its devices, in `qemu`.
choose_qemu() { # NIC
  qemu=(qemu-system-x86_64)
  # igb came with qemu 8; Debian 12 has 7.2.
  if [ "$1" = igb ]; then
    local folder
    folder=$(fetch qemu backports) || return
    qemu=(env QEMU_MODULE_DIR="$folder/usr/lib/x86_64-linux-gnu/qemu" "$folder/usr/bin/qemu-system-x86_64"
      -L "$folder/usr/share/qemu" -L "$folder/usr/share/seabios")
  fi
}

device() { # NIC
  case $1 in
    virtio) echo virtio-net-pci ;;
    # Zero-copy needs the kernel's DMA interface, which virtio leaves aside unless told otherwise.
    virtio-iommu) echo virtio-net-pci,iommu_platform=on,disable-legacy=on ;;
    *) echo "$1" ;;
  esac
}

# One boot: the cases' output, then their status. 0 passed, 1 failed, 77 cannot be had.
boot() { # KERNEL NIC QUEUES CASE...
  local kernel=$1 nic=$2 queues=$3 folder card qemu
  shift 3
  local cases status
  printf -v cases '%s,' "$@"
  folder=$(fetch kernel "$kernel") || return
  choose_qemu "$nic" || return
  "$vm/initramfs.sh" modules "$folder" "$out/modules-$kernel.cpio" || return 1
  cat "$out/base.cpio" "$out/modules-$kernel.cpio" >"$out/initramfs-$kernel.cpio" || return 1
  card=$(device "$nic")
  local log=$out/console-$kernel-$nic$([ $iommu = off ] || echo -iommu).log
  run_guest
  # Now and then an emulated processor runs into code that the kernel is just patching, and the kernel panics before
  # its first process (seen in ktime_get_update_offsets_now of 7.3, 2 boots of 20): nothing of ours has run by then.
  local tries
  for ((tries = 1; tries < boots_max; ++tries)); do
    if grep -q '^@kernel ' "$log"; then break; fi
    echo "booted again: $kernel $nic (its kernel did not come up: $(grep -m1 'panic' "$log" || tail -1 "$log"))"
    run_guest
  done
  read_console "$log" "$kernel" "$nic" "$status"
}

# Does what the guest asks for, line by line: its near card's cable is pulled, or put back.
obey() { # PIPE
  local line
  while read -r line; do
    case $line in
      # A qemu that is gone reads nothing.
      "@link off" | "@link on") timeout 5 sh -c 'echo "$1" >"$2"' - "set_link h0 ${line#@link }" "$1.in" ;;
    esac
  done
}

# qemu with boot's settings; the console in $log, qemu's exit status in $status.
run_guest() {
  local monitor=${log%.log}-monitor
  status=0
  rm -f "$monitor".{in,out}
  mkfifo "$monitor".{in,out}
  # Without remapped interrupts vfio takes no card.
  local remapping=() settings="vm_iommu=$iommu kernel=$kernel nic=$nic queues=$queues cases=$cases"
  if [ $iommu = on ]; then
    remapping=(-device intel-iommu,intremap=on,caching-mode=on,aw-bits=48)
    settings="intel_iommu=on $settings"
  fi
  # qemu opens both ways of its monitor by itself, and what it says there is little.
  # Neighbouring slots would clash over igb's virtual functions.
  timeout --kill-after=5 $run_seconds_max "${qemu[@]}" -M q35 -accel tcg,thread=multi -cpu max "${remapping[@]}" \
    -smp "$((queues > 2 ? queues : 2))" -m 768 -display none -nodefaults -no-reboot -serial stdio \
    -monitor "pipe:$monitor" \
    -kernel "$folder/vmlinuz" -initrd "$out/initramfs-$kernel.cpio" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable $settings" \
    -netdev hubport,id=h0,hubid=0 -netdev hubport,id=h1,hubid=0 \
    -device "$card,netdev=h0,mac=02:00:00:00:00:0a,addr=0x2,romfile=" \
    -device "$card,netdev=h1,mac=02:00:00:00:00:0b,addr=0x6,romfile=" \
    </dev/null 2>&1 | sed -u 's/\r$//' | tee "$log" >(obey "$monitor") |
    grep --line-buffered -v '^@' || status=${PIPESTATUS[0]}
}

# What the guest reported: results kept, a line a case, and whether all went well.
read_console() { # LOG KERNEL NIC STATUS-OF-QEMU
  local version name status seconds result=0
  version=$(sed -n 's/^@kernel //p' "$1")
  sed -n 's/^@seen //p' "$1" | jq -c --arg kernel "$version" --arg nic "$3" \
    '{kernel: $kernel, nic: $nic} + .' >>"$out/results.jsonl"
  while read -r _ name status seconds; do
    case $status in
      0) echo "passed: $2 $3 $name (${seconds} s)" ;;
      77) echo "not here: $2 $3 $name" ;;
      *)
        echo "FAILED: $2 $3 $name (${seconds} s)"
        result=1
        ;;
    esac
  done < <(grep '^@case ' "$1" || [ $? = 1 ])
  if ! grep -q '^@end complete' "$1"; then
    echo "FAILED: $2 $3 did not come to its end (qemu: $4): $(sed -n 's/^@end //p' "$1"); $(tail -3 "$1")"
    result=1
  fi
  return $result
}

# Runs and says, by name, what could not be had.
run_machine() { # KERNEL NIC QUEUES CASE...
  local status=0
  boot "$@" || status=$?
  if [ $status = 77 ]; then
    echo "not run: $1 $2 (its packages cannot be had)"
    if [ -n "${ECHOSCAN_CI:-}" ] && [ "$1" = 6.1 ]; then
      echo "FAILED: $1 $2 has to be run in CI"
      status=1
    fi
  fi
  return $status
}

run_all() { # CASE...
  local kernel nic status=0
  rm -f "$out/results.jsonl"
  for kernel in 6.1 6.12 newest; do
    for nic in virtio virtio-iommu igb vmxnet3 e1000e; do
      iommu=off
      run_machine "$kernel" "$nic" "$([ $nic = igb ] && echo 4 || echo 1)" "$@" || [ $? = 77 ] || status=1
      # A virtio that goes around the IOMMU cannot be behind it.
      [ $nic != virtio ] || continue
      iommu=on
      run_machine "$kernel" "$nic" 1 dpdk dpdk_link || [ $? = 77 ] || status=1
    done
  done
  print_table
  return $status
}

print_table() {
  echo "| kernel | card | case | sends | receives | queues | sent | arrived | found of truth | why no zero-copy |"
  echo "|---|---|---|---|---|---|---|---|---|---|"
  jq -r '"| \(.kernel) | \(.nic) | \(.case) | \(.sender) | \(.receiver) | \(.queues) | \(.sent) | \(.arrived) | \(.found) of \(.truth) | \(.why) |"' \
    "$out/results.jsonl"
}

kernel=6.1 nic=virtio queues=1 iommu=off mode=one cases=()
while [ $# -gt 0 ]; do
  case $1 in
    --kernel | --nic | --queues)
      [ $# -ge 2 ] || die "$1 needs a value"
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    --iommu) iommu=on ;;
    --all | --table) mode=${1#--} ;;
    -*) die "unknown option $1" ;;
    *) cases+=("$1") ;;
  esac
  shift
done
case $kernel in 6.1 | 6.12 | newest) ;; *) die "--kernel is 6.1, 6.12 or newest, not '$kernel'" ;; esac
case $nic in virtio | virtio-iommu | igb | vmxnet3 | e1000e) ;; *) die "--nic: there is no '$nic' here" ;; esac
[ "$nic $iommu" != "virtio on" ] || die "--iommu: this virtio goes around it; --nic virtio-iommu does not"
[[ $queues =~ ^[1-8]$ ]] || die "--queues is a number from 1 to 8, not '$queues'"
known_cases=" $("$vm/case.sh" --list | tr '\n' ' ')"
for name in "${cases[@]}"; do
  [[ $known_cases == *" $name "* ]] || die "there is no case '$name'; there are:$known_cases"
done
for tool in qemu-system-x86_64 busybox cpio xz fping wg; do
  command -v $tool >/dev/null || die "$tool is missing; tests/install_packages.sh lab test vm brings it"
done

if [ "$mode" = table ]; then
  print_table
  exit
fi
if [ ${#cases[@]} -eq 0 ]; then mapfile -t cases < <("$vm/case.sh" --list); fi
mkdir -p "$out"
"$vm/initramfs.sh" base "$out/base.cpio"
if [ "$mode" = all ]; then
  run_all "${cases[@]}"
else
  run_machine "$kernel" "$nic" "$queues" "${cases[@]}"
fi
