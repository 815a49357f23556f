#!/usr/bin/env bash
# What a scan gives up once all is open: somebody who has taken it over is refused everything but its own work, whichever
# way it sends; it runs as whoever has called sudo, whose the results are; and nothing that a scan needs later is missing.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

lab up
intruder=$ECHOSCAN_BUILD/tests/liblab_intruder.so
chmod 755 "$work"
mkdir "$work/outside" "$work/inside"
echo secret >"$work/outside/secret"

# --- Nothing of this is the scan's; one attempt and its answer a line.
cat >"$work/refused" <<'TABLE'
make_inside done
read_outside EACCES
read_passwd EACCES
make_outside EACCES
remove_outside EACCES
rename_outside EACCES
list_outside EACCES
chmod_outside EPERM
link_inside EPERM
device_inside EPERM
execute EPERM
make_process EPERM
signal_parent EPERM
trace_parent EPERM
read_parent EPERM
executable_memory EPERM
memory_executable EPERM
type EPERM
become_root EPERM
become_other EPERM
take_capabilities EPERM
mount EPERM
unshare EPERM
lift_filter EPERM
packet_socket EPERM
raw_socket EPERM
connect EPERM
load_program EPERM
make_map EPERM
pin EPERM
add_address EPERM
switch_interface_off EPERM
end done
TABLE

