#!/usr/bin/env bash
# docs/coming-from.md is true: each command of its second column does what is asked, and no option of fping's is left out.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
near ip link set lo up
cd "$work"
echo 127.0.0.1 >list.txt
echo 'rate = 10k' >scan.conf
# What --resume goes on with: a scan that was ended.
near "$echoscan" scan --allow-reserved --rate 1k --max-runtime 0.3 --cooldown 0 -o results.jsonl 10.0.0.0/20 2>log || fail "ended with $?"
mv results.jsonl begun.jsonl.kept

count=0
while IFS='|' read -r _ theirs ours _; do
  ours=$(sed -E 's/^ *`(.*)` *$/\1/' <<<"$ours")
  [ -n "${ours// /}" ] || continue
  read -ra words <<<"$ours"
  case $ours in
    # What ends by itself needs no target, and what goes on with another scan has its own.
    *--help*) run=("${words[@]}") ;;
    *--resume*) continue ;;
    *--exclude-file*) run=("${words[@]}" --dry-run --allow-reserved 127.0.0.0/30) ;;
    *-x\ *) run=("${words[@]}" --dry-run 192.0.2.0/24 --allow-reserved) ;;
    scan*) run=("${words[@]}" --dry-run --allow-reserved 192.0.2.0/24) ;;
    ping*-u*) run=("${words[@]}" 127.0.0.1) ;;
    ping*) run=("${words[@]}" 127.0.0.1) ;;
    *) fail "'$ours' is neither a scan nor a ping" ;;
  esac
  status=0
  near "$echoscan" "${run[@]}" >out 2>log || status=$?
  expect_equal "exit status of 'echoscan ${run[*]}', for $theirs" $status 0
  count=$((count + 1))
done < <(grep -E '^\| `-' "$root/docs/coming-from.md" | sed 's/\\|/;/g')
[ $count -ge 60 ] || fail "only $count commands found"

# The option that goes on with an earlier scan, and takes all from it.
mv begun.jsonl.kept results.jsonl
[ -e results.jsonl.scan ] || fail "an ended scan leaves no checkpoint"
near "$echoscan" scan --resume results.jsonl --rate 100k --cooldown 1 2>log || fail "--resume ended with $?"

# fping says itself what it has.
fping --help 2>&1 | grep -oE '^ +(-[A-Za-z0-9], )?--[a-z0-9-]+|^ +-[A-Za-z0-9]\b' | grep -oE -- '--?[A-Za-z0-9][a-z0-9-]*' | sort -u >options
sed -n '/^## fping/,$p' "$root/docs/coming-from.md" | grep '^| `' | cut -d'|' -f2 | grep -oE -- '--?[A-Za-z0-9][a-z0-9-]*' | sort -u >told
printf '%s\n' --ipv4 --ipv6 --help -h >>told
missing=$(comm -23 options <(sort -u told) | xargs)
expect_equal "options of fping that docs/coming-from.md does not have" "$missing" ""
echo "coming from: $count commands"
