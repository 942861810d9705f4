#!/usr/bin/env python3
"""Makes the C tables of norms and of published supporter figures.

usage: norms.py OUT.c NORMS.yaml SUPPORTERS.csv
"""
import csv
import re
import sys

import yaml

from catalogue import c_string, fail, french

SYSTEMS = ["un", "gcsc", "osce", "un-cbm"]
COUNTS = {"un": 11, "gcsc": 8, "osce": 16, "un-cbm": 8}


def norm_rows(path, document):
    rows = []
    counts = dict.fromkeys(SYSTEMS, 0)
    for row in document["norms"]:
        place = f"{path}: {row.get('system')} {row.get('id')}"
        if set(row) - {"unchecked"} != {"id", "system", "principles", "en", "fr"}:
            fail(place, "members are id, system, principles, en, fr and maybe unchecked")
        if row["system"] not in SYSTEMS:
            fail(place, f"the system is one of {SYSTEMS}")
        counts[row["system"]] += 1
        mask = 0
        for principle in row["principles"]:
            if not 1 <= principle <= 9:
                fail(place, "principles are 1 to 9")
            mask |= 1 << principle
        rows.append("    { %d, %s, { %s, %s }, 0x%x, %s }," % (
            SYSTEMS.index(row["system"]), c_string(row["id"]), c_string(row["en"]),
            c_string(french(row["fr"])), mask, "TRUE" if row.get("unchecked") else "FALSE"))
    if counts != COUNTS:
        fail(path, f"the systems have {COUNTS} rows, not {counts}")
    return rows


def system_rows(path, document):
    rows = []
    if list(document["systems"]) != SYSTEMS:
        fail(path, f"systems are {SYSTEMS}, in this order")
    for name, row in document["systems"].items():
        rows.append("    { %s, %s, { %s, %s } }," % (
            c_string(name), c_string(row["reference"]), c_string(row["title"]["en"]),
            c_string(french(row["title"]["fr"]))))
    return rows


def supporter_rows(path):
    rows = []
    with open(path, encoding="utf-8") as stream:
        lines = [line for line in stream if not line.startswith("#")]
    for row in csv.reader(lines):
        if len(row) != 7 or not re.match(r"^\d{4}(-\d\d){0,2}$", row[0]) or not row[6]:
            fail(f"{path}: {row}", "seven fields: date, five figures, source")
        rows.append("    { %s }," % ", ".join(c_string(field) for field in row))
    return rows


def main(out, norms, supporters):
    with open(norms, encoding="utf-8") as stream:
        document = yaml.safe_load(stream)
    parts = [("norm_system norm_systems", "NORM_SYSTEMS", system_rows(norms, document)),
             ("norm norms", "NORMS", norm_rows(norms, document)),
             ("supporters supporters", None, supporter_rows(supporters))]
    with open(out, "w", encoding="utf-8") as stream:
        stream.write("/* Made by tools/norms.py from data/norms.yaml and data/supporters.csv. */\n"
                     '#include "p9_norms/norms.h"\n')
        for name, size, rows in parts:
            stream.write("\nconst struct %s[%s] = {\n%s\n};\n" % (name, size or "", "\n".join(rows)))
        stream.write("const gsize supporters_count = G_N_ELEMENTS(supporters);\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
