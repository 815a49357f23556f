#!/usr/bin/env bash
# Manners: opt-out lists are never without effect unnoticed, and the system-wide one always applies and is said; a scan
# that has found enough, or nothing, stops.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
cd "$work"

# An exclusion list that excludes nothing, however it came to that, ends every command before anything is sent.
: >empty
printf '# nobody yet\n\n' >comments
gzip -c empty >empty.gz
echo '{"prefixes": []}' >empty.json
printf '%s\n' '{"target":"10.1.0.1","rtt_us":1}' >results
sent=$(lab stats | awk '$1 == "requests" { print $2 }')
for list in empty comments empty.gz empty.json missing /; do
  expect_status 2 scan --exclude-file $list 10.1.0.0/24
  expect_text log "$list'"
  [ $list = missing ] || [ $list = / ] || expect_text log "excludes nothing"
  expect_status 2 scan --dry-run --exclude-file $list 10.1.0.0/24
  expect_equal "targets printed" "$(cat out)" ""
  expect_status 2 "$echoscan" targets --allow-reserved --exclude-file $list 10.1.0.0/24 >out 2>log
  expect_text log "$list'"
  expect_status 2 "$echoscan" aggregate --allow-reserved --exclude-file $list -t <(echo 10.1.0.0/24) results >out 2>log
  expect_text log "$list'"
done
expect_status 2 scan --exclude-file - 10.1.0.0/24 </dev/null
expect_text log "'-' excludes nothing"
printf 'exclude-file = "empty"\n' >config
expect_status 2 scan --config config 10.1.0.0/24
expect_status 2 scan -x "" 10.1.0.0/24
expect_equal "requests at the far end" "$(lab stats | awk '$1 == "requests" { print $2 }')" "$sent"

scan_with() { # LIST ARGUMENT...
  local list=$1
  shift
  rm -f summary
  on_machine_with "$list" ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --cooldown 0.5 \
    --summary summary "$@" >out 2>log
}
path=/etc/echoscan/exclude.txt
printf '10.1.1.0/24  # asked on a Monday\n10.1.2.0/25\n203.0.113.0/24\n' >optout

# It is taken off behind the user's own, counted, and said in all places.
scan_with optout --rate 20k -x 10.1.1.0/25 10.1.0.0/22 -o results.jsonl || fail "ended with $?"
cp results.jsonl out
cp summary whole.json
expect_truth 10.1.0.0/24 10.1.2.128/25 10.1.3.0/24
expect_equal "excluded" "$(summary '.targets | "\(.excluded_by_user) \(.excluded_by_system_list)"')" "128 256"
expect_text log "256 of the listed addresses are excluded by the system-wide list $path"
expect_text log "640 of 1,024 listed addresses to probe (128 excluded, 256 excluded by $path)"
expect_text log "1,024 listed, 128 excluded, 256 excluded by the system-wide list"
scan_with optout --dry-run --seed 1 10.1.0.0/22 || fail "ended with $?"
expect_equal "addresses of the list in a dry run" "$(grep -c '^10\.1\.1\.' out || [ $? = 1 ])" 0
expect_equal "addresses of a dry run" "$(wc -l <out)" 640
on_machine_with optout "$echoscan" targets --allow-reserved 10.1.0.0/22 >out 2>log || fail "ended with $?"
expect_text out "384  by $path"
expect_text out "640  to probe"
# Nothing lifts it.
expect_status 2 scan_with optout --allow-range 10.0.0.0/8 10.1.1.0/24
expect_text log "256 by $path"
# It is an input: no result is written over it.
expect_status 2 scan_with optout -o $path 10.1.0.0/24
expect_text log "is the same file as the system-wide list"

# One that is wrong ends every command; --skip-bad-lines does not pass over it.
printf '10.1.1.0/24\n10.1.2.1/24\n' >wrong
ln -s nowhere dangling
for list in wrong empty empty.gz empty.json dangling; do
  for options in "--rate 1k" --dry-run --skip-bad-lines; do
    expect_status 2 scan_with $list $options 10.1.0.0/24
    expect_text log $path
  done
  expect_status 2 on_machine_with $list "$echoscan" targets --allow-reserved 10.1.0.0/24 >out 2>log
  expect_text log $path
done

# One of comments alone, as the package brings it, is none.
scan_with comments --rate 20k 10.1.0.0/24 || fail "with comments alone it ended with $?"
expect_truth 10.1.0.0/24
expect_equal "the list" "$(summary .targets.system_list_digest)" null

# The rates are of what was probed: with the scan's own list, with a copy of it, and with no other one.
echo 10.1.0.0/22 >list
aggregate=("$echoscan" aggregate --format json -t list -x 10.1.1.0/25 --allow-reserved results.jsonl)
networks() { jq -c '[.slash24[] | [.group, .targets]] | sort' out; }
truth='[["10.1.0.0/24",256],["10.1.2.0/24",128],["10.1.3.0/24",256]]'
on_machine_with optout "${aggregate[@]}" --summary whole.json >out 2>log || fail "ended with $?"
expect_equal "targets by network" "$(networks)" "$truth"
echo 10.1.3.0/24 >other
for machine in optout other; do
  on_machine_with $machine "${aggregate[@]}" --exclude-file optout --summary whole.json >out 2>log || fail "ended with $?"
  expect_equal "targets by network" "$(networks)" "$truth"
