#!/usr/bin/env bash
# `echoscan merge` on the shards of a real scan: one scan comes out, and every wrong set is refused by name.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up --loss 2
cd "$work"
printf '10.1.0.0/17 west\n10.2.8.0/22 east\n' >list
options=(--rate max --cooldown 1 --probes 2 -t list)
merge() { "$echoscan" merge "$@" >out 2>log; }
aggregate() { "$echoscan" aggregate "$@" >out 2>log; }
shards() { # NAME SEED COUNT FORMAT INDEX...
  local name=$1 seed=$2 count=$3 form=$4 index
  shift 4
  for index; do
    scan "${options[@]}" --seed "$seed" --shard "$index/$count" --format "$form" -o "$name-$index.$form" || fail "shard $index ended with $?"
    mv summary "$name-$index.json"
  done
}
shards s 7 4 jsonl 0 1 2 3
gzip s-2.jsonl
scan "${options[@]}" --seed 7 -o whole.jsonl || fail "the scan ended with $?"
cp summary whole.json

# Given anyhow, they are the scan that was not divided, and its summary adds up.
addresses() { jq -r .target | sort -u; }
merge -o all.jsonl.zst --summary all.json s-3.json s-1.json s-0.json s-1.jsonl s-2.json || fail "merge ended with $?"
cmp <(zstd -dcq all.jsonl.zst | addresses) <(addresses <whole.jsonl) || fail "the union is not the whole"
expect_equal "lines" "$(zstd -dcq all.jsonl.zst | wc -l)" "$(jq .output.lines all.json)"
expect_equal "lines of shards" "$(zstd -dcq all.jsonl.zst | jq .shard | sort | uniq -c | awk '{ print $1 }' | xargs)" \
  "$(jq -r '.merge.shards[].lines' all.json | xargs)"
expect_equal "adds_up" "$(jq .ledger.adds_up all.json)" true
for key in .outcome .targets.count .targets.digest .order .ledger.sent .ledger.replied .ledger.silent .response .histories \
  '.estimate | map_values(tostring)' '.passes[] | .loss' '.labels | map([.label, .targets, .sent, .replied])' .output.lines \
  '[.ways[].targets] | add' .rtt_us.count; do
  expect_equal "$key" "$(jq -c "$key" all.json)" "$(jq -c "$key" whole.json)"
done
expect_equal "host" "$(jq -r '[.merge.shards[].host] | unique[]' all.json)" "$(uname -n)"
expect_equal "covered" "$(jq .merge.covered all.json)" 1
expect_text log "merged 4 shards: "

# It is a scan for all that read one.
"$echoscan" aggregate --summary all.json -t list --allow-reserved --format json all.jsonl.zst >merged.tables 2>log ||
  fail "aggregate ended with $?"
expect_equal "said" "$(wc -c <log)" 0
"$echoscan" aggregate --summary whole.json -t list --allow-reserved --format json whole.jsonl >whole.tables 2>log
for key in .total.replies .total.targets '.label | map([.group, .targets, .replies])' '[.slash24[].targets] | add'; do
  expect_equal "$key" "$(jq -c "$key" merged.tables)" "$(jq -c "$key" whole.tables)"
done
"$echoscan" report --summary all.json -t list --allow-reserved -o page.html all.jsonl.zst 2>log || fail "report ended with $?"
"$echoscan" report --summary s-0.json --summary s-1.json --summary s-2.json --summary s-3.json -t list --allow-reserved \
  -o shards.html s-0.jsonl s-1.jsonl s-2.jsonl.gz s-3.jsonl 2>log || fail "report of the shards ended with $?"
figures() { grep -o 'id="headline".*' "$1" | head -1 | cut -c1-400; }
expect_equal "the headline" "$(figures shards.html)" "$(figures page.html)"
expect_status 5 "$echoscan" report --summary s-0.json --summary s-3.json -t list --allow-reserved -o none.html s-0.jsonl s-3.jsonl 2>log
expect_text log "2 of 4 shards are missing: --array=1,2"
expect_equal "files left" "$(find . -name 'none*')" ""
"$echoscan" compare --summary all.json --summary whole.json -t list --allow-reserved all.jsonl.zst whole.jsonl >out 2>log ||
  fail "compare ended with $?"

