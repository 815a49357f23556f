#!/usr/bin/env bash
# changed_tests.py runs what has not passed as it is: after a change of a program, of what tests read, or a failure; and
# nothing else.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/tests" "$work/docs" "$work/build/here"
cp "$root/tests/changed_tests.py" "$work/tests"
for name in one two style_test other; do
  printf '#!/bin/sh\necho %s >>"%s/ran"\n[ ! -e "%s/build/%s.fails" ]\n' $name "$work/build" "$work" $name >"$work/build/$name"
  chmod +x "$work/build/$name"
  printf 'add_test(%s "%s")\nset_tests_properties(%s PROPERTIES LABELS %s)\n' $name "$work/build/$name" $name \
    "$([ $name = other ] && echo lab || echo unit)" >>"$work/build/CTestTestfile.cmake"
done
# A program that is asked about a folder of its own is another one with another program there.
printf 'add_test(three "%s" "%s")\nset_tests_properties(three PROPERTIES LABELS unit)\n' "$work/build/one" \
  "$work/build/here" >>"$work/build/CTestTestfile.cmake"
echo 1 >"$work/docs/text.md"
echo 1 >"$work/source.cpp"
echo 1 >"$work/build/here/echoscan"

expect() { # EXIT RAN...
  local status=0 wanted=$1 ran
  shift
  : >"$work/build/ran"
  (cd "$work" && tests/changed_tests.py build "^unit\$") >"$work/build/out" 2>&1 || status=$?
  ran=$(sort "$work/build/ran" | tr '\n' ' ')
  [ "$ran" = "$* " ] && [ $status = "$wanted" ] ||
    { echo "ran '$ran' and not '$* ', exit status $status and not $wanted" >&2; cat "$work/build/out" >&2; exit 1; }
}

expect 0 one one style_test two
expect 0 style_test
echo 2 >"$work/source.cpp"
expect 0 style_test
touch "$work/build/two"
expect 0 style_test
echo '#' >>"$work/build/two"
expect 0 style_test two
echo 2 >"$work/build/here/echoscan"
expect 0 one style_test
echo 1 >"$work/build/here/module.so"
expect 0 one one style_test two
echo 2 >"$work/docs/text.md"
expect 0 one one style_test two
touch "$work/build/two.fails"
expect 0 style_test
echo '#' >>"$work/build/two"
expect 8 style_test two
expect 8 style_test two
rm "$work/build/two.fails"
expect 0 style_test two
expect 0 style_test
rm "$work/build/passed.json"
expect 0 one one style_test two
# None at all is a mistake.
status=0
"$work/tests/changed_tests.py" "$work/build" '^none$' >"$work/build/out" 2>&1 || status=$?
[ $status = 1 ] && grep -q "has no test of" "$work/build/out" || { cat "$work/build/out" >&2; exit 1; }
