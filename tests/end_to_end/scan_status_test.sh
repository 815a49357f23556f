#!/usr/bin/env bash
# How a running scan says how it is doing: on a terminal, in a file, in the journal.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
cd "$work"
targets=10.1.0.0/20
on_terminal() { # OPTION OF terminal.py... -- OPTION OF scan...
  local terminal=()
  while [ "$1" != -- ]; do
    terminal+=("$1")
    shift
  done
  shift
  near python3 -B "$root/tests/lab/terminal.py" "${terminal[@]}" "$echoscan" scan --allow-reserved --rate 2k --cooldown 0.3 \
    --summary summary "$@" >seen || fail "the scan on a terminal ended with $?"
  cp seen log
  expect_equal "exit status" "$(jq .status seen)" 0
}
seen() { jq -e "$1" seen >/dev/null || fail "not so on the terminal: $1"; }

# A line with a bar, drawn anew below the messages, in whatever width; nothing of it is left at the end, and what else
# there is to say is whole.
for columns in 20 60 150; do
  TERM=xterm NO_COLOR='' on_terminal --columns $columns -- -v -o found $targets
  seen ".drawn | length >= 2 and all(length < $columns)"
  seen '.drawn | all(test("[0-9.]+ %"))'
  [ $columns -lt 100 ] || seen '.drawn | all(test("^\\[[=> ]+\\] [0-9.]+ %  (ETA ([0-9]+ s|[0-9]+ min [0-9]+ s)|cooldown)  sent [0-9,]+  [0-9.]+ k?M? ?pps  alive [0-9,]+  hit [0-9.]+ %"))'
  seen '.coloured'
  seen '.lines | all(test("^([0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} (info|debug|warning): |$|outcome|[a-z]| |  ).*"))'
  seen '.lines[-1] == "" and (.lines | all(test("\\] [0-9.]+ %  ") | not))'
  expect_equal "results" "$(jq -r .target found | sort -u | wc -l)" "$(jq .ledger.replied summary)"
done
# The window changes: the next line fits.
TERM=xterm NO_COLOR=1 on_terminal --columns 150 --then 40 -- -o found --rate 1k $targets
seen '(.drawn | first | length > 40) and (.drawn | last | length < 40)'
seen '.coloured | not'
# Nothing is drawn where results appear, or on what only prints; the summary comes there as well.
TERM=xterm on_terminal --both -- --rate 10k $targets
seen '.drawn == []'
TERM=dumb on_terminal -- -o found --rate 10k $targets
seen '.drawn == [] and (.coloured | not) and (.lines | any(test("replied")))'
# Somebody asks: a line that stays.
rm -f found
near env TERM=xterm python3 -B "$root/tests/lab/terminal.py" bash -c \
  "(until [ -s found.part ]; do sleep 0.1; done; kill -USR1 \$\$) & exec '$echoscan' scan --allow-reserved --rate 2k --cooldown 1 -o found $targets" >seen
cp seen log
seen '[.lines[] | select(test("^[0-9:.]+ info: [0-9]+ s, [0-9.]+ %, .* left; sent [0-9,]+ \\("))] | length == 1'

