#!/usr/bin/env bash
# Routes that change under a running scan: to a gateway that the plan did not know, back, to none for a while or for
# good, to another uplink, to an interface that the scan has not opened, and all the time without meaning. Each living host is found, or is
# named as not probed or in doubt.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up --mode kernel
# Live frames need it.
far ethtool -K lab1 gro on
# A second router with the same hosts behind it: whether the first one has them is up to the test.
add_router
in_router ip route add local 10.1.0.0/16 dev lo

rate=20k
start() { # METHOD OPTION...
  local method=$1
  shift
  start_scan --method "$method" --rate "$rate" --cooldown 1 --status off "$@" 10.1.0.0/16
  nap 0.5
}
end() { # WHAT STATUS
  local status=0
  wait "$pid" || status=$?
  expect_equal "$1: exit status" "$status" "$2"
  expect_equal "$1: adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "$1: probes by way" "$(summary '[.ways[].sent] | add')" "$(summary .ledger.sent)"
}
expect_all() { # WHAT
  expect_equal "$1: found" "$(wc -l <"$work/out")" 65536
  echo "$1: all found, $(summary .ledger.sent_again) sent again"
}
events() { summary '[.events[].what] | join("; ")'; }
# Half of the hosts move from the one router to the other; frames that go on to the first are lost a little later.
move() {
  near ip route add 10.1.128.0/17 via 198.51.100.2 src 192.0.2.1
  nap 0.4
  far ip route add blackhole 10.1.128.0/17 table local
}
move_back() {
  far ip route delete blackhole 10.1.128.0/17 table local
  near ip route delete 10.1.128.0/17
}

for method in auto xdp_live af_packet raw_socket; do
  start $method
  move
  end "$method: half of them move" 0
  expect_all "$method: half of them move"
  expect_equal "$method: events" "$(events)" \
    "routes have changed for 32,768 targets: lab0 via 198.51.100.2 from 192.0.2.1: 32,768 targets"
  start $method
  move_back
  end "$method: half of them move back" 0
  expect_all "$method: half of them move back"
  expect_equal "$method: ways" "$(summary '.ways | length')" 2
done

# The new gateway is watched as the others are.
start auto
move
sleep 0.3
in_router ip link set uplink address 02:00:00:00:79:01
end "the new one moves" 0
expect_all "the new one moves"
expect_text <(events) "the gateway 198.51.100.2 on lab0 has become 02:00:00:00:79:01"
move_back

# A router dies, and routes lead around it before it is missed, or a second and a half later: the scan waits for it no
# longer than that, and not for the 30 s of --link-timeout. What had gone to it since it died is sent again.
mac=$(far cat /sys/class/net/lab1/address)
# 6.5 s, so that it comes before the end where CPUs are short.
rate=10k
for moment in 0.2 0.5 0.8 1.1 1.5; do
  start auto
  far ip link set lab1 arp off address 02:00:00:00:99:99
  sleep $moment
  near ip route replace default via 198.51.100.2 src 192.0.2.1
  end "a router is gone around after $moment s" 0
  expect_all "a router is gone around after $moment s"
  expect_text <(events) "routes have changed for 65,536 targets: lab0 via 198.51.100.2"
  jq -e '.sending.paused_for_link_seconds < 25' "$work/summary" >/dev/null || fail "waited $(summary .sending.paused_for_link_seconds) s"
  far ip link set lab1 arp on address "$mac"
  near ip route replace default via 192.0.2.2
done
rate=20k

# There is none for a while. Nobody is taken for a neighbour meanwhile but who was in the batch of 64 that the kernel
# was sending when the route went: without that question the table of all namespaces is full in a moment.
for method in auto raw_socket "raw_socket -i lab0"; do
  # shellcheck disable=SC2086
  start $method
  near ip route delete default
  nap 0.7
  neighbours=$(near ip neighbour show dev lab0 | wc -l)
  near ip route add default via 192.0.2.2
  end "$method: none for a while" 0
  expect_all "$method: none for a while"
  expect_equal "$method: unroutable" "$(summary .ledger.not_sent.unroutable)" 0
  [ "$neighbours" -le 68 ] || fail "$method: $neighbours neighbours while there was no route"
  expect_text "$work/log" "routes have changed for 65,536 targets: no route: 65,536 targets: sending pauses, for 30 s at most"
  expect_text "$work/log" "there are ways again after "
