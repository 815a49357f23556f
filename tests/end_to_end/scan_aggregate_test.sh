#!/usr/bin/env bash
# `echoscan aggregate` on the results of real scans: what it counts is the truth, and rates are of what was asked.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
cd "$work"
printf '10.1.0.0/17 west\n10.2.8.0/22 east\n' >list
printf '%s\n' '10.1.0.0/18 {"country":{"iso_code":"NL"}}' '10.1.64.0/18 {"country":{"iso_code":"DE"}}' \
  '10.2.0.0/16 {"country":{"iso_code":"NL"}}' | "$ECHOSCAN_BUILD/tests/mmdb_file" country.mmdb GeoLite2-Country
echo '10.1.0.0/16 {"asn":64500,"as_name":"EXAMPLE"}' | "$ECHOSCAN_BUILD/tests/mmdb_file" asn.mmdb flat
options=(--rate max --cooldown 1 --mmdb country.mmdb --mmdb asn.mmdb -x 10.1.0.0/24)
scan "${options[@]}" -t list -o whole.jsonl || fail "the scan ended with $?"
cp summary whole.json
scan "${options[@]}" 10.1.0.0/17 -o one.jsonl.zst || fail "the scan ended with $?"
scan "${options[@]}" 10.2.8.0/22 -o two.jsonl.gz || fail "the scan ended with $?"
aggregate() { "$echoscan" aggregate "$@" >out 2>log; }
value() { figure "$work/out" "$1"; }
truth() { lab truth "$@" | grep -vc '^10\.1\.0\.'; }

# The counts are the truth, however the lines are divided and packed.
for files in whole.jsonl "one.jsonl.zst two.jsonl.gz"; do
  aggregate --format json $files || fail "aggregate $files ended with $?"
  expect_equal "replies" "$(value .total.replies)" "$(truth 10.1.0.0/17 10.2.8.0/22)"
  expect_equal "of 10.2.0.0/16" "$(value '.slash16[] | select(.group == "10.2.0.0/16").replies')" "$(truth 10.2.8.0/22)"
  expect_equal "of DE" "$(value '.country[] | select(.group == "DE").replies')" "$(truth 10.1.64.0/18)"
  expect_equal "of AS 64500" "$(value '.asn[] | [.group, .as_org, .replies] | join(" ")')" \
    "64500 EXAMPLE $(truth 10.1.0.0/17)"
  expect_equal "/24 networks" "$(value '.slash24 | length')" "$(jq -r .target whole.jsonl | cut -d. -f1-3 | sort -u | wc -l)"
done
aggregate --format json - <one.jsonl.zst || fail "aggregate - ended with $?"
expect_equal "replies on standard input" "$(value .total.replies)" "$(truth 10.1.0.0/17)"

# Rates: of all by the summary, of groups by the lists.
aggregate --format json --summary whole.json whole.jsonl || fail "--summary ended with $?"
expect_equal "targets" "$(value .total.targets)" "$((32768 + 1024 - 256))"
expect_equal "rates of groups" "$(value '[.slash16[] | select(has("response_rate"))] | length')" 0
expect_equal "targets by label" "$(value '[.label[] | "\(.group) \(.targets)"] | sort | join(", ")')" \
  "east 1024, west $((32768 - 256))"
lists=(-t list -x 10.1.0.0/24 --allow-reserved)
aggregate --format json --summary whole.json "${lists[@]}" --mmdb country.mmdb --mmdb asn.mmdb whole.jsonl ||
  fail "with lists it ended with $?"
expect_equal "targets of 10.1.0.0/16" "$(value '.slash16[] | select(.group == "10.1.0.0/16").targets')" "$((32768 - 256))"
expect_equal "targets of NL" "$(value '.country[] | select(.group == "NL").targets')" "$((16384 - 256 + 1024))"
expect_equal "targets of AS 64500" "$(value '.asn[0].targets')" "$((32768 - 256))"
expect_equal "rates that are not replies / targets" \
  "$(value '[.slash8, .slash16, .slash24, .country, .asn | .[] | select(.replies / .targets != .response_rate)] | length')" 0

# What cannot be known is not made up.
expect_status 2 aggregate --summary whole.json -t list --allow-reserved whole.jsonl
expect_text log "the lists are not those of the scan of 'whole.json'"
scan --rate 1k --max-runtime 0.5 --cooldown 0.5 -x 10.1.0.0/24 -t list -o part.jsonl || fail "the scan ended with $?"
aggregate --format json --summary summary "${lists[@]}" part.jsonl || fail "ended with $?"
expect_equal "said of a sample" "$(wc -c <log)" 0
# A group without a reply has no row; of the few who are asked in "east" there may be none.
expect_equal "targets by label" "$(value '[.label[] | select(.targets > 0) | "\(.group) \(.targets)"] | sort | join(", ")')" \
  "$(jq -r '[.labels[] | select(.replied > 0) | "\(.label) \(.sent)"] | sort | join(", ")' summary)"
expect_equal "targets" "$(value .total.targets)" "$(jq '.targets.count - .ledger.not_probed' summary)"

