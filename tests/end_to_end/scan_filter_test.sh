#!/usr/bin/env bash
# The reply filter is taken off in the middle of a scan, or another program is put in its place; replies come in where
# nobody watches. What can be repaired is, and everybody is found; what cannot ends the scan; nothing passes in silence.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

targets=10.0.0.0/14
count=262144
# 6.5 s: long enough to be in the middle of, where CPUs are short.
options=(--rate 40k --cooldown 1 --seed 5)
foreign=$ECHOSCAN_BUILD/bpf/world/world.bpf.o

program_id() { ip -n "$ECHOSCAN_LAB-near" -j link show lab0 | jq '.[0].xdp.prog.id // empty'; }
# Takes off what hangs on lab0 by a BPF link of the scan. A list of all links fails when one of another test goes
# meanwhile; descriptors of the scan go, too, and a link that it has just replaced is found and gone.
detach() {
  local program link
  for _ in $(seq 200); do
    program=$(program_id)
    link=$(descriptors_of "$pid" |
      awk -v program="$program" '$1 == "pos:" { link = "" } $1 == "link_id:" { link = $2 }
        $1 == "prog_id:" && $2 == program && link != "" { found = link } END { print found }')
    if [ -n "$link" ] && bpftool link detach id "$link" 2>"$work/bpftool"; then return; fi
    nap 0.05
  done
  fail "the scan has no link of program $program that can be taken off: $(cat "$work/bpftool")"
}

# Taken off at a random moment, once or twice: attached again, and everybody is found. What had been sent just before is
# sent again, or, if that moment was behind the last probe, in doubt.
RANDOM=20261126
again_sum=0
for variant in "native auto 1" "native af_packet 2" "native xdp_live 1" "native af_xdp 2" "generic auto 1" "generic af_packet 1"; do
  read -r mode method queues <<<"$variant"
  lab up --queues 2
  if [ "$mode" = generic ]; then near ethtool -L lab0 rx 1; fi
  for round in 1 2; do
    start_scan "${options[@]}" --method "$method" --queues "$queues" $targets
    for ((i = 0; i < round; ++i)); do
      delay_ms=$((RANDOM % 1400))
      sleep "$(printf '0.%03d' $((delay_ms % 1000)))"
      detach
      nap 0.3
    done
    status=0
    wait $pid || status=$?
    expect_equal "$variant: exit status" $status 0
    expect_text "$work/log" "the reply filter of lab0 was taken off: "
    expect_text "$work/log" "the reply filter of lab0 is attached again after "
    expect_equal "$variant: receiver" "$(summary .receiving.mode)" "XDP $mode"
    expect_truth_but_doubt $targets
    expect_equal "$variant: sent" "$(summary .ledger.sent)" $count
    again=$(summary .ledger.sent_again)
    doubt=$(summary .ledger.in_doubt)
    # On a busy machine the moment may be long behind the last probe: then nothing has to be sent again.
    case $(grep -m1 -oE "all probes have left|reply filter of lab0 was taken off" "$work/log") in
      reply*) [ $((again + doubt)) -gt 0 ] || fail "$variant: nothing sent again and nothing in doubt" ;;
    esac
    # All that left since the filter was last seen on, and what was under way.
    unseen_s=$(grep -oP "the probes of the \K[0-9.]+(?= s before its loss was noticed)" "$work/log" | jq -s add)
    jq -ne --argjson again "$again" --argjson unseen_s "$unseen_s" '$again <= 40000 + 40000 * $unseen_s' >"$work/bound" ||
      fail "$variant: $again sent again, of the $unseen_s s before it was noticed"
    expect_equal "$variant: frames" "$(summary '[.sending.queues[].sent] | add')" $((count + again))
    expect_equal "$variant: losses and returns" "$(summary '[.events[] | select(.what | startswith("the reply filter"))] | length')" $((2 * round))
    expect_equal "$variant: events in order" \
      "$(summary '[.events[].seconds] | . == sort and .[0] >= 0 and .[-1] < 600')" true
    again_sum=$((again_sum + again))
    echo "$variant, taken off $round times: $again sent again, $doubt in doubt"
  done
done
[ $again_sum -gt 0 ] || fail "in no scan anything was sent again"

# Behind the last probe senders stand by: what may be missing is sent again, and nothing is in doubt. A gateway that is
# not asked does not hold up the end of the sending. The cooldown is long enough to be in the middle of.
lab up
start_scan --rate 100k --cooldown 4 --seed 5 -i lab0 --gateway-mac "$(far cat /sys/class/net/lab1/address)" 10.0.0.0/16
until has_text "$work/log" "all probes have left"; do nap 0.01; done
detach
wait $pid || fail "the scan ended with $?"
expect_truth 10.0.0.0/16
expect_equal "in doubt behind the last probe" "$(summary .ledger.in_doubt)" 0
expect_text "$work/log" "the reply filter of lab0 was taken off: nothing is sent until it is attached again"

