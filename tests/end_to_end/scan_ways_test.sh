#!/usr/bin/env bash
# Every target by the way that the kernel would take: a second uplink, a second router, a network on the link by a
# route alone, an IPv6 router for IPv4, this host's own addresses, rules by source; and what has no way is unroutable
# and never sent. Each network answers behind its own uplink only, so that a probe that took the wrong one is silent.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

third=$ECHOSCAN_LAB-third
in_third() { ip netns exec "$third" "$@"; }
lab up --mode kernel
add_host third
ip -n "$ECHOSCAN_LAB-near" link add up1 type veth peer name down1 netns "$third"
in_third ip link set down1 up
near ip link set up1 up
near ip address add 198.51.100.1/24 dev up1
for address in 198.51.100.2/24 198.51.100.9/24 203.0.113.2/32 203.0.113.5/32; do
  in_third ip address add $address dev down1
done
near sysctl -qw net.ipv6.conf.up1.disable_ipv6=0
near ip address add fe80::1/64 dev up1 nodad
in_third ip address add fe80::2/64 dev down1 nodad

# 10.1.0.0/16 answers behind lab0, the others behind up1.
for network in 2 6 7; do
  far ip route add blackhole 10.$network.0.0/16 table local
  in_third ip route add local 10.$network.0.0/16 dev lo
done
near ip route add 10.2.0.0/16 via 198.51.100.2
near ip route add 10.6.0.0/16 via inet6 fe80::2 dev up1
near ip route add 10.7.0.0/16 via 198.51.100.9
near ip route add 203.0.113.0/24 dev up1
near ip route add blackhole 10.3.0.0/16
near ip route add unreachable 10.4.0.0/16
near ip route add prohibit 10.5.0.0/16

# Addresses FIRST.0 to FIRST.15 of each.
sixteen() { for first; do seq -f "$first.%.0f" 0 15; done; }
expect_found() {
  sort -t. -k1,1n -k2,2n -k3,3n -k4,4n >"$work/expected"
  found >"$work/found"
  cmp -s "$work/found" "$work/expected" ||
    fail "$1: found $(wc -l <"$work/found") of $(wc -l <"$work/expected"): $(diff "$work/found" "$work/expected" | head -5)"
  expect_equal "$1: adds_up" "$(summary .ledger.adds_up)" true
}

targets=(10.1.0.0/28 10.2.0.0/28 10.3.0.0/28 10.4.0.0/28 10.5.0.0/28 10.6.0.0/28 10.7.0.0/28 203.0.113.0/28
  198.51.100.1 192.0.2.1 198.51.100.255)
for method in auto af_xdp af_packet raw_socket; do
  scan --method $method --rate 500 --cooldown 3 "${targets[@]}" || fail "$method: the scan ended with $?"
  { sixteen 10.1.0 10.2.0 10.6.0 10.7.0; printf '%s\n' 203.0.113.2 203.0.113.5 198.51.100.1 192.0.2.1; } |
    expect_found "$method"
  expect_equal "$method: unroutable" "$(summary .ledger.not_sent.unroutable)" 49
  expect_equal "$method: sent" "$(summary .ledger.sent)" 82
  expect_equal "$method: not probed" "$(summary .ledger.not_probed)" 49
  expect_equal "$method: ways" \
    "$(summary '.ways | map(select(.replied == .sent)) | sort_by(.kind, .next_hop) | .[] |
      "\(.kind) \(.interface) \(.next_hop) \(.source) \(.targets) \(.sent)"')" \
    "blackhole null null null 16 0
broadcast up1 null 198.51.100.1 1 0
gateway lab0 192.0.2.2 192.0.2.1 16 16
gateway up1 198.51.100.2 198.51.100.1 16 16
gateway up1 198.51.100.9 198.51.100.1 16 16
gateway up1 fe80::2 198.51.100.1 16 16
local lo null 192.0.2.1 1 1
local lo null 198.51.100.1 1 1
prohibit null null null 16 0
unreachable null null null 16 0"
  expect_equal "$method: on the link" \
    "$(summary '.ways[] | select(.kind == "direct") | "\(.interface) \(.targets) \(.sent) \(.replied)"')" "up1 16 16 2"
  expect_text "$work/log" "49 of 131 targets are unroutable from here"
done

