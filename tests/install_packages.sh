#!/usr/bin/env bash
# Installs the packages of packages.txt that are marked with one of the given purposes and are missing.
#
#   install_packages.sh build unit lab test
#
# Everything it says goes to standard error. With nothing missing it needs neither root nor a network.
set -euo pipefail
exec >&2

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ $# -gt 0 ] || { echo "install_packages.sh: which purposes?"; exit 2; }

# All at once: to ask for each by itself takes seconds.
installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
is_installed() { [[ $'\n'$installed$'\n' == *$'\n'"$1"$'\n'* ]]; }
missing=()
while read -r package; do
  for name in ${package//|/ }; do
    if is_installed "$name"; then continue 2; fi
  done
  missing+=("$package")
done < <(awk -v wanted=" $* " '!/^#/ && NF && index(wanted, " " $2 " ") {print $1}' "$root/packages.txt")
[ ${#missing[@]} -gt 0 ] || exit 0

echo "installing: ${missing[*]}"
if [ "$(id -u)" != 0 ]; then
  echo "these Debian packages are missing, and installing them needs root: ${missing[*]}"
  exit 3
fi
# What is installed to build and to test with starts no service: some packages bring one beside the tool that is wanted.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
# Of A|B the first that apt knows: another Debian may not have A.
choose() {
  local name
  for name in ${1//|/ }; do
    if apt-cache show "$name" >/dev/null 2>&1; then echo "$name"; return; fi
  done
  echo "${1%%|*}"
}
install() {
  local package chosen=()
  for package in "${missing[@]}"; do chosen+=("$(choose "$package")"); done
  apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${chosen[@]}"
}
# The lists may be absent on a fresh machine or older than the mirror; then they are fetched once.
install || { apt-get update && install; }
