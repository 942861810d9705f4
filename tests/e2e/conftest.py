"""Fixtures for the end-to-end tests: the real program, in a folder of its own."""
import os
import pathlib
import signal
import subprocess
import tempfile

import pytest

from waiting import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("ENTENTE", str(ROOT / "build" / "src" / "entente"))
# By the seconds of a run with sanitizers.
LONGEST = ["recover_store", "verify_pages", "case", "recover", "kill", "delivery_forged", "portal", "postgres",
           "log_crash", "intake_web", "report", "clock", "delivery_chaos", "intake_answers", "intake_pages",
           "case_files", "routes", "taxii_exchange", "node_hostile", "case_transfer", "intake_files",
           "hunt_scan", "delivery", "zone", "zone_checks", "attacks", "walkthrough", "verify_log"]
SAID = "said"  # property of a test's report
SHARED = pathlib.Path(os.environ.get("ENTENTE_SHARED", str(ROOT.parent / "shared")))


# Who starts the tests in the background may ignore Ctrl-C, which every program would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Program:
    """The program with its data folder; a call gives a CompletedProcess with text output."""

    def __init__(self, folder):
        self.folder, self.before = folder, []
        self.environment = {**os.environ, "ENTENTE_DATA": str(folder / "data"), "LC_ALL": "C.UTF-8",
                            "NO_COLOR": "1"}
        self.environment.pop("ENTENTE_PROFILE", None)

    def __call__(self, *arguments, status=0, stdin=None, timeout=PATIENCE, **options):
        done = subprocess.run([*self.before, BINARY, *map(str, arguments)], cwd=self.folder,
                              env=self.environment, input=stdin, capture_output=True, text=True,
                              timeout=timeout, **options)
        assert status is None or done.returncode == status, (
            f"entente {' '.join(map(str, arguments))}: exit {done.returncode}, wanted {status}\n"
            f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done


def pytest_collection_modifyitems(items):
    """The files that take longest first: none of them is begun when the others are at their end."""
    order = {f"test_{name}.py": at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="module")
def page():
    """A browser, of the tests of one file."""
    chromium = pytest.importorskip("browser")
    if not chromium.available():
        pytest.skip("no chromium and chromium-driver")
    opened = chromium.Browser()
    yield opened
    opened.close()


@pytest.fixture
def entente(tmp_path):
    return Program(tmp_path)


ALONE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


@pytest.fixture
def alone(entente):
    """
    The program where it sees no process and no socket but its own: what is begun and ended on the
    machine between two assessments is no change that they find. Root alone can do that.
    """
    if subprocess.run([*ALONE, "true"], capture_output=True, timeout=PATIENCE).returncode == 0:
        entente.before = ALONE
    return entente


@pytest.fixture(scope="session")
def shared():
    if not SHARED.is_dir():
        pytest.skip(f"no shared data in {SHARED}")
    return SHARED


@pytest.fixture
def say(record_property):
    """A line for the end of the run, whether or not the test passes, and whichever process ran it;
    ./test shows those that begin with "figure:"."""
    return lambda text: record_property(SAID, text)


def pytest_terminal_summary(terminalreporter):
    lines = [value for reports in terminalreporter.stats.values() for report in reports
             if getattr(report, "when", None) == "call"
             for name, value in report.user_properties if name == SAID]
    if lines:
        terminalreporter.section("said by tests")
    for line in lines:
        terminalreporter.write_line(line)


class KillAt:
    """Kills a command at each system call of its that changes a file (kill_at.c)."""

    binary = BINARY
    most = None if os.environ.get("ENTENTE_LONG") else 24  # kills of one command

    def __init__(self, program, folder, say):
        self.program, self.folder, self.say = program, folder, say

    def run(self, arguments, environment, number=None):
        """Exit status (137 when killed) and the count of such calls so far."""
        count = self.folder / "kill_at.count"
        # The leak detector is a tracer itself: it refuses to work under another one.
        options = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        done = subprocess.run(
            [self.program, "-o", count, *(["-n", str(number)] if number else []), *arguments],
            env={**environment, "ASAN_OPTIONS": options}, capture_output=True, text=True,
            timeout=PATIENCE, cwd=self.folder)
        assert done.returncode != 125, done.stderr
        return done.returncode, int(count.read_text())

    def everywhere(self, arguments, environment, prepare, check):
        """
        prepare() before each run, check(number) after each kill; how many such calls there were.
        Of more than `most`, so many are chosen evenly, the first and the last among them.
        """
        totals = []
        for _ in range(3):  # threads share calls as they please: what every run has
            prepare()
            status, total = self.run(arguments, environment)
            assert status == 0 and total > 0
            totals.append(total)
        total = min(totals)
        numbers = range(1, total + 1)
        if self.most and total > self.most:
            numbers = [1 + round(step * (total - 1) / (self.most - 1)) for step in range(self.most)]
        kills = 0
        for number in numbers:
            prepare()
            status, had = self.run(arguments, environment, number)
            if status != 137:  # it needed fewer calls, as on a machine that is less busy: as far into those
                prepare()
                status, _ = self.run(arguments, environment, max(1, number * had // total))
            if status == 137:
                check(number)
                kills += 1
        self.say(f"figure: kill -9 of {' '.join(map(str, arguments[1:3]))}: {total} calls that "
                 f"write, killed at {kills}")
        assert kills >= len(numbers) - max(1, len(numbers) // 5)
        return total


@pytest.fixture
def kill_at(tmp_path, say):
    program = pathlib.Path(BINARY).resolve().parents[1] / "tests" / "e2e" / "kill_at"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    return KillAt(program, tmp_path, say)


MACHINE = r"""
set -e
mount -t tmpfs machine "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay machine -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,rw proc/sys/net
mount --bind /dev dev
mount -t tmpfs -o mode=1777 temporary ".$2"
case $3 in "$2"/*) mkdir -p ".$3"; mount --bind "$3" ".$3" ;; esac
mount -t sysfs sysfs sys
mount -t tmpfs run run
mkdir run/sshd
ip link set lo up
exec chroot . /bin/sh -c 'echo ready; exec sleep 3600'
"""


class Machine:
    """
    A copy of this machine to do anything to: an overlay over /, its own network and processes.
    Of the kernel's settings only net.* can be written, and they are the copy's own. So is the folder
    of temporary files, for what other tests put there and take away is nobody's to assess.
    """

    def __init__(self, process, pid):
        self.process, self.pid = process, pid
        self.environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                            "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "ENTENTE_DATA": "/root/data",
                            **{name: value for name, value in os.environ.items()
                               if name.endswith("SAN_OPTIONS")}}

    def run(self, *arguments, status=0, **options):
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "-r", "-w", *map(str, arguments)],
            env=self.environment, capture_output=True, text=True, timeout=PATIENCE,
            stdin=subprocess.DEVNULL, **options)
        assert status is None or done.returncode == status, (
            f"{' '.join(map(str, arguments))}: exit {done.returncode}, wanted {status}\n"
            f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done

    def entente(self, *arguments, **options):
        return self.run(BINARY, *arguments, **options)

    def write(self, path, text, mode=0o644):
        self.run("sh", "-c", f'printf %s "$1" > {path}; chmod {mode:o} {path}', "sh", text)

    def read(self, path):
        return self.run("cat", path).stdout


@pytest.fixture
def machine(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("a copy of the machine is made by root only")
    folder = tmp_path / "machine"
    folder.mkdir()
    process = subprocess.Popen(
        ["unshare", "-m", "-n", "-p", "-f", "--kill-child", "sh", "-c", MACHINE, "sh", folder,
         tempfile.gettempdir(), pathlib.Path(BINARY).resolve().parents[1]],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline() != "ready\n":
            pytest.skip(f"no overlay or namespaces here: {process.stderr.read().strip()}")
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        yield Machine(process, int(children.split()[0]))
    finally:
        process.kill()
        process.communicate()
