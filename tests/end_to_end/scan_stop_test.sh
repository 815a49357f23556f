#!/usr/bin/env bash
# However a scan ends early, its lines are whole, its ledger adds up, and the interface is left clean.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

options=(--rate 100k --cooldown 1 10.0.0.0/11)

expect_no_program() {
  expect_equal "XDP programs left" "$(ip -n "$ECHOSCAN_LAB-near" -j link show lab0 | jq '.[0] | has("xdp")')" false
}

lab up

for stop in INT:130:interrupted TERM:143:terminated; do
  IFS=: read -r signal status outcome <<<"$stop"
  start_scan "${options[@]}"
  kill -s "$signal" $pid
  expect_status "$status" wait $pid
  expect_equal "outcome" "$(summary .outcome)" "$outcome"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "lines that are not whole" "$(jq -r .target "$work/out" | wc -l)" "$(wc -l <"$work/out")"
  expect_equal "lines" "$(wc -l <"$work/out")" "$(summary .ledger.replied)"
  [ "$(summary .ledger.not_sent.stopped)" -gt 0 ] || fail "nothing was left unsent"
  found | sort | comm -13 <(lab truth 10.0.0.0/11 | sort) - >"$work/wrong"
  expect_equal "results beside the truth" "$(wc -l <"$work/wrong")" 0
  expect_no_program
done

# Before there is anything to stop, a signal ends the process, also where it is process 1, as in a container.
mkfifo "$work/list"
exec 5<>"$work/list"
for stop in INT:130 TERM:143; do
  IFS=: read -r signal status <<<"$stop"
  unshare --pid --fork --kill-child "$echoscan" scan -t "$work/list" 2>"$work/log" &
  pid=$!
  for _ in $(seq 600); do
    if first=$(pgrep --parent $pid) && [ "$(cat "/proc/$first/comm")" = echoscan ]; then break; fi
    nap 0.1
  done
  expect_equal "the number that it has for itself" "$(awk '/^NSpid/ {print $NF}' "/proc/$first/status")" 1
  nap 0.2
  kill -s "$signal" "$first"
  timeout 60 tail --pid=$pid -f /dev/null || { kill -s KILL "$first"; fail "process 1 is deaf to SIG$signal"; }
  expect_status "$status" wait $pid
done
exec 5>&-

# A second signal does not wait for the cooldown.
start_scan "${options[@]}" --cooldown 100
kill -s INT $pid
sleep 0.3
begin=$(date +%s)
kill -s INT $pid
expect_status 130 wait $pid
[ $(($(date +%s) - begin)) -lt 90 ] || fail "the second signal waited for the cooldown"

# SIGKILL leaves no program behind, and the next scan works.
start_scan "${options[@]}"
kill -s KILL $pid
expect_status 137 wait $pid
for _ in $(seq 600); do
  if ip -n "$ECHOSCAN_LAB-near" -j link show lab0 | jq -e '.[0] | has("xdp") | not' >/dev/null; then break; fi
  nap 0.1
done
expect_no_program
scan --rate 20k --cooldown 1 10.0.0.0/20 || fail "the scan after a SIGKILL ended with $?"
expect_truth 10.0.0.0/20

# A reader that goes away ends the scan at once, with the line whole and the summary printed.
status=0
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved "${options[@]}" --cooldown 100 \
  2>"$work/log" | head -1 >"$work/out" || status=${PIPESTATUS[0]}
expect_equal "exit status behind head -1" "$status" 4
jq -e .target "$work/out" >/dev/null || fail "the line is not whole"
expect_text "$work/log" "its reader has gone away"
expect_text "$work/log" "replied"

# So does a full disk.
expect_status 4 scan "${options[@]}" --cooldown 100 -o /dev/full
expect_text "$work/log" "could not be written to /dev/full: No space left on device"
expect_equal "output error" "$(summary .output.error)" "No space left on device"

# Standard error that cannot be written ends nothing: the status line, the log and the summary's text are for people.
lab truth 10.0.0.0/21 | sort >"$work/truth"
for status in auto json; do
  for target in /dev/full "pipe without a reader"; do
    if [ "$target" = /dev/full ]; then exec 3>/dev/full; else exec 3> >(:); wait $!; fi
    code=0
    ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --rate 1k --cooldown 1 --status $status \
      --format ip --summary "$work/summary" 10.0.0.0/21 >"$work/out" 2>&3 || code=$?
    exec 3>&-
    expect_equal "exit status with standard error on $target, --status $status" $code 0
    sort "$work/out" | cmp - "$work/truth" || fail "standard error on $target, --status $status: results are lost"
    expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  done
done
