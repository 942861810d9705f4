"""Fixtures for the end-to-end tests: the real program, in a folder of its own."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("ENTENTE", str(ROOT / "build" / "src" / "entente"))
SHARED = pathlib.Path(os.environ.get("ENTENTE_SHARED", str(ROOT.parent / "shared")))


class Program:
    """The program with its data folder; a call gives a CompletedProcess with text output."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {**os.environ, "ENTENTE_DATA": str(folder / "data"), "LC_ALL": "C.UTF-8",
                            "NO_COLOR": "1"}
        self.environment.pop("ENTENTE_PROFILE", None)

    def __call__(self, *arguments, status=0, stdin=None, timeout=120, **options):
        done = subprocess.run([BINARY, *map(str, arguments)], cwd=self.folder,
                              env=self.environment, input=stdin, capture_output=True, text=True,
                              timeout=timeout, **options)
        assert status is None or done.returncode == status, (
            f"entente {' '.join(map(str, arguments))}: exit {done.returncode}, wanted {status}\n"
            f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done


@pytest.fixture
def entente(tmp_path):
    return Program(tmp_path)


@pytest.fixture(scope="session")
def shared():
    if not SHARED.is_dir():
        pytest.skip(f"no shared data in {SHARED}")
    return SHARED


@pytest.fixture
def say(capsys):
    """Prints a line even when the test passes; ./test shows those that begin with "figure:"."""
    def line(text):
        with capsys.disabled():
            print("\n" + text)
    return line


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
            timeout=120, cwd=self.folder)
        assert done.returncode != 125, done.stderr
        return done.returncode, int(count.read_text())

    def everywhere(self, arguments, environment, prepare, check):
        """
        prepare() before each run, check(number) after each kill; how many such calls there were.
        Of more than `most`, so many are chosen evenly, the first and the last among them.
        """
        prepare()
        status, total = self.run(arguments, environment)
        assert status == 0 and total > 0
        numbers = range(1, total + 1)
        if self.most and total > self.most:
            numbers = [1 + round(step * (total - 1) / (self.most - 1)) for step in range(self.most)]
        kills = 0
        for number in numbers:
            prepare()
            status, _ = self.run(arguments, environment, number)
            if status == 137:  # a run may need a call less than the first one did
                check(number)
                kills += 1
        self.say(f"figure: kill -9 of {' '.join(map(str, arguments[1:3]))}: {total} calls that "
                 f"write, killed at {kills}")
        assert kills > 0.8 * len(numbers)
        return total


@pytest.fixture
def kill_at(tmp_path, say):
    program = pathlib.Path(BINARY).resolve().parents[1] / "tests" / "e2e" / "kill_at"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    return KillAt(program, tmp_path, say)
