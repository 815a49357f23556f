#!/usr/bin/env bash
# test.sh with a cmake and a ctest that only write down how they were called: after a stage that fails every later one
# still runs, each failure is named at the end, and the exit code says so.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/tests" "$work/bin"
cp "$root/test.sh" "$work/test.sh"
printf '#!/bin/sh\necho "spare $*" >>"$CALLS"\n[ "$BREAK" != spare ] || exit 1\nexec setsid "$@"\n' >"$work/tests/on_spare_time.sh"
chmod +x "$work/tests/on_spare_time.sh"
cat >"$work/bin/play" <<'PLAY'
#!/usr/bin/env bash
echo "$(basename "$0") $*" >>"$CALLS"
if [[ $* == *"^tidy"* && -n ${LINGER:-} ]]; then echo $$ >"$LINGER"; sleep 60; fi
if [[ $* == *"^fuzz"* && -n ${SPENDS:-} ]]; then (ulimit -t 2; while :; do :; done) || [ $? -gt 128 ]; fi
for bad in ${BREAK:-}; do [[ "$(basename "$0") $*" != *"${bad//+/ }"* ]] || exit 1; done
PLAY
chmod +x "$work/bin/play"
ln -s play "$work/bin/cmake"
ln -s play "$work/bin/ctest"
printf '#!/bin/sh\nshift\nexec "$@"\n' >"$work/bin/setarch"
chmod +x "$work/bin/setarch"
printf '#!/bin/sh\nexec ctest "$@"\n' >"$work/tests/changed_tests.py"
chmod +x "$work/tests/changed_tests.py"
ln -s ../bin/play "$work/tests/install_packages.sh"

fail() { echo "$*" >&2; cat "$work/out" >&2; exit 1; }

# Runs test.sh in MODE with the stages of BREAK failing; expects EXIT, and then the counts of ctest runs and of
# stages named as failed.
expect() {
  local mode=$1 break=$2 exit_wanted=$3 ctests_wanted=$4 failures_wanted=$5 code=0
  : >"$work/calls"
  CALLS="$work/calls" BREAK="$break" PATH="$work/bin:$PATH" "$work/test.sh" "$mode" >"$work/out" 2>&1 || code=$?
  [ "$code" = "$exit_wanted" ] || fail "$mode, broken '$break': exit $code, not $exit_wanted"
  local ctests failures
  ctests=$(grep -c '^ctest' "$work/calls" || [ $? = 1 ])
  failures=$(grep -c ' FAILED ' "$work/out" || [ $? = 1 ])
  [ "$ctests" = "$ctests_wanted" ] || fail "$mode, broken '$break': $ctests runs of ctest, not $ctests_wanted"
  [ "$failures" = "$failures_wanted" ] || fail "$mode, broken '$break': $failures failures named, not $failures_wanted"
  if [ "$exit_wanted" = 0 ]; then
    grep -q '^== all tests passed$' "$work/out" || fail "$mode: does not say that all passed"
  else
    grep -q "^== failed stages: $failures_wanted\$" "$work/out" || fail "$mode: does not count the failures"
  fi
}

expect quick "" 0 1 0
expect quick "ctest+build/release+^(unit|style)" 1 1 1
expect quick "--build+--preset+release" 1 0 2   # nothing of a preset that was not built is run
SPENDS=1 expect full "" 0 9 0
grep -q '^spare ./test.sh spare$' "$work/calls" || fail "nothing is left to the spare time"
grep -qE '^ +[0-9]+ s +[0-9]+ s  passed  test: asan, tidy$' "$work/out" || fail "tidy is not in the table"
grep -qE '^ +[0-9]+ s +[23] s  passed  test: fuzz, fuzz$' "$work/out" || fail "2 s of CPU are not in the table"
expect full "cmake+--preset+asan" 1 7 3         # neither its tests nor the static checks
expect full "ctest+--preset+tsan ctest+--preset+fuzz ^vm" 1 9 3
expect full "^tidy" 1 9 1
expect full "--build+--preset+release" 1 4 6
expect full "install_packages.sh+lab" 1 9 1      # ctest says what that lacks
expect full "spare" 1 5 1                       # what could not begin
expect full "ctest" 1 9 9

# The spare time is that of the class for it, in a session that counts for nothing beside others.
"$root/tests/on_spare_time.sh" bash -c \
  'chrt --pid $$; ps -o sid= -p $$; echo $$; if [ -e /proc/self/autogroup ]; then cat /proc/self/autogroup; else echo "nice 19"; fi' \
  >"$work/out"
grep -q 'SCHED_IDLE$' "$work/out" || fail "another class of the scheduler"
grep -q 'nice 19$' "$work/out" || fail "another share for the session"
[ "$(sed -n 3p "$work/out" | tr -d ' ')" = "$(sed -n 4p "$work/out")" ] || fail "not a session of its own"

# What runs beside the other stages ends with a test.sh that is ended.
: >"$work/calls"
CALLS="$work/calls" LINGER="$work/lingers" PATH="$work/bin:$PATH" "$work/test.sh" >"$work/out" 2>&1 &
running=$!
for _ in $(seq 100); do
  if [ -s "$work/lingers" ] && grep -q '^== on spare time: its end' "$work/out"; then break; fi
  sleep 0.1
done
kill $running
code=0
wait $running || code=$?
[ "$code" = 143 ] || fail "an ended test.sh: exit $code"
for _ in $(seq 100); do
  kill -0 "$(cat "$work/lingers")" 2>/dev/null || exit 0
  sleep 0.1
done
fail "the static checks run on without test.sh"
