"""entente recover and the store behind a backup (modules drill_restore, repository): flipped bytes, locks, who may delete, no space."""
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time

import pytest

from backups import TOOLS, Backup
from waiting import until

LOCK = re.compile("[0-9a-f]{64}")
READS = ("access", "completeness", "restore", "integrity")


@pytest.fixture(params=TOOLS)
def backup(request, entente):
    return Backup(entente, request.param)


@pytest.fixture
def restic(entente):
    return Backup(entente, "restic")


@pytest.fixture
def borg(entente):
    return Backup(entente, "borg")


def failed(report):
    return {aspect for aspect in READS if report["by"][aspect][0] == "failed"}


# --- bytes that flip ---

def test_a_flipped_byte_in_any_part_of_a_restic_repository_is_found(restic):
    """Packs, index, snapshot, key, configuration: one after the other, each put back."""
    whole = restic.folder / "whole"
    shutil.copytree(restic.repository, whole)
    for part in ("data", "index", "snapshots", "keys", "config"):
        restic.flip(part)
        report = restic.drill("--files", "1")
        assert failed(report), (part, report["aspects"])
        shutil.rmtree(restic.repository)
        shutil.copytree(whole, restic.repository)
    assert not failed(restic.drill("--files", "1"))


def test_a_flipped_byte_in_any_part_of_a_borg_repository_is_found(borg):
    """Segments, and the configuration with the key. (The index is a cache that borg makes anew.)"""
    whole = borg.folder / "whole"
    shutil.copytree(borg.repository, whole)
    for part in ("data", "config"):
        borg.flip(part)
        report = borg.drill("--files", "1")
        assert failed(report), (part, report["aspects"])
        for row in report["aspects"]:  # sentences, not what borg writes for programs
            assert not re.search(r'[{}\n]|Traceback|levelname', row.get("detail", "")), row
        shutil.rmtree(borg.repository)
        shutil.copytree(whole, borg.repository)
    assert not failed(borg.drill("--files", "1"))


def test_a_flipped_byte_is_found_by_restoring_alone(backup):
    """Without reading the store: all files come back through what is damaged, or do not."""
    backup.flip("data")
    report = backup.drill("--read", "none", "--confidence", "1")
    assert failed(report) - {"integrity"}, report["aspects"]


def test_one_damaged_file_keeps_the_others_from_nothing(borg):
    """Many files come back in one run: what follows a damaged one is asked for again."""
    (borg.source / "large").write_bytes(os.urandom(3 << 20))
    for number in range(20):
        (borg.source / f"z{number:02}").write_bytes(os.urandom(50))
    borg.entente("recover", "manifest")
    borg.run("borg", "create", "--chunker-params", "10,23,16,4095", "::two", borg.source)
    borg.flip("data")  # in the middle of the segment: in the large file
    report = borg.drill("--read", "none", "--confidence", "1")
    assert report["sample"]["damaged"] == 1, report
    assert report["sample"]["intact"] == report["sample"]["wanted"] - 1 == 33


# --- locks ---

def test_a_stale_lock_of_borg_is_named_and_stays(borg):
    lock = borg.repository / "lock.exclusive"
    lock.mkdir()
    os.utime(lock, (time.time() - 7200,) * 2)
    report = borg.drill("--files", "1")
    assert report["by"]["access"] == ("failed", "stale-lock")
    assert report["by"]["restore"] == ("proven", None) and lock.is_dir()


def test_a_lock_that_a_killed_host_left_is_named_and_stays(restic, tmp_path):
    """A backup that is killed in the middle leaves its lock. A new one is no trouble; half an hour
    later it is: nobody refreshes it any more."""
    dying = subprocess.Popen(["restic", "backup", "--quiet", "--stdin"], env=restic.environment, stdin=subprocess.PIPE)
    # Under its own name: it is written under another one first.
    until(lambda: dying.poll() is not None or any(LOCK.fullmatch(path.name) for path in
                                                  (restic.repository / "locks").iterdir()), what="the lock")
    assert dying.poll() is None
    dying.kill()
    dying.wait()
    dying.stdin.close()
    lock, = (restic.repository / "locks").iterdir()
    assert restic.drill("--files", "1")["by"]["access"] == ("proven", None)
    # The same lock, read some hours later: restic sealed its time, so its answer is aged instead.
    real, fake = shutil.which("restic"), tmp_path / "bin" / "restic"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ncase \"$*\" in *'cat lock'*) {real} \"$@\" | "
                    "sed 's/\"time\": *\"[^\"]*\"/\"time\":\"2026-01-01T00:00:00Z\"/';; "
                    f"*) exec {real} \"$@\";; esac\n")
    fake.chmod(0o755)
    restic.entente.environment["PATH"] = f"{fake.parent}:{os.environ['PATH']}"
    report = restic.drill("--files", "1")
    assert report["by"]["access"] == ("failed", "stale-lock")
    assert report["by"]["restore"] == ("proven", None) and lock.exists()


# --- who may delete ---

