#!/usr/bin/env bash
# Kinds of network interface, one after another: a scan by `auto` finds all 64 addresses behind each, and the doctor has
# nothing against it. What came out is the table of docs/networks.md: each row has to be there. A kind that this kernel
# has no module for is named and has no row.
#
#   scan_networks_test.sh all      a kind that this kernel has no module for is a failure
#   scan_networks_test.sh failover a bond's port fails in mid-scan, where this kernel has bonds
#   scan_networks_test.sh table    prints the rows and does not compare them
variant=${1:-}
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

document=$root/docs/networks.md
targets=10.77.0.0/26
printf '10.77.0.%s\n' {0..63} | sort >"$work/truth"
rows=0

in_near() { ip -n "$ECHOSCAN_LAB-near" "$@"; }
in_far() { ip -n "$ECHOSCAN_LAB-far" "$@"; }

# The lab's near address and route, from lab0 to what has been put on it.
move_to() { # INTERFACE
  in_near address flush dev lab0
  in_near link set lab0 up
  in_near link set "$1" up
  in_near address add 192.0.2.1/30 dev "$1"
  in_near route replace default via 192.0.2.2 dev "$1"
}
# Both ends, each from its veth to what has been put on it.
move_both_to() { # INTERFACE
  move_to "$1"
  in_far address flush dev lab1
  in_far link set lab1 up
  in_far link set "$1" up
  in_far address add 192.0.2.2/30 dev "$1"
}

# Each kind: raises its interface on the lab's fresh link. What the kernel does not have makes `add` fail.
add() { in_near link add "$@" 2>"$work/refusal"; }

raise_veth() { return 0; }
raise_bridge() {
  add net0 type bridge || return
  in_near link set lab0 master net0
  move_to net0
}
raise_macvlan() {
  add net0 link lab0 type macvlan mode bridge || return
  move_to net0
}
raise_ipvlan() {
  add net0 link lab0 type ipvlan mode l2 || return
  move_to net0
}
raise_vlan() {
  add net0 link lab0 type vlan id 5 || return
  in_far link add net0 link lab1 type vlan id 5
  move_both_to net0
}
raise_bond_active_backup() {
  add net0 type bond mode active-backup miimon 100 || return
  in_near link set lab0 down
  in_near link set lab0 master net0
  move_to net0
}
raise_bond_802_3ad() {
  add net0 type bond mode 802.3ad miimon 100 lacp_rate fast || return
  in_far link add net0 type bond mode 802.3ad miimon 100 lacp_rate fast
  in_near link set lab0 down
  in_far link set lab1 down
  in_near link set lab0 master net0
  in_far link set lab1 master net0
  move_both_to net0
}
raise_vrf() {
  add net0 type vrf table 10 || return
  in_near link set net0 up
  in_near link set lab0 master net0
  in_near route add default via 192.0.2.2 table 10
  options=(-i net0)
  # Who does not name it is told that it is there.
  expect_status 3 scan "$targets"
  expect_text "$work/log" "see \`ip route\`, and -i to ask a VRF: net0"
}
raise_vrf_port() {
  raise_vrf || return
  options=(-i lab0)
}
raise_gre() {
  add net0 type gre local 192.0.2.1 remote 192.0.2.2 || return
  in_far link add net0 type gre local 192.0.2.2 remote 192.0.2.1
  tunnel_to net0
}
raise_ipip() {
  add net0 type ipip local 192.0.2.1 remote 192.0.2.2 || return
  in_far link add net0 type ipip local 192.0.2.2 remote 192.0.2.1
  tunnel_to net0
}
tunnel_to() { # INTERFACE
  in_near link set "$1" up
  in_far link set "$1" up
  in_near address add 198.51.100.1/30 dev "$1"
  in_far address add 198.51.100.2/30 dev "$1"
  in_near route add 10.77.0.0/16 dev "$1"
}
raise_wireguard() {
  local end
  add net0 type wireguard || return
  in_far link add net0 type wireguard
  for end in near far; do
    (umask 077 && wg genkey >"$work/$end.key")
    wg pubkey <"$work/$end.key" >"$work/$end.public"
  done
  near wg set net0 private-key "$work/near.key" listen-port 51820 \
    peer "$(cat "$work/far.public")" allowed-ips 0.0.0.0/0 endpoint 192.0.2.2:51820
  far wg set net0 private-key "$work/far.key" listen-port 51820 \
    peer "$(cat "$work/near.public")" allowed-ips 0.0.0.0/0
  tunnel_to net0
}
# An interface beside the veth that swallows what is sent there: a network of its own is behind it, and a way for
# everything else that the veth's is preferred to.
raise_dummy() {
  add net0 type dummy || return
  in_near link set net0 up
  in_near address add 203.0.113.1/24 dev net0
  in_near route add default dev net0 metric 1000
  beside=(203.0.113.128/25)
}
# A layer-3 tunnel without Ethernet, as WireGuard's is.
raise_tun() {
  raise_tunnel "$ECHOSCAN_LAB-near" "$ECHOSCAN_LAB-far"
  in_near address add 198.51.100.1/32 dev tunnel0
  in_far route add 198.51.100.1 dev tunnel1
  in_near route add 10.77.0.0/16 dev tunnel0
}
# An IPv6 router for IPv4 (RFC 5549).
raise_ipv6_router() {
  near sysctl -qw net.ipv6.conf.lab0.disable_ipv6=0
  far sysctl -qw net.ipv6.conf.lab1.disable_ipv6=0
  in_near address add fe80::1/64 dev lab0 nodad
  in_far address add fe80::2/64 dev lab1 nodad
  in_near route replace 0.0.0.0/0 via inet6 fe80::2 dev lab0
}

