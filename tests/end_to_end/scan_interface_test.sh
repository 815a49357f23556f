#!/usr/bin/env bash
# The interface is removed in the middle of a scan: the scan ends at once, says so, and the ledger stands. It is renamed:
# the scan goes on. The source address is taken away: the scan waits, and ends or goes on.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

for method in af_xdp_copy xdp_live af_packet packet_mmap pcap raw_socket; do
  lab up
  start_scan --method $method --rate 20k --cooldown 1 --seed 5 10.0.0.0/14
  far ip link delete lab1
  expect_status 3 wait $pid
  expect_text "$work/log" "the interface lab0 is gone: it was removed; stopped after "
  expect_equal "$method, removed: outcome" "$(summary .outcome)" "stopped, interface gone"
  expect_equal "$method, removed: adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "$method, removed: lines" "$(wc -l <"$work/out")" "$(summary .ledger.replied)"
  echo "$method, removed: $(summary .ledger.sent) of $(summary .ledger.probes) sent, $(summary .ledger.silent) silent"
  lab down

  lab up
  start_scan -i lab0 --method $method --rate 10k --cooldown 1 --link-timeout 5 10.1.0.0/16
  # The kernel renames an interface that is up since Linux 6.2.
  near ip link set lab0 name lab9
  nap 0.5
  near ip address delete 192.0.2.1/30 dev lab9
  sleep 1
  near ip address add 192.0.2.1/30 dev lab9
  near ip route replace default via 192.0.2.2
  expect_status 0 wait $pid
  expect_truth 10.1.0.0/16
  expect_text "$work/log" "lab0 is called lab9 now: sending goes on"
  expect_text "$work/log" "this host has the source address 192.0.2.1 no more: sending pauses, for 5 s at most"
  expect_equal "$method, renamed: events of other kinds" \
    "$(summary '[.events[].what | select(test("called lab9|source address|routes have changed|ways again") | not)] | join("; ")')" ""
  echo "$method, renamed, and without its address: all found, $(summary .ledger.sent_again) sent again"
  lab down
done

lab up
start_scan --rate 20k --cooldown 1 --link-timeout 1 10.0.0.0/14
near ip address delete 192.0.2.1/30 dev lab0
expect_status 3 wait $pid
expect_text "$work/log" "this host has not had the address 192.0.2.1 for 1 s (--link-timeout); stopped after "
expect_equal "outcome" "$(summary .outcome)" "stopped, source lost"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true

# What the interface itself drops on receive is in the summary, since nobody else can count it: here frames of a protocol
# that nobody takes. The scan goes on until they are there.
lab up
start_scan --method af_packet --rate 20k --cooldown 0.5 10.0.0.0/11
far python3 -c 'import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("lab1", 0))
for _ in range(7): s.send(b"\xff" * 6 + b"\x02" * 6 + b"\x12\x34" + bytes(50))'
kill -s INT $pid
expect_status 130 wait $pid
expect_equal "dropped, missed, fifo" \
  "$(summary '.receiving | [.interface_dropped, .interface_missed, .interface_fifo_errors] | join(" ")')" "7 0 0"
expect_text "$work/log" "lab0 itself dropped frames on receive, replies perhaps among them: rx_dropped 7, rx_missed 0, rx_fifo 0"

# Its MTU and its queues are set anew: that is said within a second, and costs nothing. Queues of AF_XDP the kernel lets
# nobody take away.
lab up --queues 2
start_scan --method af_packet --queues 2 --rate 20k --cooldown 0.5 10.0.0.0/11
near ip link set lab0 mtu 600
near ethtool -L lab0 tx 1
sleep 1
kill -s INT $pid
expect_status 130 wait $pid
expect_text "$work/log" "the MTU of lab0 has become 600, it was 1500: longer packets are refused from now on"
expect_text "$work/log" "lab0 has 1 transmit queue now, it had 2: sending goes on by those that are left"
expect_equal "within a second" "$(summary '[.events[] | select(.what | test("MTU|queue"))] | length')" 2
expect_equal "arrived" "$(lab stats | jq .echo_requests)" "$(summary .ledger.sent)"

# A probe that does not fit any more is refused, which ends the scan with the kernel's word.
lab up
start_scan --method af_packet --size 1000 --rate 20k --cooldown 0.5 10.0.0.0/11
near ip link set lab0 mtu 600
expect_status 3 wait $pid
expect_text "$work/log" "the interface took no probe for 30 s (Message too long)"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
