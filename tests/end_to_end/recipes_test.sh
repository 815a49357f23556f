#!/usr/bin/env bash
# docs/recipes.md: each of its commands runs as it stands there, and what some of them give is known.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
# What the document calls echoscan is this one, in the lab; its world is of special-purpose addresses.
mkdir "$work/bin"
cat >"$work/bin/echoscan" <<END
#!/usr/bin/env bash
command=\$1
shift
case \$command in
  scan) set -- --allow-reserved --rate 100k --cooldown 1 "\$@" ;;
  compare) set -- --allow-reserved "\$@" ;;
esac
exec ip netns exec "$ECHOSCAN_LAB-near" "$(realpath "$echoscan")" "\$command" "\$@"
END
chmod +x "$work/bin/echoscan"
export PATH=$work/bin:$PATH
cd "$work"
printf '10.0.0.0/22 one\n10.0.8.0/21 two\n' >networks.txt
count=$((1024 + 2048))

sed -n '/^```sh$/,/^```$/p' "$root/docs/recipes.md" | sed '/^```/d' >commands
[ "$(wc -l <commands)" -ge 15 ] || fail "only $(wc -l <commands) commands found"
while read -r line <&3; do
  bash -o pipefail -c "$line" >>printed 2>log || fail "'$line' ended with $?"
done 3<commands

lab truth 10.0.0.0/22 10.0.8.0/21 | sort >truth
cmp -s truth alive.txt || fail "alive.txt is not the truth"
expect_equal "alive or silent" "$(sort alive.txt silent.txt | uniq | wc -l)" $count
expect_equal "found again" "$(jq -r .ledger.replied again.json)" "$(wc -l <truth)"
expect_equal "targets of the second scan" "$(jq -r .targets.count again.json)" "$(wc -l <truth)"
expect_equal "late ones" "$(jq -r '"\(.targets.count) \(.ledger.replied)"' late.json)" "$((count - $(wc -l <truth))) 0"
expect_equal "gone" "$(wc -c <gone.txt)" 0
expect_equal "hundred" "$(sort -u hundred.txt | comm -12 - truth | wc -l)" 100
expect_text printed "all five are there"
expect_equal "times" "$(grep -cE '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z 10\.' when.txt)" "$(wc -l <truth)"
grep -qE "^$(wc -l <truth)\|[0-9.]+$" printed || fail "the table has not $(wc -l <truth) rows: $(cat printed)"
expect_equal "rows of the second table" "$(sqlite3 scans.db 'select count(*) from rtts')" "$(wc -l <truth)"

# The timer is one.
sed -n '/^\[Timer\]$/,/^```$/p' "$root/docs/recipes.md" | sed '/^```/d' >nightly.timer
printf '[Service]\nExecStart=/bin/true\n' >nightly.service
systemd-analyze verify ./nightly.timer 2>log || fail "systemd takes no such timer"
expect_equal "what systemd says of it" "$(grep -c nightly log || [ $? = 1 ])" 0
echo "recipes: $(wc -l <commands) commands"
