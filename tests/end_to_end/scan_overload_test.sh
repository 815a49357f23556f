#!/usr/bin/env bash
# A far end that cannot keep up: its receive thread is starved, so that the link's ring of 256 frames runs
# full and the driver refuses frames. Each refused one is sent again; none is lost, none is counted twice.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
# Other labs' links have the same name: ours is the thread that appears.
pollers() { pgrep -x 'napi/lab1-.*' | sort || true; }
pollers >"$work/pollers"
far sh -c 'echo 1 >/sys/class/net/lab1/threaded'
poller=$(pollers | comm -13 "$work/pollers" - | head -1)
[ -n "$poller" ] || fail "the far end has no receive thread"
# The sender's own CPU, and little of it: not none, since the machine may have others to serve.
taskset -p -c 0 "$poller" >/dev/null
renice -n 19 -p "$poller" >/dev/null

# The gateway, starved, is late with ARP too, and what the kernel's neighbour queue drops meanwhile it tells
# nobody: raw_socket alone goes through it, and this test is about the link. Where the machine has others to serve it may
# be away for seconds; so it answers no ARP at all, and is not watched.
far sysctl -qw net.ipv4.conf.all.arp_ignore=8
near ip neighbour replace 192.0.2.2 dev lab0 lladdr "$(far cat /sys/class/net/lab1/address)" nud permanent

targets=10.0.0.0/16
count=65536
# On an idle machine the poller may keep up with a slow method for once: such a scan says nothing, and is made again.
is_refused() { # METHOD
  local method=$1 before
  before=$(lab stats | jq .echo_requests)
  scan --method $method --rate max --cooldown 3 --seed 5 "$targets" || fail "the scan ended with $?"
  expect_truth "$targets"
  expect_equal "sent" "$(summary .ledger.sent)" $count
  expect_equal "$method: events" "$(summary '[.events[].what | select(endswith("answers no ARP of ours") | not)] | length')" 0
  expect_equal "arrived" "$(($(lab stats | jq .echo_requests) - before))" $count
  [ "$(summary '.sending.queues[0].refusals')" -gt 0 ]
}
for method in af_xdp xdp_live af_packet packet_mmap pcap raw_socket; do
  for try in 1 2 3 4 5 6; do
    if is_refused $method; then break; fi
    [ $try -lt 6 ] || fail "$method: nothing was refused in $try scans: no overload"
  done
  echo "$method: $(summary '.sending.queues[0].refusals') refused and sent again"
done
