"""The journal of a running machine: what journald really keeps, read from its file's head."""
import json
import pathlib
import signal

import pytest

from waiting import until

JOURNALD = "/lib/systemd/systemd-journald"
MACHINE_ID = "3d1219c7c4c5404aaa1f6d2a48adfda4"
pytestmark = pytest.mark.skipif(not pathlib.Path(JOURNALD).exists(), reason="no systemd-journald")


def status_of(machine):
    return machine.run("sh", "-c", "cat /proc/$(cat /run/journald.pid)/status").stdout


def blocks_signals(machine):
    """Whether journald reads signals where it waits: before, they would end it."""
    (line,) = (line for line in status_of(machine).splitlines() if line.startswith("SigBlk:"))
    return int(line.split()[1], 16) >> (signal.SIGUSR1 - 1) & 1


def finding_of(machine):
    done = machine.entente("assess", "--format", "json", "--quiet",
                           "--measure", "host.log.journal-kept")
    finding = json.loads(done.stdout)["findings"][0]
    last = [line for line in finding["evidence"] if line["key"] == "last entry"]
    return finding, last[0] if last else None


def test_the_running_journal_is_looked_at(machine):
    machine.run("mount", "-t", "cgroup2", "-o", "ro", "cgroup", "/sys/fs/cgroup")
    machine.run("rm", "-rf", "/var/log/journal", "/etc/systemd/journald.conf.d")
    machine.run("mkdir", "-p", "/var/log/journal", "/run/log/journal")
    machine.write("/etc/machine-id", MACHINE_ID + "\n")
    machine.write("/etc/systemd/journald.conf",
                  "[Journal]\nStorage=persistent\nSystemMaxUse=50M\nCompress=yes\n")
    # Told to keep, but journald does not run: only what it is told can be judged.
    finding, last = finding_of(machine)
    assert (finding["outcome"], last) == ("pass", None)

    machine.run("sh", "-c", f"{JOURNALD} > /run/journald.log 2>&1 & echo $! > /run/journald.pid")
    until(lambda: machine.run("test", "-S", "/run/systemd/journal/socket", status=None).returncode == 0
          and blocks_signals(machine), what="journald's socket, and that it takes signals")
    # It runs, and has not gone over to the disk yet: nothing is kept.
    finding, last = finding_of(machine)
    assert finding["outcome"] == "fail" and last["found"].startswith("no file")

    path = f"/var/log/journal/{MACHINE_ID}/system.journal"
    machine.run("sh", "-c", "kill -USR1 $(cat /run/journald.pid)")
    until(lambda: (finding_of(machine)[1] or {}).get("outcome") == "pass", what="the journal on disk")
    finding, last = finding_of(machine)
    assert finding["outcome"] == "pass"
    assert last["path"] == path and last["found"].endswith("this start")

    # A file that an earlier start left: journald writes elsewhere, or not at all. It is stopped, or
    # the next message of the kernel's has it write this start into the file again.
    machine.run("sh", "-c", "kill -STOP $(cat /run/journald.pid)")
    until(lambda: "State:\tT" in status_of(machine), what="journald's stop")
    machine.run("sh", "-c", f"printf 0123456789abcdef | dd of={path} bs=1 seek=56 conv=notrunc")
    finding, last = finding_of(machine)
    assert finding["outcome"] == "fail" and last["found"].endswith("an earlier start")
    machine.write(path, "no journal")
    assert finding_of(machine)[0]["reason"] == "unreadable"
