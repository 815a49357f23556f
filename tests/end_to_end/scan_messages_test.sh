#!/usr/bin/env bash
# Nothing that a message, a signal or a reader does decides a scan: standard error that nobody reads, signals of every
# kind, results that nobody takes.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
cd "$work"
begin_clock() { begin=$SECONDS; }
# Tells an end from none: what would not end sooner by itself takes minutes, or for ever.
expect_end() { # WHAT
  [ $((SECONDS - begin)) -lt 90 ] || fail "$1 took $((SECONDS - begin)) s"
}
in_background() { # REDIRECTED BY CALLER; options of the scan
  rm -f summary
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --summary summary "$@" &
  pid=$!
}
await() { # CONDITION...
  for _ in $(seq 1200); do
    if "$@"; then return 0; fi
    nap 0.05
  done
  fail "does not come: $*"
}
sends() { [ -s results.jsonl.part ]; }

# Standard error is a pipe that is full and that nobody reads. The scan does all that it does else: it ends by itself, at
# --max-runtime, by a signal; all its files are complete.
mkfifo deaf
exec 3<>deaf
head -c 65536 /dev/zero >&3
lab truth 10.1.0.0/20 | sort >truth
for end in itself:auto max-runtime:json INT:auto TERM:json; do
  rm -f results.jsonl
  begin_clock
  options=(--rate 20k --cooldown 0.2 -v --status "${end#*:}" -o results.jsonl)
  end=${end%:*}
  case $end in
    itself) in_background "${options[@]}" 10.1.0.0/20 2>&3 && code=0 ;;
    max-runtime) in_background "${options[@]}" --max-runtime 1 10.0.0.0/8 2>&3 && code=0 ;;
    *)
      in_background "${options[@]}" 10.0.0.0/8 2>&3
      await sends
      kill -s $end $pid
      code=$((128 + $(kill -l $end)))
      ;;
  esac
  expect_status $code wait $pid
  expect_end "a scan with a deaf standard error, ended by $end,"
  expect_equal "adds_up, ended by $end" "$(summary .ledger.adds_up)" true
  # The queue holds more than a scan of seconds has to say.
  expect_equal "messages dropped, ended by $end" "$(summary .messages_dropped)" 0
  expect_equal "lines, ended by $end" "$(wc -l <results.jsonl)" "$(summary .output.lines)"
  [ $end != itself ] || jq -r .target results.jsonl | sort | cmp -s - truth || fail "results are lost"
done
# Refusals end at once, too.
begin_clock
expect_status 2 near "$echoscan" scan --rate none 10.1.0.0/20 2>&3
expect_end "a refusal with a deaf standard error"
exec 3>&-

# Standard error that is closed, full, gone, or not for writing.
for how in closed /dev/full gone read-only; do
  rm -f results.jsonl
  case $how in
    closed) in_background --rate 20k --cooldown 0.5 -v -o results.jsonl 10.1.0.0/20 2>&- ;;
    gone) in_background --rate 20k --cooldown 0.5 -v -o results.jsonl 10.1.0.0/20 2> >(:) ;;
    read-only) in_background --rate 20k --cooldown 0.5 -v -o results.jsonl 10.1.0.0/20 2</dev/null ;;
    *) in_background --rate 20k --cooldown 0.5 -v -o results.jsonl 10.1.0.0/20 2>$how ;;
  esac
  expect_status 0 wait $pid
  jq -r .target results.jsonl | sort | cmp -s - truth || fail "standard error $how: results are lost"
  [ "$(summary .messages_dropped)" -gt 3 ] || fail "standard error $how: $(summary .messages_dropped) messages dropped"
done
expect_status 2 "$echoscan" targets 2>/dev/full

# Every signal that would end a process ends the scan as SIGTERM does, and SIGUSR1 asks how it is.
for signal in HUP QUIT ALRM USR2 VTALRM PROF XCPU; do
  rm -f results.jsonl
  in_background --rate 20k --cooldown 0.2 -o results.jsonl 10.0.0.0/12 2>log
  await sends
  kill -s $signal $pid
  expect_status $((128 + $(kill -l $signal))) wait $pid
  expect_equal "outcome" "$(summary .outcome)" "stopped by SIG$signal"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "lines" "$(wc -l <results.jsonl)" "$(summary .output.lines)"
