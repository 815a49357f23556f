"""The program's own tables of commands, options and result fields, as it prints them (--help-json).

Man pages and completions are made of these and of nothing else, so a command or an option that is added to the program
is in all of them at the next build.

    program_tables.py SOURCE    prints when the source was made
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path


def ask(program, *arguments):
    run = subprocess.run([program, *arguments, "--help-json"], stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)


class Program:
    """name, what, version; commands: name, what, usage, table; result_fields."""

    def __init__(self, program):
        listed = ask(program)
        self.name = listed["name"]
        self.what = listed["what"]
        self.version = listed["version"]
        self.result_fields = listed["result_fields"]
        self.commands = listed["commands"]
        for command in self.commands:
            command["table"] = ask(program, command["name"])
            assert command["table"]["name"] == f"{self.name} {command['name']}", command["name"]
            assert command["table"]["options"], f"{command['name']} has no options"


def options_of(command):
    return [row for row in command["table"]["options"] if not row["argument"]]


def arguments_of(command):
    return [row for row in command["table"]["options"] if row["argument"]]


def values_of(row, program):
    """What an option's value can be completed with: a list of words, "files", "folders", "interfaces" or None."""
    kind = row["type"] or row["names"][0]
    if re.fullmatch(r"[a-z0-9_]+(\|[a-z0-9_]+)+", kind):
        return kind.split("|")
    if kind == "FIELD,...":
        return program.result_fields
    words = re.findall(r"[A-Z]+", kind)
    if "FILE" in words or "LIST" in words:
        return "files"
    if "DIR" in words or "FOLDER" in words:
        return "folders"
    if "IF" in words or "INTERFACE" in words:
        return "interfaces"
    return None


def source_epoch(source):
    """When this source was made, in seconds since 1970: the same for whoever builds the same commit."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    source = Path(source)
    if (source / ".git").exists():
        run = subprocess.run(["git", "-C", source, "log", "-1", "--format=%ct"], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=False)
        if run.returncode == 0:
            return int(run.stdout)
    exported = re.fullmatch(r"[0-9a-f]+ ([0-9]+)\n", (source / "packaging/source_commit.txt").read_text())
    return int(exported[1]) if exported else int((source / "CHANGELOG.md").stat().st_mtime)


if __name__ == "__main__":
    print(source_epoch(sys.argv[1]))
