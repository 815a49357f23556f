#!/usr/bin/env bash
# The zoo: 262,144 addresses of a simulated Internet in which 7 hosts in 10 answer oddly. Every line equals
# the truth in every field that can be known, there is none that should not be, and every frame that the far end sent
# is in the one counter of its kind.
#
#   scan_zoo_test.sh af_xdp | af_packet | generic | generic_packet | net_raw | net_raw_raw_socket |
#                    xdp_live_late | dpdk | pool
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

variant=$1
# No flooder lives here (scan_flood_test.sh); the router addresses of errors are outside too.
targets=10.0.0.0/14
count=262144
cap=5
cooldown=2
options=(--seed 5 --emit errors,repeats --repeat-cap $cap)
command=("$echoscan")
queues=1
receiver="XDP native"

case $variant in
  af_xdp) options+=(--method af_xdp) ;;
  af_packet) options+=(--method af_packet) ;;
  # From many sources, so that what is proved, and what is not, is proved of each.
  pool) options+=(--method af_xdp --source-ip 192.0.2.1,198.51.100.0/26,203.0.113.7-203.0.113.9) ;;
  dpdk)
    [ -e "$ECHOSCAN_BUILD/libechoscan_dpdk.so" ] || skip "the module is not built: libdpdk-dev is missing"
    options+=(--method dpdk -i net_af_xdp0 --dpdk-args --vdev=net_af_xdp0,iface=lab0 --source-ip 192.0.2.1 --gateway 192.0.2.2)
    receiver="DPDK net_af_xdp"
    ;;
  # Here the cooldown is long enough for everyone.
  xdp_live_late)
    options+=(--method xdp_live)
    cooldown=13
    ;;
  # With fewer receive queues than the far end has transmit queues the driver refuses native XDP.
  generic | generic_packet)
    queues=2
    receiver="XDP generic"
    if [ "$variant" = generic ]; then options+=(--method af_xdp); else options+=(--method af_packet); fi
    ;;
  # Without CAP_BPF and CAP_NET_ADMIN: AF_PACKET both ways. By raw_socket it is the kernel that sends, and the kernel
  # gets to see the errors as well: whatever it makes of them, each target is probed.
  net_raw | net_raw_raw_socket)
    receiver="AF_PACKET ring"
    if [ "$variant" = net_raw_raw_socket ]; then options+=(--method raw_socket); fi
    command=(setpriv "--bounding-set=-all,+net_raw" "--inh-caps=-all" "$echoscan")
    ;;
  *) fail "no variant '$variant'" ;;
esac

scan_zoo() {
  lab up --zoo --queues $queues
  [ $queues = 1 ] || near ethtool -L lab0 rx 1
  # A gateway that is not known yet is asked for by a datagram, and the far end's kernel answers that with an error.
  near ip neighbour replace 192.0.2.2 dev lab0 lladdr "$(far cat /sys/class/net/lab1/address)" nud permanent
  near "${command[@]}" scan --allow-reserved --summary "$work/summary" "${options[@]}" --rate $rate \
    --cooldown $cooldown $targets >"$work/out" 2>"$work/log" || fail "the scan ended with $?"
  lab truth --json $targets | jq -c '{target, type, saddr, classification, icmp_type, icmp_code, success,
    off_target, has_rtt, rtt_trusted, ttl, quoted_ttl, held_us, repeats}' | sort >"$work/truth"
  jq -r 'select(.held_us > 0) | "\(.target) \(.held_us)"' "$work/truth" | sort >"$work/held"
  jq -r 'select(.repeat | not) | "\(.target) \(.cooldown) \(.rtt_us // "-")"' "$work/out" | sort | join "$work/held" - >"$work/arrived"
}
# Of the late ones those that were due within the cooldown, with half a second for the machine.
due_in() { awk -v us=$((cooldown * 1000000 - 500000)) '$2 <= us' "$1" | wc -l; }
# Where others have the CPUs the far end answers later than it should, and a card's ring runs full, which is counted:
# then the scan is made again, at last so slowly that who plays the hosts keeps up.
for rate in 100k 100k 50k 25k 12k 6k; do
  scan_zoo
  if [ "$(due_in "$work/arrived")" = "$(due_in "$work/held")" ] && [ "$(summary .receiving.dropped_unseen)" = 0 ]; then break; fi
  echo "at $rate: $(due_in "$work/arrived") of $(due_in "$work/held") late ones in time, $(summary .receiving.dropped_unseen) frames unseen"