# Until a link that has just been put together carries frames (a bridge learns, LACP agrees): the scan is not to wait.
await_host() {
  for _ in $(seq 30); do
    ! near fping -q -r 0 -t 500 "${options[@]/-i/-I}" 10.77.0.1 >"$work/fping" 2>&1 || return 0
  done
  fail "$kind: fping does not reach 10.77.0.1: $(cat "$work/fping")"
}

# How many of the truth a scan finds, and nobody else: "64 of 64"; "refused" where METHOD is not for this kind.
found_by() { # METHOD
  local status=0
  scan --method "$1" --rate 1k --cooldown 2 "${options[@]}" "$targets" "${beside[@]}" || status=$?
  if [ $status = 3 ] && grep -qE "takes no frames: use --method raw_socket|takes no redirected frames" "$work/log"; then
    echo refused
    return
  fi
  [ $status = 0 ] || fail "$kind: the scan by $1 ended with $status"
  found | sort >"$work/found"
  expect_equal "$kind: found by $1 what is not there" "$(grep -vxFf "$work/truth" "$work/found" || [ $? = 1 ])" ""
  expect_equal "$kind: adds_up by $1" "$(summary .ledger.adds_up)" true
  echo "$(wc -l <"$work/found") of $(wc -l <"$work/truth")"
}

# The doctor's word is the scan's, on the interface as it is and on one that is down.
check_doctor() {
  local interface=$1
  near "$echoscan" doctor --json "${options[@]}" --to "$targets" >"$work/doctor" 2>"$work/log" ||
    fail "$kind: the doctor ended with $?"
  expect_equal "$kind: the doctor's interface" "$(jq -r .interface.name "$work/doctor")" "$interface"
  in_near link set "$interface" down
  expect_status 3 near "$echoscan" doctor --json -i "$interface" --to "$targets" >"$work/doctor" 2>"$work/log"
  expect_status 3 scan -i "$interface" "$targets"
}

# A kind that this kernel has no module for.
is_here() {
  "raise_$kind" && return
  grep -qE "Unknown device type|Operation not supported|No such device" "$work/refusal" ||
    fail "$kind: $(cat "$work/refusal")"
  [ "$variant" != all ] || fail "not in this kernel: $kind"
  echo "not in this kernel: $kind"
  return 1
}

check_kind() {
  local row interface by
  lab up --mode kernel
  # Without it veth takes no redirected frames (xdp_live).
  far ethtool -K lab1 gro on
  options=() beside=()
  is_here || return 0
  await_host
  by=$(found_by auto)
  interface=$(summary .sending.interface)
  row="| $kind | $(summary '[.sending.queues[].mode] | unique | join(", ")') | $(summary .receiving.mode) | $by |"
  for method in af_packet raw_socket xdp_live; do
    by=$(found_by $method)
    row+=" $by |"
  done
  rows=$((rows + 1))
  echo "$row"
  if [ "$variant" != table ]; then
    grep -qxF -- "$row" "$document" || fail "$(basename "$document") does not have: $row"
  fi
  [[ $row =~ \ 64\ of\ 64\ \|\ (64\ of\ 64|refused)\ \|\ 64\ of\ 64\ \|\ (64\ of\ 64|refused)\ \|$ ]] || fail "$kind: not everybody is found"
  check_doctor "$interface"
}

