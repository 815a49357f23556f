#!/usr/bin/env bash
# How fast `echoscan merge` is, and how much memory it takes: SHARDS of LINES lines each (1,000 of 100,000 when absent),
# packed as .zst and then plain, merged into a file that is packed and one that is not. Of plain shards FOLDER has to
# hold 460 bytes for each line, else 240.
#
#   merge_bench.sh FOLDER [SHARDS [LINES [packed]]]       packed: leave the plain ones out
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${ECHOSCAN_BUILD:-$root/build/release}
work=$(mktemp -d -p "$1")
trap 'rm -rf "$work"' EXIT
"$root/tests/install_packages.sh" bench
shards=${2:-1000} lines=${3:-100000}

echo "| shards | output | lines/s | memory, MB |"
echo "|---|---|---|---|"
measure() { # SHARDS OUTPUT
  local begin end kb
  sync -f "$work" # what the last step left to be written is not to be waited for
  begin=$(date +%s.%N)
  kb=$({ /usr/bin/time -f %M "$build/echoscan" merge -q -o "$work/$2" --summary "$work/all.json" "$work"/shard-*.json >&2; } 2>&1 | tail -1)
  end=$(date +%s.%N)
  awk -v shards="$1" -v output="$2" -v n=$((shards * lines)) -v begin="$begin" -v end="$end" -v kb="$kb" \
    'BEGIN { printf "| %s | `%s` | %.2f M | %.0f |\n", shards, output, n / (end - begin) / 1e6, kb / 1024 }'
  rm "$work/$2"
}
"$build/tests/shard_files" "$work" "$shards" "$lines" .jsonl.zst
measure "$shards as .zst" all.jsonl.zst
measure "$shards as .zst" all.jsonl
rm "$work"/shard-*
[ "${4:-}" != packed ] || exit 0
"$build/tests/shard_files" "$work" "$shards" "$lines" .jsonl
measure "$shards plain" all.jsonl.zst
measure "$shards plain" all.jsonl
