#!/usr/bin/env bash
# --control: a far end that limits its answers by network is found out by who answers slowly and not at the full rate,
# one without a limit is not, and what cannot say anything says that.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

# 64 networks, whose control is asked at 6.4 a second.
targets=10.0.0.0/18
options=(--probes 2 --control 0.4% --rate 6400 --cooldown 0.5 --seed 7 "$targets")

lab up --one-in 1 --limit 1
scan "${options[@]}" || fail "the scan ended with $?"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
limited=$(lab stats | jq .limited)
[ "$limited" -gt 20000 ] || fail "the far end limited only $limited answers"
expect_equal "too high" "$(summary .control.is_rate_too_high)" true
expect_equal "only at the full rate, or both" "$(summary '.control | .both + .only_at_full_rate < .targets / 3')" true
[ "$(summary .control.only_slowly)" -ge 40 ] || fail "only $(summary .control.only_slowly) answered slowly alone"
expect_text "$work/log" "targets asked at 6.4 a second, then at 6,400: "
expect_text "$work/log" "standard deviations below chance: the rate is too high for some networks"
expect_text "$work/log" "warning: fewer targets answer at the full rate than were heard slowly (--control)"
# Who they are: the order's first, of which all live here and were heard in the first pass.
near "$echoscan" scan --dry-run -q --allow-reserved --seed 7 "$targets" >"$work/order"
head -n "$(summary .control.targets)" "$work/order" | sort >"$work/first"
jq -r 'select(.pass == 0 and (.repeat | not)) | .target' "$work/out" | sort >"$work/heard"
expect_equal "of the control, heard slowly" "$(comm -12 "$work/first" "$work/heard" | wc -l)" \
  "$(summary '.control | .both + .only_slowly')"

# The report says it, too.
"$echoscan" report -q --summary "$work/summary" "$work/out" -o "$work/page.html"
expect_text "$work/page.html" "the rate was too high for some of the networks"

# A machine that is busy for 40 ms fills the wire's ring, and what is lost then looks like a limit. So a scan counts of
# which each probe has arrived, and each reply has come back.
lab up --one-in 1
for _ in 1 2 3; do
  arrived=$(lab stats | jq .echo_requests)
  lost=$(wire_lost)
  scan "${options[@]}" || fail "the scan ended with $?"
  arrived=$(($(lab stats | jq .echo_requests) - arrived))
  if [ "$arrived" = "$(summary .ledger.sent)" ] && [ "$(wire_lost)" = "$lost" ]; then break; fi
done
expect_equal "arrived" "$arrived" "$(summary .ledger.sent)"
expect_equal "what the wire lost" "$(wire_lost)" "$lost"
expect_equal "too high" "$(summary .control.is_rate_too_high)" false
expect_equal "both" "$(summary .control.both)" "$(summary .control.targets)"
expect_text "$work/log" "no fewer answer at the full rate than chance explains"

# Too few to say anything; and a scan that is stopped before.
scan --probes 2 --control 1% --rate 10k --cooldown 0.5 10.0.0.0/22 || fail "the scan ended with $?"
expect_equal "why" "$(summary .control.why_no_verdict)" "fewer than 30 of it have answered"
expect_text "$work/log" "which says nothing of the rate: fewer than 30 of it have answered"
expect_status 0 scan --max-runtime 3 "${options[@]}"
expect_equal "why" "$(summary .control.why_no_verdict)" "the scan ended before all of it was asked twice"
# Stopped in the control and gone on with: the second leg asks the rest of it slowly.
rm -f "$work/results"
expect_status 0 scan -o "$work/results" --max-runtime 3 "${options[@]}"
rm "$work/summary"
near "$echoscan" scan --resume "$work/results" --max-runtime 60 --summary "$work/summary" 2>"$work/log" || fail "the scan ended with $?"
expect_equal "complete" "$(summary .control.is_complete)" true
[ "$(summary .control.both)" -ge 50 ] || fail "only $(summary .control.both) of the control answered both legs"

expect_status 2 scan --control 1% "$targets"
expect_text "$work/log" "it needs --probes 2, or up to 8"
expect_status 2 scan --control 1% --retry 2 "$targets"
expect_status 2 scan --control 1% --probes 9 "$targets"
expect_status 2 scan --control 1 --probes 2 "$targets"
expect_text "$work/log" "a percentage, with its sign, as in 1%"
expect_status 2 scan --control 0% --probes 2 "$targets"
expect_status 2 scan --control 1% --probes 2 --rate max "$targets"
expect_text "$work/log" "--control asks at a tenth of the rate, and --rate max says none"
