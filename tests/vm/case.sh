#!/usr/bin/env bash
# The cases of the NIC matrix, inside the guest: case.sh NAME...; `case.sh --list` names them.
#
# The lab of tests/lab stands on the guest's two cards, and every case leaves it as it was. Lines for run.sh: what
# a scan has seen, `@seen {...}`, and how a case ended, `@case NAME STATUS SECONDS`: 0 passed, 77 this card and
# kernel do not have what it needs (said why), else failed. An emulated processor takes a tenth of a second to
# start a process: hence one lab for all cases, and few calls of jq.
if [ "${1:-}" = --list ]; then
  sed -n 's/^case_\([a-z_0-9]*\)().*/\1/p' "${BASH_SOURCE[0]}"
  exit 0
fi
export ECHOSCAN_LAB=vm LC_ALL=C
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

# What the emulated processor carries, and as many addresses as show a loss.
rate=10k
all_targets=10.20.0.0/16
some_targets=10.20.0.0/19
best=(--method af_xdp --rate "$rate" --cooldown 1 --status off)

is_equal() { if [ "$1" = "$2" ]; then echo true; else echo false; fi; }

not_here() {
  echo "not here: $*"
  exit 77
}

# What each card and kernel are known to give. A driver that learns more makes the matrix fail, and the table in
# docs/drivers.md is then due for a change.
case $VM_KERNEL/$VM_NIC in
  newest/virtio-iommu | newest/igb) best_sender="AF_XDP zero-copy" ;;
  *) best_sender="AF_XDP copy" ;;
esac
case $VM_KERNEL/$VM_NIC in
  */e1000e | 6.1/vmxnet3) best_receiver="XDP generic" ;;
  *) best_receiver="XDP native" ;;
esac
live_refusal=""
[ "$best_receiver" = "XDP native" ] || live_refusal="takes no redirected frames"
case $VM_KERNEL/$VM_NIC in 6.1/virtio*) live_refusal="virtio_net of Linux 6.1 is known to break under them" ;; esac

found_without_jq() { sed 's/.*"target":"\([^"]*\)".*/\1/' "$work/out" | sort; }

