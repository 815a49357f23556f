#!/usr/bin/env bash
# Two uplinks on two interfaces, each with a gateway: both have frames, queues and a reply filter of their own. Whatever
# happens to the second one is seen, and repaired or named.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up --mode kernel --queues 2
far ethtool -K lab1 gro on
# 10.2.0.0/16 is behind a second uplink alone.
add_host second
in_second() { ip netns exec "$ECHOSCAN_LAB-second" "$@"; }
raise_uplink() {
  ip -n "$ECHOSCAN_LAB-near" link add up2 type veth peer name down2 netns "$ECHOSCAN_LAB-second"
  in_second ethtool -K down2 gro on
  in_second ip address add 203.0.113.2/30 dev down2
  in_second ip link set down2 up
  near ip address add 203.0.113.1/30 dev up2
  near ip link set up2 up
  near ip route add 10.2.0.0/16 via 203.0.113.2
}
in_second ip route add local 10.2.0.0/16 dev lo
far ip route add blackhole 10.2.0.0/16 table local
raise_uplink

targets=(10.1.0.0/17 10.2.0.0/17)
count=65536
in_time=(--rate 20k --cooldown 1 --status off)
ways() { summary '.ways | sort_by(.interface) | map(.interface + " " + .method) | join(", ")'; }
# Everybody is found behind the first, and behind the second found or named.
expect_found() { # WHAT
  local lost named
  lost=$((count - $(wc -l <"$work/out")))
  named=$(summary '.ledger.way_lost + .ledger.in_doubt + .ledger.not_sent.unroutable + .ledger.not_sent.refused')
  expect_equal "$1: behind the first" "$(found | grep -c '^10\.1\.')" 32768
  [ "$lost" -le "$named" ] || fail "$1: $lost are not found, and $named are named"
  expect_equal "$1: adds_up" "$(summary .ledger.adds_up)" true
  echo "$1: $lost not found, $(summary .ledger.sent_again) sent again, $(summary .ledger.in_doubt) in doubt, $(summary .ledger.way_lost) way lost"
}

# By each method: the second uplink's frames leave by its own queues. Live frames need CPUs, which the first has.
for variant in "auto:1:AF_XDP copy:AF_XDP copy" "af_xdp:2:AF_XDP copy:AF_XDP copy" "xdp_live:1:XDP live frames:AF_XDP copy" \
  "af_packet:2:AF_PACKET sendmmsg:AF_PACKET sendmmsg" "packet_mmap:1:AF_PACKET mmap:AF_PACKET mmap" \
  "raw_socket:1:raw socket:raw socket"; do
  IFS=: read -r method queues first second <<<"$variant"
  scan --method "$method" --queues "$queues" --rate 20k --cooldown 1 "${targets[@]}" || fail "$method: the scan ended with $?"
  expect_found "$method"
  expect_equal "$method: not found" "$((count - $(wc -l <"$work/out")))" 0
  expect_equal "$method: ways" "$(ways)" "lab0 $first, up2 $second"
  [ "$(summary '.sending.rate_pps | floor')" -le 20200 ] || fail "$method: $(summary .sending.rate_pps) a second"
  [ "$(summary .sending.interface_tx_packets)" -ge $count ] || fail "$method: the interfaces count $(summary .sending.interface_tx_packets)"
  filter="XDP native"
  [ "$method" != raw_socket ] || filter="AF_PACKET ring"
  expect_equal "$method: receivers" "$(summary .receiving.mode)" "XDP native, $filter on 1 other interface"
done

# Somebody's XDP program is on the second: replies come by AF_PACKET there.
near ip link set dev up2 xdpdrv obj "$ECHOSCAN_BUILD/bpf/world/world.bpf.o" sec xdp
scan --rate 20k --cooldown 1 "${targets[@]}" || fail "beside a foreign program the scan ended with $?"
expect_equal "a foreign program: not found" "$((count - $(wc -l <"$work/out")))" 0
expect_equal "a foreign program: receivers" "$(summary .receiving.mode)" "XDP native, AF_PACKET ring on 1 other interface"
near ip link set dev up2 xdpdrv off

# Something happens to the second uplink in mid-scan. Where others have the CPUs it may come when the scan is over, which
# has found everybody then, and is made again.
during() { # NOTICE EXIT-STATUS COMMAND...: until the log has NOTICE
  local notice=$1 expected=$2 status
  shift 2
  for _ in 1 2 3 4 5 6; do
    start_scan "${in_time[@]}" "${targets[@]}"
    sleep 1
    "$@"
    status=0
    wait "$pid" || status=$?
    expect_found "$*"
    if grep -qF "$notice" "$work/log"; then
      expect_equal "$*: exit status" $status "$expected"
      return
    fi
    expect_equal "$*: not found, though nothing was noticed" "$((count - $(wc -l <"$work/out")))" 0
  done
  expect_text "$work/log" "$notice"
}

# Its reply filter is taken off, and attached again.
detach() {
  local program link
  program=$(ip -n "$ECHOSCAN_LAB-near" -j link show up2 | jq '.[0].xdp.prog.id // empty')
  link=$(descriptors_of "$pid" |
    awk -v program="$program" '$1 == "pos:" { link = "" } $1 == "link_id:" { link = $2 }
      $1 == "prog_id:" && $2 == program && link != "" { found = link } END { print found }')
  # It may have ended with the scan.
  if [ -z "$link" ] || ! bpftool link detach id "$link" 2>"$work/bpftool"; then
    if kill -0 "$pid" 2>/dev/null; then fail "program $program cannot be taken off: $(cat "$work/bpftool")"; fi
  fi
}
during "the reply filter of up2 was taken off: " 0 detach
expect_text "$work/log" "the reply filter of up2 is attached again after "

# Its gateway moves to another MAC.
number=0
failover() {
  number=$((number + 1))
  in_second ip link set down2 address "02:00:00:00:77:0$number"
}
during "the gateway 203.0.113.2 on up2 has become 02:00:00:00:77:0" 0 failover

# Its link goes, and comes back: what is behind it has no way meanwhile.
flap() {
  in_second ip link set down2 down
  nap 0.6
  in_second ip link set down2 up
}
during "routes have changed for 32,768 targets: unreachable by up2" 0 flap

# It goes for good, with its interface, and takes the address of its probes along: that is waited for, and the scan ends
# with what it has.
for _ in 1 2 3 4 5 6; do
  start_scan "${in_time[@]}" --link-timeout 2 "${targets[@]}"
  sleep 1
  ip -n "$ECHOSCAN_LAB-near" link delete up2
  status=0
  wait "$pid" || status=$?
  if [ $status != 0 ]; then break; fi
  expect_equal "not found, and the scan was over" "$((count - $(wc -l <"$work/out")))" 0
  raise_uplink
done
expect_equal "without the second uplink: exit status" $status 3
expect_text "$work/log" "this host has not had the address 203.0.113.1 for 2 s (--link-timeout)"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
lost=$(($(summary .ledger.sent) - $(wc -l <"$work/out")))
[ "$lost" -le "$(summary .ledger.in_doubt)" ] || fail "$lost are not found, and $(summary .ledger.in_doubt) are in doubt"
if grep -F "the reply filter of up2" "$work/log"; then fail "the filter of an interface that is gone was missed"; fi
