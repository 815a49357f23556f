# Sourced by container_test.sh after prelude.sh: podman with a storage of its own in place of docker, so that
# nobody's images, containers, networks and settings are touched, and commands on $PATH that stand for docker and
# kubectl, so that docs/container.md can be followed as it stands. Whatever they run as "the host" is the lab's near end.
# shellcheck shell=bash disable=SC2154

cache=$root/build/container
mkdir -p "$cache" "$work/bin" "$work/cni" "$work/data"
storage=$(mktemp -d "$cache/storage.XXXXXX")
export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf
export TMPDIR=$work PATH=$work/bin:$PATH

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
  cat >"$work/containers.conf" <<EOF
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
EOF
  cat >"$work/cni/podman.conflist" <<EOF
{"cniVersion": "0.4.0", "name": "podman", "plugins": [{"type": "bridge", "bridge": "bridge0", "isGateway": true,
  "ipMasq": true, "ipam": {"type": "host-local", "dataDir": "$work/leases", "routes": [{"dst": "0.0.0.0/0"}],
  "ranges": [[{"subnet": "172.17.0.0/16"}]]}}]}
EOF
}

# podman-compose of Debian 12 names a network of its own beside `--network host`, which podman refuses.
write_commands() {
  local enter="exec nsenter --net=/run/netns/$ECHOSCAN_LAB-near"
  cat >"$work/bin/docker" <<EOF
#!/usr/bin/env bash
set -euo pipefail
case \$1 in
  build) exec podman build --layers=false --network host --build-arg BASE=localhost/base "\${@:2}" ;;
  compose) $enter podman-compose --podman-path "$work/bin/podman-for-compose" "\${@:2}" ;;
  *) $enter podman "\$@" ;;
esac
EOF
  cat >"$work/bin/podman-for-compose" <<'EOF'
#!/usr/bin/env bash
arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --net | --network-alias) shift 2 ;;
    *) arguments+=("$1"); shift ;;
  esac
done
exec podman "${arguments[@]}"
EOF
  cat >"$work/bin/kubectl" <<EOF
#!/usr/bin/env bash
set -euo pipefail
case "\$1 \$2" in
  "apply -f")
    # Kubernetes leaves pods unconfined unless told otherwise; podman takes its own profile, and not the one of
    # containers.conf.
    sed '/^metadata:/a\  annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}' "\$3" >"$work/played.yaml"
    $enter podman kube play "$work/played.yaml" ;;
  "logs -f") $enter podman logs -f "\$3-\$3" ;;
  "delete -f") $enter podman kube down "\$3" ;;
  *) echo "kubectl \$*: not known here" >&2; exit 2 ;;
esac
EOF
  chmod +x "$work"/bin/*
}

# The base: Debian 12 out of Debian's packages, kept between runs, as lean as the slim images are.
make_base() {
  [ ! -e "$cache/base.tar" ] || return 0
  local folder=$storage/base
  debootstrap --variant=minbase bookworm "$folder" >"$work/log" 2>&1 || return 1
  rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/cache/apt/*.bin "$folder"/var/lib/apt/lists/*
  printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' \
    >"$folder/etc/dpkg/dpkg.cfg.d/slim"
  tar -C "$folder" -cf "$cache/base.tar.new" .
  mv "$cache/base.tar.new" "$cache/base.tar"
  rm -rf "$folder"
}

# Whether containers can be started here with the given storage.
try_storage() {
  use_storage "$1"
  podman import --quiet "$cache/base.tar" base >"$work/log" 2>&1 &&
    podman run --rm --network none base true >>"$work/log" 2>&1
}

leave() {
  local status=$?
  set +e
  podman pod rm --all --force >/dev/null 2>&1
  podman rm --all --force --time 0 >/dev/null 2>&1
  podman unmount --all >/dev/null 2>&1
  rm -rf "$storage"
  (exit $status)
  finish
}
trap leave EXIT

for needed in podman runc debootstrap podman-compose nsenter; do
  command -v $needed >/dev/null || skip "$needed is not installed; tests/install_packages.sh container"
done
write_settings
write_commands
make_base || skip "the base image cannot be made: $(tail -1 "$work/log")"
try_storage overlay || try_storage vfs || skip "containers cannot be started here: $(tail -1 "$work/log")"
