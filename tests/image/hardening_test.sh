#!/usr/bin/env bash
# The program as it was built has what stands between a fault in what it reads and the machine: it is loaded anywhere, its
# relocations are done and read-only before main(), its stack is no code, and its functions and glibc's check what they
# write.
#
#   hardening_test.sh ECHOSCAN
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the file lacks, a line each.
lacks() { # FILE
  readelf -hW "$1" >"$work/header"
  readelf -dW "$1" >"$work/dynamic"
  readelf -lW "$1" >"$work/segments"
  readelf --dyn-syms -W "$1" | awk '$7 == "UND" { sub("@.*", "", $8); print $8 }' >"$work/imports"
  grep -qE 'Type: +DYN' "$work/header" && grep -qE 'FLAGS_1\).* PIE' "$work/dynamic" || echo "PIE"
  grep -qE 'FLAGS\).*BIND_NOW' "$work/dynamic" && grep -qE 'FLAGS_1\).* NOW' "$work/dynamic" || echo "BIND_NOW"
  grep -q GNU_RELRO "$work/segments" || echo "RELRO"
  grep -qE 'GNU_STACK .* RW ' "$work/segments" || echo "a stack without code"
  grep -qx __stack_chk_fail "$work/imports" || echo "the stack protector"
  grep -qE '^__(mem|str|read|recv|poll|.*printf)[a-z]*_chk$' "$work/imports" || echo "glibc's checks"
}

# A program without all that, by which it is seen that the question can be answered with no.
echo 'int main() {}' >"$work/bare.c"
cc -O2 -no-pie -fno-stack-protector -U_FORTIFY_SOURCE -Wl,-z,lazy,-z,norelro,-z,execstack "$work/bare.c" \
  -o "$work/bare" 2>"$work/log"
[ "$(lacks "$work/bare" | wc -l)" = 6 ] ||
  { echo "a bare program lacks only: $(lacks "$work/bare" | paste -sd,)" >&2; exit 1; }

missing=$(lacks "$1")
[ -z "$missing" ] || { echo "$1 lacks: $(paste -sd, <<<"$missing")" >&2; exit 1; }
