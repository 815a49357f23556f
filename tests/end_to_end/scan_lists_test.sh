#!/usr/bin/env bash
# Lists end to end: an overlapping labelled list gives the labels that it should, each count by label is the truth,
# compressed and clouds' lists scan as they are, and `echoscan targets` agrees with what is then probed.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
cat >"$work/list" <<'LIST'
# the estate, by site
10.1.0.0/20                     wide
10.1.4.0/22                     Paris/"web"
10.1.4.128-10.1.5.255           mail
10.1.4.128-10.1.5.255           mail, later
10.1.6.0/24
10.1.32.0/22
LIST
targets=(10.1.0.0/20 10.1.32.0/22)

# The rule once more, by hand: what belongs to whom.
{
  lab truth 10.1.0.0-10.1.3.255 10.1.8.0-10.1.15.255 | sed 's/$/ wide/'
  lab truth 10.1.4.0-10.1.4.127 10.1.7.0/24 | sed 's/$/ Paris\/"web"/'
  lab truth 10.1.4.128-10.1.5.255 | sed 's/$/ mail, later/'
  lab truth 10.1.6.0/24 10.1.32.0/22 | sed 's/$/ (none)/'
} | sort >"$work/expected"

# What was found, with its label, is that; and so are the summary's counts.
expect_labels() {
  expect_truth "${targets[@]}"
  jq -r '"\(.target) \(.label // "(none)")"' "$work/out" | sort >"$work/labelled"
  cmp -s "$work/labelled" "$work/expected" || fail "labels differ: $(diff "$work/labelled" "$work/expected" | head -5)"
  cut -d' ' -f2- "$work/expected" | sort | uniq -c | awk '{$1 = $1} 1' | sort >"$work/replied"
  summary '.labels[] | "\(.replied) \(.label // "(none)")"' | sort | cmp -s - "$work/replied" ||
    fail "replied by label is $(summary -c .labels)"
  expect_equal "targets by label" "$(summary '[.labels[].targets] | add')" "$(summary .targets.count)"
  expect_equal "sent by label" "$(summary '[.labels[].sent] | add')" "$(summary .ledger.sent)"
  expect_equal "replied by label" "$(summary '[.labels[].replied] | add')" "$(summary .ledger.replied)"
}

for method in af_xdp af_packet; do
  scan --method $method --cooldown 1 -t "$work/list" || fail "ended with $?"
  expect_labels
  expect_equal "listed repeatedly" "$(summary .targets.listed_repeatedly)" 1024
  expect_equal "label of $method" "$(summary '.labels[] | select(.label == "Paris/\"web\"") | .targets')" 384
done
expect_text "$work/log" '1,024 addresses are listed more than once'
expect_text "$work/log" ' replied of 3,072 targets ('

# The same by standard input, compressed; through a FIFO; and the ranges of `echoscan targets` in its place.
for pack in gzip "zstd -q"; do
  near "$echoscan" scan --allow-range 10.0.0.0/8 --cooldown 1 --summary "$work/summary" -t - \
    < <($pack -c <"$work/list") >"$work/out" 2>"$work/log" || fail "$pack on standard input ended with $?"
  expect_labels
done
mkfifo "$work/fifo"
"$echoscan" targets --allow-reserved -q --list -t "$work/list" >"$work/fifo" &
scan --cooldown 1 -t "$work/fifo" || fail "a FIFO ended with $?"
wait $!
expect_labels
expect_equal "ranges listed" "$("$echoscan" targets --allow-reserved --format json -t "$work/list" | jq -r .digest)" "$(summary .targets.digest)"

# A label that is filtered for is all that is probed.
scan --cooldown 1 -t "$work/list" --label-filter '^mail|web' || fail "ended with $?"
expect_truth 10.1.4.0/22
expect_equal "filtered" "$(summary .targets.filtered_entries)" 3