# Until both ends send and take by both ports: until then frames are lost, as LACP has it. 60 are the states of a port
# that is in sync, collects and distributes.
await_aggregate() {
  local count
  for _ in $(seq 100); do
    count=$({ in_near -j -d link show type bond_slave; in_far -j -d link show type bond_slave; } |
      jq -s '[.[][].linkinfo.info_slave_data.ad_actor_oper_port_state // 0 | . % 64 | select(. >= 60)] | length')
    [ "$count" != 4 ] || return 0
    nap 0.2
  done
  fail "$kind: LACP has not come to an end"
}

# A bond of two ports, net0 at both ends; at the far end a bridge does, where no LACP is to be spoken.
raise_two_ports() { # MODE
  local end far_kind=(bridge) bond=(bond mode "$1" miimon 500)
  in_near link add lab2 type veth peer name lab3 netns "$ECHOSCAN_LAB-far"
  if [ "$1" = 802.3ad ]; then
    bond+=(lacp_rate fast xmit_hash_policy layer3+4)
    far_kind=(bond mode 802.3ad miimon 20 lacp_rate fast xmit_hash_policy layer3+4)
  fi
  in_near link add net0 type "${bond[@]}"
  in_far link add net0 type "${far_kind[@]}"
  for end in 0 2; do
    in_near link set lab$end down
    in_near link set lab$end master net0
    in_far link set lab$((end + 1)) down
    in_far link set lab$((end + 1)) master net0
    in_far link set lab$((end + 1)) up
  done
  in_near link set net0 up
  in_far link set net0 up
}

# One port loses its link in mid-scan. The bond looks at them every 500 ms, and what it gave to the dead one meanwhile
# is sent again: everybody is found, also by a VLAN on the bond.
check_failover() { # MODE [vlan]
  local interface=net0
  kind="failover $*"
  lab up --mode kernel
  raise_two_ports "$1"
  if [ "${2:-}" = vlan ]; then
    interface=net1
    in_near link add net1 link net0 type vlan id 5
    in_far link add net1 link net0 type vlan id 5
  fi
  move_both_to $interface
  await_host
  if [ "$1" = 802.3ad ]; then await_aggregate; else in_near link set net0 type bond active_slave lab0; fi
  start_scan --rate 1k --cooldown 2 10.77.0.0/19
  in_far link set lab1 down
  expect_status 0 wait "$pid"
  expect_truth 10.77.0.0/19
  expect_equal "$kind: events" "$(summary '[.events[].what] | join("; ")')" "a port of net0 has failed: lab0"
  echo "$kind: all found by $interface, $(summary .ledger.sent_again) sent again, $(summary .ledger.in_doubt) in doubt"
  [ "$(summary .ledger.sent_again)" -gt 0 ] || fail "$kind: nothing was sent again"
}

if [ "$variant" = failover ]; then
  options=()
  check_failover active-backup
  check_failover active-backup vlan
  check_failover 802.3ad
  exit
fi

# What comes by an interface that lies on another passes that one as well, which has an address here, so that it stands by:
# no answer is seen twice, by a filter or by packet sockets alone.
check_stacked() {
  local limits
  lab up --mode kernel
  options=() beside=()
  is_here || return 0
  in_near address add 203.0.113.1/24 dev lab0
  await_host
  for limits in "" "setpriv --bounding-set=-all,+net_raw --inh-caps=-all"; do
    # shellcheck disable=SC2086
    near $limits "$echoscan" scan --allow-reserved --summary "$work/summary" --rate 1k --cooldown 1 "$targets" \
      >"$work/out" 2>"$work/log" || fail "$kind: the scan ended with $?"
    expect_equal "$kind stacked: found" "$(found | grep -cxFf "$work/truth")" 64
    expect_equal "$kind stacked: repeats" "$(summary .receiving.repeats)" 0
    expect_equal "$kind stacked: in by another interface" "$(summary .receiving.elsewhere)" 0
    expect_text "$work/log" "AF_PACKET ring on 1 other interface"
  done
}
for kind in macvlan ipvlan vlan; do check_stacked; done

for kind in veth dummy bridge macvlan ipvlan vlan bond_active_backup bond_802_3ad vrf vrf_port gre ipip wireguard tun \
  ipv6_router; do
  check_kind
done
echo "$rows kinds"
