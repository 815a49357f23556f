#!/usr/bin/env bash
# docs/many-machines.md under a real Slurm of five nodes: an array of 24 shards finds what a single scan finds, which is
# the truth, and the far ends have seen what its shards say they have sent. Then what goes wrong: a shard is longer than
# its time limit, a node loses its power, the array is cancelled, a shard is started twice, the controller is killed. All
# of these end in the truth, and what was sent twice is counted at the far ends.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"
source "$(dirname "${BASH_SOURCE[0]}")/prelude.sh"

needs slurmctld slurmd sbatch munged mungekey setcap
guide "When" 1
plan=${commands[0]}
guide "What all have in common" 1
merge=${commands[0]}
guide "Object stores" 1
upload=${commands[0]}
guide "Slurm" 3
cluster up slurm --nodes 5 --seed 1 --conf "$work/guide/slurm.conf"

# The document's script, with another number of shards.
with_shards() { # NUMBER
  sed -i "s/^export ECHOSCAN_SHARDS=24$/export ECHOSCAN_SHARDS=$1/" scan.sbatch
  grep -qx "export ECHOSCAN_SHARDS=$1" scan.sbatch || fail "scan.sbatch does not say the number of shards"
}
# As it is typed; with --parsable for those who want the job's number.
sbatch() {
  submit "$@"
  if [ "${1:-}" = --parsable ]; then echo "$job"; fi
}

# --- An array of 24 is the single scan is the truth; by a user who is not root, and a program that is not root's.
chmod 755 "$work"
mkdir "$work/bin"
cp "$echoscan" "$work/bin/echoscan"
sudo() { "$@"; }
eval "${commands[0]//\/usr\/local/$work}"
export PATH=$work/bin:$PATH
# An object store: what comes by a pipe is there when all of it has come.
bucket=$work/bucket
mkdir -p -m 777 "$bucket/scan"
cat >"$work/bin/aws" <<AWS
#!/bin/bash
set -e
[ "\$1 \$2" = "s3 cp" ]
to=$bucket/\${4#s3://bucket/}
case \$to in */) to=\$to\$(basename "\$3") ;; esac
if [ "\$3" = - ]; then cat >"\$to.part"; else cp "\$3" "\$to.part"; fi
mv "\$to.part" "\$to"
AWS
chmod +x "$work/bin/aws"
as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
folder array 15k
chown nobody .
targets=10.16.0.0/15
echo $targets >targets.txt
expect_keys scan.conf "$work/guide/scan.conf"
eval "cluster exec n1 $plan" >planned 2>plan.log
expect_text plan.log "--per-slash24 8 lowers the rate to 170.666 a second"
cluster exec n1 echoscan scan --config scan.conf -t targets.txt --rate 45k -q -o single.jsonl
before=$(sent)
# With an upload of each shard behind it.
expect_equal "what starts the scan" "${commands[1]/sbatch/sbatch --parsable}" "$(grep -oP '\$\(\K[^)]*' <<<"$upload")"
eval "$upload"
await_job
expect_states "24 COMPLETED"
expect_union $targets
union single.jsonl | cmp - "$work/union" || fail "the array's results are not the single scan's"
expect_equal "receiving" "$(jq -r .receiving.mode shard-*.json | sort -u)" "XDP native"
expect_equal "what the far ends saw" "$(($(sent) - before))" "$(jq -s 'map(.ledger.sent) | add' shard-*.json)"
cat "$bucket"/scan/shard-*.jsonl | cmp - <(cat shard-*.jsonl) || fail "what was uploaded is not what was found"
eval "ctl $merge"
zstd -dcq all.jsonl.zst >all.jsonl
cmp <(union all.jsonl) "$work/union" || fail "the merged results are not the shards'"
expect_equal "shards and probes of all.json" "$(jq -c '[(.merge.shards | length), .ledger.sent]' all.json)" "[24,131072]"
row "an array of 24" $(($(sent) - before - 131072))

# --- One shard again, by hand: its results are lost, or nothing is.
rm shard-7.*
before=$(sent)
eval "${commands[2]}"
await_job
expect_states "1 COMPLETED"
expect_equal "what the far ends saw of shard 7" "$(($(sent) - before))" "$(jq .ledger.sent shard-7.json)"
expect_union $targets
before=$(sent)
eval "${commands[2]}"
await_job
expect_states "1 COMPLETED"
expect_equal "what the far ends saw of a shard that has finished" "$(($(sent) - before))" 0
expect_union $targets
row "one shard of 24 again" 0
as=()

# --- An array whose script does not say how many shards there are is refused.
sed '/^export ECHOSCAN_SHARDS=/d' scan.sbatch >unsaid.sbatch
submit --array=1 unsaid.sbatch
await_job
expect_states "1 FAILED"
expect_equal "its exit status" "$(ctl scontrol show job "$job" | grep -o 'ExitCode=.*')" ExitCode=2:0
expect_text shard-1.log "ECHOSCAN_SHARDS"

# --- From here on a node is busy with a shard that is longer than its time limit, by far: while the controller is away,
# below, nobody looks at limits.
folder limit 500
echo 10.32.0.0/16 >targets.txt
with_shards 1
before_3=$(sent n3)
submit --array=0 --nodelist=n3 --time=1 scan.sbatch
limited=$job

# --- Two others share an array. One loses its power in mid-shard, which is missed after 15 s or so; for 60 s nobody takes
# for granted that the shard's first turn is over.
folder power 2k
echo 10.48.0.0/16 >targets.txt
with_shards 4
before_power=$(sent n1 n2)
before_2=$(sent n2)
submit --array=0-3 --exclude=n3,n4,n5 scan.sbatch
powerless=$job
await 60 "10000 probes of n2" have_sent $((before_2 + 10000)) n2
cluster power off n2

