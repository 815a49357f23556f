#!/usr/bin/env bash
# Random multi-homed hosts (tests/lab/topology.py): 1 to 3 uplinks, up to 3 more routers, rules by source and by
# destination, refused, nested and on-link routes, IPv6 routers, own networks. On each, every method finds exactly what
# fping finds; with --source-ip and -i, exactly what `ip route get` leads to; and `unroutable` is exactly what has no
# way.
#
#   ECHOSCAN_TOPOLOGY_SEED=N    the first seed [1]; what failed says which seed it was
#   ECHOSCAN_TOPOLOGIES=N       how many [10]
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

first_seed=${ECHOSCAN_TOPOLOGY_SEED:-1}
count=${ECHOSCAN_TOPOLOGIES:-10}
# Scans wait more than they work, and each topology has namespaces of its own.
readonly at_once=4

topology() { python3 -B "$root/tests/lab/topology.py" "$@"; }
ascending() { sort -t. -k1,1n -k2,2n -k3,3n -k4,4n; }
on_host() { ip netns exec "$host" "$echoscan" "$@"; }

take_down() {
  local namespace
  [ -s "$work/namespaces" ] || return 0
  while read -r namespace; do
    [ ! -e "/run/netns/$namespace" ] || ip netns delete "$namespace"
  done <"$work/namespaces"
}

# The scan's results are $work/expected, its unroutable ones as many as $work/refused, and the rest was sent. Where
# nothing has a way, it is refused.
expect_scan() { # OPTION...
  local status=0 refused all
  refused=$(grep -c . "$work/refused" || [ $? = 1 ])
  all=$(wc -l <"$work/targets")
  rm -f "$work/summary"
  on_host scan --allow-reserved --rate 1k --cooldown 1 --summary "$work/summary" "$@" -t "$work/targets" \
    >"$work/out" 2>"$work/log" || status=$?
  if [ "$refused" = "$all" ]; then
    expect_equal "seed $seed, $*: exit status where nothing has a way" "$status" 3
    return
  fi
  expect_equal "seed $seed, $*: exit status" "$status" 0
  found >"$work/found"
  cmp -s "$work/found" "$work/expected" ||
    fail "seed $seed, $*: found $(wc -l <"$work/found") of $(wc -l <"$work/expected"): $(diff "$work/found" "$work/expected" | head -5)"
  expect_equal "seed $seed, $*: ledger" \
    "$(summary '.ledger | "\(.adds_up) \(.sent) \(.not_sent.unroutable)"')" "true $((all - refused)) $refused"
}

# The kernel's answers to a question, and what follows from them.
ask() { # QUESTION...
  topology found "$work" "$@" | ascending | sed '/^$/d' >"$work/expected"
  topology refused "$work" "$@" | sed '/^$/d' >"$work/refused"
}

fping_finds() { # OPTION...
  # 1: some did not answer. What it says of those that cannot be sent to is of no interest.
  ip netns exec "$host" fping -q -a -i 1 -r 0 -t 1000 "$@" -f "$work/targets" 2>"$work/fping.log" |
    ascending >"$work/fping" || [ $? = 1 ]
  cmp -s "$work/fping" "$work/expected" ||
    fail "seed $seed: fping $* found $(wc -l <"$work/fping") and not $(wc -l <"$work/expected"): $(diff "$work/fping" "$work/expected" | head -5)"
}

check_topology() { # SEED
  seed=$1
  work=$work/$seed
  host=$ECHOSCAN_LAB-$seed-near
  mkdir "$work"
  trap 'status=$?; take_down; exit $status' EXIT
  topology make "$seed" "$ECHOSCAN_LAB-$seed" "$work"
  take_down
  bash "$work/up.sh" >"$work/log" 2>&1 || fail "seed $seed: up.sh ended with $?"

  ask
  fping_finds
  local method uplink address
  for method in auto af_xdp xdp_live af_packet raw_socket; do expect_scan --method $method; done
  # One uplink is enough for each: another seed has another.
  read -r uplink address < <(shuf -n 1 --random-source=<(yes "$seed") "$work/uplinks")
  ask --from "$address"
  fping_finds -S "$address"
  expect_scan --source-ip "$address"
  ask --oif "$uplink"
  expect_scan -i "$uplink"
  ask --from "$address" --oif "$uplink"
  expect_scan -i "$uplink" --source-ip "$address" --method raw_socket
  echo "seed $seed: $(wc -l <"$work/targets") targets"
}

echo "topologies $first_seed to $((first_seed + count - 1)) (ECHOSCAN_TOPOLOGY_SEED, ECHOSCAN_TOPOLOGIES)"
failures=0
for ((seed = first_seed; seed < first_seed + count; ++seed)); do
  while [ "$(jobs -rp | wc -l)" -ge $at_once ]; do wait -n || failures=$((failures + 1)); done
  (check_topology "$seed") &
done
while [ -n "$(jobs -rp)" ]; do wait -n || failures=$((failures + 1)); done
[ "$failures" = 0 ] || fail "$failures of $count topologies"
