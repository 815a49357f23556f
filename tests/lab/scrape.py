"""Scrapes the metrics of a scan until it has ended, and compares them with its summary.

scrape.py PORT DOCUMENT HELD PAGE: the scan writes its summary into a FIFO that is full, and is descriptor 5 of this
process, so that it stays until the last page has been read and something stands in the file HELD. Counters must never fall from page to page, and each
key that DOCUMENT (docs/metrics.md) names in its last column must be what the last page says. That page is left in PAGE,
the summary on standard output.
"""
import json
import os
import re
import sys
import time
import urllib.request

port, document, held, kept = sys.argv[1:]


def scrape():
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=600) as answer:
        return answer.read().decode()


def series_of(page):
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line[0] != "#"}


def counters_of(series):
    return {name: value for name, value in series.items() if name.split("{")[0].endswith("_total")}


pages = [scrape()]
while series_of(pages[-1])['echoscan_phase{phase="ended"}'] != 1 or os.path.getsize(held) == 0:
    time.sleep(0.03)
    pages.append(scrape())
for one, two in zip(map(series_of, pages), map(series_of, pages[1:])):
    for name, value in counters_of(one).items():
        assert two[name] >= value, (name, value, two[name])
values = {series_of(page)["echoscan_probes_sent_total"] for page in pages}
assert len(values) >= 3, values  # it has been seen to grow
open(kept, "w").write(pages[-1])

os.read(5, 65536)
text = b""
while True:
    text += os.read(5, 65536)
    try:
        summary = json.loads(text)
        break
    except json.JSONDecodeError:
        pass


def look_up(key):
    value = summary
    for part in key.split("."):
        value = value[part]
    return value


last, compared = series_of(pages[-1]), 0
for line in open(document):
    row = re.match(r"\| `(echoscan_\w+)` \|.*\| ([^|]+) \|$", line)
    if not row:
        continue
    keys = re.findall(r"`([^`]+)`", row[2])
    for name, value in last.items():
        if name.split("{")[0] != row[1]:
            continue
        labels = dict(re.findall(r'(\w+)="([^"]*)"', name))
        expected = sum(look_up(key.format(**labels)) for key in keys)
        assert abs(value - expected) < 1e-6, (name, value, keys, expected)
        compared += 1
assert compared > 35, compared
for queue in summary["sending"]["queues"]:
    name = f'{{queue="{queue["queue"]}",mode="{queue["mode"]}"}}'
    for key, figure in (("sent", "sent"), ("refusals", "refusals"), ("kicks", "kicks")):
        assert last[f"echoscan_queue_{key}_total{name}"] == queue[figure], (name, queue)
for number, way in enumerate(summary["ways"]):
    found = [value for name, value in last.items() if name.startswith(f'echoscan_way_targets_replied_total{{way="{number}"')]
    assert found == [way["replied"]], (way, found)
json.dump(summary, sys.stdout)
