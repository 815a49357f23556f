#!/usr/bin/env bash
# The options that shape a scan, tried as a user would: where results and log go, what is left out, how long.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
targets=10.1.0.0/22

# Lists from a file and from standard input, exclusions, and the order that a seed gives.
printf '10.1.0.0/23 # one half\r\n\r\n10.1.2.0-10.1.3.255\n' >"$work/list"
printf '10.1.0.0/25\n' >"$work/holes"
scan --cooldown 1 -t "$work/list" --exclude-file "$work/holes" -x 10.1.3.0/24 || fail "ended with $?"
expect_truth 10.1.0.128-10.1.2.255
expect_equal "excluded" "$(summary .targets.excluded_by_user)" 384
near "$echoscan" scan --allow-reserved --cooldown 1 -q -t - <"$work/list" >"$work/out" 2>"$work/log"
expect_equal "said with -q" "$(wc -c <"$work/log")" 0
found | cmp -s - <(lab truth $targets) || fail "a list on standard input gave something else"

# Echo requests, not packets: the kernel asks for the gateway again some seconds after its last use.
before=$(lab stats | jq .echo_requests)
scan --dry-run --seed 7 $targets
cp "$work/out" "$work/order"
expect_equal "addresses of a dry run" "$(sort -u "$work/order" | wc -l)" 1024
scan --dry-run --seed 7 --max-targets 100 $targets
head -100 "$work/order" | cmp -s - "$work/out" || fail "--max-targets is not the first of the order"
expect_equal "probes of a dry run" "$(($(lab stats | jq .echo_requests) - before))" 0
scan --seed 7 --cooldown 1 --max-targets 100 $targets || fail "ended with $?"
head -100 "$work/order" | sort | comm -12 - <(lab truth $targets | sort) >"$work/expected"
found | sort | cmp -s - "$work/expected" || fail "a scan does not follow the dry run's order"
setpriv --reuid=65534 --regid=65534 --clear-groups "$echoscan" scan --dry-run 1.0.0.0/30 >"$work/out" 2>"$work/log" ||
  fail "a dry run needs privileges"
expect_equal "addresses of an unprivileged dry run" "$(wc -l <"$work/out")" 4

# Where things go.
scan --cooldown 1 -o "$work/results" $targets || fail "ended with $?"
expect_equal "standard output with -o" "$(wc -c <"$work/out")" 0
expect_equal "lines in the file" "$(wc -l <"$work/results")" "$(summary .ledger.replied)"
scan --cooldown 1 --rate 1k --status json $targets || fail "ended with $?"
grep '^{"type":"status"' "$work/log" | jq -e '.sent > 0 and .percent <= 100' >/dev/null || fail "no JSON status"
scan --cooldown 1.5 --rate 1k --probes 2 --status json $targets || fail "ended with $?"
expect_equal "hit rate in percent of targets, not of probes" "$(grep '^{"type":"status"' "$work/log" |
  jq -s --argjson targets "$(summary .targets.count)" \
    'map(select(.cooldown)) | length > 0 and all(.hit_percent == 100 * .replied / $targets)')" true
scan --cooldown 1 --rate 1k $targets || fail "ended with $?"
! grep -q ' left; sent ' "$work/log" || fail "a status line in a file sooner than after 30 s"
scan --cooldown 1 --rate 1k --status off $targets || fail "ended with $?"
! grep -q ' left; sent ' "$work/log" || fail "a status line in spite of --status off"
scan --cooldown 1 -v $targets || fail "ended with $?"
expect_text "$work/log" " debug: "

# Words of the user's for the archive, the log in a file of its own, and what a shell wants to know.
scan --cooldown 1 --notes "a test" --user-metadata '{"campaign": 7}' --log-file "$work/messages" $targets || fail "ended with $?"
expect_equal "notes" "$(summary '"\(.notes) \(.user_metadata.campaign)"')" "a test 7"
expect_equal "arguments" "$(summary '.origin.arguments | last')" $targets
grep -qE '^20[0-9]{2}-.* sending by ' "$work/messages" || fail "no dated line in the log's file: $(head -3 "$work/messages")"
scan --cooldown 1 -q --log-file "$work/messages" $targets || fail "ended with $?"
expect_equal "lines that say how it sends" "$(grep -c ' sending by ' "$work/messages")" 2
expect_status 4 scan --log-file "$work/nowhere/log" $targets
expect_status 0 scan --cooldown 0.5 10.1.0.0/30
expect_status 1 scan --cooldown 0.5 --fail-if-silent $(comm -13 <(lab truth 10.1.0.0/24 | sort) <(seq -f 10.1.0.%.0f 0 255 | sort) | head -3)
expect_status 0 scan --cooldown 0.5 --fail-if-silent $targets
# A terminal gets lines for people, and a file what its name says.
near script -qec "'$echoscan' scan --allow-reserved --cooldown 0.5 $(lab truth 10.1.0.0/24 | head -3 | xargs)" "$work/typed" >"$work/out" </dev/null
expect_equal "lines for people" "$(tr -d '\r' <"$work/out" | grep -cE '^10\.1\.0\.[0-9]+ +[0-9.]+ [um]s  ttl [0-9]+$')" 3
scan --cooldown 1 -o "$work/results.csv" $targets || fail "ended with $?"
expect_equal "header" "$(head -c 12 "$work/results.csv")" "type,ts_us,t"
# What was probably meant.
expect_status 2 "$echoscan" 10.1.0.0/24 2>"$work/log"
expect_text "$work/log" 'echoscan ping 10.1.0.0/24'
expect_text "$work/log" 'echoscan scan 10.1.0.0/24'
expect_status 2 "$echoscan" scna 10.1.0.0/24 2>"$work/log"
expect_text "$work/log" "did you mean 'scan'?"

