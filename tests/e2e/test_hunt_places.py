"""Where a hunt reads and writes: what lies below a folder, links among it, and an output that cannot take
what was found."""
import json
import os
import subprocess

import pytest

from conftest import BINARY
from waiting import PATIENCE

LINE = "GET http://evil.example/ from 203.0.113.7\n"


@pytest.fixture
def folder(entente):
    """A table, and a log with one hit."""
    (entente.folder / "list.txt").write_text("evil.example\n")
    entente("hunt", "build", "-o", "intel.table", "list.txt")
    (entente.folder / "log").mkdir()
    (entente.folder / "log/access.log").write_text(LINE)
    return entente.folder


def scan(entente, *arguments, status=1):
    done = entente("hunt", "scan", "--table", "intel.table", "--format", "json", *arguments, status=status)
    *hits, summary = map(json.loads, done.stdout.splitlines())
    return [os.path.basename(hit["file"]) for hit in hits], summary["summary"]


def test_links_to_files_are_followed_once(entente, folder):
    """As kubelet's folder of containers is full of: but not to what is read anyway, nor to nothing."""
    (folder / "pods").mkdir()
    (folder / "pods/0.log").write_text(LINE)
    links = folder / "log"
    (links / "container.log").symlink_to("../pods/0.log")
    (links / "again.log").symlink_to("container.log")
    (links / "newest.log").symlink_to("access.log")
    (links / "nothing.log").symlink_to("not-there")
    (links / "circle.log").symlink_to("circle.log")
    names, summary = scan(entente, "log")
    assert names == ["access.log", "again.log"] and summary["files"] == 3
    (problem,) = summary["unread"]
    assert "circle.log" in problem


def test_links_to_folders_are_named_unless_they_are_read_anyway(entente, folder):
    (folder / "elsewhere").mkdir()
    (folder / "log/2026").mkdir()
    (folder / "log/2026/a.log").write_text("nothing\n")
    (folder / "log/current").symlink_to("2026")
    (folder / "log/self").symlink_to(".")
    assert scan(entente, "log")[1]["unread"] == []
    (folder / "log/other").symlink_to("../elsewhere")
    (problem,) = scan(entente, "log")[1]["unread"]
    assert "log/other" in problem and "not followed" in problem
    assert scan(entente, "log", "elsewhere")[1]["unread"] == []
    # Nothing found, and not all was looked at.
    (folder / "log/access.log").unlink()
    scan(entente, "log", status=3)


def test_a_folder_of_feeds_has_no_circles(entente, folder):
    feeds = folder / "feeds"
    feeds.mkdir()
    (feeds / "a.txt").write_text("loop.example\n")
    (feeds / "self").symlink_to(".")
    built = json.loads(entente("hunt", "build", "-o", "loop.table", "--format", "json", feeds).stdout)
    assert built["assertions"] == 1, built


@pytest.mark.parametrize("form", ["text", "json"])
def test_hits_go_to_the_file_that_output_names(entente, folder, form):
    done = entente("hunt", "scan", "--table", "intel.table", "--format", form, "-o", "hits", "log", status=1)
    assert done.stdout == ""
    text = (folder / "hits").read_text()
    assert text.count("evil.example") >= 1 and "\x1b" not in text
    if form == "json":
        assert "summary" in json.loads(text.splitlines()[-1])


def test_an_output_that_breaks_off_leaves_what_was_there(entente, folder):
    (folder / "hits").write_text("before\n")
    entente("hunt", "scan", "--table", "intel.table", "-o", "hits", "--threads", "-1", "log", status=2)
    assert (folder / "hits").read_text() == "before\n"
    done = entente("hunt", "scan", "--table", "intel.table", "-o", "no/such/folder", "log", status=3)
    assert "no/such" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_hits_that_cannot_be_written_are_no_success(entente, folder, form):
    command = [BINARY, "hunt", "scan", "--table", folder / "intel.table", "--format", form, folder / "log"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, cwd=folder, env=entente.environment, stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    assert done.returncode == 3 and "cannot be written" in done.stderr


def test_a_window_that_is_too_large_is_not_called_broken(entente, folder):
    with open(folder / "log/access.log.zst", "wb") as out:
        subprocess.run(["zstd", "-qc", "-1", "--long=28"], stdout=out, check=True,
                       input=LINE.encode() + b"x" * (1 << 20) + b"\n")
    names, summary = scan(entente, "log")
    assert names == ["access.log"]
    (problem,) = summary["unread"]
    assert "window" in problem and "broken" not in problem


def test_warning_lists_that_are_partly_read_say_so(entente, folder):
    (folder / "lists").mkdir()
    (folder / "lists/list.json").write_text(json.dumps({
        "name": "Half a list", "description": "", "version": 1, "type": "cidr", "matching_attributes": ["ip-dst"],
        "list": ["203.0.113.0/33", "192.0.2.0/24"]}))
    done = entente("hunt", "build", "-o", "w.table", "--warning-list", "lists", "list.txt")
    assert '"Half a list" that cannot be read: 1' in done.stdout
