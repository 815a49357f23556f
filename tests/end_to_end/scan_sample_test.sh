#!/usr/bin/env bash
# A scan that asks a part of its targets knows whom it asked: after a signal at any moment, --max-runtime or
# --max-targets, and by shards, `aggregate` walks the order again and finds the counts that the senders have kept, by
# label; rates have intervals, and these hold the truth as often as they say.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

cd "$work"
printf '10.0.0.0/16 a\n10.1.0.0/17 b\n10.1.128.0/20 c\n10.2.0.0/28 d\n' >list
count=$((65536 + 32768 + 4096 + 16))
lab up --queues 2
alive=$(lab truth 10.0.0.0/16 10.1.0.0/17 10.1.128.0/20 10.2.0.0/28 | wc -l)

# By label: what the senders counted, and what `aggregate` finds by the order. What has not been asked is not there.
sent_by_label() { jq -r '.labels[] | select(.sent > 0) | "\(.label) \(.sent)"' "$@" | sort | awk '{ sum[$1] += $2 } END { for (l in sum) print l, sum[l] }' | sort; }
asked_by_label() { jq -r '.label[] | select(.targets > 0) | "\(.group) \(.targets)"' table | sort; }
held=0 samples=0
check_sample() { # SUMMARY... : of the results found*.jsonl
  local summaries=()
  for summary in "$@"; do
    expect_equal "adds_up" "$(jq .ledger.adds_up "$summary")" true
    summaries+=(--summary "$summary")
  done
  "$echoscan" aggregate --format json "${summaries[@]}" -t list --allow-reserved found*.jsonl >table 2>log || fail "aggregate ended with $?"
  # Groups without a reply have no row.
  join <(asked_by_label) <(sent_by_label "$@") >both
  awk '$2 != $3 { exit 1 }' both || fail "asked and sent by label: $(cat both)"
  [ "$(wc -l <both)" -ge 2 ] || fail "labels: $(cat both)"
  expect_equal "all who were asked" "$(jq .total.targets table)" "$(jq -s 'map(.response.probed) | add' "$@")"
  expect_equal "population" "$(jq .total.population table)" $count
  # But for the shards that are not given.
  expect_equal "said" "$(grep -vc "missing (.*): rates are of a sample" log)" 0
  expect_equal "rates outside of their intervals" \
    "$(jq '[.total, .label[], .slash16[], .slash24[] | select(has("response_rate_low")) |
      select(.response_rate_low > .response_rate + 1e-9 or .response_rate_high < .response_rate - 1e-9)] | length' table)" 0
  expect_equal "intervals of too few" \
    "$(jq '[.slash24[] | select(.targets < 30 and .targets < .population and has("response_rate_low"))] | length' table)" 0
  held=$((held + $(jq --argjson alive "$alive" --argjson count $count \
    '.total | if .response_rate_low * $count <= $alive and .response_rate_high * $count >= $alive then 1 else 0 end' table)))
  samples=$((samples + 1))
}

# Ended by a signal at a moment that nobody chose, on one and two queues, by several methods.
for round in $(seq 1 12); do
  rm -f found*
  method=$(sed -n "$((round % 4 + 1))p" <<<$'af_xdp\naf_packet\nraw_socket\nxdp_live')
  # Slow scans draw few targets at a time, of which neighbours are remembered together.
  rate=$(sed -n "$((RANDOM % 3 + 1))p" <<<$'15k\n3k\n1k')
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --summary summary --rate "$rate" --cooldown 0.5 \
    --seed "$round" --method "$method" --queues $((round % 2 + 1)) -o found.jsonl -t list 2>log &
  scan=$!
  until [ -s found.jsonl.part ]; do
    kill -0 $scan || fail "the scan has ended"
    nap 0.05
  done
  sleep "0.$((RANDOM % 900 + 100))"
  kill -INT $scan
  wait $scan && fail "the scan was not interrupted in time" || expect_equal "exit status" $? 130
  check_sample summary
done
jq -e '.order.left | length > 0' summary >/dev/null || fail "nothing is left"

# Two passes, ended between them; a limit in time; the first 3 percent; those in three shards; and a resumed scan.
rm -f found*
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --probes 2 --pass-gap 1000 --rate 60k --cooldown 0.5 \
  --seed 5 --status-file status --summary summary -o found.jsonl -t list 2>log &
scan=$!
for _ in $(seq 600); do
  if [ -s status ] && [ "$(jq .sent status)" = $count ]; then break; fi
  nap 0.1
done
kill -INT $scan
expect_status 130 wait $scan
expect_equal "asked when the second pass was to begin" "$(jq .response.probed summary)" $count
expect_equal "left" "$(jq -c '.order.left | length' summary)" 1
check_sample summary
rm -f found*
scan --rate 20k --cooldown 0.5 --seed 6 --max-runtime 1.3 -o found.jsonl -t list || fail "ended with $?"
check_sample summary
rm -f found*
scan --rate 100k --cooldown 0.5 --seed 7 --max-targets 3% -o found.jsonl -t list || fail "ended with $?"
expect_text log "% (95 %) of all 102,416 would, as far as this sample says"
expect_equal "left of a finished scan" "$(jq -c .order.left summary)" "[]"
check_sample summary
rm -f found*
for shard in 0 1 2; do
  scan --rate 100k --cooldown 0.5 --seed 8 --max-targets 10000 --shard $shard/3 -o found$shard.jsonl -t list || fail "ended with $?"
  cp summary sum$shard
done
check_sample sum0 sum1 sum2
check_sample sum0
rm -f found*
scan --rate 20k --cooldown 0.5 --seed 9 --max-runtime 1 -o found.jsonl -t list || fail "ended with $?"
near "$echoscan" scan --resume found.jsonl --max-runtime 0.7 --summary summary 2>log || fail "the second leg ended with $?"
check_sample summary
# 19 of 20 on average; fewer than 12 of 18 once in a million.
echo "$held of $samples intervals hold the truth"
[ $((held * 3)) -ge $((samples * 2)) ] || fail "only $held of $samples intervals hold the truth"

# A scan of all needs no interval, and no walk.
rm -f found*
scan --rate 200k --cooldown 0.5 -o found.jsonl -t list || fail "ended with $?"
expect_equal "response" "$(jq -c '.response | [.probed == .population, .low == .share, .high == .share]' summary)" "[true,true,true]"
check_sample summary
"$echoscan" aggregate --summary summary found.jsonl >table
expect_equal "columns of intervals" "$(grep -c '95 %' table || :)" 0

# Beforehand: how many, how long, and how well a share would be known.
"$echoscan" targets -t list --allow-reserved --max-targets 5% --rate 1k --probes 2 --pass-gap 3 >report
expect_text report "5,120  of them, 5 %: shares are known (95 %): 50 % to 1.3, 10 % to 0.8, 1 % to 0.27 points, either way"
expect_text report "10,240  probes in 2 passes, 13.2 s at 1,000 a second"
expect_status 2 "$echoscan" targets -t list --max-targets 0% 2>log
expect_status 2 "$echoscan" targets -t list --rate fast 2>log
expect_status 2 "$echoscan" targets -t list --retry 1 --probes 2 2>log
