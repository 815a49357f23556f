#!/usr/bin/env bash
# The static checks of .clang-tidy over the product's own code, as many units at a time as there are CPUs. A unit is the
# file into which a sanitizer's build puts a room's: 190 s of CPU, where a file at a time took 2,200. How many warnings
# there are in other people's headers, which clang-tidy counts but does not show, is left out.
#
#   tidy_test.sh RUN-CLANG-TIDY BUILD-FOLDER
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(cd "$2" && pwd)

# A file that no unit has would go unseen, and so would all of them in another build.
units=$(find "$build/CMakeFiles" -path '*/Unity/*_cxx.cxx')
missing=$(comm -23 <(find "$root"/{targets,output,scanner} -name '*.cpp' | sort) \
  <({ sed -n 's/^#include "\(.*\.cpp\)"$/\1/p' $units; grep -oE '"file": ".*\.cpp"' "$build/compile_commands.json" |
      cut -d'"' -f4; } | sort))
[ -z "$missing" ] || { echo "in no unit: $missing" >&2; exit 1; }

# The database is of g++, some of whose warnings clang does not know.
"$1" -quiet -extra-arg=-Wno-unknown-warning-option -p "$build" \
  "^($root/(targets|output|scanner)/.*cpp|$build/CMakeFiles/.*/Unity/.*_cxx.cxx)$" 2> >(grep -vE '^[0-9]+ warnings? generated\.$' >&2)
