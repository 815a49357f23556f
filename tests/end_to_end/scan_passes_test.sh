#!/usr/bin/env bash
# Several passes: which of them each target has answered equals the truth, for losses of 0, 2 and 20 %, with 2 and 3
# passes over 2^20 targets, by label as well; losses that hit all passes are called a lower bound; late replies count
# where they belong; --pass-gap, --retry, and a scan that ends early or is killed between.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

targets=10.0.0.0/12
count=1048576
cat >"$work/list" <<END
10.0.0.0/13 north
10.8.0.0/13 south
END
# The counts of the histories of TARGET... in K passes, in a line; and those that the summary has.
true_histories() { lab truth --histories "$1" "${@:2}" | cut -d' ' -f2 | paste -sd' '; }
found_histories() { summary '.histories | map(tostring) | join(" ")'; }
# The answers of pass P and those to it alone, by the histories of TARGET... in K passes: an account of its own.
true_answers() { # P K TARGET...
  lab truth --histories "$2" "${@:3}" |
    awk -v bit=$((1 << $1)) '{ if (int($1 / bit) % 2) answered += $2; if ($1 == bit) only = $2 } END { print answered, only }'
}
near_enough() { # WHAT ACTUAL EXPECTED MARGIN
  awk -v a="$2" -v b="$3" -v margin="$4" 'BEGIN { exit a - b > margin || b - a > margin }' ||
    fail "$1 is $2, and $3 is right, to $4"
}

for loss in 0 2 20; do
  lab up --loss $loss --queues 2
  for passes in 2 3; do
    scan --probes $passes --rate 700k --cooldown 1 -t "$work/list" || fail "the scan ended with $?"
    expect_equal "what the wire lost" "$(wire_lost)" 0
    expect_equal "adds_up" "$(summary .ledger.adds_up)" true
    expect_equal "histories at $loss %, $passes passes" "$(found_histories)" "$(true_histories $passes $targets)"
    for ((pass = 0; pass < passes; ++pass)); do
      expect_equal "sent in pass $pass" "$(summary .passes[$pass].sent)" $count
      expect_equal "answers to pass $pass" "$(summary ".passes[$pass] | \"\(.answered) \(.only_then)\"")" \
        "$(true_answers $pass $passes $targets)"
      expect_equal "answers of the north to pass $pass" \
        "$(summary ".labels[] | select(.label == \"north\").passes[$pass] | \"\(.answered) \(.only_then)\"")" \
        "$(true_answers $pass $passes 10.0.0.0/13)"
      expect_equal "answers by way to pass $pass" \
        "$(summary ".ways[0].passes[$pass] | \"\(.answered) \(.only_then)\"")" "$(true_answers $pass $passes $targets)"
      # Of 130,978 the loss is known to 0.11 points at worst; this is five times that.
      near_enough "loss of pass $pass" "$(summary .passes[$pass].loss)" "$(awk -v p=$loss 'BEGIN { print p / 100 }')" 0.006
    done
    alive=$(lab truth $targets | wc -l)
    near_enough "estimate" "$(summary .estimate.targets)" "$alive" \
      "$(summary '.estimate.standard_error * 4 + 1')"
    echo "loss $loss %, $passes passes: $(summary .ledger.replied) of $alive, estimate $(summary '.estimate.targets | round') +- $(summary .estimate.standard_error)"
  done
done
expect_equal "passes in the results" \
  "$(jq -r .pass "$work/out" | sort | uniq -c | awk '{ printf "%s:%s ", $2, $1 }')" \
  "$(for pass in 0 1 2; do
    lab truth --histories 3 $targets |
      awk -v bit=$((1 << pass)) -v pass=$pass '$1 % (2 * bit) == bit { sum += $2 } END { printf "%s:%s ", pass, sum }'
  done)"

# What hits both passes nobody can see, and the words say so.
lab up --loss 2 --loss-burst 10
scan --probes 2 --rate 700k --cooldown 1 $targets || fail "the scan ended with $?"
expect_equal "histories with bursts" "$(found_histories)" "$(true_histories 2 $targets)"
alive=$(lab truth $targets | wc -l)
expect_equal "whether the estimate is low" \
  "$(summary ".estimate | .is_lower_bound and .targets + 10 * .standard_error < $alive")" true
expect_text "$work/log" "a lower bound: losses that hit both passes are invisible"

