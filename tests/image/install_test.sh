#!/usr/bin/env bash
# `cmake --install` into an empty folder gives a program that runs and is small, documents that lead nowhere wrong, and
# what belongs to a program that is installed; the machine's own list of exclusions stays.
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

cmp "$documents/copyright" "$root/packaging/copyright"
for document in README.md CHANGELOG.md docs; do diff -r "$documents/$document" "$root/$document"; done
# What the README links to is either there or a folder of the sources.
links=$(grep -oE '\]\([^)#]+' "$root/README.md" | cut -c3- | grep -v '^https*:' | sort -u)
[ -n "$links" ] || fail "the README has no links"
for link in $links; do
  [ -e "$documents/$link" ] || [[ $link != docs/* ]] || fail "the README links to $link, which is not installed"
done

# A page for each command, and what package_test.sh looks at more closely.
for command in $("$program" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do
  page=$work/usr/share/man/man1/echoscan-$command.1.gz
  gzip -dc "$page" | grep -q '^\.SH OPTIONS' || fail "the page of $command has no options"
done
rest='etc/echoscan/exclude.txt usr/bin/echoscan usr/lib/systemd/system/echoscan@.service
  usr/share/bash-completion/completions/echoscan usr/share/fish/vendor_completions.d/echoscan.fish
  usr/share/echoscan/schema/doctor.schema.json usr/share/echoscan/schema/ping.schema.json
  usr/share/echoscan/schema/result.schema.json usr/share/echoscan/schema/status.schema.json
  usr/share/echoscan/schema/summary.schema.json
  usr/share/man/man1/echoscan.1.gz usr/share/man/man5/echoscan-json.5.gz usr/share/zsh/vendor-completions/_echoscan'
for file in $rest; do
  [ -s "$work/$file" ] || fail "$file is not installed"
done
others=$(cd "$work" && find . -type f | sed 's|^\./||' |
  grep -vxE 'log|usr/share/doc/echoscan/.*|usr/share/man/man1/echoscan-[a-z]+\.1\.gz' |
  grep -vxF "$(tr -s ' \n' '\n' <<<"$rest")" || [ $? = 1 ])
[ -z "$others" ] || fail "more is installed than that: $others"

# The machine's list of exclusions is not touched by another turn, and /usr/local has its completions elsewhere.
echo 192.0.2.0/24 >"$work/etc/echoscan/exclude.txt"
DESTDIR=$work cmake --install "$build" --prefix /usr/local --strip >"$work/log" || fail "a second turn: $(cat "$work/log")"
[ "$(cat "$work/etc/echoscan/exclude.txt")" = 192.0.2.0/24 ] || fail "the list of exclusions was written over"
[ -s "$work/usr/local/share/zsh/site-functions/_echoscan" ] || fail "zsh does not find its completion in /usr/local"
