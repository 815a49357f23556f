#!/usr/bin/env bash
# A cluster on one machine, to have scans started by what people start theirs with: a controller and some nodes, each
# with a network, a host name and a process tree of its own.
#
#   cluster.sh up slurm|ssh|idle [--nodes N] [--conf FILE] [OPTION OF lab.sh up]...
#                              3 nodes when absent; FILE holds more lines for slurm.conf, or for the ssh client
#   cluster.sh exec MACHINE CMD...   runs CMD on `ctl`, `n1`, `n2`, ..., in the folder that it is called from
#   cluster.sh power off MACHINE     its cables are pulled, and everything on it is killed at once
#   cluster.sh power on MACHINE      and starts again
#   cluster.sh ready                 waits until the controller has all nodes at its disposal
#   cluster.sh folder                where keys, logs and what the controller saves are
#   cluster.sh stats [NODE...]       what the far end of each node saw, or of those, one JSON object a line
#   cluster.sh down                  takes everything away; fine when there is nothing
#
# A node is the near end of a lab (tests/lab/lab.sh) of its own: `lab0` leads to a simulated Internet, which is the same
# one behind each node. `mgmt` leads to the controller, over a veth pair into its bridge. There are no other links, so
# no packet can leave. The machines share this machine's file system, as a cluster's share theirs over a network; so
# all that one has to know of the others is in a folder, and one munged proves to all who is who. ECHOSCAN_LAB names the
# cluster, so that several can stand side by side. Nothing here needs systemd: a machine is a shell that is the first
# process of its tree, and whoever kills that one has killed them all. Each start has a boot_id of its own, by which
# programs know that power was lost.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
name=${ECHOSCAN_LAB:-echoscan}
state=/run/echoscan-cluster/$name
export SLURM_CONF=$state/slurm.conf
# A machine beside busy neighbours takes many times as long as it should.
patience=60

die() {
  echo "cluster.sh: $*" >&2
  exit 1
}

lab() { # NODE COMMAND...
  ECHOSCAN_LAB=$name-$1 "$root/tests/lab/lab.sh" "${@:2}"
}

nodes() {
  cat "$state/nodes"
}

namespace_of() { # MACHINE
  if [ "$1" = ctl ]; then echo "$name-ctl"; else echo "$name-$1-near"; fi
}

# The link by which the others know that it is there.
cable_of() { # MACHINE
  if [ "$1" = ctl ]; then echo bridge0; else echo mgmt; fi
}

await() { # WHAT CMD...
  local end=$((SECONDS + patience)) what=$1
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || die "$what: not within $patience s"
    sleep 0.05
  done
}

# --- Processes. A pid that has been written down is believed only when the folder's name is in its command line: the
# number may be somebody else's by now.

is_running() { # PID
  grep -qsF "$state" "/proc/$1/cmdline"
}

# A zombie has ended, too: what is process 1 here may take its time to collect it, and its command line is empty.
has_ended() { # PID
  ! is_running "$1"
}

# The pid of a machine's first process, or nothing.
first_process() { # MACHINE
  local pid
  pid=$(cat "$state/$1.pid" 2>/dev/null) && is_running "$pid" && echo "$pid"
}

remember_child() { # PARENT FILE
  local pid
  pid=$(pgrep --parent "$1") && is_running "$pid" && echo "$pid" >"$2"
}

# What a machine is there for. Its name is known from its shell's host name.
daemon_of() { # MACHINE
  case $(cat "$state/kind") in
    slurm) if [ "$1" = ctl ]; then echo slurmctld -D; else echo slurmd -D; fi ;;
    idle) echo sleep infinity ;;
    ssh) if [ "$1" = ctl ]; then echo sleep infinity; else echo /usr/sbin/sshd -D -e -f "$state/sshd_config"; fi ;;
  esac
}

