#!/usr/bin/env bash
# Two scans of a world that has changed in between, held against each other: the counts are those of the two truths, over
# all and by group, as bundles and as files, whole and in part, and scans that cannot be compared are refused.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

cd "$work"
printf '10.0.0.0/17 left\n10.0.128.0/17 right\n10.1.0.0/20\n' >list
count=$((65536 + 4096))
one_scan() { # BUNDLE OPTION...
  local bundle=$1
  shift
  near "$echoscan" scan --allow-reserved --cooldown 0.5 --rate 200k --bundle "$bundle" "$@" -t list 2>log || fail "the scan ended with $?"
}
truth_of() { lab truth 10.0.0.0/16 10.1.0.0/20 | sort; }
lab up --seed 7
truth_of >truth1
one_scan first --seed 1
one_scan csv --seed 4 --format csv
one_scan ip --seed 5 --format ip
one_scan other -x 10.0.0.1
one_scan published --publish slash24
near "$echoscan" scan --allow-reserved --cooldown 0.5 --rate 200k --summary sum.json -t list >res.jsonl 2>log || fail "ended with $?"
lab down
lab up --seed 8
truth_of >truth2
one_scan second --seed 2
one_scan part --seed 3 --max-targets 20000
one_scan stopped --seed 6 --rate 20k --max-runtime 1

# What sets say: of two files of addresses, and of those asked by both.
counts_of() { # FIRST SECOND ASKED
  comm -12 "$1" "$3" >in1
  comm -12 "$2" "$3" >in2
  both=$(comm -12 in1 in2 | wc -l) gained=$(comm -13 in1 in2 | wc -l) lost=$(comm -23 in1 in2 | wc -l) asked=$(wc -l <"$3")
  echo "[$both,$gained,$lost,$((asked - both - gained - lost)),$asked]"
}
total() { jq -c '.total | [.both, .gained, .lost, .neither, .asked]' table; }
compare() { "$echoscan" compare --format json "$@" >table 2>log || fail "compare $* ended with $?"; }
near "$echoscan" scan --dry-run --allow-reserved -t list 2>log | sort >all
expect_equal "all" "$(wc -l <all)" $count

compare first second
expect_equal "total" "$(total)" "$(counts_of truth1 truth2 all)"
expect_equal "said" "$(wc -c <log)" 0
expect_equal "digest" "$(jq -r .digest table)" "$(jq -r .targets.digest first/data/summary.json)"
# Chapman's estimate, as the counts give it.
jq -e '.total | (.both + .gained + 1) * (.both + .lost + 1) / (.both + 1) - 1 - .estimate.targets | fabs < 1e-6' table >/dev/null ||
  fail "the estimate is $(jq .total.estimate table)"
expect_equal "lower bound" "$(jq .total.estimate.is_lower_bound table)" true
compare first first
expect_equal "a scan and itself" "$(total)" "$(counts_of truth1 truth1 all)"

# By group: the sums are the total, and each label's and network's figures its own.
compare --by label,slash16,slash24 first second
for table in label slash16 slash24; do
  expect_equal "sums by $table" "$(jq -c ".$table | [(map(.both) | add), (map(.gained) | add), (map(.lost) | add)]" table)" \
    "$(jq -c '.total | [.both, .gained, .lost]' table)"
done
grep -E '^10\.0\.(12[89]|1[3-9].|2..)\.' all >right
expect_equal "label" "$(jq -c '.label[] | select(.group == "right") | [.both, .gained, .lost, .neither, .asked]' table)" \
  "$(counts_of truth1 truth2 right)"
grep '^10\.0\.7\.' all >network
expect_equal "network" "$(jq -c '.slash24[] | select(.group == "10.0.7.0/24") | [.both, .gained, .lost, .neither, .asked]' table)" \
  "$(counts_of truth1 truth2 network)"
printf '%s\n' '10.0.0.0/17 {"country":{"iso_code":"NL"}}' '10.0.128.0/18 {"country":{"iso_code":"DE"}}' |
  "$ECHOSCAN_BUILD/tests/mmdb_file" country.mmdb GeoLite2-Country
