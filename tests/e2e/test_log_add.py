"""entente log new, add, prove and fsck: a log on one machine, without a node.

Exercises cmd_log, log_add and log_prove (src/cli).
"""
import json
import re
import shutil

import pytest

ORIGIN = "log.example.org/2026"


@pytest.fixture
def log(entente):
    """A new log; its verification key, and a function that makes signed files."""
    vkey = entente("log", "new", ORIGIN).stdout.strip()
    entente("key", "new", "--name", "example.org")

    def sign(name):
        (entente.folder / name).write_text(f"The text of {name}.\n")
        entente("sign", name, "--quiet", "--output", f"{name}.dsse.json")
        return f"{name}.dsse.json"
    return vkey, sign


def fsck(entente, vkey):
    return json.loads(entente("log", "fsck", "--key", vkey, "--allow-unwitnessed", "--format",
                              "json").stdout)


def test_entries_are_added_and_proven(entente, log):
    vkey, sign = log
    assert vkey.startswith(ORIGIN + "+")
    files = [sign(f"letter-{number}") for number in range(5)]
    lines = entente("log", "add", *files).stdout.splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(5))
    assert all(re.fullmatch(r"\d+ [0-9a-f]{64}", line) for line in lines)
    for what in ("3", files[3]):
        proof = entente("log", "prove", what).stdout
        assert proof.startswith("c2sp.org/tlog-proof@v1\nindex 3\n")
        assert f"\n\n{ORIGIN}\n5\n" in proof
    entente("log", "prove", files[0], "--output", "letter.tlog-proof")
    assert "index 0" in (entente.folder / "letter.tlog-proof").read_text()
    fsck(entente, vkey)


def test_an_entry_keeps_its_index(entente, log):
    vkey, sign = log
    first, second = sign("a"), sign("b")
    assert entente("log", "add", first).stdout.startswith("0 ")
    assert entente("log", "add", second, first).stdout.split()[::2] == ["1", "0"]
    # Another form of the same envelope is the same entry.
    envelope = json.loads((entente.folder / first).read_text())
    (entente.folder / "pretty.json").write_text(json.dumps(envelope, indent=4))
    assert entente("log", "add", "pretty.json").stdout.startswith("0 ")
    fsck(entente, vkey)


def test_what_is_no_envelope_is_refused(entente, log):
    (entente.folder / "letter").write_text("plain")
    entente("log", "add", "letter", status=2)
    entente("log", "add", status=2)
    entente("log", "prove", "7", status=2)
    entente("log", "new", ORIGIN, status=2)


def test_a_missing_entry_is_not_proven(entente, log):
    vkey, sign = log
    entente("log", "add", sign("a"))
    assert "is not in the log" in entente("log", "prove", sign("b"), status=1).stderr


def test_a_restored_backup_is_refused(entente, log):
    """The lock row lies elsewhere and remembers."""
    vkey, sign = log
    data = entente.folder / "data"
    lock = entente.folder / "lock.db"
    (data / "log" / "lock.db").rename(lock)
    for name in ("lock.db-wal", "lock.db-shm"):
        (data / "log" / name).unlink(missing_ok=True)
    entente("log", "add", sign("a"), "--lock-file", lock)
    shutil.copytree(data / "log", entente.folder / "backup")
    entente("log", "add", sign("b"), "--lock-file", lock)
    shutil.rmtree(data / "log")
    (entente.folder / "backup").rename(data / "log")
    refused = entente("log", "add", sign("c"), "--lock-file", lock, status=4)
    assert "restored backup" in refused.stderr


def test_a_lost_lock_row_is_refused(entente, log):
    vkey, sign = log
    entente("log", "add", sign("a"))
    for path in (entente.folder / "data" / "log").glob("lock.db*"):
        path.unlink()
    assert "lock row" in entente("log", "add", sign("b"), status=4).stderr


def test_a_lost_disk_is_brought_back_from_a_mirror(entente, log):
    """The tiles reach to what was signed last, so the log goes on; with less it does not."""
    vkey, sign = log
    folder = entente.folder / "data" / "log"
    entente("log", "add", sign("a"), sign("b"))
    mirror = entente.folder / "mirror"
    shutil.copytree(folder / "tile", mirror)
    entente("log", "restore", status=2)  # nothing is lost
    for path in folder.glob("wal-*"):
        path.unlink()
    shutil.rmtree(folder / "tile")
    entente("log", "restore", status=1)
    shutil.copytree(mirror, folder / "tile", dirs_exist_ok=True)
    assert entente("log", "restore").stdout == "2\n"
    assert entente("log", "add", sign("c")).stdout.startswith("2 ")
    fsck(entente, vkey)
