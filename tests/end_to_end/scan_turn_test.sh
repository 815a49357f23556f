#!/usr/bin/env bash
# A scan that a scheduler begins again: the same command goes on where the last turn stood, ends at once where it has
# finished, and waits for one that is still at it.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
cd "$work"
targets=10.1.0.0/16
lab truth $targets >truth
turn() { near "$echoscan" scan --allow-reserved --rate 8k --cooldown 1 --summary s.json -o s.jsonl "$@" 2>log; }
size() { stat -c %s s.jsonl.part 2>/dev/null || echo 0; }
begin_turn() { # back when the results are under way
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --rate 8k --cooldown 1 --summary s.json -o s.jsonl "$@" \
    2>first.log &
  pid=$!
  local before
  before=$(size)
  for _ in $(seq 300); do
    [ "$(size)" -lt $((before + 50000)) ] || return 0
    nap 0.1
  done
  fail "the turn does not get under way: $(tail -5 first.log)"
}
expect_whole() {
  jq -r .target s.jsonl | sort -u | cmp -s - <(sort truth) || fail "found is not the truth, $1"
  expect_equal "lines, $1" "$(wc -l <s.jsonl)" "$(wc -l <truth)"
  expect_equal "adds_up, $1" "$(jq .ledger.adds_up s.json)" true
}
new() { rm -f s.*; }

# Killed, stopped, killed again, always the same command.
begin_turn --continue $targets
kill -KILL $pid
wait $pid || expect_equal "exit status of the killed" $? 137
begin_turn --continue $targets
kill -TERM $pid
wait $pid || expect_equal "exit status of the stopped" $? 143
turn --continue $targets || fail "the last turn ended with $?"
expect_text log "on $(uname -n) has left"
expect_whole "after three turns"
expect_equal "outcomes" "$(jq -r '[.legs[].outcome] | join(" ")' s.json)" "killed terminated finished"
expect_equal "files beside the results" "$(ls | grep '^s\.' | xargs)" "s.json s.jsonl s.jsonl.scan"

# A further turn sends nothing and changes nothing.
before=$(stat -c '%i %Y' s.jsonl s.json)
sent=$(lab stats | jq .probes)
turn --continue $targets || fail "a turn behind the last ended with $?"
expect_text log "on $(uname -n): nothing is left to do"
expect_equal "the files" "$(stat -c '%i %Y' s.jsonl s.json)" "$before"
expect_equal "probes" "$(lab stats | jq .probes)" "$sent"
expect_status 2 turn --resume s.jsonl
expect_status 2 near "$echoscan" scan --resume s.jsonl 2>log
expect_text log "has finished"

# What another command has left is not gone on with.
expect_status 2 turn --continue $targets -x 10.1.0.1
expect_text log "was begun by another command"
printf '%s\n' "$targets" >list
printf 'seed = 4\n' >conf
listed_turn() { near "$echoscan" scan --allow-reserved --continue --rate 50k --cooldown 0.5 --config conf -t list -o l.jsonl 2>log; }
listed_turn || fail "the first turn ended with $?"
listed_turn || fail "a turn behind the last ended with $?"
expect_text log "nothing is left to do"
echo 10.9.0.0/24 >>list
expect_status 2 listed_turn
expect_text log "the lists have changed"
printf '%s\n' "$targets" >list
for changed in 'seed = 5' 'seed = 4\nprobes = 2' 'seed = 4\nmax-targets = 100' 'seed = 4\nshard = "0/2"'; do
  printf '%b\n' "$changed" >conf
  expect_status 2 listed_turn
done
printf 'seed = 4\n' >conf
listed_turn || fail "with everything as it was: ended with $?"
mv s.jsonl elsewhere
expect_status 2 turn --continue $targets
expect_text log "has finished, and the file is not there; --no-continue begins anew"
turn --no-continue $targets || fail "--no-continue ended with $?"
expect_whole "anew"
expect_equal "legs" "$(jq '.legs | length' s.json)" 1

# Two at one time: the second waits, and is too late or has nothing left to do.
new
begin_turn --continue $targets
expect_status 75 turn --continue --wait 0.5 $targets
expect_text log "on $(uname -n) is at 's.jsonl', still after 0.5 s (--wait)"
wait $pid || fail "the first of two ended with $?"
new
begin_turn --continue $targets
turn --continue $targets || fail "the second of two ended with $?"
wait $pid || fail "the first of two ended with $?"
expect_text log "waiting for its end, 60 s at most"
expect_text log "nothing is left to do"
expect_whole "of two at one time"

