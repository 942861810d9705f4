"""The command line as a newcomer meets it: help everywhere, kind errors, the right exit status.

Exercises cmd_measures, cmd_explain, cmd_fix and cmd_journal (src/cli).
"""
import os
import pty
import re
import subprocess

import pytest

from conftest import BINARY
from waiting import PATIENCE


def commands(entente):
    text = entente("--help").stdout
    return re.findall(r"^  (\w+) ", text, re.M)


def test_every_command_has_help_with_an_example(entente):
    names = commands(entente)
    assert "measures" in names
    for name in names:
        text = entente(name, "--help").stdout
        assert "entente " + name in text, name
        assert "xample" in text, f"{name} --help has no example"


def test_mistakes_are_answered_kindly(entente):
    done = entente("asess", status=2)
    assert "asess" in done.stderr and 'did you mean "assess"' in done.stderr
    done = entente("measures", "--nonsense", status=2)
    assert "--nonsense" in done.stderr
    done = entente("measures", "--format", "xml", status=2)
    assert "xml" in done.stderr and "json" in done.stderr
    entente(status=2)


def test_a_hostile_name_does_not_reach_the_terminal(entente):
    done = entente("explain", "x\033]0;owned\a", status=2)
    assert "\033" not in done.stderr and "\a" not in done.stderr


def test_a_data_folder_of_others_is_refused(entente):
    data = entente.folder / "data"
    data.mkdir(mode=0o700)
    data.chmod(0o777)
    assert "others may write there" in entente("fix", "--list", status=4).stderr
    data.chmod(0o700)
    entente("fix", "--list")
    if os.geteuid() == 0:
        os.chown(data, 12345, 12345)
        assert "belongs to user 12345" in entente("fix", "--list", status=4).stderr


@pytest.mark.parametrize("mask, mode", [(0o077, 0o600), (0o000, 0o644)])
def test_an_output_file_respects_the_umask(entente, mask, mode):
    entente("measures", "--output", "list.txt", preexec_fn=lambda: os.umask(mask))
    assert (entente.folder / "list.txt").stat().st_mode & 0o777 == mode


def test_an_output_file_has_no_colours_of_the_terminal(entente):
    """Asked from a terminal that has them: into a file the same table goes plain, and unwrapped."""
    entente("answer", "org.leavers", "--value", "yes", "--note", "n" * 100)
    master, slave = pty.openpty()
    try:
        environment = {**entente.environment, "TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        shown = [subprocess.run([BINARY, "journal", "list", *more], stdout=slave, cwd=entente.folder, env=environment, timeout=PATIENCE)
                 for more in ([], ["--output", "journal.txt"])]
        seen = os.read(master, 65536)
    finally:
        os.close(master)
        os.close(slave)
    assert [done.returncode for done in shown] == [0, 0] and b"\033[" in seen
    written = (entente.folder / "journal.txt").read_text()
    assert "\033" not in written
    assert len(written.splitlines()) == 2 and "org.leavers" in written
