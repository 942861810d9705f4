#!/usr/bin/env python3
"""Makes a C table of files that the program carries.

usage: embed.py OUT.c HEADER TABLE FOLDER NAME...
The header declares `struct TABLE {path, data, length} TABLE[]`.
"""
import pathlib
import sys

LINE = 24  # bytes a line


def initializer(data):
    return "\n".join("    " + "".join(f"{byte}," for byte in data[at:at + LINE])
                     for at in range(0, len(data), LINE))


def main(out, header, table, folder, names):
    contents = [pathlib.Path(folder, name).read_bytes() for name in names]
    arrays = [f"static const unsigned char file_{number}[] = {{\n{initializer(data)}\n}};\n"
              for number, data in enumerate(contents)]
    rows = [f'    {{ "{name}", file_{number}, sizeof file_{number} }},\n'
            for number, name in enumerate(names)]
    pathlib.Path(out).write_text(
        "/* Made by tools/embed.py. */\n"
        f'#include "{header}"\n\n' + "\n".join(arrays) +
        f"\nconst struct {table} {table}[] = {{\n" + "".join(rows) +
        "    { NULL, NULL, 0 },\n};\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:5], sys.argv[5:])
