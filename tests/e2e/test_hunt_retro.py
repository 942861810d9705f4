"""entente hunt retro: logs that grow, rotate, are cut and replaced; tables that are new; a search
that is killed at every step; what an assessment shows of it (hunt_record.h).

Exercises hunt_retro (src/cli), service_hunt (src/node), scan_files and hit_time
(src/p1_resilience/hunt).
"""
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import jsonschema
import pytest

from conftest import BINARY, ROOT
from nodes import Node
from test_schemas import check
from waiting import PATIENCE, until

PROFILE = """\
signatory:
  name: Ville Exemple
  group: state
  domain: ville.example
assets:
  logs:
    - name: web
      path: logs/web.log
    - name: all
      path: folder
"""
TIMED = "{ip} - - [17/May/2024:10:{minute:02}:00 +0200] \"GET /a HTTP/1.1\" 200 5\n"
UNTIMED = "May 17 10:05:57 host sshd[1]: from {ip} port 22\n"
BAD, LATER, GOOD = "203.0.113.7", "198.51.100.9", "192.0.2.1"


class Retro:
    def __init__(self, entente):
        self.entente, self.folder = entente, entente.folder
        (self.folder / "logs").mkdir()
        (self.folder / "folder").mkdir()
        (self.folder / "entente.yaml").write_text(PROFILE)
        self.log = self.folder / "logs" / "web.log"
        self.log.write_text("")
        self.build("first", BAD)

    def build(self, name, *values):
        (self.folder / f"{name}.txt").write_text("\n".join(values) + "\n")
        self.entente("hunt", "build", "-o", f"{name}.table", f"{name}.txt")
        self.entente("hunt", "install", f"{name}.table")

    def write(self, *ips, minute=0, form=TIMED, path=None):
        with (path or self.log).open("a") as log:
            for ip in ips:
                log.write(form.format(ip=ip, minute=minute))

    def __call__(self, status=None):
        """Hits by indicator, and the summary."""
        done = self.entente("hunt", "retro", "--format", "json", status=None)
        assert done.returncode in (0, 1, 3), done.stderr
        *hits, last = [json.loads(line) for line in done.stdout.splitlines()]
        for line in (*hits, last):
            assert check("hunt-retro", line) == []
            assert check("hunt-retro", {**line, "line": 0})
        if status is not None:
            assert done.returncode == status, done.stdout + done.stderr
        return {(h["log"], h["indicator"]): h["hits"] for h in hits}, last["summary"]

    def alarms(self):
        rows = json.loads(self.entente("alarm", "list", "--format", "json").stdout)
        return rows["cases"] if isinstance(rows, dict) else rows

    def events(self):
        done = self.entente("journal", "list", "--format", "json", status=None)
        return [line for line in done.stdout.splitlines() if "hunt-hit" in line]


@pytest.fixture
def retro(entente):
    return Retro(entente)


def test_what_a_log_gains_is_searched_once(retro):
    retro.write(GOOD, BAD)
    found, summary = retro(1)
    assert found == {("web", BAD): 1} and summary["lines"] == 2
    found, summary = retro(0)
    assert found == {} and summary["searched"] == 0
    retro.write(GOOD, BAD, BAD, minute=1)
    found, summary = retro(1)
    assert found == {("web", BAD): 2} and summary["lines"] == 3  # what it gained, no more
    assert len(retro.alarms()) == 1  # it was added to the open one
    assert retro(0)[1]["lines"] == 0


def test_line_numbers_count_from_the_beginning_of_the_file(retro):
    retro.write(*[GOOD] * 10)
    retro(0)
    retro.write(GOOD, BAD)
    done = retro.entente("hunt", "retro", "--format", "json", status=1)
    assert json.loads(done.stdout.splitlines()[0])["line"] == 12


def test_a_new_indicator_is_looked_for_in_all_that_was(retro):
    retro.write(GOOD, BAD, LATER, LATER)
    assert retro(1)[0] == {("web", BAD): 1}
    retro.build("second", LATER)
    assert retro(1)[0] == {("web", LATER): 2}  # the old hit is no news
    assert retro(0)[0] == {}
    assert len(retro.alarms()) == 2


@pytest.mark.parametrize("form", [TIMED, UNTIMED])
@pytest.mark.parametrize("lines", [1, 4, 40])
def test_a_new_table_repeats_nothing_of_a_log_that_grew(retro, form, lines):
    """However short the log was when its hits were told."""
    retro.write(BAD, *[GOOD] * (lines - 1), form=form)
    assert retro(1)[0] == {("web", BAD): 1}
    for minute in (1, 2):
        retro.write(GOOD, minute=minute, form=form)
        assert retro(0)[0] == {}
    retro.build("first", BAD, LATER)
    assert retro(0)[0] == {}
    retro.write(BAD, minute=3, form=form)
    retro.build("first", BAD, LATER, "198.51.100.10")
    assert retro(1)[0] == {("web", BAD): 1}