# The plan says so beforehand, with nothing sent.
near "$echoscan" scan --dry-run --allow-reserved 10.1.0.0/28 10.2.0.0/27 10.3.0.0/28 >"$work/out" 2>"$work/log"
expect_text "$work/log" "way: up1 via 198.51.100.2 from 198.51.100.1: 32 targets"
expect_text "$work/log" "way: lab0 via 192.0.2.2 from 192.0.2.1: 16 targets"
expect_text "$work/log" "way: blackhole: 16 targets"
near "$echoscan" targets --allow-reserved 10.1.0.0/28 10.2.0.0/27 10.3.0.0/28 >"$work/out"
expect_text "$work/out" "32  up1 via 198.51.100.2 from 198.51.100.1"
near "$echoscan" targets --format json --allow-reserved 10.1.0.0/28 10.2.0.0/27 10.3.0.0/28 >"$work/out"
expect_equal "ways of the report" "$(jq -c '[.ways[] | [.kind, .interface, .count]]' "$work/out")" \
  '[["gateway","up1",32],["gateway","lab0",16],["blackhole",null,16]]'

# Passes count each; a part of the order has its own counts.
scan --rate 500 --cooldown 1 --probes 3 10.1.0.0/28 10.3.0.0/28 || fail "three passes: the scan ended with $?"
expect_equal "unroutable in three passes" "$(summary .ledger.not_sent.unroutable)" 48
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
scan --rate 500 --cooldown 1 --seed 5 --shard 1/3 10.1.0.0/26 10.3.0.0/26 || fail "a shard: the scan ended with $?"
expect_equal "adds_up of a shard" "$(summary .ledger.adds_up)" true
expect_equal "a shard's ways" "$(summary '[.ways[].targets] | add')" "$(summary .targets.count)"

# No way at all: refused before anything is sent.
expect_status 3 scan 10.3.0.0/28 10.5.0.0/28
expect_text "$work/log" "there is no route to 10.3.0.0 or any other target (blackhole: 16 targets; prohibit: 16 targets)"

# An interface that does not lead there: said, with what does; nobody is asked for by ARP.
near ip neighbour flush dev up1
expect_status 3 scan -i up1 10.1.0.0/28
expect_text "$work/log" "there is no route to 10.1.0.0 out of up1, nor to any other target"
expect_text "$work/log" "lab0 via 192.0.2.2 from 192.0.2.1: 16 targets"
expect_equal "neighbours asked for" "$(near ip neighbour show dev up1 | awk '/^10\.1\./' | wc -l)" 0
mac=$(in_third cat /sys/class/net/down1/address)
scan -i up1 --gateway-mac "$mac" --rate 500 --cooldown 1 10.2.0.0/28 || fail "by hand: the scan ended with $?"
sixteen 10.2.0 | expect_found "by hand"

# A second uplink whose routes are in a table of its own, for its own address.
near ip route add default via 198.51.100.2 dev up1 table 101
near ip rule add from 198.51.100.1 table 101
in_third ip route add local 10.8.0.0/16 dev lo
far ip route add blackhole 10.8.0.0/16 table local
for options in "--source-ip 198.51.100.1" "-i up1" "-i up1 --source-ip 198.51.100.1" \
  "--source-ip 198.51.100.1 --method raw_socket" "-i up1 --method raw_socket"; do
  # shellcheck disable=SC2086
  scan $options --rate 500 --cooldown 1 10.8.0.0/28 || fail "$options: the scan ended with $?"
  sixteen 10.8.0 | expect_found "$options"
  expect_equal "$options: interface" "$(summary .sending.interface)" up1
  expect_equal "$options: source" "$(summary .sending.source)" 198.51.100.1
done

# The way back leads in by another interface than the way out: accepted, and each line says so.
in_third sysctl -qw net.ipv4.ip_forward=1
ip -n "$third" link add cross type veth peer name cross_far netns "$ECHOSCAN_LAB-far"
in_third ip link set cross up
far ip link set cross_far up
in_third ip address add 203.0.113.129/30 dev cross
far ip address add 203.0.113.130/30 dev cross_far
in_third ip route add 10.9.0.0/16 via 203.0.113.130
far ip route add 198.51.100.1 via 192.0.2.1
near ip route add 10.9.0.0/16 via 198.51.100.2
for method in auto af_packet raw_socket; do
  scan --method $method --rate 500 --cooldown 1 10.1.0.0/27 10.9.0.0/28 || fail "asymmetric: the scan ended with $?"
  { sixteen 10.1.0; seq -f '10.1.0.%.0f' 16 31; sixteen 10.9.0; } | expect_found "asymmetric by $method"
  expect_equal "asymmetric by $method: elsewhere" "$(summary .receiving.elsewhere)" 16
  expect_equal "asymmetric by $method: who came in elsewhere" \
    "$(jq -r 'select(.interface) | .interface + " " + .target' "$work/out" | sort -V | sed -n '1p;$p' | paste -sd' ')" \
    "lab0 10.9.0.0 lab0 10.9.0.15"
  expect_equal "asymmetric by $method: unseen" "$(summary .receiving.unseen_replies)" 0
  expect_text "$work/log" "16 in by another interface than their probes left by"
done