done
rm -f results.jsonl
in_background --rate 20k --cooldown 0.2 --status off -o results.jsonl 10.1.0.0/16 2>log
await sends
kill -s USR1 $pid
expect_status 0 wait $pid
expect_equal "lines of status" "$(grep -c 'pps); replied' log)" 1
# nohup's scans go on.
rm -f results.jsonl
(trap '' HUP && exec ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --summary summary --rate 20k \
  --cooldown 0.2 -o results.jsonl 10.1.0.0/16 2>log) &
pid=$!
await sends
kill -s HUP $pid
expect_status 0 wait $pid
# A file that may not grow is one that cannot be written.
rm -f results.jsonl*
(ulimit -f 100 && exec ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --rate max --cooldown 20 \
  -o results.jsonl 10.0.0.0/12 2>log) && fail "a limit on the size of files is no error" || expect_equal status $? 4
expect_text log "File too large"

# While a scan waits for its link, a signal ends it as well, and leaves no file.
for signal in INT TERM HUP; do
  rm -f results.jsonl* summary
  far ip link set lab1 down
  in_background --link-timeout 300 -o results.jsonl --gateway-mac 02:00:00:00:00:01 -i lab0 --source-ip 192.0.2.1 10.1.0.0/20 2>log
  nap 0.7
  begin_clock
  kill -s $signal $pid
  expect_status $((128 + $(kill -l $signal))) wait $pid
  expect_end "SIG$signal before the first probe"
  far ip link set lab1 up
  expect_equal "files left" "$(find . -name 'results*' -o -name 'summary*')" ""
done

# A FIFO that nobody opens for reading is waited for, before anything is done to the interface; signals and --max-runtime
# end that too, and no file is left.
mkfifo fifo
rm -f summary
begin_clock
expect_status 4 scan --max-runtime 1 -o fifo 10.1.0.0/20
expect_text log "nobody has opened 'fifo' for reading in 1 s (--max-runtime)"
for signal in INT HUP; do
  in_background -o fifo 10.1.0.0/20 2>log
  nap 0.5
  expect_equal "XDP programs while it waits" "$(near ip -j link show lab0 | jq '.[0] | has("xdp")')" false
  kill -s $signal $pid
  expect_status $((128 + $(kill -l $signal))) wait $pid
done
expect_end "waiting for a reader"
expect_equal "files left" "$(find . -name 'summary*')" ""
in_background --rate 20k --cooldown 0.3 -o fifo 10.1.0.0/20 2>log
sleep 0.5
jq -r .target fifo | sort | cmp -s - truth || fail "a reader that came late got something else"
expect_status 0 wait $pid

# A reader that takes nothing does not keep a scan that is told to end; what it did not take is counted, and said first.
lab up --one-in 1
mkfifo stuck
exec 4<>stuck
mkfifo stuck.zst
exec 5<>stuck.zst
begin_clock
# Behind a FIFO that is full already, all of it compressed.
head -c 65536 /dev/zero >&5
in_background --rate 100k --cooldown 0.5 --max-runtime 1 -o stuck.zst 10.0.0.0/12 2>log
expect_status 4 wait $pid
expect_end "the end with a compressed FIFO that nobody reads"
expect_equal "lines abandoned" "$(summary .output.lines_abandoned)" "$(summary .ledger.replied)"
expect_equal "lines written" "$(summary .output.lines_written)" 0
for end in max-runtime INT; do
  begin_clock
  case $end in
    max-runtime) in_background --rate 100k --cooldown 0.5 --max-runtime 5 10.0.0.0/12 2>log >&4 ;;
    *)
      in_background --rate 100k --cooldown 0.5 --status json 10.0.0.0/12 2>log >&4
      await grep -qF '"output_is_limit":true' log
      kill -s $end $pid
      ;;
  esac
  expect_status 4 wait $pid
  expect_end "the end by $end with a reader that takes nothing"
  expect_equal "outcome" "$(summary .outcome)" "stopped, output abandoned"
  expect_equal "adds_up" "$(summary .ledger.adds_up)" true
  expect_equal "replied" "$(summary .ledger.replied)" "$(summary .output.lines)"
  [ "$(summary .output.lines_abandoned)" -gt 1000 ] || fail "few lines were abandoned: $(summary .output)"
  expect_text log "lines of results are lost: the reader of standard output took no more"
  # What is in the pipe are the lines that the ledger calls written, and perhaps a part of one.
  timeout 5 cat <&4 >taken || [ $? = 124 ]
  expect_equal "lines in the pipe" "$(wc -l <taken)" "$(summary .output.lines_written)"
done
