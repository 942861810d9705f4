#!/usr/bin/env python3
"""Makes the catalogue's C table from data/measures/*.yaml.

usage: catalogue.py OUT.c OUT.h FILE.yaml...
Every row is checked: ids are unique and well formed, every text is there in English and French,
references and fixes are of known kinds. A row without a judge function does not link.
"""
import hashlib
import json
import re
import sys

import yaml

SEVERITIES = {"info", "low", "medium", "high", "critical"}
FUNCTIONS = {"govern", "identify", "protect", "detect", "respond", "recover"}
NEEDS = {"live", "walk", "bus"}
KINDS = {"backup", "domain", "host", "prefix", "signatory"}
MAPS = {  # letter of the short form -> framework
    "L": "lynis",
    "C": "cis-debian12",
    "A": "anssi-bp-028",
    "E": "essential-eight",
    "S": "cis-controls-v8",
    "H": "anssi-hygiene",
}
FIXES = {  # kind -> members it must have, members it may have
    "sysctl": ({"key", "value"}, set()),
    "sshd_option": ({"key", "value"}, set()),
    "set_line": ({"path", "key", "value"}, {"separator"}),
    "delete_line": ({"path", "key"}, set()),
    "ini_option": ({"path", "section", "key", "value"}, set()),
    "put_file": ({"path", "value"}, {"mode"}),
    "make_file": ({"path", "value"}, {"mode"}),
    "delete_file": ({"path"}, set()),
    "mode": ({"path", "mode"}, set()),
    "owner": ({"path", "owner", "group"}, set()),
    "block_module": ({"key"}, set()),
    "unit_option": ({"path", "section", "key", "value"}, set()),
    "mask_unit": ({"path"}, set()),
    "mount_option": ({"path", "value"}, set()),
    "kernel_option": (set(), {"key", "value"}),
}
ROW = {"id", "catalogue_id", "principle", "version", "severity", "function", "needs", "asset",
       "title", "why", "fix", "maps", "references", "actions"}


def fail(place, message):
    sys.exit(f"{place}: {message}")


def c_string(value):
    if value is None:
        return "NULL"
    out = []
    for byte in str(value).encode():
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        elif 32 <= byte < 127 and char != "?":
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def french(text):
    """French typography: no-break spaces before : ; ! ? % and inside quotes, curly apostrophes.

    A narrow one (U+202F), before % a wide one (U+00A0). What stands between back quotes is code.
    """
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        part = re.sub(r"\s+([:;!?»])", "\u202f\\1", parts[index])
        part = re.sub(r"«\s+", "«\u202f", part)
        part = re.sub(r"\s+%", "\u00a0%", part)
        parts[index] = re.sub(r"(?<=\w)'(?=\w|$|«)", "\u2019", part)
    return "`".join(parts)


def in_both(value):
    """The texts of a row as they are shown; other shapes are refused later, by texts()."""
    if isinstance(value, dict) and isinstance(value.get("fr"), str):
        return {**value, "fr": french(value["fr"])}
    return value


def texts(place, row, key):
    value = row.get(key)
    if not isinstance(value, dict) or set(value) != {"en", "fr"}:
        fail(place, f"{key} needs exactly en and fr")
    for language, text in value.items():
        if not isinstance(text, str) or not text.strip():
            fail(place, f"{key}.{language} is empty")
        if key == "title" and (text.endswith(".") or "\n" in text):
            fail(place, f"title.{language} is one line without a full stop")
    return "{ %s, %s }" % (c_string(value["en"].strip()), c_string(value["fr"].strip()))


def references(place, row):
    result = []
    for item in str(row.get("maps") or "").split():
        letter, _, values = item.partition(":")
        if letter not in MAPS or not values:
            fail(place, f"maps: {item!r} is not LETTER:ID[,ID...] with a letter of {''.join(MAPS)}")
        result += [f"{MAPS[letter]}:{value}" for value in values.split(",") if value]
    for item in row.get("references") or []:
        if not re.match(r"^(man|rfc|url|osce|kspp|cis-docker|linpeas|gitleaks|owasp):\S+", item):
            fail(place, f"references: {item!r}: start with man:, rfc:, url:, osce:, kspp: ...")
        result.append(item)
    return result


def actions(place, row):
    result = []
    for action in row.get("actions") or []:
        kind = action.get("kind")
        if kind not in FIXES:
            fail(place, f"actions: kind {kind!r} is not one of {', '.join(FIXES)}")
        must, may = FIXES[kind]
        members = set(action) - {"kind"}
        if not must <= members or not members <= must | may:
            fail(place, f"actions: {kind} takes {sorted(must)} and may take {sorted(may)}")
        fields = [f".kind = FIX_{kind.upper()}"]
        for key, value in action.items():
            if key == "kind":
                continue
            if key == "mode":
                if not re.match(r"^0[0-7]{3,4}$", str(value)):
                    fail(place, f"actions: mode {value!r}: quote it, as \"0640\"")
                fields.append(f".mode = {value}")
            else:
                if not isinstance(value, str):
                    fail(place, f"actions: {key}: quote {value!r}")
                fields.append(f".{key} = {c_string(value)}")
        result.append("{ " + ", ".join(fields) + " }")
    return result


