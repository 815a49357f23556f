#!/usr/bin/env bash
# Scans that are killed and go on, where a scan is more than one list by one way: shards, the first targets of an order,
# two uplinks.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"
source "$root/tests/lab/legs.sh"

targets=10.4.0.0/19
options=(--seed 11 --rate 2k --cooldown 1)
lab up
lab truth $targets | sort >"$work/truth"
[ -s "$work/truth" ] || fail "the truth is empty"

# Two shards, each killed twice: together the whole, and no target in both.
for shard in 0 1; do
  kill_and_end "$work/shard$shard" "500 500" "${options[@]}" --shard $shard/2 $targets
done
jq -r .target "$work/shard0" "$work/shard1" | sort >"$work/found"
cmp -s "$work/found" "$work/truth" || fail "shards: $(diff "$work/found" "$work/truth" | head -5)"

# The first targets of the order.
for first in 4000 50%; do
  near "$echoscan" scan --dry-run --allow-reserved --seed 11 --max-targets $first $targets 2>"$work/log" | sort >"$work/order"
  kill_and_end "$work/first" "500 500" "${options[@]}" --max-targets $first $targets
  comm -12 "$work/order" "$work/truth" >"$work/expected"
  [ -s "$work/expected" ] || fail "nobody is among the first $first"
  jq -r .target "$work/first" | sort >"$work/found"
  cmp -s "$work/found" "$work/expected" || fail "--max-targets $first: $(diff "$work/found" "$work/expected" | head -5)"
done
lab down

# Two uplinks: 10.1.0.0/16 answers behind lab0 and 10.2.0.0/16 behind up1.
third=$ECHOSCAN_LAB-third
lab up --mode kernel
add_host third
ip -n "$ECHOSCAN_LAB-near" link add up1 type veth peer name down1 netns "$third"
ip -n "$third" link set down1 up
near ip link set up1 up
near ip address add 198.51.100.1/24 dev up1
ip -n "$third" address add 198.51.100.2/24 dev down1
far ip route add blackhole 10.2.0.0/16 table local
ip -n "$third" route add local 10.2.0.0/16 dev lo
near ip route add 10.2.0.0/16 via 198.51.100.2
for method in auto raw_socket; do
  kill_and_end "$work/ways" "1000 1000 1000" "${options[@]}" --method $method 10.1.0.0/20 10.2.0.0/20
  expect_equal "found by two ways ($method)" "$(jq -r .target "$work/ways" | sort -u | wc -l)" 8192
  expect_equal "lines by two ways" "$(wc -l <"$work/ways")" 8192
  expect_equal "each way's" "$(summary '[.ways[] | [.interface, .targets, .sent, .replied] | join(" ")] | sort | join(", ")')" \
    "lab0 4096 4096 4096, up1 4096 4096 4096"
done
# Killed while one of two gateways does not answer: what waited for it is asked by the next leg, and only that leg's lines
# are new.
gateway_mac=$(ip netns exec "$third" cat /sys/class/net/down1/address)
missed="the gateway 198.51.100.2 on up1 does not answer any more: what goes to it waits, for 30 s at most; all else goes on"
for method in auto raw_socket; do
  # Where others have the CPUs it may be missed when so many have left by both ways, and the leg is made again.
  for _ in 1 2 3 4 5 6; do
    rm -f "$work/held" "$work/held".*
    : >"$work/log"
    (
      for _ in $(seq 1200); do
        [ ! -e "$work/held.scan" ] || break
        nap 0.05
      done
      nap 0.5
      ip -n "$third" link set down1 arp off address 02:00:00:00:99:97
    ) &
    departure=$!
    # 1,000 and more by each way until it is missed, and then the rest of the first's 4,096. Where the gateway had left
    # early, 5,444 in all was what there was, and 5,500 were waited for.
    kill_leg 1 '.legs[-1].sent >= 4800' "$work/held.scan" --allow-reserved -o "$work/held" "${options[@]}" \
      --method $method 10.1.0.0/20 10.2.0.0/20
    wait $departure
    ip -n "$third" link set down1 arp on address "$gateway_mac"
    if has_text "$work/log" "$missed"; then break; fi
  done
  expect_text "$work/log" "$missed"
  expect_status 0 near "$echoscan" scan --resume "$work/held" --summary "$work/summary" 2>>"$work/log"
  expect_equal "found though a gateway was away ($method)" "$(jq -r .target "$work/held" | sort -u | wc -l)" 8192
  expect_equal "lines, those of repeats aside ($method)" "$(jq -r 'select(.repeat | not) | .target' "$work/held" | wc -l)" 8192
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
done
# A way that is lost between two legs would leave its targets unprobed.
kill_leg 1 '.legs[-1].sent >= 1500' "$work/lost.scan" --allow-reserved -o "$work/lost" "${options[@]}" 10.1.0.0/20 10.2.0.0/20
near ip route add blackhole 10.2.0.0/17
expect_status 3 near "$echoscan" scan --resume "$work/lost" 2>"$work/log"
expect_text "$work/log" "routes or gateways have changed"
