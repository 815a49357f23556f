#!/usr/bin/env bash
# `echoscan ping` by each kind of socket: who answers is the truth, and what fping says; names, reasons, exit statuses,
# and that it ends whatever its reader does.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
near ip link set lo up
hosts=/etc/netns/$ECHOSCAN_LAB-near
made_folders+=("$hosts")
mkdir -p "$hosts"
ping() { near "$echoscan" ping "$@" >"$work/out" 2>"$work/log"; }
as_nobody() { near setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"; }
alive=$(lab truth 10.0.0.0/24 | head -5 | xargs)
silent=$(lab truth 10.0.0.0/24 | awk -F. '{ print $4 }' | sort -n | awk '$1 != NR - 1 { print "10.0.0." NR - 1; exit }')
lab truth 10.0.0.0/22 >"$work/truth"

# A socket of its own for whoever may have one, else a raw one; to each the same hosts answer.
for range in '0 2147483647' '1 0'; do
  near sysctl -qw "net.ipv4.ping_group_range=$range"
  expect_status 1 ping -v -a -i 0.0005 --retry 0 --timeout 0.3 10.0.0.0/22
  kind=$([ "$range" = '1 0' ] && echo raw || echo ping)
  expect_text "$work/log" "asking by a $kind socket"
  sort -t. -k3,3n -k4,4n "$work/out" >"$work/found"
  cmp "$work/found" "$work/truth" || fail "by a $kind socket: $(diff "$work/found" "$work/truth" | head -5)"
  # As a lab's host answers neither later nor oftener, the silent ones are all others.
  expect_status 1 ping -u -i 0.0005 --retry 0 --timeout 0.3 10.0.0.0/22
  expect_equal "all, by a $kind socket" "$(sort "$work/out" "$work/found" | uniq | wc -l)" 1024
  expect_equal "silent ones, by a $kind socket" "$(wc -l <"$work/out")" $((1024 - $(wc -l <"$work/truth")))
  expect_status 0 ping $alive
  expect_equal "lines" "$(wc -l <"$work/out")" 6
  grep -qE '^10\.0\.0\.[0-9]+ +[0-9.]+ [um]s  ttl [0-9]+$' "$work/out" || fail "no line of an answer: $(cat "$work/out")"
  expect_equal "sum" "$(sed -n '$s/ in .*//p' "$work/out")" "5 of 5 answered"
  # Every size up to a whole frame, odd ones too, of which a raw socket makes the checksum itself; and the largest.
  for size in $(seq 18 90) $(seq 1440 1472); do
    ping --size $size -a $alive || fail "--size $size by a $kind socket ended with $?: $(cat "$work/out")"
  done
  near "$echoscan" ping --size 65507 127.0.0.1 >"$work/out" || fail "--size 65507 by a $kind socket ended with $?"
done

# The other opinion.
near fping -a -q -i 1 -r 1 -t 300 -g 10.0.4.0/24 >"$work/fping" 2>/dev/null || expect_equal "fping's status" $? 1
expect_status 1 ping -a -i 0.001 -r 1 --timeout 0.3 10.0.4.1-254
expect_equal "what fping finds, too" "$(sort "$work/out" | paste -sd,)" "$(sort "$work/fping" | paste -sd,)"

# Without any privilege: by a ping socket where that is allowed, else a sentence that says how.
near sysctl -qw "net.ipv4.ping_group_range=0 2147483647"
expect_status 0 as_nobody "$echoscan" ping $alive >"$work/out"
expect_equal "answers to nobody" "$(grep -c '[um]s  ttl ' "$work/out")" 5
near sysctl -qw "net.ipv4.ping_group_range=1 0"
expect_status 3 as_nobody "$echoscan" ping $alive >"$work/out" 2>"$work/log"
expect_text "$work/log" "net.ipv4.ping_group_range"
expect_equal "what it prints then" "$(cat "$work/out")" ""

# JSON: a scan's lines for answers, a line of their own for the silent.
expect_status 1 ping --json -r 1 --timeout 0.1 $alive $silent
expect_equal "kinds of lines" "$(jq -r .type "$work/out" | sort | uniq -c | xargs)" "5 reply 1 silent"
expect_equal "who is silent" "$(jq -r 'select(.type == "silent") | "\(.target) \(.sent)"' "$work/out")" "$silent 2"
expect_equal "answers with a time" "$(jq 'select(.rtt_us > 0 and .ttl > 0 and .ts_us > 1e15 and .success)' -c "$work/out" | wc -l)" 5
# What the far end saw agrees with what was asked.
before=$(lab stats | jq .echo_requests)
expect_status 1 ping -c 3 -p 0.05 --timeout 0.2 $alive $silent
expect_equal "requests at the far end" $(($(lab stats | jq .echo_requests) - before)) 18
expect_equal "answers" "$(grep -c '[um]s  ttl ' "$work/out")" 15
expect_equal "figures of each" "$(grep -c '^10.* 3 of 3 answered' "$work/out")" 5
expect_text "$work/out" "5 of 6 answered"
# More requests than a byte can number.
expect_status 0 ping -c 600 -p 0.001 -i 0 $(echo $alive | cut -d' ' -f1)
expect_text "$work/out" " 600 of 600 answered"

# Names: all addresses, the name beside them; one that has none is said, and the others are asked all the same.
{ echo 127.0.0.1 localhost; for address in $(echo $alive | cut -d' ' -f1-2); do echo "$address host.example.net"; done; } >"$hosts/hosts"
echo 'hosts: files' >"$hosts/nsswitch.conf"
expect_status 0 ping host.example.net
expect_equal "lines with the name" "$(grep -c 'ttl .* host.example.net$' "$work/out")" 2
expect_status 2 ping nobody.example.net host.example.net
expect_text "$work/log" "cannot resolve 'nobody.example.net'"
expect_equal "lines with the name" "$(grep -c 'ttl .* host.example.net$' "$work/out")" 2
expect_status 2 ping nobody.example.net
printf '%s\n' "# hosts" "$(echo $alive | cut -d' ' -f3) gateway" host.example.net >"$work/list"
expect_status 0 ping -t "$work/list"
expect_equal "answers of a list" "$(grep -c '[um]s  ttl ' "$work/out")" 3
grep -q 'ttl .*  gateway$' "$work/out" || fail "no label in $(cat "$work/out")"
expect_status 0 ping -t - <"$work/list"

# Why nobody answers.
near ip route add unreachable 172.16.0.0/24
near ip route add blackhole 172.16.1.0/24
expect_status 1 ping 172.16.0.1 172.16.1.1 192.0.2.255 -r 0 --timeout 0.1
expect_text "$work/out" "172.16.0.1   not asked: No route to host"
expect_text "$work/out" "172.16.1.1   not asked: Invalid argument"
far sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratemask=0
far ip route add unreachable 172.17.0.0/24
expect_status 1 ping 172.17.0.1 -r 0 --timeout 0.5
expect_text "$work/out" "172.17.0.1  no answer: host unreachable, says 192.0.2.2"

# Who is excluded for the whole machine is not asked, which is no answer.
echo "$(echo $alive | cut -d' ' -f1) # wants to be left alone" >"$work/optout"
excluding() {
  on_machine_with "$work/optout" ip netns exec "$ECHOSCAN_LAB-near" "$(realpath "$echoscan")" ping "$@" >"$work/out" 2>"$work/log"
}
before=$(lab stats | jq .echo_requests)
expect_status 1 excluding $alive
expect_text "$work/log" "1 not asked: '/etc/echoscan/exclude.txt' excludes them"
expect_equal "requests" "$(($(lab stats | jq .echo_requests) - before))" 4
expect_status 2 excluding $(echo $alive | cut -d' ' -f1)

# Wrong inputs.
for wrong in "" "10.0.0.0/8" "10" "10.0.0.1/24" "-c 0 $alive" "-i x $alive" "--size 17 $alive" "--ttl 256 $alive" "-a -u $alive"; do
  # shellcheck disable=SC2086
  expect_status 2 ping $wrong
  [ -s "$work/log" ] || fail "'ping $wrong' is refused without a word"
done
expect_status 3 ping --source-ip 10.9.9.9 $alive
expect_text "$work/log" "cannot send from '10.9.9.9'"
expect_status 3 ping --interface nope $alive
expect_status 0 ping --interface lab0 --source-ip 192.0.2.1 --ttl 9 --tos 32 --size 1000 $alive

# A reader that has gone, one that never reads, and Ctrl-C.
expect_status 4 near "$echoscan" ping $alive >/dev/full 2>"$work/log"
mkfifo "$work/pipe"
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" ping -i 0 -c 20 -p 0.01 10.0.0.0/22 >"$work/pipe" 2>"$work/log" &
pid=$!
exec 9<"$work/pipe"
sleep 2
kill -INT $pid
expect_status 130 wait $pid
exec 9<&-
before=$(lab stats | jq .echo_requests)
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" ping --timeout 30 $silent >"$work/out" 2>"$work/log" &
pid=$!
for _ in $(seq 600); do
  [ "$(lab stats | jq .echo_requests)" = "$before" ] || break
  nap 0.1
done
kill -INT $pid
expect_status 130 wait $pid
expect_text "$work/out" "$silent  no answer so far"
expect_status 0 ping -q $alive
expect_equal "what -q prints" "$(cat "$work/out" "$work/log")" ""
echo "ping: by both sockets as fping and the truth have it"
