# Sourced after prelude.sh: podman with a storage of its own, so that nobody's images, containers, networks and settings
# are touched. Whoever sources it calls remove_storage at its end.
# shellcheck shell=bash disable=SC2154

cache=$root/build/container
mkdir -p "$cache" "$work/cni"
storage=$(mktemp -d "$cache/storage.XXXXXX")
export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf TMPDIR=$work

use_storage() { # overlay | vfs
  printf '[storage]\ndriver = "%s"\ngraphroot = "%s"\nrunroot = "%s"\n' \
    "$1" "$storage/$1" "$work/run-$1" >"$work/storage.conf"
}

write_settings() {
  # As docker since version 23: bpf(2) for whoever has CAP_BPF. Debian 12's podman asks for CAP_SYS_ADMIN.
  jq '.syscalls = [{"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}}]
      + [.syscalls[] | .names -= ["bpf"]]' /usr/share/containers/seccomp.json >"$work/seccomp.json"
  # crun fails on hybrid cgroups; the default limits may be above what this process may set. 64 kB of locked
  # memory is what many systems give.
  cat >"$work/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024", "memlock=65536:65536"]
seccomp_profile = "$work/seccomp.json"
[network]
network_backend = "cni"
network_config_dir = "$work/cni"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "$work/libpod"
CONF
}

remove_storage() {
  podman pod rm --all --force >/dev/null 2>&1
  podman rm --all --force --time 0 >/dev/null 2>&1
  podman unmount --all >/dev/null 2>&1
  rm -rf "$storage"
}
