#!/usr/bin/env bash
# The image is built and scans the lab: the truth with all privileges and with the least, each refusal with its
# message, the pipe, the stops; then docs/container.md is followed command by command. podman stands in for docker.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../lab/podman.sh"

guide=$root/docs/container.md
least=(--cap-drop ALL --cap-add NET_RAW --cap-add NET_ADMIN --cap-add BPF --cap-add PERFMON --cap-add IPC_LOCK)
strict=(--read-only --security-opt no-new-privileges)
first=(scan --allow-reserved --cooldown 1 --summary summary.json)

# A container in the lab: results in $work/out, log in $work/log, summary in $work/summary.
contain() { # PODMAN OPTION... echoscan ARGUMENT...
  rm -f "$work/summary" "$work/data/summary.json"
  local status=0
  podman run --rm --network "ns:/run/netns/$ECHOSCAN_LAB-near" --volume "$work/data:/data" "$@" \
    >"$work/out" 2>"$work/log" || status=$?
  [ ! -e "$work/data/summary.json" ] || cp "$work/data/summary.json" "$work/summary"
  return $status
}

# A row of the guide's table: what is run is refused or steps down with a message that the guide has too.
expect_row() { # STATUS MESSAGE PODMAN OPTION...
  local status=$1 message=$2
  shift 2
  expect_status "$status" contain "$@" echoscan "${first[@]}" --rate 20k 10.20.0.0/20
  expect_text "$work/log" "$message"
  expect_text "$guide" "$message"
  if [ "$status" = 0 ]; then
    expect_truth 10.20.0.0/20
  else
    expect_equal "results" "$(wc -l <"$work/out")" 0
  fi
}

expect_methods() { # SENDING RECEIVING
  expect_equal "sending" "$(summary '.sending.queues[0].mode')" "$1"
  expect_equal "receiving" "$(summary .receiving.mode)" "$2"
}

