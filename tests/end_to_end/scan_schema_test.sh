#!/usr/bin/env bash
# What the program writes keeps to the schemas of docs/schema: results with everything in them and by a choice of
# fields, summaries of scans that finish, are cut short, fail, go on, are divided and merged, status, doctor and ping.
# The schemas refuse what is broken at random. And scan_id ties results, status and summary together.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../lab/legs.sh"

/usr/bin/python3 -c 'import jsonschema' 2>/dev/null || skip "python3-jsonschema is not installed"
seed=${ECHOSCAN_SCHEMA_SEED:-$RANDOM}
echo "seed $seed"
keeps_to() { /usr/bin/python3 "$root/tests/output/schema_check.py" --broken "$seed" "$@" || fail "the schema '$1', seed $seed"; }
scan_ids() { jq -r .scan_id "$1" | sort -u; }
mkdir "$work/summaries" "$work/statuses" "$work/doctors"
# Keeps the summary of the last scan, and says that it ended as expected.
keep() { # NAME OUTCOME
  expect_equal "outcome of $1" "$(summary .outcome)" "$2"
  mv "$work/summary" "$work/summaries/$1"
}

lab up --zoo
cd "$work"
printf '%s\n' '10.0.0.0/15 {"country":{"iso_code":"NL"},"city":{"names":{"en":"Den Haag"}}}' |
  "$ECHOSCAN_BUILD/tests/mmdb_file" city.mmdb GeoLite2-City
echo '10.0.0.0/16 {"asn":"AS64500","as_name":"EXAMPLE \"one\""}' | "$ECHOSCAN_BUILD/tests/mmdb_file" asn.mmdb flat-asn
printf '10.0.0.0/17 west "1"\n10.0.128.0/17\n10.2.0.0/16 S\303\243o\n' >list
printf '10.0.3.0/24\n# all\n' >holes
gzip -k list
mkfifo fifo
all=(--rate 100k --emit errors,repeats --mmdb city.mmdb --mmdb asn.mmdb --cooldown 2 --probes 3 --control 0.1%)

# Everything that a line and a summary can have.
gzip -dc list.gz >fifo &
scan "${all[@]}" --notes "a note" --user-metadata '{"a": [1, {"b": null}]}' --status json --status-interval 0.5 \
  --status-file status -t fifo -t list.gz -t - --exclude-file holes 10.3.0.0/24 <list || fail "ended with $?"
keeps_to result out
for field in off_target rtt_trusted pass quoted_ttl country city asn as_org label; do
  grep -qF "\"$field\":" out || fail "no line has $field"
done
grep '^{"type":"status"' log >statuses/log
cp status statuses/file
id=$(summary .scan_id)
grep -qE '^[a-f][0-9a-f]{15}$' <<<"$id" || fail "scan_id is '$id'"
expect_equal "scan_id of lines" "$(scan_ids out)" "$id"
expect_equal "scan_id of the status" "$(cat statuses/* | jq -r .scan_id | sort -u)" "$id"
expect_text log "  scan_id   $id"
expect_equal "kernel and machine" "$(summary '.origin | "\(.kernel) \(.machine)"')" "$(uname -rm)"

# Its lists, as sha256sum has their files.
digest() { sha256sum "$1" | cut -d' ' -f1; }
expect_equal "lists" "$(summary '.lists[] | "\(.role) \(.name) \(.digest) \(.bytes) \(.entries)"' | grep -v /etc/echoscan)" \
"targets fifo sha256:$(digest list) $(stat -c %s list) 3
targets list.gz sha256:$(digest list.gz) $(stat -c %s list.gz) 3
targets - sha256:$(digest list) $(stat -c %s list) 3
exclude holes sha256:$(digest holes) $(stat -c %s holes) 1"
keep everything finished

# A choice of fields: always there, null where unknown; the whole of them is the table.
fields=$(jq -r '.properties | keys_unsorted | join(",")' "$root/docs/schema/result.schema.json")
scan "${all[@]}" --fields "$fields" -t list || fail "--fields ended with $?"
keeps_to result#chosen out
expect_equal "keys of the lines" "$(jq -c keys_unsorted out | sort -u)" "$(jq -cn --arg f "$fields" '$f | split(",")')"
keep fields finished
"$echoscan" aggregate --by asn,label --format json out >by_null || fail "aggregate ended with $?"
jq -c 'with_entries(select(.value != null))' out >absent
keeps_to result absent
"$echoscan" aggregate --by asn,label --format json absent | cmp - by_null || fail "null is not absent to aggregate"
cmp <("$echoscan" targets --allow-reserved -t out 2>&1) <("$echoscan" targets --allow-reserved -t absent 2>&1) ||
  fail "null is not absent to a list"
scan --rate 100k --cooldown 1 --emit errors --fields label,rtt_us,quoted_ttl 10.0.0.0/18 || fail "--fields ended with $?"
keeps_to result#chosen out
expect_equal "keys of three" "$(jq -c keys_unsorted out | sort -u)" '["label","rtt_us","quoted_ttl"]'
keep three finished

# CSV has it as its last column. Each scan has its own.
scan --rate 100k --cooldown 1 --format csv 10.0.0.0/20 || fail "ended with $?"
expect_equal "last column" "$(head -1 out | awk -F, '{ print $NF }') $(sed 1d out | awk -F, '{ print $NF }' | sort -u)" \
  "scan_id $(summary .scan_id)"
