#!/usr/bin/env bash
# Builds and tests everything.
#
#   sudo ./test.sh          unit, style, static checks, sanitizers, fuzzers, the lab (root, BPF, namespaces), network cards
#                           in virtual machines (the quick part of tests/vm), the container image
#   ./test.sh quick         what needs neither root nor the lab; builds only what these tests run
#
# The static checks run beside the lab, whose tests mostly wait, and on the CPU time alone that it leaves; those of its
# tests that measure or take CPU time are over by then.
#
# A test that lacks something (root, BPF, podman) is skipped and says why. With ECHOSCAN_CI=1, as .ci/run sets,
# a skip is a failure and so is a compiler warning. A stage that fails does not keep the later ones from running:
# the table at the end has the seconds of each, names what failed, and any failure makes the exit code 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

mode=${1:-full}
case $mode in quick | full) ;; *) echo "usage: test.sh [quick]" >&2; exit 2 ;; esac
warnings=OFF
[ -z "${ECHOSCAN_CI:-}" ] || warnings=ON

say() { echo "== $*"; }

table=()
failed=()
unbuilt=" "

# Runs a command as a stage of the given name: its seconds and its end go into the table.
stage() {
  local name=$1 start=$SECONDS verdict=passed
  shift
  say "$name"
  "$@" || { verdict=FAILED; failed+=("$name"); }
  table+=("$(printf '%6d s  %-6s  %s' $((SECONDS - start)) "$verdict" "$name")")
}

# Begins a preset's tests with a label as a stage beside those that follow, on the CPU time that they leave. What it
# prints is kept for end_beside.
begin_beside() {
  beside_name="test: $1, $2"
  say "$beside_name: begun, beside what follows"
  notes=$(mktemp -d)
  (
    start=$SECONDS status=0
    # exec: the process that is waited for is the one that leads the session.
    run_ctest "$@" exec tests/on_spare_time.sh &
    leader=$!
    trap 'kill -- -$leader' TERM
    wait $leader || status=$?
    echo "$((SECONDS - start)) $status" >"$notes/end"
  ) >"$notes/output" 2>&1 &
  beside_pid=$!
}

# Waits for the stage that runs beside others: what it has printed, and its line in the table.
end_beside() {
  local seconds status verdict=passed
  say "$beside_name: its end"
  wait $beside_pid
  beside_pid=
  cat "$notes/output"
  read -r seconds status <"$notes/end"
  [ "$status" = 0 ] || { verdict=FAILED; failed+=("$beside_name"); }
  table+=("$(printf '%6d s  %-6s  %s' "$seconds" $verdict "$beside_name (beside others)")")
  rm -r "$notes"
}
beside_pid=
# Nothing runs on beside a test.sh that was ended.
trap '[ -z "$beside_pid" ] || { kill $beside_pid; rm -r "$notes"; }' EXIT

configure_and_build() {
  local preset=$1
  shift
  cmake --preset "$preset" -DECHOSCAN_WERROR=$warnings >/dev/null &&
    cmake --build --preset "$preset" ${1:+--target "$@"} || { unbuilt+="$preset "; return 1; }
}

# Configures and builds a preset: all of it, or the targets named.
build() { stage "build: $1" configure_and_build "$@"; }

# Runs a preset's tests with a label; what is named after it comes before ctest.
run_ctest() {
  local preset=$1 label=$2
  shift 2
  # Programs of an earlier build would pass for the ones that could not be built.
  [[ $unbuilt != *" $preset "* ]] || { echo "not run: $preset was not built" >&2; return 1; }
  local run=(ctest --preset "$preset" --label-regex "^$label\$" --parallel "$(nproc)")
  # ThreadSanitizer of g++ 12 cannot live with as much address randomisation as newer kernels have.
  [ "$preset" != tsan ] || run=(setarch --addr-no-randomize "${run[@]}")
  "$@" "${run[@]}"
}

# That as a stage.
run_tests() { stage "test: $1, $2" run_ctest "$@"; }

tests/install_packages.sh build unit lab test
[ "$mode" = quick ] || tests/install_packages.sh vm container

if [ "$mode" = quick ]; then
  build release unit_tests style_test echoscan
else
  build release
fi
# In one go, so that the last one of the first kind does not keep a CPU from the second.
run_tests release "(unit|style)"
if [ "$mode" != quick ]; then
  for preset in asan tsan; do
    build $preset unit_tests
    run_tests $preset unit
  done
  build fuzz fuzzers
  run_tests fuzz fuzz
  run_tests release lab_alone
  begin_beside release tidy
  run_tests release lab
  run_tests release vm
  run_tests release container
  end_beside
fi

say "seconds of each stage"
printf '%s\n' "${table[@]}"
if [ ${#failed[@]} -gt 0 ]; then
  say "failed stages: ${#failed[@]}"
  printf '   %s\n' "${failed[@]}"
  exit 1
fi
say "all tests passed"
