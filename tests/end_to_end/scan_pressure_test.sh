#!/usr/bin/env bash
# A reader that is slow, or takes nothing for a while, slows the sending and loses no reply, and the status line says
# why; and however much there is to scan, memory is what was touched.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up --one-in 1
targets=10.0.0.0/14
count=262144
rate=150000

# Takes nothing before the scan has said that this holds it up; 57 MiB of results do not fit into our buffer.
sleeper() {
  for _ in $(seq 600); do
    if has_text "$work/log" '"output_is_limit":true'; then break; fi
    nap 0.1
  done
  cat
}
# 5,000 lines, a tenth of a second of nothing: less than 50,000 a second.
slow_reader() { awk '{print} NR % 5000 == 0 {system("sleep 0.1")}'; }
# How to send, and through what to receive: the last without CAP_BPF and CAP_NET_ADMIN.
scan_into() { # READER RECEIVER OPTION...
  local reader=$1 command=("$echoscan")
  if [ "$2" = packet ]; then
    command=(setpriv --bounding-set=-all,+net_raw --inh-caps=-all "$echoscan")
  fi
  rm -f "$work/summary"
  near "${command[@]}" scan --allow-reserved --summary "$work/summary" --status json --rate $rate --cooldown 1 \
    "${@:3}" $targets     2>"$work/log" | $reader >"$work/out" || fail "the scan into $reader ended with $?"
  expect_truth $targets
  expect_equal "replied" "$(summary .ledger.replied)" $count
  expect_equal "lost in the kernel" "$(summary '.receiving.frames.ring_full + .receiving.dropped_unseen')" 0
}

for reader in sleeper slow_reader; do
  for way in "xdp --method af_xdp" "xdp --method af_packet" "packet"; do
    # shellcheck disable=SC2086
    scan_into $reader $way
    paused=$(summary .sending.paused_for_output_seconds)
    echo "$reader, $way: $(summary '.sending.rate_pps | floor') a second, $paused s of waiting for the output"
    [ $reader = slow_reader ] || [ "$(summary '.sending.paused_for_output_seconds > 0')" = true ] ||
      fail "the senders waited for $paused s"
    [ $reader = slow_reader ] || expect_text "$work/log" '"output_is_limit":true'
  done
done
scan --status json --rate $rate --cooldown 1 $targets || fail "the scan ended with $?"
if grep -F '"output_is_limit":true' "$work/log"; then fail "nobody was slow"; fi
expect_equal "waited for the output" "$(summary .sending.paused_for_output_seconds)" 0

# 64 MiB, the rings' 16 MiB a CPU at 600,000 probes a second, and what was touched of the bitmaps, of which there is one
# for replies and one for errors: here the 2 MiB of 10.0.0.0/8, the only network that answers, and not the 256 MiB of
# 2,147,483,648 targets.
budget_kib=$((64 * 1024 + $(nproc --all) * 16 * 1024 + 2 * 2048))
for scanned in "10.0.0.0/8 600k" "0.0.0.0/1 300k"; do
  start_scan --format ip --rate "${scanned#* }" --max-targets 1200000 --cooldown 0.5 "${scanned% *}"
  peak_kib=
  while now=$(awk '$1 == "VmHWM:" {print $2}' /proc/$pid/status 2>"$work/gone") && [ -n "$now" ]; do
    peak_kib=$now
    nap 0.05
  done
  expect_status 0 wait $pid
  echo "${scanned% *}: $peak_kib KiB for $(summary .ledger.sent) of $(summary .targets.count) targets"
  expect_equal "sent" "$(summary .ledger.sent)" 1200000
  [ "$peak_kib" -le $budget_kib ] || fail "$peak_kib KiB of memory are more than $budget_kib"
done
