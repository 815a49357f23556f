#!/usr/bin/env bash
# --method dpdk to a far end in another process, over memory that both map: 5 million addresses, as fast as it goes. Each
# probe arrives once and well-formed, one address in 8 answers, and each answer is matched.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

[ -e "$ECHOSCAN_BUILD/libechoscan_dpdk.so" ] || skip "the module is not built: libdpdk-dev is missing"

lab up
targets=10.0.0.0-10.76.75.63
count=5000000
answers=625000

# NAME FAR-DEVICE FAR-ARGUMENTS NEAR-DEVICE NEAR-ARGUMENTS. Neither process has huge pages set aside, nor a card.
scan_over() {
  local name=$1 far_end=$2 by_far=$3 near_end=$4 by_near=$5
  rm -f "$work/socket"
  listen_at_far_end "$ECHOSCAN_BUILD/lab_port" "$far_end" "--no-pci --no-huge --vdev=$far_end,$by_far" 10.0.0.0 $count 8
  scan --method dpdk -i "$near_end" --dpdk-args "--no-pci --no-huge --vdev=$near_end,$by_near" --source-ip 192.0.2.1 \
    --gateway 192.0.2.2 --rate max --cooldown 2 --format ip "$targets" || fail "the scan over $name ended with $?"
  kill -TERM $listener
  expect_status 0 wait $listener
  started=()
  sed -n 2p "$work/listening" >"$work/far"
  of_far() { jq -r "$1" "$work/far"; }
  expect_equal "$name: sent" "$(summary .ledger.sent)" $count
  expect_equal "$name: arrived" "$(of_far '[.asked, .again, .elsewhere, .bad] | join(" ")')" "$count 0 0 0"
  expect_equal "$name: answered" "$(of_far .answered)" $answers
  expect_equal "$name: matched" "$(summary '[.ledger.replied, .receiving.frames.reply, .receiving.repeats] | join(" ")')" \
    "$answers $answers 0"
  expect_equal "$name: adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "$name: unseen" "$(summary .receiving.dropped_unseen)" 0
  # Each of those that answer, once: the last number of an address says who does.
  expect_equal "$name: who was found" "$(LC_ALL=C sort -u "$work/out" | awk -F. '$4 % 8 == 0' | wc -l) of $(wc -l <"$work/out")" \
    "$answers of $answers"
  echo "$name: $(of_far '"\(.pps) a second arrived, \(.asked) in \(.seconds) s"')," \
    "$(summary '"\(.sending.rate_pps | floor) sent, by \(.sending.queues[0].mode)"')"
}

scan_over vhost-user net_vhost0 "iface=$work/socket" net_virtio_user0 "path=$work/socket,queue_size=1024,packed_vq=1"
by_memif="id=0,socket=$work/socket,socket-abstract=no"
scan_over memif net_memif0 "role=server,$by_memif" net_memif0 "role=client,$by_memif"
