# Sourced by the tests of tests/cluster/ after tests/lab/prelude.sh: a cluster of their own in place of the lab, the
# blocks of docs/many-machines.md, short words for what they ask of Slurm, an end that cleans up.
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
    for log in $(ls -t ./*.log 2>/dev/null | head -3) "$(cluster folder)"/*.log; do
      if [ -s "$log" ]; then tail -n 4 "$log" | cut -c1-300 | sed "s|^|  $(basename "$log"): |" >&2; fi
    done
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
    command -v "$program" >/dev/null || skip "$program is not there; tests/install_packages.sh cluster container npm"
  done
}

# A folder of the cluster's shared storage, to work in from here on, with the document's files in it, and the scan.conf
# of this place: so many probes a second, and more lines.
folder() { # NAME RATE [LINE...]
  mkdir "$work/$1"
  cd "$work/$1"
  cp "$work"/guide/* .
  printf '%s\n' 'interface = "lab0"' 'seed = 42' "rate = \"$2\"" 'allow-reserved = true' 'cooldown = 1' \
    'checkpoint-interval = 1' "${@:3}" >scan.conf
}

# --- docs/many-machines.md, whose blocks are run as they stand. One that says its name in its first lines, as in
# "# scan.conf", becomes a file of that name in $work/guide; commands of a section are its other blocks, a line each.
guide() { # SECTION COMMANDS
  mkdir -p "$work/guide"
  : >"$work/commands"
  awk -v section="## $1" -v folder="$work/guide" -v commands="$work/commands" '
    /^## / { inside = $0 == section }
    /^```[a-z]+$/ { open = inside; text = ""; name = ""; next }
    /^```$/ { if (open) printf "%s", text >(name == "" ? commands : folder "/" name); open = 0; next }
    open { if (text !~ /\n.*\n/ && /^# [a-z_.]+$/) name = $2; text = text $0 "\n" }
  ' "$root/docs/many-machines.md"
  mapfile -t commands < <(sed -e ':a' -e '/\\$/{N;s/\\\n */ /;ba}' "$work/commands")
  expect_equal "commands in '$1' of docs/many-machines.md" ${#commands[@]} "$2"
}
# Whatever a file of the document sets is set here, too: what it promises of such lines has been tried.
expect_keys() { # FILE OF-THE-DOCUMENT
  local key
  for key in $(sed -n 's/^\([A-Za-z-]*\) *=.*/\1/p' "$2"); do
    grep -q "^$key *=" "$1" || fail "$(basename "$2") of docs/many-machines.md has $key, and this test has not"
  done
}

await() { # SECONDS WHAT CMD..., which is tried again after $pause s
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "$what: not within the time"
    nap "${pause:-0.1}"
  done
}

# How many probes the far ends have seen: of all nodes, or of some.
sent() { # [NODE...]
  cluster stats "$@" | jq -s 'map(.echo_requests) | add'
}
have_sent() { # NUMBER [NODE...]
  [ "$(sent "${@:2}")" -ge "$1" ]
}
# A row of the document's table.
row() { # EVENT AGAIN
  printf '%-32s most turns of a shard: %s, probes sent twice: %5d, union = truth\n' "$1" \
    "$(jq -s 'map(.legs | length) | max' shard-*.json)" "$2"
}

# --- Slurm's jobs. The last one that was submitted is $job.

submit() { # SBATCH-ARGUMENT...
  job=$(ctl "${as[@]}" sbatch --parsable "$@") || fail "sbatch $* ended with $?"
}
# Who submits, by a command in front; root when empty.
as=()
# A controller that does not answer says nothing of a job, and exits with 1.
has_ended() { # JOB
  local rest
  rest=$(ctl squeue --noheader --jobs="$1" 2>/dev/null) && [ -z "$rest" ]
}
# A job takes half a minute and more, and to ask for one six processes.
await_job() {
  pause=0.5 await 300 "the end of job $job" has_ended "$job"
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
  jq -r .target "$@" | sort -t. -k1,1n -k2,2n -k3,3n -k4,4n
}
# All shards in this folder together are the truth about TARGET..., each target once, and each ledger adds up.
expect_union() { # TARGET...
  union shard-*.jsonl >"$work/union"
  world truth "$@" >"$work/truth"
  [ -s "$work/truth" ] || fail "the truth about $* is empty"
  cmp -s "$work/union" "$work/truth" ||
    fail "found $(wc -l <"$work/union") of $(wc -l <"$work/truth"): $(diff "$work/union" "$work/truth" | head -5)"
  expect_equal "adds_up" "$(jq -s 'all(.ledger.adds_up)' shard-*.json)" true
}