# --- What follows is between the other two, meanwhile.
between=(--exclude=n1,n2,n3)
count() { before_4=$(sent n4) && before_5=$(sent n5); }
both_have_sent() { # NUMBER
  have_sent $((before_4 + $1)) n4 && have_sent $((before_5 + $1)) n5
}
sent_since() { echo $(($(sent n4 n5) - before_4 - before_5)); }

# --- The array is cancelled, and submitted again.
targets=10.49.0.0/16
folder cancel 3k
echo $targets >targets.txt
with_shards 4
count
submit --array=0-3 "${between[@]}" scan.sbatch
await 60 "2000 probes each" both_have_sent 2000
ctl scancel "$job"
await_job
# Tasks that had not begun are one record.
expect_states "3 CANCELLED"
expect_equal "how the scans ended" "$(jq -r .outcome shard-*.json | sort | uniq -c | tr -s ' ')" " 2 terminated"
submit --array=0-3 "${between[@]}" scan.sbatch
await_job
expect_states "4 COMPLETED"
expect_union $targets
again=$(($(sent_since) - 65536))
[ $again -le 128 ] || fail "$again probes were sent twice: more than a batch of each scan"
row "scancel, and sbatch again" $again

# --- One shard is started twice at a time: the second turn waits for the first, and has nothing to do.
folder twice 2k
echo 10.52.0.0/18 >targets.txt
with_shards 1
count
submit --array=0 --nodelist=n4 scan.sbatch
first=$job
submit --array=0 --nodelist=n5 scan.sbatch
await_job
expect_states "1 COMPLETED"
job=$first
await_job
expect_states "1 COMPLETED"
expect_union 10.52.0.0/18
again=$(($(sent_since) - 16384))
expect_equal "probes sent twice" $again 0
row "a shard is started twice" $again

# --- The array is cancelled, and its results go through a pipe into an object store.
folder pipe 200
echo 10.51.0.0/16 >targets.txt
count
sed "s/(trap '' TERM; exec \(.*\))$/\1/; s/pipe-/plain-/g" pipe.sbatch >plain.sbatch
expect_equal "lines of plain.sbatch without its trap" "$(grep -c "^  aws s3 cp - " plain.sbatch)" 1
submit --array=0 --nodelist=n5 plain.sbatch
submit --array=0 --nodelist=n4 pipe.sbatch
await 60 "300 probes each" both_have_sent 300
ctl scancel --name=plain.sbatch
ctl scancel "$job"
await_job
expect_equal "how the scan ended" "$(jq -r .outcome pipe-0.json)" terminated
expect_equal "results in the store" "$(wc -l <"$bucket/scan/pipe-0.jsonl")" "$(jq .ledger.replied pipe-0.json)"
[ ! -e "$bucket/scan/plain-0.jsonl" ] || fail "a pipe without a trap keeps its results, too"

# --- The node that lost its power: its shard has ended on the other one.
job=$powerless
await_job
cd "$work/power"
expect_states "4 COMPLETED"
expect_equal "tasks that ran twice" "$(ctl scontrol show job "$job" | grep -c ' Restarts=1 ')" 1
expect_equal "where the shard ran" "$(jq -c 'select(.legs | length > 1) | [.legs[].host]' shard-*.scan)" '["n2","n1"]'
expect_union 10.48.0.0/16
again=$(($(sent n1 n2) - before_power - 65536))
# The cooldown, the interval of checkpoints, and a second.
[ $again -gt 0 ] && [ $again -le 6000 ] || fail "$again probes were sent twice"
row "a node loses its power" $again
cluster power on n2

# --- The controller is killed while tasks run, and starts again when they have ended. What it knows then is what it has
# saved; it does not save that it has begun tasks before something else changes.
targets=10.50.0.0/16
folder controller 2500
echo $targets >targets.txt
with_shards 2
count
# The shard that is longer than its limit asks the controller for its next turn when it reaches that: not when there is
# none. A turn takes a minute and more.
limited_turns() { [ "$(jq '.legs | length' "$work/limit/shard-0.jsonl.scan" 2>/dev/null || echo 0)" -ge "$1" ]; }
await 150 "the second turn of the shard that is longer than its limit" limited_turns 2
submit --array=0-1 "${between[@]}" scan.sbatch
await 60 "1000 probes each" both_have_sent 1000
touch begun
ctl scontrol update jobid="$job" comment=running
await 60 "the controller's saving" test "$(cluster folder)/save/job_state" -nt begun
[ ! -e shard-0.json ] || fail "the controller did not save its state while tasks ran"
cluster power off ctl
all_have_sent() { [ "$(sent_since)" -ge 65536 ]; }
await 60 "the tasks' end without a controller" all_have_sent
cluster power on ctl
await_job
expect_states "2 COMPLETED"
expect_union $targets
expect_equal "probes sent twice" $(($(sent_since) - 65536)) 0
row "the controller is killed" 0

# --- The shard that is longer than its limit has ended after all.
job=$limited
await_job
cd "$work/limit"
# Slurm looks each 30 s only, and calls a turn that has finished between its limit and that moment TIMEOUT, too.
[[ $(states) = "1 COMPLETED" ]] || expect_states "1 TIMEOUT"
expect_equal "how the scan ended" "$(jq -r .outcome shard-0.json)" finished
expect_union 10.32.0.0/16
[ "$(jq '.legs | length' shard-0.json)" -ge 2 ] || fail "the shard was not longer than its time limit"
again=$(($(sent n3) - before_3 - 65536))
[ $again -le 64 ] || fail "$again probes were sent twice: more than a batch"
row "a shard longer than its limit" $again
