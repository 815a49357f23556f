#!/usr/bin/env bash
# Probes of any size, with any payload, and with the URI of RFC 9511: what the far end sees of them by each method, byte
# for byte, and that all who answer are found, though their replies are as long.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

targets=10.7.0.0/23
count=512
cd "$work"

# Notes of each echo request that arrives: the IPv4 length, whether it may be fragmented, and the data behind the
# probe's own 18 bytes, in hexadecimal.
cat >look.py <<'PYTHON'
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
s.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
s.bind(("lab1", 0x0800))
print("ready", flush=True)
with open("seen", "w", buffering=1) as out:
    while True:
        frame, address = s.recvfrom(2048)
        if address[2] != socket.PACKET_OUTGOING and frame[23] == 1 and frame[34] == 8 and frame[30] == 10:
            length = struct.unpack(">H", frame[16:18])[0]
            out.write(f"{length} {frame[20:22].hex()} {frame[60:14 + length].hex()}\n")
PYTHON
# How many replies the far end has sent by its own count.
replies_sent() {
  far awk '$1 == "Icmp:" && column { print $column }
    $1 == "Icmp:" { for (i = 2; i <= NF; ++i) if ($i == "OutEchoReps") column = i }' /proc/net/snmp
}
# A scan with OPTIONS, of which each probe arrives as a packet of DATA + 28 bytes, with HEX behind the proof. Linux
# answers no more than 58 of the longest at once, what its socket for ICMP has room for: where others have the CPUs the
# far end may pass some over, and the scan is made again.
expect_probes() { # DATA HEX OPTIONS...
  local data=$1 hex=$2 try before
  shift 2
  for try in 1 2 3 4 5 6; do
    before=$(replies_sent)
    listen_at_far_end python3 -B look.py
    scan --cooldown 0.5 "$@" $targets || fail "'$*' ended with $?"
    end_listening $count
    if [ $(($(replies_sent) - before)) = $count ]; then break; fi
    [ $try -lt 6 ] || fail "'$*': the far end has sent $(($(replies_sent) - before)) replies to $count probes"
  done
  expect_truth $targets
  expect_equal "$*: probes at the far end" "$(wc -l <seen)" $count
  expect_equal "$*: kinds of probes" "$(sort -u seen)" "$((data + 28)) 4000 $hex"
  expect_equal "$*: payload_bytes" "$(summary .sending.payload_bytes)" "$data"
}
zeros() { printf '00%.0s' $(seq "$1"); }
hex_of() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }

# Slowly, for the same reason.
lab up --mode kernel
far ip route add 198.51.100.0/24 via 192.0.2.1
# Or it takes no live frames.
far ethtool -K lab1 gro on
expect_probes 18 "" --rate 1k
uri=https://example.net/.well-known/probing.txt
methods=(af_xdp af_packet packet_mmap pcap raw_socket xdp_live)
for method in "${methods[@]}"; do
  for size in 19 777 1472; do
    expect_probes $size "$(zeros $((size - 18)))" --method $method --rate 1k --size $size
  done
  expect_probes 67 "00$(hex_of $uri)00$(hex_of xyzx)" --method $method --rate 1k --size 67 --attribution $uri --payload xyz
done
expect_probes 21 c0ffee --rate 1k --payload 0xc0ffee
expect_probes 1001 "$(hex_of "$(printf 'who asks? %.0s' $(seq 99))" | head -c $((983 * 2)))" --rate 1k --size 1001 --payload "who asks? "
expect_probes 100 "$(zeros 82)" --rate 1k --size 100 --source-ip 198.51.100.0/28
if [ -e "$ECHOSCAN_BUILD/libechoscan_dpdk.so" ]; then
  by_dpdk=(--method dpdk -i net_af_xdp0 --dpdk-args --vdev=net_af_xdp0,iface=lab0 --source-ip 192.0.2.1 --gateway 192.0.2.2)
  expect_probes 1472 "$(zeros 1454)" "${by_dpdk[@]}" --rate 1k --size 1472
  expect_probes 63 "00$(hex_of $uri)00" "${by_dpdk[@]}" --rate 1k --attribution $uri
fi

# A bandwidth counts the whole frame.
scan --cooldown 0.5 -B 8M --size 934 10.7.0.0/24 || fail "-B ended with $?"
expect_equal "rate" "$(summary .sending.rate_asked_pps)" 1000
expect_text log "probes have 934 bytes of data (--size), 1000 on an Ethernet's wire"

# Nothing is sent in fragments: what an interface does not take in one piece is refused.
near ip link set lab0 mtu 600
far ip link set lab1 mtu 600
expect_status 3 scan --size 573 $targets
expect_text log "probes of 573 bytes of data (--size) are packets of 601, and lab0 takes 600 (its MTU), so that --size is 572 at most"
expect_status 3 scan --method raw_socket --size 1472 $targets
expect_probes 572 "$(zeros 554)" --rate 1k --size 572

# In the simulated world, which checks what it gets: everyone who answers is found.
lab down
lab up
for size in 18 200 1472; do
  for method in af_xdp xdp_live af_packet; do
    scan --method $method --rate 50k --size $size --cooldown 1 10.0.0.0/17 || fail "$method with --size $size ended with $?"
    expect_truth 10.0.0.0/17
    expect_equal "$method, $size: replies" "$(summary .receiving.frames.reply)" "$(summary .ledger.replied)"
  done
done
expect_equal "wrong checksums at the far end" "$(lab stats | jq .bad_checksums)" 0

for wrong in 17 1473 x; do
  expect_status 2 scan --dry-run --size $wrong $targets
  expect_text log "--size: '$wrong' is not a whole number from 18 to 1472"
done
for wrong in 0x 0xabc 0xzz; do
  expect_status 2 scan --dry-run --payload $wrong $targets
  expect_text log "--payload: '$wrong' is not a text, or bytes as an even number of hexadecimal digits behind 0x"
done
for wrong in example.net http://example.net "https://example.net/a b"; do
  expect_status 2 scan --dry-run --attribution "$wrong" $targets
  expect_text log "--attribution: '$wrong' is not a URI that begins with https://, mailto: or tel:, without blanks"
done
expect_status 2 scan --dry-run --size 20 --payload abc $targets
expect_text log "are 21 bytes, and there is room for 20"
echo "payload: all as it should be"
