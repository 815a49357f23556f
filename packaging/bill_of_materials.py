#!/usr/bin/env python3
"""Writes the bill of materials of the program: SPDX 2.3, JSON.

    bill_of_materials.py PROGRAM SOURCE FILE

It has the program, the libraries that it is linked with, and what has become part of it: JavaScript for the page of a
report, and libraries of headers. Versions are those of the Debian packages on this machine, where it was built; dpkg and
the program's dynamic section say which they are. A library without a row below ends it: somebody has to say what its
licence is.
"""
import hashlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

from program_tables import ask, source_epoch

# By source package, so that another soname needs no other row: SPDX's expression for the licence of what is used of it.
LINKED = {
    "gcc-12": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "gcc-14": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "glibc": "LGPL-2.1-or-later",
    "fmtlib": "MIT",
    "libbpf": "LGPL-2.1-only OR BSD-2-Clause",
    "libmaxminddb": "Apache-2.0",
    "libmd": "BSD-3-Clause AND BSD-2-Clause AND ISC AND Beerware",
    "libmnl": "LGPL-2.1-or-later",
    "libpcap": "BSD-3-Clause",
    "libpng1.6": "libpng-2.0",
    "libseccomp": "LGPL-2.1-only",
    "libzstd": "BSD-3-Clause OR GPL-2.0-only",
    "simdjson": "Apache-2.0",
    "spdlog": "MIT",
    "xdp-tools": "LGPL-2.1-only OR BSD-2-Clause",
    "zlib": "Zlib",
}
# What is compiled in, by binary package.
EMBEDDED = {
    "libjs-chart.js": "MIT",
    "libjs-leaflet": "BSD-2-Clause",
    "libboost-dev": "BSL-1.0",
    "libcli11-dev": "BSD-3-Clause",
    "libexpected-dev": "CC0-1.0",
    "libkainjow-mustache-dev": "BSL-1.0",
    "nlohmann-json3-dev": "MIT",
}


def said_by(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def package_facts(package):
    shown = said_by("dpkg-query", "-W", "-f=${Package}\t${Version}\t${source:Package}\t${Architecture}\t${Homepage}\n",
                    package)
    return dict(zip(("name", "version", "source", "architecture", "homepage"), shown.splitlines()[0].split("\t")))


def linked_packages(program):
    """The packages of the libraries that the program names, and not of those that these need."""
    needed = re.findall(r"NEEDED +(\S+)", said_by("objdump", "-p", program))
    paths = dict(re.findall(r"^\s*(\S+) => (\S+)", said_by("ldd", program), re.MULTILINE))
    packages = set()
    for library in needed:
        path = Path(paths.get(library, library))
        if library.startswith("ld-linux"):
            continue
        # Packages do not agree on whether a library is in /lib or in /usr/lib.
        owner = said_by("dpkg", "-S", f"*/{path.parent.name}/{path.name}")
        packages.add(owner.split(":")[0])
    return sorted(packages)


def entry(facts, licence, purpose):
    spdx_id = "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", facts["name"])
    return {"SPDXID": spdx_id, "name": facts["name"], "versionInfo": facts["version"],
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": licence,
            "licenseDeclared": licence, "copyrightText": "NOASSERTION", "primaryPackagePurpose": purpose,
            "sourceInfo": f"built from the Debian source package {facts['source']}",
            **({"homepage": facts["homepage"]} if facts["homepage"] else {}),
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator":
                              f"pkg:deb/debian/{facts['name']}@{quote(facts['version'], safe='~')}"
                              f"?arch={facts['architecture']}"}]}


def program_entry(program, version):
    notes = said_by("readelf", "-n", program)
    build_id = re.search(r"Build ID: ([0-9a-f]+)", notes)[1]
    return {"SPDXID": "SPDXRef-Package-echoscan", "name": "echoscan", "versionInfo": version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "Apache-2.0",
            "licenseDeclared": "Apache-2.0", "copyrightText": "2026 the echoscan authors",
            "comment": f"/usr/bin/echoscan with the build id {build_id}; its BPF programs are GPL-2.0-only OR Apache-2.0",
            "primaryPackagePurpose": "APPLICATION"}


def main():
    program, source, path = sys.argv[1:]
    version = ask(program)["version"]
    packages = [program_entry(program, version)]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Package-echoscan")]
    for package in linked_packages(program):
        facts = package_facts(package)
        if facts["source"] not in LINKED:
            sys.exit(f"bill_of_materials.py has no licence of {facts['source']}, with which {program} is linked")
        packages.append(entry(facts, LINKED[facts["source"]], "LIBRARY"))
        relations.append(("SPDXRef-Package-echoscan", "DYNAMIC_LINK", packages[-1]["SPDXID"]))
    for package, licence in EMBEDDED.items():
        packages.append(entry(package_facts(package), licence, "LIBRARY"))
        relations.append(("SPDXRef-Package-echoscan", "CONTAINS" if package.startswith("libjs-") else "STATIC_LINK",
                          packages[-1]["SPDXID"]))
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"echoscan-{version}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(source_epoch(source))),
                         "creators": ["Tool: echoscan-bill_of_materials"]},
        "packages": packages,
        "relationships": [{"spdxElementId": of, "relationshipType": kind, "relatedSpdxElement": to}
                          for of, kind, to in relations]}
    # One name for one document: what is in it makes it.
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    document["documentNamespace"] = f"urn:echoscan:spdx:{version}:{digest[:32]}"
    Path(path).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


main()
