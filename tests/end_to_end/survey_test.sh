#!/usr/bin/env bash
# docs/survey.md, followed literally: its commands are taken out of the page and run in the lab, with a cloud's list of
# thousands of prefixes inside 10.0.0.0/8 and a survey.conf of this place. Each region's share is the truth, less what
# the lab loses in both passes, and of the pilot the intervals hold it as often as they say.
source "$(dirname "${BASH_SOURCE[0]}")/../lab/prelude.sh"

cd "$work"
# A list shaped as Amazon's: a prefix has a region and a service, AMAZON has all of the others in it, and some services
# are not asked for.
python3 - <<'PY'
import json, random
random.seed(5)
regions = [f'{area}-{side}-{n}' for area in ('us', 'eu', 'ap') for side in ('east', 'west') for n in (1, 2)]
prefixes = []
for i in range(2500):
    length = random.choice([24, 24, 24, 25, 26, 28, 23, 22])
    first = 10 << 24 | (random.randrange(1 << 20) >> (32 - length) << (32 - length))
    prefix = '.'.join(str(first >> shift & 255) for shift in (24, 16, 8, 0)) + f'/{length}'
    region, service = random.choice(regions), random.choice(['EC2', 'EC2', 'S3', 'CLOUDFRONT', 'GLOBALACCELERATOR'])
    for name in ['AMAZON', service]:
        prefixes.append({'ip_prefix': prefix, 'region': region, 'service': name, 'network_border_group': region})
json.dump({'syncToken': '1', 'createDate': '2026-11-27-00-00-00', 'prefixes': prefixes, 'ipv6_prefixes': [
    {'ipv6_prefix': '2001:db8::/32', 'region': 'us-east-1', 'service': 'EC2', 'network_border_group': 'us-east-1'}]},
    open('ip-ranges.json', 'w'))
PY
printf '10.0.7.0/24\n10.3.3.3\n' >opted-out.txt
cat >survey.conf <<'CONF'
allow-reserved = true
interface = "lab0"
exclude-file = "opted-out.txt"
rate = "100k"
pass-gap = 1
cooldown = 1
contact = "Ada Lovelace <ada@example.org>"
vantage = "a lab, in no network"
ethics = "our own hosts"
CONF
for option in $(sed -n 's/^\([a-z-]*\) = .*/\1/p' "$root/docs/survey.md"); do
  grep -q "^$option = " survey.conf || fail "survey.conf of docs/survey.md has $option, and this test has not"
done

lab up --loss 3 --queues 2
# All is typed in the near end, which has no other link.
echoscan_program=$echoscan
echoscan() { near "$echoscan_program" "$@"; }
sudo() { "$@"; }
sed -n '/^```sh$/,/^```$/{/^```/d;p}' "$root/docs/survey.md" | sed -e ':a' -e '/\\$/{N;s/\\\n */ /;ba}' >commands
expect_equal "commands of docs/survey.md" "$(wc -l <commands)" 8
while IFS= read -r command; do
  eval "$command" >out 2>log || fail "'$command' ended with $?"
  case $command in
    *" targets "*)
      expect_text out "shares are known (95 %)"
      ;;
    *" compare "*)
      expect_text out "B heard as many as A, as far as chance goes"
      ;;
  esac
done <commands
for file in pilot.html survey.html survey.png survey.csv survey/data/report.html pilot/data/report.html; do
  [ -s $file ] || fail "there is no $file"
done
expect_equal "adds_up" "$(jq .ledger.adds_up survey/data/summary.json)" true
expect_equal "IPv6 entries" "$(jq .targets.ipv6_entries survey/data/summary.json)" 1
cmp survey.html survey/data/report.html || fail "the report is not that of the bundle"
expect_text survey.html "Ada Lovelace"

# The truth by region, from the list by another program, and who answers which pass, from the lab.
python3 - "$root" >truth.csv <<'PY'
import ipaddress, json, re
label_of, size_of = {}, {}
for entry in json.load(open('ip-ranges.json'))['prefixes']:
    label = entry['region'] + '/' + entry['service']
    if not re.search('/(AMAZON|EC2|GLOBALACCELERATOR)$', label):
        continue
    network = ipaddress.ip_network(entry['ip_prefix'])
    first, size = int(network.network_address), network.num_addresses
    for address in range(first, first + size):
        # The most specific range; among equals the one read last.
        if address not in size_of or size <= size_of[address]:
            label_of[address], size_of[address] = label, size
for text in open('opted-out.txt').read().split():
    network = ipaddress.ip_network(text)
    for address in range(int(network.network_address), int(network.network_address) + network.num_addresses):
        label_of.pop(address, None)
for address in sorted(label_of):
    print(f'{ipaddress.ip_address(address)},{label_of[address]}')
PY
expect_equal "targets" "$(jq .targets.count survey/data/summary.json)" "$(wc -l <truth.csv)"
lab truth 10.0.0.0/12 >alive.txt
python3 - <<'PY' || fail "shares are not the truth: $(cat differences)"
import csv, json, sys
label_of = dict(line.strip().split(',', 1) for line in open('truth.csv'))
alive = {line.strip() for line in open('alive.txt')}
asked, living = {}, {}
for address, label in label_of.items():
    asked[label] = asked.get(label, 0) + 1
    living[label] = living.get(label, 0) + (address in alive)
differences = open('differences', 'w')
rows = {row['group']: row for row in csv.DictReader(open('survey.csv')) if row['table'] == 'label'}
bad = 0
for label in asked:
    row = rows.get(label)
    # Of 3 % that are lost in each of two passes nearly nobody is lost in both: 0.09 %.
    lost = living[label] - int(row['replies']) if row else 1 << 30
    if not row or int(row['targets']) != asked[label] or not 0 <= lost <= 3 + living[label] / 100:
        print(label, asked[label], living[label], row, file=differences)
        bad += 1
if len(asked) < 30:
    print('few labels', len(asked), file=differences)
    bad += 1
# The pilot: of the intervals at 95 %, all but a few hold the share of those that are alive.
labels = {row['label']: row for row in json.load(open('pilot/data/summary.json'))['labels']}
figures = open('pilot/data/report.html').read()
figures = json.loads(figures[figures.index('id="figures">') + len('id="figures">'):].split('</script>')[0])
held = judged = 0
for name, sent, replied, low, high, rtt in next(g for g in figures['groups'] if g['key'] == 'label')['rows']:
    if low is None:
        continue
    judged += 1
    held += low <= living[name] / asked[name] <= high
if judged < 5 or held < 0.7 * judged:
    print('pilot', held, 'of', judged, file=differences)
    bad += 1
total = json.load(open('pilot/data/summary.json'))['response']
share = sum(living.values()) / sum(asked.values())
# At 95 % one run in twenty would be off; three times as wide, one in 10^8.
middle, half = (total['low'] + total['high']) / 2, (total['high'] - total['low']) / 2
if abs(share - middle) > 3 * half:
    print('pilot', total, share, file=differences)
    bad += 1
estimate = json.load(open('survey/data/summary.json'))['estimate']
everybody = sum(living.values())
if abs(estimate['targets'] - everybody) > 6 * estimate['standard_error'] + 1:
    print('estimate', estimate, everybody, file=differences)
    bad += 1
sys.exit(bad > 0)
PY
echo "regions and services: $(wc -l < <(cut -d, -f2 truth.csv | sort -u)), targets: $(wc -l <truth.csv)"