done
lab stats >"$work/stats"
stats() { figure "$work/stats" "$1"; }

expect_equal "receiver" "$(summary .receiving.mode)" "$receiver"
expect_equal "sent" "$(summary .ledger.sent)" $count
expect_equal "arrived" "$(stats .echo_requests)" $count
expect_equal "what the far end should have sent and did not" "$(stats .zoo.lost)" 0
expect_equal "replies refused by the lab's link" "$(stats .replies_refused)" 0
expect_equal "requests that nobody read" "$(stats .zoo.unread)" 0
[ $cooldown = 2 ] || expect_equal "late ones not sent yet" "$(stats .zoo.waiting)" 0

# One record for each target and type: what the line has to be. A late one may come after the end, or not at all.
jq -c 'select(.repeat | not) | {target, type, saddr, classification, icmp_type, icmp_code, success,
  off_target: (.off_target // false), has_rtt: has("rtt_us"), rtt_trusted: (.rtt_trusted != false), ttl,
  quoted_ttl}' "$work/out" | sort >"$work/found"
jq -c 'select(.held_us == 0) | del(.held_us, .repeats)' "$work/truth" | sort >"$work/prompt"
jq -c 'select(.held_us > 0) | del(.held_us, .repeats)' "$work/truth" | sort >"$work/late"
comm -13 "$work/prompt" "$work/found" >"$work/found_late"
comm -23 "$work/prompt" "$work/found" >"$work/missed"
[ ! -s "$work/missed" ] || fail "$(wc -l <"$work/missed") are missing or otherwise: $(head -3 "$work/missed")"
comm -13 "$work/late" "$work/found_late" >"$work/untrue"
[ ! -s "$work/untrue" ] || fail "$(wc -l <"$work/untrue") are not so: $(head -3 "$work/untrue")"

# Late ones: never before their time; all that were due within the cooldown; after the last probe if due after it.
[ "$(wc -l <"$work/arrived")" -gt 100 ] || fail "only $(wc -l <"$work/arrived") late ones"
awk '$4 != "-" && $4 < $2 {exit 1}' "$work/arrived" || fail "a reply came before it was sent"
sending_us=$(summary '.sending.seconds * 1e6 | floor')
expect_equal "late ones of those that were due" "$(due_in "$work/arrived")" "$(due_in "$work/held")"
expect_equal "late ones that are not in the cooldown, though they must be" \
  "$(awk -v us="$sending_us" '$2 > us && $3 != "true"' "$work/arrived" | wc -l)" 0
expect_equal "in_cooldown" "$(summary .receiving.in_cooldown)" \
  "$(jq -r 'select(.cooldown and .success and (.repeat | not)) | .target' "$work/out" | wc -l)"
if [ $cooldown = 13 ]; then
  expect_equal "late ones of all" "$(wc -l <"$work/arrived")" "$(wc -l <"$work/held")"
fi

expect_equal "round-trip times that are 0 or less" \
  "$(jq -r 'select(has("rtt_us") and .rtt_us <= 0) | .target' "$work/out" | wc -l)" 0

# Repeats: as many lines as the cap has room for, each like the first; all of them counted.
jq -r 'select(.repeats > 0) | "\(.target) \([.repeats, '$cap'] | min)"' "$work/truth" | sort >"$work/repeats"
jq -r 'select(.repeat) | .target' "$work/out" | sort | uniq -c | awk '{print $2, $1}' | sort >"$work/repeat_lines"
cmp -s "$work/repeats" "$work/repeat_lines" || fail "lines of repeats: $(diff "$work/repeats" "$work/repeat_lines" | head -5)"
like='[.target, .type, .saddr, .icmp_type, .icmp_code, .off_target, .rtt_trusted, .ttl, .quoted_ttl] | tostring'
expect_equal "repeats unlike the first" \
  "$(comm -13 <(jq -r "select(.repeat | not) | $like" "$work/out" | sort) <(jq -r "select(.repeat) | $like" "$work/out" | sort -u) | wc -l)" 0
