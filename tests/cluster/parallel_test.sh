#!/usr/bin/env bash
# docs/many-machines.md without a scheduler: GNU parallel hands 24 shards to three nodes over a real sshd, one of them
# loses its power, and all shards together are the truth.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"
source "$(dirname "${BASH_SOURCE[0]}")/prelude.sh"

needs parallel ssh sshd ssh-keygen
guide "GNU parallel, where there is no scheduler" 1
cluster up ssh --seed 1 --conf "$work/guide/ssh_config"

# A shell on a node has no path of ours.
mkdir "$work/bin"
ln -s "$echoscan" "$work/bin/echoscan"
command=${commands[0]/ echoscan / $work/bin/echoscan }
[ "$command" != "${commands[0]}" ] || fail "the command does not start echoscan"
targets=10.64.0.0/16
folder parallel 300
echo $targets >targets.txt
PARALLEL_SSH="ssh -F $(cluster folder)/ssh_config" cluster exec ctl bash -c "$command" 2>parallel.log &
parallel=$!
# Shards are of 2,730 or 2,731 probes. By then one has sent more than may be sent twice, so that a checkpoint is what keeps
# the rest from it; and it has 2 s to go. To ask takes a second or two on a busy machine, and so the time between is longer.
in_mid_shard() { # NODE
  local sent
  sent=$(sent "$1")
  [ "$sent" -gt 2731 ] && [ $((sent % 2731)) -gt 1000 ] && [ $((sent % 2731)) -lt 2100 ]
}
await 120 "a shard of n2 that is well under way" in_mid_shard n2
cluster power off n2
# Shards that begin from now on are sent faster.
sed -i 's/^rate = .*/rate = "20k"/' scan.conf
wait $parallel || fail "parallel ended with $?"
expect_union $targets
expect_equal "ends of shards in jobs.log" "$(awk 'NR > 1 && $7 == 0' jobs.log | wc -l)" 24
again=$(($(sent) - 65536))
# The cooldown, the interval of checkpoints, and a second.
[ $again -gt 0 ] && [ $again -le 900 ] || fail "$again probes were sent twice"
row "ssh: a node loses its power" $again

# --- The same command again has nothing left to do.
cluster power on n2
cluster ready
PARALLEL_SSH="ssh -F $(cluster folder)/ssh_config" cluster exec ctl bash -c "$command" 2>parallel.log ||
  fail "parallel ended with $? when there was nothing left to do"
expect_equal "probes sent in all" "$(sent)" $((65536 + again))
expect_union $targets