# Which capabilities, filters and users the process's threads have: each line once.
state_of_threads() { # PID
  cat /proc/"$1"/task/*/status | awk '/^(Uid|Gid|Cap(Inh|Prm|Eff|Amb)|NoNewPrivs|Seccomp):/ { $1 = $1; print }' | sort -u
}
confined_state() { # UID GID
  printf '%s\n' "CapAmb: $none" "CapEff: $none" "CapInh: $none" "CapPrm: $none" "Gid: $2 $2 $2 $2" "NoNewPrivs: 1" \
    "Seccomp: 2" "Uid: $1 $1 $1 $1"
}
none=0000000000000000

# A scan into a file, and back when some of it is there; with the words of $taken_over in its environment.
taken_over=()
begin_scan() { # OPTION...
  rm -rf "$work"/inside/*
  (cd "$work/inside" && exec env "${taken_over[@]}" ip netns exec "$ECHOSCAN_LAB-near" "$echoscan" scan --allow-reserved --cooldown 1 \
    --rate 5k -o out.jsonl.gz --summary summary.json --status-file status.json --metrics 0 "$@" 10.0.0.0/18 \
    >"$work/shown" 2>"$work/log") &
  pid=$!
  for _ in $(seq 1200); do
    [ ! -s "$work/inside/status.json" ] || return 0
    nap 0.05
  done
  fail "the scan does not get under way"
}
end_scan() {
  wait $pid || fail "the scan ended with $?"
  cp "$work/inside/summary.json" "$work/summary"
  gunzip <"$work/inside/out.jsonl.gz" >"$work/out"
  expect_truth 10.0.0.0/18
}

taken_over=("LAB_INTRUDER=$work/report $work/outside $work/inside" "LD_PRELOAD=$intruder")
for method in af_xdp xdp_live af_packet packet_mmap raw_socket pcap; do
  begin_scan --method $method
  expect_equal "state of the threads" "$(state_of_threads $pid)" "$(confined_state 0 0)"
  end_scan
  diff "$work/report" "$work/refused" >"$work/difference" ||
    fail "with $method an intruder was answered otherwise: $(cat "$work/difference")"
  expect_text "$work/log" "confined: no capabilities, files only in '$work/inside', system calls filtered"
done
taken_over=()
expect_equal "what is outside" "$(cat "$work/outside/secret")" secret

# --- The summary's descriptor is open, and with standard output there is no folder at all.
scan --cooldown 0.5 10.0.0.0/24 --summary /dev/null || fail "the scan to standard output ended with $?"
expect_text "$work/log" "confined: no capabilities, no new files, system calls filtered"

# --- Off.
begin_scan --no-sandbox
state_of_threads $pid >"$work/state"
expect_text "$work/state" "Seccomp: 0"
expect_text "$work/state" "NoNewPrivs: 0"
[ "$(grep -c "CapEff: $none" "$work/state")" = 0 ] || fail "with --no-sandbox capabilities are gone"
end_scan

# --- Under sudo: 4242 is nobody's number, so that no list gives it groups.
as_sudo() { SUDO_UID=4242 SUDO_GID=4343 "$@"; }
owner() { stat -c '%u:%g %a' "$1"; }
umask 002
chown 4242:4343 "$work/inside"
as_sudo begin_scan
expect_equal "state of the threads under sudo" "$(state_of_threads $pid)" "$(confined_state 4242 4343)"
expect_equal "groups under sudo" "$(awk '/^Groups:/ { print $2 }' /proc/$pid/status)" ""
expect_equal "owner of the checkpoint" "$(owner "$work/inside/out.jsonl.gz.scan")" "4242:4343 600"
end_scan
for file in out.jsonl.gz summary.json status.json; do
  expect_equal "owner of $file" "$(owner "$work/inside/$file")" "4242:4343 644"
done
expect_text "$work/log" "confined: user 4242, no capabilities, files only in '$work/inside', system calls filtered"
umask 022

# Whoever has killed it goes on as the same user; another user's checkpoint is still refused.
as_sudo begin_scan
kill -KILL $pid
expect_status 137 wait $pid
resume() { (cd "$work/inside" && near "$echoscan" scan --resume out.jsonl.gz "$@") >"$work/shown" 2>"$work/log"; }
expect_status 2 resume
expect_text "$work/log" "it belongs to another user (uid 4242)"
expect_status 2 resume --user 4444
# What they may have written into it is opened as them alone, though root would write elsewhere if it was asked by root.
cp -p "$work/inside/out.jsonl.gz.scan" "$work/kept.scan"
jq -c ".arguments += [\"--summary\", \"$work/outside/taken\", \"--no-sandbox\"]" "$work/kept.scan" >"$work/inside/out.jsonl.gz.scan"
as_sudo expect_status 4 resume
expect_text "$work/log" "Permission denied (as user 4242"
[ ! -e "$work/outside/taken" ] || fail "a checkpoint had root write a file"
cp -p "$work/kept.scan" "$work/inside/out.jsonl.gz.scan"
as_sudo expect_status 0 resume
expect_equal "owner of what was resumed" "$(owner "$work/inside/out.jsonl.gz")" "4242:4343 644"
cp "$work/inside/summary.json" "$work/summary"
gunzip <"$work/inside/out.jsonl.gz" >"$work/out"
expect_truth 10.0.0.0/18

# In a folder that they may not write in root stays root, and says so.
chown 0:0 "$work/inside"
as_sudo begin_scan
expect_equal "state of the threads in root's folder" "$(state_of_threads $pid)" "$(confined_state 0 0)"
end_scan
expect_text "$work/log" "the scan stays root's: 4242, who has called sudo, may not write in '$work/inside'; --user names another"

# A link that is planted there leads to nothing of root's.
chown 4242:4343 "$work/inside"
rm -rf "$work"/inside/*
ln -s "$work/outside/secret" "$work/inside/out.jsonl"
chown -h 4242:4343 "$work/inside/out.jsonl"
as_sudo expect_status 4 scan -o "$work/inside/out.jsonl" --cooldown 0.5 10.0.0.0/24
expect_equal "what the link leads to" "$(cat "$work/outside/secret")" secret
expect_equal "its owner" "$(owner "$work/outside/secret")" "0:0 644"

# Root in a folder of somebody else's may still write there, and nowhere else.
taken_over=("LAB_INTRUDER=$work/report $work/outside $work/inside" "LD_PRELOAD=$intruder")
begin_scan
end_scan
taken_over=()
diff "$work/report" "$work/refused" >"$work/difference" ||
  fail "in another user's folder an intruder was answered otherwise: $(cat "$work/difference")"
expect_text "$work/log" "confined: CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_FOWNER and no other capability"

# --- --user, by number and by name, and by root's.
begin_scan --user 4242
expect_equal "state of the threads with --user" "$(state_of_threads $pid)" "$(confined_state 4242 4242)"
end_scan
chown nobody "$work/inside"
begin_scan --user nobody
expect_equal "user" "$(awk '/^Uid:/ { print $2 }' /proc/$pid/status)" "$(id -u nobody)"
end_scan
chown 4242 "$work/inside"
as_sudo begin_scan --user root
expect_equal "user of --user root" "$(awk '/^Uid:/ { print $2 }' /proc/$pid/status)" 0
end_scan

# --- What makes no sense.
dry() { "$echoscan" scan --dry-run "$@" 192.0.2.1 >"$work/out" 2>"$work/log"; }
expect_status 2 dry --user nobody-of-that-name
expect_text "$work/log" "--user: there is no user 'nobody-of-that-name'"
expect_status 2 dry --user ""
expect_text "$work/log" "--user: '' is not a user"
expect_status 2 dry --user 4294967295
expect_text "$work/log" "--user: there is no user '4294967295'"
expect_status 2 dry --user nobody --no-sandbox
expect_text "$work/log" "--user: with --no-sandbox the user stays the same"
expect_status 2 setpriv --reuid 4242 --clear-groups "$echoscan" scan --dry-run --user nobody 192.0.2.1 2>"$work/log"
expect_text "$work/log" "--user: only root can become nobody"
chown 0:0 "$work/inside"
expect_status 4 scan --user 4242 -o "$work/inside/new.jsonl" --cooldown 0.5 10.0.0.0/24
expect_text "$work/log" "Permission denied (as user 4242; --user names another)"

# --- A kernel or a container without seccomp and Landlock: it is said, and the scan goes on.
near strace -f -qq -o /dev/null -e trace=landlock_create_ruleset,seccomp \
  -e inject=landlock_create_ruleset,seccomp:error=ENOSYS \
  "$echoscan" scan --allow-reserved --cooldown 0.5 --method af_packet --summary "$work/summary" 10.0.0.0/24 \
  >"$work/out" 2>"$work/log" || fail "the scan without seccomp ended with $?"
expect_truth 10.0.0.0/24
expect_text "$work/log" "no Landlock (Function not implemented)"
expect_text "$work/log" "no filter of system calls (Operation not supported)"
