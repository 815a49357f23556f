#!/usr/bin/env bash
# A scan's bundle: whole after its end, a signal and --max-runtime, by the tools of others and by `echoscan verify`; each
# file that is changed, missing or added is named; a scan that is refused leaves nothing, one that loses results leaves
# the provisional folder; no key and, with --publish slash24, no address is in any file.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

cd "$work"
printf '10.0.0.0/17 left hand\n10.0.128.0/17 right\n10.1.0.0/20\n' >list
printf '10.0.3.0/24\n10.0.9.9\n' >optout
count=$((65536 + 4096 - 257))
lab up --queues 2
statements=(--contact "Ada Lovelace <ada@example.org>" --vantage "a lab, in no network" --ethics "our own hosts")

bundle() { # OPTION...
  rm -rf bag
  near "$echoscan" scan --allow-reserved --cooldown 0.5 --bundle bag "$@" >out 2>log
}
info() { sed -n "s/^$1: //p" bag/bag-info.txt; }
expect_whole() { # RESULTS
  [ ! -e bag.part ] || fail "bag.part is left: $(find bag.part)"
  (cd bag && sha256sum --quiet -c manifest-sha256.txt && sha256sum --quiet -c tagmanifest-sha256.txt) >shown 2>&1 ||
    fail "sha256sum says: $(cat shown)"
  # The report is made of results that are JSON lines, before these become a table.
  local count=8 page="./data/report.html "
  case $1 in
    results.csv.zst | results.txt.zst)
      count=7
      page=
      ;;
  esac
  expect_equal "files of the bundle" "$(cd bag && find . -type f | sort | paste -sd' ')" \
    "./bag-info.txt ./bagit.txt ./data/doctor.json ./data/log.txt ./data/options.json $page./data/$1 ./data/summary.json ./data/targets.txt ./data/version.txt ./manifest-sha256.txt ./tagmanifest-sha256.txt"
  "$echoscan" verify bag >verified 2>&1 || fail "verify ended with $?: $(cat verified)"
  "$echoscan" verify --format json bag | jq -e '.whole and .files == '$count' and .findings == []' >/dev/null || fail "verify --format json"
  expect_equal "adds_up" "$(jq .ledger.adds_up bag/data/summary.json)" true
  expect_equal "Payload-Oxum" "$(info Payload-Oxum)" "$(cd bag/data && cat ./* | wc -c).$count"
  expect_equal "version" "$(cat bag/data/version.txt)" "$("$echoscan" --version | head -1)"
}
# --- Finished.
bundle --seed 11 --rate 100k "${statements[@]}" --exclude-file optout -t list || fail "the scan ended with $?"
expect_whole results.jsonl.zst
expect_equal "standard output" "$(wc -c <out)" 0
zstd -qdc bag/data/results.jsonl.zst >results
expect_equal "results" "$(wc -l <results)" "$(jq .ledger.replied bag/data/summary.json)"
lab truth 10.0.0.0/16 10.1.0.0/20 | grep -vE '^10\.0\.(3\.|9\.9$)' | sort >truth
jq -r .target results | sort | cmp -s - truth || fail "the results are not the truth"
digest=$(jq -r .targets.digest bag/data/summary.json)
expect_text <("$echoscan" targets --allow-reserved -t bag/data/targets.txt) "$digest"
"$echoscan" targets --allow-reserved --list --format json -t bag/data/targets.txt 2>/dev/null | jq -c .labels >labels
expect_equal "labels" "$(cat labels)" \
  '[{"label":"right","count":32768},{"label":"left hand","count":32511},{"label":null,"count":4096}]'
expect_equal "Contact" "$(info Contact)" "Ada Lovelace <ada@example.org>"
expect_equal "Vantage" "$(info Vantage)" "a lab, in no network"
expect_equal "Ethics" "$(info Ethics)" "our own hosts"
expect_equal "Seed" "$(info Seed)" 11
expect_equal "Scan-Outcome" "$(info Scan-Outcome)" finished
expect_equal "Coverage" "$(info Coverage)" "69,375 asked of 69,375 targets that have a way"
expect_equal "Targets-Digest" "$(info Targets-Digest)" "$digest"
expect_equal "Exclusions-Digest" "$(info Exclusions-Digest)" \
  "$("$echoscan" targets --allow-reserved -t optout | sed -n 's/^digest *//p')"
expect_equal "Scan-Start" "$(info Scan-Start)" "$(jq -r .started bag/data/summary.json)"
expect_equal "Scan-End" "$(info Scan-End)" "$(jq -r .ended bag/data/summary.json)"
expect_equal "type and seed of the options" "$(jq -c '[.type, .seed, .options.rate, .options.seed]' bag/data/options.json)" \
  '["options",11,100000,11]'
