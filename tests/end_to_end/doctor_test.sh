#!/usr/bin/env bash
# The doctor and the scan agree: what it calls fatal is exactly what ends a scan with 3, and by the scan's own sentence.
# Over 20 random multi-homed hosts (tests/lab/topology.py) with and without -i and --source-ip, and over the hosts that
# a doctor is likely to be wrong about: a tunnel, an IPv6 router, an uplink with rules by source, an interface that is
# down, has no link, no address or somebody's program, a gateway that does not answer, no route, the loopback alone.
#
#   ECHOSCAN_TOPOLOGY_SEED=N, ECHOSCAN_TOPOLOGIES=N    as in scan_topologies_test.sh [1, 20]
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

first_seed=${ECHOSCAN_TOPOLOGY_SEED:-1}
count=${ECHOSCAN_TOPOLOGIES:-20}
fatal=0
sound=0

in_host() { ip netns exec "$host" "$@"; }

# Scan and doctor with the same options and targets: 3 and one fatal problem, or 0 and none. The doctor that only looks
# agrees, unless it has to try to know: --method.
expect_agreement() { # WHAT TARGETS-FILE OPTION...
  local what=$1 targets=$2 scan=0 doctor
  shift 2
  in_host "$echoscan" scan -q --allow-reserved --cooldown 0 --max-targets 1 --link-timeout 1 "$@" -t "$targets" \
    >"$work/out" 2>"$work/log" || scan=$?
  for looks in "" --read-only; do
    doctor=0
    # shellcheck disable=SC2086
    in_host "$echoscan" doctor --json $looks "$@" --to "$targets" >"$work/doctor" 2>>"$work/log" || doctor=$?
    expect_equal "$what $looks $*: exit status of doctor, beside scan's" "$doctor" "$scan"
    expect_equal "$what $looks $*: fatal problems" "$(jq '[.problems[] | select(.fatal)] | length' "$work/doctor")" \
      $((scan == 3))
  done
  case $scan in
    0) sound=$((sound + 1)) ;;
    3) fatal=$((fatal + 1)) && check_sentence "$what" ;;
    *) fail "$what $*: the scan ended with $scan" ;;
  esac
}

# The scan's last words are in the doctor's problem. A link that is down is waited for longer by one than by the other.
check_sentence() { # WHAT
  local said
  said=$(sed -n 's/^echoscan: //p' "$work/log" | tail -n 1 | sed 's/, for [0-9.]* s now.*//')
  jq -e --arg said "$said" '$said != "" and any(.problems[]; .fatal and (.what | contains($said)))' "$work/doctor" \
    >/dev/null || fail "$1: the scan said '$said', the doctor $(jq -c .problems "$work/doctor")"
}

topology() { python3 -B "$root/tests/lab/topology.py" "$@"; }
take_down() {
  local namespace
  for namespace in $(cat "$work/namespaces" 2>/dev/null); do
    [ ! -e "/run/netns/$namespace" ] || ip netns delete "$namespace"
  done
}
finish_doctor() {
  local status=$?
  take_down
  (exit $status)
  finish
}
trap finish_doctor EXIT

for ((seed = first_seed; seed < first_seed + count; ++seed)); do
  host=$ECHOSCAN_LAB-$seed-near
  topology make "$seed" "$ECHOSCAN_LAB-$seed" "$work"
  take_down
  bash "$work/up.sh" >"$work/log" 2>&1 || fail "seed $seed: up.sh ended with $?"
  expect_agreement "seed $seed" "$work/targets"
  read -r uplink address < <(shuf -n 1 --random-source=<(yes "$seed") "$work/uplinks")
  # One of these for each host, in turn, since a refusal takes seconds.
  case $((seed % 3)) in
    0) expect_agreement "seed $seed" "$work/targets" -i "$uplink" ;;
    1) expect_agreement "seed $seed" "$work/targets" --source-ip "$address" ;;
    2)
      # One network: where that is a refused one, nothing can be sent.
      grep '^10\.1\.' "$work/targets" >"$work/first"
      expect_agreement "seed $seed, one network" "$work/first"
      ;;
  esac
  take_down
done
echo "random: $sound sound, $fatal fatal"

