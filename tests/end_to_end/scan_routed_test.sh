#!/usr/bin/env bash
# Where no gateway leads, the kernel routes: targets on the interface's own network beside others behind the
# gateway, the loopback, and a tunnel without Ethernet. By a raw socket, without being asked for it.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

# The results are these addresses, in ascending order, and the ledger adds up.
expect_found() { # FILE
  found >"$work/found"
  cmp -s "$work/found" "$1" ||
    fail "found $(wc -l <"$work/found") of $(wc -l <"$1"): $(diff "$work/found" "$1" | head -5)"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "results without a round-trip time above 0" \
    "$(jq -r 'select((.rtt_us > 0) | not) | .target' "$work/out" | wc -l)" 0
}
modes() { summary '[.sending.queues[].mode] | unique | join(",")'; }

lab up

# Four neighbours live on a network of 256, and each has a MAC of its own to be asked for (here the same one).
near ip address add 203.0.113.1/24 dev lab0
for host in 2 5 77 200; do
  far ip address add 203.0.113.$host/24 dev lab1
  echo 203.0.113.$host
done >"$work/neighbours"
{ lab truth 10.0.0.0/20; cat "$work/neighbours"; } >"$work/expected"
for method in af_xdp af_packet; do
  scan --method $method --rate 5k --cooldown 2 10.0.0.0/20 203.0.113.0/24 -x 203.0.113.1 ||
    fail "$method with neighbours: the scan ended with $?"
  expect_found "$work/expected"
  expect_text "$work/log" "254 of the targets are not reached by the gateway 192.0.2.2: they are sent by raw sockets"
  expect_text <(modes) "raw socket"
  expect_equal "sent by the raw socket" \
    "$(summary '[.sending.queues[] | select(.mode == "raw socket") | .sent] | add')" 254
  # The network's broadcast address is no host's.
  expect_equal "unroutable" "$(summary .ledger.not_sent.unroutable)" 1
done

# Neighbours alone: there is no gateway, and none is needed.
scan --rate 1k --cooldown 2 203.0.113.0/24 -x 203.0.113.1 || fail "neighbours alone: the scan ended with $?"
expect_found "$work/neighbours"
expect_text "$work/log" "there is no gateway to 203.0.113.0 out of lab0: the kernel routes all probes"

# The loopback: all of 127.0.0.0/8 answers.
all_of_20() { # FIRST-TWO-OCTETS THIRD-OCTET
  for third in $(seq "$2" $(($2 + 15))); do seq -f "$1.$third.%.0f" 0 255; done
}
all_of_20 127.0 0 >"$work/expected"
for options in "-i lo --method raw_socket" ""; do
  # shellcheck disable=SC2086
  scan $options --rate 50k --cooldown 1 127.0.0.0/20 || fail "lo: the scan ended with $?"
  expect_found "$work/expected"
  expect_equal "found" "$(wc -l <"$work/out")" 4096
  expect_equal "mode" "$(modes)" "raw socket"
done
expect_status 3 scan -i lo --method af_xdp 127.0.0.1
expect_text "$work/log" "lo is the loopback and takes no frames: use --method raw_socket"

# A tunnel: packets without Ethernet, out and in. The far end's kernel answers for 198.18.0.0/15 behind it.
raise_tunnel "$ECHOSCAN_LAB-near" "$ECHOSCAN_LAB-far"
near ip address add 198.51.100.1/32 dev tunnel0
far ip route add 198.51.100.1 dev tunnel1
near ip route add 198.18.0.0/15 dev tunnel0
all_of_20 198.18 16 >"$work/expected"
scan --rate 20k --cooldown 1 198.18.16.0/20 || fail "tunnel: the scan ended with $?"
expect_found "$work/expected"
expect_equal "interface" "$(summary .sending.interface)" tunnel0
# The uplink stands by beside it.
expect_equal "receiver" "$(summary .receiving.mode)" "AF_PACKET ring, AF_PACKET ring on 1 other interface"
expect_text "$work/log" "tunnel0 takes no frames: the kernel routes all probes, by a raw socket"

# The kernel's neighbour table is full of somebody else's neighbours: the gateway cannot even be asked for, which is not
# its fault; nothing that was confirmed in the last 5 s makes room. With room again, the scan that waits goes on.
near ip link delete tunnel0
room=$(sysctl -n net.ipv4.neigh.default.gc_thresh3)
[ "$room" -le 65536 ] || fail "room for $room neighbours: nothing here fills that"
ip -n "$ECHOSCAN_LAB-far" link add crowd type veth peer name crowd_end
ip -n "$ECHOSCAN_LAB-far" link set crowd up
for mac in 02:00:00:00:00:01 02:00:00:00:00:02; do
  for i in $(seq 0 $((room + 255))); do
    echo "neighbour replace 10.99.$((i / 256)).$((i % 256)) lladdr $mac nud reachable dev crowd"
  done
done >"$work/crowd"
# Until $1 s are over; the kernel refuses what has no room. An entry that changes is a new one for 5 s more.
crowd() {
  local end=$((SECONDS + $1))
  while [ $SECONDS -lt $end ]; do
    ip -n "$ECHOSCAN_LAB-far" -force -batch "$work/crowd" >"$work/refused" 2>&1 || [ $? -le 2 ]
  done
}
crowd 60 &
crowd_pid=$!
started+=($crowd_pid)
# Each turn of the crowd empties the file first: what was seen once is enough.
is_full=
for _ in $(seq 600); do
  if [ -s "$work/refused" ]; then is_full=yes && break; fi
  nap 0.1
done
[ -n "$is_full" ] || fail "the table takes more than its $room neighbours"
# Any entry of any namespace that grows old makes room: so it is tried several times.
said=
for _ in 1 2 3 4 5; do
  near ip neighbour flush dev lab0
  sleep 2 # in which the room of the gateway is taken
  code=0
  scan -i lab0 --cooldown 0.1 10.0.0.0/28 || code=$?
  case $code in 3) said=yes && break ;; 0) ;; *) fail "ended with $code" ;; esac
done
[ -n "$said" ] || fail "the table was never full"
expect_text "$work/log" "the gateway 192.0.2.2 on lab0 cannot be asked for: the kernel's neighbour table, which is one for"
kill $crowd_pid
wait $crowd_pid || expect_equal "exit status of the crowd" $? 143
unset 'started[-1]'
{ crowd 5; ip -n "$ECHOSCAN_LAB-far" link delete crowd; } &
crowd_pid=$!
started+=($crowd_pid)
sleep 3
scan -i lab0 --cooldown 1 10.0.0.0/28 || fail "with room again: ended with $?"
wait $crowd_pid
unset 'started[-1]'