# --- The image, by the guide's own command. Its objects are those that the build before it has put into ccache.
# Only CI is known to have made them by ccache: elsewhere they may be older than that, or have been thrown away.
lookups() { ccache --print-stats | awk '/^(direct|preprocessed)_cache_hit/ { hits += $2 }
  /^cache_miss/ { misses += $2 } END { print hits + 0, misses + 0 }'; }
[ -z "$build_arguments" ] || read -r hits_before misses_before < <(lookups)
(cd "$root" && docker build -t echoscan .) >"$work/log" 2>&1 ||
  fail "docker build ended with $?: $(tail -30 "$work/log")"
if [ -n "$build_arguments" ]; then
  read -r hits misses < <(lookups)
  echo "objects of the image out of ccache: $((hits - hits_before)), compiled: $((misses - misses_before))"
  [ -z "${ECHOSCAN_CI:-}" ] || [ $((misses - misses_before)) -lt $((hits - hits_before)) ] || fail "the image was compiled anew"
elif [ -n "${ECHOSCAN_CI:-}" ]; then
  fail "ccache is missing: the image was compiled anew"
fi
podman image exists localhost/echoscan || fail "docker build made no image: $(tail -30 "$work/log")"
size() { podman image inspect --format '{{.Size}}' "$1"; }
more=$((($(size echoscan) - $(size base)) / 1000000))
[ $more -lt 20 ] || fail "the image is $more MB larger than its base"
inside() { podman run --rm --network none --entrypoint sh echoscan -c "$1"; }
expect_equal "compilers in the image" \
  "$(inside 'command -v c++ g++ gcc cc clang clang-14 cmake ninja ld || [ $? = 127 ]')" ""

podman run --rm --network none echoscan >"$work/out" 2>"$work/log" || fail "the image alone ended with $?"
expect_text "$work/out" "usage: echoscan scan"
label() { podman image inspect --format "{{index .Labels \"org.opencontainers.image.$1\"}}" echoscan; }
expect_equal "echoscan --version" "$(podman run --rm --network none echoscan --version | head -1)" "echoscan $(label version)"
for key in title description licenses base.name; do
  [ -n "$(label $key)" ] || fail "the image has no label $key"
done

# --- The lab is the host. Its interface is called as in the guide.
lab up
ip -n "$ECHOSCAN_LAB-near" link set lab0 down
ip -n "$ECHOSCAN_LAB-near" link set lab0 name eth0
ip -n "$ECHOSCAN_LAB-near" link set eth0 up
ip -n "$ECHOSCAN_LAB-near" route add default via 192.0.2.2

# --- The truth, with everything and with the least.
for privileges in --privileged "${least[*]} ${strict[*]}"; do
  read -ra options <<<"$privileges"
  contain "${options[@]}" echoscan "${first[@]}" --rate 200k --seed 5 10.0.0.0/12 ||
    fail "the scan with $privileges ended with $?"
  expect_truth 10.0.0.0/12
  expect_methods "AF_XDP copy" "XDP native"
  expect_equal "sent" "$(summary .ledger.sent)" 1048576
done
expect_equal "arrived" "$(lab stats | jq .echo_requests)" $((2 * 1048576))

# --- Less than that: each row of the guide's table.
expect_row 0 "no XDP on eth0, BPF is not permitted (CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN): sending and receiving by AF_PACKET" \
  --cap-drop ALL --cap-add NET_RAW
expect_methods "AF_PACKET sendmmsg" "AF_PACKET ring"
expect_row 0 "no XDP on eth0, BPF is not permitted (CAP_PERFMON): sending and receiving by AF_PACKET" \
  --cap-drop ALL --cap-add NET_RAW --cap-add NET_ADMIN --cap-add BPF --cap-add IPC_LOCK
expect_row 0 "no AF_XDP on eth0 (queue 0: not enough locked memory; raise it with \`ulimit -l unlimited\`, or in a container with --cap-add IPC_LOCK); sending by AF_PACKET" \
  "${least[@]:0:10}"
expect_methods "AF_PACKET sendmmsg" "XDP native"
expect_row 0 "no XDP on eth0, BPF is not permitted in spite of its capabilities, so a seccomp profile refuses it (in a container, --security-opt seccomp=unconfined lifts that): sending and receiving by AF_PACKET" \
  "${least[@]}" --security-opt seccomp=/usr/share/containers/seccomp.json
expect_row 3 "cannot open a packet socket: Operation not permitted; run as root, or with CAP_NET_RAW: in a container --cap-add NET_RAW, or for AF_XDP ${least[*]:2}" \
  --cap-drop ALL
# Outputs are opened first, so that its root has to own their folder.
chown 100000:100000 "$work/data"
expect_row 3 "cannot open a packet socket: Operation not permitted; a user namespace, which a rootless container is, does not own this network; run as root" \
  --privileged --uidmap 0:100000:65536
chown 0:0 "$work/data"
contain "${least[@]}" --security-opt seccomp=unconfined echoscan "${first[@]}" 10.20.0.0/24 || fail "unconfined: $?"
expect_methods "AF_XDP copy" "XDP native"

# Without CAP_DAC_OVERRIDE root is held to the modes of what is mounted.
mkdir "$work/theirs"
chown 1000 "$work/theirs"
expect_status 4 contain "${least[@]}" --volume "$work/theirs:/theirs" echoscan "${first[@]}" -o /theirs/out 10.20.0.0/24
expect_text "$work/log" "cannot write to '/theirs/out': Permission denied"
expect_text "$guide" "cannot write to '/theirs/out': Permission denied"

# --- A list on standard input, results through jq on the outside.
lab truth 10.20.0.0/20 >"$work/truth"
seq 0 15 | sed 's|.*|10.20.&.0/24|' |
  podman run --rm -i --privileged --network "ns:/run/netns/$ECHOSCAN_LAB-near" echoscan \
    scan --allow-reserved --cooldown 1 -t - 2>"$work/log" |
  jq -r .target | sort -t. -k3,3n -k4,4n >"$work/found"
cmp "$work/found" "$work/truth" || fail "through the pipe came $(wc -l <"$work/found") of $(wc -l <"$work/truth")"

# --- SIGTERM: a clean stop of the scan within the cooldown, and of a container that waits for its list.
contain --name sweep --privileged echoscan "${first[@]}" --cooldown 3 --rate 100k 10.0.0.0/9 &
scan=$!
for _ in $(seq 100); do
  [ "$(wc -l 2>/dev/null <"$work/out" || echo 0)" -lt 1000 ] || break
  nap 0.1
done
[ "$(wc -l <"$work/out")" -ge 1000 ] || fail "the scan does not get under way"
podman stop --time 10 sweep >/dev/null
expect_status 143 wait $scan
expect_equal "outcome" "$(summary .outcome)" terminated
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
expect_equal "whole lines" "$(jq -r .target "$work/out" | wc -l)" "$(summary .ledger.replied)"
[ "$(summary .ledger.not_sent.stopped)" -gt 0 ] || fail "nothing was left unsent"

mkfifo "$work/list"
exec 5<>"$work/list"
podman run --rm --name waiting -i --network none echoscan scan -t - <&5 >"$work/out" 2>"$work/log" &
scan=$!
for _ in $(seq 100); do
  [ "$(podman inspect --format '{{.State.Running}}' waiting 2>/dev/null)" != true ] || break
  nap 0.1
done
podman stop --time 10 waiting >/dev/null
expect_status 143 wait $scan
exec 5>&-

# --- The guide, as it stands. Files that it shows carry their name in the first line.
mkdir "$work/guide"
cd "$work/guide"
awk -v folder="$work/guide" '
  /^```(sh|yaml)$/ {inside = 1; number++; name = sprintf("%s/block.%02d", folder, number); next}
  /^```$/ {inside = 0; next}
  inside && /^# [a-z]+\.yaml$/ {name = folder "/" $2}
  inside {print >name}' "$guide"
sed -i "s|/srv/echoscan|$work/guide/data|" pod.yaml
for block in block.*; do
  # The image is built already; once is enough.
  if grep -q '^docker build' "$block"; then continue; fi
  bash -euo pipefail "$block" >"$block.out" 2>"$work/log" || fail "the guide's '$(cat "$block")' ended with $?"
  if grep -qE 'scan -i|compose|kubectl' "$block"; then
    cat "$work/log" >>"$block.out"
    expect_text "$block.out" "sending by AF_XDP copy on 1 queue, receiving by XDP native"
  fi
done
for results in results.jsonl data/results.jsonl bridged.jsonl least.jsonl data/compose.jsonl data/pod.jsonl; do
  jq -r .target "$results" | sort >"$work/found"
  lab truth 10.20.0.0/20 | sort | cmp -s - "$work/found" || fail "the guide's $results is not the truth"
done
lab truth 10.20.0.0/22 | sort | cmp -s - <(sort alive.txt) || fail "the guide's alive.txt is not the truth"
expect_equal "the guide's stopped scan" "$(jq -r .outcome data/sweep.json)" terminated
