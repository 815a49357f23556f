#!/usr/bin/env bash
# A whole scan side by side with zmap and masscan of Debian, in the lab, in one run: what each delivers.
#
#   sudo tests/bench/scan_bench.sh [--targets CIDR] [--rounds N] [--queues N]
#
# Every scanner sends one echo to each target as fast as it can; round after round, so that they share
# whatever else the machine does. Printed as medians over the rounds: probes a second as they arrive at the
# far end, replies found of those that the far end sent, and CPU seconds a million probes. Asserts nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ECHOSCAN_LAB=echoscan-bench
build=${ECHOSCAN_BUILD:-$root/build/release}
targets=10.0.0.0/12
rounds=5
queues=1
while [ $# -gt 0 ]; do
  case $1 in
    --targets) targets=$2 ;;
    --rounds) rounds=$2 ;;
    --queues) queues=$2 ;;
    *) echo "scan_bench.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[ "$(id -u)" = 0 ] || { echo "scan_bench.sh: needs root" >&2; exit 3; }

"$root/tests/install_packages.sh" build unit lab test bench
cmake --preset release -S "$root" >/dev/null
cmake --build "$build" --target echoscan lab_world hot_path_bench >/dev/null

work=$(mktemp -d)
lab() { "$root/tests/lab/lab.sh" "$@"; }
trap 'lab down; rm -rf "$work"' EXIT

# Each runs one scanner once; the targets that it found end up in $work/found, one a line.
run_echoscan() {
  lab exec "$build/echoscan" scan --allow-reserved -q --rate max --cooldown 1 --seed 5 --method "$1" \
    "$targets" >"$work/out"
}
run_zmap() {
  lab exec zmap -q -M icmp_echoscan -i lab0 -S 192.0.2.1 -G "$gateway_mac" -r 100000000 -T "$queues" -c 1 \
    -b /dev/null -O csv -o "$work/out" "$targets" 2>/dev/null
}
# masscan 1.3.2 never ends a ping scan by itself ("waiting -54-secs"), not even when interrupted: it is
# terminated a second after the far end has seen the last request, with its output flushed line by line.
run_masscan() {
  ip netns exec "$ECHOSCAN_LAB-near" stdbuf -oL masscan --ping -e lab0 --source-ip 192.0.2.1 \
    --router-mac "$gateway_mac" --rate 100000000 --wait 1 -oD - "$targets" >"$work/out" 2>/dev/null &
  local pid=$! before=-1 now=0 status=0
  while [ "$now" != "$before" ] || [ "$now" = 0 ]; do
    sleep 1
    before=$now
    now=$(lab stats | jq .echo_requests)
  done
  kill -s TERM $pid
  wait $pid || status=$?
  [ $status = 143 ]
}

found() {
  case $1 in
    echoscan*) jq -r .target "$work/out" ;;
    zmap) tail -n +2 "$work/out" ;;
    masscan) jq -r 'select(.ip) | .ip' "$work/out" ;;
  esac | sort -u | wc -l
}

measure() { # NAME COMMAND...
  local name=$1 cpu stats
  shift
  lab up --queues "$queues"
  gateway_mac=$(ip -n "$ECHOSCAN_LAB-far" -j link show lab1 | jq -r '.[0].address')
  TIMEFORMAT='%U %S'
  cpu=$({ time "$@" 2>&3; } 3>&2 2>&1 >/dev/null | awk '{print $1 + $2}')
  stats=$(lab stats)
  jq -r --arg name "$name" --argjson cpu "$cpu" --argjson found "$(found "$name")" \
    '[$name, .echo_requests / .request_seconds, $found, .replies, .echo_requests, $cpu / .echo_requests * 1e6] | @tsv' \
    <<<"$stats" >>"$work/rows"
}

for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds" >&2
  measure "echoscan xdp_live" run_echoscan xdp_live
  measure "echoscan af_xdp" run_echoscan af_xdp
  measure "echoscan af_packet" run_echoscan af_packet
  measure zmap run_zmap
  measure masscan run_masscan
done

echo "$targets, $queues queue(s), $rounds rounds, $(nproc) CPUs ($(awk -F': ' '/^model name/ {print $2; exit}' /proc/cpuinfo)), kernel $(uname -r)"
dpkg-query -W -f='${Package} ${Version}\n' zmap masscan
echo
median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
printf '%-20s %16s %10s %10s %14s %14s\n' scanner "delivered pps" found "far sent" "of requests" "CPU s / M"
for name in "echoscan xdp_live" "echoscan af_xdp" "echoscan af_packet" zmap masscan; do
  column() { awk -F'\t' -v name="$name" -v column="$1" '$1 == name {print $column}' "$work/rows" | median; }
  printf '%-20s %16.0f %10d %10d %14d %14.2f\n' "$name" "$(column 2)" "$(column 3)" "$(column 4)" "$(column 5)" "$(column 6)"
done
echo
"$build/tests/hot_path_bench" --benchmark_min_time=0.2 2>/dev/null
