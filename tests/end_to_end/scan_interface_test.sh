#!/usr/bin/env bash
# The interface is removed, or renamed, in the middle of a scan: the scan ends at once, says so, and the ledger stands.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

for method in af_xdp_copy xdp_live af_packet packet_mmap pcap raw_socket; do
  for change in removed renamed; do
    lab up
    start_scan --method $method --rate 20k --cooldown 1 --seed 5 10.0.0.0/14
    if [ $change = removed ]; then
      far ip link delete lab1
    else
      # The kernel renames an interface that is up since Linux 6.2.
      near ip link set lab0 name lab9 || near sh -c "ip link set lab0 down && ip link set lab0 name lab9"
    fi
    expect_status 3 wait $pid
    expect_text "$work/log" "the interface lab0 is gone: it was removed or renamed; stopped after "
    expect_equal "$method, $change: outcome" "$(summary .outcome)" "stopped, interface gone"
    expect_equal "$method, $change: adds_up" "$(summary .ledger.adds_up)" true
    expect_equal "$method, $change: lines" "$(wc -l <"$work/out")" "$(summary .ledger.replied)"
    echo "$method, $change: $(summary .ledger.sent) of $(summary .ledger.probes) sent, $(summary .ledger.silent) silent"
    lab down
  done
done
