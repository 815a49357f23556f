#!/usr/bin/env bash
# Builds and tests everything.
#
#   sudo ./test.sh          unit, style, static checks, sanitizers, fuzzers, the lab (root, BPF, namespaces), network cards
#                           in virtual machines (the quick part of tests/vm), the container image, a cluster of Slurm
#   ./test.sh quick         what needs neither root nor the lab, of that the tests which a change may have broken since
#                           they passed (tests/changed_tests.py), one case in seven of a sweep (tests/sweep_step.h);
#                           builds only what these run
#
# The lab's tests mostly wait, and so do those of the virtual machines and the container. So two more of the lab's run
# than there are CPUs, and what only computes runs beside them all on the CPU time that they leave: the sanitizers and the
# fuzzers, builds and tests, and the static checks. The lab's tests that measure or take CPU time are over before that.
#
# A test that lacks something (root, BPF, podman) is skipped and says why. With ECHOSCAN_CI=1, as .ci/run sets,
# a skip is a failure and so is a compiler warning. A stage that fails does not keep the later ones from running:
# the table at the end has the seconds of each, names what failed, and any failure makes the exit code 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

mode=${1:-full}
case $mode in
  quick | full) stages=$(mktemp -d) ;;
  spare) stages=${ECHOSCAN_STAGES:?} ;;  # what runs beside a full one, which calls it so
  *) echo "usage: test.sh [quick]" >&2; exit 2 ;;
esac
ci=OFF
[ -z "${ECHOSCAN_CI:-}" ] || ci=ON

say() { echo "== $*"; }

# The CPU seconds of all that this shell has started and has waited for, in `cpu`.
count_cpu() {
  times >"$stages/times.$mode"
  cpu=$(awk -F '[ms ]+' 'END { printf "%d", 60 * $1 + $2 + 60 * $3 + $4 }' "$stages/times.$mode")
}

# Runs a command as a stage of the given name: its seconds, those of CPU and its end go into the table.
stage() {
  local name=$1 start=$SECONDS verdict=passed cpu cpu_before
  shift
  say "$name"
  count_cpu
  cpu_before=$cpu
  "$@" || verdict=FAILED
  count_cpu
  printf '%6d s %6d s  %-6s  %s\n' $((SECONDS - start)) $((cpu - cpu_before)) $verdict "$name" >>"$stages/table"
}

# Begins the stages of `test.sh spare`; what they print is kept for end_spare.
begin_spare() {
  say "on spare time, beside what follows: sanitizers, fuzzers, static checks"
  (
    ECHOSCAN_STAGES=$stages tests/on_spare_time.sh ./test.sh spare &
    leader=$!
    trap 'kill -- -$leader' TERM
    wait $leader
  ) >"$stages/output" 2>&1 &
  spare_pid=$!
}

# Waits for them: what they have printed and print, and whether all of them were begun.
end_spare() {
  local status=0
  say "on spare time: its end"
  tail --lines=+1 --follow --sleep-interval=0.1 --pid=$spare_pid "$stages/output"
  wait $spare_pid || status=$?
  spare_pid=
  return $status
}
spare_pid=

# Installs what no build needs, beside the first one: that takes CPUs, and this the network and the disk.
begin_packages() {
  {
    tests/install_packages.sh lab test vm container deb package cluster &&
      # Debian's npm excludes the one that comes with other packages of Node.js.
      { command -v npm >/dev/null || tests/install_packages.sh npm; }
  } >"$stages/packages" 2>&1 &
  packages_pid=$!
}
end_packages() {
  local status=0
  wait $packages_pid || status=$?
  packages_pid=
  cat "$stages/packages"
  return $status
}
packages_pid=
# Nothing runs on beside a test.sh that was ended; what apt has begun it ends, or no package could be installed again.
leave() {
  [ -z "$packages_pid" ] || wait $packages_pid || say "packages are missing"
  [ -z "$spare_pid" ] || kill $spare_pid
  [ "$mode" = spare ] || rm -r "$stages"
}
trap leave EXIT

configure_and_build() {
  local preset=$1 options=("-DECHOSCAN_WERROR=$ci")
  shift
  # Its files alone, after a demo.sh as well: that is what finds a missing include. The tests of a clean checkout are
  # all built, which takes least a room at a time; who works on some wants no other.
  [ "$preset" != release ] || options+=(-DECHOSCAN_UNITY=OFF "-DECHOSCAN_TESTS_BY_ROOM=$ci")
  cmake --preset "$preset" "${options[@]}" >/dev/null &&
    cmake --build --preset "$preset" ${1:+--target "$@"} && touch "$stages/built.$preset"
}

# Configures and builds a preset: all of it, or the targets named.
build() { stage "build: $1" configure_and_build "$@"; }

# Programs of an earlier build would pass for the ones that could not be built.
need_built() {
  [ -e "$stages/built.$1" ] || { echo "not run: $1 was not built" >&2; return 1; }
}

# Runs a preset's tests with a label.
run_ctest() {
  local preset=$1 label=$2
  need_built "$preset" || return
  local run=(ctest --preset "$preset" --label-regex "^$label\$" --parallel "${3:-$(nproc)}")
  # ThreadSanitizer of g++ 12 cannot live with as much address randomisation as newer kernels have.
  [ "$preset" != tsan ] || run=(setarch --addr-no-randomize "${run[@]}")
  "${run[@]}"
}

# Runs those of the release build with that label which have not passed as they are now, sweeps as the sanitizers do.
run_changed() {
  need_built release && ECHOSCAN_SWEEP_STEP=7 tests/changed_tests.py build/release "^$1\$"
}

# Runs a preset's tests with a label, as a stage.
run_tests() { stage "test: $1, $2" run_ctest "$@"; }

# The sanitizers' presets have a room in one file, and the checks walk its headers once.
if [ "$mode" = spare ]; then
  build asan unit_tests
  run_tests asan tidy
  run_tests asan unit
  build tsan unit_tests
  run_tests tsan unit
  build fuzz fuzzers
  run_tests fuzz fuzz
  exit 0
fi

if [ "$mode" = quick ]; then
  tests/install_packages.sh build cache unit lab test
  build release unit_tests style_test echoscan manual
  stage "test: release, what has changed of (unit|style)" run_changed "(unit|style)"
else
  tests/install_packages.sh build cache unit dpdk
  begin_packages
  build release
  stage "packages of the stages that follow" end_packages
  # In one go, so that the last one of the first kind does not keep a CPU from the second.
  run_tests release "(unit|style)"
  run_tests release lab_alone
  begin_spare
  run_tests release "(lab|cluster)" $(($(nproc) + 2))
  run_tests release vm
  run_tests release container
  stage "what is left of the spare time's" end_spare
fi

# Of CPU without what daemons do for a stage, containers and Slurm among them; the last row has all of the spare time's.
say "seconds of each stage, and of CPU"
cat "$stages/table"
if grep ' FAILED ' "$stages/table" >"$stages/failed"; then
  say "failed stages: $(wc -l <"$stages/failed")"
  exit 1
fi
say "all tests passed"
