#!/usr/bin/env python3
"""Writes the completions of bash, zsh and fish, out of the program's own tables (program_tables.py).

    completions.py PROGRAM FOLDER

bash's needs nothing of the package bash-completion but to be found by it. No completion runs the program: a key that is
pressed should not load a BPF library.
"""
import sys
from pathlib import Path

from program_tables import Program, arguments_of, options_of, values_of

HEAD = "# Made from the option tables of echoscan {version}; a change here is lost with the next build.\n"
INTERFACES = "/sys/class/net"


def quoted(text):
    """One word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"



def argument_files(command, program):
    """Whether the words behind the options are files: of "A" and "B" of `compare`, too, and of a bundle's folder."""
    return any(row["type"] != "TARGET" for row in arguments_of(command))


BASH_BODY = """
_echoscan() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
  local options="" values="" kind=""
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "%(commands)s --help --version" -- "$current")
    return
  fi
  case $command in
%(cases)s
  esac
  case $kind in
    files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    interfaces) mapfile -t COMPREPLY < <(compgen -W "$(cd /sys/class/net && echo *)" -- "$current") ;;
    values) mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current") ;;
    list) # The last of several with commas.
      mapfile -t COMPREPLY < <(compgen -P "${current%%"${current##*,}"}" -W "$values" -- "${current##*,}")
      compopt -o nospace ;;
    nothing) ;;
    *) if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
       elif [ "$kind" = arguments ]; then compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); fi ;;
  esac
}
complete -F _echoscan echoscan
"""


def bash_case(command, program):
    options = options_of(command)
    names = " ".join(name for row in options for name in row["names"])
    lines = [f"    {command['name']})", f"      options={quoted(names)}"]
    if argument_files(command, program):
        lines.append("      kind=arguments")
    lines.append("      case $before in")
    for row in options:
        if not row["type"]:
            continue
        values = values_of(row, program)
        pattern = "|".join(row["names"])
        if isinstance(values, list):
            kind = "list" if row["type"].endswith(",...") else "values"
            lines.append(f"        {pattern}) kind={kind} values={quoted(' '.join(values))} ;;")
        else:
            lines.append(f"        {pattern}) kind={values or 'nothing'} ;;")
    return "\n".join([*lines, "      esac ;;"])


def bash(program):
    cases = "\n".join(bash_case(command, program) for command in program.commands)
    return "# shellcheck shell=bash\n" + HEAD.format(version=program.version) + BASH_BODY % {
        "commands": " ".join(command["name"] for command in program.commands), "cases": cases}


def zsh_text(text):
    """What stands in brackets, or behind a colon, of _arguments."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def zsh_action(row, program):
    values = values_of(row, program)
    if isinstance(values, list):
        words = " ".join(values)
        return f"_values -s , {row['names'][-1].lstrip('-')} {words}" if row["type"].endswith(",...") else f"({words})"
    return {"files": "_files", "folders": "_files -/", "interfaces": f"_files -W {INTERFACES}", None: " "}[values]


def zsh_option(row, program):
    names = row["names"]
    again = "*" if row["repeatable"] else ""
    what = f"[{zsh_text(row['description'])}]"
    value = f":{zsh_text(row['type'])}:{zsh_action(row, program)}" if row["type"] else ""
    others = "" if again else f"({' '.join(names)})"
    return [quoted(f"{others}{again}{name}{what}{value}") for name in names]


def zsh(program):
    commands = " ".join(quoted(f"{c['name']}:{zsh_text(c['what'])}") for c in program.commands)
    lines = ["#compdef echoscan", HEAD.format(version=program.version).rstrip(), "_echoscan() {",
             "  local -a commands", f"  commands=({commands})", "  if (( CURRENT == 2 )); then",
             "    _describe command commands", "    return", "  fi", "  local command=$words[2]",
             "  shift words", "  (( CURRENT-- ))", "  case $command in"]
    for command in program.commands:
        specs = [spec for row in options_of(command) for spec in zsh_option(row, program)]
        for row in arguments_of(command):
            action = "_files" if argument_files(command, program) else " "
            specs.append(quoted(f"*:{zsh_text(row['type'] or row['names'][0])}:{action}"))
        lines.append(f"    {command['name']})")
        lines.append("      _arguments -S \\\n        " + " \\\n        ".join(dict.fromkeys(specs)) + " ;;")
    return "\n".join([*lines, "  esac", "}", '_echoscan "$@"', ""])


def fish_option(command, row, program):
    parts = ["complete -c echoscan", f"-n {quoted('__fish_seen_subcommand_from ' + command['name'])}"]
    for name in row["names"]:
        parts.append(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}")
    values = values_of(row, program) if row["type"] else None
    if isinstance(values, list):
        parts.append(f"-x -a {quoted(' '.join(values))}")
    elif values == "files":
        parts.append("-r -F")
    elif values == "folders":
        parts.append("-x -a '(__fish_complete_directories)'")
    elif values == "interfaces":
        parts.append("-x -a '(__fish_print_interfaces)'")
    elif row["type"]:
        parts.append("-x")
    return " ".join([*parts, f"-d {quoted(row['description'])}"])


def fish(program):
    lines = [HEAD.format(version=program.version).rstrip(), "complete -c echoscan -f"]
    for command in program.commands:
        lines.append(f"complete -c echoscan -n __fish_use_subcommand -a {command['name']} -d {quoted(command['what'])}")
    for command in program.commands:
        if argument_files(command, program):
            lines.append(f"complete -c echoscan -n {quoted('__fish_seen_subcommand_from ' + command['name'])} -F")
        lines += [fish_option(command, row, program) for row in options_of(command)]
    return "\n".join([*lines, ""])


def main():
    program_path, folder = sys.argv[1:]
    program = Program(program_path)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("echoscan", bash(program)), ("_echoscan", zsh(program)), ("echoscan.fish", fish(program))):
        (folder / name).write_text(text, encoding="utf-8")


main()
