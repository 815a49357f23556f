# Sourced by container_test.sh after prelude.sh: podman with a storage of its own in place of docker, so that
# nobody's images, containers, networks and settings are touched, and commands on $PATH that stand for docker and
# kubectl, so that docs/container.md can be followed as it stands. Whatever they run as "the host" is the lab's near end.
# shellcheck shell=bash disable=SC2154

source "$(dirname "${BASH_SOURCE[0]}")/debian_base.sh"
source "$(dirname "${BASH_SOURCE[0]}")/podman_storage.sh"
mkdir -p "$work/bin" "$work/data"
export PATH=$work/bin:$PATH

write_network() {
  cat >"$work/cni/podman.conflist" <<EOF
{"cniVersion": "0.4.0", "name": "podman", "plugins": [{"type": "bridge", "bridge": "bridge0", "isGateway": true,
  "ipMasq": true, "ipam": {"type": "host-local", "dataDir": "$work/leases", "routes": [{"dst": "0.0.0.0/0"}],
  "ranges": [[{"subnet": "172.17.0.0/16"}]]}}]}
EOF
}

# The image is made of the objects of the build that is tested, which has just compiled them: by its options, and out of
# the folder where ccache has put them. Without ccache it is built as anybody's is.
build_arguments=
find_objects() {
  local option objects
  command -v ccache >/dev/null || return 0
  objects=$(ccache --get-config=cache_dir)
  [ -d "$objects" ] || return 0
  build_arguments="--volume '$objects:/root/.cache/ccache' --build-arg 'PACKAGES=build cache' --build-arg 'OPTIONS="
  for option in ECHOSCAN_WERROR ECHOSCAN_UNITY; do
    build_arguments+=$(sed -n "s/^\($option\):[A-Z]*=\(.*\)/-D\1=\2 /p" "$ECHOSCAN_BUILD/CMakeCache.txt")
  done
  build_arguments+="'"
}

# podman-compose of Debian 12 names a network of its own beside `--network host`, which podman refuses.
write_commands() {
  local enter="exec nsenter --net=/run/netns/$ECHOSCAN_LAB-near"
  cat >"$work/bin/docker" <<EOF
#!/usr/bin/env bash
set -euo pipefail
case \$1 in
  build) exec podman build --layers=false --network host --build-arg BASE=localhost/base $build_arguments "\${@:2}" ;;
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

# Whether containers can be started here with the given storage.
try_storage() {
  use_storage "$1"
  podman import --quiet "$cache/base.tar" base >"$work/log" 2>&1 &&
    podman run --rm --network none base true >>"$work/log" 2>&1
}

leave() {
  local status=$?
  set +e
  remove_storage
  (exit $status)
  finish
}
trap leave EXIT

for needed in podman runc debootstrap podman-compose nsenter; do
  command -v $needed >/dev/null || skip "$needed is not installed; tests/install_packages.sh container"
done
write_settings
write_network
find_objects
write_commands
make_base || skip "the base image cannot be made: $(tail -1 "$work/log")"
try_storage overlay || try_storage vfs || skip "containers cannot be started here: $(tail -1 "$work/log")"
