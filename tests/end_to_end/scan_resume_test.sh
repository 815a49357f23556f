#!/usr/bin/env bash
# A scan that is killed at random moments, again and again, and goes on with --resume: what it has found in the end is
# what is there, each target once, and its ledger adds up. Then everything that a leg may not change, what is not to be
# gone on with, and the end of each other kind.
#
#   scan_resume_test.sh                10 kills over three methods and three formats
#   ECHOSCAN_KILLS=100 scan_resume_test.sh   so many over four methods and five formats; prints docs/checkpoint.md's table
#   ECHOSCAN_RESUME_METHODS="af_xdp_copy xdp_live"   the rows of these methods only, with their part of the kills
#   ECHOSCAN_RESUME_SEED=N             the moments of a run, which says its seed
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"
source "$root/tests/lab/legs.sh"

lab up
cd "$work"
kills=${ECHOSCAN_KILLS:-0}
methods=(af_xdp_copy xdp_live packet_mmap raw_socket)
formats=(jsonl:found.jsonl csv:found.csv ip:found.txt jsonl:found.jsonl.zst csv:found.csv.gz)
# How long a stopped scan stands: as long as one that a scheduler has put aside, where there is time for that.
stop_seconds=0.3
[ "$kills" = 0 ] || stop_seconds=3
seed=${ECHOSCAN_RESUME_SEED:-$((0x$(date +%s | sha256sum | cut -c1-4)))}
RANDOM=$seed
echo "seed $seed"
targets=10.4.0.0/17
lab truth $targets | sort >truth
[ -s truth ] || fail "the truth is empty"

# Nothing of these files is in memory any more: what goes on reads the disk. Of these files only, since others may share
# the machine.
drop_from_cache() { # FILE...
  local file
  sync "$@"
  for file; do dd "if=$file" iflag=nocache count=0 status=none; done
}

# One leg: killed after some time, stopped for a while before, or let run to its end. Its exit status is in $status.
leg() { # SECONDS|end ARGUMENT...
  local seconds=$1
  shift
  # Not near: the pid is to be the scan's.
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan "$@" 2>>log &
  pid=$!
  if [ "$seconds" != end ]; then
    sleep "$seconds"
    if [ $((RANDOM % 4)) = 0 ]; then
      if kill -STOP "$pid" 2>/dev/null; then stops=$((stops + 1)); fi
      sleep $stop_seconds
    fi
    # One that has ended says so by its status.
    kill -KILL "$pid" 2>/dev/null || [ ! -e "/proc/$pid/fd" ]
  fi
  status=0
  wait "$pid" 2>/dev/null || status=$?
}

# The targets of the results in FILE, sorted, each as often as it is there.
targets_in() { # FILE FORMAT
  case $1 in *.zst) zstd -dcq "$1" ;; *.gz) gzip -dc "$1" ;; *) cat "$1" ;; esac |
    case $2 in jsonl) jq -r 'select(.type == "reply" and (.repeat | not)) | .target' ;; csv) csv_targets ;; ip) cat ;; esac | sort
}
csv_targets() { awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "target") column = i; next } { print $column }'; }

# Kills a scan COUNT times, and lets it end.
kill_and_resume() { # COUNT FORMAT FILE OPTION...
  local count=$1 format=$2 file=$3 killed=0 dropped=0
  stops=0
  sent_again=0
  shift 3
  rm -f "$file" "$file".* summary log
  local begin=("$@" --allow-reserved --format "$format" -o "$file" --rate 8k --cooldown 1 --seed $RANDOM $targets)
  while [ $killed -lt "$count" ]; do
    # Mostly while it sends; at times while it starts, in the cooldown, or just before its end.
    local seconds=$((1 + RANDOM % 3)).$((RANDOM % 10))
    [ $((RANDOM % 4)) != 0 ] || seconds=0.$((RANDOM % 10))$((RANDOM % 10))
    [ $((RANDOM % 6)) != 0 ] || seconds=$((4 + RANDOM % 2)).$((RANDOM % 10))
    # A scan that was killed before it wrote anything down is begun anew, as one that has finished is.
    if [ -e "$file.scan" ]; then
      leg "$seconds" --resume "$file" --summary summary
    else
      leg "$seconds" "${begin[@]}" --summary summary
    fi
    case $status in
      137)
        killed=$((killed + 1))
        if [ $((RANDOM % 2)) = 0 ] && [ -e "$file.part" ]; then
          drop_from_cache "$file".*
          dropped=$((dropped + 1))
        fi
        ;;
      0)
        expect_end "$format by $*" "$file" "$format"
        rm -f "$file" summary
        ;;
      *) fail "a leg of $format by $* ends with $status" ;;
    esac
  done
  if [ -e "$file.scan" ]; then
    leg end --resume "$file" --summary summary
  else
    leg end "${begin[@]}" --summary summary
  fi
  expect_equal "the last leg's status ($format by $*)" "$status" 0
  expect_end "$format by $*" "$file" "$format"
  printf '| `%s` | `%s` | %d | %d | %d | %d | %d | %d |\n' "$*" "$file" "$killed" "$stops" "$dropped" "$(wc -l <found)" \
    "$(wc -l <truth)" "$sent_again"
}

