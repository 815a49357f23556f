#!/usr/bin/env bash
# A pool of sources: the far end gets each probe once, from the address that a second implementation of the choice says,
# by each method, in all passes, shards and legs; replies and errors count where they come to that address alone.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

targets=10.7.0.0/20
count=4096
# With a hole: what comes there is for somebody else.
pool=198.51.100.0/28,198.51.100.40,198.51.100.64-198.51.100.70
cd "$work"

# What arrives at the far end, and who is to have sent it. `look` notes the source and target of each echo request;
# `play` answers them as a class of hosts by the target's number; `expect` prints what `look` should have noted.
cat >pool.py <<'PYTHON'
import ipaddress, socket, struct, sys

def siphash(k0, k1, message):
    mask = (1 << 64) - 1
    v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573]
    rotate = lambda x, bits: (x << bits | x >> (64 - bits)) & mask
    def rounds(n):
        for _ in range(n):
            v[0] = (v[0] + v[1]) & mask; v[1] = rotate(v[1], 13) ^ v[0]; v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & mask; v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask; v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask; v[1] = rotate(v[1], 17) ^ v[2]; v[2] = rotate(v[2], 32)
    message += bytes(-(len(message) + 1) % 8) + bytes([len(message)])
    for (word,) in struct.iter_unpack("<Q", message):
        v[3] ^= word; rounds(2); v[0] ^= word
    v[2] ^= 0xff
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]

def addresses(text):
    found = set()
    for part in text.split(","):
        if "-" in part:
            first, last = (int(ipaddress.ip_address(end)) for end in part.split("-"))
        else:
            network = ipaddress.ip_network(part)
            first, last = int(network[0]), int(network[-1])
        found.update(range(first, last + 1))
    return sorted(found)

def source_of(pool, seed, target):
    hash32 = siphash(seed, int.from_bytes(b"source", "little"), target.to_bytes(4, "big")) & 0xffffffff
    return pool[hash32 * len(pool) >> 32]

def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack(">H", ~total & 0xffff)

def packet(request, source, destination, icmp):
    icmp = icmp[:2] + checksum(icmp[:2] + b"\0\0" + icmp[4:]) + icmp[4:]
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1, 0, source, destination)
    return request[6:12] + request[:6] + b"\x08\0" + head[:10] + checksum(head) + head[12:] + icmp

def listen():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    s.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
    s.bind(("lab1", 0x0800))
    print("ready", flush=True)
    while True:
        frame, address = s.recvfrom(2048)
        if address[2] != socket.PACKET_OUTGOING and frame[23] == 1 and frame[34] == 8 and frame[30] == 10:
            yield s, frame

def play(pool):
    for s, frame in listen():
        source, target, icmp = frame[26:30], frame[30:34], frame[34:60]
        others = [other.to_bytes(4, "big") for other in pool if other.to_bytes(4, "big") != source]
        other = others[target[3] % len(others)]
        quote = lambda quoted: b"\x03\x01\0\0\0\0\0\0" + frame[14:26] + quoted + frame[30:42]
        kind = target[3] % 8
        if kind == 0: s.send(packet(frame, target, source, b"\0" + icmp[1:]))
        if kind == 1: s.send(packet(frame, target, other, b"\0" + icmp[1:]))
        if kind == 2: s.send(packet(frame, b"\xc0\0\x02\x02", source, quote(source)))
        if kind == 3: s.send(packet(frame, b"\xc0\0\x02\x02", other, quote(other)))
        if kind == 4: s.send(packet(frame, b"\xc0\0\x02\x02", other, quote(source)))
        if kind == 5: s.send(packet(frame, target, b"\xcb\0\x71\x05", b"\0" + icmp[1:]))
        if kind == 6: s.send(packet(frame, b"\x0a\xff\0\1", source, b"\0" + icmp[1:]))

