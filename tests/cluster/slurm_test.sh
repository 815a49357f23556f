#!/usr/bin/env bash
# docs/many-machines.md under a real Slurm of three nodes: an array of 24 shards finds what a single scan finds, which is
# the truth, and the far ends have seen what its shards say they have sent. Then what goes wrong: a shard is longer than
# its time limit, a node loses its power, the array is cancelled, the controller is killed. All of these end in the
# truth, and what was sent twice is counted at the far ends.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"
source "$(dirname "${BASH_SOURCE[0]}")/prelude.sh"

needs slurmctld slurmd sbatch munged mungekey setcap
guide "When" 1
plan=${commands[0]}
guide "What all have in common" 0
guide "Object stores" 1
upload=${commands[0]}
guide "Slurm" 3
cluster up slurm --seed 1 --conf "$work/guide/slurm.conf"

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

# --- From here on the third node is busy with a shard that is longer than its time limit.
folder limit 700
echo 10.32.0.0/16 >targets.txt
with_shards 1
before_3=$(sent n3)
submit --array=0 --nodelist=n3 --time=1 scan.sbatch
limited=$job

# --- A node loses its power in mid-shard.
targets=10.48.0.0/16
folder power 2k
echo $targets >targets.txt
with_shards 4
before=$(sent n1 n2)
before_2=$(sent n2)
submit --array=0-3 --exclude=n3 scan.sbatch
await 60 "10000 probes of n2" have_sent $((before_2 + 10000)) n2
cluster power off n2
await_job
expect_states "4 COMPLETED"
expect_equal "tasks that ran twice" "$(ctl scontrol show job "$job" | grep -c ' Restarts=1 ')" 1
expect_union $targets
again=$(($(sent n1 n2) - before - 65536))
# The cooldown, the interval of checkpoints, and a second.
[ $again -gt 0 ] && [ $again -le 6000 ] || fail "$again probes were sent twice"
row "a node loses its power" $again
cluster power on n2

# --- The array is cancelled, and submitted again.
targets=10.49.0.0/16
folder cancel 3k
echo $targets >targets.txt
with_shards 4
before=$(sent n1 n2)
before_1=$(sent n1)
before_2=$(sent n2)
both_have_sent() { # NUMBER
  have_sent $((before_1 + $1)) n1 && have_sent $((before_2 + $1)) n2
}
submit --array=0-3 --exclude=n3 scan.sbatch
await 60 "2000 probes each" both_have_sent 2000
ctl scancel "$job"
await_job
# Tasks that had not begun are one record.
expect_states "3 CANCELLED"
expect_equal "how the scans ended" "$(jq -r .outcome shard-*.json | sort | uniq -c | tr -s ' ')" " 2 terminated"
submit --array=0-3 --exclude=n3 scan.sbatch
await_job
expect_states "4 COMPLETED"
expect_union $targets
again=$(($(sent n1 n2) - before - 65536))
[ $again -le 128 ] || fail "$again probes were sent twice: more than a batch of each scan"
row "scancel, and sbatch again" $again

# --- The array is cancelled, and its results go through a pipe into an object store.
folder pipe 200
echo 10.51.0.0/16 >targets.txt
before_1=$(sent n1)
before_2=$(sent n2)
sed "s/(trap '' TERM; exec \(.*\))$/\1/; s/pipe-/plain-/g" pipe.sbatch >plain.sbatch
expect_equal "lines of plain.sbatch without its trap" "$(grep -c "^  aws s3 cp - " plain.sbatch)" 1
submit --array=0 --nodelist=n2 plain.sbatch
submit --array=0 --nodelist=n1 pipe.sbatch
await 60 "300 probes each" both_have_sent 300
ctl scancel --name=plain.sbatch
ctl scancel "$job"
await_job
expect_equal "how the scan ended" "$(jq -r .outcome pipe-0.json)" terminated
expect_equal "results in the store" "$(wc -l <"$bucket/scan/pipe-0.jsonl")" "$(jq .ledger.replied pipe-0.json)"
[ ! -e "$bucket/scan/plain-0.jsonl" ] || fail "a pipe without a trap keeps its results, too"

# --- The controller is killed while tasks run, and starts again when they have ended. What it knows then is what it has
# saved, some ten seconds after it has begun them.
targets=10.50.0.0/16
folder controller 2500
echo $targets >targets.txt
with_shards 2
before=$(sent n1 n2)
before_1=$(sent n1)
before_2=$(sent n2)
submit --array=0-1 --exclude=n3 scan.sbatch
await 60 "1000 probes each" both_have_sent 1000
touch begun
await 60 "the controller's saving" test "$(cluster folder)/save/job_state" -nt begun
[ ! -e shard-0.json ] || fail "the controller did not save its state while tasks ran"
cluster power off ctl
await 60 "the tasks' end without a controller" have_sent $((before + 65536)) n1 n2
cluster power on ctl
await_job
expect_states "2 COMPLETED"
expect_union $targets
expect_equal "probes sent twice" $(($(sent n1 n2) - before - 65536)) 0
row "the controller is killed" 0

# --- The third node's shard has ended after all.
job=$limited
await_job
cd "$work/limit"
expect_states "1 COMPLETED"
expect_union 10.32.0.0/16
[ "$(jq '.legs | length' shard-0.json)" -ge 2 ] || fail "the shard was not longer than its time limit"
again=$(($(sent n3) - before_3 - 65536))
[ $again -le 64 ] || fail "$again probes were sent twice: more than a batch"
row "a shard longer than its limit" $again