# The clouds' shapes. The lab's world is in 10.0.0.0/8, so the networks are moved there.
for cloud in amazon google microsoft oracle github; do
  sed 's/198\.18\./10.18./' "$root/tests/targets/lists/$cloud.json" >"$work/list.json"
  scan --cooldown 1 -t "$work/list.json" || fail "$cloud's list ended with $?"
  jq -r '[.. | strings | select(test("^10\\.18\\."))] | unique[]' "$work/list.json" >"$work/prefixes"
  mapfile -t prefixes <"$work/prefixes"
  expect_truth "${prefixes[@]}"
  [ "$(summary .targets.ipv6_entries)" -gt 0 ] || fail "$cloud's IPv6 entries were not counted"
  expect_equal "$cloud's replies by label" "$(summary '[.labels[].replied] | add')" "$(wc -l <"$work/out")"
done

# Others' lists, each as it is published; Python's reading of them is published_lists_test.py's.
for name in geofeed.csv ranges.csv routes.pfx2as delegated.txt drop.jsonl; do
  sed 's/198\.18\./10.18./g' "$root/tests/targets/lists/$name" >"$work/list.other"
  scan --cooldown 1 -t "$work/list.other" || fail "$name ended with $?"
  mapfile -t ranges < <("$echoscan" targets --allow-reserved -q --list -t "$work/list.other" | cut -d' ' -f1)
  expect_truth "${ranges[@]}"
  expect_equal "$name's replies by label" "$(summary '[.labels[].replied] | add')" "$(wc -l <"$work/out")"
  expect_equal "IPv6 entries of $name" "$(summary .targets.ipv6_entries)" 1
done

# Own results are a list: who answered, with the same labels; and as exclusions nobody of them is asked.
scan --cooldown 1 -t "$work/list" || fail "ended with $?"
cp "$work/out" "$work/earlier.jsonl"
jq -r '"\(.target) \(.label // "(none)")"' "$work/earlier.jsonl" | sort -u >"$work/answered"
zstd -q -f "$work/earlier.jsonl" -o "$work/earlier.jsonl.zst"
gzip -k -f "$work/earlier.jsonl"
for results in earlier.jsonl earlier.jsonl.zst earlier.jsonl.gz; do
  scan --cooldown 1 -t "$work/$results" || fail "$results ended with $?"
  expect_equal "targets of $results" "$(summary .targets.count)" "$(wc -l <"$work/answered")"
  jq -r '"\(.target) \(.label // "(none)")"' "$work/out" | sort -u | cmp -s - "$work/answered" ||
    fail "$results did not give the same hosts with the same labels"
done
scan --cooldown 1 --format csv -t "$work/list" || fail "ended with $?"
cp "$work/out" "$work/earlier.csv"
scan --cooldown 1 -t "$work/earlier.csv" || fail "results as CSV ended with $?"
jq -r '"\(.target) \(.label // "(none)")"' "$work/out" | sort -u | cmp -s - "$work/answered" ||
  fail "results as CSV did not give the same hosts with the same labels"
scan --cooldown 1 -t "$work/list" --exclude-file "$work/earlier.jsonl" || fail "without them it ended with $?"
expect_equal "who answered, excluded" "$(summary .targets.excluded_by_user)" "$(wc -l <"$work/answered")"
expect_equal "replies without who answered" "$(wc -l <"$work/out")" 0

# A label that is too long is cut, and the log says of which list.
{ printf '10.1.0.0/28 '; head -c 300 /dev/zero | tr '\0' x; printf '\n'; } >"$work/long"
scan --cooldown 1 -t "$work/long" || fail "a long label ended with $?"
expect_text "$work/log" "$work/long: 1 label was cut at 255 bytes"
expect_equal "the longest label" "$(summary '.labels[].label | length')" 255
sed 's/198\.18\./10.18./' "$root/tests/targets/lists/microsoft365.json" >"$work/list.json"
scan --cooldown 1 -t "$work/list.json" || fail "Microsoft 365's list ended with $?"
expect_text "$work/log" "1 entry is left out, since it names hosts and no address"
expect_status 2 scan -t "$work/list" --exclude-file "$work/list.json"
expect_text "$work/log" "it names hosts (urls) and no address"
printf '10.1.0.1\nhost.example.net\n' >"$work/hosts"
expect_status 2 scan -t "$work/hosts"
expect_text "$work/log" '`echoscan ping host.example.net` asks it, `dig +short host.example.net` prints its addresses, and --resolve'
# They are looked up on demand, each for all its addresses; who has none is named, and never passed over as an exclusion.
hosts=/etc/netns/$ECHOSCAN_LAB-near
made_folders+=("$hosts")
mkdir -p "$hosts"
# shellcheck disable=SC2046 # words on purpose
set -- $(lab truth 10.1.2.0/24)
printf '%s two.example.net\n%s two.example.net\n%s one.example.net\n' "$1" "$2" "$3" >"$hosts/hosts"
echo 'hosts: files' >"$hosts/nsswitch.conf"
printf '# names\n%s\ntwo.example.net\none.example.net  the one # a comment\n' "$4" >"$work/names"
scan --resolve --cooldown 1 -t "$work/names" || fail "--resolve ended with $?"
expect_equal "found by name" "$(jq -r '"\(.target) \(.label)"' "$work/out" | sort)" \
  "$(printf '%s two.example.net\n%s two.example.net\n%s the one\n%s null\n' "$1" "$2" "$3" "$4" | sort)"
