#!/usr/bin/env bash
# The user's files: none is written over, whoever names it twice; names that others plant or take away in mid-scan; a disk
# that runs full; folders that cannot be written to.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
cd "$work"
targets=10.1.0.0/20
lab truth $targets | sort >truth
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
run() { near "$echoscan" "$@" >out 2>log; }

# An output that is an input or another output is refused, exit 2, both named, and nothing is sent.
echo $targets >list
echo 10.1.0.1 >optout
echo 'rate = 20k' >conf
cp list list.kept
ln -s list link
ln list hard
for output in list ./list link hard "$work/list"; do
  for command in "-t list -o $output" "-t $output -o list" "-t list --summary $output" "--exclude-file list -o $output $targets" \
    "--mmdb list -o $output $targets" "-t optout -o $output --append --summary list"; do
    # shellcheck disable=SC2086 # words on purpose
    expect_status 2 run scan --allow-reserved --method af_packet $command
    expect_text log "'$output'"
    expect_text log "'list'"
    expect_text log "is the same file as"
    cmp -s list list.kept || fail "the list is gone: $command"
  done
done
cp conf conf.kept
expect_status 2 run scan --allow-reserved --config conf -o conf $targets
expect_text log "-o 'conf' is the same file as --config 'conf'"
cmp -s conf conf.kept || fail "the options are gone"
for command in "targets --allow-reserved -t list" "aggregate list" "scan --allow-reserved --dry-run -t list"; do
  # shellcheck disable=SC2086
  expect_status 2 near sh -c 'exec "$@" >>list 2>log' sh "$echoscan" $command
  expect_text log "standard output is the same file as"
  cmp -s list list.kept || fail "the list is changed: $command"
done
expect_status 2 near sh -c 'exec "$@" <list 2>log' sh "$echoscan" scan --allow-reserved -t - -o link
expect_status 2 run scan --allow-reserved -o "$work" $targets
expect_text log "is a directory"
expect_equal "sent by what was refused" "$(lab stats | jq .echo_requests)" 0
rm link hard

# What cannot be written is found before the interface is touched: else this scan's privileges would be missed first.
for output in nowhere/found /proc/found "$work/found"; do
  expect_status 4 near sh -c 'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@" 2>log' sh \
    "$echoscan" scan --allow-reserved -o "$output" $targets
  expect_text log "cannot write to '$output': "
done

# In a folder of everybody's, and in one of another user's: what they have put under our names is refused.
echo precious >victim
mkdir shared theirs
chmod 1777 shared
chown 65534:65534 theirs
chmod 755 "$work"
for folder in shared theirs; do
  nobody ln -s "$work/victim" $folder/found.part
  expect_status 4 scan -o $folder/found $targets
  expect_text log "cannot write to '$folder/found.part': it is a symbolic link"
  nobody rm $folder/found.part
  nobody sh -c "echo theirs >$folder/found.part"
  expect_status 4 scan -o $folder/found $targets
  expect_text log "it belongs to another user (uid 65534)"
  expect_equal "their file" "$(cat $folder/found.part)" theirs
  nobody rm $folder/found.part
  for append in "" --append; do
    nobody ln -s "$work/victim" $folder/found
    # shellcheck disable=SC2086
    expect_status 4 scan $append -o $folder/found $targets
    expect_text log "a symbolic link of another user (uid 65534) leads to a file that is not theirs"
    nobody rm $folder/found
  done
  expect_equal "the file that they aimed at" "$(cat victim)" precious
  expect_equal "left in $folder" "$(ls $folder)" ""
done
nobody sh -c 'echo theirs >shared/found'
for append in "" --append; do
  # shellcheck disable=SC2086
  expect_status 4 scan $append -o shared/found $targets
  expect_text log "it belongs to another user (uid 65534), in a folder that all may write to"
  expect_equal "their file" "$(cat shared/found)" theirs
done
# A scan by sudo, into a file of its user's by a link of theirs: it is new, and stays theirs.
nobody sh -c 'echo earlier >theirs/real; chmod 600 theirs/real; ln -s real theirs/found'
scan --rate 20k --cooldown 1 --format ip -o theirs/found $targets || fail "a user's own file: $?"
sort theirs/real | cmp -s - truth || fail "the user's file is not the truth"
expect_equal "its owner" "$(stat -c '%u %a' theirs/real)" "65534 600"

