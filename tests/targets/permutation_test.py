#!/usr/bin/env python3
"""The published order: echoscan against the reference implementation and docs/permutation.md.

  tests/targets/permutation_test.py ECHOSCAN DOCUMENT

Runs `echoscan scan --dry-run`, which needs no privileges and sends nothing.
"""
import ipaddress
import itertools
import json
import os
import random
import subprocess
import sys

from permutation_reference import Order, digest

echoscan, document = sys.argv[1:]
# A scheduler's variables would say a shard where the test says none.
environment = {k: v for k, v in os.environ.items()
               if not k.startswith(("SLURM_", "JOB_COMPLETION", "ECHOSCAN_"))}


def numbers(text):
    """A target's text as (first, last)."""
    if "-" in text:
        first, last = text.split("-")
        return int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(last))
    network = ipaddress.IPv4Network(text)
    return int(network[0]), int(network[-1])


def dry_run(ranges, seed, options=()):
    """The targets, and what the log says."""
    run = subprocess.run([echoscan, "scan", "--dry-run", "--allow-reserved", "--seed", str(seed),
                          *options, *ranges], capture_output=True, text=True, check=True,
                         env=environment)
    return run.stdout.split(), run.stderr


def expect(what, actual, expected):
    if actual != expected:
        sys.exit(f"FAILED: {what}: {actual!r} and not {expected!r}")


def check_vector(vector):
    order = Order([numbers(text) for text in vector["ranges"]], vector["seed"])
    begin, end = order.shard_steps(vector["first"], *vector["shard"])
    expect("the reference on a vector",
           dict(vector, n=order.n, p=order.p, g=order.g, x0=order.x0, steps=[begin, end],
                sha256=digest(order.ranges), targets=list(itertools.islice(order.walk(begin, end), 8))),
           vector)
    options = ["--max-targets", str(vector["first"]), "--shard", "{}/{}".format(*vector["shard"])]
    targets, log = dry_run(vector["ranges"], vector["seed"], options)
    expect(f"echoscan on the vector {vector}", targets[:8], vector["targets"])
    for said in (vector["sha256"], f"steps {begin} to {end} of"):
        expect(f"echoscan's log says '{said}': {log}", said in log, True)


def check_random(choose):
    ranges = []
    for _ in range(choose.randint(1, 12)):
        first = choose.choice([choose.randrange(2**32 - 1000), choose.randrange(2**24, 2**24 + 3000)])
        ranges.append((first, first + choose.randrange(choose.choice([1, 20, 900]))))
    seed = choose.randrange(2**53)
    order = Order(ranges, seed)
    count = choose.choice([1, 2, 3, 7, 64])
    index = choose.randrange(count)
    passes = choose.randint(1, 2)
    percent = choose.choice(["0.1%", "33.3%", "100%"])
    first, option = choose.choice([
        (order.n, []),
        (choose.randint(1, order.n + 9), None),
        (max(1, int(order.n * float(percent[:-1]) / 100)), ["--max-targets", percent])])
    if option is None:
        option = ["--max-targets", str(first)]
    texts = [f"{ipaddress.IPv4Address(a)}-{ipaddress.IPv4Address(b)}" for a, b in ranges]
    options = [*option, "--shard", f"{index}/{count}", "--probes", str(passes)]
    targets, log = dry_run(texts, seed, options)
    expected = list(order.walk(*order.shard_steps(first, index, count))) * passes
    expect(f"{options}, seed {seed}, {texts}", targets, expected)
    expect("the digest in the log", digest(order.ranges) in log, True)
    return len(targets)


with open(document) as lines:
    vectors = [json.loads(line) for line in lines if line.startswith('{"ranges"')]
expect("vectors in the document", len(vectors) >= 5, True)
for each in vectors:
    check_vector(each)
source = random.Random(20)
drawn = sum(check_random(source) for _ in range(20))
print(f"{len(vectors)} vectors, 20 random scans of {drawn} targets agree")
