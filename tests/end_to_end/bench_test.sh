#!/usr/bin/env bash
# A bench sends what it says, undamaged, by every method: the far end counts the same. What cannot run here
# says why, and the user is asked before anyone is flooded.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

bench() { near "$echoscan" bench -q --json "$work/table" "$@" >"$work/out" 2>"$work/log"; }
table() { jq -r "$1" "$work/table"; }
echo_requests() { lab stats | jq .echo_requests; }
# ARP that comes late costs probes of the methods that leave it to the kernel: not what is measured here.
know_gateway() {
  near ip neighbour replace 192.0.2.2 dev lab0 lladdr "$(far cat /sys/class/net/lab1/address)" nud permanent
}

# Answered, and looked at: each packet is a good echo request.
lab up
know_gateway
for size in 60 61 1514; do
  before=$(echo_requests)
  bench -i lab0 --dst 10.0.0.1 --duration 0.5 --size $size || fail "the bench ended with $?"
  expect_equal "methods" "$(table '[.rows[].method] | sort | join(" ")')" \
    "af_packet af_xdp af_xdp_copy asio packet_mmap pcap ping_socket raw_socket xdp_live"
  expect_equal "methods that did not run" "$(table '.rows[] | select(.unavailable) | "\(.method): \(.unavailable)"')" ""
  expect_equal "arrived of what was sent" $(($(echo_requests) - before)) "$(table '[.rows[].sent] | add')"
  expect_equal "damaged" "$(lab stats | jq .bad_checksums)" 0
  expect_equal "rows that claim more than the interface counted" \
    "$(table '.rows[] | select(.sent > .interface_tx_packets) | .method')" ""
  expect_equal "order of the rows" "$(table '.rows == (.rows | sort_by(-.rate_pps))')" true
  expect_equal "rows on the screen" "$(grep -cE '^[a-z_]+ +[0-9,]+ +[0-9.]+' "$work/out")" 9
done

# DPDK's rows when they are asked for: its own driver for AF_XDP, and its device that drops what it is given.
if [ -e "$ECHOSCAN_BUILD/libechoscan_dpdk.so" ]; then
  before=$(echo_requests)
  bench -i lab0 --dst 10.0.0.1 --duration 0.5 --methods dpdk_null,af_xdp,dpdk || fail "the bench ended with $?"
  expect_equal "methods that did not run" "$(table '.rows[] | select(.unavailable) | "\(.method): \(.unavailable)"')" ""
  expect_equal "methods" "$(table '[.rows[].method] | sort | join(" ")')" "af_xdp dpdk dpdk_null"
  expect_equal "arrived of what was sent" $(($(echo_requests) - before)) \
    "$(table '[.rows[] | select(.method != "dpdk_null") | .sent] | add')"
  expect_equal "damaged" "$(lab stats | jq .bad_checksums)" 0
fi

# Where nothing answers ARP, the next hop can be named by hand; 10.0.0.1 is routed by a gateway that is not there.
near ip neighbour del 192.0.2.2 dev lab0
near ip route replace 10.0.0.0/8 via 192.0.2.77 dev lab0 onlink
before=$(echo_requests)
expect_status 3 bench -i lab0 --dst 10.0.0.1 --duration 0.1 --methods af_packet
expect_text "$work/log" "--gateway-mac names it by hand"
expect_equal "arrived" "$(echo_requests)" "$before"
bench -i lab0 --dst 10.0.0.1 --duration 0.1 --methods af_packet,af_xdp \
  --gateway-mac "$(far cat /sys/class/net/lab1/address)" || fail "with --gateway-mac it ended with $?"
expect_equal "methods that did not run" "$(table '.rows[] | select(.unavailable) | .method')" ""
expect_equal "arrived of what was sent" $(($(echo_requests) - before)) "$(table '[.rows[].sent] | add')"
near ip route replace 10.0.0.0/8 via 192.0.2.2 dev lab0
know_gateway

# A method that cannot run here says why, and the others run.
near sysctl -qw net.ipv4.ping_group_range="1 0"
bench -i lab0 --dst 10.0.0.1 --duration 0.1 --streams 2 --methods asio,ping_socket,af_xdp ||
  fail "the bench ended with $?"
expect_equal "reason of af_xdp" "$(table '.rows[] | select(.method == "af_xdp") | .unavailable')" \
  "lab0 has 1 transmit queue"
expect_text "$work/out" "ping_socket  cannot run here: net.ipv4.ping_group_range does not let this group"
expect_equal "asio ran" "$(table '.rows[0] | .method == "asio" and .sent > 0')" true

# Where the table cannot go, nothing is sent.
before=$(echo_requests)
expect_status 4 bench -i lab0 --dst 10.0.0.1 --duration 60 --json /nonexistent/table
expect_text "$work/log" "cannot write to '/nonexistent/table': No such file or directory"
expect_equal "sent without a table" "$(echo_requests)" "$before"

# SIGINT ends it with the rows so far: here of the first method, once that has sent something.
rm "$work/table"
before=$(echo_requests)
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" bench -i lab0 --dst 10.0.0.1 --duration 60 --methods af_packet,asio \
  --json "$work/table" >"$work/out" 2>"$work/log" &
pid=$!
for _ in $(seq 600); do
  [ "$(echo_requests)" = "$before" ] || break
  nap 0.1
done
kill -s INT $pid
expect_status 130 wait $pid
expect_equal "rows" "$(table '[.rows[].method] | join(" ")')" af_packet
expect_equal "complete" "$(table .complete)" false
expect_text "$work/out" "(interrupted)"

# A sink drops everything, by two streams.
lab up --queues 2 --sink
know_gateway
bench -i lab0 --dst 10.0.0.1 --duration 0.3 --streams 2 --methods af_xdp,packet_mmap || fail "the bench ended with $?"
expect_equal "arrived of what was sent" "$(echo_requests)" "$(table '[.rows[].sent] | add')"
expect_equal "answered" "$(lab stats | jq .replies)" 0
expect_equal "truth of a sink" "$(lab truth 10.0.0.0/20 | wc -l)" 0

# Nobody is flooded by mistake.
expect_refusal() { # TEXT OPTION...
  local text=$1
  shift
  expect_status 2 bench "$@"
  expect_text "$work/log" "$text"
}
before=$(echo_requests)
expect_refusal "name the host that is to be flooded" -i lab0
expect_refusal "name the interface" --dst 10.0.0.1
expect_refusal "9.9.9.9 is a public address; --allow-public" -i lab0 --dst 9.9.9.9
expect_refusal "224.0.0.1 is not one host" -i lab0 --dst 224.0.0.1
expect_refusal "--duration: '1000' is not a number of seconds from 0.1 to 600" -i lab0 --dst 10.0.0.1 --duration 1000
expect_refusal "--methods: 'zmap' is not one of" -i lab0 --dst 10.0.0.1 --methods zmap
expect_equal "arrived" "$(echo_requests)" "$before"