# A summary whose figures do not agree is said to be so; one without a key is refused, and the key named.
jq '.ledger.silent += 1' summary >odd.json
aggregate --format json --summary odd.json part.jsonl || fail "a summary that does not add up ended it with $?"
expect_text log "the summary 'odd.json' does not add up: targets: targets.count is "
for key in .ledger.replied .targets.digest .rtt_us; do
  jq "del($key)" summary >less.json
  expect_status 2 aggregate --summary less.json part.jsonl
  expect_text log "'less.json' is not a summary of a scan: '${key#.}' is missing"
done

# Options that choose from the lists are the scan's too: without any one of them it is another scan.
printf '10.1.0.0/17 west\n10.2.8.0/22 east\n10.2.8.0/33 wrong\n' >bad-list
scan --rate max --cooldown 1 -t bad-list --skip-bad-lines --label-filter west -o west.jsonl || fail "the scan ended with $?"
aggregate --format json --summary summary -t bad-list --skip-bad-lines --label-filter west --allow-range 10.0.0.0/8 west.jsonl ||
  fail "with --label-filter, --skip-bad-lines and --allow-range it ended with $?"
expect_equal "targets of 10.1.0.0/16" "$(value '.slash16[] | select(.group == "10.1.0.0/16").targets')" 32768
expect_status 2 aggregate --summary summary -t bad-list --skip-bad-lines --allow-range 10.0.0.0/8 west.jsonl
expect_text log "the lists are not those of the scan"
expect_status 2 aggregate --summary summary -t bad-list --label-filter west --allow-range 10.0.0.0/8 west.jsonl
expect_text log "bad-list:3"
expect_status 2 aggregate --summary summary -t bad-list --skip-bad-lines --label-filter west west.jsonl
expect_text log "--allow-range"
expect_status 2 aggregate --summary summary --label-filter west west.jsonl
expect_text log "need the lists: -t FILE"

# What it has to say of the lists stands beside the tables, not in them.
echo '{"prefixes":[{"ipv4Prefix":"10.1.0.0/17"},{"ipv6Prefix":"2001:db8::/32"}]}' >six.json
aggregate --format json -t six.json --allow-reserved whole.jsonl || fail "a list with IPv6 ended it with $?"
expect_text log "1 IPv6 entries of the lists are left out"
expect_equal "type of the JSON" "$(jq -r .type out)" aggregate
aggregate --format csv -t six.json --allow-reserved whole.jsonl || fail "a list with IPv6 ended it with $?"
expect_equal "widths of the CSV's rows" \
  "$(python3 -c 'import csv; print(sorted({len(row) for row in csv.reader(open("out"))}))')" "[14]"
expect_equal "the CSV's first column" "$(head -1 out | cut -d, -f1)" table
expect_status 2 aggregate -q --format json -t six.json --allow-reserved --summary whole.json whole.jsonl
aggregate -q --format json -t list -x 10.1.0.0/24 --allow-reserved --summary whole.json whole.jsonl || fail "-q ended with $?"
expect_equal "said with -q" "$(wc -c <log)" 0
aggregate -v whole.jsonl || fail "-v ended with $?"
printf 'by = "country"\nformat = "csv"\n' >aggregate.toml
aggregate --config aggregate.toml --format json whole.jsonl || fail "--config ended with $?"
expect_equal "tables of the config file" "$(value '[has("country"), has("slash8")] | join(" ")')" "true false"

# Malformed lines are counted and said; a cut file gives what it has.
{ head -3 whole.jsonl; echo '{"target":"10.1.'; echo hello; } >torn.jsonl
aggregate --format csv torn.jsonl || fail "torn lines ended it with $?"
expect_text log "torn.jsonl:4: not a result: {\"target\":\"10.1."
expect_text log "torn.jsonl:5: not a result: hello"
# What has another form from its first line on is no torn file.
printf 'type,target\nreply,10.1.0.1\n' >other.csv
printf '10.1.0.1\n' >other.txt
expect_status 2 "$echoscan" aggregate other.csv 2>log
expect_text log "'other.csv' is CSV; JSON lines are read, which --format jsonl writes"
expect_status 2 "$echoscan" aggregate other.txt 2>log
expect_text log "'other.txt' is a list of addresses; JSON lines are read"
# A first line that is cut is one malformed line, as any other.
printf '%s\n' 'rget":"10.1.0.1","success":true}' '{"target":"10.1.0.2","success":true}' >cut.jsonl
"$echoscan" aggregate cut.jsonl >cut.txt 2>log || fail "a cut first line ended with $?"
expect_text cut.txt "2 lines in 1 file, 1 malformed"
expect_equal "total" "$(grep ^total, out | cut -d, -f4)" 3
head -c 2000 one.jsonl.zst >cut.zst
aggregate cut.zst || fail "a cut file ended it with $?"
expect_text log "'cut.zst' was read up to line"
expect_status 2 aggregate /nonexistent
expect_text log "cannot read '/nonexistent': No such file or directory"
expect_status 2 aggregate whole.jsonl --by continent
expect_status 2 aggregate --summary whole.jsonl whole.jsonl
expect_text log "is not a summary of a scan"

# Each shape for people and for tools.
aggregate whole.jsonl || fail "ended with $?"
expect_text out "slash24, 10 of "
aggregate --by country --top 1 --format csv whole.jsonl || fail "ended with $?"
expect_equal "lines" "$(wc -l <out)" 3
"$echoscan" aggregate whole.jsonl --format csv 2>log | head -1 >out || [ "${PIPESTATUS[0]}" = 4 ] || fail "aggregate | head -1"