command = sys.argv[1]
if command == "look":
    with open(sys.argv[2], "w", buffering=1) as out:
        for _, frame in listen():
            out.write(f"{ipaddress.ip_address(frame[26:30])} {ipaddress.ip_address(frame[30:34])}\n")
if command == "play":
    play(addresses(sys.argv[2]))
if command == "expect":
    for number in addresses(sys.argv[4]):
        source = source_of(addresses(sys.argv[2]), int(sys.argv[3]), number)
        print(ipaddress.ip_address(source), ipaddress.ip_address(number))
PYTHON

raise_lab() {
  lab down
  lab up --mode kernel
  far ip route add 198.51.100.0/24 via 192.0.2.1
}
# The file `seen` has each target so often, and from its source each time.
expect_seen() { # TIMES
  python3 -B pool.py expect $pool 42 $targets | sort >expected
  expect_equal "probes at the far end" "$(wc -l <seen)" $((count * $1))
  sort seen | uniq -c | awk '{print $2, $3 > "seen_once"; if ($1 != '"$1"') exit 1}' ||
    fail "a target was not probed $1 times from one source: $(sort seen | uniq -c | awk '$1 != '"$1" | head -3)"
  cmp -s expected seen_once || fail "other sources: $(diff expected seen_once | head -4)"
}
probe() { scan --seed 42 --rate 5k --cooldown ${cooldown:-0.5} --source-ip $pool "$@" $targets; }

raise_lab
for method in auto af_xdp af_packet packet_mmap pcap raw_socket; do
  listen_at_far_end python3 -B pool.py look seen
  probe --method $method || fail "$method ended with $?"
  end_listening $count
  expect_seen 1
  expect_truth $targets
  expect_equal "source" "$(summary '"\(.sending.source) \(.sending.source_addresses)"')" \
    "198.51.100.0/28,198.51.100.40,198.51.100.64-198.51.100.70 24"
  expect_text log "from 24 addresses, 198.51.100.0 to 198.51.100.70, on lab0"
  expect_text log "24 of its 24 addresses are not this host's, 198.51.100.0 for one: somebody else must answer ARP"
done

if [ -e "$ECHOSCAN_BUILD/libechoscan_dpdk.so" ]; then
  listen_at_far_end python3 -B pool.py look seen
  probe --method dpdk -i net_af_xdp0 --dpdk-args --vdev=net_af_xdp0,iface=lab0 --gateway 192.0.2.2 || fail "dpdk ended with $?"
  end_listening $count
  expect_seen 1
  expect_truth $targets
fi

# The in-kernel sender has one source: by name it is refused, and auto goes on to the next best, and says why.
expect_status 3 probe --method xdp_live
expect_text log "cannot send by xdp_live on lab0 (its program in the kernel knows one source, and --source-ip names several)"
scan --seed 42 --rate max --cooldown 0.5 --source-ip $pool 10.7.0.0/24 || fail "auto ended with $?"
expect_text log "no live frames on lab0 (its program in the kernel knows one source, and --source-ip names several)"
expect_equal "auto's method" "$(summary '.sending.queues[0].mode')" "AF_XDP copy"

# All passes, both shards, and both legs of an ended scan ask a target from the same source.
listen_at_far_end python3 -B pool.py look seen
probe --probes 2 || fail "two passes ended with $?"
end_listening $((2 * count))
expect_seen 2
listen_at_far_end python3 -B pool.py look seen
for shard in 0/2 1/2; do probe --shard $shard || fail "shard $shard ended with $?"; done
end_listening $count
expect_seen 1
listen_at_far_end python3 -B pool.py look seen
probe -o legs.jsonl --max-runtime 0.3 || fail "the first leg ended with $?"
[ -e legs.jsonl.scan ] || fail "an ended scan leaves no checkpoint"
for other in 198.51.100.0/28 198.51.100.1 198.51.100.0/27; do
  expect_status 2 near "$echoscan" scan --resume legs.jsonl --source-ip $other 2>log
  expect_text log "--resume: the scan was begun from 24 sources, 198.51.100.0 to 198.51.100.70, and --source-ip names"
