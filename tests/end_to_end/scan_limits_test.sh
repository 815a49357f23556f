#!/usr/bin/env bash
# What the system refuses while a scan is set up ends it in a sentence or is done without and said: a limit on memory, a
# limit on threads, and any system call. Nothing aborts, and nothing is left behind.
#
#   ECHOSCAN_CALLS=all   fails each system call of set-up in turn (half an hour); else 12 of them, by chance
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
cd "$work"
options=(scan --allow-reserved --rate 20k --cooldown 0.1 --status off -o results.jsonl --summary summary.json 10.1.0.0/23)
truth=$(lab truth 10.1.0.0/23 | wc -l)

# Runs CMD... in the near end, and looks at how it ended.
expect_good_end() { # WHAT CMD...
  local what=$1 code=0
  shift
  rm -f results.jsonl* summary.json*
  ip netns exec "$ECHOSCAN_LAB-near" "$@" >out 2>log || code=$?
  case $code in
    0)
      expect_equal "results, $what" "$(wc -l <results.jsonl)" "$truth"
      expect_equal "adds_up, $what" "$(jq .ledger.adds_up summary.json)" true
      ;;
    2 | 3 | 4) grep -q '^echoscan: [A-Za-z].* ' log || fail "no sentence, $what" ;;
    # The loader's, before there is a program: it names a library, or has no memory for its own tables.
    127) grep -qE 'error while loading shared libraries|^out of memory|^Fatal glibc error: cannot allocate memory' log || fail "not the loader's words, $what" ;;
    *) fail "exit status $code, $what" ;;
  esac
  # Results that are whole and could not be brought to the disk stay where they are.
  [ $code = 4 ] || expect_equal "files left, $what" "$(find . -name '*.part')" ""
  expect_equal "XDP programs left, $what" "$(near ip -j link show lab0 | jq '.[0] | has("xdp")')" false
  ends+=" $code"
}
ends=

for limit_kb in 15000 25000 40000 60000 80000 110000 150000 250000 400000; do
  expect_good_end "with $limit_kb kB" bash -c "ulimit -v $limit_kb && exec \"\$@\"" limited "$echoscan" "${options[@]}"
done
[[ $ends == *3*0 ]] || fail "the limits on memory refuse too little or too much:$ends"

# A user of its own, whom the limit holds.
ends=
chmod 777 .
capabilities=+net_raw,+net_admin,+bpf,+perfmon,+ipc_lock
for threads in 1 2 3 4 5 6 7 8 9 10; do
  expect_good_end "with $threads threads" prlimit --nproc=$threads setpriv --reuid 54321 --clear-groups \
    --inh-caps=$capabilities --ambient-caps=$capabilities "$echoscan" "${options[@]}"
done
[[ $ends == *3*0 ]] || fail "the limits on threads refuse too little or too much:$ends"

rm -f results.jsonl* summary.json*
chmod 700 .

# The calls of a scan that goes well, and how often each is made.
ip netns exec "$ECHOSCAN_LAB-near" strace -f -c -o counts "$echoscan" "${options[@]}" 2>log
calls='bind|bpf|capget|clone3|epoll_create1|faccessat2|fcntl|flock|ftruncate|getrandom|getsockname|getsockopt|ioctl|lseek|madvise|'
calls+='mmap|mprotect|newfstatat|openat|prctl|prlimit64|read|recvfrom|recvmsg|rt_sigaction|sched_getaffinity|sendto|setsockopt|socket'
awk -v calls="^($calls)\$" '$NF ~ calls { for (i = 1; i <= $4; ++i) print $NF, i }' counts >moments
[ "$(wc -l <moments)" -gt 300 ] || fail "few calls: $(wc -l <moments)"
# In which a library fails before main().
grep -vE '^(mmap|mprotect|openat|read) [1-9]$' moments >later
if [ "${ECHOSCAN_CALLS:-}" = all ]; then
  mv later chosen
else
  seed=$RANDOM
  echo "seed $seed"
  shuf -n 12 --random-source=<(yes $seed) later >chosen
fi
# Some are always tried. Calls of bpf() once the scan runs: a look-up of counts that failed made a ledger of zeros.
awk '$1 == "bpf" && $2 > 100' later | sort -R | head -2 >>chosen
# And this one: libbpf leaves mapped variables out after it, which was a crash.
ip netns exec "$ECHOSCAN_LAB-near" strace -f -e trace=bpf -o trace "$echoscan" "${options[@]}" 2>log
grep bpf\( trace | grep -n libbpf_mmap | sed -n 's/^\([0-9]*\):.*/bpf \1/p' | head -1 >>chosen
expect_equal "the last" "$(tail -1 chosen | grep -c '^bpf [0-9]')" 1
while read -r call moment; do
  for error in $([ "${ECHOSCAN_CALLS:-}" = all ] && echo ENOMEM EPERM || shuf -n 1 -e ENOMEM EPERM EMFILE EBUSY); do
    expect_good_end "when $call number $moment is $error" timeout -s KILL 600 strace -f -qq -o /dev/null \
      -e trace="$call" -e inject="$call:error=$error:when=$moment" "$echoscan" "${options[@]}"
  done
done <chosen