expect_equal "command line" "$(jq -c '.command_line[:6]' bag/data/options.json)" \
  '["echoscan","scan","--allow-reserved","--cooldown","0.5","--bundle"]'
expect_equal "doctor" "$(jq -r '"\(.type) \(.source) \(.af_xdp_copy.reason)"' bag/data/doctor.json)" "doctor 192.0.2.1 a scan tries it itself"
# What it said before the bundle was open, what it said at the end, and what standard error did not want.
expect_text bag/data/log.txt "sending by"
expect_text bag/data/log.txt "confined: no capabilities, files only in '$work/bag.part', system calls filtered"
expect_text bag/data/log.txt "$(grep '^  sent ' log)"
bundle -q --rate 100k "${statements[@]}" 10.0.0.0/22 2>log || fail "the scan ended with $?"
expect_equal "said with -q" "$(wc -c <log)" 0
expect_text bag/data/log.txt " info: sending by"

# The report of the bundle is the one that is made of it.
bundle --seed 11 --rate 100k "${statements[@]}" -t list || fail "the scan ended with $?"
"$echoscan" report -q bag -o page.html || fail "report ended with $?"
cmp page.html bag/data/report.html || fail "the bundle's report is another"
expect_text page.html "<tr><th>Contact</th><td>Ada Lovelace &lt;ada@example.org&gt;</td></tr>"
refused_report() { # SENTENCE OPTION...
  expect_status 2 "$echoscan" report "${@:2}" 2>shown
  expect_text shown "$1"
}
refused_report "a bundle has its own summary and list" bag --summary bag/data/summary.json
refused_report "a bundle has its own summary and list" bag -t list
mkdir nobundle
refused_report "'nobundle' has no data/results.jsonl.zst" nobundle

# Statements that are missing are missed; an empty folder is taken; the order is that of the bundle.
mkdir taken
near "$echoscan" scan --allow-reserved --cooldown 0.5 --bundle taken/ --format csv -t bag/data/targets.txt >out 2>log || fail "ended with $?"
expect_text log "the bundle has no --contact, --vantage, --ethics: a reviewer will miss it"
rm -rf bag && mv taken bag
expect_whole results.csv.zst
bundle --format ip --rate 100k 10.0.0.0/24 || fail "ended with $?"
expect_whole results.txt.zst
zstd -qdc bag/data/results.txt.zst | sort | cmp -s - <(lab truth 10.0.0.0/24 | sort) || fail "addresses are not the truth"

# Nobody has replied: every form has a file, and it is whole.
comm -13 <(lab truth 10.0.0.0/24 | sort) <(seq -f 10.0.0.%g 0 255 | sort) | sed -n 1,5p >silent
for form in jsonl csv ip; do
  bundle --format $form --rate 1k -t silent || fail "ended with $?"
  expect_equal "replied" "$(jq .ledger.replied bag/data/summary.json)" 0
  "$echoscan" verify bag >verified 2>&1 || fail "of silence verify says: $(cat verified)"
done
bundle --publish slash24 --rate 1k -t silent || fail "ended with $?"
expect_whole results-slash24.csv

# --- Stopped at a moment that nobody chose, by a signal, by the clock, and by results.
for signal in INT TERM; do
  rm -rf bag
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --cooldown 0.5 --rate 8k --bundle bag -t list 2>log &
  scan=$!
  until [ -s bag.part/data/results.jsonl.zst.part ]; do
    kill -0 $scan || fail "the scan has ended"
    nap 0.05
  done
  sleep "0.$((RANDOM % 900 + 100))"
  kill -$signal $scan
  wait $scan && fail "the scan was not stopped in time"
  expect_whole results.jsonl.zst
  expect_equal "outcome" "$(info Scan-Outcome)" "$(jq -r .outcome bag/data/summary.json)"
  grep -qE '^Scan-Outcome: (interrupted|terminated)$' bag/bag-info.txt || fail "outcome: $(info Scan-Outcome)"
  asked=$(jq .response.probed bag/data/summary.json)
  [ "$asked" -gt 0 ] && [ "$asked" -lt $count ] || fail "$asked were asked"
done
bundle --rate 10k --max-runtime 1 -t list || fail "ended with $?"
expect_whole results.jsonl.zst
expect_equal "outcome" "$(info Scan-Outcome)" "stopped at --max-runtime"
bundle --rate 10k --max-results 100 -t list || fail "ended with $?"
expect_whole results.jsonl.zst

# --- No key: those of a running scan are where its XDP program has them.
rm -rf bag
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --cooldown 3 --rate 20k --bundle bag -v --method af_xdp 10.0.0.0/18 2>log &
scan=$!
until [ -s bag.part/data/results.jsonl.zst.part ]; do
  kill -0 $scan || fail "the scan has ended"
  nap 0.05
