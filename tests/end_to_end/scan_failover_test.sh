#!/usr/bin/env bash
# A gateway that changes under a running scan: its address moves to another machine, announced or not; it is away for a
# while; it stays away, alone or beside another. Each living host is found, or is named as not probed or in doubt.
#
# FAILOVERS=N tries N moments of each [1], ECHOSCAN_FAILOVER_SEED=N chooses them [1].
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up --mode kernel
# Live frames need it.
far ethtool -K lab1 gro on
# A second router, and hosts behind it alone: 10.2.0.0/16.
add_router
in_router ip route add local 10.2.0.0/16 dev lo
far ip route add blackhole 10.2.0.0/16 table local
near ip route add 10.2.0.0/16 via 198.51.100.2 src 192.0.2.1

# A MAC told by hand is that of all ways out of its interface: the second router gets nothing.
scan --rate 5k --cooldown 1 --gateway-mac "$(far cat /sys/class/net/lab1/address)" 10.1.0.0/24 10.2.0.0/24 ||
  fail "--gateway-mac: the scan ended with $?"
expect_equal "--gateway-mac: found" "$(found | cut -d. -f1-3 | sort | uniq -c | tr -s ' ')" " 256 10.1.0"

# More gateways than are numbered: each network is found behind its own, and who is not watched is named.
for i in $(seq 1 70); do
  in_router ip address add 198.51.100.$((100 + i))/24 dev uplink
  in_router ip route add local 10.3.$i.0/30 dev lo
  far ip route add blackhole 10.3.$i.0/30 table local
  near ip route add 10.3.$i.0/30 via 198.51.100.$((100 + i)) src 192.0.2.1
done
for method in auto xdp_live af_packet raw_socket; do
  scan --method $method --rate 1k --cooldown 2 10.1.0.0/24 $(seq -f '10.3.%.0f.0/30' 1 70) || fail "$method, 71 gateways: the scan ended with $?"
  expect_equal "$method, 71 gateways: found" "$(found | wc -l)" $((256 + 280))
  expect_equal "$method, 71 gateways: ways that answered" "$(summary '[.ways[] | select(.replied == .targets)] | length')" 71
  expect_equal "$method, 71 gateways: not watched" "$(summary '[.events[] | select(.what | endswith("is not watched"))] | length')" 8
  expect_equal "$method, 71 gateways: adds_up" "$(summary .ledger.adds_up)" true
done
near ip route flush root 10.3.0.0/16

# A gateway whose MAC the kernel has been told, and that answers no ARP: it is used, and that it is not watched is said.
near ip neighbour replace 192.0.2.2 dev lab0 lladdr "$(far cat /sys/class/net/lab1/address)" nud permanent
far sysctl -qw net.ipv4.conf.all.arp_ignore=8
# It asks for this host now and then, which is no answer: afterwards it is not missed.
(
  for _ in 1 2 3; do
    sleep 1
    far ip neighbour replace 192.0.2.1 dev lab1 lladdr "$(near cat /sys/class/net/lab0/address)" nud probe
  done
) &
# Sending lasts longer than that: the warning comes a second after it has asked last.
scan --rate 40 --cooldown 1 10.1.0.0/24 || fail "a static entry: the scan ended with $?"
wait $!
expect_equal "a static entry: found" "$(found | wc -l)" 256
expect_text "$work/log" "the gateway 192.0.2.2 on lab0 answers no ARP of ours: should it fail, hosts behind it are called silent"
far sysctl -qw net.ipv4.conf.all.arp_ignore=0
near ip neighbour delete 192.0.2.2 dev lab0

rate=20k
RANDOM=${ECHOSCAN_FAILOVER_SEED:-1}
methods=(auto af_packet xdp_live raw_socket)
moments() { for _ in $(seq "${FAILOVERS:-1}"); do echo "1.$((RANDOM % 10))"; done; }
addresses() { # NETWORK: its 65,536
  seq 0 65535 | awk -v network="$1" '{ printf "%s.%d.%d\n", network, $1 / 256, $1 % 256 }'
}
# All of NETWORK... are found, and no other.
expect_all() { # WHAT NETWORK...
  local what=$1
  shift
  for network; do addresses "$network"; done | sort -t. -k1,1n -k2,2n -k3,3n -k4,4n >"$work/expected"
  found >"$work/found"
  cmp -s "$work/found" "$work/expected" ||
    fail "$what: found $(wc -l <"$work/found") of $(wc -l <"$work/expected"), in doubt $(summary .ledger.in_doubt)"
  expect_equal "$what: adds_up" "$(summary .ledger.adds_up)" true
  echo "$what: all found, $(summary .ledger.sent_again) sent again, in doubt $(summary .ledger.in_doubt)"
}
start() { # METHOD TARGET...: returns when it is well under way
  local method=$1
  shift
  start_scan --method "$method" --rate "$rate" --cooldown 2 --status off "$@"
}
end() { # WHAT STATUS
  local status=0
  wait "$pid" || status=$?
  expect_equal "$1: exit status" "$status" "$2"
}

# Where others have the CPUs, a change can come when the scan is over; it has found everybody then, and is made again.
until_noticed() { # SCAN ARGUMENT...: SCAN puts into `notice` what the log has to say
  local try
  for try in 1 2 3 4 5 6; do
    "$@"
    if has_text "$work/log" "$notice"; then return; fi
  done
  expect_text "$work/log" "$notice"
}

