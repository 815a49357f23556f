#!/usr/bin/env bash
# The newcomer's first command: results and nothing else on standard output, and nothing left behind.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

"$root/demo.sh" >"$work/out" 2>"$work/log" || fail "demo.sh ended with $?"
expect_equal "lines that are not results" "$(jq -r 'select(.rtt_us > 0) | .target' "$work/out" | wc -l)" \
  "$(wc -l <"$work/out")"
[ "$(wc -l <"$work/out")" -gt 1000 ] || fail "only $(wc -l <"$work/out") results"
expect_text "$work/log" "echoscan: finished"
expect_equal "namespaces left" "$(ip netns list | grep -c '^echoscan-demo-' || [ $? = 1 ])" 0

# On a fresh machine the test libraries are not there.
cmake -S "$root" -B "$work/build" -G Ninja -DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON \
  -DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON >"$work/log" 2>&1 || fail "configuring without the test libraries"
cmake --build "$work/build" --target help >"$work/targets"
expect_text "$work/targets" "lab_world: phony"

# Its reader may leave early.
"$root/demo.sh" 2>"$work/log" | head -1 >"$work/out" || [ "${PIPESTATUS[0]}" = 4 ] || fail "demo.sh | head -1"
expect_equal "namespaces left" "$(ip netns list | grep -c '^echoscan-demo-' || [ $? = 1 ])" 0
