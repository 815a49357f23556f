"""The Markdown of this project's documents as the roff of a man page.

What the documents use and no more: headings, paragraphs, code blocks, tables of two columns and of more, bullets,
numbers, and in a line code, emphasis and links.
"""
import re


def escape(text):
    """Text that stands for itself. A '-' is what a shell wants, and not a hyphen."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga") \
               .replace("^", "\\(ha").replace("~", "\\(ti")


def guard(line):
    """A line of text, which must not be taken for a request."""
    return "\\&" + line if line.startswith((".", "\\(aq")) else line


INLINE = re.compile(r"``\s?(?P<ticks>.+?)\s?``|`(?P<code>[^`]+)`|\*\*(?P<bold>[^*]+)\*\*|\*(?P<stress>[^*\s][^*]*)\*"
                    r"|\[(?P<link>[^\]]*)\]\((?P<target>[^)]*)\)")


def inline(text):
    out, end = "", 0
    for match in INLINE.finditer(text):
        out += escape(text[end:match.start()])
        end = match.end()
        if match["link"] is not None:
            out += inline(match["link"])
            if match["target"].startswith("https://"):
                out += f" ({escape(match['target'])})"
        elif match["stress"]:
            out += f"\\fI{escape(match['stress'])}\\fR"
        else:
            out += f"\\fB{escape(match['code'] or match['ticks'] or match['bold'])}\\fR"
    return out + escape(text[end:])


def paragraph(lines):
    return [guard(inline(" ".join(line.strip() for line in lines)))]


def cells(line):
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def table(lines):
    head, _, *rows = [cells(line) for line in lines]
    out = []
    for row in rows:
        out += [".TP", guard(inline(row[0]))]
        if len(row) == 2:
            out += paragraph([row[1]])
        else:
            parts = [f"{name}: {value}" for name, value in zip(head[1:], row[1:]) if value]
            out += paragraph(["; ".join(parts)])
    return out


def code(lines):
    return [".PP", ".in +4n", ".EX"] + [guard(escape(line)) for line in lines] + [".EE", ".in"]


def blocks(text):
    """The text's blocks, each a kind and its lines."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        begin = at
        at += 1
        if not line.strip():
            continue
        if line.startswith("```"):
            while not lines[at].startswith("```"):
                at += 1
            at += 1
            yield "code", lines[begin + 1:at - 1]
        elif line.startswith("#"):
            yield "heading", [line]
        elif line.startswith("|"):
            while at < len(lines) and lines[at].startswith("|"):
                at += 1
            yield "table", lines[begin:at]
        else:
            is_item = re.match(r"(-|\d+\.) ", line)
            while at < len(lines) and lines[at].strip() and not re.match(r"(- |\d+\. |#|\||```)", lines[at]):
                at += 1
            yield "item" if is_item else "paragraph", lines[begin:at]


def from_markdown(text, level=0):
    """The roff's lines. A heading of LEVEL + 1 becomes a section, deeper ones parts of it."""
    out = []
    after_heading = False
    for kind, lines in blocks(text):
        if kind == "heading":
            depth = len(lines[0]) - len(lines[0].lstrip("#")) - level
            title = lines[0].lstrip("# ").replace("`", "").replace("*", "")
            out.append(f'.SH "{escape(title.upper())}"' if depth <= 1 else f'.SS "{escape(title)}"')
        elif kind == "code":
            out += code(lines)
        elif kind == "table":
            out += table(lines)
        elif kind == "item":
            mark, rest = lines[0].split(" ", 1)
            shown = "\\(bu" if mark == "-" else mark
            out += [f".IP {shown} 3"] + paragraph([rest, *lines[1:]])
        else:
            out += ([] if after_heading else [".PP"]) + paragraph(lines)
        after_heading = kind == "heading"
    return out