lab up --mode kernel
host=$ECHOSCAN_LAB-near
printf '%s\n' 10.1.0.0/28 10.2.0.0/28 >"$work/list"
in_near() { ip -n "$host" "$@"; }
# The same as CASE FATAL [OPTION...], with the number of fatal cases known.
expect_case() { # WHAT EXPECTED-STATUS OPTION...
  local what=$1 before=$fatal
  shift
  expect_agreement "$what" "$work/list" "${@:2}"
  expect_equal "$what: is fatal" $(((fatal - before) * 3)) "$1"
}
expect_case "the lab" 0
expect_equal "ways" "$(jq -c '[.ways[] | [.kind, .interface, .next_hop, .count]]' "$work/doctor")" \
  '[["gateway","lab0","192.0.2.2",32]]'
in_host "$echoscan" doctor --to 10.1.0.0/28 --to "$work/list" >"$work/out"
expect_text "$work/out" "lab0 via 192.0.2.2 from 192.0.2.1: 32 targets"
expect_text "$work/out" "no problems"

# Part of the targets has no way: said, and not fatal.
in_near route add blackhole 10.2.0.0/16
expect_case "a blackhole" 0
expect_equal "what is unroutable" "$(jq -r '.problems[].what' "$work/doctor")" \
  "16 of 32 targets are unroutable from here: nothing is sent to them."
in_near route delete blackhole 10.2.0.0/16

raise_tunnel "$host" "$ECHOSCAN_LAB-far"
in_near address add 192.0.2.5/30 dev tunnel0
in_near route add 10.0.0.0/8 dev tunnel0
expect_case "a tunnel" 0
expect_case "a tunnel" 3 --method af_xdp
in_near route delete 10.0.0.0/8 dev tunnel0

in_host sysctl -qw net.ipv6.conf.lab0.disable_ipv6=0
ip netns exec "$ECHOSCAN_LAB-far" sysctl -qw net.ipv6.conf.lab1.disable_ipv6=0
in_near address add fe80::1/64 dev lab0 nodad
ip -n "$ECHOSCAN_LAB-far" address add fe80::2/64 dev lab1 nodad
in_near route replace 0.0.0.0/0 via inet6 fe80::2 dev lab0
expect_case "an IPv6 router" 0
expect_equal "the IPv6 router" "$(jq -r '.ways[].next_hop' "$work/doctor")" fe80::2

in_near route delete default
in_near route add default via 192.0.2.2 dev lab0 table 101
in_near rule add from 192.0.2.1 lookup 101
expect_case "an uplink with a table of its own" 3
expect_case "an uplink with a table of its own" 0 -i lab0
expect_case "an uplink with a table of its own" 0 --source-ip 192.0.2.1
in_near rule delete from 192.0.2.1 lookup 101

expect_case "no route" 3
expect_case "no route" 3 -i lab0
expect_case "no route" 0 -i lab0 --gateway-mac 02:00:00:00:00:01
expect_case "no such interface" 3 -i nowhere
in_near route add default via 192.0.2.2
expect_case "an interface that does not lead there" 3 -i tunnel0
in_near address add 198.51.100.1/30 dev lab0
in_near route replace default via 198.51.100.2
expect_case "a gateway that does not answer" 3
expect_case "a gateway that does not answer" 0 --gateway-mac 02:00:00:00:00:01
in_near route replace default via 192.0.2.2
in_near address delete 198.51.100.1/30 dev lab0

in_near link set dev lab0 xdpdrv obj "$ECHOSCAN_BUILD/bpf/world/world.bpf.o" sec xdp
expect_case "somebody's program" 3
expect_case "somebody's program" 0 --method af_packet
expect_case "somebody's program" 3 --method xdp_live
in_near link set dev lab0 xdp off

ip -n "$ECHOSCAN_LAB-far" link set lab1 down
expect_case "no link" 3
ip -n "$ECHOSCAN_LAB-far" link set lab1 up
in_near link set lab0 down
expect_case "down" 3
expect_case "down" 3 -i lab0
in_near link set lab0 up
in_near address flush dev lab0
expect_case "no address" 3
expect_case "no address" 3 -i lab0 --gateway-mac 02:00:00:00:00:01
expect_case "no address" 0 -i lab0 --gateway-mac 02:00:00:00:00:01 --source-ip 192.0.2.1

in_near link delete lab0
expect_case "the loopback alone" 3
echo 127.0.0.0/28 >"$work/list"
expect_case "this host" 0
echo "in all: $sound sound, $fatal fatal"
