#!/usr/bin/env bash
# A far end that cannot keep up: its receive thread is starved, so that the link's ring of 256 frames runs
# full and the driver refuses frames. Each refused one is sent again; none is lost, none is counted twice.
source "$(dirname "${BASH_SOURCE[0]}")/lab/prelude.sh"

lab up
# Other labs' links have the same name: ours is the thread that appears.
pollers() { pgrep -x 'napi/lab1-.*' | sort || true; }
pollers >"$work/pollers"
far sh -c 'echo 1 >/sys/class/net/lab1/threaded'
poller=$(pollers | comm -13 "$work/pollers" - | head -1)
[ -n "$poller" ] || fail "the far end has no receive thread"
# The sender's own CPU, at the lowest priority there is.
taskset -p -c 0 "$poller" >/dev/null
chrt --idle -p 0 "$poller"

targets=10.0.0.0/14
count=262144
for method in af_xdp af_packet packet_mmap pcap raw_socket; do
  before=$(lab stats | jq .echo_requests)
  scan --method $method --rate max --cooldown 3 --seed 5 "$targets" || fail "the scan ended with $?"
  expect_truth "$targets"
  expect_equal "sent" "$(summary .ledger.sent)" $count
  expect_equal "arrived" "$(($(lab stats | jq .echo_requests) - before))" $count
  [ "$(summary '.sending.queues[0].sent_again')" -gt 0 ] || fail "$method: nothing was refused: no overload"
  echo "$method: $(summary '.sending.queues[0].sent_again') refused and sent again"
done
