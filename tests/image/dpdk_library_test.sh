#!/usr/bin/env bash
# The program has nothing of DPDK in it, and says what is missing: the module, its libraries, its version.
#
#   dpdk_library_test.sh ECHOSCAN
set -euo pipefail

echoscan=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }

[ "$(ldd "$echoscan" | grep -c librte_)" = 0 ] || fail "echoscan needs DPDK: $(ldd "$echoscan")"
cp "$echoscan" "$work/echoscan"

refused() { # TEXT
  local status=0
  # A device that DPDK makes up; nothing is sent, since the module comes before it.
  "$work/echoscan" scan --method dpdk -i net_null0 --dpdk-args --vdev=net_null0 --source-ip 192.0.2.1 \
    --gateway 192.0.2.2 --allow-reserved 10.0.0.0/24 >"$work/out" 2>"$work/log" || status=$?
  [ $status = 3 ] || fail "exit status $status: $(cat "$work/log")"
  grep -qF -- "$1" "$work/log" || fail "'$1' is not in: $(cat "$work/log")"
  [ ! -s "$work/out" ] || fail "on standard output: $(cat "$work/out")"
}

refused "install the package echoscan-dpdk"

# Installed, it is elsewhere.
mkdir -p "$work/lib/echoscan" "$work/bin"
mv "$work/echoscan" "$work/bin/echoscan"
ln -s bin/echoscan "$work/echoscan"
build() { g++ -shared -fPIC -o "$work/lib/echoscan/libechoscan_dpdk.so" -x c - "$@"; }
echo 'unsigned table[64] = {999}; const void* echoscan_dpdk_api(void) { return table; }' | build
refused "is of another version than this program"
echo 'int other;' | build
refused "is of another version than this program"
echo 'int missing(void); int other(void) { return missing(); }' | build
refused "cannot be opened ("

# The module exports its one name, and installed by itself it is where the program looks for it: what is missing then is
# the next thing, an answer of the gateway's.
module=${echoscan%/*}/libechoscan_dpdk.so
[ -e "$module" ] || exit 0
cmake --install "${echoscan%/*}" --prefix "$work" --component dpdk >/dev/null
refused "the gateway 192.0.2.2 on net_null0 does not answer ARP"
names=$(nm -D --defined-only "$module" | awk '{print $3}')
[ "$names" = echoscan_dpdk_api ] || fail "the module exports $names"