# A filter on a link cannot be replaced by netlink: nothing happens.
lab up
start_scan "${options[@]}" $targets
id=$(program_id)
if near ip link set dev lab0 xdp off 2>"$work/refusal"; then fail "xdp off took the filter off"; fi
if near ip link set dev lab0 xdpdrv obj "$foreign" sec xdp 2>"$work/refusal"; then fail "the filter was replaced"; fi
expect_equal "the filter" "$(program_id)" "$id"
wait $pid || fail "the scan ended with $?"
expect_truth $targets
expect_equal "events" "$(summary .events)" "[]"
expect_equal "sent again" "$(summary .ledger.sent_again)" 0
expect_equal "unseen" "$(summary .receiving.unseen_replies)" 0

# Another program in its place is left alone: the scan ends, and names what it does not know.
start_scan "${options[@]}" $targets
kill -STOP $pid
detach
near ip link set dev lab0 xdpdrv obj "$foreign" sec xdp
id=$(program_id)
kill -CONT $pid
expect_status 3 wait $pid
expect_equal "outcome" "$(summary .outcome)" "stopped, reply filter lost"
expect_text "$work/log" "the reply filter of lab0 is lost (another XDP program is there (id $id)); stopped after $(summary .ledger.sent) of $count probes of the order, --seed 5 repeats it"
expect_equal "the other program" "$(program_id)" "$id"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
[ "$(summary .ledger.in_doubt)" -gt 0 ] || fail "nothing is in doubt"
expect_equal "event" "$(summary '.events[0] | .what + ": " + .consequence')" \
  "the reply filter of lab0 was taken off: nothing is sent until it is attached again"
[ "$(summary .ledger.not_sent.stopped)" -gt 0 ] || fail "it went on to the end"
near ip link set dev lab0 xdp off

# Replies that come in by another interface reach the kernel and nobody else: that is said.
lab up --mode kernel
ip -n "$ECHOSCAN_LAB-near" link add lab2 type veth peer name lab3 netns "$ECHOSCAN_LAB-far"
ip -n "$ECHOSCAN_LAB-near" address add 198.51.100.1/30 dev lab2
ip -n "$ECHOSCAN_LAB-far" address add 198.51.100.2/30 dev lab3
ip -n "$ECHOSCAN_LAB-near" link set lab2 up
ip -n "$ECHOSCAN_LAB-far" link set lab3 up
far sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000
few=10.1.0.0/28
for method in auto af_packet raw_socket; do
  scan --method $method --rate 1k --cooldown 1 $few || fail "the scan ended with $?"
  expect_truth $few
  expect_equal "$method: unseen on the way of the probes" "$(summary .receiving.unseen_replies)" 0
  expect_equal "$method: events" "$(summary .events)" "[]"
done
far ip route add 192.0.2.1/32 via 198.51.100.1 dev lab3
# lab2 stands by, should routes lead there, and receives them; with -i it does not, and nobody watches.
for method in auto af_packet raw_socket; do
  scan --method $method --rate 1k --cooldown 1 $few || fail "the scan ended with $?"
  expect_truth $few
  expect_equal "$method: in by" "$(jq -r .interface "$work/out" | sort | uniq -c | xargs)" "16 lab2"
  expect_equal "$method: unseen though lab2 stands by" "$(summary .receiving.unseen_replies)" 0
  expect_text "$work/log" "16 in by another interface than their probes left by"
  scan -i lab0 --method $method --rate 1k --cooldown 1 $few || fail "the scan ended with $?"
  expect_equal "$method: replied" "$(summary .ledger.replied)" 0
  expect_equal "$method: unseen" "$(summary .receiving.unseen_replies)" 16
  expect_equal "$method: counted by the kernel" "$(summary .receiving.kernel_replies)" 16
  expect_text "$work/log" "the kernel received 16 echo replies that the scan did not see: they came in by another interface, where nobody watches, or other processes of this host asked for them; received meanwhile: "
  grep -Eq '(1[6-9]|2[0-9]) packets by lab2' "$work/log" || fail "lab2 is not named: $(cat "$work/log")"
done
# With nothing but CAP_NET_RAW the kernel has all replies as well, and none of them is unseen.
far ip route del 192.0.2.1/32 via 198.51.100.1 dev lab3
near setpriv --bounding-set=-all,+net_raw --inh-caps=-all "$echoscan" scan --allow-reserved --summary "$work/summary" \
  --rate 1k --cooldown 1 $few >"$work/out" 2>"$work/log" || fail "the scan ended with $?"
expect_truth $few
expect_equal "counted by the kernel, by AF_PACKET" "$(summary .receiving.kernel_replies)" 16
expect_equal "unseen by AF_PACKET" "$(summary .receiving.unseen_replies)" 0
