"""kill -9 and failing disks under a log's writer: what was answered stays, with a valid proof, and
no checkpoint ever contradicts another (log_hammer.c writes and judges, faults.c lets calls fail).
"""
import os
import pathlib
import random
import re
import shutil
import subprocess
import time

import pytest

from conftest import BINARY
from waiting import PATIENCE, until

HERE = pathlib.Path(BINARY).resolve().parents[1] / "tests" / "e2e"
HAMMER, FAULTS = HERE / "log_hammer", HERE / "faults.so"
LONG = bool(os.environ.get("ENTENTE_LONG"))
KILLS = 500 if LONG else 50
STOPPED = 3
FAULT_KINDS = ["EIO", "ENOSPC", "short"]
SEED = int(os.environ.get("ENTENTE_SEED", "20261122"))


class Log:
    """A log that is written, killed and judged again and again."""

    def __init__(self, folder):
        self.folder, self.witnessed = folder / "log", folder / "witnessed"
        self.environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        folder.mkdir(exist_ok=True)
        self.witnessed.touch()

    def create(self):
        subprocess.run([HAMMER, "create", self.folder], check=True, env=self.environment)

    def writing(self, *arguments, environment=None):
        return subprocess.Popen([HAMMER, "write", self.folder, *map(str, arguments)],
                                stdout=self.witnessed.open("ab"), stderr=subprocess.PIPE,
                                env={**self.environment, **(environment or {})})

    def end_line(self):
        """A line that was cut by the kill stays apart from the next one."""
        with self.witnessed.open("ab") as file:
            file.write(b"\n")

    def check(self, what):
        self.end_line()
        done = subprocess.run([HAMMER, "check", self.folder, self.witnessed], capture_output=True,
                              text=True, env=self.environment, timeout=PATIENCE)
        assert done.returncode == 0, f"{what}: {done.stderr}"
        with self.witnessed.open("a", encoding="ascii") as file:
            file.write(done.stdout)  # what the judge showed is shown, too
        return int(done.stdout.split()[-1])

    def answered(self):
        return sum(line.startswith("ack ") for line in
                   self.witnessed.read_text(encoding="ascii").splitlines())


@pytest.fixture
def log(tmp_path):
    if not HAMMER.exists():
        pytest.skip(f"{HAMMER} is not built")
    log = Log(tmp_path)
    return log


def test_kills_at_random(log, say):
    """The same log through all of them."""
    chance = random.Random(SEED)
    log.create()
    size = 0
    longest = 0.3
    for number in range(KILLS):
        begun = time.monotonic()
        process = log.writing(1000000, chance.choice([1, 4]), chance.choice([100, 2000, 60000]))
        if number == 0:  # and so long a machine takes that is busy
            until(log.answered, what="the first answer")
            longest = max(longest, 2 * (time.monotonic() - begun))
        time.sleep(chance.uniform(0.01, longest))
        process.kill()
        process.wait()
        process.stderr.close()
        # Every other time the killed writer's successor is a writer, not the judge.
        if number % 2 or number == KILLS - 1:
            now = log.check(f"kill {number} (seed {SEED})")
            assert now >= size
            size = now
        else:
            log.end_line()
    answered = log.answered()
    assert 0 < answered <= size
    say(f"figure: {KILLS} kills of a log's writer at random: {answered} entries answered, all there;"
        f" the log has {size}")


def test_a_kill_at_each_call(tmp_path, kill_at, say):
    """kill -9 at each call that changes a file, of a writer that starts, writes and ends."""
    logs = []

    def prepare():
        logs.append(Log(tmp_path / str(len(logs))))
        logs[-1].create()
        # The same path for each run, so that its calls are the same.
        link = tmp_path / "log"
        link.unlink(missing_ok=True)
        link.symlink_to(logs[-1].folder)

    def check(number):
        logs[-1].check(f"call {number}")

    if not HAMMER.exists():
        pytest.skip(f"{HAMMER} is not built")
    prepare()
    total = kill_at.everywhere([HAMMER, "write", tmp_path / "log", "30", "1", "40000"],
                               {**os.environ}, prepare, check)
    assert total > 60
    for log in logs:
        subprocess.run(["rm", "-rf", log.folder], check=True)


def test_a_kill_while_the_log_is_made(tmp_path, kill_at):
    """Either there is no log, and it can be made, or there is one, and it can be written."""
    folder = tmp_path / "made"

    def prepare():
        subprocess.run(["rm", "-rf", folder], check=True)

    def check(number):
        done = subprocess.run([HAMMER, "create", folder], capture_output=True, text=True)
        assert done.returncode == 0 or "there is a log already" in done.stderr, done.stderr
        done = subprocess.run([HAMMER, "write", folder, "3", "1"], capture_output=True, text=True)
        assert done.returncode == 0, f"call {number}: {done.stderr}"
        assert done.stdout.count("ack") == 3

    if not HAMMER.exists():
        pytest.skip(f"{HAMMER} is not built")
    kill_at.everywhere([HAMMER, "create", folder], {**os.environ}, prepare, check)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_failing_call(tmp_path, kind, say):
    """Each write, sync, rename in turn fails once, in one of these ways; in each of them in the long
    run. The writer stops for good, or did not need it; what it answered before is there."""
    if not HAMMER.exists():
        pytest.skip(f"{HAMMER} is not built")
    # A sanitizer wants to be the first library.
    linked = subprocess.run(["ldd", HAMMER], capture_output=True, text=True, check=True).stdout
    first = re.findall(r"=> (\S*libasan\S*)", linked)
    count = tmp_path / "count"

    def run(log, at):
        count.unlink(missing_ok=True)
        process = log.writing(25, 2, 20000, environment={
            "LD_PRELOAD": " ".join([*first, str(FAULTS)]), "FAULT_AT": str(at),
            "FAULT_KIND": kind, "FAULT_COUNT": str(count)})
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode in (0, STOPPED), errors
        return process.returncode

    def calls():
        return int(count.read_text(encoding="ascii"))

    log, new = Log(tmp_path / "whole"), tmp_path / "new"
    log.create()
    shutil.copytree(log.folder, new)
    assert run(log, 0) == 0
    total = calls()
    assert total > 60
    numbers = range(1, total + 1) if LONG else range(1 + FAULT_KINDS.index(kind), total + 1,
                                                     len(FAULT_KINDS))
    stopped = reached = 0
    for number in numbers:
        log = Log(tmp_path / f"fault-{number}")
        shutil.copytree(new, log.folder)
        status = run(log, number)
        stopped += status == STOPPED
        reached += calls() >= number  # more at a time are written where the machine is less busy
        size = log.check(f"{kind} at call {number}")
        assert log.answered() <= size
        subprocess.run(["rm", "-rf", log.folder.parent], check=True)
    assert reached >= 20 and stopped > reached / 3
    say(f"figure: {kind} at {reached} of {total} calls that write: the writer stopped {stopped}"
        " times, and every entry answered was there")


def test_the_judge_sees_what_is_missing(log):
    """The tests above would notice: an answered entry that is not there, a checkpoint of another
    tree."""
    if not HAMMER.exists():
        pytest.skip(f"{HAMMER} is not built")
    log.create()
    log.writing(20, 1, 100).communicate()
    good = log.witnessed.read_text(encoding="ascii")
    log.check("what is there")
    for line in ("ack 3 " + 64 * "0", f"ack 20 {64 * '0'}", "shown 7 " + 64 * "0"):
        log.witnessed.write_text(good + line + "\n", encoding="ascii")
        with pytest.raises(AssertionError):
            log.check(line)
