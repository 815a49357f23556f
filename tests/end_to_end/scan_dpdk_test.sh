#!/usr/bin/env bash
# --method dpdk in the lab: DPDK's own driver for AF_XDP stands for a card. What is found is the truth, and what the
# card counts is what left; the gateway is asked for by our own ARP, and a far end that forgets us is answered; a signal
# ends the scan in order, and SIGKILL leaves no memory set aside.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

[ -e "$ECHOSCAN_BUILD/libechoscan_dpdk.so" ] || skip "the module is not built: libdpdk-dev is missing"

by_dpdk=(--method dpdk -i net_af_xdp0 --dpdk-args --vdev=net_af_xdp0,iface=lab0 --source-ip 192.0.2.1)
huge_pages() { cat /proc/sys/vm/nr_hugepages /sys/kernel/mm/hugepages/*/free_hugepages; }
pages_before=$(huge_pages)

lab up
# An interface that the kernel keeps, by its name: source and gateways are the kernel's, and what it refuses is no target.
far ip address add 192.0.2.9/24 dev lab1
near ip address add 192.0.2.1/24 dev lab0
near ip route add 10.0.4.0/22 via 192.0.2.9 src 192.0.2.1
near ip route add blackhole 10.0.9.0/24
shared=(--method dpdk -i lab0 --dpdk-args --vdev=net_af_xdp0,iface=lab0)
scan "${shared[@]}" --rate 20k --cooldown 1 --seed 5 10.0.0.0/20 || fail "the scan ended with $?"
expect_equal "unroutable" "$(summary .ledger.not_sent.unroutable)" 256
expect_equal "sent" "$(summary .ledger.sent)" 3840
expect_equal "found" "$(jq -r .target "$work/out" | sort)" "$(lab truth 10.0.0.0/20 | grep -v '^10\.0\.9\.' | sort)"
expect_equal "ways" "$(summary '[.ways[] | [.interface, .next_hop, .source, .targets]] | tojson')" \
  '[["lab0","192.0.2.2","192.0.2.1",2816],["lab0","192.0.2.9","192.0.2.1",1024],[null,null,null,256]]'
expect_equal "interface" "$(summary .sending.interface)" lab0
expect_text "$work/log" "what comes in there comes to this scan, and not to the kernel"
# Nobody is behind a gateway that is not there, and the others are asked all the same.
near ip route add 10.0.12.0/22 via 192.0.2.77 src 192.0.2.1
scan "${shared[@]}" --rate 20k --cooldown 1 --seed 5 10.0.0.0/20 || fail "the scan ended with $?"
expect_text "$work/log" "the gateway 192.0.2.77 on lab0 "
expect_text "$work/log" "nothing is sent to the 1,024 targets behind it"
expect_equal "unroutable" "$(summary .ledger.not_sent.unroutable)" 1280
expect_equal "found" "$(jq -r .target "$work/out" | sort)" \
  "$(lab truth 10.0.0.0/20 | grep -vE '^10\.0\.(9|12|13|14|15)\.' | sort)"
scan "${shared[@]}" --gateway 192.0.2.2 --rate 20k --cooldown 1 --seed 5 10.0.0.0/20 || fail "the scan ended with $?"
expect_truth 10.0.0.0/20
expect_status 3 scan "${shared[@]}" 192.0.2.0/28
expect_text "$work/log" "sends to IPv4 gateways, and from 192.0.2.1, which leaves out: "
expect_status 3 scan "${shared[@]}" 10.0.9.0/24
expect_text "$work/log" "no target has a route out of lab0"

# Routes that change under the scan are followed: to a router that the plan did not know, back, to none and back; what
# it cannot send by ends it. Everybody answers, and frames that go on to the first router are lost a little later.
lab up --mode kernel
add_router
in_router ip route add local 10.1.0.0/16 dev lo
# The scan answers for its one address.
in_router ip route replace 192.0.2.1 dev uplink
by_kernel=("${shared[@]}" --cooldown 1 --status off)
rate=20k
events() { summary '[.events[].what] | join("; ")'; }
begin() {
  start_scan "${by_kernel[@]}" --rate $rate "$@" 10.1.0.0/16
  nap 0.5
}
end() { # STATUS WHAT
  expect_status "$1" wait "$pid"
  expect_equal "$2: adds_up" "$(summary .ledger.adds_up)" true
}
begin
near ip route add 10.1.128.0/17 via 198.51.100.2 src 192.0.2.1
nap 0.4
far ip route add blackhole 10.1.128.0/17 table local
end 0 "half of them move"
expect_equal "half of them move: found" "$(wc -l <"$work/out")" 65536
expect_equal "half of them move: events" "$(events)" \
  "routes have changed for 32,768 targets: lab0 via 198.51.100.2 from 192.0.2.1: 32,768 targets"
begin
far ip route delete blackhole 10.1.128.0/17 table local
near ip route delete 10.1.128.0/17
end 0 "half of them move back"
expect_equal "half of them move back: found" "$(wc -l <"$work/out")" 65536
begin
near ip route add blackhole 10.1.250.0/23
end 0 "few have no way"
unroutable=$(summary .ledger.not_sent.unroutable)
[ "$unroutable" -gt 0 ] && [ "$unroutable" -le 512 ] || fail "few have no way: $unroutable unroutable"
expect_equal "few have no way: found" "$(wc -l <"$work/out")" "$(summary .ledger.replied)"
[ "$(summary .ledger.replied)" -ge $((65536 - unroutable)) ] || fail "few have no way: $(summary .ledger.replied) found"
near ip route delete blackhole 10.1.250.0/23
# A new gateway that nobody is, which takes 3.5 s to find out: who is behind it is not called silent.
rate=6k
begin --link-timeout 1
near ip route add 10.1.128.0/17 via 198.51.100.77 src 192.0.2.1
end 0 "nobody is there"
unroutable=$(summary .ledger.not_sent.unroutable)
[ "$unroutable" -gt 0 ] && [ "$unroutable" -le 32768 ] || fail "nobody is there: $unroutable unroutable"
[ "$(summary .ledger.replied)" -ge $((65536 - unroutable)) ] || fail "nobody is there: $(summary .ledger.replied) found"
expect_text <(events) "there has been no route to 32,768 targets for 1 s"
near ip route delete 10.1.128.0/17
begin --link-timeout 1
near ip route add 10.1.0.0/16 dev lab0
end 3 "all are neighbours"
expect_text "$work/log" "it sends to IPv4 gateways, and from 192.0.2.1, which leaves out: "

lab up
# As on a card's own network, nobody but the scan answers for its address: the near end's kernel has it no more, and its
# ARP is off.
near ip address del 192.0.2.1/30 dev lab0
far ip neighbour flush dev lab1

targets=10.0.0.0/16
count=65536
scan "${by_dpdk[@]}" --gateway 192.0.2.2 --rate 20k --cooldown 1 --seed 5 -v $targets || fail "the scan ended with $?"
expect_truth $targets
expect_equal "sent" "$(summary .ledger.sent)" $count
expect_equal "arrived" "$(lab stats | jq .echo_requests)" $count
expect_equal "damaged" "$(lab stats | jq .bad_checksums)" 0
expect_equal "receiver" "$(summary .receiving.mode)" "DPDK net_af_xdp"
expect_equal "sender" "$(summary '.sending.queues[0].mode')" "DPDK net_af_xdp"
expect_equal "gateway" "$(summary .sending.gateway)" "$(far cat /sys/class/net/lab1/address)"
expect_equal "lines" "$(wc -l <"$work/out")" "$(summary .ledger.replied)"
[ "$(summary .sending.interface_tx_packets)" -ge $count ] || fail "the card counts $(summary .sending.interface_tx_packets)"
expect_text "$work/log" "no sandbox with --method dpdk"
expect_text "$work/log" "DPDK: EAL:"
expect_text "$work/log" "net_af_xdp0 counted by itself: rx_good_packets"
# By its own names, and what it has not counted is left out.
expect_equal "the driver's counters that are 0" \
  "$(summary '[.receiving.driver_counters[] | select(. == 0)] | length')" 0
# Those for the gateway's address, too, before the first probe.
[ "$(summary .receiving.driver_counters.tx_good_packets)" -ge "$(summary .sending.interface_tx_packets)" ] ||
  fail "the driver has counted fewer than the card: $(summary .receiving.driver_counters)"
# On a busy machine it may be fewer.
rate=$(summary '.sending.rate_pps | floor')
[ "$rate" -le 20200 ] || fail "asked for 20,000 a second, it were $rate"
# The far end's kernel has learned us from our own question alone.
far ip neighbour show to 192.0.2.1 dev lab1 | grep -qi lladdr || fail "the far end does not know us"

# A far end that forgets us again and again asks, and is answered, also in the cooldown.
for _ in $(seq 20); do
  far ip neighbour flush dev lab1
  # Nobody answers that; the question for our MAC before it is what counts.
  far fping -q -c 1 -t 200 192.0.2.1 >/dev/null 2>&1 || expect_equal "fping's exit status" $? 1
  nap 0.1
done &
forgetter=$!
scan "${by_dpdk[@]}" --gateway 192.0.2.2 --rate 20k --cooldown 2 --seed 5 $targets || fail "the scan ended with $?"
wait $forgetter
expect_truth $targets

# The MAC told by hand, nobody asked.
scan "${by_dpdk[@]}" --gateway-mac "$(far cat /sys/class/net/lab1/address)" --rate 20k --cooldown 1 10.1.0.0/20 ||
  fail "the scan ended with $?"
expect_truth 10.1.0.0/20

# As fast as it goes, all targets of a /14: nothing is lost without a name.
before=$(wire_lost)
scan "${by_dpdk[@]}" --gateway 192.0.2.2 --rate max --cooldown 1 --seed 5 10.0.0.0/14 || fail "the scan ended with $?"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
expect_equal "sent" "$(summary .ledger.sent)" 262144
echo "$(summary '.sending.rate_pps | floor') a second, $(($(wire_lost) - before)) lost on the wire"

# A flood: everybody answers, as fast as it goes. What is missing was lost on the lab's wire, or is counted.
lab up --one-in 1
before=$(wire_lost)
scan "${by_dpdk[@]}" --gateway 192.0.2.2 --rate max --cooldown 1 --seed 5 -o /dev/null 10.0.0.0/12 ||
  fail "the scan ended with $?"
lost=$(($(wire_lost) - before))
# ARP is among what was not seen.
unseen=$(summary .receiving.dropped_unseen)
missing=$((1048576 - lost - unseen - $(summary .ledger.replied)))
[ $missing -le 0 ] && [ $missing -ge -50 ] || fail "$missing missing: $lost lost on the wire, $unseen unseen"
expect_equal "ring full" "$(summary .receiving.frames.ring_full)" 0
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
echo "flood: $(summary '.ledger.replied / .sending.seconds | floor') replies a second," \
  "$(summary .sending.paused_for_receiver_seconds) s of waiting for the receiver, $unseen unseen"

lab up
near ip address del 192.0.2.1/30 dev lab0
# SIGTERM: sending ends, the cooldown is kept, the ledger adds up.
start_scan "${by_dpdk[@]}" --gateway 192.0.2.2 --rate 20k --cooldown 0.5 10.0.0.0/12
kill -TERM $pid
expect_status 143 wait $pid
expect_equal "adds_up after SIGTERM" "$(summary .ledger.adds_up)" true

# SIGKILL: no huge page stays set aside, no file of DPDK's stays behind, and the next scan works. What its AF_XDP driver
# leaves on the interface is its own: a card of its own has no such thing.
start_scan "${by_dpdk[@]}" --gateway 192.0.2.2 --rate 20k 10.0.0.0/12
kill -KILL $pid
expect_status 137 wait $pid
expect_equal "huge pages" "$(huge_pages)" "$pages_before"
expect_equal "files of DPDK's" "$(find /dev/hugepages /var/run/dpdk -name 'rtemap*' 2>/dev/null | wc -l)" 0
near ip link set lab0 xdp off
scan "${by_dpdk[@]}" --gateway 192.0.2.2 --rate 20k --cooldown 1 10.1.0.0/20 || fail "the scan ended with $?"
expect_truth 10.1.0.0/20

# What a killed scan has left beside its results is gone on with.
: >"$work/results"
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved "${by_dpdk[@]}" --gateway 192.0.2.2 --rate 20k \
  --seed 5 --checkpoint-interval 0.5 -o "$work/results" $targets 2>"$work/log" &
pid=$!
for _ in $(seq 600); do
  [ ! -s "$work/results.part" ] && [ ! -s "$work/results" ] || break
  nap 0.1
done
sleep 1
kill -KILL $pid
expect_status 137 wait $pid
near ip link set lab0 xdp off
near "$echoscan" scan --resume "$work/results" --cooldown 1 --summary "$work/summary" 2>"$work/log" ||
  fail "the scan ended with $?"
cp "$work/results" "$work/out"
expect_truth $targets

# Sentences in place of surprises, and nothing on standard output.
refused() { # STATUS TEXT OPTION...
  local status=$1 text=$2
  shift 2
  expect_status "$status" scan "$@" 10.0.0.0/24
  expect_text "$work/log" "$text"
  expect_equal "standard output" "$(cat "$work/out")" ""
}
refused 2 "needs -i" --method dpdk
refused 2 "needs --source-ip" --method dpdk -i 0000:01:00.0 --gateway 192.0.2.2
refused 2 "needs --gateway or --gateway-mac" --method dpdk -i 0000:01:00.0 --source-ip 192.0.2.1
refused 2 "--gateway is for --method dpdk" -i lab0 --gateway 192.0.2.2
refused 2 "--vlan is for --method dpdk" -i lab0 --vlan 7
refused 2 "with --method dpdk the user stays the same" "${by_dpdk[@]}" --gateway 192.0.2.2 --user nobody
refused 2 "no PCI address" --method dpdk -i 1:0.0.0 --source-ip 192.0.2.1 --gateway 192.0.2.2
refused 3 "that interface is on no PCI card" --method dpdk -i lab0 --gateway 192.0.2.2 --source-ip 192.0.2.1
refused 2 "--dpdk-args: '-h' is not for" --method dpdk -i lab0 --dpdk-args "--no-huge -h"
refused 2 "has its own" "${by_dpdk[@]}" --gateway 192.0.2.2 --dpdk-args "--vdev=net_af_xdp0,iface=lab0 --help"
refused 3 "there is no such PCI device" --method dpdk -i ffff:ff:1f.7 --source-ip 192.0.2.1 --gateway 192.0.2.2
refused 3 "has no port of that name" "${by_dpdk[@]}" --gateway 192.0.2.2 --dpdk-args "--vdev=net_af_xdp0,iface=none0"
refused 3 "does not start" "${by_dpdk[@]}" --gateway 192.0.2.2 --dpdk-args "--vdev=net_af_xdp0,iface=lab0 --no-such-option"
refused 3 "does not answer ARP" "${by_dpdk[@]}" --gateway 192.0.2.99
