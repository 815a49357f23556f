#!/usr/bin/env bash
# packages.txt names the packages of the libraries that echoscan is linked with, all of them and no other: the
# image is made from that list.
#
#   packages_test.sh ECHOSCAN
set -euo pipefail

echoscan=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Those of the C library and the compiler's own are in every Debian. The folder's name tells an architecture from
# another; packages do not agree on whether it is in /lib or in /usr/lib.
mapfile -t needed_files < <(awk '
  FNR == NR {path[$1] = $3; next}
  $1 == "NEEDED" {n = split(path[$2], part, "/"); print "*/" part[n - 1] "/" $2}
' <(ldd "$echoscan") <(objdump -p "$echoscan"))
needed=$(dpkg -S "${needed_files[@]}" | cut -d: -f1 | sort -u | grep -vxE 'libc6|libgcc-s1')
listed=$(awk '$2 == "run" {print $1}' "$root/packages.txt" | sort)
[ -n "$listed" ] || { echo "packages.txt lists nothing for run" >&2; exit 1; }
if ! diff <(echo "$listed") <(echo "$needed"); then
  echo "packages.txt (<) and the libraries of $echoscan (>) differ" >&2
  exit 1
fi
