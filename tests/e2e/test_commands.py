"""The command line as a newcomer meets it: help everywhere, kind errors, the right exit status."""
import os
import re

import pytest


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