class RestServer:
    """restic's REST protocol, version 1, over a folder; append-only: only locks may be deleted. (Debian
    12 has no rest-server.)"""

    def __init__(self, folder, append_only):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def place(self):
                path = pathlib.PurePosixPath(self.path.partition("?")[0]).relative_to("/")
                assert ".." not in path.parts
                if len(path.parts) == 2 and path.parts[0] == "data":
                    path = pathlib.PurePosixPath("data", path.parts[1][:2], path.parts[1])
                return server.folder / path

            def answer(self, status, body=b"", length=None):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_HEAD(self):
                place = self.place()
                self.answer(200, length=place.stat().st_size) if place.is_file() else self.answer(404)

            def do_GET(self):
                place = self.place()
                if place.is_dir():
                    names = [path.name for path in place.rglob("*") if path.is_file()]
                    self.answer(200, json.dumps(names).encode())
                elif not place.is_file():
                    self.answer(404)
                elif part := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
                    first, last = map(int, part.groups())
                    self.answer(206, place.read_bytes()[first:last + 1])
                else:
                    self.answer(200, place.read_bytes())

            def do_POST(self):
                place, body = self.place(), self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if "create=true" in self.path:
                    return self.answer(200)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(body)
                self.answer(200)

            def do_DELETE(self):
                place = self.place()
                if append_only and place.parent.name != "locks":
                    server.refused.append(place.name)
                    return self.answer(403)
                place.unlink()
                self.answer(200)

        self.folder, self.refused = folder, []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"rest:http://127.0.0.1:{self.server.server_port}/"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("append_only", [True, False])
def test_a_canary_shows_whether_a_server_lets_delete(restic, append_only):
    """The snapshot of the canary is gone where deleting works, and stays where it does not: then the
    next drill does not take it for a backup."""
    server = RestServer(restic.repository, append_only)
    try:
        restic.profile(repository=server.url)
        report = restic.drill("--files", "1", "--canary", status=3 if append_only else 1)
        assert report["by"]["immutability"] == (("proven", None) if append_only else ("failed", "deleted"))
        assert report["by"]["isolation"] == ("not-proven", "loopback")
        assert bool(server.refused) == append_only
        left = [one for one in json.loads(restic.run("restic", "snapshots", "--json").stdout)
                if "entente-canary" in (one.get("tags") or [])]
        assert len(left) == append_only
        again = restic.drill("--files", "1", status=3)
        assert again["snapshots"] == 1 and again["by"]["immutability"] == ("not-proven", "not-said")
    finally:
        server.stop()


def test_what_an_object_lock_hides_is_not_called_deleted(restic):
    profile = restic.folder / "entente.yaml"
    profile.write_text(profile.read_text() + "      object_lock: true\n")
    assert restic.drill("--files", "1", "--canary")["by"]["immutability"] == ("not-proven", "hidden")


def test_a_borg_repository_that_is_append_only(borg):
    """In its own configuration, or by its server: then the client cannot see it, and a drill says so."""
    assert borg.drill("--files", "1")["by"]["immutability"] == ("failed", "not-append-only")
    borg.run("borg", "config", borg.repository, "append_only", "1")
    assert borg.drill("--files", "1")["by"]["immutability"] == ("proven", None)
    shell = borg.folder / "shell"  # in place of ssh: the command that the server's key is bound to
    shell.write_text(f"#!/bin/sh\nexec borg serve --append-only --restrict-to-path {borg.repository}\n")
    shell.chmod(0o755)
    borg.entente.environment["BORG_RSH"] = str(shell)
    borg.profile(repository=f"ssh://backup@store.example{borg.repository}")
    report = borg.drill("--files", "2", "--canary", status=3)
    assert report["by"]["immutability"] == ("not-proven", "not-visible")
    assert report["by"]["restore"] == report["by"]["isolation"] == ("proven", None)


# --- no space ---

def test_a_disk_that_is_full_is_no_damage(backup):
    """Where tools keep what they need while they restore: nothing is proven, and nothing is blamed on
    the backup."""
    if os.geteuid() != 0:
        pytest.skip("a small file system takes root to mount")
    backup.drill("--files", "1")
    place, = (backup.folder / "data").glob("recover/*/tool")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "small", place]).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        try:
            (place / "much").write_bytes(bytes(1 << 20))
        except OSError:
            pass
        report = backup.drill("--files", "3")
        assert report["by"]["access"] == ("not-proven", "no-space"), report["aspects"]
        assert not failed(report)
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
    assert backup.drill("--files", "1")["by"]["restore"] == ("proven", None)


def test_a_disk_that_fills_up_in_the_middle_of_a_restore(restic, tmp_path):
    """The tool says so after some files: the others are not lost, they were not asked for."""
    real, fake, count = shutil.which("restic"), tmp_path / "bin" / "restic", tmp_path / "count"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ncase \"$*\" in *' dump '*) echo >> {count};\n"
                    f"[ $(wc -l < {count}) -gt 3 ] && {{ echo 'Fatal: write /tmp/x: no space left on device' >&2; exit 1; }};; esac\n"
                    f"exec {real} \"$@\"\n")
    fake.chmod(0o755)
    restic.entente.environment["PATH"] = f"{fake.parent}:{os.environ['PATH']}"
    report = restic.drill("--read", "none")
    assert report["by"]["restore"] == ("not-proven", "no-space")
    assert report["sample"] == {"wanted": 13, "intact": 3, "damaged": 0, "changed": 0}
    assert len(count.read_text()) == 4  # it stops asking
