#!/usr/bin/env bash
# What the environment refuses is refused by name, with what to do about it, before a probe is sent.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

# A scan that must end with the given status and say the given text.
expect_refusal() { # STATUS TEXT OPTION...
  local status=$1 text=$2
  shift 2
  expect_status "$status" scan "$@"
  expect_text "$work/log" "$text"
  expect_equal "lines" "$(wc -l <"$work/out")" 0
}

lab up
target=10.1.0.0/24

expect_refusal 3 "there is no interface 'nope0'" -i nope0 $target
expect_refusal 3 "lo is the loopback and takes no frames" --method af_packet -i lo $target
expect_refusal 3 "lo, where the route to 127.0.0.1 leads, is the loopback" --method af_xdp 127.0.0.1
expect_refusal 2 "--queues 2: lab0 has 1 transmit queue" --queues 2 $target
expect_refusal 4 "cannot write to '/nonexistent/file'" -o /nonexistent/file $target
expect_refusal 2 "no targets are left" -x 10.0.0.0/8 $target

# A scan that is refused leaves the results of an earlier one alone.
echo precious >"$work/results"
expect_refusal 3 "there is no interface" -i nope0 -o "$work/results" $target
expect_equal "earlier results" "$(cat "$work/results")" precious

# Somebody else's XDP program is named and left alone; AF_PACKET works beside it.
foreign=$ECHOSCAN_BUILD/bpf/world/world.bpf.o
near ip link set dev lab0 xdpdrv obj "$foreign" sec xdp
id=$(ip -n "$ECHOSCAN_LAB-near" -j link show lab0 | jq '.[0].xdp.prog.id')
for method in auto af_xdp; do
  expect_refusal 3 "cannot attach to lab0: another XDP program is there (id $id, \"far_end\"); detach it or use --method af_packet" \
    --method $method $target
done
expect_equal "the foreign program" "$(ip -n "$ECHOSCAN_LAB-near" -j link show lab0 | jq '.[0].xdp.prog.id')" "$id"
scan --method af_packet --cooldown 1 $target || fail "the scan beside a foreign program ended with $?"
expect_truth $target
near ip link set dev lab0 xdp off

# So is another scan's reply filter, which is not to be taken off.
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --rate 1k --cooldown 0 --max-runtime 30 -o /dev/null 10.0.0.0/12 \
  2>"$work/first" &
first=$!
for _ in $(seq 1200); do
  id=$(ip -n "$ECHOSCAN_LAB-near" -j link show lab0 | jq '.[0].xdp.prog.id')
  [ "$id" = null ] || break
  nap 0.05
done
expect_refusal 75 "cannot attach to lab0: another echoscan receives there (id $id, \"reply_filter\"), still after 0 s (--wait); wait for its end or use --method af_packet" --wait 0 $target
expect_status 3 near "$echoscan" doctor -i lab0 >"$work/out"
expect_text "$work/out" "wait for its end, or --method af_packet"
kill -INT "$first"
expect_status 130 wait "$first"

# Privileges: none at all, and not enough for AF_XDP by name.
unprivileged() {
  near setpriv --bounding-set=-all"$1" --inh-caps=-all "$echoscan" scan --allow-reserved "${@:2}" \
    >"$work/out" 2>"$work/log"
}
expect_status 3 unprivileged "" $target
expect_text "$work/log" "Operation not permitted; run as root, or with CAP_NET_RAW"
expect_text "$work/log" "in a container --cap-add NET_RAW, or for AF_XDP --cap-add NET_RAW --cap-add NET_ADMIN"
expect_status 3 unprivileged ,+net_raw --method af_xdp $target
expect_text "$work/log" "BPF is not permitted (CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN); use --method af_packet"

# One capability short of XDP: the one that lacks is named, and a scan without --method goes on without XDP.
for lacking in CAP_BPF CAP_PERFMON CAP_NET_ADMIN; do
  capabilities=,+net_raw,+net_admin,+bpf,+perfmon
  short=${lacking#CAP_}
  unprivileged "${capabilities/,+${short,,}/}" --cooldown 1 $target || fail "the scan without $lacking ended with $?"
  expect_text "$work/log" "no XDP on lab0, BPF is not permitted ($lacking): sending and receiving by AF_PACKET"
  found >"$work/found"
  lab truth $target | cmp -s - "$work/found" || fail "without $lacking: found is not the truth"
done

expect_refusal 3 "there is no interface 'nope'; there are: lo, lab0" -i nope $target

# The network: a gateway that is not there, a link that is down, no address, no route.
far ip link set lab1 address 02:00:00:00:00:77
far ip address delete 192.0.2.2/30 dev lab1
near ip neighbour flush dev lab0
expect_refusal 3 "the gateway 192.0.2.2 on lab0 does not answer; is it there?" $target
near ip address flush dev lab0
expect_refusal 3 "lab0 has no IPv4 address; give one with --source-ip" -i lab0 --gateway-mac 02:00:00:00:00:77 $target
expect_refusal 3 "there is no route to 10.1.0.0" $target
near ip link set lab0 down
expect_refusal 3 "lab0 is down; \`ip link set lab0 up\` switches it on" -i lab0 --gateway-mac 02:00:00:00:00:77 $target
