#!/usr/bin/env python3
"""Published lists: what echoscan reads of them against what Python's own libraries do.

  tests/targets/published_lists_test.py ECHOSCAN FOLDER

FOLDER has a small list in each format. Then random ranges are written in each format by
Python's writers and read back. `echoscan targets` needs no privileges and sends nothing.
"""
import csv
import gzip
import io
import ipaddress
import json
import pathlib
import random
import subprocess
import sys
import tempfile

echoscan, folder = sys.argv[1], pathlib.Path(sys.argv[2])
RANGES = 3000
SEED = 20260102


def fail(what):
    sys.exit(f"FAIL: {what}")


def ends(text):
    """First and last address of a network, an address or a range; None for IPv6."""
    if ":" in text:
        return None
    if "-" in text:
        first, last = (int(ipaddress.IPv4Address(end.strip())) for end in text.split("-"))
        return first, last
    network = ipaddress.IPv4Network(text)
    return int(network[0]), int(network[-1])


def own_reading(text, name):
    """What a list has, [(prefix, label)], by Python's libraries and the format's description."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if name == "oracle.json":
        return [(block["cidr"], "/".join(filter(None, [region["region"], "+".join(block.get("tags", []))])))
                for region in json.loads(text)["regions"] for block in region["cidrs"]]
    if name == "github.json":
        return [(prefix, key) for key, values in json.loads(text).items()
                if isinstance(values, list) and key != "ssh_keys" for prefix in values]
    if name == "fastly.json":
        lists = json.loads(text)
        return [(prefix, "") for prefix in lists["addresses"] + lists["ipv6_addresses"]]
    if name == "cloudflare.json":
        lists = json.loads(text)["result"]
        return [(prefix, "") for prefix in lists["ipv4_cidrs"] + lists["ipv6_cidrs"]]
    if name == "microsoft365.json":
        return [(prefix, f"{item['serviceArea']}/{item['category']}")
                for item in json.loads(text) for prefix in item.get("ips", [])]
    if name == "prefixes.json":
        return [(prefix, "") for prefix in json.loads(text)]
    if name == "geofeed.csv":
        return [(row[0], ",".join(row[1:]).rstrip(",")) for row in csv.reader(lines)]
    if name == "ranges.csv":
        return [(f"{first}-{last}", f"AS{asn.removeprefix('AS')} {label}".strip())
                for first, last, asn, label in csv.reader(lines)]
    if name == "routes.pfx2as":
        return [(f"{network}/{length}", f"AS{origin}")
                for network, length, origin in csv.reader(lines, delimiter="\t")]
    if name == "delegated.txt":
        rows = [line.split("|") for line in lines]
        return [(f"{row[3]}-{ipaddress.IPv4Address(row[3]) + int(row[4]) - 1}" if row[2] == "ipv4" else row[3],
                 "/".join(filter(None, [row[0], row[1], row[6]])))
                for row in rows if row[2] in ("ipv4", "ipv6") and row[3] != "*"]
    if name == "drop.txt":
        return [(line.split(";")[0].strip(), "") for line in lines if not line.startswith(";")]
    if name == "drop.jsonl":
        return [(row["cidr"], row["sblid"]) for row in map(json.loads, lines) if "cidr" in row]
    if name == "results.jsonl":
        return [(row["target"], row.get("label", "")) for row in map(json.loads, lines)]
    if name == "results.csv":
        return [(row["target"], row["label"]) for row in csv.DictReader(io.StringIO(text))]
    if name == "cloudflare.txt":
        return [(line, "") for line in lines]
    return None


# What has no library's reading, by hand.
BY_HAND = {
    "masscan_exclude.txt": ["198.18.212.0/22", "198.18.216.0/23", "198.18.218.1", "198.18.218.3", "198.18.218.9",
                            "2001:db8:11::/48", "198.18.219.1-198.18.219.20"],
    "nmap_exclude.txt": ["198.18.224.0/24", "198.18.225.0/24", "198.18.226.1-198.18.226.9",
                         "198.18.227.1-198.18.227.9", "198.18.228.1-198.18.228.2", "198.18.228.7",
                         "2001:db8:12::/64"],
}


def labels_of_addresses(entries):
    """The label of each address: the smallest range's, and the later line's among equals."""
    known = {}
    ranked = [(ends(prefix), label) for prefix, label in entries if ends(prefix)]
    for (first, last), label in sorted(ranked, key=lambda entry: entry[0][0] - entry[0][1]):
        for address in range(first, last + 1):
            known[address] = label
    return known


def run(path, *options):
    return subprocess.run([echoscan, "targets", "--allow-reserved", *options, "-t", str(path)],
                          capture_output=True, text=True)


def read_by_echoscan(path):
    """[(first, last, label)] that echoscan lists, and its counts."""
    listed = run(path, "--list", "--quiet")
    report = run(path, "--format", "json", "--quiet")
    if listed.returncode or report.returncode:
        fail(f"{path}: {listed.stderr}{report.stderr}")
    entries = []
    for line in listed.stdout.splitlines():
        text, _, label = line.partition(" ")
        entries.append((*ends(text), label))
    return entries, json.loads(report.stdout)


def check_sample(path):
    text = path.read_text()
    entries = ([(prefix, "") for prefix in BY_HAND[path.name]] if path.name in BY_HAND
               else own_reading(text, path.name))
    if entries is None:
        fail(f"nobody says what is in {path.name}")
    expected = labels_of_addresses(entries)
    if not expected:
        fail(f"{path.name} has no address")
    listed, report = read_by_echoscan(path)
    found = {address: label for first, last, label in listed for address in range(first, last + 1)}
    if found != expected:
        wrong = sorted(set(found.items()) ^ set(expected.items()))[:5]
        fail(f"{path.name}: " + "; ".join(f"{ipaddress.IPv4Address(a)} {label!r}" for a, label in wrong))
    ipv6 = sum(ends(prefix) is None for prefix, _ in entries)
    if report["ipv6_entries"] != ipv6:
        fail(f"{path.name}: {report['ipv6_entries']} IPv6 entries instead of {ipv6}")


def random_ranges(chance, are_networks):
    """Ranges apart from each other, with labels, in no order."""
    ranges, labels = [], [f"{chance.choice(['Øst', 'a b', 'x', 'né'])} {i}" for i in range(40)]
    begin = int(ipaddress.IPv4Address("1.0.0.0"))
    for _ in range(RANGES):
        size = 1 << chance.randrange(9) if are_networks else chance.randrange(1, 300)
        first = begin + chance.randrange(1, 2000)
        if are_networks:
            first = (first + size) // size * size
        ranges.append((first, first + size - 1, chance.choice(labels)))
        begin = first + size
    chance.shuffle(ranges)
    return ranges


def network(first, last):
    return f"{ipaddress.IPv4Address(first)}/{32 - (last - first).bit_length()}"


def address(value):
    return str(ipaddress.IPv4Address(value))


def csv_text(rows, **form):
    out = io.StringIO()
    csv.writer(out, **form).writerows(rows)
    return out.getvalue()


def by_label(ranges):
    labels = {}
    for first, last, label in ranges:
        labels.setdefault(label, []).append(network(first, last))
    return labels


# Each: whether it has networks alone, what writes it, and what becomes of a label.
SWEEPS = {
    "text": (False, lambda rs: "".join(f"{address(a)}-{address(b)} {label}\n" for a, b, label in rs), str),
    "blanks": (False, lambda rs: "".join(f"{address(a)}-{address(b)}" + (", " if i % 20 else "\n")
                                         for i, (a, b, _) in enumerate(rs)), lambda _: ""),
    "amazon": (True, lambda rs: json.dumps({"prefixes": [
        {"service": label, "ip_prefix": network(a, b), "region": "r"} for a, b, label in rs]}), lambda x: f"r/{x}"),
    "oracle": (True, lambda rs: json.dumps({"regions": [
        {"cidrs": [{"tags": [label, "T"], "cidr": network(a, b)}], "region": "r"} for a, b, label in rs]}, indent=1),
        lambda x: f"r/{x}+T"),
    "github": (True, lambda rs: json.dumps(by_label(rs), indent=2), str),
    "fastly": (True, lambda rs: json.dumps({"addresses": [network(a, b) for a, b, _ in rs]}), lambda _: ""),
    "cloudflare": (True, lambda rs: json.dumps({"result": {"ipv4_cidrs": [network(a, b) for a, b, _ in rs]}}),
                   lambda _: ""),
    "microsoft": (True, lambda rs: json.dumps({"values": [
        {"name": label, "properties": {"addressPrefixes": blocks}} for label, blocks in by_label(rs).items()]}), str),
    "microsoft365": (True, lambda rs: json.dumps([
        {"id": 1, "ips": blocks, "serviceArea": label, "category": "c", "urls": ["example.net"]}
        for label, blocks in by_label(rs).items()]), lambda x: f"{x}/c"),
    "array": (True, lambda rs: json.dumps([network(a, b) for a, b, _ in rs]), lambda _: ""),
    "geofeed": (True, lambda rs: "".join(f"{network(a, b)},XA,,{label},\n" for a, b, label in rs),
                lambda x: f"XA,,{x}"),
    "csv": (False, lambda rs: csv_text([(address(a), address(b), 64500, label) for a, b, label in rs]),
            lambda x: f"AS64500 {x}"),
    "quoted": (False, lambda rs: csv_text([("name", "last", "first")] + [
        (f'"{label}", ,', address(b), address(a)) for a, b, label in rs], quoting=csv.QUOTE_ALL),
        lambda x: f'"{x}", ,'),
    "routes": (True, lambda rs: csv_text([(*network(a, b).split("/"), len(label)) for a, b, label in rs],
                                         delimiter="\t"), lambda x: f"AS{len(x)}"),
    "registry": (False, lambda rs: f"x|*|ipv4|*|{len(rs)}|summary\n" + "".join(
        f"x|XA|ipv4|{address(a)}|{b - a + 1}|20260102|{label}\n" for a, b, label in rs), lambda x: f"x/XA/{x}"),
    "drop": (True, lambda rs: "; a list\n" + "".join(f"{network(a, b)} ; {label}\n" for a, b, label in rs),
             lambda _: ""),
    "drop_json": (True, lambda rs: "\n".join(json.dumps({"cidr": network(a, b), "sblid": label})
                                             for a, b, label in rs), str),
    "results": (False, lambda rs: "".join(json.dumps({"target": f"{address(a)}-{address(b)}", "label": label}) + "\n"
                                          for a, b, label in rs), str),
    "result_table": (True, lambda rs: csv_text([("label", "ttl", "target")] + [
        (label, 64, network(a, b)) for a, b, label in rs]), str),
}


def merged(ranges):
    """Neighbours with one label are one range."""
    out = []
    for first, last, label in sorted(ranges):
        if out and out[-1][1] + 1 == first and out[-1][2] == label:
            out[-1] = (out[-1][0], last, label)
        else:
            out.append((first, last, label))
    return out


def sweep(work):
    for number, (name, (are_networks, write, label_of)) in enumerate(SWEEPS.items()):
        chance = random.Random(SEED + number)
        ranges = random_ranges(chance, are_networks)
        data = write(ranges).encode()
        path = work / name
        path.write_bytes(gzip.compress(data) if number % 2 else data)
        expected = merged((first, last, label_of(label)) for first, last, label in ranges)
        found = merged(read_by_echoscan(path)[0])
        if found != expected:
            place = next((i for i, pair in enumerate(zip(found, expected)) if pair[0] != pair[1]), -1)
            fail(f"{name}: {len(found)} ranges instead of {len(expected)}; "
                 f"{found[place]} instead of {expected[place]}")
        # As exclusions, they take off exactly themselves.
        excluded = subprocess.run([echoscan, "targets", "--allow-reserved", "--format", "json", "--quiet",
                                   "0.0.0.0/0", "--exclude-file", str(path)], capture_output=True, text=True)
        count = sum(last - first + 1 for first, last, _ in ranges)
        if excluded.returncode or json.loads(excluded.stdout)["excluded_by_user"] != count:
            fail(f"{name} as exclusions: {excluded.stderr or excluded.stdout[:300]}")


known = {"amazon.json", "google.json", "microsoft.json"}  # of target_list_test
samples = [path for path in sorted(folder.iterdir()) if path.name not in known]
for sample in samples:
    check_sample(sample)
with tempfile.TemporaryDirectory() as name:
    sweep(pathlib.Path(name))
print(f"{len(samples)} samples, {len(SWEEPS)} formats of {RANGES} random ranges")