done
"${aggregate[@]}" --exclude-file optout --summary whole.json >out 2>log || fail "ended with $?"
expect_equal "targets by network" "$(networks)" "$truth"
expect_status 2 on_machine_with other "${aggregate[@]}" --summary whole.json >out 2>log
expect_text log "the $path of the machine that scanned, which is not this machine's"
# A scan on a machine without a list does not lose its rates to one that has one.
scan --cooldown 0.5 --rate 20k -x 10.1.1.0/25 10.1.0.0/22 || fail "ended with $?"
cp out results.jsonl
on_machine_with other "${aggregate[@]}" --summary summary >out 2>log || fail "ended with $?"
expect_equal "networks" "$(networks | jq length)" 4

# --max-results ends the sending soon after, keeps the cooldown, and loses nobody who was probed.
scan --rate 20k --cooldown 0.5 --max-results 200 10.0.0.0/12 || fail "--max-results ended with $?"
expect_equal "outcome" "$(summary .outcome)" "stopped at --max-results"
[ "$(summary .ledger.replied)" -ge 200 ] || fail "only $(summary .ledger.replied) replied"
expect_equal "lines" "$(wc -l <out)" "$(summary .ledger.replied)"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
[ "$(summary .ledger.not_sent.stopped)" -gt 0 ] || fail "nothing was left unsent"

# --min-hit-rate ends a scan of a network where nobody answers, when that is certain; where one in eight does, it does not.
expect_status 5 scan --rate 50k --cooldown 1 --min-hit-rate 0.1% -o nothing.jsonl 9.0.0.0/12
expect_equal "outcome" "$(summary .outcome)" "stopped, hit rate too low"
expect_text log "0 of the first "
expect_text log "and --min-hit-rate asks for 0.1 %; is it the right interface"
expect_text summary "targets replied, which is between 0 and 0."
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
[ "$(summary .ledger.sent)" -ge 7600 ] || fail "stopped after $(summary .ledger.sent) probes"
[ "$(summary .ledger.not_sent.stopped)" -gt 0 ] || fail "nothing was left unsent"
[ ! -e nothing.jsonl.part ] || fail "the results were left as a part"
scan --rate 50k --cooldown 1 --min-hit-rate 10% 10.0.0.0/15 || fail "a scan with replies ended with $?"
expect_equal "outcome" "$(summary .outcome)" finished

# --per-slash24: counted at the far end, no /24 gets more than its share. Twenty networks of 256 targets, and some of few.
{
  echo 10.1.0.0-10.1.19.255
  for i in $(seq 64); do echo 10.2.$i.1-10.2.$i.20; done
} >uneven
cat >"$work/count.py" <<'PYTHON'
"""Notes the kernel's time and the target of each echo request to 10.0.0.0/8 that arrives, until it is killed."""
import socket, struct, sys
SO_TIMESTAMPNS = 35
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
s.bind(("lab1", 0x0800))
print("ready", flush=True)
with open(sys.argv[1], "w", buffering=1) as out:
    while True:
        frame, control, _, _ = s.recvmsg(2048, 64)
        if frame[23] == 1 and frame[34] == 8 and frame[30] == 10:
            seconds, nanoseconds = struct.unpack("qq", control[0][2])
            out.write(f"{seconds + nanoseconds / 1e9:.6f} {frame[30]}.{frame[31]}.{frame[32]}\n")
PYTHON
lab down
lab up --mode kernel
ip netns exec "$ECHOSCAN_LAB-far" python3 -B count.py arrived >ready &
started+=($!)
for _ in $(seq 600); do
  [ ! -s ready ] || break
  nap 0.1
done
expect_equal "the counter" "$(cat ready)" ready
scan --method raw_socket --per-slash24 40 --rate max --cooldown 0.5 -t uneven || fail "--per-slash24 ended with $?"
# 6,400 targets, 256 of them in each of the densest.
expect_equal "the rate" "$(summary '"\(.sending.rate_asked_pps) \(.sending.rate_allowed_pps)"')" "max 1000"
expect_text log "--per-slash24 40 lowers the rate to 1,000 a second: 256 of 6,400 targets are in the densest /24"
expect_text log "(asked: max, by --per-slash24 1,000)"
expect_equal "arrived" "$(wc -l <arrived)" 6400
# In any second 1.25 times 40, as the pacer may catch up, and what is once in a thousand million of such; a machine whose
# softirqs come late has them together, for which there is as much again.
awk '{ at[NR] = $1; net[NR] = $2; ++count[$2]; while (at[NR] - at[++first] > 1) --count[net[first]]; --first
       if (count[$2] > most) most = count[$2] } END { print most }' arrived >most
[ "$(cat most)" -le 150 ] || fail "a /24 got $(cat most) probes in a second"
awk 'NR == 1 { begin = $1 } END { exit !($1 - begin > 6.3) }' arrived || fail "the whole took less than 6.3 s"
expect_text <(scan --dry-run --rate 10k --per-slash24 40 --shard 0/4 --seed 1 -t uneven; cat log) "lowers the rate to 250 a second"
scan --dry-run --rate 10k -t uneven || fail "ended with $?"
expect_text log "256 of 6,400 targets are in the densest /24, which gets 400 probes a second"
