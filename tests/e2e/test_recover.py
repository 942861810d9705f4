"""entente recover with the real restic and borg (modules recover_manifest, recover_drill, recover_status and
recover_scene of src/cli; drill_held, custody, drill_judge, drill_record, predicate_recover,
service_recover): what is broken on purpose is found, and what could not be looked at proves nothing."""
import json
import os
import pathlib
import shutil
import signal

import pytest

from backups import PASSWORD, TOOLS, Backup
from nodes import Node
from test_schemas import check
from waiting import until

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
    document = json.loads(backup.entente("recover", "status", "--format", "json").stdout)
    assert check("recover-status", document) == []
    row, = document["backups"]
    assert row["drill"]["drill"] == report["drill"]
    # It is not due again, and what a document may not be is refused.
    assert json.loads(backup.entente("recover", "drill", "--due", "--format", "json").stdout)["drills"] == []
    del row["drill"]["aspects"][3]
    assert check("recover-status", document)


def test_nothing_secret_and_no_name_of_a_file_is_kept_in_the_record(restic):
    restic.drill("--files", "2")
    data = restic.folder / "data"
    record, = data.glob("recover/*/drill-*.dsse.json")
    restic.entente("journal", "verify")
    for path in [record, data / "journal.db"]:
        held = path.read_bytes()
        assert PASSWORD.encode() not in held and b"second name" not in held  # neither stands in base64 by chance
    statement = json.loads(__import__("base64").b64decode(json.loads(record.read_text())["payload"]))
    text = json.dumps(statement)
    assert "second name" not in text and "/file" not in text
    assert "nightly" not in text and str(restic.source) not in text and str(restic.repository) not in text
    openings, = data.glob("recover/*/drill-*.openings.json")
    assert openings.stat().st_mode & 0o777 == 0o600 and str(restic.source) in openings.read_text()


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


def test_a_check_that_read_nothing_proves_nothing(restic):
    """Of two packs, most shares of 250 hold none: restic says "no errors were found" and ends with 0."""
    reports = [restic.drill("--files", "1", "--read", f"{share}/250") for share in (2, 3, 4)]
    assert ("not-proven", "nothing-read") in [report["by"]["integrity"] for report in reports]
    for report in reports:
        assert (report["packs"] > 0) == (report["by"]["integrity"][0] == "proven")
    assert restic.drill("--files", "1", "--read", "none")["by"]["integrity"] == ("not-proven", "nothing-read")


def test_a_share_that_the_tool_does_not_take_is_refused(restic):
    """Before anything is tried: a refusal of the tool would look like damage."""
    for share in ("1/257", "0/2", "3/2", "1/2/3"):
        done = restic.entente("recover", "drill", "--read", share, status=2)
        assert share in done.stderr
    assert restic.drill("--files", "1", "--read", "1/256")["by"]["integrity"][0] != "failed"


def test_a_file_that_was_swapped_before_the_backup_is_found(restic):
    """Same size and time, other bytes: the manifest tells them apart."""
    victim = restic.source / "file3"
    status = victim.stat()
    restic.entente("recover", "manifest")
    victim.write_bytes(b"x" * status.st_size)
    os.utime(victim, ns=(status.st_atime_ns, status.st_mtime_ns))
    # The tool trusts times, too; a new repository has to read.
    shutil.rmtree(restic.repository)
    restic.begin()
    restic.snapshot("two")
    report = restic.drill()
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


def test_a_manifest_that_was_changed_is_found(restic):
    path, = (restic.folder / "data").glob("recover/*/*.manifest")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    report = restic.drill()
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


def test_no_such_tool(restic, tmp_path):
    restic.entente.environment["PATH"] = str(tmp_path)
    report = restic.drill()
    assert report["by"]["access"] == ("not-proven", "not-installed")


def test_a_tool_that_hangs_is_killed(restic, tmp_path):
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    fake = bin_folder / restic.tool
    restic.entente.environment["PATH"] = f"{bin_folder}:{os.environ['PATH']}"
    fake.write_text("#!/bin/sh\nsleep 600 &\nsleep 600\n")
    fake.chmod(0o755)
    report = restic.drill("--limit", "2")
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


def drills_of(backup):
    row, = json.loads(backup.entente("recover", "status", "--format", "json").stdout)["backups"]
    return row["drill"]


def alarms_of(backup):
    rows = json.loads(backup.entente("alarm", "list", "--format", "json").stdout)
    return rows["cases"] if isinstance(rows, dict) else rows


def test_the_node_holds_the_drills_that_are_due(restic):
    """Module node/background: when the profile wants one, not before; a failed one is an alarm; and
    what it started ends with it, also when it is killed."""
    node = Node(restic.folder / "data", "--profile", restic.folder / "entente.yaml", "--drill-every", 1)
    node.start()
    try:
        node.until(lambda: drills_of(restic))
        first = drills_of(restic)
        assert first["sample"]["intact"] == 13
        node.until(lambda: alarms_of(restic))  # a folder of this machine is no backup that lies elsewhere
        rounds = numbers(node)["rounds_total"]
        node.until(lambda: numbers(node)["rounds_total"] > rounds + 1)
        assert drills_of(restic) == first and numbers(node)["drills_total"] == 1
        assert numbers(node)["drills_failed_total"] == 1 and len(alarms_of(restic)) == 1
        node.stop()
        # Another backup is due at once, and its tool hangs when the node is killed.
        fake = restic.folder / "bin" / restic.tool
        fake.parent.mkdir()
        pid = restic.folder / "pid"
        fake.write_text(f"#!/bin/sh\necho $$ > {pid}.new && mv {pid}.new {pid}\nexec sleep 600\n")
        fake.chmod(0o755)
        restic.profile(name="weekly")
        os.environ["PATH"], path = f"{fake.parent}:{os.environ['PATH']}", os.environ["PATH"]
        try:
            node.start()
        finally:
            os.environ["PATH"] = path
        node.until(pid.exists)
        node.stop(signal.SIGKILL)
        until(lambda: not runs(int(pid.read_text())), what="the end of the tool")
        assert drills_of(restic) is None
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
