#!/usr/bin/env bash
# 1,048,576 addresses of the simulated Internet at 200 kpps: what is found equals the truth, no more and no
# less, with the TTL that each host shows; every probe arrives, undamaged and once.
#
#   scan_truth_test.sh af_xdp | xdp_live | xdp_live_two_queues | af_packet | packet_mmap | pcap | raw_socket |
#                      generic | net_raw | two_queues
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

variant=$1
targets=10.0.0.0/12
options=(--rate 200k --cooldown 1 --seed 5)
queues=1
receiver="XDP native"
sender="AF_XDP copy"

case $variant in
  af_xdp) options+=(--method af_xdp) ;;
  af_packet)
    options+=(--method af_packet)
    sender="AF_PACKET sendmmsg"
    ;;
  packet_mmap)
    options+=(--method packet_mmap)
    sender="AF_PACKET mmap"
    ;;
  pcap)
    options+=(--method pcap)
    sender="pcap_inject"
    ;;
  raw_socket)
    options+=(--method raw_socket)
    sender="raw socket"
    ;;
  xdp_live | xdp_live_two_queues)
    options+=(--method xdp_live)
    sender="XDP live frames"
    if [ "$variant" = xdp_live_two_queues ]; then queues=2; fi
    ;;
  two_queues) queues=2 ;;
  # With fewer receive queues than the far end has transmit queues the driver refuses native XDP.
  generic)
    queues=2
    receiver="XDP generic"
    ;;
  # Without CAP_BPF and CAP_NET_ADMIN: AF_PACKET both ways.
  net_raw)
    receiver="AF_PACKET ring"
    sender="AF_PACKET sendmmsg"
    ;;
  *) fail "no variant '$variant'" ;;
esac

lab up --queues "$queues"
if [ "$variant" = generic ]; then
  near ethtool -L lab0 rx 1
fi
if [ "$variant" = net_raw ]; then
  near setpriv --bounding-set=-all,+net_raw --inh-caps=-all \
    "$echoscan" scan --allow-reserved --summary "$work/summary" "${options[@]}" "$targets" \
    >"$work/out" 2>"$work/log" || fail "the scan ended with $?"
else
  scan "${options[@]}" "$targets" || fail "the scan ended with $?"
fi

expect_truth "$targets"
lab truth --ttl "$targets" >"$work/truth"
jq -r '"\(.target) \(.ttl)"' "$work/out" | sort >"$work/found"
sort "$work/truth" | cmp -s - "$work/found" || fail "TTLs differ from the truth"

count=1048576
expect_equal "sent" "$(summary .ledger.sent)" $count
expect_equal "arrived" "$(lab stats | jq .echo_requests)" $count
expect_equal "damaged" "$(lab stats | jq .bad_checksums)" 0
expect_equal "replies refused by the lab's link" "$(lab stats | jq .replies_refused)" 0
expect_equal "silent" "$(summary .ledger.silent)" "$((count - $(summary .ledger.replied)))"
expect_equal "receiver" "$(summary .receiving.mode)" "$receiver"
expect_equal "queues" "$(summary '.sending.queues | length')" "$queues"
expect_equal "sender" "$(summary '[.sending.queues[].mode] | unique | join(",")')" "$sender"
expect_equal "lines" "$(wc -l <"$work/out")" "$(summary .ledger.replied)"