done

# There is none any more: for few, for many, for all.
gone() { # WHAT TARGETS
  local named
  named=$(summary '.ledger.way_lost + .ledger.in_doubt')
  local lost=$((65536 - $(wc -l <"$work/out")))
  [ "$(summary .ledger.way_lost)" -gt 0 ] || fail "$1: nobody has lost the way"
  [ "$lost" -le "$named" ] || fail "$1: $lost are not found and $named are named"
  [ "$lost" -le "$2" ] || fail "$1: $lost are not found"
  echo "$1: $lost not found, $(summary .ledger.way_lost) way lost, $(summary .ledger.in_doubt) in doubt"
}
start auto
near ip route add blackhole 10.1.16.0/20
end "none for few" 0
gone "none for few" 4096
near ip route delete blackhole 10.1.16.0/20
start auto --link-timeout 1
near ip route add unreachable 10.1.64.0/18
end "none for many" 0
gone "none for many" 16384
expect_text "$work/log" "there has been no route to 16,384 targets for 1 s"
near ip route delete unreachable 10.1.64.0/18
start auto --link-timeout 1
near ip route delete default
end "none for all" 3
expect_text "$work/log" "there has been no route to any target for 1 s"
expect_equal "none for all: outcome" "$(summary .outcome)" "stopped, routes changed"
near ip route add default via 192.0.2.2

# Out of an interface that came after the scan had begun.
start auto --link-timeout 1
near ip link add other type veth peer name another
near ip link set other up
near ip link set another up
near ip address add 203.0.113.1/24 dev other
near ip route replace default dev other src 203.0.113.1
end "another interface" 3
expect_text "$work/log" "the routes have changed, and it has not opened other direct from 203.0.113.1"
near ip route replace default via 192.0.2.2 dev lab0
near ip link delete other

# Neighbours on a further interface, whose link goes and comes back, or is down from the start: nobody is called silent.
ip -n "$ECHOSCAN_LAB-near" link add up2 index 5000 type veth peer name down2 netns "$ECHOSCAN_LAB-router"
near ip link set up2 up
near ip address add 203.0.113.254/24 dev up2
in_router ip link set down2 up
in_router ip address add 203.0.113.253/24 dev down2
in_router ip route add local 203.0.113.0/25 dev lo
# To another uplink, which no route of theirs led out of when the scan began, and back: all are found, each probe from the
# uplink's own address.
for method in auto xdp_live af_packet raw_socket; do
  start $method
  near ip route replace default via 203.0.113.253
  end "$method: another uplink" 0
  expect_all "$method: another uplink"
  expect_text <(events) "routes have changed for 65,536 targets: up2 via 203.0.113.253 from 203.0.113.254: 65,536 targets"
  [ "$(summary '.sending.queues | map(select(.sent > 0)) | length')" -ge 2 ] || fail "$method: nothing left by the other uplink"
  near ip route replace default via 192.0.2.2 dev lab0
done
start auto
near ip route replace default via 203.0.113.253
sleep 1.5
near ip route replace default via 192.0.2.2 dev lab0
end "another uplink for a while" 0
expect_all "another uplink for a while"
# Nothing stays of it in a scan that does not need it.
start auto
end "another uplink is not needed" 0
expect_all "another uplink is not needed"
expect_equal "queues that sent" "$(summary '.sending.queues | length')" 1
expect_text "$work/log" " by AF_XDP copy, 1 queue, "
# Of two equal routes the plan has taken one, and raw sockets take no other: its source does not belong there.
near ip route replace default nexthop via 192.0.2.2 dev lab0 nexthop via 203.0.113.253 dev up2
for method in auto raw_socket; do
  start $method
  end "$method: equal routes" 0
  expect_all "$method: equal routes"
  expect_equal "$method: equal routes: in by the other uplink" "$(summary .receiving.elsewhere)" 0
