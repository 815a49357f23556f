#!/usr/bin/env bash
# Memory stays bounded, at its worst: 16,777,216 targets, many of which repeat, and a reader that takes nothing for a
# while. Of the process's own memory at most 64 MiB and the bitmaps; then nothing has been lost.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up --one-in 2
: >"$work/log"
mkfifo "$work/pipe"
(
  exec <"$work/pipe"
  # Until it holds the scan up, and some seconds more.
  for _ in $(seq 1200); do
    if has_text "$work/log" '"output_is_limit":true'; then break; fi
    nap 0.1
  done
  sleep 4
  exec cat >"$work/received"
) &
reader=$!
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --summary "$work/summary" --rate max \
  --cooldown 1 --status json --emit errors,repeats -o "$work/pipe" --probes 2 --max-targets 300000 \
  10.0.0.0/8 2>"$work/log" &
pid=$!
peak_kb=0
while [ -d "/proc/$pid" ]; do
  # Gone between the two looks: the last figure stands.
  now_kb=$(awk '/^RssAnon/ {print $2}' "/proc/$pid/status" 2>/dev/null) || now_kb=0
  if [ "${now_kb:-0}" -gt "$peak_kb" ]; then peak_kb=$now_kb; fi
  nap 0.1
done
wait $pid || fail "the scan ended with $?"
wait $reader

bitmaps_kb=$((2 * 16777216 / 8 / 1024))
echo "peak $((peak_kb / 1024)) MiB, of it at most $((bitmaps_kb / 1024)) MiB bitmaps"
[ "$peak_kb" -gt 8192 ] || fail "no memory seen: $peak_kb KiB"
[ "$peak_kb" -le $((65536 + bitmaps_kb)) ] || fail "the scan took $peak_kb KiB"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
expect_equal "ring_full" "$(summary .receiving.frames.ring_full)" 0
expect_equal "lines received" "$(wc -l <"$work/received")" "$(summary .output.lines)"
[ "$(summary .sending.paused_for_output_seconds)" != 0 ] || fail "the reader was never the limit"
[ "$(summary .receiving.repeats)" -gt 50000 ] || fail "only $(summary .receiving.repeats) repeats"
expect_equal "lines of repeats" "$(summary .output.repeat_lines)" "$(summary .receiving.repeats)"
