#!/usr/bin/env bash
# Slurm, a real one of three nodes, starts the scan: an array of 24 shards finds what a single scan finds, which is the
# truth, and each node's far end has seen what its shards say they have sent.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"
source "$(dirname "${BASH_SOURCE[0]}")/prelude.sh"

needs slurmctld slurmd sbatch munged mungekey
cluster up slurm --seed 1

# --- An array of 24 is the single scan is the truth.
targets=10.16.0.0/15
folder array
cat >scan.sbatch <<JOB
#!/bin/bash
#SBATCH --array=0-23
#SBATCH --exclusive
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=shard-%a.log
exec $echoscan scan -i lab0 --allow-reserved --seed 42 --rate 15k --cooldown 1 --shard \$SLURM_ARRAY_TASK_ID/24 \
  -o shard-\$SLURM_ARRAY_TASK_ID.jsonl.zst --summary shard-\$SLURM_ARRAY_TASK_ID.json $targets
JOB
before=$(sent)
submit scan.sbatch
await_job
expect_states "24 COMPLETED"
expect_union $targets
expect_equal "what the far ends saw" "$(($(sent) - before))" "$(jq -s 'map(.ledger.sent) | add' shard-*.json)"