@pytest.mark.parametrize("form", [TIMED, UNTIMED])
def test_rotation_repeats_nothing_and_misses_nothing(retro, form):
    retro.write(BAD, GOOD, form=form)
    retro(1)
    retro.write(BAD, minute=2, form=form)  # written between the search and the rotation
    retro.log.rename(retro.log.with_suffix(".log.1"))
    retro.write(GOOD, BAD, minute=3, form=form)
    assert retro(1)[0] == {("web", BAD): 2}
    with gzip.open(retro.log.with_suffix(".log.2.gz"), "wb") as packed:
        packed.write(retro.log.with_suffix(".log.1").read_bytes())
    retro.log.with_suffix(".log.1").unlink()
    assert retro(0)[0] == {}
    assert retro(0)[1]["searched"] == 0


@pytest.mark.parametrize("form", [TIMED, UNTIMED])
def test_copied_and_cut(retro, form):
    """copytruncate: the same inode begins anew, and may be longer than it was when it is seen."""
    retro.write(BAD, form=form)
    retro(1)
    shutil.copy(retro.log, retro.log.with_suffix(".log.1"))
    retro.log.write_text("")
    assert retro(0)[0] == {}
    retro.write(*[GOOD] * 5, BAD, minute=4, form=form)
    assert retro(1)[0] == {("web", BAD): 1}
    retro.log.write_text("")
    retro.write(BAD, minute=5, form=form)
    found = retro()[0]
    assert found == {("web", BAD): 1} if form is TIMED else found in ({}, {("web", BAD): 1})


def test_a_line_that_is_being_written_waits(retro):
    later = time.time() + 3600  # however long the machine takes, the line was begun just now

    def write(text):
        with retro.log.open("a") as log:
            log.write(text)
        os.utime(retro.log, (later, later))

    write("query www.evil.example\nquery 203.0.113.")
    assert retro(0)[0] == {}
    write("70\nfrom 203.0.113.7")
    assert retro(0)[0] == {}
    write("\n")
    assert retro(1)[0] == {("web", BAD): 1}


def test_a_last_line_without_end_is_searched_when_nobody_writes_any_more(retro):
    retro.log.write_text("from 203.0.113.7")
    long_ago = time.time() - 60
    os.utime(retro.log, (long_ago, long_ago))
    assert retro(1)[0] == {("web", BAD): 1}
    assert retro(0)[0] == {}


def test_a_folder_is_a_log_and_what_cannot_be_read_is_said(retro):
    retro.write(BAD, path=retro.folder / "folder" / "a.log")
    retro.log.unlink()
    found, summary = retro(1)
    assert found == {("all", BAD): 1}
    assert len(summary["unread"]) == 1 and "web.log" in summary["unread"][0]
    assert retro(3)[0] == {}


def test_hits_are_kept_as_tokens_without_lines(retro):
    retro.log.write_text("from 203.0.113.7 user secret-person@home.example did things\n")
    retro(1)
    kept = b"".join(path.read_bytes() for path in (retro.folder / "data").rglob("*")
                    if path.is_file())
    assert b"203.0.113.7" in kept
    assert b"secret-person" not in kept and b"did things" not in kept


def test_old_hits_are_erased(retro):
    retro.write(BAD)
    retro(1)
    database = retro.folder / "data" / "hunt.db"
    with sqlite3.connect(database) as hits:
        assert hits.execute("SELECT count(*) FROM hit").fetchone() == (1,)
        hits.execute("UPDATE hit SET found = found - 366 * 86400000000")
    assert retro(0)[0] == {}
    with sqlite3.connect(database) as hits:
        assert hits.execute("SELECT count(*) FROM hit").fetchone() == (0,)


