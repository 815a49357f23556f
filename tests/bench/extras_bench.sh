#!/usr/bin/env bash
# What checkpoints and the sandbox cost a scan that sends as fast as it can: pairs of scans with and without each, and
# the CPU time of the checkpoint's thread as a part of the whole process's.
#
#   sudo tests/bench/extras_bench.sh [PAIRS [METHOD]]
#
# A pair's quotient says little on a shared machine, where two equal scans differ by a tenth; the median of the pairs
# says more, and the thread's CPU time is exact. The lab's far end counts and drops, so that nothing but sending is
# measured; results go to a file, since only then there are checkpoints. Asserts nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ECHOSCAN_LAB=${ECHOSCAN_LAB:-echoscan-bench}
build=${ECHOSCAN_BUILD:-$root/build/release}
pairs=${1:-8}
method=${2:-af_xdp_copy}
seconds=4
[ "$(id -u)" = 0 ] || { echo "extras_bench.sh: needs root" >&2; exit 3; }

"$root/tests/install_packages.sh" build unit lab test
cmake --preset release -S "$root" >/dev/null
cmake --build "$build" --target echoscan lab_world >/dev/null

work=$(mktemp -d)
lab() { "$root/tests/lab/lab.sh" "$@"; }
finish() {
  lab down
  rm -rf "$work"
}
trap finish EXIT
lab up --sink

# Prints the probes sent a second; the options come behind the usual ones.
rate_with() {
  lab exec "$build/echoscan" scan --allow-reserved -q --rate max --max-runtime $seconds --cooldown 0 --seed 5 \
    --method "$method" -o "$work/found.jsonl" --summary "$work/summary" "$@" 10.0.0.0/8 2>"$work/log"
  rm -f "$work"/found*
  jq '.ledger.sent / .sending.seconds' "$work/summary"
}

# The median of what stands on standard input.
median() { sort -n | awk '{ all[NR] = $1 } END { print (all[int((NR + 1) / 2)] + all[int(NR / 2) + 1]) / 2 }'; }

# Compares the usual scan with the one that OPTION makes; the order is turned round in each pair.
compare() { # OPTION
  local with without i
  : >"$work/quotients"
  for i in $(seq "$pairs"); do
    if [ $((i % 2)) = 0 ]; then
      with=$(rate_with)
      without=$(rate_with "$1")
    else
      without=$(rate_with "$1")
      with=$(rate_with)
    fi
    echo "$with $without" | awk '{ printf "%.4f\n", $1 / $2 }' >>"$work/quotients"
  done
  echo "$1: $pairs pairs, rate as usual by rate with it: median $(median <"$work/quotients"), all:" \
    "$(sort -n "$work/quotients" | tr '\n' ' ')"
}
compare --no-checkpoint
compare --no-sandbox

# The thread's CPU time, read while the scan still sends.
ticks_of() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "$1"; }
near=$ECHOSCAN_LAB-near
ip netns exec "$near" "$build/echoscan" scan --allow-reserved -q --rate max --max-runtime 12 --cooldown 0 --seed 5 \
  --method "$method" --probes 4 -o "$work/found.jsonl" 10.0.0.0/8 2>"$work/log" &
pid=$!
sleep 10
for task in /proc/$pid/task/*; do
  if [ "$(cat "$task/comm")" = checkpoint ]; then thread=$(ticks_of "$task/stat"); fi
done
echo "checkpoint's thread: $thread of $(ticks_of /proc/$pid/stat) ticks of CPU after 10 s"
wait $pid
