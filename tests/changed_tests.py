#!/usr/bin/env python3
"""Runs the tests of a build folder that have not passed as they are now.

   changed_tests.py BUILD LABEL-REGEX

A test has passed as it is when it did so with the same programs and with the same files, sources
of C++ left out: those are what its program was made of, and a program that was linked anew and has
the same bytes has not changed. style_test reads the sources, and always runs. What has passed is
kept in BUILD/passed.json; without that file all run. Modules, which a program opens when it runs,
count for every test.
"""
import glob
import hashlib
import json
import os
import subprocess
import sys
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = (".cpp", ".h", ".c")
ALWAYS = {"style_test"}


def digest_of(paths):
    """Of the names and the bytes of files; one that is gone is as good as an empty one."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.encode() + b"\0")
        if os.path.isfile(path):
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def checkout_digest():
    """Of all files that tests may read beside their programs."""
    paths = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in (".git", "build", "__pycache__")]
        paths += [os.path.join(folder, name) for name in names if not name.endswith(SOURCES)]
    return digest_of(sorted(paths))


def keys_of(build, labels):
    """Each test's name, and what it is made of."""
    shown = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1", "--label-regex", labels],
                           check=True, capture_output=True, text=True).stdout
    files = checkout_digest() + digest_of(sorted(glob.glob(os.path.join(build, "**", "*.so"), recursive=True)))
    keys = {}
    for test in json.loads(shown)["tests"]:
        # A folder stands for the program in it.
        programs = [os.path.join(word, "echoscan") if os.path.isdir(word) else word for word in test["command"]]
        keys[test["name"]] = digest_of(programs) + files
    return keys


def main():
    build, labels = os.path.abspath(sys.argv[1]), sys.argv[2]
    record = os.path.join(build, "passed.json")
    keys = keys_of(build, labels)
    if not keys:
        sys.exit(f"changed_tests.py: {build} has no test of {labels}")
    passed = {}
    if os.path.exists(record):
        with open(record) as file:
            passed = json.load(file)
    changed = [name for name in keys if name in ALWAYS or passed.get(name) != keys[name]]
    print(f"{len(changed)} of {len(keys)} tests: the others have passed as they are", flush=True)
    if not changed:
        return
    report = os.path.join(build, "changed_tests.xml")
    # Two more than there are CPUs, as some only wait.
    ran = subprocess.run(["ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error",
                          "--parallel", str(os.cpu_count() + 2), "--output-junit", report,
                          "--tests-regex", "^(" + "|".join(changed) + ")$"])
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        passed.pop(case.get("name"), None)
        if case.get("status") == "run":
            passed[case.get("name")] = keys[case.get("name")]
    with open(record, "w") as file:
        json.dump(passed, file)
    sys.exit(ran.returncode)


if __name__ == "__main__":
    main()