done
near ip route replace default via 192.0.2.2 dev lab0
# Interfaces that lead nowhere, as the bridges of containers, do not take the place of one that does, though they come
# first and are more than stand by.
near ip route add default via 203.0.113.253 metric 4000
for number in 1 2 3 4 5; do
  near ip link add crowd$number index 10$number type veth peer name crowded$number
  near ip link set crowd$number up
  near ip address add 198.18.$number.1/24 dev crowd$number
done
start auto
near ip route delete default via 192.0.2.2
end "another uplink among many" 0
expect_all "another uplink among many"
expect_text <(events) "up2 via 203.0.113.253 from 203.0.113.254: 65,536 targets"
near ip route delete default metric 4000
near ip route add default via 192.0.2.2
for number in 1 2 3 4 5; do near ip link delete crowd$number; done
# With -i it is ruled out.
start auto -i lab0 --link-timeout 1
near ip route replace default via 203.0.113.253
end "another uplink, ruled out" 3
near ip route replace default via 192.0.2.2 dev lab0
# It is watched as the first is.
start auto
near ip route replace default via 203.0.113.253
sleep 1.2
in_router ip link set down2 address 02:00:00:00:79:02
end "the other uplink's router moves" 0
expect_all "the other uplink's router moves"
expect_text <(events) "the gateway 203.0.113.253 on up2 has become 02:00:00:00:79:02"
near ip route replace default via 192.0.2.2 dev lab0

beside() { # WHAT: the ledger of a scan of 16,384 hosts behind the gateway and 128 beside it
  local lost=$((16512 - $(wc -l <"$work/out")))
  local named
  named=$(summary '.ledger.way_lost + .ledger.in_doubt')
  expect_equal "$1: behind the gateway" "$(found | grep -c '^10\.1\.')" 16384
  [ "$lost" -le "$named" ] || fail "$1: $lost are not found and $named are named"
  echo "$1: $lost not found, $(summary .ledger.way_lost) way lost, $(summary .ledger.in_doubt) in doubt"
}
start_beside() { start_scan --rate 5k --cooldown 1 --status off 10.1.0.0/18 203.0.113.0/25; }
link_beside() { in_router ip link set down2 "$1"; }
start_beside
sleep 0.7
link_beside down
sleep 0.6
link_beside up
end "a link beside for a while" 0
beside "a link beside for a while"
expect_text <(events) "routes have changed for 128 targets: unreachable by up2: 128 targets"
expect_text <(events) "routes have changed for 128 targets: up2 direct from 203.0.113.254: 128 targets"
start_beside
sleep 0.7
link_beside down
end "a link beside is lost" 0
beside "a link beside is lost"
start_beside
end "a link beside is down" 0
beside "a link beside is down"
expect_equal "a link beside is down: events" "$(events)" "routes have changed for 128 targets: unreachable by up2: 128 targets"
link_beside up

# Neighbours alone, which the kernel routes, some of which move behind a gateway that nobody had asked for.
launch_scan --rate 50 --cooldown 1 203.0.113.0/25
sleep 1
near ip route add 203.0.113.64/26 via 203.0.113.253
end "neighbours move behind a gateway" 0
expect_equal "neighbours move behind a gateway: found" "$(wc -l <"$work/out")" 128
expect_text <(events) "routes have changed for 64 targets: up2 via 203.0.113.253 from 203.0.113.254: 64 targets"

# Changes that mean nothing to these targets, as fast as they come.
(
  trap 'exit 0' TERM
  while near ip route replace 203.0.113.0/24 via 198.51.100.2 && near ip route replace 203.0.113.0/24 via 192.0.2.2; do :; done
) &
churn=$!
start auto
end "others' routes" 0
kill $churn
wait $churn
expect_all "others' routes"
expect_equal "others' routes: events" "$(events)" ""
