#!/usr/bin/env bash
# Builds and tests everything.
#
#   sudo ./test.sh          unit, style, static checks, sanitizers, fuzzers, the lab (root, BPF, namespaces), network cards
#                           in virtual machines (the quick part of tests/vm), the container image
#   ./test.sh quick         what needs neither root nor the lab: under a minute once built
#
# A test that lacks something (root, BPF, podman) is skipped and says why. With ECHOSCAN_CI=1, as .ci/run sets,
# a skip is a failure and so is a compiler warning.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

mode=${1:-full}
case $mode in quick | full) ;; *) echo "usage: test.sh [quick]" >&2; exit 2 ;; esac
warnings=OFF
[ -z "${ECHOSCAN_CI:-}" ] || warnings=ON

say() { echo "== $*"; }

# Configures and builds a preset: all of it, or the targets named.
build() {
  local preset=$1
  shift
  say "build: $preset"
  cmake --preset "$preset" -DECHOSCAN_WERROR=$warnings >/dev/null
  cmake --build --preset "$preset" ${1:+--target "$@"}
}

# Runs a preset's tests with a label.
run_tests() {
  local preset=$1 label=$2
  local run=(ctest --test-dir "build/$preset" --label-regex "^$label\$" --output-on-failure
    --no-tests=error --parallel "$(nproc)")
  # ThreadSanitizer of g++ 12 cannot live with as much address randomisation as newer kernels have.
  [ "$preset" != tsan ] || run=(setarch --addr-no-randomize "${run[@]}")
  say "test: $preset, $label"
  "${run[@]}"
}

tests/install_packages.sh build unit lab test
[ "$mode" = quick ] || tests/install_packages.sh vm container

build release
run_tests release unit
run_tests release style
if [ "$mode" != quick ]; then
  for preset in asan tsan; do
    build $preset unit_tests
    run_tests $preset unit
  done
  build fuzz fuzzers
  run_tests fuzz fuzz
  run_tests release lab
  run_tests release tidy
  run_tests release vm
  run_tests release container
fi
say "all tests passed"
