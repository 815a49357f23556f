#!/usr/bin/env bash
# The lab itself: alone in its namespaces, up twice, down always, right about its own truth.
source "$(dirname "${BASH_SOURCE[0]}")/lab/prelude.sh"

lab down
lab up
lab up --queues 2 --seed 3 --one-in 4
expect_equal "interfaces at the near end" "$(near ip -j link | jq -r '[.[].ifname] | sort | join(" ")')" "lab0 lo"
expect_equal "interfaces at the far end" "$(far ip -j link | jq -r '[.[].ifname] | sort | join(" ")')" "lab1 lo"
expect_equal "queues" "$(near ip -d -j link show lab0 | jq '.[0].num_tx_queues')" 2

# One address in four, a pure function of seed and address: the same again, and another with another seed.
count=$(lab truth 10.0.0.0/16 198.18.0.0/16 | wc -l)
[ "$count" -gt 31000 ] && [ "$count" -lt 34500 ] || fail "$count of 131,072 addresses answer"
lab truth 10.0.0.0/16 >"$work/truth"
lab up --seed 3 --one-in 4
lab truth 10.0.0.0/16 | cmp -s - "$work/truth" || fail "the truth has changed"
lab up --seed 4 --one-in 4
if lab truth 10.0.0.0/16 | cmp -s - "$work/truth"; then fail "another seed gives the same truth"; fi

near fping -q -a -r 0 -i 1 -g 198.18.4.1 198.18.5.254 >"$work/fping" 2>/dev/null || expect_equal "fping" $? 1
lab truth 198.18.4.1-198.18.5.254 | sort | cmp -s - <(sort "$work/fping") || fail "fping disagrees with the truth"
expect_equal "requests" "$(lab stats | jq .echo_requests)" 510
expect_equal "replies" "$(lab stats | jq .replies)" "$(wc -l <"$work/fping")"

lab up --mode kernel
expect_equal "the kernel's truth" "$(lab truth 10.3.0.0/24 | wc -l)" 256
near fping -q -a -r 0 -i 1 -g 10.3.0.0 10.3.0.255 >"$work/fping" 2>/dev/null || fail "fping ended with $?"
expect_equal "the kernel's replies" "$(lab stats | jq .replies)" 256

for wrong in "up --queues 0" "up --queues x" "up --mode real" "up --seed -1" "up --one-in 0" "up --bogus 1" \
  "up --queues" "truth" "exec" "sideways" ""; do
  # shellcheck disable=SC2086
  expect_status 1 lab $wrong 2>"$work/log"
done

# What a crash leaves behind is cleared away: a namespace without its partner, a state without namespaces.
ip netns delete "$ECHOSCAN_LAB-far"
lab down
expect_status 1 lab stats 2>"$work/log"
expect_text "$work/log" "the lab is not up"
lab up
lab down
lab down
expect_equal "namespaces left" "$(ip netns list | grep -c "^$ECHOSCAN_LAB-" || [ $? = 1 ])" 0