def as_json(place, row):
    """The row as `entente measures --format json` shows it (src/assess/catalogue_json.c)."""
    shown = {"id": row["id"], "catalogue_id": row.get("catalogue_id"),
             "principle": row["principle"], "version": row.get("version", 1),
             "severity": row["severity"], "function": row.get("function", "protect"),
             "needs": [need for need in ("live", "walk", "bus") if need in (row.get("needs") or [])],
             "asset": row.get("asset", "host"), "references": references(place, row),
             "actions": row.get("actions") or []}
    for key in ("title", "why", "fix"):
        shown[key] = {language: row[key][language].strip() for language in ("en", "fr")}
    return {key: value for key, value in shown.items() if value is not None}


def digest(rows):
    """SHA-256 of the canonical JSON (RFC 8785) of all rows; keys are ASCII, numbers are integers."""
    canonical = json.dumps([as_json(place, row) for place, row in rows], sort_keys=True,
                           ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def judge_name(identifier):
    return "judge_" + re.sub(r"[^a-z0-9]", "_", identifier)


def load(paths):
    rows = []
    for path in paths:
        with open(path, encoding="utf-8") as stream:
            content = yaml.safe_load(stream) or []
        for index, row in enumerate(content):
            place = f"{path.split('/')[-1]}:{row.get('id', index)}"
            unknown = set(row) - ROW
            if unknown:
                fail(place, f"unknown member {sorted(unknown)}")
            if not re.match(r"^[a-z0-9]+(\.[a-z0-9]+(-[a-z0-9]+)*)+$", row.get("id", "")):
                fail(place, "id is dotted lower case words, as host.ssh.root-login")
            if row.get("severity") not in SEVERITIES:
                fail(place, "severity is one of " + ", ".join(sorted(SEVERITIES)))
            if row.get("function", "protect") not in FUNCTIONS:
                fail(place, "function is one of " + ", ".join(sorted(FUNCTIONS)))
            if row.get("principle") not in range(1, 10):
                fail(place, "principle is 1 to 9")
            if row.get("asset", "host") not in KINDS:
                fail(place, "asset is one of " + ", ".join(sorted(KINDS)))
            if not set(row.get("needs") or []) <= NEEDS:
                fail(place, "needs is a list of " + ", ".join(sorted(NEEDS)))
            row.update({key: in_both(row.get(key)) for key in ("title", "why", "fix")})
            rows.append((place, row))
    for key in ("id", "catalogue_id"):
        seen = {}
        for place, row in rows:
            value = row.get(key)
            if value is not None and seen.setdefault(value, place) != place:
                fail(place, f"{key} {value} stands in {seen[value]} too")
    return sorted(rows, key=lambda item: item[1]["id"])


def main(source, header, paths):
    rows = load(paths)
    code = ['#include "catalogue_judges.h"', ""]
    table = []
    for number, (place, row) in enumerate(rows):
        names = references(place, row)
        code.append(f"static const char *const references_{number}[] = {{ "
                    + "".join(c_string(name) + ", " for name in names) + "NULL };")
        fixes = actions(place, row)
        if fixes:
            code.append(f"static const struct fix_action actions_{number}[] = {{ "
                        + ", ".join(fixes) + " };")
        needs = " | ".join(f"NEEDS_{need.upper()}" for need in row.get("needs") or []) or "0"
        table.append(
            "    { .id = %s, .catalogue_id = %s, .principle = %d, .version = %d,\n"
            "      .severity = SEVERITY_%s, .function = FUNCTION_%s, .needs = %s,\n"
            "      .asset_kind = %s, .title = %s,\n      .why = %s,\n      .fix = %s,\n"
            "      .references = references_%d, .actions = %s, .n_actions = %d,\n"
            "      .judge = %s },"
            % (c_string(row["id"]), c_string(row.get("catalogue_id")), row["principle"],
               row.get("version", 1), row["severity"].upper(),
               row.get("function", "protect").upper(), needs, c_string(row.get("asset", "host")),
               texts(place, row, "title"), texts(place, row, "why"), texts(place, row, "fix"),
               number, f"actions_{number}" if fixes else "NULL", len(fixes),
               judge_name(row["id"])))
    code += ["", "const struct measure catalogue_rows[] = {", *table, "};",
             f"const gsize catalogue_row_count = {len(rows)};",
             f'const char catalogue_rows_digest[] = "sha256:{digest(rows)}";', ""]
    with open(source, "w", encoding="utf-8") as stream:
        stream.write("\n".join(code))
    with open(header, "w", encoding="utf-8") as stream:
        stream.write("/* Made by tools/catalogue.py from data/measures/. */\n#pragma once\n"
                     '#include "finding/measure.h"\n\n'
                     "extern const struct measure catalogue_rows[];\n"
                     "extern const gsize catalogue_row_count;\n"
                     "extern const char catalogue_rows_digest[];\n\n")
        for _, row in rows:
            stream.write(f"void {judge_name(row['id'])}(const struct asset_view *view, "
                         "struct finding *finding);\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
