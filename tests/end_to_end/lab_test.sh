#!/usr/bin/env bash
# The lab itself: alone in its namespaces, up twice, down always, right about its own truth.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

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

# Results beside the truth: whoever is missing, invented, there twice or without a time is counted, wherever in the list;
# what is no result is refused.
counts() { lab check "$work/results" 10.0.0.0/20 | head -1; }
lab truth 10.0.0.0/20 | jq -cR '{target: ., rtt_us: 0.5}' >"$work/right"
n=$(wc -l <"$work/right")
sort -R "$work/right" >"$work/results"
expect_equal "all of the truth" "$(counts)" "$n $n 0 0 0"
for line in 1 $((RANDOM % n + 1)) "$n"; do
  sed "${line}d" "$work/right" >"$work/results"
  expect_equal "without line $line" "$(counts)" "$((n - 1)) $n 1 0 0"
  expect_equal "who is missing" "$(lab check "$work/results" 10.0.0.0/20 | sed -n '2s/ $//p')" \
    "-$(sed -n "${line}p" "$work/right" | jq -r .target)"
  sed "${line}p" "$work/right" >"$work/results"
  expect_equal "line $line twice" "$(counts)" "$((n + 1)) $n 0 1 0"
  for time in 0 -1 null '"1"'; do
    sed "${line}s/0.5/$time/" "$work/right" >"$work/results"
    expect_equal "line $line with a time of $time" "$(counts)" "$n $n 0 0 1"
  done
done
stranger=$(printf '10.0.0.%s\n' {0..255} | grep -vxFf <(lab truth 10.0.0.0/24) | head -1)
for target in "$stranger" 10.0.16.1 203.0.113.9; do
  { cat "$work/right" && echo "{\"target\":\"$target\",\"rtt_us\":1}"; } >"$work/results"
  expect_equal "with $target" "$(counts)" "$((n + 1)) $n 0 1 0"
done
: >"$work/results"
expect_equal "no results" "$(counts)" "0 $n $n 0 0"
for line in '{"target":"10.0.0' '{"rtt_us":1}' '{"target":"10.0.0.0/24","rtt_us":1}' '{"target":7}' x; do
  echo "$line" >"$work/results"
  expect_status 1 lab check "$work/results" 10.0.0.0/20 >"$work/out" 2>"$work/said"
done
expect_status 1 lab check "$work/none" 10.0.0.0/20 >"$work/out" 2>"$work/said"
expect_status 1 lab check "$work/right" nowhere >"$work/out" 2>"$work/said"
expect_status 1 lab check "$work/right" >"$work/out" 2>"$work/said"

# What scripts ask of a document is what jq says, before and after it has changed, and nothing once it is gone.
for number in 1 2; do
  printf '{"a":{"b":%s.50,"c":"x y","d":null,"e":[1,{"f":2}],"g":"t\\tb","h":"back\\\\slash","i":1e9,"k":"","l":false},"m":0.1}' \
    $number >"$work/document"
  for filter in .a.b .a.c .a.d .a.e .a.e[1].f .a.g .a.h .a.i .a.k .a.l .m .none .a.none .a '.a | keys' '.m + 1'; do
    expect_equal "$filter" "$(figure "$work/document" "$filter")" "$(jq -r "$filter" "$work/document")"
  done
done
rm "$work/document"
expect_status 2 figure "$work/document" .m >"$work/out" 2>"$work/said"
expect_equal "of a document that is gone" "$(cat "$work/out")" ""
printf 'one\ntwo * three' >"$work/text"
for text in one $'one\ntwo' 'two * three' '*'; do has_text "$work/text" "$text" || fail "'$text' is not found"; done
for text in four 'two three' '?'; do ! has_text "$work/text" "$text" || fail "'$text' is found"; done
began=$EPOCHREALTIME
nap 0.3
[ "$(jq -n "$EPOCHREALTIME - $began >= 0.3")" = true ] || fail "a nap of 0.3 s is too short"

near fping -q -a -r 0 -i 1 -g 198.18.4.1 198.18.5.254 >"$work/fping" 2>/dev/null || expect_equal "fping" $? 1
lab truth 198.18.4.1-198.18.5.254 | sort | cmp -s - <(sort "$work/fping") || fail "fping disagrees with the truth"
expect_equal "requests" "$(lab stats | jq .echo_requests)" 510
expect_equal "replies" "$(lab stats | jq .replies)" "$(wc -l <"$work/fping")"

lab up --mode kernel
expect_equal "the kernel's truth" "$(lab truth 10.3.0.0/24 | wc -l)" 256
near fping -q -a -r 0 -i 1 -g 10.3.0.0 10.3.0.255 >"$work/fping" 2>/dev/null || fail "fping ended with $?"
expect_equal "the kernel's replies" "$(lab stats | jq .replies)" 256