done
map=$(cat /proc/$scan/fdinfo/* | sed -n 's/^map_id:[[:space:]]*//p' | sort -u | while read -r id; do
  bpftool -j map show id "$id" | jq -r 'select((.name // "") | startswith("reply_fi.rodata")) | .id'
done)
[ -n "$map" ] || fail "the reply filter has no constants"
bpftool -j map dump id "$map" >constants
wait $scan || fail "ended with $?"
expect_whole results.jsonl.zst
python3 - constants bag log <<'PY' || fail "a key is in the bundle"
import json, pathlib, sys
value = json.load(open(sys.argv[1]))[0]["value"]
raw = bytes(int(byte, 16) for byte in value)
pieces = {raw[i:i + 8] for i in range(0, len(raw) - 7, 8)}
pieces = {piece for piece in pieces if len(set(piece)) > 4}
assert len(pieces) >= 4, "the constants have no keys: %r" % raw
texts = [p.read_bytes() for p in pathlib.Path(sys.argv[2]).rglob("*") if p.is_file()]
texts.append(open(sys.argv[3], "rb").read())
for piece in pieces:
    number = int.from_bytes(piece, "little")
    for form in (piece, piece.hex().encode(), ("%016x" % number).encode(), str(number).encode()):
        assert not any(form in text for text in texts), form
PY

# --- Verify names what is wrong, and says so by its exit status.
expect_wrong() { # LINE COMMAND...
  local line=$1
  shift
  rm -rf copy
  cp -a bag copy
  (cd copy && "$@")
  expect_status 6 "$echoscan" verify copy >verified 2>&1
  expect_text verified "$line"
}
flip() { # FILE PLACE
  python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); b = f.read(1); f.seek(int(sys.argv[2])); f.write(bytes([b[0] ^ 1]))' "$@"
}
add() { echo more >>"$1"; }
expect_wrong "changed: data/results.jsonl.zst: is not what manifest-sha256.txt says" flip data/results.jsonl.zst 1000
expect_wrong "changed: data/log.txt" flip data/log.txt 3
expect_wrong "changed: bag-info.txt" flip bag-info.txt 30
expect_wrong "missing: data/doctor.json" rm data/doctor.json
expect_wrong "extra: data/more" add data/more
expect_wrong "unlisted: more" add more
expect_wrong "refused: data/link: is a symbolic link" ln -s /etc/passwd data/link
expect_wrong "refused: manifest-sha256.txt: line" sed -i '1s:  data/:  ../:' manifest-sha256.txt
# Made anew, the manifests agree with anything: then the figures do not.
reseal() { (cd data && "$@"); find data -type f | sort | xargs sha256sum >manifest-sha256.txt
  sha256sum bag-info.txt bagit.txt manifest-sha256.txt >tagmanifest-sha256.txt; }
expect_wrong "wrong: data/summary.json: does not add up" reseal sed -i 's/"silent": /"silent": 1/' summary.json
expect_wrong "wrong: data/targets.txt: has the digest" reseal sed -i 's/^10.0.0.0-/10.0.0.1-/' targets.txt
fewer() { zstd -qdc results.jsonl.zst | sed -n 1,100p | zstd -q >new && mv new results.jsonl.zst; }
expect_wrong "wrong: data/results.jsonl.zst: has 100 results, and the summary says" reseal fewer
expect_status 2 "$echoscan" verify "$work/nothing" 2>verified
expect_text verified "'$work/nothing' is no bundle: No such file or directory"
mkdir empty
expect_status 2 "$echoscan" verify empty 2>verified
expect_status 2 "$echoscan" verify 2>verified

# --- Refused: before anything touches the interface, and nothing is left.
refused() { # STATUS TEXT OPTION...
  local status=$1 text=$2
  shift 2
  expect_status "$status" near "$echoscan" scan --allow-reserved --cooldown 0.5 "$@" 10.0.0.0/30 >out 2>log
  expect_text log "$text"
}
mkdir bag2.part full && touch bag2.part/something full/something
refused 4 "bag2.part': it is there and not empty" --bundle bag2
refused 4 "full': it is there and not empty" --bundle full
refused 4 "list': it is there already, and is no folder" --bundle list
refused 4 "nowhere/bag': No such file or directory" --bundle nowhere/bag
refused 2 "--bundle and --output do not go together" --bundle new -o x
refused 2 "--bundle and --summary do not go together" --bundle new --summary x
refused 2 "--bundle and --checkpoint do not go together" --bundle new --checkpoint
refused 2 "--publish slash24 and --fields do not go together" --bundle new --publish slash24 --fields target
refused 2 "'from 192.0.2.1' has an address" --bundle new --publish slash24 --vantage "from 192.0.2.1"
refused 2 "--contact says something in a bundle, and needs --bundle" --contact me
refused 2 "--ethics: 'a" --bundle new --ethics $'a\nSeed: 1'
refused 3 "there is no interface" --bundle new -i none0
# Two at once: the second one leaves the first one's alone.
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --cooldown 2 --bundle new -t list --rate 200k 2>log &
scan=$!
until [ -s new.part/data/options.json ]; do
  kill -0 $scan || fail "the scan has ended"
  nap 0.05
