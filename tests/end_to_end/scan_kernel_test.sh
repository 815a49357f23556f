#!/usr/bin/env bash
# A real stack answers: a /20 against Linux itself finds all 4,096 addresses by every method, and fping,
# which nobody here wrote, finds the same.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

targets=10.77.16.0/20
lab up --mode kernel
for method in af_xdp af_packet packet_mmap pcap raw_socket; do
  scan --method $method --rate 20k --cooldown 1 "$targets" || fail "the scan ended with $?"
  expect_truth "$targets"
  expect_equal "found" "$(wc -l <"$work/out")" 4096
  expect_equal "TTLs" "$(jq .ttl "$work/out" | sort -u)" 64
done

near fping -q -a -i 1 -r 1 -g 10.77.16.0 10.77.31.255 >"$work/fping" 2>"$work/log" ||
  fail "fping ended with $?"
sort "$work/fping" | cmp -s - <(found | sort) || fail "fping found $(wc -l <"$work/fping")"
