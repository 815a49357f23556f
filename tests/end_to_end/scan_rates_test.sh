#!/usr/bin/env bash
# Every rate sends: eight random ones a run, by methods whose pace is kept in user space and in the kernel. Half of all
# rates below 64k once sent nothing, for ever, and ended with 0. The seed is printed; SEED repeats a run.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
RANDOM=${SEED:-$$}
echo "SEED=${SEED:-$$}"
methods=(af_packet af_xdp_copy xdp_live)
for turn in 0 1 2 3 4 5 6 7; do
  # As many of one digit as of five, and one in the range where the kernel paces.
  digits=$((turn % 5 + 1))
  rate=$((1 + RANDOM * 32768 % (10 ** digits) + RANDOM % (10 ** digits)))
  [ "$turn" != 7 ] || rate=$((200000 + RANDOM * 10))
  method=${methods[turn % 3]}
  count=$((rate / 2 + 1))
  status=0
  scan --rate $rate --method "$method" --cooldown 0.5 --max-runtime 60 --max-targets $count 10.0.0.0/12 || status=$?
  expect_equal "exit status at --rate $rate by $method" "$status" 0
  expect_equal "probes sent at --rate $rate by $method" "$(summary .ledger.sent)" "$count"
done
