#!/usr/bin/env bash
# `echoscan report`: the page of a scan of two passes and of a sample says what summary and tables say, in a browser too,
# in all its states; the browser stands in a namespace of its own, without a link. Same input, same bytes; wrong input is
# refused by a sentence.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

for program in chromium chromedriver; do
  command -v $program >/dev/null || skip "no $program"
done
/usr/bin/python3 -c 'import selenium' 2>/dev/null || skip "no python3-selenium"

cd "$work"
lab up --loss 5
add_host browser
# Regions of a cloud, of which one has an evil name, one is a single /26, and one is silent: nobody lives beyond 10/8.
{
  for i in $(seq 0 59); do echo "10.0.$((4 * i)).0/22 region-$((i % 7))/EC2"; done
  echo '10.3.0.0/26 </script><script>document.title="broken"</script>'
  echo '10.9.0.0/18 region-8/AMAZON'
  echo '192.0.2.128/25 silent-1/EC2'
} >list
near "$echoscan" scan --allow-reserved --probes 2 --rate 100k --cooldown 1 --seed 11 -o results.jsonl.zst \
  --summary summary.json -t list 2>log
# The report, beside the tables of the same scan.
report() { "$echoscan" report -q --allow-reserved "$@"; }
report -t list --summary summary.json -o page.html --png rate.png --title 'Two passes' results.jsonl.zst
report -t list --summary summary.json -o again.html --png again.png --title 'Two passes' results.jsonl.zst
cmp page.html again.html || fail "the same input gives another page"
cmp rate.png again.png || fail "the same input gives another picture"
"$echoscan" aggregate -q --allow-reserved --by slash24,label --format csv -t list --summary summary.json results.jsonl.zst \
  >several.csv
for layer in rtt loss label; do
  report -t list --summary summary.json -o again.html --png $layer.png --layer $layer results.jsonl.zst
  ! cmp -s $layer.png rate.png || fail "layer $layer is the layer rate"
done
expect_text page.html "$(jq -r '.ledger.replied' summary.json | sed ':a;s/\B[0-9]\{3\}\>/,&/;ta') of"
expect_equal "silent regions" "$(grep -c '<td>silent-1/EC2</td><td class="number">128</td><td class="number">0</td>' page.html)" 1

# A sample, transposed, and one whose lists nobody has kept.
near "$echoscan" scan --allow-reserved --rate 100k --cooldown 1 --seed 12 --max-targets 2% -o sample.jsonl \
  --summary sample.json -t list 2>log
report --transpose -t list --summary sample.json -o sample.html sample.jsonl
"$echoscan" report -q --summary summary.json -o listless.html results.jsonl.zst
expect_text listless.html "made without the lists"

# Two bundles, the later of which heard less in one region.
near "$echoscan" scan --allow-reserved --probes 2 --rate 100k --cooldown 1 --seed 13 --bundle first -t list 2>log
lab down
lab up --loss 20
near "$echoscan" scan --allow-reserved --probes 2 --rate 100k --cooldown 1 --seed 14 --bundle second -t list 2>log
"$echoscan" report -q second --against first -o against.html --png change.png --layer change
expect_text against.html "heard fewer by more than chance"
"$echoscan" compare -q --by slash24 --format csv first second >changes.csv
"$echoscan" aggregate -q --allow-reserved --by slash24,label --format csv -t list --summary second/data/summary.json \
  second/data/results.jsonl.zst >second.csv

# In the browser, which can reach nobody; it ends by itself or is ended.
"$echoscan" aggregate -q --allow-reserved --by slash24,label --format csv -t list --summary sample.json sample.jsonl >sample.csv
ip netns exec "$ECHOSCAN_LAB-browser" timeout 1500 /usr/bin/python3 -B "$root/tests/end_to_end/report_browser.py" \
  page.html several.csv several sample.html sample.csv sample against.html second.csv against=changes.csv \
  listless.html several.csv listless >browser 2>&1 || fail "in the browser: $(tail -20 browser)"

# What is refused.
refused() { # STATUS SENTENCE OPTION...
  local status=$1 sentence=$2
  shift 2
  expect_status "$status" "$echoscan" report "$@" >out 2>log
  expect_text log "$sentence"
}
given=(--allow-reserved -t list --summary summary.json)
refused 2 "no results" "${given[@]}"
refused 2 "a report needs the scan's summary" --allow-reserved -t list results.jsonl.zst
zstd -qdc results.jsonl.zst | jq -r .target >addresses
refused 2 "is a list of addresses; JSON lines are read" "${given[@]}" addresses
refused 2 "is not a summary" --allow-reserved -t list --summary list results.jsonl.zst
refused 2 "cannot read 'none'" "${given[@]}" none
refused 2 "--title: 'a" "${given[@]}" --title $'a\xff' results.jsonl.zst
refused 2 "are allowed" "${given[@]}" --budget 300k results.jsonl.zst
refused 2 "--budget" "${given[@]}" --budget 5 results.jsonl.zst
refused 2 "--budget" "${given[@]}" --budget 2G results.jsonl.zst
refused 2 "one of: rate, rtt, loss, label, change" "${given[@]}" --png x.png --layer speed results.jsonl.zst
refused 2 "needs a scan of several passes" --allow-reserved -t list --summary sample.json --png x.png --layer loss sample.jsonl
refused 2 "needs the scan's lists with their labels" --summary summary.json --png x.png --layer label results.jsonl.zst
refused 2 "--layer change needs an earlier scan" "${given[@]}" --png x.png --layer change results.jsonl.zst
refused 2 "'list' is no bundle" "${given[@]}" --against list results.jsonl.zst
refused 2 "--against says what changed in each network" --summary summary.json --against first results.jsonl.zst
near "$echoscan" scan --allow-reserved --rate 100k --cooldown 0.2 --bundle third 10.0.0.0/24 2>log
refused 2 "these are scans of different targets" third --against first
head -5 list >other
refused 2 "the lists are not those of the scan" --allow-reserved -t other --summary summary.json results.jsonl.zst
refused 2 "'results.jsonl.zst'" "${given[@]}" -o results.jsonl.zst results.jsonl.zst
refused 4 "cannot write to" "${given[@]}" -o none/page.html results.jsonl.zst
expect_equal "files left" "$(find . -name '*.part')" ""
