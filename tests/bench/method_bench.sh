#!/usr/bin/env bash
# The methods of sending side by side, in the lab, against a far end that counts and drops: docs/bench.md's table.
#
#   sudo tests/bench/method_bench.sh [--rounds N] [--streams N] [--size BYTES] [--duration SEC]
#
# Rounds of `echoscan bench`, so that the methods share whatever else the machine does; medians over the
# rounds, the ratio to the article's counterpart, and what the far end counted of what was sent. Asserts nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ECHOSCAN_LAB=${ECHOSCAN_LAB:-echoscan-bench}
build=${ECHOSCAN_BUILD:-$root/build/release}
rounds=5 streams=1 size=60 duration=2
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2 ;;
    --streams) streams=$2 ;;
    --size) size=$2 ;;
    --duration) duration=$2 ;;
    *) echo "method_bench.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[ "$(id -u)" = 0 ] || { echo "method_bench.sh: needs root" >&2; exit 3; }

work=$(mktemp -d)
lab() { "$root/tests/lab/lab.sh" "$@"; }
trap 'lab down; rm -rf "$work"' EXIT
lab up --sink --queues "$streams"
for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds" >&2
  lab exec "$build/echoscan" bench -q -i lab0 --dst 10.0.0.1 --streams "$streams" --size "$size" \
    --duration "$duration" --json "$work/$round.json" >/dev/null
done

jq -sr '.[0] | "\(.streams) stream(s), frames of \(.frame_bytes) bytes, \(.duration_s) s each, \(.cpus) CPUs (\(.cpu)), kernel \(.kernel)"' "$work"/*.json
jq -sr '
  def median: sort | .[length / 2 | floor];
  (["method", "packets/s", "Mb/s", "of af_packet", "CPU ns/packet", "of af_packet", "refused", "how"] | @tsv),
  ([.[].rows[] | select(.unavailable | not)] | group_by(.method)
   | map({method: .[0].method, mode: .[0].mode, pps: ([.[].rate_pps] | median), mbps: ([.[].rate_mbps] | median),
          cpu: ([.[].cpu_s_per_million] | median), refused: ([.[].refused] | median)})
   | (map(select(.method == "af_packet")) | first) as $base
   | sort_by(-.pps)[]
   | [.method, (.pps | floor), (.mbps | floor), (.pps / $base.pps * 100 | round / 100), (.cpu * 1000 | round), ($base.cpu / .cpu * 100 | round / 100), .refused, .mode]
   | @tsv)' "$work"/*.json | column -t -s $'\t'
echo
echo "sent $(jq -s '[.[].rows[].sent // 0] | add' "$work"/*.json), counted by the far end $(lab stats | jq .echo_requests)"
