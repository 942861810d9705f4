"""
Waiting for what happens in its own time. The bound is far beyond what a busy machine takes: it is
there for what never happens, and who waits no longer than needed may be patient.
"""
import time

PATIENCE = 180  # seconds
HOUR, DAY = 3600, 86400


def until(condition, seconds=PATIENCE, what="it", why=None):
    """What the condition gives, once that is something; `why` tells why it may not be."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s {why() if why else ''}"
        time.sleep(0.05)


def within_one(seconds, steps):
    """What the steps give; they are done again where an hour (or a day of UTC) ended meanwhile."""
    while True:
        begun = time.time() // seconds
        try:
            given = steps()
        except AssertionError:
            if time.time() // seconds == begun:
                raise
        else:
            if time.time() // seconds == begun:
                return given


def answered(question, process=None, said=lambda: "no word of it"):
    """What the question gives, once it raises no OSError; `said` tells why `process` ended."""
    end = time.monotonic() + PATIENCE
    while True:
        assert process is None or process.poll() is None, said()
        try:
            return question()
        except OSError:
            assert time.monotonic() < end, f"no answer in {PATIENCE} s: {said()}"
            time.sleep(0.05)