done
near "$echoscan" scan --resume legs.jsonl --source-ip $pool --max-runtime 60 --summary "$work/summary" 2>log ||
  fail "--resume ended with $?"
end_listening $count
# Some may be asked by both legs: from the same source.
sort -u seen >seen_once
cmp -s expected seen_once || fail "other sources: $(diff expected seen_once | head -4)"
mv legs.jsonl out
expect_truth $targets
scan --seed 42 --rate 5k --cooldown 0.1 --max-runtime 0.1 --source-ip 192.0.2.1 -o one.jsonl $targets || fail "ended with $?"
expect_status 2 near "$echoscan" scan --resume one.jsonl --source-ip $pool 2>log
expect_text log "was begun from one source, and --source-ip names 24 sources"

# Odd hosts: replies and errors that come to another source of the pool than the target's count as what they are.
far sysctl -qw net.ipv4.icmp_echo_ignore_all=1
for method in af_xdp af_packet raw_socket; do
  listen_at_far_end python3 -B pool.py play $pool
  cooldown=3 probe --method $method --emit errors || fail "$method among odd hosts ended with $?"
  end_listening
  python3 -B pool.py expect 198.51.100.1 0 $targets | cut -d' ' -f2 | awk -F. '
    $4 % 8 == 0 || $4 % 8 == 6 {print "reply", $0} $4 % 8 == 2 {print "error", $0}' | sort >truth
  jq -r '"\(.type) \(.target)"' out | sort >kinds
  cmp -s truth kinds || fail "$method: $(diff truth kinds | head -5)"
  for expected in reply=512 reply_off_target=512 error=512 wrong_target=512 error_unproved=1024 not_to_us=512; do
    expect_equal "$method: frames.${expected%=*}" "$(summary ".receiving.frames.${expected%=*}")" "${expected#*=}"
  done
  expect_equal "$method: silent" "$(summary .ledger.silent)" $((count * 5 / 8))
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
done

# Sources of this host's own, of which one is lost for a while.
raise_lab
for i in 1 2 3 4; do near ip address add 198.51.100.$i/32 dev lab0; done
start_scan --rate 4k --cooldown 1 --source-ip 198.51.100.1-5 10.7.0.0/18
near ip address delete 198.51.100.3/32 dev lab0
sleep 0.5
near ip address add 198.51.100.3/32 dev lab0
wait $pid || fail "with a source that was lost the scan ended with $?"
expect_text log "1 of its 5 addresses are not this host's, 198.51.100.5 for one"
expect_text log "this host has the source address 198.51.100.3 no more"
expect_truth 10.7.0.0/18

# All have to take the same ways; those of others are asked for without a source, as the kernel has it.
near ip rule add from 198.51.100.2 lookup 77
near ip route add blackhole default table 77
expect_status 3 probe --source-ip 198.51.100.1-4
expect_text log "198.51.100.2 takes others than 198.51.100.1: lab0 via 192.0.2.2 from 198.51.100.1: 4,096 targets / blackhole: 4,096 targets"
probe --source-ip 198.51.100.3,198.51.100.4,198.51.100.5 || fail "sources of one way ended with $?"
expect_truth $targets

# More of this host's own than are watched: that is said.
near ip rule delete from 198.51.100.2 lookup 77
near ip route add local 198.51.100.128/25 dev lo
probe --source-ip 198.51.100.128/25 || fail "128 own sources ended with $?"
expect_text log "64 of this host's 128 sources are watched: should another one be taken away, targets that are asked from it"
expect_truth $targets

for wrong in "192.0.2.1," "192.0.2.1/24" "192.0.2.9-192.0.2.1" 10.0.0.0/15 224.0.0.1 0.0.0.0/8 eth0; do
  expect_status 2 scan --dry-run --source-ip "$wrong" $targets
  expect_text log "--source-ip: '$wrong' is not an IPv4 address, a range, a block, or a list of these: "
done
echo "sources: all as they should be"
