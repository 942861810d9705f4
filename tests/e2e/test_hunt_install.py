"""entente hunt install: a table from elsewhere takes the place of an older one, whole or not at all.

Exercises hunt_install (src/cli), and hunt_explain and the scan with several tables.
"""
import json

import pytest


@pytest.fixture
def tables(entente):
    """Two tables, the older one first, and where they are installed."""
    for name in ("old", "new"):
        (entente.folder / f"{name}.txt").write_text(f"{name}.example\nboth.example\n")
        entente("hunt", "build", "-o", f"{name}.table", f"{name}.txt")
    return entente.folder / "intel.table"


def known(entente, value):
    return entente("hunt", "explain", "--table", "intel.table", value, status=None).returncode == 1


def test_a_newer_table_replaces_an_older_one(entente, tables):
    entente("hunt", "install", "-o", "intel.table", "old.table")
    assert known(entente, "old.example")
    said = json.loads(entente("hunt", "install", "-o", "intel.table", "new.table",
                              "--format", "json").stdout)
    assert said["schema"] == "entente/hunt-install/1" and said["values"] == 2
    assert known(entente, "new.example") and not known(entente, "old.example")
    assert tables.read_bytes() == (entente.folder / "new.table").read_bytes()
    assert tables.stat().st_mode & 0o777 == 0o600  # as it was: some of it may be TLP:RED


def test_an_older_table_is_refused(entente, tables):
    entente("hunt", "install", "-o", "intel.table", "new.table")
    entente("hunt", "install", "-o", "intel.table", "new.table")  # the same again is fine
    refused = entente("hunt", "install", "-o", "intel.table", "old.table", status=4)
    assert "is older" in refused.stderr
    assert known(entente, "new.example")


def test_a_changed_table_is_refused(entente, tables):
    entente("hunt", "install", "-o", "intel.table", "old.table")
    data = bytearray((entente.folder / "new.table").read_bytes())
    data[-1] ^= 1
    (entente.folder / "new.table").write_bytes(data)
    refused = entente("hunt", "install", "-o", "intel.table", "new.table", status=1)
    assert "changed" in refused.stderr
    (entente.folder / "new.table").write_bytes(data[:-8])
    refused = entente("hunt", "install", "-o", "intel.table", "new.table", status=2)
    assert "cut" in refused.stderr
    assert known(entente, "old.example")
    assert [path.name for path in entente.folder.glob(".*")] == []


def test_what_is_no_table_is_refused(entente, tables):
    refused = entente("hunt", "install", "-o", "intel.table", "old.txt", status=2)
    assert "table" in refused.stderr
    entente("hunt", "install", "-o", "intel.table", "missing.table", status=3)
    entente("hunt", "install", status=2)
    assert not tables.exists()


def test_several_tables_answer_as_one(entente, tables):
    (entente.folder / "day.log").write_text("a new.example\nb old.example\nc good.example\n")
    both = ("--table", "new.table", "--table", "old.table")
    found = entente("hunt", "scan", *both, "day.log", "--format", "json", status=1).stdout
    hits = [json.loads(line) for line in found.splitlines()]
    assert [hit["indicator"] for hit in hits if "indicator" in hit] == ["new.example", "old.example"]
    explained = entente("hunt", "explain", *both, "both.example", status=1).stdout
    assert "old.txt" in explained and "new.txt" in explained
    twice = entente("hunt", "scan", "--table", "new.table", "--table", "new.table", "day.log",
                    status=2)
    assert "cannot lie over" in twice.stderr


def test_without_a_place_it_goes_where_the_logs_are_searched_with(entente, tables):
    entente("hunt", "install", "old.table")
    assert (entente.folder / "data" / "hunt" / "old.table").read_bytes() == (
        entente.folder / "old.table").read_bytes()