arrived_so_far() {
  [[ $(far "$ECHOSCAN_BUILD/tests/lab_world" stats lab1) =~ \"echo_requests\":([0-9]+).*\"bad_checksums\":([0-9]+) ]]
  echo "${BASH_REMATCH[1]}"
  expect_equal "damaged" "${BASH_REMATCH[2]}" 0 >&2
}

# The scan just ended: its results are the truth, by the ways named, and every probe arrived.
expect_scan() { # NAME SENDER RECEIVER ARRIVED-BEFORE TARGETS
  local name=$1 sender=$2 receiver=$3 arrived values sent again adds_up seen_sender seen_receiver queues why
  sed 's/^/  /' "$work/log"
  arrived=$(($(arrived_so_far) - $4))
  found_without_jq >"$work/found"
  lab truth "$5" | sort >"$work/truth"
  values=$(jq -r '[.ledger.sent, .ledger.adds_up, ([.sending.queues[].mode] | unique | join(",")),
    .receiving.mode, (.sending.queues | length), .ledger.sent_again] | map(tostring) | join("|")' "$work/summary")
  IFS='|' read -r sent adds_up seen_sender seen_receiver queues again <<<"$values"
  why=$(sed -n 's/^.*no AF_XDP zero-copy on [^ ]* (\(.*\)); trying.*/\1/p' "$work/log")
  printf '@seen {"case":"%s","sender":"%s","receiver":"%s","queues":%d,"sent":%d,"arrived":%d,"found":%d,"truth":%d,"why":"%s"}\n' \
    "$name" "$seen_sender" "$seen_receiver" "$queues" "$sent" "$arrived" \
    "$(wc -l <"$work/found")" "$(wc -l <"$work/truth")" "$why"
  [ -s "$work/truth" ] || fail "the truth is empty"
  cmp -s "$work/found" "$work/truth" ||
    fail "found $(wc -l <"$work/found") of $(wc -l <"$work/truth"): $(diff "$work/found" "$work/truth" | head -5)"
  expect_equal "adds_up" "$adds_up" true
  # A gateway whose processor gets no time is taken for lost, and what left meanwhile goes again.
  expect_equal "arrived" "$arrived" $((sent + again))
  expect_equal "sender" "$seen_sender" "$sender"
  expect_equal "receiver" "$seen_receiver" "$receiver"
}

# A whole scan with OPTION..., and what it must come to.
scan_truth() { # NAME SENDER RECEIVER TARGETS OPTION...
  local name=$1 sender=$2 receiver=$3 targets=$4 before
  shift 4
  before=$(arrived_so_far)
  scan "$@" "$targets" || fail "the scan ended with $?"
  expect_scan "$name" "$sender" "$receiver" "$before" "$targets"
}

# A scan in the background, well under way; its pid is in $pid.
start_case_scan() { # OPTION...
  # Those of the case before would do for a sign of life.
  : >"$work/out"
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --summary "$work/summary" "$@" \
    >"$work/out" 2>"$work/log" &
  pid=$!
  for _ in $(seq 300); do
    [ "$(wc -l <"$work/out")" -lt 200 ] || return 0
    sleep 0.1
  done
  fail "the scan does not get under way"
}

case_truth() {
  scan_truth truth "$best_sender" "$best_receiver" $all_targets "${best[@]}"
}

case_truth_af_packet() {
  scan_truth truth_af_packet "AF_PACKET sendmmsg" "$best_receiver" $all_targets "${best[@]}" --method af_packet
}

case_truth_af_xdp_copy() {
  [ "$best_sender" = "AF_XDP zero-copy" ] || not_here "truth has copy mode already"
  scan_truth truth_af_xdp_copy "AF_XDP copy" "$best_receiver" $all_targets "${best[@]}" --method af_xdp_copy
}

# CAP_NET_RAW alone: AF_PACKET both ways.
case_truth_net_raw() {
  local before
  before=$(arrived_so_far)
  near setpriv --bounding-set=-all,+net_raw --inh-caps=-all \
    "$echoscan" scan --allow-reserved --summary "$work/summary" "${best[@]}" --method auto "$all_targets" \
    >"$work/out" 2>"$work/log" || fail "the scan ended with $?"
  expect_scan truth_net_raw "AF_PACKET sendmmsg" "AF_PACKET ring" "$before" "$all_targets"
}

# Frames made in the kernel leave where the driver sends redirected frames, and elsewhere the scan says that it does
# not: on e1000e the kernel runs such a program without an error, and nothing is sent.
case_xdp_live() {
  if [ -z "$live_refusal" ]; then
    scan_truth xdp_live "XDP live frames" "XDP native" $all_targets "${best[@]}" --method xdp_live
  else
    expect_status 3 scan "${best[@]}" --method xdp_live $some_targets
    sed 's/^/  /' "$work/log"
    expect_text "$work/log" "$live_refusal"
  fi
}

# Each method sends what it says, or says why it cannot; some of them as fast as they can, which an emulated card
# does not receive.
case_bench() {
  near "$echoscan" bench -q -i lab0 --dst 192.0.2.2 --duration 0.5 --json "$work/bench" | sed 's/^/  /'
  expect_equal "methods that sent nothing" \
    "$(jq -r '[.rows[] | select(.unavailable) | .method] | join(",")' "$work/bench")" \
    "$([ -z "$live_refusal" ] || echo xdp_live)"
  expect_equal "rows that say how much" "$(jq '[.rows[] | select(.sent > 100 and .rate_pps > 0)] | length' "$work/bench")" \
    "$([ -z "$live_refusal" ] && echo 9 || echo 8)"
}

# The host's own traffic lives beside the scan, through the same card.
case_host_ping() {
  start_case_scan "${best[@]}" $all_targets
  near ping -c 5 -W 5 192.0.2.2 >"$work/ping" || fail "the host's ping got no answer: $(cat "$work/ping")"
  expect_text "$work/ping" "5 packets received"
  kill -INT $pid
  expect_status 130 wait $pid
  sed 's/^/  /' "$work/ping"
}

# SIGKILL in the middle leaves no program and no socket behind that would hinder the next scan.
case_kill() {
  start_case_scan "${best[@]}" $all_targets
  kill -KILL $pid
  expect_status 137 wait $pid 2>/dev/null
  scan_truth kill "$best_sender" "$best_receiver" $some_targets "${best[@]}"
}

# The link goes in the middle and comes back: the scan goes on, ends by itself, and finds everybody. What the card held
# at that moment is gone though it had taken it, and is sent again. So is what e1000e takes for 2 s after it was
# switched on and does not send, since its own count shows it.
case_link_down() {
  local before
  before=$(arrived_so_far)
  start_case_scan "${best[@]}" $all_targets
  near ip link set lab0 down
  sleep 2
  near ip link set lab0 up
  near ip route replace default via 192.0.2.2
  expect_status 0 wait $pid
  sed 's/^/  /' "$work/log"
  echo "$(jq -r '"sent \(.ledger.sent), again \(.ledger.sent_again), counted by the card \(.sending.interface_tx_packets)"' \
    "$work/summary"), arrived $(($(arrived_so_far) - before))"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "in doubt" "$(summary .ledger.in_doubt)" 0
  found_without_jq >"$work/found"
  lab truth $all_targets | sort >"$work/truth"
  [ -s "$work/truth" ] || fail "the truth is empty"
  cmp -s "$work/found" "$work/truth" ||
    fail "found $(wc -l <"$work/found") of $(wc -l <"$work/truth"): $(diff "$work/found" "$work/truth" | head -5)"
  scan_truth link_down "$best_sender" "$best_receiver" $some_targets "${best[@]}"
}

# Frames of 9,000 bytes do not fit native XDP's buffers: generic XDP and a way to send that works without it.
case_mtu_9000() {
  near ip link set lab0 mtu 9000 2>/dev/null || not_here "the card does not take an MTU of 9000"
  scan "${best[@]}" $some_targets || fail "the scan ended with $?"
  sed 's/^/  /' "$work/log"
  expect_text "$work/log" "no native XDP on lab0"
  found_without_jq >"$work/found"
  lab truth $some_targets | sort | cmp -s - "$work/found" || fail "found $(wc -l <"$work/found")"
}

# Somebody else's XDP program is named and left alone; AF_PACKET goes around it.
case_foreign_program() {
  near "$ECHOSCAN_BUILD/tests/lab_world" attach lab0 1 8
  expect_status 3 scan "${best[@]}" --method auto $some_targets
  expect_text "$work/log" "another XDP program is there"
  expect_text "$work/log" "far_end"
  scan_truth foreign_program "AF_PACKET sendmmsg" "AF_PACKET ring" $some_targets "${best[@]}" --method af_packet
  near ip link show lab0 | grep -q "prog/xdp" || fail "the other program is gone"
}

case_wrong_queues() {
  expect_status 2 scan "${best[@]}" --queues 99 $some_targets
  expect_text "$work/log" "--queues 99: lab0 has"
  sed 's/^/  /' "$work/log"
}

# Fewer queues send than receive.
case_two_of_four_queues() {
  [ "$VM_QUEUES" = 4 ] || not_here "needs --queues 4"
  near ethtool -l lab0 | tail -2 | grep -q "4$" || not_here "the card has not four queues"
  scan_truth two_of_four_queues "$best_sender" "$best_receiver" $all_targets "${best[@]}" --queues 2
  expect_equal "queues" "$(summary '.sending.queues | length')" 2
}

case_rings() {
  local size changed=no
  for size in 256 4096; do
    if near ethtool -G lab0 rx $size tx $size 2>/dev/null ||
      near ethtool -g lab0 | grep -A5 Current | grep -q "^RX:[^0-9]*$size$"; then
      changed=yes
      scan_truth "rings_$size" "$best_sender" "$best_receiver" $some_targets "${best[@]}"
    else
      echo "the card does not take rings of $size"
    fi
  done
  [ $changed = yes ] || not_here "the card's rings cannot be set"
}

# The near card handed to a process, as an administrator does it, and given back. Its place on the bus is run.sh's.
card=0000:00:02.0
user_space_driver=$([ "$VM_IOMMU" = on ] && echo vfio-pci || echo uio_pci_generic)
# By the doctor's commands, all but modprobe: the guest's modules are loaded.
hand_over() {
  local commands
  expect_status 3 near "$echoscan" doctor -i $card --json >"$work/doctor"
  commands=$(jq -r '.problems[] | select(.what | contains(" is held by the kernel'\''s ")) | .fix' "$work/doctor")
  echo "  # $commands"
  expect_equal "its first word" "${commands%%; *}" "modprobe $user_space_driver"
  near sh -ec "${commands#*; }"
  expect_equal "the card's driver" "$(basename "$(readlink /sys/bus/pci/devices/$card/driver)")" "$user_space_driver"
  expect_status 0 near "$echoscan" doctor -i $card >"$work/doctor"
  sed 's/^/  /' "$work/doctor"
  expect_text "$work/doctor" "$user_space_driver: it is handed over"
}
give_back() {
  local link tenths
  if [ -e /sys/bus/pci/devices/$card/driver ]; then echo $card >/sys/bus/pci/devices/$card/driver/unbind; fi
  echo >/sys/bus/pci/devices/$card/driver_override
  echo $card >/sys/bus/pci/drivers_probe
  for ((tenths = 0; tenths < 100; ++tenths)); do
    for link in /sys/class/net/*; do
      [ "$(cat "$link/address")" = 02:00:00:00:00:0a ] || continue
      ip link set "$(basename "$link")" netns "$ECHOSCAN_LAB-near" name lab0
      near ip address add 192.0.2.1/30 dev lab0
      return
    done
    sleep 0.1
  done
  fail "the kernel does not take the card back"
}

# What DPDK calls the card's driver.
case $VM_NIC in
  virtio*) dpdk_driver=net_virtio ;;
  igb) dpdk_driver=net_e1000_igb ;;
  e1000e) dpdk_driver=net_e1000_em ;;
  vmxnet3) dpdk_driver=net_vmxnet3 ;;
esac
# Half a scan's rate and less: the far card's driver has an emulated processor, and rings of 256.
by_dpdk=(--method dpdk -i $card --source-ip 192.0.2.1 --gateway 192.0.2.2 --rate 2k --cooldown 2.5 --status off)

scan_by_dpdk() {
  scan_truth "dpdk by $user_space_driver" "DPDK $dpdk_driver" "DPDK $dpdk_driver" $some_targets "${by_dpdk[@]}"
}

# A card that is a process's own. The second scan finds it as the first has left it. Behind an IOMMU ordinary pages do.
case_dpdk() {
  [ -e "$ECHOSCAN_BUILD/libechoscan_dpdk.so" ] || not_here "the module is not built"
  echo 3 >/proc/sys/vm/drop_caches
  echo 64 >/proc/sys/vm/nr_hugepages
  hand_over
  for _ in 1 2; do scan_by_dpdk; done
  expect_equal "huge pages that are free" "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" 64
  [ "$VM_IOMMU" = on ] || return 0
  echo 0 >/proc/sys/vm/nr_hugepages
  scan_by_dpdk
  expect_text "$work/log" "DPDK runs on ordinary pages"
}

# The cable is pulled for 1 s in the middle, which run.sh does: the scan waits, goes on, and finds everybody. The card says
# so itself, since no kernel is between.
case_dpdk_link() {
  [ -e "$ECHOSCAN_BUILD/libechoscan_dpdk.so" ] || not_here "the module is not built"
  local before
  echo 3 >/proc/sys/vm/drop_caches
  echo 64 >/proc/sys/vm/nr_hugepages
  hand_over
  before=$(arrived_so_far)
  start_case_scan "${by_dpdk[@]}" $some_targets
  echo "@link off"
  sleep 1
  echo "@link on"
  expect_status 0 wait $pid
  expect_text "$work/log" "the link of $card is down"
  expect_text "$work/log" "the link of $card is up again"
  sent=$(summary '.ledger.sent + .ledger.sent_again')
  echo "sent $sent, of these again $(summary .ledger.sent_again), arrived $(($(arrived_so_far) - before))"
  expect_equal "in doubt" "$(summary .ledger.in_doubt)" 0
  # What goes again may arrive twice, and what met the dead link does not arrive: the truth is what counts.
  found_without_jq >"$work/found"
  lab truth $some_targets | sort | cmp -s - "$work/found" || fail "found $(wc -l <"$work/found")"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
}

# What the doctor finds by trying is what a scan then gets.
case_doctor() {
  near "$echoscan" doctor -i lab0 | sed 's/^/  /'
  near "$echoscan" doctor -i lab0 --json >"$work/doctor" || fail "the doctor ended with $?"
  expect_equal "what the doctor found" \
    "$(jq -c '[.xdp_native.works, .af_xdp_zero_copy.works, .af_xdp_copy.works, .xdp_live.works, .gateway_mac]' "$work/doctor")" \
    "[$(is_equal "$best_receiver" "XDP native"),$(is_equal "$best_sender" "AF_XDP zero-copy"),true,$(is_equal "$live_refusal" ""),\"02:00:00:00:00:0b\"]"
  near "$echoscan" doctor -i lab0 --json --read-only >"$work/doctor" || fail "the doctor ended with $?"
  expect_equal "tried though told not to" "$(jq -c .xdp_native.works "$work/doctor")" null
  [ "$best_receiver" = "XDP native" ] || return 0
  near ip link set lab0 mtu 9000 2>/dev/null || return 0
  await_link
  near "$echoscan" doctor -i lab0 >"$work/doctor" || fail "the doctor ended with $?"
  expect_text "$work/doctor" "fix: ip link set lab0 mtu 3498"
}

# The kinds of interface stand on a lab of their own, of veths, so that one card per kernel does. A module that is there
# already (of a case that ran before, or of the cards') is fine.
load_kinds() {
  local module
  [ "$VM_NIC" = virtio ] || not_here "the cards have no part in it: it runs beside virtio"
  while read -r module; do
    [ -d "/sys/module/$(basename "${module//-/_}" .ko)" ] || insmod "/modules/$module"
  done </modules/kinds
}

# All of them are there.
case_networks() {
  load_kinds
  ECHOSCAN_LAB=vm "$root/tests/end_to_end/scan_networks_test.sh" all
}

case_bond_failover() {
  load_kinds
  ECHOSCAN_LAB=vm "$root/tests/end_to_end/scan_networks_test.sh" failover
}

await_link() {
  local tenths
  for ((tenths = 0; tenths < 300; ++tenths)); do
    [ "$(near cat /sys/class/net/lab0/carrier)" != 1 ] || return 0
    sleep 0.1
  done
  fail "the link does not come back"
}

# The lab as it was: whatever a case set or left behind is undone.
restore() {
  [ -n "$(near ls -d /sys/class/net/lab0 2>/dev/null)" ] || give_back
  echo 0 >/proc/sys/vm/nr_hugepages
  near ip link set lab0 xdp off
  near ip link set lab0 mtu 1500
  near ip link set lab0 up
  near ip route replace default via 192.0.2.2
  await_link
}

# Whatever a case started goes with it.
end_jobs() {
  local job
  for job in $(jobs -p); do kill -KILL "$job" || [ $? = 1 ]; done
}

lab up --nics "$VM_NICS"
for name in "$@"; do
  [ "$(type -t "case_$name")" = function ] || fail "there is no case '$name'"
  echo "== $VM_KERNEL $VM_NIC: $name"
  began=$SECONDS
  rm -f "$work"/*
  # By itself and not behind `||`, where bash would let a failed command pass.
  set +e
  (
    set -e
    trap end_jobs EXIT
    "case_$name"
  )
  status=$?
  set -e
  echo "@case $name $status $((SECONDS - began))"
  restore
done