repeated() { jq -s --arg type "$1" '[.[] | select(.type == $type) | .repeats] | add' "$work/truth"; }
expect_equal "repeats of replies" "$(summary .receiving.repeats)" "$(repeated reply)"
expect_equal "repeats of errors" "$(summary .receiving.error_repeats)" "$(repeated error)"
expect_equal "the worst repeater" "$(summary '.receiving.top_repeaters[0].repeats')" "$(jq -s 'map(.repeats) | max' "$work/truth")"

# Every frame in the counter of its kind.
frames() { summary ".receiving.frames.$1"; }
for species in wrong_target stale wrong_ip_checksum wrong_icmp_checksum short fragment not_to_us other_icmp; do
  expect_equal "frames.$species" "$(frames $species)" "$(stats ".zoo.frames.$species")"
done
expect_equal "frames.unproved" "$(frames unproved)" "$(stats .zoo.frames.forged)"
expect_equal "frames.error_unproved" "$(frames error_unproved)" "$(stats .zoo.frames.forged_error)"
class='if .type == "error" then "error" elif .off_target then "reply_off_target"
  elif .rtt_trusted then "reply" else "reply_altered" end'
{
  jq -r "select(.held_us == 0) | \"\($class) \(1 + .repeats)\"" "$work/truth"
  jq -r "\"\($class) 1\"" "$work/found_late"
} | awk '{sum[$1] += $2} END {for (class in sum) print class, sum[class]}' >"$work/classes"
expect_equal "kinds of results" "$(wc -l <"$work/classes")" 4
while read -r class sum; do
  expect_equal "frames.$class" "$(frames "$class")" "$sum"
done <"$work/classes"
for never in ring_full bad_ipv4 not_icmp too_long; do
  expect_equal "frames.$never" "$(frames $never)" 0
done
expect_equal "dropped unseen" "$(summary .receiving.dropped_unseen)" 0
expect_equal "unlisted" "$(summary .receiving.unlisted)" 0

# The sums.
lines() { jq -r "select((.repeat | not) and .type == \"$1\") | .target" "$work/out" | wc -l; }
redirected=$(stats .zoo.requests.redirected)
expect_equal "replied" "$(summary .ledger.replied)" "$(lines reply)"
expect_equal "errored and replied" "$(summary .receiving.errored_and_replied)" "$redirected"
expect_equal "errored" "$(summary .ledger.errored)" $(($(lines error) - redirected))
expect_equal "silent" "$(summary .ledger.silent)" $((count - $(lines reply) - $(lines error) + redirected))
expect_equal "off_target" "$(summary .receiving.off_target)" \
  "$(jq -r 'select(.off_target and (.repeat | not)) | .target' "$work/out" | wc -l)"
expect_equal "off-target replies" "$(summary .receiving.off_target_replies)" "$(frames reply_off_target)"
worst=$(summary '.receiving.top_responders[0] | [.responder, .replies] | join(" ")')
[ "$(jq -r --arg saddr "${worst% *}" 'select(.off_target and .saddr == $saddr) | 1' "$work/out" | wc -l)" -le "${worst#* }" ] ||
  fail "fewer replies than lines are counted for ${worst% *}"
expect_equal "errors by type and code" \
  "$(summary '.receiving.errors[] | "\(.classification) \(.icmp_type)/\(.icmp_code) \(.targets)"' | sort | paste -sd,)" \
  "$(jq -r 'select(.type == "error" and (.repeat | not)) | "\(.classification) \(.icmp_type)/\(.icmp_code)"' "$work/out" |
    sort | uniq -c | awk '{print $2, $3, $1}' | sort | paste -sd,)"
expect_equal "error lines" "$(summary .output.error_lines)" "$(lines error)"
expect_equal "repeat lines" "$(summary .output.repeat_lines)" "$(jq -r 'select(.repeat) | .target' "$work/out" | wc -l)"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
echo "$(lines reply) replies, $(lines error) errors, $(wc -l <"$work/arrived") late, $(summary .receiving.frames_seen) frames"
