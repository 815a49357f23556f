#!/usr/bin/env bash
# What docs/recipes.md does with DuckDB, ClickHouse and pandas: its statements run as they stand there, and all three find
# what jq finds. Debian has the last alone; the engines of the others come as packages of Node.js, without their programs,
# for which two lines stand in.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

for needed in npm node; do
  command -v $needed >/dev/null || skip "$needed is not there; tests/install_packages.sh npm"
done
/usr/bin/python3 -c 'import pandas' 2>/dev/null || skip "pandas is not there; tests/install_packages.sh test"
mkdir "$work/engines" "$work/bin"
(cd "$work/engines" && npm install --no-package-lock --no-audit --no-fund --ignore-scripts @duckdb/node-api@1.5.6-r.1 chdb@3.4.0) \
  >"$work/log" 2>&1 || skip "the engines cannot be had: $(tail -3 "$work/log")"

cat >"$work/engines/query.mjs" <<'END'
const [engine, sql] = process.argv.slice(2);
if (engine === 'duckdb') {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  for (const row of (await connection.runAndReadAll(sql)).getRowsJson()) console.log(row.join(' '));
} else {
  const { query } = await import('chdb');
  process.stdout.write(query(sql, 'TabSeparated').replaceAll('\t', ' '));
}
END
# `duckdb -c SQL`, `clickhouse local -q SQL`: the last word is the statement.
for engine in duckdb clickhouse; do
  printf '#!/bin/sh\nfor sql; do :; done\nexec node "%s" %s "$sql"\n' "$work/engines/query.mjs" $engine >"$work/bin/$engine"
done
ln -s /usr/bin/python3 "$work/bin/python3"
chmod +x "$work"/bin/*
export PATH=$work/bin:$PATH
cd "$work"

lab up
printf '10.0.0.0/22 one\n10.0.8.0/21 two\n' >networks.txt
scan -q --rate 100k --cooldown 1 -t networks.txt --fields target,label,rtt_us,ttl,ts_us -o columns.jsonl ||
  fail "the scan ended with $?"
# The same by hand: label, how many, and their median.
jq -rs 'group_by(.label)[] | (map(.rtt_us) | sort) as $rtts | ($rtts | length) as $n |
  "\(.[0].label) \($n) \(($rtts[($n - 1) / 2 | floor] + $rtts[$n / 2 | floor]) / 2)"' columns.jsonl >by_hand
expect_equal "labels" "$(wc -l <by_hand)" 2

sed -n '/^```bash$/,/^```$/p' "$root/docs/recipes.md" | sed '/^```/d' >commands
expect_equal "commands" "$(wc -l <commands)" 4
while read -r line <&3; do
  bash -o pipefail -c "$line" >said 2>log || fail "'$line' ended with $?"
  [ -s said ] || fail "'$line' says nothing"
  case $line in *parquet*) continue ;; esac
  tr ',' ' ' <said | grep -E '^(one|two) ' >rows
  paste -d' ' rows by_hand |
    awk '{ median = $(NF - 3) } $1 != $(NF - 2) || (NF == 6 && $2 != $5) || median / $NF > 1.0001 || $NF / median > 1.0001 { bad = 1 } END { exit bad || NR != 2 }' ||
    fail "'$line' says $(cat said), and it is $(cat by_hand)"
done 3<commands
expect_equal "rows of the Parquet file" "$(duckdb -c "select count(*) from 'results.parquet' where year(arrived) >= 2024")" "$(wc -l <columns.jsonl)"
echo "tables: DuckDB, ClickHouse and pandas agree on $(tr '\n' ',' <by_hand)"
