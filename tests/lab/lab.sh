#!/usr/bin/env bash
# The lab: a simulated Internet in a network namespace, for anyone to scan with no network at all.
#
#   lab.sh up [--queues N] [--mode simulated|kernel] [--seed S] [--one-in N] [--sink | --zoo] [--nics NEAR,FAR]
#          [--loss P] [--loss-burst P] [--limit R]
#   lab.sh exec CMD...     runs CMD in the near end's namespace, where `lab0` leads to the far end
#   lab.sh truth TARGET... the addresses that answer, ascending, one a line (--ttl: and the TTL they show;
#                          --json: what a scan has to report of each, errors too, one JSON object a line;
#                          --histories K: how many of them answer which of K passes, as "history count")
#   lab.sh check RESULTS TARGET...
#                          "found true missing untrue untimed": counts of a scan's results beside that truth, untimed
#                          without a round-trip time above 0; and below, who is missing (-) or untrue (+), some of each
#   lab.sh stats           what the far end saw and did, one JSON object
#   lab.sh down            takes everything away; fine when there is nothing
#
# Two namespaces joined by a veth pair and by nothing else: no packet can leave. 10.0.0.0/8 and
# 198.18.0.0/15 are routed to the far end. There either an XDP program answers for a world that is a pure
# function of (seed, address), 1 address in 8 by default (`simulated`), or Linux itself answers for every
# address (`kernel`); with --sink it counts and drops, to measure senders by. With --zoo not everyone answers as they
# should: replies cut, altered, late, repeated, forged, from elsewhere, and errors (world.h has who, and how many). A
# process at the far end plays those, until the lab goes; `stats` has what it sent, and `lost` what it should have
# sent and did not. With --loss P percent of the probes get no answer, each by its address and its pass, and with
# --loss-burst P percent of all /24s get none in any pass; `truth` has who lives there all the same. With --limit R each
# /24 answers R times a second, and after a rest five times at once. With `--nics` two network cards that are joined to
# each other, as in tests/vm, take the place of the veth pair; one that has an address or is switched on is in use and refused. ECHOSCAN_LAB names the lab (default
# echoscan), so that several can stand side by side; ECHOSCAN_BUILD is the build folder with tests/lab_world in it
# (default build/release).
set -euo pipefail

root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
name=${ECHOSCAN_LAB:-echoscan}
near=$name-near
far=$name-far
state=/run/echoscan-lab/$name
world=${ECHOSCAN_BUILD:-$root/build/release}/tests/lab_world

die() {
  echo "lab.sh: $*" >&2
  exit 1
}

is_up() {
  [ -e "$state/world" ] && [ -e "/run/netns/$near" ] && [ -e "/run/netns/$far" ]
}

# Sets what `up` was given: a process for each would take longer than what they are asked for.
need_lab() {
  is_up || die "the lab is not up; start it with: $0 up"
  read -r mode kind seed one_in loss burst <"$state/world"
}

# A card outlives its namespace, but under the lab's name.
return_nic() { # NAMESPACE LINK NIC
  if ! ip -n "$1" link show "$2" >/dev/null 2>&1; then return; fi
  ip -n "$1" link set "$2" down
  ip -n "$1" link set "$2" name "$3" netns 1
}

down() {
  local namespace pair
  if [ -s "$state/nics" ]; then
    IFS=, read -r -a pair <"$state/nics"
    return_nic "$near" lab0 "${pair[0]}"
    return_nic "$far" lab1 "${pair[1]}"
  fi
  for namespace in "$near" "$far"; do
    if [ -e "/run/netns/$namespace" ]; then ip netns delete "$namespace"; fi
  done
  rm -rf "$state"
}

make_veth_pair() { # QUEUES
  local queues=(numtxqueues "$1" numrxqueues "$1")
  ip -n "$near" link add lab0 "${queues[@]}" type veth peer name lab1 netns "$far" "${queues[@]}"
}

