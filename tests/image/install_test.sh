#!/usr/bin/env bash
# `cmake --install` into an empty folder gives a program that runs and is small, and documents that lead nowhere wrong.
#
#   install_test.sh BUILD-FOLDER
set -euo pipefail

build=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }

DESTDIR=$work cmake --install "$build" --prefix /usr --strip >"$work/log" || fail "cmake --install: $(cat "$work/log")"
program=$work/usr/bin/echoscan
documents=$work/usr/share/doc/echoscan

[ "$("$program" --version)" = "$("$build/echoscan" --version)" ] || fail "'$("$program" --version)' is installed"
bytes=$(stat -c %s "$program")
# What is not optimised takes twice as much, and nobody installs it.
bytes_max=6000000
if grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Debug$' "$build/CMakeCache.txt"; then bytes_max=12000000; fi
[ "$bytes" -lt "$bytes_max" ] || fail "the installed program has $bytes bytes"
echo "$bytes bytes"

cmp "$documents/copyright" "$root/LICENSE"
for document in README.md CHANGELOG.md docs; do diff -r "$documents/$document" "$root/$document"; done
# What the README links to is either there or a folder of the sources.
links=$(grep -oE '\]\([^)#]+' "$root/README.md" | cut -c3- | grep -v '^https*:' | sort -u)
[ -n "$links" ] || fail "the README has no links"
for link in $links; do
  [ -e "$documents/$link" ] || [[ $link != docs/* ]] || fail "the README links to $link, which is not installed"
done
[ "$(cd "$work" && find . -type f | grep -cvE '^\./(log|usr/bin/echoscan|usr/share/doc/echoscan/.*)$')" = 0 ] ||
  fail "more is installed than that: $(cd "$work" && find . -type f)"