[ "$(summary .scan_id)" != "$id" ] || fail "two scans have one scan_id"
keep csv finished
scan --dry-run --cooldown 1 10.0.0.0/30 || fail "a dry run ended with $?"
! grep -q scan_id out log || fail "a dry run has a scan_id"

# Ways to send and to end.
scan --rate 50k --cooldown 1 --method raw_socket -t list || fail "raw_socket ended with $?"
keep kernel finished
keeps_to result out
scan --rate 1k --cooldown 0.5 --max-runtime 1 -t list || fail "--max-runtime ended with $?"
keep runtime "stopped at --max-runtime"
scan --rate 10k --cooldown 0.5 --max-results 100 -t list || fail "--max-results ended with $?"
keep results "stopped at --max-results"
scan --rate 10k --cooldown 0.5 --min-hit-rate 90% -t list || status=$?
keep hits "stopped, hit rate too low"
expect_status 4 scan --rate 100k --cooldown 0.5 -o /dev/full 10.0.0.0/16
keep full "stopped, output failed"
start_scan --rate 5k -t list
kill -INT $pid
wait $pid || status=$?
keep interrupted interrupted

# A scan that goes on is one scan.
kill_and_end legs.jsonl "3000 9000" --rate 5k --cooldown 0.5 --no-sandbox 10.0.0.0/18
expect_equal "scan_id over three legs" "$(scan_ids legs.jsonl)" "$(summary .scan_id)"
keeps_to result legs.jsonl
keep legs finished

# Shards keep theirs in the lines, and the merged summary has them by shard.
for shard in 0 1 2; do
  scan --rate 100k --seed 5 --cooldown 1 --shard $shard/3 -o s$shard.jsonl 10.0.0.0/18 || fail "shard $shard ended with $?"
  cp summary s$shard.json
  keep shard$shard finished
done
"$echoscan" merge -o all.jsonl --summary summaries/merged s[012].json 2>log || fail "merge ended with $?"
"$echoscan" merge --partial -o part.jsonl --summary summaries/partial s0.json s2.json 2>log || fail "merge ended with $?"
expect_equal "scan_id of the merged" "$(jq -c '[.scan_id, .outcome]' summaries/merged)" '[null,"finished"]'
expect_equal "scan_id of the parts" "$(jq -r '.merge.shards[].scan_id' summaries/merged | sort)" "$(scan_ids all.jsonl)"
expect_equal "parts" "$(scan_ids all.jsonl | wc -l)" 3
keeps_to result all.jsonl

# A bundle without addresses says nothing of lists, and has a doctor's object.
near "$echoscan" scan --allow-reserved --rate 100k --cooldown 1 --bundle bundle --publish slash24 -t list 2>log ||
  fail "--bundle ended with $?"
cp bundle/data/summary.json summaries/bundle
cp bundle/data/doctor.json doctors/bundle
expect_equal "lists in a bundle without addresses" "$(jq -c .lists summaries/bundle)" '[]'

# The doctor: as root, who only looks, who may do nothing, where there is no way, and of a card that is not there.
near "$echoscan" doctor --json --to 10.0.0.0/24 >doctors/root 2>log || fail "the doctor ended with $?: $(cat doctors/root)"
near "$echoscan" doctor --json --read-only --to 10.0.0.0/24 >doctors/looks 2>log || fail "the doctor ended with $?"
expect_status 3 near setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
  "$echoscan" doctor --json --to 10.0.0.0/24 >doctors/nobody 2>log
near ip route add unreachable 203.0.113.0/24
expect_status 3 near "$echoscan" doctor --json --to 203.0.113.0/24 >doctors/no_way 2>log
near "$echoscan" doctor --json -i 0000:7f:1f.7 >doctors/card 2>log || status=$?
expect_equal "forms" "$(jq -c 'has("card")' doctors/* | sort | uniq -c | awk '{ print $2 }' | xargs)" "false true"

# A ping: answers are results, and whoever is silent has a line of its own kind.
near "$echoscan" ping --json --timeout 0.3 --retry 1 -i 0.001 10.0.0.0/24 >ping 2>log || status=$?
grep -vE '^\{"type":"(silent|unfinished)"' ping >answers || fail "nobody answered the ping"
grep -E '^\{"type":"(silent|unfinished)"' ping >silent || fail "nobody is silent"
keeps_to result answers
keeps_to ping silent
expect_equal "scan_id of a ping" "$(scan_ids ping | wc -l)" 1

# What a driver counts has names that no schema knows. The device takes what is sent, and has nowhere to send it.
if [ -e "$ECHOSCAN_BUILD/libechoscan_dpdk.so" ]; then
  scan --method dpdk -i net_null0 --dpdk-args "--no-huge --vdev=net_null0" --source-ip 192.0.2.1 \
    --gateway-mac 02:00:00:00:00:02 --rate 10k --cooldown 0.5 10.0.0.0/24 || fail "the scan by dpdk ended with $?"
  expect_equal "what the driver has counted as sent" "$(summary .receiving.driver_counters.tx_good_packets)" 256
  keep dpdk finished
fi

keeps_to summary summaries/*
keeps_to status statuses/*
keeps_to doctor doctors/*
