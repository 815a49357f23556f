#!/usr/bin/env bash
# The Job of docs/many-machines.md, without a Kubernetes cluster: its keys, types and values are those of the API, and
# the pod that the Job's controller makes for each index is run by podman on one of three nodes. One of them is stopped
# in mid-shard, and its successor goes on elsewhere.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"
source "$(dirname "${BASH_SOURCE[0]}")/prelude.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../lab/podman_storage.sh"

leave_pods() {
  local status=$?
  set +e
  remove_storage
  (exit $status)
  leave
}
trap leave_pods EXIT

needs podman runc nsenter npm
guide "Kubernetes" 0
job() { /usr/bin/python3 -B "$root/tests/cluster/job.py" "$1" "$work/guide/job.yaml" "${@:2}"; }

# --- The API's own description as types: a key that it does not have, and a value that it does not allow, are errors.
job rules || fail "the Job breaks a rule of the API"
mkdir "$work/types"
cd "$work/types"
npm install --no-package-lock --no-audit --no-fund --ignore-scripts kubernetes-models@4.5.1 typescript@5.9.3 \
  >npm.log 2>&1 || skip "the packages kubernetes-models and typescript cannot be had: $(tail -3 npm.log)"
job types >job.mts
node_modules/.bin/tsc --noEmit --strict --module node16 --skipLibCheck job.mts >"$work/log" ||
  fail "the Job is not as the API has it"

# --- The image: the program, and the libraries that it is linked with.
write_settings
make_image() {
  local files
  mapfile -t files < <(ldd "$echoscan" | grep -oE '/[^ ]+')
  mkdir -p "$work/image/usr/local/bin" "$work/image/data"
  cp "$echoscan" "$work/image/usr/local/bin/"
  cp --dereference --parents "${files[@]}" "$work/image"
  tar -C "$work/image" -cf "$work/image.tar" .
}
try_storage() { # overlay | vfs
  use_storage "$1"
  podman import --quiet --change 'ENTRYPOINT ["/usr/local/bin/echoscan"]' "$work/image.tar" echoscan >"$work/log" 2>&1 &&
    podman run --rm --network none echoscan --version >>"$work/log" 2>&1
}
make_image
try_storage overlay || try_storage vfs || skip "containers cannot be started here: $(tail -1 "$work/log")"

# --- The nodes, and the volume.
cluster up idle --seed 1
awk '/^---$/ { exit } { print }' "$work/guide/job.yaml" >"$work/volume.yaml"
podman kube play "$work/volume.yaml" >"$work/log" 2>&1 || fail "the volume cannot be made"
targets=10.72.0.0/16
folder kubernetes 1k
echo $targets >targets.txt
volume=$(podman volume inspect --format '{{.Mountpoint}}' echoscan)
cp scan.conf targets.txt "$volume"
cd "$volume"

# What a pod's container ended with is the status.
start_pod() { # INDEX NODE
  job pod "$1" >"$work/pod-$1.yaml"
  nsenter --net="/run/netns/$ECHOSCAN_LAB-$2-near" podman kube play "$work/pod-$1.yaml" >"$work/pod-$1.log" 2>&1 ||
    fail "the pod of index $1 does not start: $(tail -3 "$work/pod-$1.log")"
}
end_pod() { # INDEX EXPECTED
  local status
  status=$(podman wait "echoscan-$1-echoscan")
  [ "$status" = "$2" ] ||
    fail "the pod of index $1 ended with $status and not $2: $(podman logs "echoscan-$1-echoscan" 2>&1 | tail -3)"
  podman pod rm --force "echoscan-$1" >/dev/null
}
run_node() { # NODE INDEX...
  local index
  for index in "${@:2}"; do
    start_pod "$index" "$1"
    end_pod "$index" 0
  done
}

# --- A pod is stopped in mid-shard: 143, which the Job's policy does not count, and the next one goes on.
start_pod 0 n1
await 60 "1000 probes of n1" have_sent 1000 n1
podman stop --time 30 echoscan-0-echoscan >/dev/null
end_pod 0 143
expect_equal "how it ended" "$(jq -r .outcome shard-0.json)" terminated
start_pod 0 n2
end_pod 0 0
expect_equal "turns of shard 0" "$(jq '.legs | length' shard-0.json)" 2

# --- The other indexes, one a node at a time, and as fast as they can.
sed -i "s/^rate = .*/rate = 20000/" scan.conf
# shellcheck disable=SC2046
for node in 1 2 3; do
  run_node n$node $(seq "$node" 3 23) &
  started_nodes[node]=$!
done
for node in 1 2 3; do wait "${started_nodes[$node]}"; done
expect_union $targets
again=$(($(sent) - 65536))
[ $again -le 64 ] || fail "$again probes were sent twice: more than a batch"
row "kubernetes: a pod is stopped" $again
