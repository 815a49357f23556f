#!/usr/bin/env bash
# A real stack answers: a /20 against Linux itself finds all 4,096 addresses by every method, and fping,
# which nobody here wrote, finds the same.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

targets=10.77.16.0/20
lab up --mode kernel
for method in af_xdp af_packet packet_mmap pcap raw_socket; do
  scan --method $method --rate 20k --cooldown 1 "$targets" || fail "the scan ended with $?"
  expect_truth "$targets"
  expect_equal "found" "$(wc -l <"$work/out")" 4096
  expect_equal "TTLs" "$(jq .ttl "$work/out" | sort -u)" 64
done

near fping -q -a -i 1 -r 1 -g 10.77.16.0 10.77.31.255 >"$work/fping" 2>"$work/log" ||
  fail "fping ended with $?"
sort "$work/fping" | cmp -s - <(found | sort) || fail "fping found $(wc -l <"$work/fping")"

# The header that was asked for, by every method that this far end lets send; it looks at the frames.
cat >"$work/look.py" <<'END'
import socket, time
frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
frames.bind(("lab1", 0))
frames.settimeout(0.2)
print("looking", flush=True)
seen, end = {}, time.monotonic() + 60
while time.monotonic() < end and not (seen and time.monotonic() > last + 15):
    try:
        frame = frames.recv(2048)
    except OSError:  # also while XDP is put on or off the link
        continue
    if frame[23] == 1 and frame[34] == 8:
        last = time.monotonic()
        seen[frame[22], frame[15]] = seen.get((frame[22], frame[15]), 0) + 1
    if sum(seen.values()) >= 5 * 16:
        break
for (ttl, tos), count in sorted(seen.items()):
    print(ttl, tos, count)
END
far python3 -B "$work/look.py" >"$work/seen" &
looking=$!
for _ in $(seq 100); do
  [ ! -s "$work/seen" ] || break
  nap 0.1
done
ttl=100
for method in af_xdp_copy af_packet packet_mmap pcap raw_socket; do
  ttl=$((ttl + 1))
  scan --method $method --ttl $ttl --dscp $((ttl - 80)) 10.77.16.0/28 || fail "the scan by $method ended with $?"
  expect_equal "found by $method" "$(wc -l <"$work/out")" 16
  expect_equal "TTL and TOS in the summary" "$(summary '"\(.sending.ttl) \(.sending.tos)"')" "$ttl $((4 * (ttl - 80)))"
done
wait $looking
expect_equal "TTL, TOS and frames at the far end" "$(sed 1d "$work/seen" | paste -sd,)" \
  "101 84 16,102 88 16,103 92 16,104 96 16,105 100 16"

# Everybody answers: there is nothing to wait for, but what was asked for beside the first replies.
scan --cooldown 60 10.77.16.0/28 || fail "the scan ended with $?"
jq -e '.ended[:19] as $last | .started[:19] as $first | ($last + "Z" | fromdate) - ($first + "Z" | fromdate) < 30' \
  "$work/summary" >/dev/null || fail "a scan whose targets have all replied waits for 60 s"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
scan --cooldown 2 --emit repeats 10.77.16.0/28 || fail "the scan ended with $?"
expect_text "$work/log" "receiving for 2 s more"
scan --cooldown 2 --probes 2 10.77.16.0/28 || fail "the scan ended with $?"
expect_text "$work/log" "receiving for 2 s more"
