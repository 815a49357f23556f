# Sourced by the end-to-end tests of --resume: legs that are killed when their checkpoint has come so far.
# shellcheck shell=bash

# The leg of that number, from 1, killed when its checkpoint says that it has sent so many probes. It must not have ended
# by itself.
kill_leg() { # NUMBER SENT CHECKPOINT ARGUMENT...
  local number=$1 sent=$2 checkpoint=$3 status=0 is_due
  shift 3
  # Not near: the pid is to be the scan's.
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan "$@" 2>>"$work/log" &
  local pid=$!
  for _ in $(seq 1200); do
    # It is replaced by a rename: there is none, or a whole one.
    if [ -e "$checkpoint" ]; then
      is_due=$(jq "(.legs | length) == $number and .legs[-1].sent >= $sent" "$checkpoint")
      [ "$is_due" != true ] || break
    fi
    sleep 0.05
  done
  kill -KILL "$pid"
  wait "$pid" 2>>"$work/log" || status=$?
  expect_equal "status of leg $number, to be killed when it has sent $sent" "$status" 137
}

# Kills legs of a scan to FILE when each has sent so much, and lets the next one end; its summary is in $work/summary.
kill_and_end() { # FILE "SENT ..." OPTION...
  local file=$1 kills=$2 sent number=0
  shift 2
  rm -f "$file" "$file".*
  for sent in $kills; do
    number=$((number + 1))
    if [ $number = 1 ]; then
      kill_leg $number "$sent" "$file.scan" --allow-reserved -o "$file" "$@"
    else
      kill_leg $number "$sent" "$file.scan" --resume "$file"
    fi
  done
  near "$echoscan" scan --resume "$file" --summary "$work/summary" 2>>"$work/log"
  expect_equal "faults behind kills at $kills" "$(summary .ledger.faults | jq -c .)" '[]'
  expect_equal "outcomes" "$(summary '[.legs[].outcome] | join(",")')" "$(for _ in $kills; do printf killed,; done)finished"
  expect_equal "probes sent" "$(summary .ledger.sent)" "$(summary .ledger.probes)"
  expect_equal "files left" "$(ls "$file".* 2>/dev/null || [ $? = 2 ])" ""
}
