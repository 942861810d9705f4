#!/usr/bin/env python3
"""Makes the C table of the viewer's files, which the program carries.

usage: embed.py OUT.c FOLDER NAME...
"""
import pathlib
import sys

LINE = 24  # bytes a line


def initializer(data):
    return "\n".join("    " + "".join(f"{byte}," for byte in data[at:at + LINE])
                     for at in range(0, len(data), LINE))


def main(out, folder, names):
    contents = [pathlib.Path(folder, name).read_bytes() for name in names]
    arrays = [f"static const unsigned char file_{number}[] = {{\n{initializer(data)}\n}};\n"
              for number, data in enumerate(contents)]
    rows = [f'    {{ "{name}", file_{number}, sizeof file_{number} }},\n'
            for number, name in enumerate(names)]
    pathlib.Path(out).write_text(
        "/* Made by tools/embed.py from web/. */\n"
        '#include "assess/report_bundle.h"\n\n' + "\n".join(arrays) +
        "\nconst struct web_embedded web_embedded[] = {\n" + "".join(rows) +
        "    { NULL, NULL, 0 },\n};\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