# A pass begins that long after the one before, whatever the number of senders.
lab up --loss 20 --queues 2
scan --probes 3 --pass-gap 1.5 --queues 2 --rate 200k --cooldown 1 10.0.0.0/17 || fail "the scan ended with $?"
expect_equal "histories behind a gap" "$(found_histories)" "$(true_histories 3 10.0.0.0/17)"
[ "$(summary '.sending.seconds >= 3')" = true ] || fail "$(summary .sending.seconds) s for two gaps of 1.5 s"
jq -r '"\(.ts_us) \(.pass)"' "$work/out" | sort -n |
  awk '!($2 in first) { first[$2] = $1 } { last[$2] = $1 }
       END { for (p = 1; p < 3; p++) if (first[p] - last[p - 1] < 1000000) exit 1 }' || fail "passes are not apart"

# --retry asks those alone who have not replied; that is no sample of anything.
scan --retry 2 --pass-gap 4 --rate 200k --cooldown 1 10.0.0.0/17 || fail "the scan ended with $?"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
read -r -a first < <(true_answers 0 1 10.0.0.0/17)
expect_equal "asked in the second pass" "$(summary .passes[1].sent)" $((32768 - first[0]))
expect_equal "asked in the third pass" "$(summary .passes[2].sent)" \
  "$(lab truth --histories 2 10.0.0.0/17 | awk '$1 == 0 { print $2 }')"
expect_equal "replied" "$(summary .ledger.replied)" \
  "$(lab truth --histories 3 10.0.0.0/17 | awk '$1 > 0 { sum += $2 } END { print sum }')"
expect_equal "not sent to who had replied" "$(summary .ledger.not_sent.replied)" \
  $((3 * 32768 - $(summary .ledger.sent)))
expect_equal "estimate" "$(summary .estimate.targets)" null
expect_text "$work/log" "--retry asks only those who have not replied"

# A scan that ends before its last pass does has no estimate: who was not asked would pass for a loss.
scan --probes 2 --rate 20k --cooldown 0.5 --max-runtime 2.2 10.0.0.0/17 || fail "the scan ended with $?"
expect_equal "estimate of half a scan" "$(summary .estimate.targets)" null
expect_equal "loss of half a scan" "$(summary .passes[0].loss)" null
expect_text "$work/log" "no estimate of losses: the scan ended before the last pass did"

# Killed and gone on with, at random moments: the histories are those of one scan.
cd "$work"
for round in 1 2 3; do
  rm -f found.jsonl*
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --probes 2 --pass-gap 0.3 --rate 40k \
    --cooldown 1 --summary summary -o found.jsonl 10.0.0.0/16 2>log &
  pid=$!
  for _ in $(seq 600); do
    [ ! -s found.jsonl.part ] || break
    nap 0.1
  done
  sleep "$(awk -v seed="$RANDOM" 'BEGIN { srand(seed); print rand() * 3 }')"
  kill -KILL $pid
  expect_status 137 wait $pid
  # A mark of a pass that the scan does not have, behind the others.
  cp found.jsonl.scan.answers kept.answers
  printf '\001\000\000\012\000\310\000\000' >>found.jsonl.scan.answers
  expect_status 4 near "$echoscan" scan --resume found.jsonl --summary summary 2>log
  expect_text log "found.jsonl.scan.answers' is not of this scan"
  cp kept.answers found.jsonl.scan.answers
  near "$echoscan" scan --resume found.jsonl --summary summary 2>log || fail "the second leg ended with $?"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "histories over two legs" "$(found_histories)" "$(true_histories 2 10.0.0.0/16)"
done

# A late reply to the first pass, in the midst of the second, is the first's.
lab up --zoo
scan --probes 2 --rate 200k --cooldown 13 10.0.0.0/15 || fail "the scan ended with $?"
proving=$(lab truth --json 10.0.0.0/15 | jq -r 'select(.type == "reply" and .rtt_trusted) | .target' | sort -u | wc -l)
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
expect_equal "answers to both passes" "$(summary '.histories[3]')" "$proving"
expect_equal "answers to one alone" "$(summary '.histories[1] + .histories[2]')" 0
expect_equal "answers to no pass that is known" "$(summary .pass_unknown)" \
  "$(lab truth --json 10.0.0.0/15 | jq -r 'select(.type == "reply" and (.rtt_trusted | not)) | .target' | sort -u | wc -l)"

# Wrong ones.
refused() { # TEXT OPTION...
  expect_status 2 near "$echoscan" scan --dry-run "${@:2}" 10.0.0.0/30 2>"$work/log"
  expect_text "$work/log" "$1"
}
refused "--retry and --probes" --retry 1 --probes 2
refused "--pass-gap: there is one pass" --pass-gap 1
refused "--pass-gap" --probes 2 --pass-gap -1
refused "--retry" --retry 300
expect_status 2 near "$echoscan" scan --retry 1 --checkpoint -o "$work/x.jsonl" 10.0.0.0/30 2>"$work/log"
expect_text "$work/log" "--checkpoint: with --retry"
