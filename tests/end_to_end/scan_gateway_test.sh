#!/usr/bin/env bash
# The gateway's MAC is found whatever the kernel knows of it: nothing, something old, or told by hand.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

target=10.1.0.0/22
lab up
mac=$(far cat /sys/class/net/lab1/address)

near ip neighbour flush dev lab0
scan --cooldown 1 $target || fail "without a neighbour entry the scan ended with $?"
expect_truth $target
expect_equal "gateway" "$(summary .sending.gateway)" "$mac"

near ip neighbour replace 192.0.2.2 dev lab0 lladdr "$mac" nud stale
scan --cooldown 1 $target || fail "with a stale entry the scan ended with $?"
expect_truth $target

# The gateway was replaced: the stale entry is wrong, and asking the kernel to confirm it mends it.
near ip neighbour replace 192.0.2.2 dev lab0 lladdr 02:00:00:00:00:99 nud stale
scan --cooldown 1 $target || fail "with a wrong stale entry the scan ended with $?"
expect_truth $target
expect_equal "gateway" "$(summary .sending.gateway)" "$mac"

# A router that is deaf for longer than the 3 s that the kernel asks for is asked again.
near ip neighbour flush dev lab0
far ip link set lab1 arp off
{ sleep 4 && far ip link set lab1 arp on; } &
scan --cooldown 1 $target || fail "with a gateway that is deaf at first the scan ended with $?"
wait $!
expect_truth $target

near ip neighbour flush dev lab0
scan --cooldown 1 --gateway-mac "$mac" -i lab0 $target || fail "with --gateway-mac the scan ended with $?"
expect_truth $target

# Another source address: the replies come to it, and that it is not the interface's is said.
near ip address add 192.0.2.9/32 dev lab0
scan --cooldown 1 --source-ip 192.0.2.9 $target || fail "with --source-ip the scan ended with $?"
near ip address delete 192.0.2.9/32 dev lab0
expect_truth $target
expect_equal "source" "$(summary .sending.source)" 192.0.2.9
scan --cooldown 1 --source-ip 192.0.2.9 $target || fail "with a foreign --source-ip the scan ended with $?"
expect_text "$work/log" "192.0.2.9 is not an address of lab0"
expect_truth $target
