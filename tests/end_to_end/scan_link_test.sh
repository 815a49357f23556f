#!/usr/bin/env bash
# The link goes down in the middle of a scan. Back after 2 s: sending pauses and goes on, and nothing is lost. Down for
# longer than --link-timeout, or from the start: a clean stop that says where.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

targets=10.0.0.0/14
count=262144

options=(--rate 100k --cooldown 1 --seed 5)

# The link of lab0 goes and comes back, $1 s later; for how long it was away at most is in $away_s.
flap() {
  began=$EPOCHREALTIME
  far ip link set lab1 down
  gone=$EPOCHREALTIME
  sleep "$1"
  far ip link set lab1 up
  away_s=$(jq -n "$EPOCHREALTIME - $began")
}

# A scan whose link goes for so many seconds while it sends. Where others have the CPUs it may have sent all by then, or
# have ended: it is made again, and has found everybody as well.
scan_and_flap() { # SECONDS TARGETS OPTION...
  local try
  for try in 1 2 3 4 5 6; do
    before=$(lab stats | jq .echo_requests)
    start_scan "${@:3}" "$2"
    flap "$1"
    wait $pid || fail "${*:3}: the scan ended with $?"
    expect_truth "$2"
    # Half a second: the control may have looked at the link for the last time before it went.
    if [ "$(jq -n "$(date +%s.%N -d "$(summary .ended)") < $gone + 0.5")" = true ]; then
      echo "try $try: the link went when the scan had ended"
      continue
    fi
    expect_text "$work/log" "the link of lab0 is up again after "
    if has_text "$work/log" "the link of lab0 is down: sending pauses, for 30 s at most"; then return; fi
    echo "try $try: the link went when all had been sent"
  done
  fail "${*:3}: the link never went while probes were sent"
}

# How many probes a second of RATE may have left since 0.05 s before the link went, until that was noticed: a control that
# gets no CPU looks late, and all that has left since its last look may be lost.
left_unseen() { # RATE
  local noticed
  noticed=$(date +%s.%N -d "$(sed -n 's/^\([^ ]*\) .*the link of lab0 is down: .*/\1/p' "$work/log" | head -1)")
  jq -n "[($noticed - $began + 0.05) * $1, 0] | max | ceil"
}

# Every method: each probe that left just before the link was lost is sent again when it is back, for what a driver
# has in its ring vanishes without a word (veth: 256 frames of xdp_live), and so do replies on their way. Every
# address answers here, so that the truth says whether each was reached; with two queues both have to go back.
lab up --one-in 1 --queues 2
for method in af_xdp af_packet packet_mmap pcap raw_socket xdp_live; do
  for queues in 1 2; do
    scan_and_flap 2 "$targets" --method $method --queues $queues "${options[@]}"
    expect_equal "$method: sent" "$(summary .ledger.sent)" $count
    expect_equal "$method: in doubt" "$(summary .ledger.in_doubt)" 0
    expect_equal "$method: adds_up" "$(summary .ledger.adds_up)" true
    again=$(summary .ledger.sent_again)
    expect_equal "$method: frames" "$(summary '[.sending.queues[].sent] | add')" $((count + again))
    # What was sent until then, 50 ms worth of it at most beside what was under way.
    [ "$again" -ge 1000 ] && [ "$again" -le $((10000 + $(left_unseen 100000))) ] || fail "$method: $again sent again"
    arrived=$(($(lab stats | jq .echo_requests) - before))
    # All the time that the link was away but for what it takes to notice, on a busy machine too.
    jq -e --argjson queues $queues --argjson away "$away_s" \
      '.sending.paused_for_link_seconds / $queues | . > 0 and . < $away + 20' "$work/summary" >/dev/null ||
      fail "$method: paused for $(summary .sending.paused_for_link_seconds) s of $away_s s"
    echo "$method, $queues queues: $arrived frames arrived of $count probes, $again of them sent again"
  done
done
# As fast as it goes the most that is ever gone back by.
for variant in "400k 10.0.0.0/13 524288" "max 10.0.0.0/11 2097152"; do
  read -r rate many count <<<"$variant"
  scan_and_flap 1 "$many" --method xdp_live --cooldown 1 --rate "$rate"
  expect_equal "sent" "$(summary .ledger.sent)" "$count"
  again=$(summary .ledger.sent_again)
  [ "$again" -ge 4000 ] || fail "xdp_live: only $again sent again"
  echo "xdp_live at $rate: all of $count reached, $again sent again"
