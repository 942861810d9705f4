"""entente init: a first profile and a key, and nothing overwritten.

Exercises cmd_init (src/cli) and profile_write (src/profile).
"""
import os
import pty
import stat
import subprocess

import yaml

from conftest import BINARY
from waiting import PATIENCE

FULL = ("--name", 'Hôpital "d\'Exemple" \\ #1', "--group", "civil-society", "--country", "FR",
        "--domain", "hospital.example", "--contact", "security=security@hospital.example",
        "--contact", "abuse=https://hospital.example/abuse", "--subtype", "public: yes")


def test_a_profile_and_a_key_are_made(entente):
    done = entente("init", *FULL)
    assert "hospital.example+" in done.stdout
    profile = yaml.safe_load((entente.folder / "entente.yaml").read_text())
    who = profile["signatory"]
    assert who["name"] == FULL[1] and who["subtype"] == "public: yes"
    assert who["contacts"][0]["address"] == "mailto:security@hospital.example"
    assert profile["assets"]["domains"] == [{"name": "hospital.example", "mail": True, "web": True}]
    keys = entente.folder / "data" / "keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(key.stat().st_mode) == 0o600 for key in keys.iterdir())


def test_nothing_is_overwritten(entente):
    first = entente("init", *FULL)
    path = entente.folder / "entente.yaml"
    path.write_text("mine\n")
    done = entente("init", "--name", "Other", "--group", "state", status=2)
    assert "--force" in done.stderr and path.read_text() == "mine\n"
    again = entente("init", "--name", "Other", "--group", "state", "--force")
    assert "Other" in path.read_text()
    key = [line for line in first.stdout.splitlines() if "key: " in line][0].split("key: ")[1]
    assert key in again.stdout


def test_what_cannot_be_is_refused(entente):
    for arguments, word in [
            ((), "--name"),
            (("--name", "A"), "--group"),
            (("--name", "A", "--group", "company"), "company"),
            (("--name", "A", "--group", "state", "--country", "UK"), "UK"),
            (("--name", "A", "--group", "state", "--domain", "nodot"), "nodot"),
            (("--name", "A", "--group", "state", "--contact", "x"), "ROLE=ADDRESS"),
            (("--name", "A", "--group", "state", "--contact", "security=me"), "URI"),
            (("extra", "--name", "A", "--group", "state"), "extra")]:
        done = entente("init", *arguments, status=2, stdin="")
        assert word in done.stderr, arguments
    assert not (entente.folder / "entente.yaml").exists()


def test_a_terminal_is_asked(entente):
    """Wrong answers are asked again; optional ones may stay empty."""
    leader, follower = pty.openpty()
    process = subprocess.Popen([BINARY, "init", "--lang", "fr"], cwd=entente.folder,
                               env=entente.environment, stdin=follower, stdout=follower,
                               stderr=follower)
    os.close(follower)
    os.write(leader, b"Mairie\nville\nstate\n\nmairie.example\n")
    text = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:
            break
        if not part:
            break
        text += part
    assert process.wait(timeout=PATIENCE) == 0, text.decode()
    assert "Nom de l\u2019organisation" in text.decode() and "ville" in text.decode()
    who = yaml.safe_load((entente.folder / "entente.yaml").read_text())["signatory"]
    assert who == {"name": "Mairie", "group": "state", "domain": "mairie.example"}
