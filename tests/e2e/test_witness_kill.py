"""
A witness that is killed at any of its writing calls never cosigns two histories, and the log that
asked gets on with it afterwards (tests/e2e/witness_step.c).
"""
import pathlib
import subprocess

import pytest

from conftest import BINARY

STEP = pathlib.Path(BINARY).resolve().parents[1] / "tests" / "e2e" / "witness_step"


@pytest.mark.parametrize("old, size", [(0, 5), (5, 9)])
def test_killed_anywhere(kill_at, entente, tmp_path, old, size):
    if not STEP.exists():
        pytest.skip(f"{STEP} is not built")
    state, answer = tmp_path / "witness.db", tmp_path / "answer"

    def ask(fork, from_size, to_size):
        subprocess.run([STEP, state, str(fork), str(from_size), str(to_size), answer], check=True)
        status, body = answer.read_text().split("\n", 1)
        return int(status), body

    def prepare():
        for path in tmp_path.glob("witness.db*"):
            path.unlink()
        answer.unlink(missing_ok=True)
        if old:
            assert ask(1, 0, old)[0] == 200
            answer.unlink()

    def check(number):
        left = answer.exists() and answer.read_text().startswith("200")
        status, body = ask(2, old, size)
        if old:  # the other history does not even begin with what is cosigned
            assert status in (409, 422), number
        if status == 200:  # then the first one must never have left, nor leave now
            assert not left, number
            assert ask(1, old, size)[0] == 409
            assert ask(1, size, size)[0] == 422
        else:  # committed before the kill, or signed before: the log is told and gets on
            known = int(body) if status == 409 else old
            assert ask(1, known, size)[0] == 200, number

    kill_at.everywhere([STEP, state, "1", str(old), str(size), answer], entente.environment,
                       prepare, check)