number=0
next_mac() {
  number=$((number + 1))
  mac=$(printf '02:00:00:00:77:%02x' $number)
}
with_another_mac() { # METHOD MOMENT
  next_mac
  notice="the gateway 192.0.2.2 on lab0 has become $mac"
  start "$1" 10.1.0.0/16
  sleep "$2"
  far ip link set lab1 address "$mac"
  end "$1: another MAC" 0
  expect_all "$1: another MAC" 10.1
}
for method in "${methods[@]}"; do
  for moment in $(moments); do
    until_noticed with_another_mac "$method" "$moment"
    expect_equal "$method: events" "$(summary '.events | length')" 1
  done
done

# Twice within the second in which the kernel takes no other MAC for an entry: raw sockets go on to a machine that is
# gone until the kernel believes the answers.
with_another_mac_twice() { # METHOD
  start "$1" 10.1.0.0/16
  sleep 1
  for step in 1 2; do
    next_mac
    far ip link set lab1 address "$mac"
    [ $step = 2 ] || sleep 0.5
  done
  notice="the gateway 192.0.2.2 on lab0 has become $mac"
  end "$1: another MAC twice" 0
  expect_all "$1: another MAC twice" 10.1
}
for method in auto raw_socket; do
  until_noticed with_another_mac_twice $method
done

# Of two routers one hands its address on.
with_the_other_routers_mac() { # METHOD
  next_mac
  notice="the gateway 198.51.100.2 on lab0 has become $mac"
  start "$1" 10.1.0.0/16 10.2.0.0/16
  sleep 1
  in_router ip link set uplink address "$mac"
  end "$1: the other router's MAC" 0
  expect_all "$1: the other router's MAC" 10.1 10.2
}
for method in "${methods[@]}"; do
  until_noticed with_the_other_routers_mac "$method"
done

# The gateway takes no frame and answers nobody, while its link stays up; and is back.
mac=$(far cat /sys/class/net/lab1/address)
depart() { far ip link set lab1 arp off address 02:00:00:00:99:99; }
come_back() { far ip link set lab1 arp on address "$mac"; }
with_an_outage() { # METHOD
  notice="the gateway 192.0.2.2 on lab0 does not answer any more: sending pauses"
  start "$1" 10.1.0.0/16
  sleep 1
  depart
  sleep 4
  come_back
  end "$1: an outage" 0
  expect_all "$1: an outage" 10.1
}
for method in auto raw_socket; do
  until_noticed with_an_outage $method
done

# One of two is away for a while: what goes to it waits, all else goes on, and everybody is found.
behind_first() { grep -c '"target":"10\.1\.' "$work/out" || [ $? = 1 ]; }
with_one_of_two_away() { # METHOD
  notice="the gateway 198.51.100.2 on lab0 does not answer any more: what goes to it waits, for 30 s at most; all else goes on"
  local before after=0 router_mac
  router_mac=$(in_router cat /sys/class/net/uplink/address)
  start "$1" 10.1.0.0/16 10.2.0.0/16
  nap 0.5
  in_router ip link set uplink arp off address 02:00:00:00:99:98
  for _ in $(seq 100); do
    if has_text "$work/log" "$notice" || ! kill -0 "$pid" 2>/dev/null; then break; fi
    nap 0.1
  done
  before=$(behind_first)
  # For less than --link-timeout.
  for _ in $(seq 250); do
    after=$(behind_first)
    [ "$after" -lt 65536 ] && kill -0 "$pid" 2>/dev/null || break
    nap 0.1
  done
  in_router ip link set uplink arp on address "$router_mac"
  end "$1: one of two is away" 0
  expect_all "$1: one of two is away" 10.1 10.2
  if grep -qF "$notice" "$work/log"; then
    expect_equal "$1: found behind the first while the other was away" "$after" 65536
    echo "$1: $before behind the first when it was missed"
  fi
}
for method in "${methods[@]}"; do
  until_noticed with_one_of_two_away "$method"
done

# One of two stays away: the other way goes on, and the rest is named.
start auto --link-timeout 2 10.1.0.0/16 10.2.0.0/16
sleep 1
in_router ip link set uplink down
end "one router of two" 0
found | grep -c '^10\.1\.' >"$work/count"
expect_equal "hosts behind the router that stayed" "$(cat "$work/count")" 65536
expect_equal "the ledger" "$(summary .ledger.adds_up)" true
lost=$((65536 - $(found | grep -c '^10\.2\.')))
named=$(summary '.ledger.way_lost + .ledger.in_doubt')
[ "$named" -ge "$lost" ] || fail "$lost hosts were not found, and $named are named"
expect_equal "unroutable" "$(summary .ledger.not_sent.unroutable)" "$(summary .ledger.way_lost)"
echo "one router of two: $lost not found, way lost $(summary .ledger.way_lost), in doubt $(summary .ledger.in_doubt)"
in_router ip link set uplink up

# Alone, it ends the scan.
without_router() {
  notice="the gateway 192.0.2.2 on lab0 did not answer for 2 s"
  start auto --link-timeout 2 10.1.0.0/16
  sleep 1
  depart
  status=0
  wait "$pid" || status=$?
  if [ $status = 0 ]; then expect_all "no router" 10.1; fi
  come_back
}
until_noticed without_router
expect_equal "no router: exit status" $status 3
expect_equal "the ledger" "$(summary .ledger.adds_up)" true
lost=$(($(summary .ledger.sent) - $(found | wc -l)))
[ "$(summary .ledger.in_doubt)" -ge "$lost" ] || fail "$lost probes got no reply, in doubt $(summary .ledger.in_doubt)"
echo "no router: stopped at $(summary .ledger.sent) sent, $lost without a reply, in doubt $(summary .ledger.in_doubt)"
