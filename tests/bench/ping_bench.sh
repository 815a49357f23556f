#!/usr/bin/env bash
# `echoscan ping` beside fping at the same settings, in turn, in the lab: the table of docs/ping.md. Root; the lab's and the
# tests' packages.
#
#   ping_bench.sh [ROUNDS]     5 when absent; those of silent networks take 10 s each and are made 3 times
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ECHOSCAN_BUILD=${ECHOSCAN_BUILD:-$root/build/release} ECHOSCAN_LAB=${ECHOSCAN_LAB:-echoscan}-ping-bench
rounds=${1:-5}
lab() { "$root/tests/lab/lab.sh" "$@"; }
times=$(mktemp)
trap 'lab down; rm "$times"' EXIT

# Milliseconds until the first line and until the end.
timed() { # CMD...
  local begin first line
  begin=$(date +%s%N)
  first=
  # Who does not answer is an exit status above 0, and no failure of the bench.
  while read -r line; do first=${first:-$(date +%s%N)}; done < <(ip netns exec "$ECHOSCAN_LAB-near" "$@" 2>/dev/null || [ $? = 1 ])
  echo $(((first - begin) / 10000)) $((($(date +%s%N) - begin) / 10000))
}
median() { sort -n | awk '{ all[NR] = $1 } END { printf "%.1f", all[int((NR + 1) / 2)] / 100 }'; }
row() { # NAME ROUNDS OURS THEIRS
  local name=$1 count=$2 first total
  : >"$times"
  for _ in $(seq "$count"); do
    # shellcheck disable=SC2086
    echo "$(timed "$ECHOSCAN_BUILD/echoscan" ping $3) $(timed fping $4)" >>"$times"
  done
  for column in 1 2 3 4; do cut -d' ' -f$column "$times" | median >"$times.$column"; done
  printf '| %s | %s ms | %s ms | %s ms | %s ms | %.2f |\n' "$name" "$(cat "$times.1")" "$(cat "$times.2")" \
    "$(cat "$times.3")" "$(cat "$times.4")" "$(jq -n "$(cat "$times.2") / $(cat "$times.4")")"
  rm "$times".[1-4]
}

echo '| | first line | in all | fping: first line | in all | ratio |'
echo '|---|---|---|---|---|---|'
lab up --mode kernel
row "one host" "$rounds" "10.1.0.1" "-e 10.1.0.1"
row "five hosts" "$rounds" "10.1.0.1-5" "-e 10.1.0.1 10.1.0.2 10.1.0.3 10.1.0.4 10.1.0.5"
row "a /24 that answers" "$rounds" "10.1.0.1-254" "-e -g 10.1.0.0/24"
row 'the same, `-i 0.001`' "$rounds" "-i 0.001 10.1.0.1-254" "-e -i 1 -g 10.1.0.0/24"
lab down
lab up --sink
row "a silent /24" 3 "10.1.0.1-254" "-g 10.1.0.0/24"
row 'the same, `-i 0.001`' 3 "-i 0.001 10.1.0.1-254" "-i 1 -g 10.1.0.0/24"
