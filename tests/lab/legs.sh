# Sourced by the end-to-end tests of --resume: legs that are killed when their checkpoint has come so far.
# shellcheck shell=bash

# The leg of that number, from 1, killed when a condition of jq holds for its checkpoint. It must not have ended by itself.
kill_leg() { # NUMBER CONDITION CHECKPOINT ARGUMENT...
  local number=$1 condition=$2 checkpoint=$3 status=0 is_due=false
  shift 3
  # Not near: the pid is to be the scan's.
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan "$@" 2>>"$work/log" &
  local pid=$!
  for _ in $(seq 1200); do
    # It is replaced by a rename: there is none, or a whole one.
    if [ -e "$checkpoint" ]; then
      is_due=$(jq "(.legs | length) == $number and ($condition)" "$checkpoint") || fail "leg $number has ended by itself"
      [ "$is_due" != true ] || break
    fi
    nap 0.05
  done
  [ "$is_due" = true ] || fail "leg $number: there was no '$condition' within a minute"
  kill -KILL "$pid"
  wait "$pid" 2>>"$work/log" || status=$?
  expect_equal "status of leg $number, killed when '$condition'" "$status" 137
}

# Kills legs of a scan to FILE when each has sent so much, and lets the next one end; its summary is in $work/summary.
kill_and_end() { # FILE "SENT ..." OPTION...
  local file=$1 kills=$2 sent number=0
  shift 2
  rm -f "$file" "$file".*
  for sent in $kills; do
    number=$((number + 1))
    if [ $number = 1 ]; then
      kill_leg $number ".legs[-1].sent >= $sent" "$file.scan" --allow-reserved -o "$file" "$@"
    else
      kill_leg $number ".legs[-1].sent >= $sent" "$file.scan" --resume "$file"
    fi
  done
  expect_status 0 near "$echoscan" scan --resume "$file" --summary "$work/summary" 2>>"$work/log"
  expect_equal "faults behind kills at $kills" "$(summary .ledger.faults | jq -c .)" '[]'
  expect_equal "outcomes" "$(summary '[.legs[].outcome] | join(",")')" "$(for _ in $kills; do printf killed,; done)finished"
  expect_equal "probes sent" "$(summary .ledger.sent)" "$(summary .ledger.probes)"
  expect_equal "files left" "$(ls "$file".* 2>/dev/null || [ $? = 2 ])" ""
}
