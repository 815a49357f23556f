#!/usr/bin/env bash
# The link goes down in the middle of a scan. Back after 2 s: sending pauses and goes on, and nothing is lost. Down for
# longer than --link-timeout, or from the start: a clean stop that says where.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

targets=10.0.0.0/14
count=262144

options=(--rate 100k --cooldown 1 --seed 5 "$targets")

lab up
for method in af_xdp af_packet packet_mmap pcap raw_socket; do
  before=$(lab stats | jq .echo_requests)
  start_scan --method $method "${options[@]}"
  far ip link set lab1 down
  sleep 2
  far ip link set lab1 up
  wait $pid || fail "$method: the scan ended with $?"
  expect_text "$work/log" "the link of lab0 is down: sending pauses, for 30 s at most"
  expect_text "$work/log" "the link of lab0 is up again after "
  expect_equal "$method: sent" "$(summary .ledger.sent)" $count
  arrived=$(($(lab stats | jq .echo_requests) - before))
  # Replies to what was on its way when the link went may be lost: a request that arrives and is answered
  # into a dead link. Requests may not.
  [ "$arrived" -ge $count ] || fail "$method: $arrived of $count arrived"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  jq -e '.sending.paused_for_link_seconds | . > 1 and . < 3' "$work/summary" >/dev/null ||
    fail "$method: paused for $(summary .sending.paused_for_link_seconds) s"
  found | sort | comm -13 - <(lab truth "$targets" | sort) >"$work/missing"
  echo "$method: $arrived of $count arrived, $(wc -l <"$work/missing") replies lost on a dead link"
done

# Live frames that veth has in its ring when it goes down vanish without a word: the last targets are sent again when
# the link is back, some thousand, most of them for the second time. Every address answers here, so that the truth says
# whether each was reached.
lab up --one-in 1
for variant in "400k 10.0.0.0/13 524288" "max 10.0.0.0/11 2097152"; do
  read -r rate targets count <<<"$variant"
  start_scan --method xdp_live --cooldown 1 --rate "$rate" "$targets"
  far ip link set lab1 down
  sleep 1
  far ip link set lab1 up
  wait $pid || fail "xdp_live: the scan ended with $?"
  expect_text "$work/log" "the link of lab0 is up again after "
  expect_truth "$targets"
  expect_equal "sent" "$(summary .ledger.sent)" "$count"
  again=$(summary '[.sending.queues[].sent_again] | add')
  [ "$again" -ge 4000 ] || fail "xdp_live: only $again sent again"
  echo "xdp_live at $rate: all of $count reached, $again sent again"
done
# At a low rate few are: they leave in one burst.
start_scan --method xdp_live --rate 2k --cooldown 0.5 10.0.0.0/20
far ip link set lab1 down
sleep 1
far ip link set lab1 up
wait $pid || fail "xdp_live at 2 kpps: the scan ended with $?"
expect_truth 10.0.0.0/20
twice=$(summary .receiving.repeats)
[ "$twice" -gt 0 ] && [ "$twice" -le 200 ] || fail "xdp_live at 2 kpps: $twice targets were probed twice"
start_scan --method xdp_live --rate 400k --link-timeout 1 --cooldown 0.5 10.0.0.0/11
far ip link set lab1 down
expect_status 3 wait $pid
expect_equal "outcome" "$(summary .outcome)" "stopped, link down"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true

# What the driver refuses to the end is named, and not counted as sent.
for method in af_xdp packet_mmap xdp_live; do
  lab up
  start_scan --method $method --rate max --link-timeout 0.5 --cooldown 0.2 10.0.0.0/8
  far ip link set lab1 down
  expect_status 3 wait $pid
  refused=$(summary .ledger.not_sent.refused)
  [ "$refused" -gt 0 ] || fail "$method: nothing was refused to the end"
  expect_text "$work/log" "refused"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  echo "$method: $refused refused to the end"
done

lab up
targets=10.0.0.0/14
count=262144
start_scan --link-timeout 1 "${options[@]}"
far ip link set lab1 down
expect_status 3 wait $pid
sent=$(summary .ledger.sent)
expect_text "$work/log" "the link of lab0 was down for 1 s (--link-timeout); stopped after $sent of $count probes of the order, --seed 5 repeats it"
expect_equal "outcome" "$(summary .outcome)" "stopped, link down"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
expect_equal "lines" "$(wc -l <"$work/out")" "$(summary .ledger.replied)"

# Down from the start: nothing is sent, nothing is opened.
begin=$(date +%s)
expect_status 3 scan --link-timeout 2 "$targets"
expect_text "$work/log" "the link of lab0 is down, for 2 s now"
[ $(($(date +%s) - begin)) -lt 10 ] || fail "--link-timeout was not kept"