power_on() { # MACHINE
  local daemon
  [ -z "$(first_process "$1")" ] || die "$1 is on"
  read -ra daemon <<<"$(daemon_of "$1")"
  ip -n "$(namespace_of "$1")" link set "$(cable_of "$1")" up
  cp /proc/sys/kernel/random/uuid "$state/$1.boot_id"
  # shellcheck disable=SC2016
  setsid ip netns exec "$(namespace_of "$1")" \
    unshare --uts --mount --pid --fork --kill-child --mount-proc bash -c '
      hostname "$1"
      mount --bind "$0/$1.boot_id" /proc/sys/kernel/random/boot_id
      "${@:2}" &
      wait' "$state" "$1" "${daemon[@]}" </dev/null >>"$state/$1.out" 2>&1 &
  await "the start of $1" remember_child $! "$state/$1.pid"
}

# The cables first: a machine without power says goodbye to nobody. With its first process the kernel ends all others of
# the tree, and that one has ended when all of them have.
power_off() { # MACHINE
  local pid
  ip -n "$(namespace_of "$1")" link set "$(cable_of "$1")" down
  pid=$(first_process "$1") || return 0
  kill -KILL "$pid"
  await "the end of $1" has_ended "$pid"
}

# --- Networks.

make_controller() {
  ip netns add "$name-ctl"
  ip -n "$name-ctl" link set lo up
  ip -n "$name-ctl" link add bridge0 type bridge
  ip -n "$name-ctl" address add 198.51.100.1/24 dev bridge0
}

make_node() { # NODE [LAB OPTION...]
  lab "$1" up "${@:2}"
  ip -n "$name-ctl" link add "port-$1" type veth peer name mgmt netns "$name-$1-near"
  ip -n "$name-ctl" link set "port-$1" master bridge0 up
  ip -n "$name-$1-near" address add "198.51.100.$((10 + ${1#n}))/24" dev mgmt
}

# --- Slurm.

# No cgroups: where a network namespace is entered their folder is gone, and slurmd asks for it unless it is told which
# kind there is. How long a lost node is not missed follows from MessageTimeout; a task that lost its node waits for
# cred_expire before it starts again.
write_slurm_conf() { # FILE-WITH-MORE
  cat >"$state/slurm.conf" <<CONF
ClusterName=$name
SlurmctldHost=ctl(198.51.100.1)
SlurmUser=root
AuthInfo=socket=$state/munge.socket,cred_expire=5
StateSaveLocation=$state/save
SlurmctldPidFile=$state/slurmctld.pid
SlurmctldLogFile=$state/slurmctld.log
SlurmdSpoolDir=$state/spool-%n
SlurmdPidFile=$state/slurmd-%n.pid
SlurmdLogFile=$state/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
SlurmdTimeout=5
MessageTimeout=5
ReturnToService=2
$(for node in $(nodes); do echo "NodeName=$node NodeAddr=198.51.100.$((10 + ${node#n})) CPUs=1"; done)
PartitionName=scan Nodes=ALL Default=YES MaxTime=INFINITE State=UP
$(if [ -n "$1" ]; then cat "$1"; fi)
CONF
  echo CgroupPlugin=cgroup/v1 >"$state/cgroup.conf"
}

start_munge() {
  mungekey --create --keyfile="$state/munge.key"
  setsid munged --foreground --key-file="$state/munge.key" --socket="$state/munge.socket" \
    --pid-file="$state/munged.pid" --log-file="$state/munged.log" --seed-file="$state/munge.seed" \
    </dev/null >"$state/munge.out" 2>&1 &
  echo $! >"$state/munge.pid"
  await "munged" munge --socket="$state/munge.socket" --no-input
}

stop_munge() {
  local pid
  pid=$(first_process munge) || return 0
  kill "$pid"
  await "the end of munged" has_ended "$pid"
}

# --- ssh: a key for the controller, whose client knows each node's key.

