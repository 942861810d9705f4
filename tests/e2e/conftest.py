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