done
# At a low rate few are, if the link goes while it sends, which it does for 4 s: 51 or 101 a queue, and what was under way (of xdp_live 64 in its ring, and some refused).
for method in xdp_live af_xdp af_packet; do
  for queues in 1 2; do
    scan_and_flap 1 10.0.0.0/19 --method $method --queues $queues --rate 2k --cooldown 0.5
    again=$(summary .ledger.sent_again)
    [ "$again" -ge 50 ] && [ "$again" -le $((300 + $(left_unseen 2000))) ] ||
      fail "$method at 2 kpps, $queues queues: $again were sent again"
    echo "$method at 2 kpps, $queues queues: $again sent again"
  done
done
# Down for 2 s in the cooldown, when all replies are still on their way: what they answered is sent again. So it is when
# the source address is away, or the gateway.
until_noticed() { # WHAT
  for _ in $(seq 600); do
    if has_text "$work/log" "$1"; then return; fi
    nap 0.1
  done
  fail "not noticed within a minute: $1"
}
lose_source() {
  near ip address delete 192.0.2.1/30 dev lab0
  until_noticed "this host has the source address 192.0.2.1 no more"
  near ip address add 192.0.2.1/30 dev lab0
  near ip route replace default via 192.0.2.2
}
lose_gateway() {
  far ip link set lab1 arp off
  until_noticed "the gateway 192.0.2.2 on lab0 does not answer any more"
  far ip link set lab1 arp on
}
lab up --zoo
lab truth --json 10.0.0.0/13 | jq -r 'select(.species == "late" and .type == "reply" and .has_rtt and .held_us > 6e5 and .held_us < 3e6) | .target' \
  >"$work/late"
late=$(wc -l <"$work/late")
[ "$late" -ge 200 ] || fail "only $late are late"
for loss in "xdp_live flap 2" "af_packet flap 2" "xdp_live lose_source" "af_packet lose_gateway"; do
  method=${loss%% *}
  launch_scan --method $method --rate 20k --cooldown 4 -t "$work/late"
  for _ in $(seq 6000); do
    if has_text "$work/log" "all probes have left"; then break; fi
    kill -0 $pid || fail "$loss: the scan is over before its cooldown; $(near ip -s neighbour; far ip -s neighbour)"
    nap 0.01
  done
  expect_text "$work/log" "all probes have left"
  ${loss#* }
  wait $pid || fail "$loss: the scan ended with $?"
  expect_equal "$loss: found" "$(found | sort -u | wc -l)" "$late"
  expect_equal "$loss: in doubt" "$(summary .ledger.in_doubt)" 0
  expect_text "$work/log" "it is waited for, for 30 s at most"
  expect_text "$work/log" "what may have been lost is sent again, and the cooldown begins anew"
  [ "$(summary .ledger.sent_again)" -gt 0 ] || fail "$loss: nothing was sent again"
  echo "$loss: $(summary .ledger.sent_again) of $late sent again in the cooldown"
done
# A cooldown that is too short for them is said.
scan --rate 20k --cooldown 1.5 -t "$work/late" || fail "the scan ended with $?"
expect_text "$work/log" "replies still came when the cooldown ended: "
expect_text "$work/log" "who answers later is called silent; --cooldown 3 would have kept about "
expect_equal "events that say so" "$(summary '[.events[].what | select(startswith("replies still came"))] | length')" 1
lab up --one-in 1 --queues 2
start_scan --method xdp_live --rate 400k --link-timeout 1 --cooldown 0.5 10.0.0.0/11
far ip link set lab1 down
expect_status 3 wait $pid
expect_equal "outcome" "$(summary .outcome)" "stopped, link down"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
# What left last may be lost, and nobody can say: it is named.
expect_text "$work/log" "probes in doubt: "

# What the driver refuses to the end is named, and not counted as sent. A sender that gets no CPU between the link's loss
# and its being noticed has nothing refused, and then the scan has another try.
for method in af_xdp xdp_live; do
  lab up
  for _ in 1 2 3 4 5 6 7 8; do
    far ip link set lab1 up
    start_scan --method $method --rate max --link-timeout 0.5 --cooldown 0.2 10.0.0.0/8
    far ip link set lab1 down
    expect_status 3 wait $pid
    expect_equal "adds_up" "$(summary .ledger.adds_up)" true
    refused=$(summary .ledger.not_sent.refused)
    [ "$refused" = 0 ] || break
  done
  [ "$refused" -gt 0 ] || fail "$method: nothing was refused to the end"
  expect_text "$work/log" "refused"
  echo "$method: $refused refused to the end"
done

lab up
targets=10.0.0.0/14
count=262144
start_scan --link-timeout 1 "${options[@]}" "$targets"
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
# 30 s without that option.
[ $(($(date +%s) - begin)) -lt 30 ] || fail "--link-timeout was not kept"
