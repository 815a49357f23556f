# Sourced by the end-to-end tests: a lab of their own, short words for what they do, an end that cleans up.
#
# A test that cannot run here calls `skip`, which is a failure when ECHOSCAN_CI is set. Each test's lab is called after
# it, so that tests can run side by side; ECHOSCAN_LAB stands in front of that name, so that two checkouts can.
# shellcheck shell=bash
set -euo pipefail
# The programs are Debian's, as packages.txt names them, and no others that are in front of these: a python3 that is a
# script to find one took ten processes more each time.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
# Root is root here, whoever has called sudo for it.
unset SUDO_UID SUDO_GID

root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
export ECHOSCAN_BUILD=${ECHOSCAN_BUILD:-$root/build/release}
# The script and its variant, if it has one: echoscan-scan_zoo_test-net_raw.
test=${0##*/}
export ECHOSCAN_LAB=${ECHOSCAN_LAB:-echoscan}-${test%.sh}${1:+-$1}
echoscan=$ECHOSCAN_BUILD/echoscan
work=$(mktemp -d)
# What this file itself needs: of $work a test may ask which files are left.
own=$(mktemp -d)
mkfifo "$own/nap"
wire_lost_before=0

lab() { "$root/tests/lab/lab.sh" "$@"; }
near() { ip netns exec "$ECHOSCAN_LAB-near" "$@"; }
far() { ip netns exec "$ECHOSCAN_LAB-far" "$@"; }
# A scan in the near end, of the lab's world. Results in $work/out, log in $work/log, summary in
# $work/summary; returns the scan's exit status.
scan() {
  rm -f "$work/summary"
  wire_lost_before=$(wire_lost)
  near "$echoscan" scan --allow-reserved --summary "$work/summary" "$@" >"$work/out" 2>"$work/log"
}
# The same in the background, its pid in $pid. Results and log are emptied here: those of the scan before would do for what is
# waited for, until the new process comes to its redirections.
launch_scan() {
  rm -f "$work/summary"
  wire_lost_before=$(wire_lost)
  : >"$work/out"
  : >"$work/log"
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --summary "$work/summary" \
    "$@" >"$work/out" 2>"$work/log" &
  pid=$!
}
# Back when it is well under way.
start_scan() {
  launch_scan "$@"
  for _ in $(seq 600); do
    [ "$(wc -l <"$work/out")" -lt 1000 ] || return 0
    nap 0.1
  done
  fail "the scan does not get under way"
}
# What `jq -r FILTER` says of a JSON document, whose path is absolute. All values that names alone lead to, as in
# .ledger.sent, are asked for at once and kept until the document changes: jq 1.6 takes 40 ms to start.
figure() { # FILE FILTER
  local name value names=$own/${1//\//_}.names
  if [[ $2 =~ ^(\.[a-z_0-9]+)+$ ]]; then
    [ -e "$1" ] && [ "$names" -nt "$1" ] ||
      jq -r 'paths(type == "number" or type == "boolean" or type == "string") as $path |
        select(all($path[]; type == "string")) | [([""] + $path | join(".")), getpath($path)] |
        select(.[1] | tostring | test("[\\t\\n\\\\]") | not) | join("\t")' "$1" >"$names"
    while IFS=$'\t' read -r name value; do
      if [ "$name" = "$2" ]; then echo "$value" && return; fi
    done <"$names"
  fi
  jq -r "$2" "$1"
}
# Of the last scan's summary.
summary() { figure "$work/summary" "$1"; } # FILTER
# Whether FILE has TEXT, and a moment's rest, by no other process: what is waited for is asked often.
has_text() { # FILE TEXT
  local text=
  IFS= read -r -d '' text <"$1" || [ -n "$text" ] || return 1
  [[ $text = *"$2"* ]]
}
nap() { # SECONDS
  # Nobody writes into it: what the read ends with is that its time was up.
  read -r -t "$1" <>"$own/nap" || [ $? -gt 128 ]
}
# What the kernel says of a process's descriptors, without those that go meanwhile. By one process: one for each took
# longer than the scan, where processes are dear.
descriptors_of() { # PID
  local status=0
  cat "/proc/$1/fdinfo"/* 2>/dev/null || status=$?
  [ $status -le 1 ]
}
# How many replies the lab's wire has lost since it is up: the near end's ring of 256 frames was full, as a card's is whose
# CPU is taken away. A far end without lab1 has lost none.
wire_lost() {
  local counters name count sum=0
  [ -e "/run/netns/$ECHOSCAN_LAB-far" ] || { echo 0 && return; }
  # Not by a pipe: a count that fails would be 0, and the next one all that was ever lost.
  counters=$(far sh -c '[ ! -e /sys/class/net/lab1 ] || exec ethtool -S lab1') || return
  while IFS=: read -r name count; do
    case $name in *tx_queue_*_xdp_xmit_errors) sum=$((sum + count)) ;; esac
  done <<<"$counters"
  echo $sum
}

# CMD... on a machine whose /etc/echoscan/exclude.txt is the file LIST: a mount namespace with an /etc of its own.
on_machine_with() { # LIST CMD...
  local list=$1
  shift
  rm -rf "$work/etc" && mkdir -p "$work/etc/echoscan" && cp -P "$list" "$work/etc/echoscan/exclude.txt"
  unshare -m sh -c 'mount -t overlay -o lowerdir="$0/etc:/etc" overlay /etc && exec "$@"' "$work" "$@"
}

# A namespace beside the lab's two, ECHOSCAN_LAB-NAME, for a host that takes any packet; it goes with the test.
add_host() { # NAME
  local host=$ECHOSCAN_LAB-$1
  # A test that was killed has left its own.
  if [ -e "/run/netns/$host" ]; then ip netns delete "$host"; fi
  ip netns add "$host"
  added_hosts+=("$host")
  ip netns exec "$host" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.icmp_ratelimit=0
  ip -n "$host" link set lo up
}
added_hosts=()

# A program at the far end, in the background; back when it has said that it listens.
listen_at_far_end() { # CMD...
  : >"$work/listening"
  ip netns exec "$ECHOSCAN_LAB-far" "$@" >"$work/listening" &
  listener=$!
  started+=($listener)
  for _ in $(seq 600); do
    [ ! -s "$work/listening" ] || return 0
    nap 0.1
  done
  fail "nobody listens at the far end"
}
# Ends it when the file `seen` has LINES; what is too many has a moment to be seen.
end_listening() { # [LINES]
  for _ in $(seq 600); do
    if [ $# = 0 ] || [ "$(wc -l <seen)" -ge "$1" ]; then break; fi
    nap 0.1
  done
  nap 0.2
  kill $listener
  expect_status 143 wait $listener
  started=()
}

# A second router on the lab's link, with a MAC of its own: 198.51.100.2, where the near end is 198.51.100.1 as well.
add_router() {
  add_host router
  ip -n "$ECHOSCAN_LAB-far" link add uplink link lab1 type macvlan mode bridge
  ip -n "$ECHOSCAN_LAB-far" link set uplink netns "$ECHOSCAN_LAB-router"
  in_router ip link set uplink up
  in_router ip address add 198.51.100.2/24 dev uplink
  near ip address add 198.51.100.1/24 dev lab0
  in_router ip route add 192.0.2.1 via 198.51.100.1
}
in_router() { ip netns exec "$ECHOSCAN_LAB-router" "$@"; }

# A tunnel without Ethernet, up: tunnel0 in the namespace NEAR, tunnel1 in FAR. It ends with the test, which ctest would
# wait for as long as the tunnel holds its standard error.
raise_tunnel() { # NEAR FAR
  : >"$work/tunnel"
  "$ECHOSCAN_BUILD/tests/lab_tunnel" "/run/netns/$1" "/run/netns/$2" 3600 >"$work/tunnel" &
  started+=($!)
  for _ in $(seq 600); do
    [ ! -s "$work/tunnel" ] || break
    nap 0.1
  done
  expect_equal "the tunnel" "$(cat "$work/tunnel")" ready
  ip -n "$1" link set tunnel0 up
  ip -n "$2" link set tunnel1 up
}
# Processes that end with the test at the latest.
started=()
# Folders outside of $work that go with the test.
made_folders=()

finish() {
  local status=$?
  if [ ${#started[@]} -gt 0 ] && ! kill "${started[@]}"; then echo "a process ended before the test"; fi
  for host in "${added_hosts[@]}"; do ip netns delete "$host"; done
  lab down
  rm -rf "$work" "$own" "${made_folders[@]}"
  exit $status
}
trap finish EXIT
# A command that nobody expected to fail ends the test too; without this it would do so without a word.
trap 'echo "FAILED: line $LINENO, status $?: $BASH_COMMAND" >&2' ERR

fail() {
  echo "FAILED: $*" >&2
  if [ -s "$work/log" ]; then sed 's/^/  log: /' "$work/log" >&2; fi
  # What the lab's own wire lost, where it still is there.
  local lost
  lost=$({ near ip -s link show lab0; near ethtool -S lab0; far ip -s link show lab1; far ethtool -S lab1; } 2>/dev/null |
    grep -E '(drops|errors): [1-9]|[RT]X:|^ +[0-9 ]+$') && echo "$lost" >&2
  exit 1
}

skip() {
  [ -z "${ECHOSCAN_CI:-}" ] || fail "needed in CI: $*"
  echo "skipped: $*"
  exit 77
}

expect_equal() { # WHAT ACTUAL EXPECTED
  [ "$2" = "$3" ] || fail "$1 is '$2' and not '$3'"
}

expect_status() { # EXPECTED CMD...
  local expected=$1 status=0
  shift
  "$@" || status=$?
  expect_equal "exit status of '$*'" "$status" "$expected"
}

expect_text() { # FILE TEXT
  grep -qF -- "$2" "$1" || fail "'$2' is not in $(basename "$1"): $(head -c 2000 "$1")"
}

# The results' targets, ascending by number.
found() { jq -r .target "$work/out" | sort -t. -k1,1n -k2,2n -k3,3n -k4,4n; }

# The results are the truth about TARGET..., no more and no less, each with a round-trip time above 0, and the ledger adds
# up. What a full ring of the wire took away since the scan began may be missing, as many as the wire itself counted: no
# scan can find those. More than one in ten is no moment without a CPU any more, but a scan that cannot take what it asks
# for.
expect_truth() { # TARGET...
  local checked count true_count missing untrue untimed lost
  checked=$(lab check "$work/out" "$@") || fail "the results cannot be compared with the truth about $*"
  read -r count true_count missing untrue untimed <<<"$checked"
  [ "$true_count" != 0 ] || fail "the truth about $* is empty"
  if [ "$missing" != 0 ] || [ "$untrue" != 0 ]; then
    lost=$(($(wire_lost) - wire_lost_before))
    [ "$untrue" = 0 ] && [ "$missing" -le "$lost" ] && [ $((10 * missing)) -le "$true_count" ] ||
      fail "found $count of $true_count, $untrue of them untrue, $lost lost by the wire: ${checked#*$'\n'}"
    echo "$missing of $true_count are missing, and the wire lost $lost replies"
  fi
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "results without a round-trip time above 0" "$untimed" 0
}

# The same, but that those are missing whose probes are in doubt: on a busy machine more may leave behind a loss than the
# senders remember.
expect_truth_but_doubt() { # TARGET...
  local doubt missing
  doubt=$(summary .ledger.in_doubt)
  if [ "$doubt" = 0 ]; then
    expect_truth "$@"
    return
  fi
  found | sort >"$work/found"
  lab truth "$@" | sort >"$work/truth"
  expect_equal "found, and not true" "$(comm -23 "$work/found" "$work/truth")" ""
  missing=$(comm -13 "$work/found" "$work/truth" | wc -l)
  [ "$missing" -le "$doubt" ] || fail "$missing are missing, and $doubt are in doubt"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
}

[ "$(id -u)" = 0 ] || skip "network namespaces need root"
ip netns add "$ECHOSCAN_LAB-near" 2>/dev/null || ip netns list | grep -q "$ECHOSCAN_LAB-near" ||
  skip "network namespaces cannot be made here"