write_ssh_conf() { # FILE-WITH-MORE
  local node
  ssh-keygen -q -t ed25519 -N '' -f "$state/client_key"
  ssh-keygen -q -t ed25519 -N '' -f "$state/host_key"
  # Privilege separation needs this folder, which the service would make.
  mkdir -p /run/sshd
  cat >"$state/sshd_config" <<CONF
HostKey $state/host_key
AuthorizedKeysFile $state/client_key.pub
StrictModes no
UsePAM no
PidFile none
PermitRootLogin prohibit-password
MaxStartups 100
CONF
  {
    if [ -n "$1" ]; then cat "$1"; fi
    for node in $(nodes); do
      printf 'Host %s\n  HostName 198.51.100.%d\n' "$node" $((10 + ${node#n}))
      echo "198.51.100.$((10 + ${node#n})) $(cut -d' ' -f1,2 "$state/host_key.pub")" >>"$state/known_hosts"
    done
    printf 'Host *\n  User root\n  IdentityFile %s\n  UserKnownHostsFile %s\n' "$state/client_key" "$state/known_hosts"
  } >"$state/ssh_config"
}

# --- Commands.

up() {
  local kind=${1:-} count=3 conf='' options=() node
  case $kind in slurm | ssh | idle) shift ;; *) die "up: slurm, ssh or idle?" ;; esac
  while [ $# -gt 0 ]; do
    case $1 in
      --nodes) count=$2 && shift ;;
      --conf) conf=$2 && shift ;;
      *) options+=("$1") ;;
    esac
    shift
  done
  [[ $count =~ ^[1-9]$ ]] || die "--nodes is a number from 1 to 9, not '$count'"
  [ "$(id -u)" = 0 ] || die "needs root: namespaces are made here"
  down
  trap down EXIT
  trap 'exit 1' INT TERM
  mkdir -p "$state/save"
  echo "$kind" >"$state/kind"
  seq -f 'n%g' "$count" >"$state/nodes"
  make_controller
  for node in $(nodes); do make_node "$node" "${options[@]}"; done
  [ "$kind" = idle ] || "write_${kind}_conf" "$conf"
  [ "$kind" != slurm ] || start_munge
  power_on ctl
  for node in $(nodes); do power_on "$node"; done
  ready
  trap - EXIT INT TERM
}

is_ready() {
  local node
  if [ "$(cat "$state/kind")" = slurm ]; then
    [ "$(enter ctl sinfo --noheader --Node --format=%T | grep -cx idle)" = "$(nodes | wc -l)" ]
  elif [ "$(cat "$state/kind")" = ssh ]; then
    for node in $(nodes); do enter ctl ssh -F "$state/ssh_config" "$node" true || return 1; done
  fi
}

ready() {
  await "all nodes at the controller's disposal" is_ready
}

enter() { # MACHINE CMD...
  local pid
  pid=$(first_process "$1") || die "$1 is off"
  # shellcheck disable=SC2016
  nsenter --target "$pid" --mount --uts --pid --net bash -c 'cd "$0" && exec "$@"' "$PWD" "${@:2}"
}

down() {
  local machine
  if [ -e "$state/nodes" ]; then
    for machine in $(nodes) ctl; do
      [ ! -e "/run/netns/$(namespace_of "$machine")" ] || power_off "$machine"
    done
    stop_munge
    for machine in $(nodes); do lab "$machine" down; done
  fi
  if [ -e "/run/netns/$name-ctl" ]; then ip netns delete "$name-ctl"; fi
  rm -rf "$state"
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  up | down | ready) $command "$@" ;;
  exec)
    [ $# -ge 2 ] || die "exec: which command, on which machine?"
    enter "$@"
    ;;
  power)
    case ${1:-} in on | off) "power_$1" "${2:?of which machine}" ;; *) die "power: on or off?" ;; esac
    ;;
  folder) echo "$state" ;;
  stats)
    if [ $# = 0 ]; then mapfile -t asked < <(nodes); else asked=("$@"); fi
    for node in "${asked[@]}"; do lab "$node" stats; done
    ;;
  *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2 && exit 2 ;;
esac