# Wrong sets: nothing is written, and what is wrong has its name.
rm -f all.jsonl.zst all.json
expect_refused() { # SENTENCE FILE...
  local sentence=$1
  shift
  expect_status 5 merge -o all.jsonl.zst --summary all.json "$@"
  expect_text log "$sentence"
  expect_equal "files left" "$(find . -name 'all.*')" ""
}
shards other 8 4 jsonl 2
shards five 7 5 jsonl 2
expect_refused "2 of 4 shards are missing: --array=1,2" s-0.json s-3.json
expect_refused "shard 1 is there 2 times: 's-1.json' 's-1.json'" s-0.json s-1.json s-1.json s-3.json
expect_refused "'other-2.json' is of another scan than 's-0.json': its --seed is 8, not 7" s-0.json s-1.json other-2.json s-3.json
expect_refused "'five-2.json' is of another scan than 's-0.json': it is one of 5 shards, not of 4" s-0.json s-1.json five-2.json s-3.json
jq '.ledger.replied += 1 | .ledger.silent -= 1' s-1.json >damaged.json
cp s-1.jsonl damaged.jsonl
expect_refused "'damaged.json' does not add up: " s-0.json damaged.json s-2.json s-3.json
head -n -1 s-1.jsonl >cut.jsonl
cp s-1.json cut.json
expect_refused "lines, and its summary 'cut.json' says" s-0.json cut.json s-2.json s-3.json
cp s-1.json swapped.json
cp s-3.jsonl swapped.jsonl
expect_refused "swapped.jsonl:1: it is of shard 3, and the file of shard 1" s-0.json swapped.json s-2.json s-3.json

# aggregate asks the same.
expect_status 5 aggregate --summary s-0.json --summary s-1.json --summary other-2.json s-0.jsonl
expect_text log "'other-2.json' is of another scan"
expect_status 5 aggregate --summary s-0.json --summary five-2.json s-0.jsonl
expect_status 5 aggregate --summary s-0.json --summary s-0.json s-0.jsonl
expect_text log "shard 0 is there 2 times"
"$echoscan" aggregate --summary s-0.json --summary s-3.json -t list --allow-reserved --format json s-0.jsonl s-3.jsonl >out 2>log ||
  fail "aggregate of two shards ended with $?"
expect_text log "2 of 4 shards are missing (1,2): rates are of a sample"

# A part: whom it has asked is known, and shares have intervals that hold what the whole found.
shards e 7 4 jsonl 2 >/dev/null
scan "${options[@]}" --seed 7 --shard 2/4 --rate 20k --max-runtime 0.3 -o ended.jsonl --no-checkpoint || fail "ended with $?"
cp summary ended.json
expect_refused "'ended.json', shard 2, has not finished: stopped at --max-runtime" s-0.json s-1.json ended.json s-3.json
expect_text log "to be gone on with: --array=2"
merge --partial -o part.jsonl --summary part.json s-0.json ended.json s-3.json e-2.json || fail "--partial ended with $?"
expect_text log "they cover "
expect_equal "outcome" "$(jq -r .outcome part.json)" partial
expect_equal "adds_up" "$(jq .ledger.adds_up part.json)" true
expect_equal "missing" "$(jq -c .merge.missing part.json)" "[1]"
expect_equal "the run that has finished" "$(jq -r '.merge.shards[1].file' part.json)" e-2.json
expect_equal "the whole's share is in the interval" "$(jq -n --slurpfile part part.json --slurpfile whole whole.json \
  '$part[0].response.low - 0.02 < $whole[0].response.share and $whole[0].response.share < $part[0].response.high + 0.02')" true
merge --partial -o part.jsonl --summary part.json s-0.json ended.json s-3.json || fail "--partial ended with $?"
"$echoscan" aggregate --summary part.json -t list --allow-reserved --format json part.jsonl >out 2>log || fail "aggregate ended with $?"
expect_equal "said of a part" "$(wc -c <log)" 0
expect_equal "probed by label" "$(jq '[.label[].targets] | add' out)" "$(jq .response.probed part.json)"
expect_refused "its --seed is 8, not 7" --partial s-0.json s-3.json other-2.json

# CSV has one header; a name that says nothing is refused.
shards c 7 2 csv 0 1
merge -o all.csv c-0.json c-1.json || fail "CSV: merge ended with $?"
expect_equal "lines of CSV" "$(wc -l <all.csv)" "$(($(wc -l <c-0.csv) + $(wc -l <c-1.csv) - 1))"
rm all.csv
expect_status 2 merge -o all.jsonl s-0.jsonl
expect_text log "'s-0.jsonl' has no summary: 's-0.json' is not given"
cp s-0.json alone.json
expect_status 2 merge -o all.jsonl alone.json
expect_text log "there are no results of 'alone.json'"
expect_status 2 merge -o all.jsonl nothing.json
expect_text log "there is no summary 'nothing.json'"
expect_status 2 merge -o s-0.jsonl s-0.json s-1.json
expect_status 2 merge
# A disk that is full.
expect_status 4 merge -o /dev/full s-0.json s-1.json s-2.json s-3.json
