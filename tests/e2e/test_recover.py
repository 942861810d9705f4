"""entente recover with the real restic and borg: what is broken on purpose is found, and what could
not be looked at proves nothing."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from nodes import Node
from test_join import identity, join, world  # noqa: F401

TOOLS = ["restic", "borg"]
PASSWORD = "Correct-Horse-9"
PROFILE = """\
signatory:
  name: Hospital
  group: private-sector
  country: FR
  domain: hospital.example
assets:
  backups:
    - name: {name}
      tool: {tool}
      repository: {repository}
      password_file: {password}
      paths: [{source}]
      rpo: 26h
      rto: 4h
"""
ODD = [b"two\nlines", b"not \xff utf-8", "\u00e9\U0001f480".encode(), b" -x", b"pf:*?[a]"]


class Backup:
    """A source, a repository that the tool made, and the profile that names them."""

    def __init__(self, entente, tool, anchored=None):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
        self.entente, self.tool, self.folder = entente, tool, entente.folder
        self.source, self.repository = self.folder / "source", self.folder / "repository"
        self.password = self.folder / "password"
        self.password.write_text(PASSWORD + "\n")
        self.source.mkdir()
        for number in range(6):
            (self.source / f"file{number}").write_bytes(os.urandom(2000) + b"\n")
        (self.source / "empty").touch()
        (self.source / "link").symlink_to("file1")
        os.link(self.source / "file2", self.source / "second name")
        for name in ODD:
            with open(os.fsencode(self.source) + b"/" + name, "wb") as file:
                file.write(b"odd " + name)
        self.environment = {
            **os.environ, "RESTIC_REPOSITORY": str(self.repository), "RESTIC_PASSWORD": PASSWORD, "BORG_REPO": str(self.repository),
            "BORG_PASSPHRASE": PASSWORD, "BORG_BASE_DIR": str(self.folder / "borg"), "RESTIC_CACHE_DIR": str(self.folder / "cache"),
            "LC_ALL": "C.UTF-8"}
        self.profile()
        self.run(*(["restic", "init"] if tool == "restic" else ["borg", "init", "-e", "repokey"]))
        if anchored is None:
            entente("recover", "manifest")
        else:
            anchored(self)
        self.snapshot("one")

    def profile(self, **other):
        text = PROFILE.format(**{"tool": self.tool, "repository": self.repository, "password": self.password,
                                 "source": self.source, "name": "nightly", **other})
        (self.folder / "entente.yaml").write_text(text)

    def run(self, *arguments, good=(0,)):
        done = subprocess.run(list(map(str, arguments)), env=self.environment, capture_output=True, text=True, errors="replace")
        assert done.returncode in good, done.stderr
        return done

    def snapshot(self, name):
        if self.tool == "restic":
            self.run("restic", "backup", self.source)
        else:
            self.run("borg", "create", f"::{name}", self.source)

    def drill(self, *options, status=1):
        done = self.entente("recover", "drill", "--format", "json", *options, status=status, timeout=600)
        report, = json.loads(done.stdout)["drills"]
        report["by"] = {row["aspect"]: (row["verdict"], row.get("reason")) for row in report["aspects"]}
        return report

    def flip(self, name_of_folder):
        """One bit of the largest file of the store."""
        files = [path for path in (self.repository / name_of_folder).rglob("*") if path.is_file()]
        largest = max(files, key=lambda path: path.stat().st_size)
        data = bytearray(largest.read_bytes())
        data[len(data) // 2] ^= 0x10
        largest.chmod(0o600)
        largest.write_bytes(data)


@pytest.fixture(params=TOOLS)
def backup(request, entente):
    return Backup(entente, request.param)


@pytest.fixture
def restic(entente):
    return Backup(entente, "restic")


def test_a_backup_that_is_whole_comes_back(backup):
    """Every file, with names of newlines and of bytes that are no UTF-8. What is not so good is said:
    a folder of this machine, which can be deleted, and a manifest that no log has."""
    report = backup.drill()
    assert report["sample"] == {"wanted": 13, "intact": 13, "damaged": 0, "changed": 0}
    for aspect in ("access", "freshness", "restore", "time", "completeness", "integrity"):
        assert report["by"][aspect] == ("proven", None), (aspect, report["aspects"])
    assert report["by"]["manifest"] == ("not-proven", "not-in-log")
    assert report["by"]["isolation"] == ("failed", "on-this-host")
    assert report["by"]["immutability"] in [("not-proven", "not-said"), ("failed", "not-append-only")]
    row, = json.loads(backup.entente("recover", "status", "--format", "json").stdout)["backups"]
    assert row["drill"]["drill"] == report["drill"]


def test_nothing_secret_and_no_name_of_a_file_is_kept_in_the_record(backup):
    backup.drill()
    data = backup.folder / "data"
    record, = data.glob("recover/*/drill-*.dsse.json")
    backup.entente("journal", "verify")
    for path in [record, data / "journal.db"]:
        held = path.read_bytes()
        assert PASSWORD.encode() not in held and b"file1" not in held
    statement = json.loads(__import__("base64").b64decode(json.loads(record.read_text())["payload"]))
    text = json.dumps(statement)
    assert "nightly" not in text and str(backup.source) not in text and str(backup.repository) not in text
    openings, = data.glob("recover/*/drill-*.openings.json")
    assert openings.stat().st_mode & 0o777 == 0o600 and "file1" in openings.read_text()


def test_the_sample_can_be_drawn_again(restic):
    """By a reviewer, from what the record says, with ten lines of Python."""
    import hashlib
    report = restic.drill("--files", "5")
    openings, = (restic.folder / "data").glob("recover/*/drill-*.openings.json")
    drawn = [entry["value"]["index"] for entry in json.loads(openings.read_text())["entries"]]
    files = [index for index, is_file in enumerate(records(restic)) if is_file]
    seed = hashlib.sha256(bytes.fromhex(report["dice"]["root"]) + report["drill"].encode()).digest()
    numbers = (int.from_bytes(hashlib.sha256(seed + block.to_bytes(8, "big")).digest()[at:at + 8], "big")
               for block in range(10) for at in (0, 8, 16, 24))
    expected, left = [], list(files)
    while len(expected) < 5:
        bound, number = len(left), next(numbers)
        if number >= 2 ** 64 - 2 ** 64 % bound:
            continue
        left[number % bound], left[-1] = left[-1], left[number % bound]
        expected.append(left.pop())
    assert drawn == expected


def records(backup):
    """Whether each record of the manifest is a file (manifest.h)."""
    path, = (backup.folder / "data").glob("recover/*/*.manifest")
    data = path.read_bytes()
    at, found = 56, []
    while at < len(data):
        found.append(data[at:at + 1] == b"-")
        at += 57 + int.from_bytes(data[at + 53:at + 57], "big")
    return found


def test_a_flipped_byte_in_the_repository_is_found(backup):
    backup.flip("data")
    report = backup.drill()
    assert report["verdict"] == "failed"
    assert report["by"]["integrity"] == ("failed", "damaged")


def test_a_flipped_byte_is_found_by_restoring_alone(restic):
    """Without reading the store: all files come back through the damaged pack, or do not."""
    restic.flip("data")
    report = restic.drill("--read", "none", "--confidence", "1")
    assert report["by"]["restore"] in [("failed", "files-damaged"), ("not-proven", "damaged"), ("failed", "damaged")]
    assert report["verdict"] == "failed"


def test_a_check_that_read_nothing_proves_nothing(restic):
    """Of two packs, most shares of 250 hold none: restic says "no errors were found" and ends with 0."""
    reports = [restic.drill("--files", "1", "--read", f"{share}/250") for share in (2, 3, 4)]
    assert ("not-proven", "nothing-read") in [report["by"]["integrity"] for report in reports]
    for report in reports:
        assert (report["packs"] > 0) == (report["by"]["integrity"][0] == "proven")
    assert restic.drill("--files", "1", "--read", "none")["by"]["integrity"] == ("not-proven", "nothing-read")


def test_a_file_that_was_swapped_before_the_backup_is_found(backup):
    """Same size and time, other bytes: the manifest tells them apart."""
    victim = backup.source / "file3"
    status = victim.stat()
    backup.entente("recover", "manifest")
    victim.write_bytes(b"x" * status.st_size)
    os.utime(victim, ns=(status.st_atime_ns, status.st_mtime_ns))
    # The tool trusts times, too; a new repository has to read.
    shutil.rmtree(backup.repository)
    backup.run(*(["restic", "init"] if backup.tool == "restic" else ["borg", "init", "-e", "repokey"]))
    backup.snapshot("two")
    report = backup.drill()
    assert report["by"]["restore"] == ("failed", "files-damaged")
    assert report["sample"]["damaged"] == 1


def test_a_file_that_changed_since_the_manifest_says_nothing(restic):
    (restic.source / "file3").write_text("longer than it was" * 200)
    restic.snapshot("two")
    report = restic.drill()
    assert report["sample"]["changed"] == 1 and report["sample"]["damaged"] == 0
    assert report["by"]["restore"] == ("not-proven", "too-few")
    assert restic.drill("--files", "10")["by"]["restore"] == ("proven", None)


def test_a_file_that_is_gone_from_the_snapshot_is_lost(backup):
    (backup.source / "file5").unlink()
    backup.snapshot("two")
    report = backup.drill()
    assert report["by"]["restore"] == ("failed", "files-damaged") and report["sample"]["damaged"] == 1


def test_mass_change_is_seen(restic):
    for number in range(30):
        (restic.source / f"more{number}").write_bytes(os.urandom(100))
    restic.snapshot("two")
    assert restic.drill("--files", "1")["by"]["completeness"] == ("proven", None)
    for path in restic.source.glob("*e*"):
        if path.is_file() and not path.is_symlink():
            path.rename(str(path) + ".locked")
    restic.snapshot("three")
    assert restic.drill("--files", "1")["by"]["completeness"] == ("failed", "mass-change")


def test_a_manifest_that_was_changed_is_found(backup):
    path, = (backup.folder / "data").glob("recover/*/*.manifest")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    report = backup.drill()
    assert report["by"]["manifest"][0] == "failed"
    assert report["by"]["restore"] == ("not-proven", "no-manifest")


def test_a_wrong_password(backup):
    backup.password.write_text("wrong\n")
    report = backup.drill()
    assert report["by"]["access"] == ("failed", "wrong-password")
    assert report["by"]["restore"] == ("not-proven", "not-reached")


def test_no_repository(backup):
    shutil.rmtree(backup.repository)
    assert backup.drill()["by"]["access"] == ("failed", "no-repository")


def test_no_such_tool(backup, tmp_path):
    backup.entente.environment["PATH"] = str(tmp_path)
    report = backup.drill()
    assert report["by"]["access"] == ("not-proven", "not-installed")


def test_a_stale_lock_is_named(backup):
    if backup.tool != "borg":
        pytest.skip("restic dates its locks itself")
    lock = backup.repository / "lock.exclusive"
    lock.mkdir()
    os.utime(lock, (time.time() - 7200,) * 2)
    assert backup.drill("--files", "1")["by"]["access"] == ("failed", "stale-lock")


def test_a_tool_that_hangs_is_killed(backup, tmp_path):
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    fake = bin_folder / backup.tool
    backup.entente.environment["PATH"] = f"{bin_folder}:{os.environ['PATH']}"
    fake.write_text("#!/bin/sh\nsleep 600 &\nsleep 600\n")
    fake.chmod(0o755)
    report = backup.drill("--limit", "2")
    assert report["by"]["access"] == ("not-proven", "no-answer")


def test_a_snapshot_of_tomorrow_is_named(restic):
    restic.run("restic", "backup", "--time", "2037-01-01 00:00:00", restic.source)
    assert restic.drill("--files", "1")["by"]["freshness"] == ("not-proven", "future-snapshot")


def test_a_snapshot_that_is_too_old(restic):
    restic.run("restic", "forget", "latest")
    restic.run("restic", "backup", "--time", "2026-01-01 00:00:00", restic.source)
    assert restic.drill("--files", "1")["by"]["freshness"] == ("failed", "too-old")


def test_a_path_that_is_not_covered(backup):
    backup.profile(source=f"{backup.source}, /etc/hostname")
    report = backup.drill("--files", "1")
    assert report["by"]["completeness" if backup.tool == "borg" else "freshness"][0] == "failed"


def test_a_borg_repository_that_is_append_only(entente):
    backup = Backup(entente, "borg")
    backup.run("borg", "config", backup.repository, "append_only", "1")
    assert backup.drill("--files", "1")["by"]["immutability"] == ("proven", None)


def test_a_canary_that_can_be_deleted(restic):
    assert restic.drill("--files", "1", "--canary")["by"]["immutability"] == ("failed", "deleted")
    assert "entente-canary" not in restic.run("restic", "snapshots").stdout


def test_a_manifest_changed_after_the_fact_is_found_by_the_log(world):  # noqa: F811
    """The root in the log decides: neither another manifest, well made and signed here later, nor a
    changed one takes its place; and the dice are the log's."""
    world.names.show("ville.example", identity(join(world, status=4).stderr))
    join(world)

    def publish(backup):
        profile = backup.folder / "entente.yaml"
        profile.write_text(profile.read_text().replace("hospital.example", "ville.example"))
        backup.entente("recover", "manifest", "--publish")

    backup = Backup(world.member, "restic", publish)
    report = backup.drill("--files", "2")
    assert report["by"]["restore"] == ("proven", None)
    assert report["by"]["manifest"] == ("proven", None)
    anchored = report["manifest"]
    # Somebody encrypts the files, and makes a manifest of what is there now.
    (backup.source / "file1").write_bytes(os.urandom(2001))
    backup.entente("recover", "manifest")
    assert backup.drill("--files", "2")["manifest"] == anchored
    # Or puts it in place of the one that the log has.
    held, = (path for path in (backup.folder / "data").glob("recover/*/*.manifest") if path.stem == anchored)
    other, = (path for path in (backup.folder / "data").glob("recover/*/*.manifest") if path.stem != anchored)
    held.write_bytes(other.read_bytes())
    report = backup.drill("--files", "2")
    assert report["by"]["manifest"] == ("failed", "manifest-changed")
    published = backup.drill("--files", "1", "--publish")
    assert published["by"]["manifest"][0] == "failed" and world.node.size() >= 4