take_nics() { # NEAR,FAR
  local pair nic
  IFS=, read -r -a pair <<<"$1"
  [ ${#pair[@]} = 2 ] || die "--nics names two interfaces, as in eth0,eth1"
  for nic in "${pair[@]}"; do
    ip link show "$nic" >/dev/null || die "there is no interface $nic"
    [ -z "$(ip -o address show dev "$nic")" ] || die "$nic has an address: it is in use"
    [ -z "$(ip -o link show up dev "$nic")" ] || die "$nic is switched on: it is in use"
  done
  mkdir -p "$state"
  echo "$1" >"$state/nics"
  ip link set "${pair[0]}" down
  ip link set "${pair[1]}" down
  ip link set "${pair[0]}" name lab0 netns "$near"
  ip link set "${pair[1]}" name lab1 netns "$far"
}

# A card's link comes up seconds after it is switched on, and goes down once more when XDP is attached.
await_carrier() { # NAMESPACE LINK
  local tenths
  for ((tenths = 0; tenths < 150; ++tenths)); do
    [ "$(ip netns exec "$1" cat "/sys/class/net/$2/carrier")" != 1 ] || return 0
    sleep 0.1
  done
  die "the link of $2 does not come up"
}

# The address of each end is a documentation range, outside of the world that is scanned. By few programs: of
# the 33 that a lab was made by, 17 now (execve in strace), each took 10 ms where processes are dear, and the tests make
# hundreds of labs.
make_ends() { # QUEUES NICS
  ip netns add "$near"
  ip netns add "$far"
  local namespace
  # bench measures ping sockets too, which the kernel denies to everyone at first.
  for namespace in "$near" "$far"; do
    ip netns exec "$namespace" sh -ec '
      cd /proc/sys/net
      echo 1 >ipv6/conf/all/disable_ipv6
      echo 0 >ipv4/conf/all/rp_filter
      echo 0 >ipv4/conf/default/rp_filter
      echo "0 2147483647" >ipv4/ping_group_range'
  done
  if [ -n "$2" ]; then take_nics "$2"; else make_veth_pair "$1"; fi
  ip -n "$near" -batch - <<'NEAR'
link set lo up
address add 192.0.2.1/30 dev lab0
link set lab0 up
NEAR
  ip -n "$far" -batch - <<'FAR'
link set lo up
address add 192.0.2.2/30 dev lab1
link set lab1 up
route add local 10.0.0.0/8 dev lo
route add local 198.18.0.0/15 dev lo
FAR
  # A redirect into a veth is delivered only where the other end runs NAPI, and GRO switches that on.
  [ -n "$2" ] || ip netns exec "$near" ethtool -K lab0 gro on
  ip -n "$near" route add default via 192.0.2.2
}

# It ends by itself when lab1 goes. Of what it writes, errors are all; a file, so that nobody waits for its end.
start_responder() { # SEED ONE_IN
  mkdir -p "$state"
  ip netns exec "$far" "$world" respond lab1 "$1" "$2" </dev/null >"$state/responder" 2>"$state/responder.log" ||
    die "the responder does not start: $(cat "$state/responder.log")"
}

# Percent as parts of a million.
ppm() {
  awk -v percent="$1" 'BEGIN {printf "%d", percent * 10000 + 0.5}'
}

up() {
  local queues=1 mode=simulated seed=1 one_in=8 nics='' kind=plain loss=0 burst=0 limit=0 which=()
  while [ $# -gt 0 ]; do
    if [ "$1" = --sink ] || [ "$1" = --zoo ]; then
      [ "$kind" = plain ] || die "--sink and --zoo: a lab is one of them"
      kind=${1#--}
      shift
      continue
    fi
    [ $# -ge 2 ] || die "$1 needs a value"
    case $1 in
      --queues) queues=$2 ;;
      --mode) mode=$2 ;;
      --seed) seed=$2 ;;
      --one-in) one_in=$2 ;;
      --nics) nics=$2 ;;
      --loss) loss=$2 ;;
      --loss-burst) burst=$2 ;;
      --limit) limit=$2 ;;
      *) die "up: unknown option $1" ;;
    esac
    shift 2
  done
  [[ $queues =~ ^[1-9][0-9]?$ ]] || die "--queues is a number from 1 to 99, not '$queues'"
  [[ $seed =~ ^[0-9]{1,18}$ ]] || die "--seed is a number, not '$seed'"
  [[ $one_in =~ ^[1-9][0-9]{0,8}$ ]] || die "--one-in is a number from 1, not '$one_in'"
  [[ $loss =~ ^[0-9]{1,2}(\.[0-9]{1,4})?$ ]] || die "--loss is a percentage below 100, as in 2 or 0.5, not '$loss'"
  [[ $burst =~ ^[0-9]{1,2}(\.[0-9]{1,4})?$ ]] || die "--loss-burst is a percentage below 100, as in 2 or 0.5, not '$burst'"
  [[ $limit =~ ^[0-9]{1,6}$ ]] || die "--limit is a number of answers a second, not '$limit'"
  [ "$loss" = 0 ] || loss=$(ppm "$loss")
  [ "$burst" = 0 ] || burst=$(ppm "$burst")
  case $mode in simulated | kernel) ;; *) die "--mode is simulated or kernel, not '$mode'" ;; esac
  [ $EUID = 0 ] || die "needs root: network namespaces are made here"

  [ "$kind" = plain ] || [ "$mode" = simulated ] || die "--$kind goes with --mode simulated"

  if [ $((loss + burst)) -gt 0 ]; then
    [ "$kind" = plain ] && [ "$mode" = simulated ] || die "--loss and --loss-burst go with neither --sink nor --zoo nor --mode kernel"
    which=(lossy "$loss" "$burst")
  fi
  if [ "$limit" -gt 0 ]; then
    [ "$kind" = plain ] && [ "$mode" = simulated ] && [ $((loss + burst)) = 0 ] ||
      die "--limit goes with neither --sink nor --zoo nor --loss nor --mode kernel"
    which=(limited "$limit")
  fi
  [ "$kind" = plain ] || which=("$kind")
  down
  trap down EXIT
  trap 'exit 1' INT TERM
  make_ends "$queues" "$nics"
  if [ "$mode" = simulated ]; then
    [ -x "$world" ] || die "$world is missing; build first: cmake --preset release && cmake --build --preset release"
    ip netns exec "$far" "$world" attach lab1 "$seed" "$one_in" "${which[@]}"
  fi
  if [ "$kind" = zoo ]; then start_responder "$seed" "$one_in"; fi
  # A veth pair has its carrier as soon as both ends are up.
  if [ -n "$nics" ]; then
    await_carrier "$near" lab0
    await_carrier "$far" lab1
  fi
  mkdir -p "$state"
  echo "$mode $kind $seed $one_in $loss $burst" >"$state/world"
  trap - EXIT INT TERM
}

