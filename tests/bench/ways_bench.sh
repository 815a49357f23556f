#!/usr/bin/env bash
# The plan of ways on a host with the full BGP table: 1,000,000 synthesised routes by 40 routers on two uplinks, in a
# network namespace without a link to anywhere, which is gone afterwards. Prints seconds and peak memory. The kernel
# needs 300 MB for the routes meanwhile, and half a minute to take them.
#
#   ways_bench.sh [ROUTES] [RANGES]     by default 1000000 and 1000
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${ECHOSCAN_BUILD:-$root/build/release}
routes=${1:-1000000}
ranges=${2:-1000}
name=echoscan-ways-$$

[ "$(id -u)" = 0 ] || { echo "ways_bench.sh: needs root: a network namespace is made here" >&2; exit 1; }
[ "$(awk '/MemAvailable/ {print $2}' /proc/meminfo)" -gt 2000000 ] ||
  { echo "ways_bench.sh: needs 2 GB of memory" >&2; exit 1; }

ip netns add "$name"
trap 'ip netns delete "$name"' EXIT
for i in 0 1; do
  ip -n "$name" link add "e$i" type veth peer name "p$i"
  ip -n "$name" link set "p$i" up
  ip -n "$name" link set "e$i" up
  ip -n "$name" address add "198.51.100.$((i * 128 + 1))/25" dev "e$i"
done
ip -n "$name" route add default via 198.51.100.2

# Lengths as in the table: six of ten are /24, the rest /23 down to /13; each prefix once, by a random router.
awk -v count="$routes" 'BEGIN {
  srand(1)
  while (made < count) {
    length_bits = rand() < 0.6 ? 24 : 13 + int(rand() * 11)
    size = 2 ^ (32 - length_bits)
    first = 16777216 + int(rand() * 3724541952 / size) * size
    if (first % size || (first, length_bits) in seen) continue
    seen[first, length_bits]
    uplink = int(rand() * 2)
    printf "route add %d.%d.%d.%d/%d via 198.51.100.%d\n", first / 16777216, first / 65536 % 256, first / 256 % 256,
      first % 256, length_bits, uplink * 128 + 2 + int(rand() * 20)
    ++made
  }
}' | ip -n "$name" -batch -
ip netns exec "$name" "$build/tests/ways_bench" "$ranges"