expect_text "$work/log" "2 names of hosts were looked up"
scan --resolve --cooldown 1 10.1.2.0/24 -x two.example.net --exclude-file <(echo one.example.net) || fail "excluded names ended with $?"
expect_equal "excluded by name" "$(summary .targets.excluded_by_user)" 3
expect_equal "found of those" "$(found | grep -cxF -e "$1" -e "$2" -e "$3" || [ $? = 1 ])" 0
echo nobody.example.net >>"$work/names"
expect_status 2 scan --resolve -t "$work/names"
expect_text "$work/log" "names:5: nobody.example.net: it cannot be looked up: "
scan --resolve --skip-bad-lines --cooldown 1 -t "$work/names" || fail "--resolve --skip-bad-lines ended with $?"
expect_equal "names without an address" "$(summary .targets.bad_lines)" 1
expect_status 2 scan --resolve --skip-bad-lines 10.1.0.0/24 --exclude-file "$work/names"
expect_text "$work/log" "nobody.example.net: it cannot be looked up: "
expect_status 2 scan --resolve one.example.net nobody.example.net
expect_text "$work/log" "target: nobody.example.net: it cannot be looked up: "

echo '# nothing yet' >"$work/nothing"
scan --cooldown 1 -t "$work/list" -t "$work/nothing" || fail "an empty list beside another ended with $?"
expect_text "$work/log" "the list '$work/nothing' holds no targets"

# Mistakes, each named, before anything is sent; those in a list can be skipped.
printf '10.1.0.0/24 a\n10.1.1.1/24 b\n10.1.2.0/24 c\n' >"$work/wrong"
expect_status 2 scan -t "$work/wrong"
expect_text "$work/log" "wrong:2: 10.1.1.1/24: host bits are set; the network is 10.1.1.0/24"
scan --cooldown 1 --skip-bad-lines -t "$work/wrong" || fail "--skip-bad-lines ended with $?"
expect_truth 10.1.0.0/24 10.1.2.0/24
expect_equal "bad lines" "$(summary .targets.bad_lines)" 1
expect_text "$work/log" "1 bad line skipped"
gzip -c <"$work/list" | head -c 60 >"$work/cut"
expect_status 2 scan --skip-bad-lines -t "$work/cut"
expect_text "$work/log" "cut': the gzip data ends early"
expect_status 2 scan --label-filter '(' -t "$work/list"
expect_text "$work/log" "--label-filter: '(' is not a regular expression"
expect_status 2 "$echoscan" targets 10.0.0.1 >"$work/out" 2>"$work/log"
expect_text "$work/out" "10.0.0.0/8         private use, RFC 1918"
expect_text "$work/log" "no targets are left"
"$echoscan" targets 8.0.0.0/8 >/dev/full 2>"$work/log" && fail "a full disk went unnoticed"
expect_text "$work/log" "could not be written"

# The digest is what anyone computes from the ranges.
"$echoscan" targets --list -q 192.0.0.0/15 9.9.9.9 >"$work/ranges"
expect_equal "digest" "sha256:$(sha256sum <"$work/ranges" | cut -d' ' -f1)" \
  "$("$echoscan" targets --format json 192.0.0.0/15 9.9.9.9 | jq -r .digest)"