truth() {
  need_lab
  local form=address passes
  case ${1:-} in
    --ttl | --json)
      form=${1#--}
      shift
      ;;
    --histories)
      form=histories
      passes=${2:-}
      [[ $passes =~ ^[1-8]$ ]] || die "truth --histories: of 1 to 8 passes"
      shift 2
      ;;
  esac
  [ $# -gt 0 ] || die "truth: which targets?"
  # Nobody lives in a sink.
  if [ "$kind" = sink ]; then return; fi
  if [ "$mode" = kernel ]; then
    [ "$form" = address ] || die "truth --$form: only the simulated world has TTLs of its own"
    one_in=1
  fi
  case $form in
    histories)
      [ "$kind" = plain ] || die "truth --histories: only without --zoo and --sink"
      "$world" histories "$seed" "$one_in" "$loss" "$burst" "$passes" "$@"
      ;;
    json) "$world" truth "$seed" "$one_in" "$kind" --json "$@" ;;
    ttl) "$world" truth "$seed" "$one_in" "$kind" "$@" ;;
    address) "$world" truth "$seed" "$one_in" "$kind" "$@" | cut -d' ' -f1 ;;
  esac
}

check() { # RESULTS TARGET...
  need_lab
  [ $# -gt 1 ] || die "check: which results, of which targets?"
  [ "$kind" != sink ] || die "check: nobody lives in a sink"
  if [ "$mode" = kernel ]; then one_in=1; fi
  exec "$world" check "$seed" "$one_in" "$kind" "$@"
}

# One value of `ethtool -S lab1`, summed over the queues; 0 where the driver does not count it (veth does).
driver_count() {
  ip netns exec "$far" ethtool -S lab1 |
    awk -F': *' -v name="$1" '$1 ~ "^ *" name "$" {sum += $2} END {print sum + 0}'
}

# The far end's kernel's own ICMP counters, by name (net/snmp).
kernel_count() {
  ip netns exec "$far" awk -v name="$1" '
    /^Icmp:/ && !seen {for (i = 2; i <= NF; i++) column[$i] = i; seen = 1; next}
    /^Icmp:/ {print $column[name]}' /proc/net/snmp
}

stats() {
  need_lab
  local counts which=()
  if [ "$mode" = simulated ]; then
    if [ "$kind" = zoo ]; then
      [ ! -s "$state/responder.log" ] || die "the responder ended: $(cat "$state/responder.log")"
      which=(zoo)
    fi
    counts=$(ip netns exec "$far" "$world" stats lab1 "${which[@]}")
  else
    counts=$(jq -n --argjson requests "$(kernel_count InEchos)" \
      --argjson replies "$(kernel_count OutEchoReps)" --argjson errors "$(kernel_count InCsumErrors)" \
      '{echo_requests: $requests, bad_checksums: $errors, silent: 0, replies: $replies}')
  fi
  ip -n "$far" -s -j link show lab1 | jq -c --arg mode "$mode" --argjson counts "$counts" \
    --argjson refused "$(driver_count 'tx_queue_[0-9]+_xdp_xmit_errors')" \
    '{mode: $mode} + $counts + {replies_refused: $refused, rx_packets: .[0].stats64.rx.packets,
      rx_dropped: .[0].stats64.rx.dropped, tx_packets: .[0].stats64.tx.packets}'
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  up) up "$@" ;;
  exec)
    need_lab
    [ $# -gt 0 ] || die "exec: which command?"
    exec ip netns exec "$near" "$@"
    ;;
  truth) truth "$@" ;;
  check) check "$@" ;;
  stats) stats ;;
  down) down ;;
  *) die "usage: $0 up [--queues N] [--mode simulated|kernel] [--seed S] [--one-in N] [--sink | --zoo | --loss P | --loss-burst P | --limit R] [--nics NEAR,FAR] | exec CMD... | truth [--ttl | --json | --histories K] TARGET... | check RESULTS TARGET... | stats | down" ;;
esac