def test_killed_anywhere_it_finds_the_same_once(retro, kill_at):
    """At each call that changes a file; afterwards every hit is an event, once, and an alarm."""
    retro.write(GOOD, BAD, BAD)
    kept = retro.folder / "kept"
    shutil.copytree(retro.folder / "data", kept)
    arguments = [BINARY, "hunt", "retro", "--format", "json"]

    def restore():
        shutil.rmtree(retro.folder / "data")
        shutil.copytree(kept, retro.folder / "data")

    _, calls = kill_at.run(arguments, retro.entente.environment)
    assert calls > 4
    restore()
    for number in range(1, calls + 1, max(1, calls // (kill_at.most or calls))):
        restore()
        status, _ = kill_at.run(arguments, retro.entente.environment, number)
        assert status in (137, 1)
        retro()
        assert len(retro.events()) == 1, number
        assert len(retro.alarms()) == 1, number
        with sqlite3.connect(retro.folder / "data" / "hunt.db") as hits:
            assert hits.execute("SELECT count(*), sum(told) FROM hit").fetchone() == (2, 2)
        assert retro(0)[0] == {}


def test_without_logs_or_tables_it_says_what_to_do(entente):
    entente("hunt", "retro", status=2)
    (entente.folder / "entente.yaml").write_text(PROFILE.split("  logs:")[0].replace("assets:\n", ""))
    assert "no logs" in entente("hunt", "retro", status=2).stderr
    (entente.folder / "entente.yaml").write_text(PROFILE)
    assert "hunt install" in entente("hunt", "retro", status=2).stderr


def searchers(folder):
    """Processes that were started with a path in the folder, a node's among them."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = os.fsdecode(path.read_bytes()).split("\0")
        except OSError:
            continue
        found += [path.parent.name for word in words if word.startswith(f"{folder}/")]
    return found


def rounds(node):
    """Searches that the node has ended."""
    return int(re.search(rb"^entente_hunt_rounds_total (\d+)$", node.get("/metrics")[2], re.M)[1])


def test_the_node_searches_by_itself_and_goes_on_after_it_was_killed(retro):
    retro.entente("key", "new")
    retro.write(GOOD, BAD)
    node = Node(retro.folder / "data", "--profile", retro.folder / "entente.yaml", "--hunt-every", 1)
    environment = os.getcwd()
    os.chdir(retro.folder)  # the profile's paths are relative to where the node runs
    try:
        node.start()
        node.until(lambda: len(retro.alarms()) == 1)
        retro.build("second", LATER)
        retro.write(LATER, minute=1)
        node.until(lambda: len(retro.alarms()) == 2)
        node.process.send_signal(signal.SIGKILL)
        node.process.wait()
        retro.write(BAD, minute=2)
        retro.write("192.0.2.200", minute=2)
        retro.build("third", "192.0.2.200")
        node.start()
        node.until(lambda: len(retro.alarms()) == 3)
        # The round that raised it has more to tell: it is waited for, or the next search tells it again.
        before = rounds(node)
        node.until(lambda: rounds(node) > before)
        node.process.send_signal(signal.SIGTERM)
        assert node.process.wait(timeout=PATIENCE) == 0
    finally:
        os.chdir(environment)
        if node.process.poll() is None:
            node.process.kill()
    assert retro(0)[0] == {}
    until(lambda: not searchers(retro.folder), what="the end of the searchers of a node that ended")


def test_the_findings_follow_the_searches(retro):
    def findings():
        report = json.loads(retro.entente(
            "assess", "--format", "json", "--quiet", "--no-save", "--no-walk", "--measure",
            "org.hunt.feeds-fresh", "--measure", "org.hunt.logs-searched", "--measure",
            "org.hunt.alarms-acknowledged", status=None).stdout)
        return {one["measure"].removeprefix("org.hunt."): one["outcome"]
                for one in report["findings"]}

    assert findings() == {"feeds-fresh": "pass", "logs-searched": "fail",
                          "alarms-acknowledged": "not-applicable"}
    retro.write(BAD)
    retro(1)
    assert findings() == {"feeds-fresh": "pass", "logs-searched": "pass",
                          "alarms-acknowledged": "warn"}
    retro.entente("alarm", "ack", retro.alarms()[0]["id"])
    retro.build("second", LATER)
    assert findings() == {"feeds-fresh": "pass", "logs-searched": "fail",
                          "alarms-acknowledged": "pass"}
    retro(0)
    assert findings()["logs-searched"] == "pass"


def test_the_assessment_shows_hits_over_time_and_no_more_than_it_may(retro):
    retro.build("amber", GOOD, "198.51.100.200")
    (retro.folder / "open.txt").write_text(LATER + "\n")
    retro.entente("hunt", "build", "-o", "open.table", "--tlp", "green", "open.txt")
    retro.entente("hunt", "install", "open.table")
    retro.write(LATER, LATER, BAD, GOOD)
    retro.log.open("a").write(TIMED.replace("17/May", "19/May").format(ip=LATER, minute=3))
    retro(1)
    assess = ("assess", "--quiet", "--no-save", "--no-walk", "--measure", "org.hunt.feeds-fresh")
    text = retro.entente(*assess, "--format", "json", status=None).stdout
    document = json.loads(text)
    schema = json.loads((ROOT / "docs" / "schema" / "assessment.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    hunts = document["hunts"]
    assert [(log["name"], log["state"]) for log in hunts["logs"]] == [("web", "current"), ("all", "current")]
    assert hunts["tables"]["installed"] == 3
    green, amber = hunts["hits"]
    assert (green["indicator"], green["tlp"], green["hits"]) == (LATER, "green", 3)
    assert green["days"] == [{"day": "2024-05-17", "hits": 2}, {"day": "2024-05-19", "hits": 1}]
    # What may not go further is counted; of the rest, nothing of the line.
    assert "indicator" not in amber
    assert (amber["kind"], amber["tlp"], amber["indicators"], amber["hits"]) == ("ipv4", "amber", 2, 2)
    assert BAD not in text and GOOD not in text and "web.log" not in json.dumps(hunts)
    page = retro.entente(*assess, "--format", "html", status=None).stdout
    assert LATER in page and BAD not in page and GOOD not in page


def test_two_at_once_tell_once(retro):
    retro.entente("key", "new")
    retro.write(*[BAD] * 200)
    both = [subprocess.Popen([BINARY, "hunt", "retro"], cwd=retro.folder, stdout=subprocess.PIPE,
                             env=retro.entente.environment) for _ in range(2)]
    said = [each.communicate(timeout=PATIENCE)[0] for each in both]
    assert sorted(each.returncode for each in both) == [0, 1], said
    assert len(retro.events()) == 1 and len(retro.alarms()) == 1
