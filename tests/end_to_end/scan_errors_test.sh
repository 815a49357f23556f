#!/usr/bin/env bash
# ICMP errors as Linux sends them, from a router with routes that lead nowhere: each kind is counted, told from silence,
# and a line where asked for, whichever way they are received.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

targets=(10.0.0.0/24 172.16.0.0/26 172.16.2.0/26)
few=(172.16.1.0/31 172.16.3.0/31)
hosts=64
scan_options=(--rate 5k --cooldown 5)

# The far end forwards. Hosts of 172.16.0.0/26 do not answer its ARP, so that it says so of each after 3 s; of the
# other two networks it says at once that it may not or cannot, but Linux says that five times a second at most. What is
# for 172.16.2.0/26 goes without a word.
raise() { # LAB-OPTION...
  lab up "$@"
  far sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratemask=0
  far ip link add stub0 type veth peer name stub1
  far ip link set stub0 up
  far ip link set stub1 up
  far ip route add 172.16.0.0/26 dev stub0
  far ip route add prohibit 172.16.1.0/31
  far ip route add blackhole 172.16.2.0/26
}

# TYPE/CODE TARGETS FRAMES of the summary, ascending.
errors() { summary '[.receiving.errors[] | "\(.icmp_type)/\(.icmp_code) \(.targets) \(.frames)"] | join(", ")'; }

expect_errors() { # TARGETS-ERRORED ERRORS
  local replied
  replied=$(lab truth 10.0.0.0/24 | wc -l)
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "errors" "$(errors)" "$2"
  expect_equal "errored" "$(summary .ledger.errored)" "$1"
  expect_equal "replied" "$(summary .ledger.replied)" "$replied"
  expect_equal "silent" "$(summary .ledger.silent)" "$((256 - replied + hosts))"
  expect_text "$work/log" "$1 had only an ICMP error"
}

for variant in native generic net_raw; do
  case $variant in
    native) raise ;;
    generic)
      raise --queues 2
      near ethtool -L lab0 rx 1
      ;;
    net_raw) raise ;;
  esac
  run=()
  if [ "$variant" = net_raw ]; then run=(setpriv --bounding-set=-all,+net_raw --inh-caps=-all); fi
  near "${run[@]}" "$echoscan" scan --allow-reserved --summary "$work/summary" "${scan_options[@]}" --emit errors \
    "${targets[@]}" "${few[@]}" >"$work/out" 2>"$work/log" || fail "$variant: the scan ended with $?"
  expect_errors $((hosts + 4)) "3/0 2 2, 3/1 $hosts $hosts, 3/13 2 2"
  expect_equal "receiver" "$(summary .receiving.mode)" \
    "$(case $variant in native) echo XDP native ;; generic) echo XDP generic ;; *) echo AF_PACKET ring ;; esac)"
  jq -r 'select(.type == "reply") | .target' "$work/out" | sort | cmp -s - <(lab truth 10.0.0.0/24 | sort) ||
    fail "$variant: the replies are not the truth"
  expect_equal "$variant: networks by code" \
    "$(jq -r 'select(.type == "error") | "\(.icmp_code) \(.target | split(".")[:3] | join("."))"' "$work/out" |
      sort | uniq -c | awk '{print $2, $3, $1}' | paste -sd,)" \
    "0 172.16.3 2,1 172.16.0 $hosts,13 172.16.1 2"
  expect_equal "$variant: what errors say" \
    "$(jq -c 'select(.type == "error") | [.saddr, .classification, .icmp_type, .success, .repeat, .ttl]' \
      "$work/out" | sort -u)" '["192.0.2.2","unreach",3,false,false,64]'
  # Where ARP failed the probe had been forwarded, 3 s before; the others were not.
  expect_equal "$variant: quoted TTLs and lateness by code" \
    "$(jq -r 'select(.type == "error") | "\(.icmp_code) \(.quoted_ttl) \(.icmp_code != 1 or .cooldown)"' "$work/out" |
      sort -u | paste -sd,)" "0 64 true,1 63 true,13 64 true"
  expect_equal "$variant: errors without a round-trip time, though Linux quotes the whole probe" \
    "$(jq -c 'select(.type == "error" and ((.rtt_us > 0) | not))' "$work/out" | wc -l)" 0
  [ "$variant" = net_raw ] || lab down
done

# Unasked for, they are counted only; repeats are lines up to the cap.
scan "${scan_options[@]}" "${targets[@]}" || fail "the scan ended with $?"
expect_errors $hosts "3/1 $hosts $hosts"
expect_equal "lines of errors" "$(jq -c 'select(.type == "error")' "$work/out" | wc -l)" 0
scan "${scan_options[@]}" --probes 4 --emit errors,repeats --repeat-cap 2 "${targets[@]}" || fail "the scan ended with $?"
expect_errors $hosts "3/1 $hosts $((4 * hosts))"
expect_equal "error_repeats" "$(summary .receiving.error_repeats)" "$((3 * hosts))"
expect_equal "lines of errors by target: whether repeats, how many, of how many" \
  "$(jq -r 'select(.type == "error") | "\(.target) \(.repeat)"' "$work/out" | sort | uniq -c |
    awk '{print $3, $1}' | sort | uniq -c | awk '{print $2, $3, $1}' | paste -sd,)" \
  "false 1 $hosts,true 2 $hosts"
expect_equal "top repeaters" "$(summary '[.receiving.top_repeaters[].repeats] | unique | join(",")')" 3
expect_equal "lines" "$(wc -l <"$work/out")" "$(summary .output.lines)"

# The tables count replies alone as responses.
cp "$work/out" "$work/lines"
"$echoscan" aggregate --format json --summary "$work/summary" "$work/lines" >"$work/table" 2>"$work/log" ||
  fail "aggregate ended with $?"
expect_equal "aggregate" "$(jq -c '.total | [.replies, .errors, .repeats, .targets]' "$work/table")" \
  "[$(lab truth 10.0.0.0/24 | wc -l),$hosts,$(summary .output.repeat_lines),$((256 + 2 * hosts))]"

# An address a line: errors have no place there.
expect_status 2 scan --format ip --emit errors "${targets[@]}"
expect_text "$work/log" "--emit: --format ip has the targets that replied, each once"
scan "${scan_options[@]}" --format ip "${targets[@]}" || fail "the scan ended with $?"
sort "$work/out" | cmp -s - <(lab truth 10.0.0.0/24 | sort) || fail "--format ip is not the truth"