def drills_of(backup):
    row, = json.loads(backup.entente("recover", "status", "--format", "json").stdout)["backups"]
    return row["drill"]


def alarms_of(backup):
    rows = json.loads(backup.entente("alarm", "list", "--format", "json").stdout)
    return rows["cases"] if isinstance(rows, dict) else rows


def test_the_node_holds_the_drills_that_are_due(backup):
    """Module node/background: when the profile wants one, not before; a failed one is an alarm; and
    what it started ends with it, also when it is killed."""
    node = Node(backup.folder / "data", "--profile", backup.folder / "entente.yaml", "--drill-every", 1)
    node.start()
    try:
        node.until(lambda: drills_of(backup))
        first = drills_of(backup)
        assert first["sample"]["intact"] == 13
        node.until(lambda: alarms_of(backup))  # a folder of this machine is no backup that lies elsewhere
        rounds = numbers(node)["rounds_total"]
        node.until(lambda: numbers(node)["rounds_total"] > rounds + 1)
        assert drills_of(backup) == first and numbers(node)["drills_total"] == 1
        assert numbers(node)["drills_failed_total"] == 1 and len(alarms_of(backup)) == 1
        node.stop()
        # Another backup is due at once, and its tool hangs when the node is killed.
        fake = backup.folder / "bin" / backup.tool
        fake.parent.mkdir()
        pid = backup.folder / "pid"
        fake.write_text(f"#!/bin/sh\necho $$ > {pid}.new && mv {pid}.new {pid}\nexec sleep 600\n")
        fake.chmod(0o755)
        backup.profile(name="weekly")
        os.environ["PATH"], path = f"{fake.parent}:{os.environ['PATH']}", os.environ["PATH"]
        try:
            node.start()
        finally:
            os.environ["PATH"] = path
        node.until(pid.exists)
        node.stop(signal.SIGKILL)
        end = time.monotonic() + 60
        while runs(int(pid.read_text())):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert drills_of(backup) is None
    finally:
        if node.process.poll() is None:
            node.process.kill()


def numbers(node):
    lines = node.get("/metrics")[2].decode().splitlines()
    return {line.split()[0].removeprefix("entente_recover_"): int(line.split()[1])
            for line in lines if line.startswith("entente_recover_")}


def runs(pid):
    """Who nobody reaps is dead all the same."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