compare --by country --mmdb country.mmdb first second
grep -E '^10\.0\.(12[89]|1[3-8].|19[01])\.' all >germany
expect_equal "country" "$(jq -c '.country[] | select(.group == "DE") | [.both, .gained, .lost, .neither, .asked]' table)" \
  "$(counts_of truth1 truth2 germany)"

# Results in other forms, and files with their summaries.
for form in csv ip; do
  compare $form second
  expect_equal "total of $form" "$(total)" "$(counts_of truth1 truth2 all)"
done
compare --summary sum.json res.jsonl second
expect_equal "total of a file" "$(total)" "$(counts_of truth1 truth2 all)"
zstd -qd second/data/results.jsonl.zst -o second.jsonl
compare --summary sum.json --summary second/data/summary.json --by slash8 res.jsonl second.jsonl
expect_equal "total of files" "$(total)" "$(counts_of truth1 truth2 all)"
expect_equal "groups without a list" "$(jq -c '.slash8 | map([.group, .asked])' table)" '[["10.0.0.0/8",null]]'
compare -t list --allow-reserved --by slash8 --summary sum.json --summary second/data/summary.json res.jsonl second.jsonl
expect_equal "groups with a list" "$(jq -c '.slash8 | map([.group, .asked])' table)" "[[\"10.0.0.0/8\",$count]]"

# In part: those count whom both have asked, as the dry run says it and the order.
near "$echoscan" scan --dry-run --allow-reserved --seed 3 --max-targets 20000 -t list 2>log | sort >asked
compare first part
expect_equal "total of a part" "$(total)" "$(counts_of truth1 truth2 asked)"
left=$(jq .order.left[0].begin stopped/data/summary.json)
[ "$left" -gt 0 ] || fail "the stopped scan has asked $left steps"
near "$echoscan" scan --dry-run --allow-reserved --seed 6 -t list >order 2>log
head -n "$(jq .response.probed stopped/data/summary.json)" order | sort >asked2
expect_equal "parts that are left" "$(jq '.order.left | length' stopped/data/summary.json)" 1
compare stopped part
comm -12 asked asked2 >asked_by_both
expect_equal "total of two parts" "$(total)" "$(counts_of truth2 truth2 asked_by_both)"
compare --by label stopped first
expect_equal "asked of a stopped scan" "$(jq .total.asked table)" "$(jq .response.probed stopped/data/summary.json)"
expect_equal "asked by label" "$(jq '.label | map(.asked) | add' table)" "$(jq .response.probed stopped/data/summary.json)"

# Some had no way, and nobody knows who: a few are told of, many are refused.
near ip route add blackhole 10.0.3.16/29
one_scan few --seed 9
compare first few
expect_text log "'few' has asked 69,624 targets, and its order says 69,632: some had no way"
near ip route add blackhole 10.0.4.0/24
one_scan many --seed 9
expect_status 2 "$echoscan" compare first many >shown 2>log
expect_text log "'many' has asked 69,368 targets, and its order says 69,632"
near ip route del blackhole 10.0.3.16/29
near ip route del blackhole 10.0.4.0/24

# For people, and as a table.
"$echoscan" compare --by label first second >shown
expect_text shown "a lower bound: what both have lost is invisible"
expect_text shown "right"
"$echoscan" compare --by slash24 --format csv --top 3 first second >shown
expect_equal "rows" "$(wc -l <shown)" 5

# What cannot be compared.
refused() { # TEXT ARGUMENT...
  local text=$1
  shift
  expect_status 2 "$echoscan" compare "$@" >shown 2>log
  expect_text log "$text"
}
refused "these are scans of different targets" first other
expect_text log "$(jq -r .targets.digest first/data/summary.json)"
expect_text log "$(jq -r .targets.digest other/data/summary.json)"
refused "was published by /24" first published
refused "needs the scan's --summary" first res.jsonl
refused "belongs to no file" --summary sum.json first second
zstd -qd part/data/results.jsonl.zst -o part.jsonl
refused "takes the scan's lists" --summary sum.json --summary part/data/summary.json res.jsonl part.jsonl
refused "--by label takes the scans' lists" --by label --summary sum.json --summary second/data/summary.json res.jsonl second.jsonl
sed -i '$d' second.jsonl
refused "whoever is missing would look like one who is gone" --summary second/data/summary.json first second.jsonl
refused "the lists are not those of the scans" -t all --allow-reserved -x 10.0.0.1 first second
