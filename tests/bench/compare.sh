#!/usr/bin/env bash
# Two builds side by side, old and new in turn (ABAB): every row of hot_path_bench and result_bench, pinned to one CPU,
# and whole scans at --rate max. Printed for each: the fastest of all rounds, which other work on the machine disturbs
# least, and by how much the new one is slower, by these and as the median over the pairs.
#
#   sudo tests/bench/compare.sh OLD NEW [--rounds N]
#
# OLD and NEW are build folders, say of two worktrees, with the targets echoscan, hot_path_bench and result_bench; the
# lab is NEW's (lab_world). Asserts nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ECHOSCAN_LAB=echoscan-compare
[ $# -ge 2 ] || { sed -n '5,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
declare -A build=([old]=$1 [new]=$2)
rounds=5
[ "${3:-}" != --rounds ] || rounds=$4
[ "$(id -u)" = 0 ] || { echo "compare.sh: needs root" >&2; exit 3; }
export ECHOSCAN_BUILD=${build[new]}

work=$(mktemp -d)
lab() { "$root/tests/lab/lab.sh" "$@"; }
trap 'lab down; rm -rf "$work"' EXIT

# Each prints rows "figure<TAB>nanoseconds". Of benchmarks that only one of the builds has nothing is said.
hot_path() { # BUILD
  taskset -c $(($(nproc) - 1)) "$1/tests/hot_path_bench" --benchmark_min_time=0.03 --benchmark_format=json 2>/dev/null |
    jq -r '.benchmarks[] | [(.name | sub("(?<probe>BM_probe(/[0-9]+){3})/1$"; "\(.probe)")),
      if .items_per_second then 1e9 / .items_per_second else .cpu_time end] | @tsv'
}
results() { # BUILD
  taskset -c $(($(nproc) - 1)) "$1/tests/result_bench" 1 | awk 'NR > 2 {
    name = $1; for (i = 2; i < NF - 1; i++) name = name " " $i
    printf "%s\t%f\n", name, 1000 / $(NF - 1) }'
}
scans() { # BUILD
  local method
  for method in xdp_live af_xdp af_packet; do
    lab up >/dev/null
    lab exec "$1/echoscan" scan --allow-reserved -q --rate max --cooldown 1 --seed 5 --method $method 10.0.0.0/12 \
      >/dev/null
    lab stats | jq -r --arg method $method '["scan by \($method)", 1e9 * .request_seconds / .echo_requests] | @tsv'
  done
}

for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds" >&2
  # Seconds apart: the speed of a shared machine drifts within a minute.
  for ((turn = 1; turn <= 6; turn++)); do
    for which in old new; do hot_path "${build[$which]}" | sed "s/^/$which\t$round.$turn\t/" >>"$work/rows"; done
  done
  for which in old new; do
    { results "${build[$which]}"; scans "${build[$which]}"; } | sed "s/^/$which\t$round\t/" >>"$work/rows"
  done
done

echo "$rounds rounds, $(nproc) CPUs ($(awk -F': ' '/^model name/ {print $2; exit}' /proc/cpuinfo)), kernel $(uname -r)"
printf '%-40s %10s %10s %10s %10s\n' "" "old ns" "new ns" "slower by" "in pairs"
jq -Rrn '
  def median: sort | .[(length - 1) / 2 | floor];
  [inputs | split("\t") | {which: .[0], round: .[1], figure: .[2], ns: (.[3] | tonumber)}]
  | (map(.figure) | reduce .[] as $f ([]; if index($f) then . else . + [$f] end)) as $figures
  | . as $rows | $figures[] as $figure
  | [$rows[] | select(.figure == $figure)] | group_by(.round) | map(map({(.which): .ns}) | add)
  | select(all(.old and .new) and all(.old > 0 and .new > 0))
  | [$figure, (map(.old) | min), (map(.new) | min), (map(.new / .old) | median)] | @tsv' <"$work/rows" |
  awk -F'\t' '{ printf "%-40s %10.2f %10.2f %9.1f%% %9.1f%%\n", $1, $2, $3, ($3 / $2 - 1) * 100, ($4 - 1) * 100 }'
