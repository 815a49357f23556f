#!/usr/bin/env bash
# The static checks of .clang-tidy over the product's own code, as many files at a time as there are CPUs. How many
# warnings there are in other people's headers, which clang-tidy counts but does not show, is left out.
#
#   tidy_test.sh RUN-CLANG-TIDY BUILD-FOLDER
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

"$1" -quiet -p "$2" "^$root/(targets|output|scanner)/.*cpp$" \
  2> >(grep -vE '^[0-9]+ warnings? generated\.$' >&2)