# How long, and how often.
scan --rate 1k --max-runtime 0.5 --cooldown 0.2 10.0.0.0/14 || fail "ended with $?"
expect_equal "outcome" "$(summary .outcome)" "stopped at --max-runtime"
[ "$(summary .ledger.not_sent.stopped)" -gt 0 ] || fail "--max-runtime did not end the sending"
scan --probes 3 --cooldown 1 $targets || fail "ended with $?"
expect_truth $targets
expect_equal "probes" "$(summary .ledger.sent)" 3072
expect_equal "repeats" "$(summary .receiving.repeats)" "$((2 * $(summary .ledger.replied)))"

# Two parts of one order on two "machines": together the whole truth, and nothing twice.
scan --seed 9 --shard 0/2 --cooldown 1 $targets || fail "ended with $?"
jq -e -s 'all(.shard == 0)' "$work/out" >/dev/null || fail "results of shard 0 say another"
found >"$work/both"
half=$(summary .ledger.sent)
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
JOB_COMPLETION_INDEX=1 ECHOSCAN_SHARDS=2 scan --seed 9 --cooldown 1 $targets || fail "ended with $?"
expect_text "$work/log" "shard 1 of 2 (JOB_COMPLETION_INDEX=1, ECHOSCAN_SHARDS=2)"
jq -e -s 'all(.shard == 1)' "$work/out" >/dev/null || fail "results of shard 1 say another"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
expect_equal "probes of both shards" "$((half + $(summary .ledger.sent)))" 1024
found >>"$work/both"
sort "$work/both" | cmp -s - <(lab truth $targets | sort) || fail "two shards are not the whole"

# Every command has these, and those that --help names are those that there are.
"$echoscan" --help >"$work/usage"
for command in $(grep -oE '^  [a-z]+ ' "$work/usage"); do
  "$echoscan" $command --help >"$work/out" || fail "$command --help ended with $?"
  for option in -v,--verbose -q,--quiet --config -h,--help -V,--version; do
    grep -q -e " $option " "$work/out" || fail "$command has no $option"
  done
  expect_equal "usages of $command" "$(grep -cE "^(usage:| +) echoscan $command " "$work/usage")" 1
  for option in -V --version; do
    "$echoscan" $command $option | cmp -s - <("$echoscan" --version) || fail "$command $option is not echoscan --version"
  done
  expect_status 2 "$echoscan" $command --bogus 2>"$work/log"
  expect_text "$work/log" "see echoscan $command --help"
done
expect_equal "commands" "$(grep -cE '^  [a-z]+ ' "$work/usage")" "$(grep -c 'Command{"' "$root/scanner/main.cpp")"
expect_status 2 "$echoscan" scam 2>"$work/log"
expect_text "$work/log" "there is no command 'scam'"
expect_status 2 "$echoscan" 2>"$work/log"
expect_text "$work/log" "which command?"

# The version: a line for scripts, then which source this is and what is in it.
"$echoscan" -V >"$work/out"
grep -qxE 'echoscan [0-9]+\.[0-9]+\.[0-9]+' <(head -1 "$work/out") || fail "the version begins with '$(head -1 "$work/out")'"
commit=$(sed -nE 's/^commit: ([0-9a-f]{40})(, with changes)?$/\1/p' "$work/out")
git -C "$root" cat-file -e "$commit^{commit}" || fail "'$commit' is no commit of ours: $(cat "$work/out")"
for text in "build: $(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$ECHOSCAN_BUILD/CMakeCache.txt"), " "sending: af_xdp, " \
  "receiving: XDP native, " "BPF programs: reply_filter, live_sender, read_clock"; do
  expect_text "$work/out" "$text"
done
for program in $(sed -n 's/^BPF programs: \(.*\);.*/\1/p' "$work/out" | tr -d ,); do
  [ -e "$root/bpf/$program.bpf.c" ] || fail "there is no BPF program $program"
done
expect_equal "BPF programs" "$(ls "$root"/bpf/*.bpf.c | wc -l)" "$(sed -n 's/^BPF programs: \(.*\);.*/\1/p' "$work/out" | wc -w)"

# The same from a config file, with the command line winning.
cat >"$work/scan.toml" <<TOML
rate = "5k"
seed = 99
cooldown = 0.5
allow-reserved = true
TOML
near "$echoscan" scan --config "$work/scan.toml" --seed 98 --summary "$work/summary" $targets >"$work/out" 2>"$work/log" ||
  fail "with a config file the scan ended with $?"
expect_truth $targets
expect_equal "seed" "$(summary .order.seed)" 98
expect_equal "rate" "$(summary .sending.rate_asked_pps)" 5000