# The scan that has ended, by whichever leg, has found what is there; what it has sent again is added to $sent_again.
expect_end() { # WHAT FILE FORMAT
  targets_in "$2" "$3" >found
  cmp -s found truth ||
    fail "$1: $(uniq found | wc -l) targets in $(wc -l <found) lines of $(wc -l <truth): $(diff found truth | head -5)"
  expect_equal "faults" "$(jq -c .ledger.faults summary)" '[]'
  expect_equal "probes sent" "$(jq .ledger.sent summary)" "$(jq .ledger.probes summary)"
  expect_equal "outcome" "$(jq -r .outcome summary)" finished
  expect_equal "what the killed scan has left" "$(ls "$2".* 2>/dev/null || [ $? = 2 ])" ""
  sent_again=$((sent_again + $(jq '[.legs[].sent_again] | add' summary)))
}

if [ "$kills" != 0 ]; then
  rows=$((${#methods[@]} * ${#formats[@]}))
  printf '| method | results | kills | stopped for %s s | read from the disk | found | truth | sent again |\n' $stop_seconds
  echo '|---|---|---|---|---|---|---|---|'
  for method in ${ECHOSCAN_RESUME_METHODS:-"${methods[@]}"}; do
    for results in "${formats[@]}"; do
      kill_and_resume $(((kills + rows - 1) / rows)) "${results%%:*}" "${results#*:}" --method "$method"
    done
  done
  exit
fi
kill_and_resume 3 jsonl found.jsonl --method af_xdp_copy
kill_and_resume 3 csv found.csv.zst --method raw_socket
kill_and_resume 2 ip found.txt --method af_xdp_copy --queues 1
kill_and_resume 2 jsonl found.jsonl.gz --method xdp_live --probes 2 --emit errors,repeats

# From here on a scan that is stopped cleanly: it says the command that goes on, and that finds the rest. Each leg has
# labels, ways and a ledger of the whole.
printf '10.4.0.0/18 one\n10.4.64.0/18 two\n' >list
rm -f found.jsonl*
status=0
scan_list=(--allow-reserved -t list -o found.jsonl --rate 8k --cooldown 1 --seed 5)
ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan "${scan_list[@]}" --summary first 2>log &
pid=$!
# In the middle, however late it begins.
for _ in $(seq 600); do
  [ ! -s found.jsonl.part ] || break
  nap 0.1
done
kill -s INT $pid
wait $pid || status=$?
expect_equal "status of what was interrupted" "$status" 130
expect_text log "to go on from here: echoscan scan --resume $work/found.jsonl"
expect_equal "mode of the checkpoint" "$(stat -c %a found.jsonl.scan)" 600
cp found.jsonl kept.jsonl
cp found.jsonl first.jsonl
cp found.jsonl.scan kept.scan
echo 'rate = 1k' >conf

# What is refused is refused before anything is sent, with nothing lost.
refused() { # STATUS TEXT ARGUMENT...
  local expected=$1 text=$2
  shift 2
  expect_status "$expected" near "$echoscan" scan "$@" 2>log
  expect_text log "$text"
  cmp -s found.jsonl kept.jsonl || fail "the results have changed by: $*"
}
for option in "--seed 6" "--probes 2" "--shard 0/2" "--max-targets 5" "10.4.0.1" "-t list" "-x 10.4.0.1" "--allow-reserved" \
  "-o other" "--format csv" "--fields target" "--emit errors" "--append" "--no-checkpoint" "--config conf" "--dry-run"; do
  # shellcheck disable=SC2086
  refused 2 "cannot be given anew" --resume found.jsonl $option
done
[ ! -e other ] || fail "what was refused has written"
refused 2 "cannot go on from '$work/nothing.scan': No such file or directory" --resume nothing
mv list list.kept
echo 10.4.0.0/18 >list
refused 2 "the lists have changed" --resume found.jsonl
mv list.kept list
sed 's/"version":5/"version":1/' kept.scan >found.jsonl.scan
refused 2 "it is of version 1, and this program knows version 5" --resume found.jsonl
head -c 300 kept.scan >found.jsonl.scan
refused 2 "it is no checkpoint of a scan" --resume found.jsonl
cp kept.scan found.jsonl.scan
chmod 666 found.jsonl.scan
refused 2 "others may write to it" --resume found.jsonl
chmod 600 found.jsonl.scan
chown 65534 found.jsonl.scan
refused 2 "it belongs to another user" --resume found.jsonl
chown 0 found.jsonl.scan
jq -c ".after_kill.lines = $(($(wc -l <kept.jsonl) + 1))" kept.scan >found.jsonl.scan
refused 4 "would be called silent" --resume found.jsonl
near ip route add blackhole 10.4.3.0/24
cp kept.scan found.jsonl.scan
refused 3 "routes or gateways have changed" --resume found.jsonl
near ip route delete blackhole 10.4.3.0/24
head -n -1 kept.jsonl >found.jsonl
echo '{"target":"10.4.0.1","repeat":"no"}' >>found.jsonl
cp found.jsonl kept.jsonl
refused 4 "is not a result of this scan" --resume found.jsonl
head -n -1 kept.jsonl >found.jsonl
head -n 1 found.jsonl >>found.jsonl
cp found.jsonl kept.jsonl
refused 4 "or there twice" --resume found.jsonl
expect_equal "the checkpoint after all that" "$(cat found.jsonl.scan)" "$(cat kept.scan)"

# The rest, without the first line, whose target no leg probes again; from another folder, at another rate, by another
# method.
tail -n +2 first.jsonl >found.jsonl
jq -c '.after_kill.lines -= 1 | .after_power_loss.lines -= 1' kept.scan >found.jsonl.scan
(cd / && ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --resume "$work/found.jsonl" --rate 50k --method packet_mmap --summary "$work/summary") 2>log
jq -r .target found.jsonl | sort >found
expect_equal "the target that is missing" "$(comm -13 found truth)" "$(head -n 1 first.jsonl | jq -r .target)"
expect_equal "targets too many" "$(comm -23 found truth | wc -l)" 0
expect_equal "faults" "$(jq -c .ledger.faults summary)" '[]'
expect_equal "legs" "$(jq -r '[.legs[].outcome] | join(",")' summary)" "interrupted,finished"
expect_equal "sent by label" "$(jq -c '[.labels[].sent] | sort' summary)" "[16384,16384]"
expect_equal "sent" "$(jq .ledger.sent summary)" 32768
expect_equal "sent by the first leg" "$(jq '.legs[0].sent' summary)" "$(jq .ledger.sent first)"
# Of what the first leg had drawn and not sent, no more than a block is sent to that it had sent to.
[ "$(jq '[.legs[].sent_again] | add' summary)" -le 160 ] || fail "$(jq -c .legs summary)"
expect_equal "files left" "$(ls found.jsonl.* 2>/dev/null || [ $? = 2 ])" ""

# After a loss of power only what was brought to the disk holds.
rm -f found.jsonl*
leg 3.5 "${scan_list[@]}" --checkpoint-interval 1
cp found.jsonl.scan kept.scan
lines=$(jq .after_power_loss.lines kept.scan)
head -n "$lines" found.jsonl.part >durable
printf 'half a li' >>durable
mv durable found.jsonl.part
jq -c '.boot_id = "another"' kept.scan >found.jsonl.scan
leg end --resume found.jsonl --summary summary --rate 50k
expect_equal "status behind a loss of power" "$status" 0
jq -r .target found.jsonl | sort >found
cmp -s found truth || fail "a loss of power has cost $(comm -13 found truth | wc -l) targets"
expect_equal "outcomes" "$(jq -r '[.legs[].outcome] | join(",")' summary)" "killed,finished"
expect_equal "faults" "$(jq -c .ledger.faults summary)" '[]'

# What came behind the last synchronising may be anything then: neither lines nor marks of it count.
rm -f found.jsonl*
kill_leg 1 '.after_power_loss.lines > 500' found.jsonl.scan "${scan_list[@]}" --checkpoint-interval 1
lines=$(jq .after_power_loss.lines found.jsonl.scan)
{
  head -n "$lines" found.jsonl.part
  head -c 5000 /dev/zero
  echo
} >durable
mv durable found.jsonl.part
head -c 800 /dev/zero >>found.jsonl.scan.answers
jq -c '.boot_id = "another"' found.jsonl.scan >changed
chmod 600 changed
mv changed found.jsonl.scan
near "$echoscan" scan --resume found.jsonl --summary summary --rate 50k 2>log
jq -r .target found.jsonl | sort >found
cmp -s found truth || fail "zeros behind a loss of power: $(diff found truth | head -5)"
expect_equal "errors" "$(jq .ledger.errored summary)" 0
expect_equal "faults" "$(jq -c .ledger.faults summary)" '[]'
expect_text log "$(jq .ledger.sent_earlier summary | sed ':a;s/\B[0-9]\{3\}\>/,&/;ta') of the probes by 1 earlier leg, "

# That a leg begins behind a kill brings nothing to the disk: what holds after a loss of power is still the earlier place,
# and two such losses in a row are gone on from, too.
rm -f found.jsonl*
kill_leg 1 '.after_kill.lines > .after_power_loss.lines' found.jsonl.scan "${scan_list[@]}" --checkpoint-interval 3600
place=$(jq -c .after_power_loss found.jsonl.scan)
kill_leg 2 true found.jsonl.scan --resume found.jsonl
expect_equal "what holds after a loss of power" "$(jq -c .after_power_loss found.jsonl.scan)" "$place"
head -n "$(jq .lines <<<"$place")" found.jsonl.part >durable
mv durable found.jsonl.part
jq -c '.boot_id = "another"' found.jsonl.scan >changed
chmod 600 changed
mv changed found.jsonl.scan
near "$echoscan" scan --resume found.jsonl --summary summary --rate 50k 2>log
jq -r .target found.jsonl | sort >found
cmp -s found truth || fail "a loss of power in the second leg: $(diff found truth | head -5)"
expect_equal "faults" "$(jq -c .ledger.faults summary)" '[]'

# The same where results are packed and do not say it all: of frames and marks, those behind what was synchronised may be
# zeros.
rm -f found.jsonl*
kill_leg 1 '.after_power_loss.lines > 500' found.jsonl.zst.scan --allow-reserved -t list -o found.jsonl.zst --fields target --rate 3k \
  --cooldown 1 --seed 5 --checkpoint-interval 1
truncate -s "$(jq .after_power_loss.bytes found.jsonl.zst.scan)" found.jsonl.zst.part
lines=$(zstd -dcq found.jsonl.zst.part | wc -l)
truncate -s $((8 + 32 * lines)) found.jsonl.zst.scan.lines
for file in found.jsonl.zst.part found.jsonl.zst.scan.lines; do head -c 5000 /dev/zero >>$file; done
jq -c '.boot_id = "another"' found.jsonl.zst.scan >changed
chmod 600 changed
mv changed found.jsonl.zst.scan
near "$echoscan" scan --resume found.jsonl.zst --summary summary --rate 50k 2>log
zstd -dcq found.jsonl.zst | jq -r .target | sort >found
cmp -s found truth || fail "zeros in packed results: $(diff found truth | head -5)"
expect_equal "results that were there" "$(jq .receiving.read_back.replies summary)" "$lines"
expect_equal "round-trip times" "$(jq .rtt_us.count summary)" "$(wc -l <truth)"
expect_equal "faults" "$(jq -c .ledger.faults summary)" '[]'

# Results have one form, whatever the file of --config says by now; and what was asked for is not gone beyond.
rm -f found.jsonl*
echo 'format = "csv"' >conf
kill_leg 1 '.after_kill.lines > 500' found.jsonl.scan "${scan_list[@]}" --config conf
cp found.jsonl.part kept.part
for change in 'format = "jsonl"|--format csv, and it is jsonl' 'fields = ["target"]|--fields type,ts_us,' \
  'emit = ["errors"]|--emit none, and it is errors' 'repeat-cap = 3|--repeat-cap 10, and it is 3'; do
  { [[ $change = format* ]] || echo 'format = "csv"'; echo "${change%%|*}"; } >conf
  expect_status 2 near "$echoscan" scan --resume found.jsonl 2>log
  expect_text log "${change#*|}"
done
echo 'format = "csv"' >conf
expect_status 2 near "$echoscan" scan --resume found.jsonl --max-results 100 2>log
expect_text log "--resume: --max-results 100 is reached: "
cmp -s found.jsonl.part kept.part || fail "a refused leg has changed the results"
near "$echoscan" scan --resume found.jsonl --rate 50k 2>log
targets_in found.jsonl csv | sort >found
cmp -s found truth || fail "behind a form that was changed and changed back: $(diff found truth | head -5)"

# What no scan has written is left as it is, under whichever of the names it stands.
for name in found.jsonl.scan found.jsonl.scan.answers found.jsonl.scan.lines; do
  rm -f found.jsonl*
  echo "somebody's notes" >$name
  near "$echoscan" scan --allow-reserved --cooldown 0.2 -o found.jsonl --fields ttl 10.4.0.0/24 2>log
  expect_text log "no checkpoint is written, and nobody can go on with this scan: "
  expect_text log "is left as it is"
  expect_equal "$name" "$(cat $name)" "somebody's notes"
  expect_equal "results beside it" "$(wc -l <found.jsonl)" "$(lab truth 10.4.0.0/24 | wc -l)"
  expect_status 4 near "$echoscan" scan --allow-reserved --cooldown 0.2 -o found.jsonl --fields ttl --checkpoint 10.4.0.0/24 2>log
  expect_text log "is left as it is"
  expect_equal "$name" "$(cat $name)" "somebody's notes"
done
rm -f found.jsonl*
near "$echoscan" scan --allow-reserved --cooldown 1 --rate 8k --max-results 50 -o found.jsonl $targets 2>log
expect_text log "to go on from here: echoscan scan --resume $work/found.jsonl --max-results N, with N above 50"
expect_status 2 near "$echoscan" scan --resume found.jsonl 2>log
expect_text log "--resume: --max-results 50 is reached: "
near "$echoscan" scan --resume found.jsonl --cooldown 1 --rate 50k --max-results 100000 2>log
targets_in found.jsonl jsonl >found
cmp -s found truth || fail "behind --max-results: $(diff found truth | head -5)"

# No checkpoint where it is not wanted, or cannot be; and an error where it was asked for.
for options in "--no-checkpoint -o plain1.jsonl" "-o plain2.jsonl --append" "-o /dev/null"; do
  # shellcheck disable=SC2086
  near "$echoscan" scan --allow-reserved --max-runtime 0.2 --cooldown 0 -v $options $targets 2>log
  expect_text log "no checkpoint is written: "
  expect_equal "checkpoints by $options" "$(ls plain*.scan* /dev/null.scan* 2>/dev/null || [ $? = 2 ])" ""
done
for options in "" "-o plain.jsonl --append" "-o /dev/null"; do
  # shellcheck disable=SC2086
  expect_status 2 near "$echoscan" scan --allow-reserved --checkpoint $options $targets 2>log
  expect_text log "--checkpoint: "
done

# What could have been gone on with is not replaced without a word.
cp kept.scan found.jsonl.scan
expect_status 0 near "$echoscan" scan --allow-reserved --cooldown 0.2 -o found.jsonl 10.4.0.0/28 2>log
expect_text log "is of a scan that could have been gone on with"

# A full disk for the checkpoint is said, and the scan goes on to its end.
mkdir small
for files in 1 2; do
  mount -t tmpfs -o size=1m,nr_inodes=$((2 + files)) tmpfs small
  [ $files = 1 ] || touch small/found.jsonl.scan.part
  expect_status 0 near "$echoscan" scan --allow-reserved --rate 20k --cooldown 1 -o small/found.jsonl 10.4.0.0/24 2>log
  expect_text log "No space left on device"
  expect_equal "results without room for a checkpoint" "$(wc -l <small/found.jsonl)" "$(lab truth 10.4.0.0/24 | wc -l)"
  umount small
done

# Errors without a line, over legs and passes, against the truth of the zoo: each target's counts once, whichever leg and
# pass it came in, and whatever of it is written.
lab down
lab up --zoo
near ip neighbour replace 192.0.2.2 dev lab0 lladdr "$(far cat /sys/class/net/lab1/address)" nud permanent
targets=10.0.0.0/19
# Without the late ones, which a cooldown may be too short for.
lab truth --json $targets >everyone.json
jq -r 'select(.held_us > 0) | .target' everyone.json >late
jq -c 'select(.held_us == 0)' everyone.json | grep -vFf <(sed 's/.*/"target":"&"/' late) >truth.json
errors_by_type() { sort | uniq -c | awk '{print $2, $1}' | paste -sd,; }
jq -r 'select(.type == "error") | "\(.classification)/\(.icmp_type)/\(.icmp_code)"' truth.json | errors_by_type >errors
[ -s errors ] || fail "nobody in the zoo answers with an error"
for emit in "" errors repeats errors,repeats; do
  kill_and_end "$work/zoo.jsonl" "2000 3000 2000" ${emit:+--emit $emit} --probes 2 --rate 4k --cooldown 2 --seed 3 --exclude-file "$work/late" $targets
  expect_equal "first errors (--emit '$emit')" \
    "$(summary '.receiving.errors[] | select(.targets > 0) | "\(.classification)/\(.icmp_type)/\(.icmp_code) \(.targets)"' | sort | paste -sd,)" \
    "$(cat errors)"
  jq -r 'select(.type == "reply") | .target' truth.json | sort >truth
  jq -r 'select(.success and (.repeat | not)) | .target' zoo.jsonl | sort >found
  cmp -s found truth || fail "the zoo (--emit '$emit'): $(diff found truth | head -5)"
  case $emit in
    *errors*) expect_equal "error lines" "$(jq -r 'select(.success or .repeat | not) | "\(.classification)/\(.icmp_type)/\(.icmp_code)"' zoo.jsonl | errors_by_type)" "$(cat errors)" ;;
    *) expect_equal "error lines" "$(jq -r 'select(.success | not) | .target' zoo.jsonl | wc -l)" 0 ;;
  esac
  # Repeats of earlier legs are known where they were written; a leg may have had more than its file had room for.
  expect_equal "repeat lines" "$(summary .output.repeat_lines)" "$(jq -r 'select(.repeat) | .target' zoo.jsonl | wc -l)"
  case $emit in *repeats) [ "$(summary .output.repeat_lines)" -gt 0 ] || fail "no repeats" ;; esac