done
refused 4 "another scan is writing it" --bundle new
wait $scan || fail "ended with $?"
expect_status 0 "$echoscan" verify new >verified
rm -rf new
expect_equal "what refused scans have left" "$(ls -d new* 2>/dev/null || :)" ""

# A scan whose results are lost, since the disk is full, leaves what there is, and no bundle.
mkdir small
mount -t tmpfs -o size=200k tmpfs small
expect_status 4 near "$echoscan" scan --allow-reserved --cooldown 0.5 --rate 200k --bundle small/bag 10.0.0.0/15 >out 2>log
expect_text log "echoscan: the bundle is not whole, and what there is of it is in '$work/small/bag.part': results are lost"
expect_equal "what is left" "$(ls small)" bag.part
umount small

# --- Under sudo all of it is whoever has called sudo's.
mkdir home && chown 4242:4343 home
chmod 755 "$work"
SUDO_UID=4242 SUDO_GID=4343 near "$echoscan" scan --allow-reserved --cooldown 0.5 --rate 100k --bundle home/bag 10.0.0.0/20 2>log ||
  fail "the scan under sudo ended with $?"
expect_text log "confined: user 4242, no capabilities, files only in '$work/home/bag.part', system calls filtered"
expect_equal "owners" "$(find home/bag -printf '%U:%G\n' | sort -u)" "4242:4343"
expect_status 0 "$echoscan" verify home/bag >verified

# --- Published by /24: no address, no list of exclusions, and counts that are the truth.
printf '10.0.7.77 one\n10.0.8.0/24\n' >published
echo '{"syncToken":"1","createDate":"x","prefixes":[{"ip_prefix":"10.0.0.0/22","region":"near 10.9.8.7","service":"S"}]}' >cloud
bundle --publish slash24 --rate 20k --emit repeats,errors --probes 2 -v --contact me --exclude-file optout -x 10.0.8.8 -t cloud -t published ||
  fail "ended with $?"
expect_whole results-slash24.csv
# The report says how its map lies, and which network holds all that was asked.
rm -rf copy
cp -a bag copy
sed -i -E 's/(0\.0\.0\.0|255\.255\.255\.255) (is )?at//g; s/"first":"10\.0\.0\.0"//; s#(Hilbert map of |<figcaption>)10\.0\.0\.0/20##' copy/data/report.html
addresses=$(grep -rohaE '([0-9]{1,3}\.){3}[0-9]{1,3}(/[0-9]+)?' copy | grep -vE '^([0-9]{1,3}\.){3}0/24$' || :)
expect_equal "addresses in a published bundle" "$addresses" ""
expect_equal "labels" "$(jq -c '.labels | map(.label)' bag/data/summary.json)" '["near 10.9.8.0/24/S",null,"one"]'
expect_equal "the scanning host" "$(jq -c '[.source, .gateway, .gateway_mac, .ways[].next_hop, .ways[].source]' bag/data/doctor.json)" \
  '["","","",null,null]'
expect_equal "the list of exclusions" "$(grep -rl optout bag | paste -sd' ')" "bag/data/options.json"
expect_equal "digests of exclusions" "$(grep -c Exclusions-Digest bag/bag-info.txt || :)" 0
expect_text bag/data/log.txt "lines with addresses are left out"
expect_text bag/data/targets.txt "# $(jq -r .targets.digest bag/data/summary.json) is the digest of 1024 targets in 4 ranges"
lab truth 10.0.0.0/22 10.0.7.77 10.0.8.0/24 | grep -vE '^10\.0\.(3\.|8\.8$)' | cut -d. -f1-3 | sort | uniq -c |
  awk '{ print $2 ".0/24 " $1 }' >truth
awk -F, '$1 == "slash24" { print $2, $4 }' bag/data/results-slash24.csv | sort | diff - truth >difference ||
  fail "the table is not the truth: $(cat difference)"
expect_equal "how many of a network were asked" "$(grep '^slash24,10.0.8.0/24' bag/data/results-slash24.csv | cut -d, -f7,12)" "255,255"
expect_wrong "wrong: data/results-slash24.csv" reseal sed -i '$d' results-slash24.csv
expect_text bag/data/report.html '"labels":[""]'
# A part of it: the order says whom of each network the scan has asked.
bundle --publish slash24 --rate 20k --max-targets 500 10.0.0.0/20 || fail "ended with $?"
expect_whole results-slash24.csv
expect_equal "asked in all" "$(sed -n 2p bag/data/results-slash24.csv | cut -d, -f7,12)" "500,4096"