# Somebody's file takes the provisional name in mid-scan: theirs stays, and the results get a fresh name.
for name in found.jsonl found.jsonl.zst; do
  rm -f summary
  ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --summary summary -o $name --rate 100k \
    --cooldown 1 10.0.0.0/11 >out 2>log &
  pid=$!
  for _ in $(seq 600); do
    [ ! -s $name.part ] || break
    nap 0.1
  done
  echo theirs >new
  mv new $name.part
  kill -s INT $pid
  expect_status 4 wait $pid
  expect_equal "their file" "$(cat $name.part)" theirs
  [ ! -e $name ] || fail "their file has got the final name"
  expect_text log "'$name.part' was removed or replaced in mid-scan; what was written is whole in '$name.1', beside it"
  case $name in *.zst) zstd -dcq $name.1 ;; *) cat $name.1 ;; esac >plain
  expect_equal "lines" "$(jq -r .target plain | wc -l)" "$(summary .ledger.replied)"
  expect_equal "outcome" "$(summary .outcome)" "stopped, output failed"
done

# A scan that is cut short takes the place of no earlier one: both are there, and it goes on beside it until it is whole.
for name in daily.jsonl daily.jsonl.zst; do
  echo yesterday >$name
  rm -f summary
  number=0
  for leg in first second; do
    number=$((number + 1))
    # 20 s, so that it is stopped before its end.
    options=(--rate 200 --cooldown 1 -o $name --allow-reserved $targets)
    [ $leg = first ] || options=(--resume $name)
    ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --summary summary "${options[@]}" >out 2>log &
    pid=$!
    for _ in $(seq 600); do
      # A scan that is stopped before its first probe is no leg.
      if [ -s $name.part ] && [ -e $name.scan ] && jq -e "(.legs | length) == $number" $name.scan >/dev/null; then break; fi
      nap 0.1
    done
    kill -s TERM $pid
    expect_status 143 wait $pid
    expect_equal "the earlier file behind the $leg leg" "$(cat $name)" yesterday
    expect_text log "the results so far are in '$name.part': '$name' stays, since this scan did not finish"
  done
  near "$echoscan" scan --resume $name --rate 10k 2>log || fail "the last leg of $name ended with $?"
  [ ! -e $name.part ] || fail "$name.part is left"
  case $name in *.zst) zstd -dcq $name ;; *) cat $name ;; esac | jq -r .target | sort | cmp -s - truth ||
    fail "the legs of $name have not found the truth"
done

# Disks of several sizes that run full: what is left ends in a whole line, and can be unpacked without a complaint.
mkdir small
for pages in 1 64; do
  mount -t tmpfs -o size=$((pages * 4096)) tmpfs small
  trap 'umount small; finish' EXIT
  for name in found.csv found.jsonl.zst found.jsonl.gz; do
    expect_status 4 scan --method xdp_live --rate max --cooldown 100 --format "$(case $name in *.csv) echo csv ;; *) echo jsonl ;; esac)" \
      -o small/$name 10.0.0.0/10
    expect_text log "could not be written to small/$name: No space left on device"
    expect_text log "results lost: No space left on device"
    expect_equal "output error" "$(summary .output.error)" "No space left on device"
    [ ! -e small/$name ] || fail "small/$name claims to be complete"
    expect_equal "adds_up" "$(summary .ledger.adds_up)" true
    [ -e small/$name.part ] || continue
    case $name in *.zst) zstd -dcq small/$name.part ;; *.gz) gzip -dc small/$name.part ;; *) cat small/$name.part ;; esac >plain ||
      fail "$name.part is cut inside a frame"
    expect_equal "the last byte of $name.part" "$(tail -c 1 plain | od -An -tx1)" " 0a"
    case $name in *.csv) ;; *) jq -e .target plain >/dev/null || fail "$name.part is cut inside a line" ;; esac
    rm small/*
  done
  umount small
  trap finish EXIT
done

# A summary that finds no room goes to standard error, as the JSON that it is; nothing of it is left.
mount -t tmpfs -o size=4096 tmpfs small
trap 'umount small; finish' EXIT
head -c 4096 /dev/zero >small/full
expect_status 4 near "$echoscan" scan --allow-reserved -q --cooldown 1 --summary small/summary -o found $targets 2>log
expect_text log "the summary could not be written to small/summary: No space left on device; here it is"
expect_equal "the summary's outcome" "$(sed -n '/^{$/,$p' log | jq -r .outcome)" finished
expect_equal "left on the disk" "$(ls small)" full
jq -r .target found | sort | cmp -s - truth || fail "the results are not the truth"