# The first turn was on another machine, of which nothing was heard for 56 s: 4 s more, then it counts as dead.
new
begin_turn --continue $targets
kill -KILL $pid
wait $pid || expect_equal "exit status of the killed" $? 137
silent_for() { # SECONDS
  jq -c ".boot_id = \"another\" | .legs[-1].host = \"n7\" | .legs[-1].end_ms = (now * 1000 | floor) - $1 * 1000" \
    s.jsonl.scan >changed
  cat changed >s.jsonl.scan
}
silent_for 0
expect_status 75 turn --continue --wait 0.2 $targets
expect_text log "on n7 is at 's.jsonl'"
begin=$SECONDS
silent_for 56
turn --continue $targets || fail "after the lease: ended with $?"
[ $((SECONDS - begin)) -ge 3 ] || fail "the lease was not waited for: $((SECONDS - begin)) s"
expect_whole "after the lease"

# In an array job all that is so without being said, and each task's files have names of their own.
new
for index in 0 1; do
  for turn_of_task in 1 2; do
    near env JOB_COMPLETION_INDEX=$index ECHOSCAN_SHARDS=2 ECHOSCAN_JOB=survey "$echoscan" scan --allow-reserved --rate 50k \
      --cooldown 0.5 --seed 5 -o '{job}-{shard}.jsonl' --summary '{job}-{shard}.json' $targets 2>log ||
      fail "task $index, turn $turn_of_task ended with $?"
  done
  expect_text log "nothing is left to do"
  expect_equal "origin" "$(jq -c ".origin | del(.arguments, .kernel, .machine)" survey-$index.json)" \
    "{\"host\":\"$(uname -n)\",\"scheduler\":\"kubernetes\",\"job\":\"survey\",\"task\":\"$index\",\"attempt\":null}"
done
"$echoscan" merge -q -o all.jsonl --summary all.json survey-0.json survey-1.json || fail "merge ended with $?"
jq -r .target all.jsonl | sort -u | cmp -s - <(sort truth) || fail "the union is not the truth"
JOB_COMPLETION_INDEX=1 ECHOSCAN_SHARDS=2 expect_status 2 turn --seed 5 -o survey-0.jsonl $targets
expect_text log "is of shard 0/2, and this is shard 1/2: give each a file of its own"
expect_status 2 turn -o '{job}.jsonl' $targets
expect_text log "{job} is not known here; ECHOSCAN_JOB says it"
SLURM_JOB_ID=7 SLURM_RESTART_COUNT=2 turn -o 'slurm-{job}-{host}-{shard}-{shards}' $targets || fail "ended with $?"
expect_equal "the name" "$(ls slurm-*)" "slurm-7-$(uname -n)-0-1"
expect_equal "attempt" "$(jq .origin.attempt s.json)" 2
expect_status 2 turn --continue -o - $targets
expect_text log "--continue: the results go to standard output"

# Another scan's filter is on the interface: its end is waited for.
start_scan --rate 10k --cooldown 0.5 10.2.0.0/17
expect_status 75 turn --no-continue --wait 0.5 10.3.0.0/28
expect_text log "still after 0.5 s (--wait); wait for its end or use --method af_packet"
turn --no-continue --wait 60 10.3.0.0/28 || fail "behind another scan: ended with $?"
expect_text log "waiting for its end, 60 s at most (--wait)"
wait $pid || fail "the other scan ended with $?"

# Of scans that begin at one moment each comes to its turn: none finds the interface free and then taken.
for round in $(seq 5); do
  pids=()
  for scan in 1 2 3 4; do
    ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --rate 20k --cooldown 0.2 --wait 300 -o "at-once-$scan" \
      --summary "at-once-$scan.json" "10.3.$scan.0/26" 2>"at-once-$scan.log" &
    pids+=($!)
  done
  for scan in 1 2 3 4; do
    wait "${pids[scan - 1]}" || fail "round $round: scan $scan of four at once ended with $?: $(tail -2 "at-once-$scan.log")"
    expect_equal "found by scan $scan" "$(wc -l <"at-once-$scan")" "$(lab truth "10.3.$scan.0/26" | wc -l)"
  done
done