dated='
import datetime, re, sys
dated = 0
for line in sys.stdin:
    match = re.match(r"(\S+) (info|debug|warning): ", line)
    if match:
        moment = datetime.datetime.fromisoformat(match[1])
        assert moment.tzinfo and abs((datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()) < 600, line
        dated += 1
    assert chr(27) not in line and chr(13) not in line, line
assert dated > 3
'
# In a file: date and zone in front of each line of the log, which an RFC 3339 reader takes; in another zone as well.
for zone in UTC Asia/Kathmandu; do
  TZ=$zone scan --rate 10k --cooldown 0.5 -v $targets || fail "ended with $?"
  python3 -c "$dated" <"$work/log" || fail "a line of the log has no date"
done
# In the journal: a priority in front of every line, and no date.
near python3 -B "$root/tests/lab/terminal.py" --journal "$echoscan" scan --allow-reserved --rate 10k --cooldown 0.5 -v \
  -o found $targets >seen
cp seen log
seen '.lines[:-1] | length > 5 and all(test("^<[467]>")) and any(test("^<7>")) and all(test("^<.>[0-9T-]*[0-9]{2}:") | not)'
near python3 -B "$root/tests/lab/terminal.py" --journal "$echoscan" scan --rate none $targets >seen
seen '.status == 2 and (.lines[0] | test("^<3>echoscan: --rate"))'

# As JSON, in lines and in a file: each parses, totals and time only grow, the last of both is the summary. Two ways.
check='
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
summary = json.load(open(sys.argv[2]))
assert len(lines) >= 2, len(lines)
assert [line["ended"] for line in lines] == [False] * (len(lines) - 1) + [True]
for one, two in zip(lines, lines[1:]):
    for key in ("time", "elapsed_s", "sent", "replied", "lines", "cooldown", "messages_dropped"):
        assert one[key] <= two[key], (key, one, two)
    assert one["probes"] == two["probes"] == summary["ledger"]["probes"] - summary["ledger"]["without_way"]
    for way, later in zip(one["ways"], two["ways"]):
        assert way["sent"] <= later["sent"] and way["replied"] <= later["replied"], (one, two)
file = json.load(open(sys.argv[3]))
for last in (lines[-1], file):
    ledger = summary["ledger"]
    assert last["sent"] == ledger["sent"] + ledger["sent_again"] and last["sent_again"] == ledger["sent_again"]
    assert last["replied"] == ledger["replied"] and last["errored"] == ledger["errored"]
    assert last["lines"] == summary["output"]["lines"] and last["ended"] and last["cooldown"]
    assert last["percent"] == 100 and last["left_s"] == 0
    assert len(last["ways"]) == int(sys.argv[4]), last
    for way, there in zip(last["ways"], summary["ways"]):
        for key in way:
            assert way[key] == there[key], (way, there)
'
near ip route add blackhole 10.1.8.0/24
for ways in 1 2; do
  [ $ways = 1 ] && list=10.1.0.0/22 || list=10.1.6.0-10.1.9.255
  scan --rate 2k --cooldown 0.5 --emit errors --status json --status-file status --status-interval 0.2 -o found $list ||
    fail "ended with $?"
  python3 -c "$check" log summary status $ways || fail "the status is not the summary, with $ways ways"
done
expect_equal "files beside it" "$(find . -name 'status*' | sort)" ./status
# Stopped: the last says so, too.
start_scan --rate 20k --cooldown 0.3 --status json --status-file status --status-interval 0.1 10.0.0.0/12
kill -INT $pid
expect_status 130 wait $pid
expect_equal "sent, when stopped" "$(jq .sent status)" "$(summary '.ledger.sent + .ledger.sent_again')"
expect_equal "whether it has ended" "$(jq .ended status)" true
# What cannot be written decides nothing and is said once: no folder, a full disk.
scan --rate 2k --cooldown 0.3 --status-interval 0.1 --status-file nowhere/status 10.1.0.0/23 || fail "ended with $?"
expect_equal "warnings" "$(grep -c 'warning: --status-file' log)" 1
mkdir full
near bash -c "mount -t tmpfs -o size=4k none full && head -c 4096 /dev/zero >full/all && exec '$echoscan' scan \
  --allow-reserved --rate 2k --cooldown 0.3 --status-interval 0.1 --status-file full/status 10.1.0.0/23" >out 2>log ||
  fail "with a full disk the scan ended with $?"
expect_equal "warnings on a full disk" "$(grep -c 'warning: --status-file.*No space left' log)" 1
expect_status 2 scan --status-file found -o found $targets
expect_status 2 scan --status-file summary $targets
expect_status 2 scan --status-file /dev/null $targets
expect_status 2 scan --status-file - -o found $targets
expect_status 2 scan --status-interval 0.09 $targets
