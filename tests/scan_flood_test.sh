#!/usr/bin/env bash
# More replies than anyone wants: a million a second from as many hosts, none lost; and 100,000 from one host, which
# neither slow the scan nor fill its output.
source "$(dirname "${BASH_SOURCE[0]}")/lab/prelude.sh"

# Everyone answers, and each reply becomes a line. How fast that is depends on who else wants the machine's CPUs;
# that nothing is lost does not.
targets=10.0.0.0/11
count=2097152
best=0
lab up --one-in 1
for _ in 1 2 3 4 5 6; do
  scan --method xdp_live --rate max --cooldown 0.5 --seed 5 -o /dev/null $targets || fail "the scan ended with $?"
  expect_equal "replied" "$(summary .ledger.replied)" $count
  expect_equal "lines" "$(summary .output.lines)" $count
  expect_equal "ring full" "$(summary .receiving.frames.ring_full)" 0
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  pps=$(summary '.ledger.replied / .sending.seconds | floor')
  echo "$pps replies a second, $(summary .sending.paused_for_output_seconds) s of them waiting for the output"
  [ "$pps" -lt $best ] || best=$pps
  [ $best -lt 1000000 ] || break
done
[ $best -ge 1000000 ] || fail "no more than $best replies a second"

# One host in this /13 sends 100,000 replies to its one probe.
targets=10.0.0.0/13
count=524288
for cap in none 10 3; do
  lab up --zoo
  options=(--rate 100k --cooldown 1 --seed 5)
  [ $cap = none ] || options+=(--emit repeats --repeat-cap $cap)
  flooder=$(lab truth --json $targets | jq -r 'select(.species == "flooder") | .target')
  scan "${options[@]}" $targets || fail "the scan ended with $?"
  expect_equal "the far end lost" "$(lab stats | jq .zoo.lost)" 0
  expect_equal "frames of the flooder" "$(lab stats | jq .zoo.frames.flooder)" 100000
  expect_equal "sent" "$(summary .ledger.sent)" $count
  expect_equal "at the rate asked for" "$(summary '.sending.rate_pps > 97000')" true
  expect_equal "ring full" "$(summary .receiving.frames.ring_full)" 0
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "the worst repeater" "$(summary '.receiving.top_repeaters[0] | [.target, .repeats, .repeats_at_most] | join(" ")')" \
    "$flooder 99999 99999"
  expect_equal "lines of the flooder" \
    "$(jq -r --arg flooder "$flooder" 'select(.target == $flooder) | .repeat' "$work/out" | sort | uniq -c | awk '{print $2, $1}' | paste -sd' ')" \
    "false 1$([ $cap = none ] || echo " true $cap")"
  expect_equal "lines" "$(wc -l <"$work/out")" "$(summary '.ledger.replied + .output.repeat_lines')"
  expect_equal "lines of one target, at most" \
    "$(jq -r .target "$work/out" | sort | uniq -c | awk '$1 > most {most = $1} END {print most}')" \
    "$([ $cap = none ] && echo 1 || echo $((cap + 1)))"
  echo "with --repeat-cap $cap: $(summary .sending.rate_pps) a second, $(wc -l <"$work/out") lines"
done