# The zoo. Shares of who lives there, to within 5 standard deviations; all of 1,022 requests answered as the truth
# says, by whom and how often, the late ones in time; and other seeds, other hosts.
lab up --zoo --seed 7
responder=$(cat "/run/echoscan-lab/$ECHOSCAN_LAB/responder")
lab truth --json 10.0.0.0/12 >"$work/zoo"
for share in cut:40 altered:40 off_target:40 error:180 repeats:40 late:40 redirected:60 normal:290; do
  count=$(jq -r --arg species "${share%:*}" 'select(.species == $species) | .species' "$work/zoo" | wc -l)
  awk -v count="$count" -v p="${share#*:}" 'BEGIN {
    mean = 131072 * p / 1000; exit (count - mean) ^ 2 > 25 * mean * (1 - p / 1000)}' || fail "$count of ${share%:*}"
done
expect_equal "flooders in two /13" "$(jq -r 'select(.species == "flooder") | .repeats' "$work/zoo" | paste -sd' ')" "99999 99999"
expect_equal "types and codes of errors" \
  "$(jq -r 'select(.type == "error") | "\(.icmp_type)/\(.icmp_code)"' "$work/zoo" | sort -u | wc -l)" 15
expect_equal "those who reply" "$(lab truth 10.0.0.0/12 | wc -l)" "$(jq -r 'select(.success) | .target' "$work/zoo" | wc -l)"
expect_equal "repeats" "$(jq -s -c '[.[] | select(.species == "repeats") | .repeats] | [min, max]' "$work/zoo")" "[2,50]"
jq -e -s '[.[] | select(.species == "late") | .held_us] | min >= 100000 and min < 110000 and max < 12000000 and
  max > 11900000' "$work/zoo" >"$work/log" || fail "late ones are held otherwise"

near fping -q -r 0 -t 1 -i 0.05 -g 10.0.4.0/22 >"$work/fping" 2>&1 || expect_equal "fping" $? 1
lab truth --json 10.0.4.1-10.0.7.254 >"$work/zoo"
[ "$(jq -s 'map(select(.species == "late")) | length' "$work/zoo")" -ge 2 ] || fail "nobody is late"
sleep "$(jq -s '[.[].held_us] | max / 1e6 + 0.2' "$work/zoo")"
lab stats >"$work/stats"
for species in $(jq -r .species "$work/zoo" | sort -u); do
  expect_equal "frames of $species" "$(jq ".zoo.frames.$species" "$work/stats")" \
    "$(jq -s --arg species "$species" '[.[] | select(.species == $species) | 1 + .repeats] | add' "$work/zoo")"
done
expect_equal "left over, and lost" "$(jq -c '.zoo | [.unread, .waiting, .lost]' "$work/stats")" "[0,0,0]"
expect_equal "requests" "$(jq '.silent + ([.zoo.requests[]] | add)' "$work/stats")" 1022
lab up --zoo --seed 8
if lab truth --json 10.0.4.1-10.0.7.254 | cmp -s - "$work/zoo"; then fail "another seed gives the same zoo"; fi
for _ in $(seq 600); do
  [ -e "/proc/$responder" ] || break
  nap 0.1
done
[ ! -e "/proc/$responder" ] || fail "the responder outlives its lab"

for wrong in "up --sink --zoo" "up --zoo --mode kernel" "truth --json" "up --queues 0" "up --queues x" "up --mode real" "up --seed -1" "up --one-in 0" "up --bogus 1" \
  "up --queues" "truth" "exec" "sideways" ""; do
  # shellcheck disable=SC2086
  expect_status 1 lab $wrong 2>"$work/log"
done

# Cards that are in use are not taken; those that are not become the lab's link, and come back.
lab down
cards=(card$$-a card$$-b)
delete_cards() {
  local status=$?
  lab down
  if ip link show "${cards[0]}" >/dev/null 2>&1; then ip link delete "${cards[0]}"; fi
  (exit $status) || finish
  finish
}
trap delete_cards EXIT
ip link add "${cards[0]}" type veth peer name "${cards[1]}"
for used in "link set ${cards[0]} up" "address add 192.0.2.1/32 dev ${cards[1]}" "address add 2001:db8::1/128 dev ${cards[0]}"; do
  # shellcheck disable=SC2086
  ip $used
  expect_status 1 lab up --nics "${cards[0]},${cards[1]}" 2>"$work/log"
  expect_text "$work/log" "it is in use"
  for card in "${cards[@]}"; do
    ip link set "$card" down
    ip address flush dev "$card"
  done
done
expect_status 1 lab up --nics "${cards[0]},nobody" 2>"$work/log"
expect_text "$work/log" "there is no interface nobody"
lab up --nics "${cards[0]},${cards[1]}"
expect_equal "carrier" "$(near cat /sys/class/net/lab0/carrier)" 1
lab down
ip link show "${cards[0]}" >"$work/log" || fail "the card has not come back"
ip link delete "${cards[0]}"
lab up

# What a crash leaves behind is cleared away: a namespace without its partner, a state without namespaces.
ip netns delete "$ECHOSCAN_LAB-far"
lab down
expect_status 1 lab stats 2>"$work/log"
expect_text "$work/log" "the lab is not up"
lab up
lab down
lab down
expect_equal "namespaces left" "$(ip netns list | grep -c "^$ECHOSCAN_LAB-" || [ $? = 1 ])" 0
