"""Kinds of cases are files: the one that the documentation shows is whole, and what is not is refused."""
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
COMMON = ROOT / "data/processes/common.yaml"
FLAGS = ["glib-2.0", "jansson"]


def example():
    text = (ROOT / "docs/architecture.md").read_text()
    return re.search(r"### Adding a kind\n.*?```yaml\n(.*?)```", text, re.S).group(1)


def compile_kind(folder, text):
    """What tools/processes.py says of a kind, and the C that it made."""
    path, out = folder / "kind.yaml", folder / "kinds.c"
    path.write_text(text)
    done = subprocess.run([sys.executable, ROOT / "tools/processes.py", out, COMMON, path],
                          capture_output=True, text=True)
    return done, out


def test_the_documented_kind_compiles(tmp_path):
    done, out = compile_kind(tmp_path, example())
    assert done.returncode == 0, done.stderr
    flags = subprocess.run(["pkg-config", "--cflags", *FLAGS], capture_output=True, text=True,
                           check=True).stdout.split()
    checked = subprocess.run(["cc", "-std=gnu17", "-Wall", "-Werror", "-fsyntax-only",
                              "-I", ROOT / "src", *flags, out], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert '"deletion"' in out.read_text() and '"withdrawn"' in out.read_text()


def change(kind, path, value):
    *before, last = path
    for name in before:
        kind = kind[name]
    if value is None:
        del kind[last]
    else:
        kind[last] = value


MACHINE = ("machines", "request")


@pytest.mark.parametrize("path, value, why", [
    ((*MACHINE, "states", "lost"), {"en": "Lost", "fr": "Perdu"}, "cannot be reached: lost"),
    ((*MACHINE, "ends"), ["asked"], "without a way to an end"),
    ((*MACHINE, "start"), "nowhere", "state nowhere"),
    ((*MACHINE, "steps", 0, "to"), "nowhere", "no state nowhere"),
    ((*MACHINE, "steps", 0, "by"), "nobody", "no role nobody"),
    ((*MACHINE, "steps", 1, "needs"), ["nothing"], "no field nothing"),
    ((*MACHINE, "steps", 0, "approvals"), 0, "approvals"),
    ((*MACHINE, "steps", 0, "causes"), [{"do": "request/fly"}], "no step fly"),
    ((*MACHINE, "steps", 0, "when"), ["request/nowhere"], "no request/nowhere"),
    ((*MACHINE, "steps", 0, "only"), {"field": "colour", "is": "red"}, "colour"),
    ((*MACHINE, "steps", 0, "only"), {"field": "item"}, "is"),
    ((*MACHINE, "steps", 4, "do"), "lapse", "no step expire"),
    ((*MACHINE, "clocks", 0, "in"), ["nowhere"], "no state nowhere"),
    ((*MACHINE, "clocks", 0, "role"), "nobody", "no role nobody"),
    ((*MACHINE, "clocks", 0, "due_field"), "item", "no date"),
    ((*MACHINE, "clocks", 1, "due"), "soon", "not a time"),
    ((*MACHINE, "clocks", 1, "then"), None, "nobody's"),
    (("title", "fr"), None, "en and fr"),
    ((*MACHINE, "states", "asked", "fr"), " ", "empty"),
    (("fields", "item", "type"), "poem", "type is one of"),
    (("fields", "more"), {"type": "line", "title": {"en": "x", "fr": "x"}}, "nothing asks for"),
    (("fields", "text"), {"type": "line", "title": {"en": "x", "fr": "x"}}, "common.yaml"),
    (("roles", "borrower", "addressed"), False, "addressed"),
    (("tlp",), "purple", "tlp is one of"),
    (("ceiling",), "green", "above ceiling"),
    (("colour",), "red", "unknown member"),
])
def test_what_cannot_be_right_is_refused(tmp_path, path, value, why):
    kind = yaml.safe_load(example())
    del kind["withdraw"]  # it would be a way out of every state
    change(kind, path, value)
    done, _ = compile_kind(tmp_path, yaml.safe_dump(kind, allow_unicode=True))
    assert done.returncode != 0
    assert why in done.stderr and "Traceback" not in done.stderr
