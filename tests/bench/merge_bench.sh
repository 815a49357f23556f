#!/usr/bin/env bash
# How fast `echoscan merge` is, and how much memory it takes: SHARDS of LINES lines each (1,000 of 100,000 when absent:
# 23 GB in FOLDER, and as much again), merged into a plain file, into one packed as .zst, and, of shards that are packed
# themselves, into a plain one.
#
#   merge_bench.sh FOLDER [SHARDS [LINES]]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${ECHOSCAN_BUILD:-$root/build/release}
work=$(mktemp -d -p "$1")
trap 'rm -rf "$work"' EXIT
shards=${2:-1000} lines=${3:-100000}

"$build/tests/shard_files" "$work" "$shards" "$lines"
echo "| shards | output | lines/s | memory, MB |"
echo "|---|---|---|---|"
measure() { # SHARDS OUTPUT
  local begin end kb
  sync -f "$work" # what the last step left to be written is not to be waited for
  begin=$(date +%s.%N)
  kb=$({ /usr/bin/time -f %M "$build/echoscan" merge -q -o "$work/$2" --summary "$work/all.json" "$work"/shard-*.json >&2; } 2>&1 | tail -1)
  end=$(date +%s.%N)
  awk -v shards="$1" -v output="$2" -v n=$((shards * lines)) -v s="$(echo "$end - $begin" | bc)" -v kb="$kb" \
    'BEGIN { printf "| %s | `%s` | %.2f M | %.0f |\n", shards, output, n / s / 1e6, kb / 1024 }'
  rm "$work/$2"
}
measure "$shards plain" all.jsonl
measure "$shards plain" all.jsonl.zst
zstd -q --rm "$work"/shard-*.jsonl
measure "$shards as .zst" all.jsonl
