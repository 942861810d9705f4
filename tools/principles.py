#!/usr/bin/env python3
"""Makes the C table of the nine principles from data/principles.yaml.

usage: principles.py OUT.c FILE.yaml
"""
import sys

import yaml

from catalogue import c_string, fail, french

MEMBERS = {"number", "room", "name", "text"}


def text(place, value):
    if not isinstance(value, dict) or set(value) != {"en", "fr"}:
        fail(place, "needs exactly en and fr")
    return "{ %s, %s }" % (c_string(value["en"].strip()), c_string(french(value["fr"].strip())))


def main(out, path):
    with open(path, encoding="utf-8") as stream:
        rows = yaml.safe_load(stream)
    if [row.get("number") for row in rows] != list(range(1, 10)):
        fail(path, "the numbers are 1 to 9 in order")
    table = []
    for row in rows:
        place = f"{path}: principle {row['number']}"
        if set(row) != MEMBERS:
            fail(place, f"members are {sorted(MEMBERS)}")
        table.append("    { %d, %s, %s }," % (row["number"], text(place, row["name"]),
                                              text(place, row["text"])))
    with open(out, "w", encoding="utf-8") as stream:
        stream.write("/* Made by tools/principles.py from data/principles.yaml. */\n"
                     '#include "assess/principles.h"\n\n'
                     "const struct principle principles[PRINCIPLES] = {\n"
                     + "\n".join(table) + "\n};\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
