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

for stop in INT:130 TERM:143 HUP:129 QUIT:131; do
  start_scan --busy-poll --method af_xdp_copy --rate 100k --cooldown 0.5 10.0.0.0/8
  # It asks for a line of status, and ends nothing.
  kill -s USR1 $pid
  expect_equal "settings while the scan runs" "$(settings)" "2 200000 "
  kill -s "${stop%%:*}" $pid
  expect_status "${stop#*:}" wait $pid
  expect_equal "settings after SIG${stop%%:*}" "$(settings)" "$before"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
done

# Killed, the process that keeps them puts them back. Both killed, they stay; the doctor says so, and the next scan there
# puts them back, whether it polls or not. What somebody else has changed meanwhile is theirs.
notes() { find /run/echoscan -name "busy_poll.$(stat -Lc %i "/run/netns/$ECHOSCAN_LAB-near").*" 2>/dev/null | wc -l; }
doctor() { near "$echoscan" doctor -i lab0 --to 10.0.0.1 --read-only "$@" || [ $? = 3 ]; }
begin_scan() {
  start_scan --busy-poll --method af_xdp_copy --rate 100k --cooldown 0.5 10.0.0.0/8
  expect_equal "notes while the scan runs" "$(notes)" 1
  expect_equal "the doctor on a scan that runs" "$(doctor --json | jq .interface.held_back_by)" null
  keeper=$(pgrep -P $pid)
  expect_equal "the keeper's name" "$(cat /proc/$keeper/comm)" interrupts
}
kill_scan() {
  begin_scan
  kill -s KILL $keeper $pid
  expect_status 137 wait $pid
}
cd "$work"
expect_equal "notes of scans that have ended" "$(notes)" 0

begin_scan
expect_equal "what the keeper may" "$(awk '/^CapEff:/ { print $2 }' /proc/$keeper/status)" 0000000000001000
expect_equal "what the keeper has open" "$(find /proc/$keeper/fd -type l | wc -l)" 4
kill -s KILL $pid
expect_status 137 wait $pid
for _ in $(seq 1200); do
  [ -e /proc/$keeper ] || break
  nap 0.05
done
expect_equal "settings after SIGKILL of the scan alone" "$(settings)" "$before"
expect_equal "notes after it" "$(notes)" 0
begin_scan
kill -s KILL $keeper
kill -s INT $pid
expect_status 130 wait $pid
expect_text log "--busy-poll: what was there cannot be put back (the process that keeps them was killed): napi_defer_hard_irqs 1"
expect_equal "settings after SIGKILL of the keeper" "$(settings)" "2 200000 "
expect_equal "notes after that" "$(notes)" 1
scan --method af_packet --cooldown 0.5 10.0.0.0/24 || fail "the scan behind that ended with $?"
expect_equal "settings after the scan behind that" "$(settings)" "$before"

for next in "--busy-poll --method af_xdp" "--method af_packet"; do
  kill_scan
  expect_equal "settings after SIGKILL" "$(settings)" "2 200000 "
  doctor >report
  expect_text report "A scan that was killed (process $pid) has left the interrupts of lab0 held back"
  expect_text report "echo 1 >/sys/class/net/lab0/napi_defer_hard_irqs; echo 30000 >/sys/class/net/lab0/gro_flush_timeout"
  expect_equal "the doctor's JSON" "$(doctor --json | jq .interface.held_back_by)" "$pid"
  # shellcheck disable=SC2086 # words on purpose
  scan $next --cooldown 0.5 10.0.0.0/24 || fail "the next scan ended with $?"
  expect_text log "(process $pid) has left the interrupts of lab0 held back; they are set back: napi_defer_hard_irqs 1, gro_flush_timeout 30000"
  expect_equal "settings after the next scan" "$(settings)" "$before"
  expect_equal "notes after the next scan" "$(notes)" 0
done
kill_scan
near sh -c 'echo 7 >/sys/class/net/lab0/napi_defer_hard_irqs'
scan --method af_packet --cooldown 0.5 10.0.0.0/24 || fail "the next scan ended with $?"
expect_equal "settings of which one was changed" "$(settings)" "7 30000 "
near sh -c 'echo 1 >/sys/class/net/lab0/napi_defer_hard_irqs'
kill_scan
near sh -c 'echo 8 >/sys/class/net/lab0/napi_defer_hard_irqs; echo 40000 >/sys/class/net/lab0/gro_flush_timeout'
expect_equal "the doctor on what was changed" "$(doctor --json | jq .interface.held_back_by)" null
scan --busy-poll --method af_xdp --cooldown 0.5 10.0.0.0/24 || fail "the next scan ended with $?"
expect_equal "settings that were changed" "$(settings)" "8 40000 "
expect_equal "notes at the end" "$(notes)" 0
near sh -c 'echo 1 >/sys/class/net/lab0/napi_defer_hard_irqs; echo 30000 >/sys/class/net/lab0/gro_flush_timeout'

# The output fails in the middle, the environment refuses at the start.
expect_status 4 scan --busy-poll --method af_xdp --cooldown 0.5 -o /dev/full 10.0.0.0/16
expect_equal "settings after a failed output" "$(settings)" "$before"
expect_status 3 near unshare --mount sh -c 'mount -o remount,ro,bind /sys && exec "$@"' sh \
  "$echoscan" scan --allow-reserved --busy-poll --method af_xdp 10.0.0.0/24 2>"$work/log"
expect_text "$work/log" "cannot be written (Read-only file system)"
expect_status 3 nsenter --net="/run/netns/$ECHOSCAN_LAB-near" \
  "$echoscan" scan --allow-reserved --busy-poll --method af_xdp 10.0.0.0/24 2>"$work/log"
expect_text "$work/log" "--busy-poll: /sys/class/net/lab0/gro_flush_timeout cannot be read"
expect_status 3 near "$echoscan" scan --allow-reserved --busy-poll --method af_xdp 192.0.2.2 2>"$work/log"
expect_text "$work/log" "on lab0 the kernel routes all probes"
for method in auto af_packet xdp_live; do
  expect_status 2 near "$echoscan" scan --allow-reserved --busy-poll --method $method 10.0.0.0/24 2>"$work/log"
  expect_text "$work/log" "--busy-poll is AF_XDP's: it needs --method af_xdp or af_xdp_copy"
done
expect_equal "settings after what was refused" "$(settings)" "$before"
