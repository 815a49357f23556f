#!/usr/bin/env python3
"""Writes the man pages: echoscan(1), a page for each command of the program, echoscan-json(5).

    manual_pages.py PROGRAM SOURCE FOLDER

Options, commands and exit statuses are the program's own words (program_tables.py). What a page says beyond them stands
in manual/PAGE.md, which a command need not have: paragraphs in front of the first heading end the description.
echoscan-json(5) is docs/json-lines.md, whose table has to have the program's fields.
"""
import re
import sys
import time
from pathlib import Path

import roff
from program_tables import Program, arguments_of, options_of, source_epoch

HERE = Path(__file__).resolve().parent


class Page:
    def __init__(self, program, source, name, section, what):
        date = time.strftime("%Y-%m-%d", time.gmtime(source_epoch(source)))
        self.file = f"{name}.{section}"
        self.lines = [f'.TH "{name.upper()}" "{section}" "{date}" "echoscan {program.version}" "echoscan"',
                      ".ad l", ".SH NAME", f"{roff.escape(name)} \\- {roff.escape(what)}"]

    def section(self, title, lines):
        self.lines += [f".SH {title}", *lines]

    def write(self, folder):
        (folder / self.file).write_text("\n".join(self.lines) + "\n", encoding="utf-8")


def extra_text(name):
    """What manual/NAME.md has in front of its first heading, and from there on."""
    path = HERE / "manual" / f"{name}.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    begin = re.search(r"^#", text, re.MULTILINE)
    at = begin.start() if begin else len(text)
    return text[:at], text[at:]


def option_lines(row):
    """An option's names and value, and what it means."""
    # A line may break behind each of many choices.
    choices = roff.escape(row["type"]).replace("|", "|\\:")
    value = f" \\fI{choices}\\fR" if choices else ""
    if row["argument"]:
        names = f"\\fI{choices or roff.escape(row['names'][0])}\\fR"
    else:
        names = ", ".join(f"\\fB{roff.escape(name)}\\fR" for name in row["names"]) + value
    return [".TP", names, *roff.paragraph([row["description"] + "."])]


def option_sections(command):
    headings = dict.fromkeys(row["heading"] for row in command["table"]["options"])
    lines = []
    for heading in headings:
        if len(headings) > 1:
            lines.append(f'.SS "{roff.escape(heading)}"')
        for row in arguments_of(command) + options_of(command):
            if row["heading"] == heading:
                lines += option_lines(row)
    return lines


def see_also(program, own):
    pages = [f"{program.name}(1)"] + [f"{program.name}-{command['name']}(1)" for command in program.commands]
    pages.append(f"{program.name}-json(5)")
    shown = []
    for page in pages:
        if page != own:
            name, section = page.rstrip(")").split("(")
            shown.append(f".BR {roff.escape(name)} ({section})")
    return [line + " ," for line in shown[:-1]] + [shown[-1], ".PP",
            "The documents in \\fI/usr/share/doc/echoscan\\fR say more, and why."]


def command_page(program, source, command):
    name = f"{program.name}-{command['name']}"
    page = Page(program, source, name, 1, command["what"])
    page.section("SYNOPSIS", [f".B {program.name} {command['name']}", roff.escape(command["usage"])])
    beginning, rest = extra_text(name)
    page.section("DESCRIPTION", roff.paragraph([command["table"]["what"]]) + roff.from_markdown(beginning))
    page.section("OPTIONS", option_sections(command))
    footer = command["table"]["footer"].strip()
    if footer.startswith("Exit status: "):
        page.section("\"EXIT STATUS\"", roff.paragraph(footer.removeprefix("Exit status: ").splitlines()))
    elif footer:
        page.section("NOTES", roff.code(footer.splitlines())[1:])
    page.lines += roff.from_markdown(rest, 1)
    page.section("\"SEE ALSO\"", see_also(program, f"{name}(1)"))
    return page


def program_page(program, source):
    page = Page(program, source, program.name, 1, program.what)
    synopsis = []
    for command in program.commands:
        synopsis += [f".B {program.name} {command['name']}", roff.escape(command["usage"]), ".br"]
    for option in ("--help", "--version"):
        synopsis += [f".B {program.name}", f"\\fB{roff.escape(option)}\\fR", ".br"]
    page.section("SYNOPSIS", synopsis[:-1])
    beginning, rest = extra_text(program.name)
    page.section("DESCRIPTION", roff.from_markdown(beginning)[1:])
    commands = []
    for command in program.commands:
        shown = f"{program.name}-{command['name']}"
        commands += [".TP", f".BR {roff.escape(shown)} (1)", *roff.paragraph([command["what"] + "."])]
    page.section("COMMANDS", commands)
    page.lines += roff.from_markdown(rest, 1)
    page.section("\"SEE ALSO\"", see_also(program, f"{program.name}(1)"))
    return page


def result_page(program, source):
    text = (Path(source) / "docs/json-lines.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `([a-z_0-9]+)` \|", text, re.MULTILINE)
    if documented != program.result_fields:
        sys.exit(f"docs/json-lines.md has the fields {documented}, the program {program.result_fields}")
    title, body = text.split("\n", 1)
    name = f"{program.name}-json"
    page = Page(program, source, name, 5, "results of a scan: JSON lines, CSV, addresses")
    assert title.startswith("# "), title
    first, rest = re.split(r"(?=^## )", body, maxsplit=1, flags=re.MULTILINE)
    page.section("DESCRIPTION", roff.from_markdown(first)[1:])
    page.lines += roff.from_markdown(rest, 1)
    page.section("\"SEE ALSO\"", see_also(program, f"{name}(5)"))
    return page


def main():
    program_path, source, folder = sys.argv[1:]
    program = Program(program_path)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.[15]"):
        stale.unlink()
    pages = [program_page(program, source), result_page(program, source)]
    pages += [command_page(program, source, command) for command in program.commands]
    for page in pages:
        page.write(folder)


main()
