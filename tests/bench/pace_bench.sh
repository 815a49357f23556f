#!/usr/bin/env bash
# How well --rate is kept, measured where the probes arrive: in the lab's far end.
#
#   sudo tests/bench/pace_bench.sh [--method METHOD] [RATE...]
#
# Up to 10,000 probes a second the far end is Linux itself and tcpdump stamps each probe: besides the average
# there are the worst 2 s that can be cut out of the scan and the largest number of probes within 1 ms. Above
# that the far end's XDP program gives first and last arrival. CPU is the whole process's while it sends to
# that program, less what a scan of one address takes, in per cent of a core. Asserts nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ECHOSCAN_LAB=${ECHOSCAN_LAB:-echoscan-bench}
build=${ECHOSCAN_BUILD:-$root/build/release}
method=auto
if [ "${1:-}" = --method ]; then
  method=${2:?--method needs a value}
  shift 2
fi
by=(--method "$method")
# DPDK's driver for AF_XDP stands for a card.
[ "$method" != dpdk ] || by+=(-i net_af_xdp0 --dpdk-args --vdev=net_af_xdp0,iface=lab0 --source-ip 192.0.2.1
  --gateway 192.0.2.2)
rates=("$@")
[ $# -gt 0 ] || rates=(1 10 100 1000 10000 100000 500000)
[ "$(id -u)" = 0 ] || { echo "pace_bench.sh: needs root" >&2; exit 3; }

"$root/tests/install_packages.sh" build unit lab test bench
cmake --preset release -S "$root" >/dev/null
cmake --build "$build" --target echoscan lab_world >/dev/null

work=$(mktemp -d)
capture=
lab() { "$root/tests/lab/lab.sh" "$@"; }
finish() {
  [ -z "$capture" ] || kill "$capture"
  lab down
  rm -rf "$work"
}
trap finish EXIT

# Scans COUNT addresses at RATE and leaves the CPU seconds in $work/cpu.
scan() {
  local rate=$1 count=$2
  TIMEFORMAT='%U %S'
  { time lab exec "$build/echoscan" scan --allow-reserved -q --rate "$rate" --cooldown 0.5 --seed 5 \
    "${by[@]}" --max-targets "$count" 10.0.0.0/8 >/dev/null 2>"$work/log"; } 2>&1 |
    awk '{print $1 + $2}' >"$work/cpu"
}

# Prints: arrived, seconds from the first to the last, per cent off in the worst 2 s, largest millisecond.
from_capture() {
  awk -v rate="$1" '
    {at[NR] = $1}
    END {
      worst = 0; most = 0; low = 1; first = 1
      for (i = 1; i <= NR; i++) {
        while (at[i] - at[first] >= 0.001) first++
        if (i - first + 1 > most) most = i - first + 1
        while (at[i] - at[low] > 2) low++
        # A window that starts at a probe and ends with another: no more than one probe of doubt.
        if (at[i] - at[1] >= 2 && rate >= 100) {
          off = ((i - low) / (at[i] - at[low]) / rate - 1) * 100
          if (off < 0) off = -off
          if (off > worst) worst = off
        }
      }
      printf "%d %.6f %s %d\n", NR, at[NR] - at[1], (rate >= 100 ? sprintf("%.2f", worst) : "-"), most
    }' "$work/stamps"
}

printf '%-10s %12s %9s %14s %12s %8s\n' asked arrived "off by" "worst 2 s off" "in 1 ms" "CPU"
for rate in "${rates[@]}"; do
  lab up
  scan "$rate" 1
  idle_cpu=$(cat "$work/cpu")
  if [ "$rate" -le 10000 ]; then
    lab up --mode kernel
    count=$((rate * 8 < 16 ? 16 : rate * 8))
    ip netns exec "$ECHOSCAN_LAB-far" tcpdump -i lab1 -tt -n -B 65536 --immediate-mode 'icmp[0] == 8' \
      >"$work/capture" 2>"$work/capture-log" &
    capture=$!
    until grep -q listening "$work/capture-log"; do sleep 0.1; done
    scan "$rate" "$count"
    sleep 1
    kill "$capture"
    wait "$capture"
    capture=
    awk '$2 == "IP" {print $1}' "$work/capture" >"$work/stamps"
    lab up
    scan "$rate" "$count"
    read -r arrived seconds worst most < <(from_capture "$rate")
  else
    lab up # anew, with its counters at 0
    count=$((rate * 6 / 64 * 64)) # the far end stamps every 64th
    scan "$rate" "$count"
    read -r arrived seconds < <(lab stats | jq -r '"\(.echo_requests) \(.request_seconds)"')
    worst=- most=-
  fi
  [ "$arrived" = "$count" ] || echo "only $arrived of $count arrived" >&2
  awk -v rate="$rate" -v n="$arrived" -v s="$seconds" -v worst="$worst" -v most="$most" \
    -v cpu="$(cat "$work/cpu")" -v idle="$idle_cpu" 'BEGIN {
      printf "%-10d %12.3f %8.3f%% %13s%% %12s %7.1f%%\n", rate, (n - 1) / s, ((n - 1) / s / rate - 1) * 100,
        worst, most, (cpu - idle) / s * 100}'
done
