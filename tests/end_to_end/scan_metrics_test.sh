#!/usr/bin/env bash
# The metrics of a running scan: pages that Prometheus takes, equal to the summary at the end, whatever others do there.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
cd "$work"
# A scan whose summary nobody reads would outlive a test that has failed.
start() { # OPTION...
  rm -f log
  ip netns exec "$ECHOSCAN_LAB-near" timeout 300 "$echoscan" scan --allow-reserved -o found --status-interval 0.1 "$@" >out 2>log &
  pid=$!
}
# The port that the log names: one that was free.
find_port() {
  port=
  for _ in $(seq 1200); do
    [ ! -s log ] || port=$(sed -n 's/.*metrics: port \([0-9]*\) of .*/\1/p' log)
    [ -z "$port" ] || return 0
    nap 0.05
  done
  fail "there are no metrics"
}

# Meanwhile peers take all that they can have: 100 that say nothing or ask and take nothing, and garbage without an end.
hold='
import socket, sys, time
peers = []
for i in range(100):
    peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    peers.append(peer)
    try:
        if i % 3 == 1: peer.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        if i % 3 == 2: peer.sendall(bytes(range(256)) * 100)
    except OSError:
        pass
print("held", flush=True)
time.sleep(60)
'
mkfifo summary.fifo
exec 5<>summary.fifo
near ip route add blackhole 10.1.3.0/24
for peers in none many; do
  head -c 65536 /dev/zero >&5
  # 10 s, in which the scraper starts even where CPUs are short.
  start --metrics 0 --rate 200 --probes 2 --cooldown 1 --emit errors --summary summary.fifo 10.1.0.0-10.1.3.255
  find_port
  echo nobody >held
  if [ $peers = many ]; then
    : >held
    near python3 -c "$hold" "$port" >>held &
    started+=($!)
  fi
  near python3 -B "$root/tests/lab/scrape.py" "$port" "$root/docs/metrics.md" held page >summary ||
    fail "the metrics are not the summary, with $peers peers"
  expect_status 0 wait $pid
  expect_equal "outcome" "$(summary .outcome)" finished
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  # What the conventions want, by Prometheus's own tool.
  promtool check metrics <page || fail "promtool takes offence"
done

# A port that is in use, or an address of another host, is an error before anything is done to the interface.
near python3 -c 'import socket, time
taken = socket.create_server(("127.0.0.1", 9099))
print("taken", flush=True)
time.sleep(60)' >taken &
started+=($!)
for _ in $(seq 1200); do
  [ ! -s taken ] || break
  nap 0.05
done
for where in 9099 :9099 127.0.0.1:9099; do
  expect_status 3 scan --metrics "$where" 10.1.0.0/24
  expect_text log "--metrics: cannot listen on port 9099 of 127.0.0.1: Address already in use"
done
expect_status 3 scan --metrics 203.0.113.1:9099 10.1.0.0/24
expect_text log "Cannot assign requested address"
expect_equal "results of a refused scan" "$(wc -c <out)" 0
if near ip -d link show lab0 | grep -q xdp; then fail "a refused scan has touched the interface"; fi
for wrong in '' x 65536 -1 1.2.3:1 ::1:9099 '[127.0.0.1]:1' localhost:9099; do
  expect_status 2 scan --metrics "$wrong" 10.1.0.0/24
done
# Without the option nothing listens; by IPv6 as well.
start --rate 2k --cooldown 0.5 10.1.0.0/23
sleep 0.5
expect_equal "sockets that listen" "$(near ss -Htln | grep -vc ':9099 ' || [ $? = 1 ])" 0
expect_status 0 wait $pid
near sysctl -qw net.ipv6.conf.lo.disable_ipv6=0
start --metrics '[::1]:0' --rate 2k --cooldown 10 10.1.0.0/23
find_port
near python3 -c 'import sys, urllib.request
print(urllib.request.urlopen(f"http://[::1]:{sys.argv[1]}/healthz").read().decode())' "$port" >health
expect_text health ok
expect_status 0 wait $pid
