#!/usr/bin/env bash
# The commit that --version says: git's where there is one, the archive's in an archive of git, else none; and the header
# that has it is written only when it changes, since each writing links the program again.
#
#   commit_test.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
repository() { git -C "$work/source" -c user.name=nobody -c user.email=nobody@example.org "$@"; }
write() { # SOURCE [OPTION...]
  cmake -DSOURCE="$1" -DHEADER="$work/header.h" -DGIT="$(command -v git)" "${@:2}" -P "$root/packaging/write_commit.cmake"
}
expect() { # COMMIT WHAT
  [ "$(cat "$work/header.h")" = "#define ECHOSCAN_COMMIT \"$1\"" ] || fail "$2 gives $(cat "$work/header.h") and not $1"
}
# Whether a second writing leaves the header as it is.
expect_untouched() { # SOURCE
  touch -d '2020-01-01' "$work/header.h"
  write "$1"
  [ "$(stat -c %Y "$work/header.h")" = "$(date -d 2020-01-01 +%s)" ] || fail "the header is written again for nothing"
}

mkdir -p "$work/source/packaging"
cp "$root/packaging/source_commit.txt" "$work/source/packaging/"
cp "$root/.gitattributes" "$work/source/"
write "$work/source"
expect unknown "a folder without git"
expect_untouched "$work/source"

repository init -q
repository add .
repository commit -qm first
first=$(repository rev-parse HEAD)
write "$work/source"
expect "$first" "a checkout"
expect_untouched "$work/source"
echo more >>"$work/source/.gitattributes"
write "$work/source"
expect "$first, with changes" "a checkout with changes"
repository commit -qam second
second=$(repository rev-parse HEAD)
[ "$second" != "$first" ] || fail "there is no second commit"
write "$work/source"
expect "$second" "the next commit"

# An archive, also one that lies in somebody else's checkout.
mkdir "$work/source/unpacked"
repository archive HEAD | tar -xf - -C "$work/source/unpacked"
write "$work/source/unpacked"
expect "$second" "an archive"
write "$work/source/unpacked" -DCOMMIT=given
expect given "a commit that is given"
