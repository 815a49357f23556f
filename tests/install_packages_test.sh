#!/usr/bin/env bash
# install_packages.sh with a dpkg and an apt that only say what they were asked: of A|B either will do, and where neither
# is installed the first is that apt knows. What apt would install takes root to ask for; without root it is named.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/tests" "$work/bin"
cp "$root/tests/install_packages.sh" "$work/tests/"
printf '%s\n' '# a comment' 'one  x  reason' 'old|new  x  reason' 'other  y  reason' >"$work/packages.txt"
cat >"$work/bin/dpkg-query" <<'EOS'
#!/bin/sh
echo not-installed olde
for name in $INSTALLED; do echo "installed $name"; done
EOS
cat >"$work/bin/apt-cache" <<'EOS'
#!/bin/sh
case " $KNOWN " in *" $2 "*) ;; *) exit 100 ;; esac
EOS
printf '#!/bin/sh\necho "$*" >>"$CALLS"\n' >"$work/bin/apt-get"
chmod +x "$work/bin"/*

fail() { echo "$*" >&2; cat "$work/said" >&2; exit 1; }
# Runs it for purpose x; expects STATUS, and what apt-get was to install.
expect() { # INSTALLED KNOWN STATUS PACKAGES
  local status=0
  : >"$work/calls"
  INSTALLED=$1 KNOWN=$2 CALLS=$work/calls PATH=$work/bin:$PATH "$work/tests/install_packages.sh" x >"$work/said" 2>&1 || status=$?
  [ "$status" = "$3" ] || fail "with '$1' installed it ended with $status"
  local asked
  asked=$(sed 's/.*Timeout=[0-9]* //' "$work/calls")
  [ "$asked" = "$4" ] || fail "with '$1' installed and '$2' known apt was to install '$asked' and not '$4'"
}

expect "one old" "" 0 ""
expect "one new" "" 0 ""
if [ "$(id -u)" = 0 ]; then
  expect "one" "old new" 0 "old"
  expect "one" "new" 0 "new"
  expect "" "one new" 0 "one new"
  expect "one" "" 0 "old"
else
  expect "one" "new" 3 ""
  grep -qF 'old|new' "$work/said" || fail "what is missing is not named"
fi
