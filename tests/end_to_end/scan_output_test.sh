#!/usr/bin/env bash
# Where results go and in which form: formats, provisional names, compression, logs, and what is left behind
# when a scan is interrupted or killed.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
targets=10.1.0.0/20
quick=(--rate 20k --cooldown 1)
lab truth $targets | sort >"$work/truth"
cd "$work"

# Formats: the same results in each, and a choice of fields.
scan "${quick[@]}" --format ip $targets || fail "--format ip ended with $?"
sort out | cmp -s - truth || fail "--format ip is not the truth"
scan "${quick[@]}" --format csv $targets || fail "--format csv ended with $?"
expect_equal "first line" "$(head -1 out | cut -d, -f1-4)" "type,ts_us,target,saddr"
sed 1d out | cut -d, -f3 | sort | cmp -s - truth || fail "--format csv is not the truth"
expect_equal "columns" "$(awk -F, '{print NF}' out | sort -u | wc -l)" 1
expect_equal "lines" "$(summary .output.lines)" "$(wc -l <truth)"
expect_equal "bytes" "$(summary .output.bytes)" "$(wc -c <out)"
scan "${quick[@]}" --format csv --fields ttl,target $targets || fail "--fields ended with $?"
expect_equal "header" "$(head -1 out)" ttl,target
sed 1d out | cut -d, -f2 | sort | cmp -s - truth || fail "--fields is not the truth"
scan "${quick[@]}" --fields target,rtt_us $targets || fail "--fields ended with $?"
expect_equal "keys" "$(jq -c keys_unsorted out | sort -u)" '["target","rtt_us"]'
expect_status 2 scan --fields target,bogus $targets
expect_text log "'bogus' is not a field; the fields are: type, ts_us, target,"

# Where addresses are, from two databases; a wrong one is refused before anything is sent.
printf '%s\n' '10.1.0.0/21 {"country":{"iso_code":"NL"},"city":{"names":{"en":"Den \"Haag\""}}}' \
  '10.1.8.0/22 {"country":{"iso_code":"DE"}}' | "$ECHOSCAN_BUILD/tests/mmdb_file" city.mmdb GeoLite2-City
echo '10.1.0.0/22 {"asn":"AS64500","as_name":"EXAMPLE"}' | "$ECHOSCAN_BUILD/tests/mmdb_file" asn.mmdb flat-asn
scan "${quick[@]}" --mmdb city.mmdb --mmdb asn.mmdb $targets || fail "--mmdb ended with $?"
expect_text log "from GeoLite2-City, flat-asn"
jq -r '[.target, .country, .city, .asn, .as_org] | map(. // "-" | tostring) | join(" ")' out | sort >places
lab truth $targets | awk -F. '{
  country = $3 < 8 ? "NL" : $3 < 12 ? "DE" : "-"
  print $0, country, $3 < 8 ? "Den \"Haag\"" : "-", $3 < 4 ? "64500 EXAMPLE" : "- -"}' | sort | cmp -s - places ||
  fail "the places are not the databases'"
head -c 200 city.mmdb >cut.mmdb
for wrong in /nonexistent.mmdb cut.mmdb truth; do
  expect_status 2 scan --mmdb asn.mmdb --mmdb $wrong $targets
  expect_text log "--mmdb: "
  expect_text log "'$wrong'"
done

# A file has its name when it is complete, compressed or not; nothing else stays.
for name in results.jsonl results.jsonl.gz results.jsonl.zst; do
  scan "${quick[@]}" -o $name $targets || fail "-o $name ended with $?"
  case $name in *.gz) gzip -dc $name ;; *.zst) zstd -dcq $name ;; *) cat $name ;; esac >plain
  jq -r .target plain | sort | cmp -s - truth || fail "$name is not the truth"
  expect_equal "bytes before compression" "$(summary .output.bytes)" "$(wc -c <plain)"
done
expect_equal "provisional names left" "$(find . -name '*.part')" ""

# A log goes on where it ends, with one header.
for _ in 1 2; do scan "${quick[@]}" --append --format csv -o log.csv $targets || fail "--append ended with $?"; done
expect_equal "lines of the log" "$(wc -l <log.csv)" "$((2 * $(wc -l <truth) + 1))"
expect_equal "headers" "$(grep -c ^type log.csv)" 1
for _ in 1 2; do scan "${quick[@]}" --append -o log.jsonl.zst $targets || fail "--append ended with $?"; done
expect_equal "lines of the log" "$(zstd -dcq log.jsonl.zst | wc -l)" "$((2 * $(wc -l <truth)))"
expect_status 2 scan --append $targets
expect_text log "--append needs a file"

# Starts a long scan into FILE in the background and waits until its provisional file has something in it.
start_into() { # FILE OPTION...
  local name=$1
  shift
  rm -f summary
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --summary summary -o "$name" \
    --rate 100k --cooldown 1 "$@" 10.0.0.0/11 >out 2>log &
  pid=$!
  for _ in $(seq 600); do
    [ ! -s "$name.part" ] || return 0
    nap 0.1
  done
  fail "the scan does not get under way"
}

# Interrupted, it is complete as far as the scan came. An earlier file that holds something stays; an empty one does not.
for name in stopped.jsonl stopped.jsonl.zst; do
  echo earlier >$name
  start_into $name
  expect_equal "the earlier file meanwhile" "$(cat $name)" earlier
  kill -s INT $pid
  expect_status 130 wait $pid
  expect_equal "the earlier file" "$(cat $name)" earlier
  rm $name.part
  : >$name
  start_into $name
  kill -s INT $pid
  expect_status 130 wait $pid
  expect_equal "lines" "$(case $name in *.zst) zstd -dcq $name ;; *) cat $name ;; esac | jq -r .target | wc -l)" \
    "$(summary .ledger.replied)"
  [ ! -e $name.part ] || fail "$name.part is left"
done

# Killed, it keeps its provisional name, and the earlier file stays.
echo earlier >killed.jsonl.zst
start_into killed.jsonl.zst
sleep 2
kill -s KILL $pid
expect_status 137 wait $pid
expect_equal "the earlier file" "$(cat killed.jsonl.zst)" earlier
[ "$(zstd -dcq killed.jsonl.zst.part 2>/dev/null | grep -c '}$')" -gt 1000 ] || fail "killed.jsonl.zst.part has no lines"

# A second scan does not write into the first one's file.
start_into busy.jsonl
expect_status 4 scan --method af_packet -o busy.jsonl $targets
expect_text log "cannot write to 'busy.jsonl.part': another process is writing to it"
kill -s INT $pid
expect_status 130 wait $pid

# Devices and pipes are written directly.
scan "${quick[@]}" -o /dev/null $targets || fail "-o /dev/null ended with $?"
mkfifo pipe
cat pipe >read &
scan "${quick[@]}" --format ip -o pipe $targets || fail "-o a FIFO ended with $?"
wait $!
sort read | cmp -s - truth || fail "the FIFO's reader did not get the truth"
scan "${quick[@]}" --format ip -o /dev/stdout $targets || fail "-o /dev/stdout ended with $?"
sort out | cmp -s - truth || fail "-o /dev/stdout is not the truth"
