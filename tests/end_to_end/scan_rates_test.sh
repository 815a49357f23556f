#!/usr/bin/env bash
# Every rate sends: eight random ones a run, by methods whose pace is kept in user space and in the kernel, and eight by
# DPDK where its module is built. Half of all rates below 64k once sent nothing, for ever, and ended with 0. The seed is
# printed; SEED repeats a run.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
RANDOM=${SEED:-$$}
echo "SEED=${SEED:-$$}"
methods=(af_packet af_xdp_copy xdp_live)
# As many of one digit as of five, and one in the range where the kernel paces.
draw_rate() { # TURN
  local digits=$(($1 % 5 + 1))
  rate=$((1 + RANDOM * 32768 % (10 ** digits) + RANDOM % (10 ** digits)))
  [ "$1" != 7 ] || rate=$((200000 + RANDOM * 10))
  count=$((rate / 2 + 1))
}
for turn in 0 1 2 3 4 5 6 7; do
  draw_rate $turn
  method=${methods[turn % 3]}
  status=0
  scan --rate $rate --method "$method" --cooldown 0.5 --max-runtime 60 --max-targets $count 10.0.0.0/12 || status=$?
  expect_equal "exit status at --rate $rate by $method" "$status" 0
  expect_equal "probes sent at --rate $rate by $method" "$(summary .ledger.sent)" "$count"
done

# A limit never rounds up: 1.5 was sent as 2, and 0.5 as 1. The wait for the next probe does not keep a scan from ending,
# nor does the last one that --max-runtime allows.
for method in "${methods[@]}"; do
  scan --rate 0.9 --method "$method" --cooldown 0.5 --max-runtime 2.5 10.0.0.0/24 || status=$?
  expect_equal "exit status of a limited runtime by $method" "$status" 0
  expect_equal "rate asked for" "$(summary .sending.rate_asked_pps)" 0.9
  expect_equal "not faster than asked for by $method" \
    "$(summary '.ledger.sent >= 1 and .ledger.sent <= (.sending.seconds * 0.9 + 1)')" true
done
started=$SECONDS
scan --rate 0.01 --cooldown 0.5 --max-runtime 1 10.0.0.0/24 || status=$?
expect_equal "probes of 0.01 a second" "$(summary .ledger.sent)" 1
expect_equal "ended before its next probe" "$((SECONDS - started < 60))" 1

# By DPDK, whose driver for AF_XDP takes the interface to itself: all of them arrive, and never faster than asked by 1 %, a
# burst aside. How far below that they stay depends on the machine, and is printed.
[ -e "$ECHOSCAN_BUILD/libechoscan_dpdk.so" ] || exit 0
for turn in 0 1 2 3 4 5 6 7; do
  draw_rate $turn
  arrived=$(lab stats | jq .echo_requests)
  status=0
  scan --rate $rate --method dpdk -i net_af_xdp0 --dpdk-args --vdev=net_af_xdp0,iface=lab0 --source-ip 192.0.2.1 \
    --gateway 192.0.2.2 --cooldown 0.5 --max-runtime 60 --max-targets $count 10.0.0.0/12 || status=$?
  expect_equal "exit status at --rate $rate by dpdk" "$status" 0
  expect_equal "probes sent at --rate $rate by dpdk" "$(summary .ledger.sent)" "$count"
  expect_equal "probes arrived at --rate $rate by dpdk" "$(($(lab stats | jq .echo_requests) - arrived))" "$count"
  expect_equal "not faster than $rate by dpdk" \
    "$(summary ".ledger.sent <= .sending.seconds * $rate * 1.01 + ([1, $rate / 1000] | max)")" true
  echo "dpdk at --rate $rate: $(summary '.sending.rate_pps | floor') a second, start and end of the sending included"
done
