#!/usr/bin/env bash
# xdp_live: exact at full speed, paced where it arrives, at rest while the scan pauses, gone whenever the scan
# ends, chosen by `auto` where it pays, and refused with the reason.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

mode() { summary '[.sending.queues[].mode] | unique | join(",")'; }
arrived() { lab stats | jq .echo_requests; }

# 1,048,576 targets as fast as they leave, on one queue and on two: each arrives once, and nothing is lost
# that the tracepoint saw. `auto` takes this way for `max`.
targets=10.0.0.0/12
for queues in 1 2; do
  lab up --queues $queues
  scan --rate max --cooldown 1 --seed 5 $targets || fail "$queues queues: the scan ended with $?"
  expect_equal "method of auto" "$(mode)" "XDP live frames"
  expect_truth $targets
  expect_equal "sent" "$(summary .ledger.sent)" 1048576
  expect_equal "arrived" "$(arrived)" 1048576
  expect_equal "damaged" "$(lab stats | jq .bad_checksums)" 0
  # One, and one more for each time that the sender was not run for so long that the program went to rest; a call for
  # each batch would be 16,384.
  [ "$(summary '[.sending.queues[].kicks] | max')" -le 1000 ] || fail "many calls into the kernel: $(summary .sending.queues)"
  echo "$queues queues: $(summary '.sending.rate_pps | floor') a second," \
    "$(summary '[.sending.queues[].refusals] | add') refused and sent again"
done

# The rate is a limit, by the scan's clock and where the probes arrive. While its CPU is given to somebody else the
# program sends nothing and makes up for 15 ms of that at most; of what was sent before, no more than veth's ring of 256
# can come later. How close to the rate it gets is this machine's affair, and printed (pace_bench.sh measures it).
for rate in 500 1000; do
  lab up
  scan --method xdp_live --rate ${rate}k --cooldown 1 $targets || fail "at $rate kpps the scan ended with $?"
  expect_truth $targets
  expect_equal "sent at $rate kpps" "$(summary .ledger.sent)" 1048576
  expect_equal "arrived at $rate kpps" "$(arrived)" 1048576
  echo "$rate kpps: $(lab stats | jq --argjson pps ${rate}000 \
    '(.echo_requests - 1) / .request_seconds / $pps * 1000 | round')/1000 of the rate"
  jq -e --argjson pps ${rate}000 '.ledger.sent <= (.sending.seconds + 0.016) * $pps' "$work/summary" >/dev/null ||
    fail "$rate kpps: sent too fast: $(summary .sending)"
  lab stats | jq -e --argjson pps ${rate}000 '.echo_requests - 257 <= (.request_seconds + 0.016) * $pps' >/dev/null ||
    fail "$rate kpps: arrived too fast: $(lab stats)"
done

# `auto` chooses by the rate, and says what it passed over.
for choice in "400k:AF_XDP copy" "500k:XDP live frames"; do
  scan --rate "${choice%%:*}" --cooldown 0.2 10.0.0.0/16 || fail "auto at ${choice%%:*} ended with $?"
  expect_equal "method at ${choice%%:*}" "$(mode)" "${choice#*:}"
  expect_text "$work/log" "no AF_XDP zero-copy on lab0"
done

# At rates below those that it paces itself, the sender's pacer does.
scan --method xdp_live --rate 2k --cooldown 0.2 10.0.0.0/20 || fail "at 2 kpps the scan ended with $?"
expect_truth 10.0.0.0/20
expect_equal "no more than 2 kpps" "$(summary '.sending.rate_pps < 2100')" true

# While the reader takes nothing the kernel thread rests; then the scan goes on and loses nothing.
lab up --one-in 1
mkfifo "$work/pipe"
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --method xdp_live --rate max \
  --cooldown 1 --status json --summary "$work/summary" 10.0.0.0/13 >"$work/pipe" 2>"$work/log" &
exec 3<"$work/pipe"
pid=$!
for _ in $(seq 600); do
  if has_text "$work/log" '"output_is_limit":true'; then break; fi
  nap 0.1
done
expect_text "$work/log" '"output_is_limit":true'
sleep 1
cpu_ticks() { awk '{print $14 + $15}' /proc/$pid/stat; }
before=$(cpu_ticks)
sleep 2
spent=$((($(cpu_ticks) - before) * 100 / $(getconf CLK_TCK) / 2))
[ $spent -lt 20 ] || fail "a paused scan spends $spent % of a CPU"
cat <&3 >"$work/out"
exec 3<&-
expect_status 0 wait $pid
expect_truth 10.0.0.0/13
[ "$(summary '.sending.paused_for_output_seconds')" != 0 ] || fail "the scan did not pause"
echo "paused at $spent % of a CPU"

# SIGINT and SIGTERM end the call in the kernel, SIGKILL leaves no program.
lab up
for stop in INT:130 TERM:143 KILL:137; do
  launch_scan --method xdp_live --rate 500k --cooldown 0.5 10.0.0.0/8
  for _ in $(seq 600); do
    [ "$(wc -l <"$work/out")" -lt 10000 ] || break
    nap 0.1
  done
  # The scan opens and closes descriptors meanwhile; one that is gone when it is read is none of a program.
  programs=$(descriptors_of "$pid" |
    awk '$1 == "prog_id:" {print $2}' | sort -u)
  [ -n "$programs" ] || fail "the scan has no BPF program"
  kill -s "${stop%%:*}" $pid
  expect_status "${stop#*:}" wait $pid
  for _ in $(seq 600); do
    left=$(for id in $programs; do if bpftool prog show id "$id" 2>/dev/null; then :; fi; done)
    [ -n "$left" ] || break
    nap 0.1
  done
  expect_equal "programs left by SIG${stop%%:*}" "$left" ""
  if [ "${stop%%:*}" != KILL ]; then
    expect_equal "adds_up" "$(summary .ledger.adds_up)" true
    expect_equal "refused" "$(summary .ledger.not_sent.refused)" 0
    [ "$(summary .ledger.not_sent.stopped)" -gt 0 ] || fail "nothing was left unsent"
  fi
done

# What the environment refuses, before a probe is sent; `auto` steps down instead.
expect_refusal() { # TEXT CMD...
  local text=$1
  shift
  expect_status 3 "$@"
  expect_text "$work/log" "$text"
}
target=10.1.0.0/24
lab up
before=$(arrived)
logged() { "$@" >"$work/out" 2>"$work/log"; }
expect_refusal "BPF is not permitted (CAP_PERFMON)" \
  logged near setpriv --bounding-set=-all,+net_raw,+net_admin,+bpf,+ipc_lock --inh-caps=-all \
  "$echoscan" scan --allow-reserved --method xdp_live $target
far ip link set dev lab1 xdp off
far ethtool -K lab1 gro off
expect_refusal "its other end needs GRO or an XDP program" scan --method xdp_live $target
scan --rate max --cooldown 0.2 $target || fail "auto without live frames ended with $?"
expect_equal "method of auto" "$(mode)" "AF_XDP copy"
expect_text "$work/log" "no live frames on lab0 (CPU 0: the driver veth takes no redirected frames"
near ip link add bridge0 type bridge
near ip link set bridge0 up
expect_refusal "the driver bridge takes no redirected frames" \
  scan --method xdp_live -i bridge0 --source-ip 192.0.2.1 --gateway-mac 02:00:00:00:00:01 $target
lab up --queues 2
expect_refusal "it needs a CPU for each queue, and there are 1" \
  logged near taskset -c 0 "$echoscan" scan --allow-reserved --method xdp_live --queues 2 $target