done

# What lines do not say is known to the next leg all the same: who has answered, from where, when, and with which error.
replied=$(jq -r 'select(.type == "reply") | .target' truth.json | wc -l)
off_target=$(jq -r 'select(.type == "reply" and .saddr != .target) | .target' truth.json | wc -l)
[ "$off_target" -gt 0 ] || fail "nobody in the zoo answers from another address"
timed=$(jq -r 'select(.type == "reply" and .has_rtt) | .target' truth.json | wc -l)
lines_of() { # FILE
  case $1 in *.zst) zstd -dcq "$1" ;; *.gz) gzip -dc "$1" ;; *) cat "$1" ;; esac | case $1 in *csv*) tail -n +2 ;; *) cat ;; esac | wc -l
}
for form in "zoo.csv --format csv --fields ttl" "zoo.jsonl --fields saddr,rtt_us" "zoo.txt --format ip" "zoo.jsonl.zst --fields ttl"; do
  for emit in "" errors,repeats; do
    case "$form $emit" in *ip\ errors* | zoo.jsonl*\ ) continue ;; esac
    # shellcheck disable=SC2086
    kill_and_end "$work/${form%% *}" "2000 3000" ${form#* } ${emit:+--emit $emit} --rate 4k --cooldown 1 --seed 3 --exclude-file "$work/late" $targets
    what="$form, --emit '$emit'"
    expect_equal "replied ($what)" "$(summary .ledger.replied)" "$replied"
    expect_equal "from elsewhere ($what)" "$(summary .receiving.off_target)" "$off_target"
    expect_equal "timed ($what)" "$(summary .rtt_us.count)" "$timed"
    expect_equal "first errors ($what)" \
      "$(summary '.receiving.errors[] | select(.targets > 0) | "\(.classification)/\(.icmp_type)/\(.icmp_code) \(.targets)"' | sort | paste -sd,)" \
      "$(cat errors)"
    expect_equal "lines ($what)" "$(summary .output.lines)" "$(lines_of "${form%% *}")"
  done
done
