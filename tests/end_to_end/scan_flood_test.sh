#!/usr/bin/env bash
# More replies than anyone wants: a million a second from as many hosts, none lost; 100,000 from one host, which
# do not fill its output; and more than fit in, which are known by number.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

# Everyone answers, and each reply becomes a line. How fast that is depends on who else wants the machine's CPUs;
# that nothing is lost does not.
targets=10.0.0.0/10
count=4194304
flood() { # FILE
  scan --method xdp_live --rate max --cooldown 0.5 --seed 5 -o "$1" $targets
}
for queues in 1 2; do
  lab up --one-in 1 --queues $queues
  for reader in none cat; do
    before=$(wire_lost)
    if [ $reader = none ]; then
      flood /dev/null || fail "the scan ended with $?"
    else
      mkfifo "$work/pipe"
      cat "$work/pipe" >/dev/null &
      flood "$work/pipe" || fail "the scan ended with $?"
      wait $!
      rm "$work/pipe"
    fi
    lost=$(($(wire_lost) - before))
    expect_equal "replied, but for $lost lost on the wire" "$(summary .ledger.replied)" $((count - lost))
    expect_equal "lines" "$(summary .output.lines)" $((count - lost))
    expect_equal "ring full" "$(summary .receiving.frames.ring_full)" 0
    expect_equal "adds_up" "$(summary .ledger.adds_up)" true
    echo "$queues queues, reader $reader: $(summary '.ledger.replied / .sending.seconds | floor') replies a second," \
      "$(summary .sending.paused_for_output_seconds) s of waiting for the output," \
      "$(summary .sending.paused_for_receiver_seconds) s for the receiver, $lost lost on the wire"
  done
done

# So it is by every method, when others take the CPUs that the receiver needs, and when the receiver's thread does not
# run at all for a while: senders wait for it, and say so. The rate is one whose rings are of 4 MiB: the replies of this
# scan would not fill a quarter of larger ones.
for _ in 1 2 3 4; do
  timeout 3600 sh -c 'while :; do :; done' &
  started+=($!)
done
for method in xdp_live af_xdp_copy af_packet packet_mmap pcap raw_socket; do
  before=$(wire_lost)
  launch_scan --method $method --rate 170k --cooldown 1 --seed 5 --status json -o /dev/null 10.0.0.0/14
  # As soon as there is a receiver, until senders wait, which takes them long where they get little of the CPUs. The thread goes on when who has stopped
  # it ends.
  "$ECHOSCAN_BUILD/tests/lab_pause" $pid receiver 150 &
  pauser=$!
  for _ in $(seq 1200); do
    if has_text "$work/log" '"receiver_is_limit":true'; then break; fi
    nap 0.1
  done
  kill $pauser
  expect_status 143 wait $pauser
  wait $pid || fail "$method: the scan ended with $?"
  expect_equal "$method: replied beside busy CPUs" "$(summary .ledger.replied)" $((262144 - $(wire_lost) + before))
  expect_equal "$method: lost by us" "$(summary '.receiving.frames.ring_full + .receiving.dropped_unseen')" 0
  expect_text "$work/log" '"receiver_is_limit":true'
  expect_text "$work/log" "s for the receiver, which was the limit"
  echo "$method beside busy CPUs: waited $(summary .sending.paused_for_receiver_seconds) s for the receiver"
done
# The whole process stopped for a second while replies are on their way.
scan_stopped() { # METHOD
  launch_scan --method "$1" --rate max --cooldown 1 --seed 5 -o /dev/null 10.0.0.0/11
  for _ in 1 2 3; do
    nap 0.4
    if kill -s STOP $pid 2>/dev/null; then sleep 0.3; fi
    if ! kill -s CONT $pid 2>/dev/null; then break; fi
  done
  wait $pid
}
for method in xdp_live af_packet; do
  before=$(wire_lost)
  scan_stopped $method || fail "$method: the scan ended with $?"
  expect_equal "$method: replied, stopped now and then" "$(summary .ledger.replied)" $((2097152 - $(wire_lost) + before))
done
kill "${started[@]}"
started=()

