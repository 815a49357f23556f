# Sourced by the tests of tests/cluster/ after tests/lab/prelude.sh: a cluster of their own in place of the lab, short
# words for what they ask of it, an end that cleans up.
# shellcheck shell=bash disable=SC2154

cluster() { "$root/tests/cluster/cluster.sh" "$@"; }
ctl() { cluster exec ctl "$@"; }
# The world is the same one behind each node.
world() { ECHOSCAN_LAB=$ECHOSCAN_LAB-n1 "$root/tests/lab/lab.sh" "$@"; }

# With what it says of a failure: what the machines and their scans have said last.
leave() {
  local status=$?
  set +e
  if [ $status != 0 ] && [ $status != 77 ]; then
    tail -n 5 "$work"/*/*.log "/run/echoscan-cluster/$ECHOSCAN_LAB"/*.{log,out} 2>/dev/null | cut -c1-300 >&2
  fi
  cd /
  cluster down
  (exit $status)
  finish
}
trap leave EXIT

needs() { # PROGRAM...
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || skip "$program is not there; tests/install_packages.sh cluster"
  done
}

# A folder of the cluster's shared storage, to work in from here on.
folder() { # NAME
  mkdir -p "$work/$1"
  cd "$work/$1"
}

await() { # SECONDS WHAT CMD...
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "$what: not within the time"
    sleep 0.1
  done
}

# How many probes the far ends have seen: of all nodes, or of some.
sent() { # [NODE...]
  cluster stats | jq -s --arg nodes "$*" \
    '[range(length) as $i | select($nodes == "" or ($nodes | split(" ") | index("n\($i + 1)"))) | .[$i].echo_requests] | add'
}

# --- Slurm's jobs. The last one that was submitted is $job.

submit() { # SBATCH-ARGUMENT...
  job=$(ctl sbatch --parsable "$@") || fail "sbatch $* ended with $?"
}
# squeue no longer knows of a job that ended a while ago, and says so by its exit status.
has_ended() { # JOB
  [ -z "$(ctl squeue --noheader --jobs="$1" 2>/dev/null)" ]
}
await_job() {
  await 300 "the end of job $job" has_ended "$job"
}
# How its tasks have ended, as in "3 COMPLETED" or "1 CANCELLED, 2 COMPLETED".
states() {
  ctl scontrol --oneliner show job "$job" | grep -oE ' JobState=[A-Z_]+' | sort | uniq -c |
    awk '{sub("JobState=", ""); printf "%s%s %s", separator, $1, $2; separator = ", "}'
}
expect_states() { # STATES
  expect_equal "how the tasks ended" "$(states)" "$1"
}

# --- Results.

union() { # FILE...
  zstd -dcq "$@" | jq -r .target | sort -t. -k1,1n -k2,2n -k3,3n -k4,4n
}
# All shards in this folder together are the truth about TARGET..., each target once, and each ledger adds up.
expect_union() { # TARGET...
  union shard-*.jsonl.zst >"$work/union"
  world truth "$@" >"$work/truth"
  [ -s "$work/truth" ] || fail "the truth about $* is empty"
  cmp -s "$work/union" "$work/truth" ||
    fail "found $(wc -l <"$work/union") of $(wc -l <"$work/truth"): $(diff "$work/union" "$work/truth" | head -5)"
  expect_equal "adds_up" "$(jq -s 'all(.ledger.adds_up)' shard-*.json)" true
}
