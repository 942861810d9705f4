#!/usr/bin/env python3
"""Makes the C table of releases from data/releases.csv.

usage: releases.py IN.csv OUT.c
"""
import datetime
import re
import sys


def seconds(place, text):
    """The end of that day, in seconds since 1970; 0 when the field is empty."""
    if not text:
        return 0
    if not re.match(r"^\d{4}-\d\d-\d\d$", text):
        sys.exit(f"{place}: {text!r} is not YYYY-MM-DD")
    day = datetime.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=datetime.timezone.utc)
    return int(day.timestamp()) + 24 * 60 * 60


def main(source, target):
    rows = []
    with open(source, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            place = f"{source}:{number}"
            fields = line.split(",")
            if len(fields) != 6 or not all(re.match(r"^[a-z0-9.]+$", f) for f in fields[:3]):
                sys.exit(f"{place}: six fields: distribution,codename,version and three dates")
            dates = [seconds(place, field) for field in fields[3:]]
            rows.append('    { "%s", "%s", "%s", %s, "%s", "%s" },' % (
                *fields[:3], ", ".join(f"G_GINT64_CONSTANT({date})" for date in dates),
                fields[4], fields[5]))
    with open(target, "w", encoding="utf-8") as stream:
        stream.write('#include "p7_hygiene/host/releases.h"\n\n'
                     "const struct release release_rows[] = {\n" + "\n".join(rows) + "\n};\n"
                     f"const gsize release_row_count = {len(rows)};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
