#!/usr/bin/env bash
# The documents tell the truth: every jq line of the README works on the results of a real scan, every option
# of --help stands in the README and the other way round, every key of a summary stands in docs/summary.md.
source "$(dirname "${BASH_SOURCE[0]}")/lab/prelude.sh"

lab up
echo 10.0.0.0/16 a label >"$work/list"
scan --cooldown 1 --rate 20k -t "$work/list" || fail "the scan ended with $?"
cp "$work/out" "$work/results.jsonl"
cp "$work/summary" "$work/summary.json"

count=0
while read -r line; do
  (cd "$work" && bash -o pipefail -c "$line") >"$work/answer" 2>"$work/log" || fail "'$line' ended with $?"
  [ -s "$work/answer" ] || fail "'$line' prints nothing"
  count=$((count + 1))
done < <(grep '^jq ' "$root/README.md")
[ "$count" -ge 6 ] || fail "only $count examples found in the README"

options() { grep -oE -- '--[a-z][a-z-]+' | sort -u; }
"$echoscan" scan --help | options >"$work/help"
sed -n '/^## Options/,/^Exit status/p' "$root/README.md" | options >"$work/readme"
diff <(grep -vx -e --help "$work/help") "$work/readme" >"$work/log" ||
  fail "README and --help have different options"

jq -r 'paths(type != "object" and type != "array") | map(if type == "number" then "[]" else . end) | join(".")' "$work/summary" |
  sed 's/\.\[\]/[]/g; s/^ledger\.faults\[\]$/ledger.faults/' | sort -u >"$work/keys"
echo ledger.faults | sort -u -o "$work/keys" - "$work/keys"
grep '^| `' "$root/docs/summary.md" | cut -d'|' -f2 | grep -oE '`[^`]+`' | tr -d '`' | sort -u >"$work/documented"
diff "$work/keys" "$work/documented" >"$work/log" || fail "docs/summary.md and the summary have different keys"