# One host in this /13 sends 100,000 replies to its one probe.
targets=10.0.0.0/13
count=524288
for cap in none 10 3; do
  lab up --zoo
  options=(--rate 100k --cooldown 1 --seed 5)
  [ $cap = none ] || options+=(--emit repeats --repeat-cap $cap)
  flooder=$(lab truth --json $targets | jq -r 'select(.species == "flooder") | .target')
  scan "${options[@]}" $targets || fail "the scan ended with $?"
  expect_equal "the far end lost" "$(lab stats | jq .zoo.lost)" 0
  expect_equal "frames of the flooder" "$(lab stats | jq .zoo.frames.flooder)" 100000
  expect_equal "sent" "$(summary .ledger.sent)" $count
  expect_equal "ring full" "$(summary .receiving.frames.ring_full)" 0
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "the worst repeater" "$(summary '.receiving.top_repeaters[0] | [.target, .repeats, .repeats_at_most] | join(" ")')" \
    "$flooder 99999 99999"
  expect_equal "lines of the flooder" \
    "$(jq -r --arg flooder "$flooder" 'select(.target == $flooder) | .repeat' "$work/out" | sort | uniq -c | awk '{print $2, $1}' | paste -sd' ')" \
    "false 1$([ $cap = none ] || echo " true $cap")"
  expect_equal "lines" "$(wc -l <"$work/out")" "$(summary '.ledger.replied + .output.repeat_lines')"
  expect_equal "lines of one target, at most" \
    "$(jq -r .target "$work/out" | sort | uniq -c | awk '$1 > most {most = $1} END {print most}')" \
    "$([ $cap = none ] && echo 1 || echo $((cap + 1)))"
  echo "with --repeat-cap $cap: $(wc -l <"$work/out") lines"
done

# By AF_PACKET, with hardly anyone else: what the kernel had no room for is known by number.
lab up --zoo --one-in 100000000
near ip neighbour replace 192.0.2.2 dev lab0 lladdr "$(far cat /sys/class/net/lab1/address)" nud permanent
near setpriv "--bounding-set=-all,+net_raw" "--inh-caps=-all" "$echoscan" scan --allow-reserved \
  --summary "$work/summary" --rate 100k --cooldown 1 $targets >"$work/out" 2>"$work/log" || fail "the scan ended with $?"
expect_equal "receiver" "$(summary .receiving.mode)" "AF_PACKET ring"
expect_equal "frames, seen or not" "$(summary '.receiving.frames_seen + .receiving.dropped_unseen')" \
  "$(lab stats | jq '[.zoo.frames[]] | add')"
expect_equal "adds_up" "$(summary .ledger.adds_up)" true
echo "by AF_PACKET: $(summary .receiving.dropped_unseen) of $(summary .receiving.repeats) unseen"

# Such hosts, while the scan is stopped.
flooders=$(lab truth --json 10.0.0.0/10 | jq -r 'select(.species == "flooder") | .target')
since() { echo $(($(lab stats | jq "$1") - $(jq "$1" "$work/before"))); }
flooded_while_stopped() { # RATE HOST...
  local rate=$1 frames=0
  shift
  lab stats >"$work/before"
  launch_scan --method af_xdp --rate "$rate" --cooldown 2 "$@"
  for _ in $(seq 500); do
    if [ "$(since .echo_requests)" = $# ]; then break; fi
  done
  kill -s STOP $pid
  for _ in $(seq 600); do
    frames=$(since .zoo.frames.flooder)
    if [ "$frames" = $(($# * 100000)) ]; then break; fi
    nap 0.1
  done
  kill -s CONT $pid
  expect_status 0 wait $pid
  expect_equal "frames of the flooders" "$frames" $(($# * 100000))
  expect_equal "frames, with room or without" "$(summary '.receiving.frames.reply + .receiving.frames.ring_full')" "$frames"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
}

# Eight of them: the ring runs full. What did not fit in is known by number, and the closing text begins with it.
# shellcheck disable=SC2086
flooded_while_stopped 1000 $flooders
[ "$(summary .receiving.frames.ring_full)" -gt 0 ] || fail "the ring was never full"
expect_equal "how the closing text begins" "$(grep -m1 '^echoscan: ' "$work/log")" \
  "echoscan: not everything is here, and the loss is on this side:"
expect_equal "the number in its second line" "$(grep -A1 -m1 '^echoscan: ' "$work/log" | sed -n 2p | tr -cd 0-9)" \
  "$(summary .receiving.frames.ring_full)"
echo "stopped: $(summary .receiving.frames.ring_full) found no room"

# A scan that may have a million replies on their way has room for them: for 838,860 records on up to four CPUs, for
# fewer on more, since all rings together have a limit.
last_cpu=$(tr ',-' '\n\n' </sys/devices/system/cpu/possible | tail -n 1)
ring_bytes=$((134217728 / (last_cpu + 1)))
hosts=$(((ring_bytes < 33554432 ? ring_bytes : 33554432) / 40 / 100000))
[ $hosts -gt 0 ] || fail "too many CPUs for this part: a ring holds less than one host's flood"
# shellcheck disable=SC2086
flooded_while_stopped 1M $(head -n $hosts <<<"$flooders")
expect_equal "ring full of a fast scan" "$(summary .receiving.frames.ring_full)" 0
