#!/usr/bin/env python3
"""Writes the Debian changelog of the package: one entry, since CHANGELOG.md, its changelog.gz, has what users notice.

    debian_changelog.py SOURCE VERSION MAINTAINER FILE
"""
import email.utils
import sys
from pathlib import Path

from program_tables import source_epoch


def main():
    source, version, maintainer, path = sys.argv[1:]
    date = email.utils.formatdate(source_epoch(source), localtime=False)
    Path(path).write_text(f"echoscan ({version}) unstable; urgency=medium\n\n"
                          "  * What has changed is in changelog.gz.\n\n"
                          f" -- {maintainer}  {date}\n", encoding="utf-8")


main()
