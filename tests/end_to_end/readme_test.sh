#!/usr/bin/env bash
# The documents tell the truth: every jq line of the README works on the results of a real scan, every option
# of --help stands in the README and the other way round, every key of a summary stands in docs/summary.md.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
echo 10.0.0.0/16 a label >"$work/list"
printf '%s\n' '10.0.0.0/17 {"country":{"iso_code":"NL"}}' '10.0.128.0/18 {"country":{"iso_code":"DE"}}' |
  "$ECHOSCAN_BUILD/tests/mmdb_file" "$work/country.mmdb" GeoLite2-Country
scan --cooldown 1 --rate 20k --mmdb "$work/country.mmdb" -t "$work/list" || fail "the scan ended with $?"
cp "$work/out" "$work/results.jsonl"
cp "$work/summary" "$work/summary.json"

# Errors: of hosts that do not answer ARP behind a router, which says so after 3 s.
far sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratemask=0
far ip link add stub0 type veth peer name stub1
far ip link set stub0 up
far ip link set stub1 up
far ip route add 172.16.0.0/26 dev stub0
scan --cooldown 5 --emit errors 10.0.0.0/24 172.16.0.0/26 || fail "the scan with errors ended with $?"
cp "$work/out" "$work/with-errors.jsonl"
cp "$work/summary" "$work/with-errors.json"

count=0
while read -r line; do
  (cd "$work" && bash -o pipefail -c "$line") >"$work/answer" 2>"$work/log" || fail "'$line' ended with $?"
  [ -s "$work/answer" ] || fail "'$line' prints nothing"
  # What three of them have to say is known.
  case $line in
    *unreach*) expect_equal "routers" "$(xargs <"$work/answer")" "64 192.0.2.2" ;;
    *receiving.errors*) expect_equal "errors" "$(cat "$work/answer")" "64 targets: unreach 3/1" ;;
    *rtt_us*)
      for share in p50 p90 p99; do
        expect_equal "$share, within 2 % of the summary's" \
          "$(jq -n --slurpfile a "$work/answer" --slurpfile s "$work/summary.json" \
            "(\$a[0].$share / \$s[0].rtt_us.$share - 1) | fabs < 0.02")" true
      done
      ;;
    *country*)
      expect_equal "hits per country" "$(awk '{print $2, $1}' "$work/answer" | sort | paste -sd,)" \
        "DE $(lab truth 10.0.128.0/18 | wc -l),NL $(lab truth 10.0.0.0/17 | wc -l),unknown $(lab truth 10.0.192.0/18 | wc -l)"
      ;;
  esac
  count=$((count + 1))
done < <(grep '^jq ' "$root/README.md")
[ "$count" -ge 10 ] || fail "only $count examples found in the README"

echo 10.0.0.0/16 >"$work/networks.txt"
while read -r _ line; do
  (cd "$work" && "$echoscan" $line --allow-reserved) >"$work/answer" 2>"$work/log" || fail "'echoscan $line' ended with $?"
  grep -q 'of asked' "$work/answer" || fail "'echoscan $line' has no response rates"
done < <(grep '^echoscan aggregate' "$root/README.md")

# A link's target, which may have an option's name in its fragment, is no mention of an option.
options() { sed -E 's/\]\([^)]*\)/]/g' | grep -oE -- '--[a-z][a-z-]+' | sort -u; }
"$echoscan" scan --help | options >"$work/help"
sed -n '/^## Options/,/^Exit status/p' "$root/README.md" | options >"$work/readme"
diff <(grep -vx -e --help -e --version "$work/help") "$work/readme" >"$work/log" ||
  fail "README and --help have different options"

for command in aggregate compare; do
  "$echoscan" $command --help | options | grep -vx -e --help -e --version >"$work/help"
  grep '^| `' "$root/docs/$command.md" | options >"$work/documented"
  diff <(grep -vx -e --targets -e --exclude "$work/help") "$work/documented" >"$work/log" ||
    fail "docs/$command.md and $command --help have different options"
done

diff <("$echoscan" ping --help | options | grep -vx -e --help -e --version) <(grep '^| `' "$root/docs/ping.md" | options) \
  >"$work/log" || fail "docs/ping.md and ping --help have different options"

# Which keys there are at all is output_test's; of a real summary, arrays may be empty.
jq -r 'paths(type != "object" and type != "array") | map(if type == "number" then "[]" else . end) | join(".")' "$work/summary" |
  sed 's/\.\[\]/[]/g' | sort -u >"$work/keys"
grep '^| `' "$root/docs/summary.md" | cut -d'|' -f2 | grep -oE '`[^`]+`' | tr -d '`' | sort -u >"$work/documented"
[ "$(wc -l <"$work/keys")" -ge 80 ] || fail "only $(wc -l <"$work/keys") keys found in the summary"
# A null that stands for an object, as `control` without --control, is documented by its members.
sed -nE 's/^([^.]+)\..*/\1/p' "$work/documented" | cat - "$work/documented" | sort -u >"$work/known"
expect_equal "keys of the summary that are not documented" "$(comm -23 "$work/keys" "$work/known")" ""
