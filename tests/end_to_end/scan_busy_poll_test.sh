#!/usr/bin/env bash
# --busy-poll: interrupts are held back while the scan runs and given back whichever way it ends, and nothing is lost.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
settings() { near sh -c 'cat /sys/class/net/lab0/napi_defer_hard_irqs /sys/class/net/lab0/gro_flush_timeout' | tr '\n' ' '; }
# Not zeros: what was there comes back, and not what is usual.
near sh -c 'echo 1 >/sys/class/net/lab0/napi_defer_hard_irqs; echo 30000 >/sys/class/net/lab0/gro_flush_timeout'
before=$(settings)
expect_equal "settings to come back to" "$before" "1 30000 "

scan --busy-poll --method af_xdp --rate max --cooldown 1 10.0.0.0/14 || fail "the scan ended with $?"
expect_truth 10.0.0.0/14
expect_equal "arrived" "$(lab stats | jq .echo_requests)" 262144
expect_equal "settings after the scan" "$(settings)" "$before"

for stop in INT:130 TERM:143; do
  start_scan --busy-poll --method af_xdp_copy --rate 100k --cooldown 0.5 10.0.0.0/8
  expect_equal "settings while the scan runs" "$(settings)" "2 200000 "
  kill -s "${stop%%:*}" $pid
  expect_status "${stop#*:}" wait $pid
  expect_equal "settings after SIG${stop%%:*}" "$(settings)" "$before"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
done

# The output fails in the middle, the environment refuses at the start.
expect_status 4 scan --busy-poll --method af_xdp --cooldown 0.5 -o /dev/full 10.0.0.0/16
expect_equal "settings after a failed output" "$(settings)" "$before"
expect_status 3 near unshare --mount sh -c 'mount -o remount,ro,bind /sys && exec "$@"' sh \
  "$echoscan" scan --allow-reserved --busy-poll --method af_xdp 10.0.0.0/24 2>"$work/log"
expect_text "$work/log" "cannot be written (Read-only file system)"
expect_status 3 nsenter --net="/run/netns/$ECHOSCAN_LAB-near" \
  "$echoscan" scan --allow-reserved --busy-poll --method af_xdp 10.0.0.0/24 2>"$work/log"
expect_text "$work/log" "--busy-poll: /sys/class/net/lab0/napi_defer_hard_irqs cannot be read"
expect_status 3 near "$echoscan" scan --allow-reserved --busy-poll --method af_xdp 192.0.2.2 2>"$work/log"
expect_text "$work/log" "on lab0 the kernel routes all probes"
for method in auto af_packet xdp_live; do
  expect_status 2 near "$echoscan" scan --allow-reserved --busy-poll --method $method 10.0.0.0/24 2>"$work/log"
  expect_text "$work/log" "--busy-poll is AF_XDP's: it needs --method af_xdp or af_xdp_copy"
done
expect_equal "settings after what was refused" "$(settings)" "$before"
