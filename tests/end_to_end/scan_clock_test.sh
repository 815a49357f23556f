#!/usr/bin/env bash
# Clocks that do not agree. In a time namespace the process's CLOCK_MONOTONIC is any number of seconds away from the
# host's, which is the one that BPF programs read; and CLOCK_REALTIME, by which an AF_PACKET ring stamps, is set now and
# then. Round-trip times and ts_us are right all the same, or there is no round-trip time.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

targets=10.0.0.0/23
lab up --one-in 4
replies=$(lab truth $targets | wc -l)
clock=$ECHOSCAN_BUILD/tests/liblab_clock.so
[ -s "$clock" ] || fail "there is no $clock"

# No round trip in the lab takes a second; and a line's time is that of the scan.
expect_right_times() { # WHAT ROUND_TRIPS
  expect_equal "$1: lines" "$(wc -l <"$work/out")" "$replies"
  expect_equal "$1: adds_up" "$(summary .ledger.adds_up)" true
  jq -s -e --argjson from "$began" --argjson to "$EPOCHREALTIME" \
    'all(.[]; (.rtt_us == null or (.rtt_us > 0 and .rtt_us < 1e6)) and .ts_us / 1e6 >= $from and .ts_us / 1e6 <= $to)' \
    "$work/out" >/dev/null ||
    fail "$1: from $began, $(jq -c '[.rtt_us, .ts_us]' "$work/out" | head -3)"
  if [ "$2" != some ]; then
    expect_equal "$1: round-trip times" "$(jq 'select(.rtt_us) | 1' "$work/out" | wc -l)" "$2"
  fi
}

# Of the host's whole range: a clock below 0 there is not.
uptime=$(cut -d. -f1 /proc/uptime)
for offset in -$((uptime - 5)) -1 600 100000; do
  for method in xdp_live af_xdp_copy af_packet; do
    rm -f "$work/summary"
    began=$EPOCHREALTIME
    near unshare --time --monotonic $offset "$echoscan" scan --allow-reserved --summary "$work/summary" --method $method \
      --rate 5k --cooldown 0.1 $targets >"$work/out" 2>"$work/log" || fail "$method at $offset s: the scan ended with $?"
    expect_right_times "$method at $offset s" "$replies"
  done
  # By AF_PACKET both ways.
  began=$EPOCHREALTIME
  near unshare --time --monotonic $offset setpriv "--bounding-set=-all,+net_raw" "--inh-caps=-all" "$echoscan" \
    scan --allow-reserved --summary "$work/summary" --rate 5k --cooldown 0.1 $targets >"$work/out" 2>"$work/log" ||
    fail "AF_PACKET at $offset s: the scan ended with $?"
  expect_equal "receiver" "$(summary .receiving.mode)" "AF_PACKET ring"
  expect_right_times "AF_PACKET at $offset s" "$replies"
done

# The same by a clock that is interposed, which no namespace knows of.
for offset in -40000.25 0.001; do
  rm -f "$work/summary"
  began=$EPOCHREALTIME
  near env LD_PRELOAD="$clock" LAB_CLOCK="$offset 0 0" "$echoscan" scan --allow-reserved --summary "$work/summary" \
    --method xdp_live --rate 5k --cooldown 0.1 $targets >"$work/out" 2>"$work/log" || fail "at $offset s: the scan ended with $?"
  expect_right_times "xdp_live at $offset s, interposed" "$replies"
done

# CLOCK_REALTIME steps while replies come. What came before has its round-trip time; what the kernel stamps by a clock
# that is not ours any more has none. By XDP nothing depends on it. It steps after 3 of more than 6 s, when a scan sends
# even where CPUs are short.
for step in -1 0.5 86400; do
  for receiver in af_packet xdp; do
    rm -f "$work/summary"
    run=(near)
    [ $receiver = xdp ] || run+=(setpriv "--bounding-set=-all,+net_raw" "--inh-caps=-all")
    began=$EPOCHREALTIME
    "${run[@]}" env LD_PRELOAD="$clock" LAB_CLOCK="0 $step 3" "$echoscan" scan --allow-reserved --summary "$work/summary" \
      --rate 80 --cooldown 0.2 --status off $targets >"$work/out" 2>"$work/log" || fail "a step of $step s: the scan ended with $?"
    # The times of lines go with the clock.
    jq -c --argjson step $step --argjson to "$EPOCHREALTIME" --argjson from "$began" \
      'if .ts_us / 1e6 > $to or .ts_us / 1e6 < $from then .ts_us -= $step * 1e6 else . end' "$work/out" >"$work/moved"
    mv "$work/moved" "$work/out"
    expect_right_times "$receiver, a step of $step s" "$([ $receiver = xdp ] && echo "$replies" || echo some)"
    timed=$(jq 'select(.rtt_us) | 1' "$work/out" | wc -l)
    [ "$timed" -gt 0 ] || fail "$receiver, a step of $step s: nothing has a round-trip time"
    echo "$receiver, a step of $step s: $timed of $replies have a round-trip time"
  done
done
