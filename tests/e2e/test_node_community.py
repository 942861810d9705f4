"""A whole community on loopback: witnesses freeze, die and come back; the log is killed; a node
with a mirror serves it and a node without a log hands entries on.

Exercises, of src/node, sequencing, admission, service_log and service_witness, service_files over a
mirror, and service_forward with forwarder (entries that are handed on).
"""
import base64
import concurrent.futures
import json
import os
import shutil
import signal
import time

import pytest

from nodes import Community, MAKER, Node
from test_node import inclusion, leaf
from waiting import PATIENCE

pytestmark = pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built")
LONG = bool(os.environ.get("ENTENTE_LONG"))


@pytest.fixture
def community(tmp_path):
    made = Community(tmp_path / "community", entries=600 if LONG else 120)
    yield made
    made.stop()


def numbers(node):
    text = node.get("/metrics")[2].decode()
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")


def test_a_frozen_witness_holds_up_only_trust(community):
    """Without one group nothing is published, but entries are taken; with it all is."""
    community.start()
    log, frozen = community.log, community.witnesses[1]
    assert log.submit(community.entries[0])[0] == 200
    frozen.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, frozen.process.pid, os.WSTOPPED)  # all its threads
    status, answer = log.submit(community.entries[1], wait=1)
    assert status == 202
    payload = json.loads(base64.b64decode(answer["receipt"]["payload"]))
    assert payload["predicate"]["status"] == "accepted" and payload["predicate"]["by"]
    assert log.size() == 2
    # What depends on an entry that is not published yet is admitted all the same.
    assert log.submit(community.entries[6], wait=0)[0] == 202
    frozen.process.send_signal(signal.SIGCONT)
    # Asked again within a minute at most (RETRY_LIMIT_US of the log), and answered.
    log.until(lambda: log.size() == 4)
    log.until(lambda: log.json("/api/v1/checkpoint")["size"] == 4)
    verdict = log.json("/api/v1/checkpoint")
    assert verdict["witnessed"] and verdict["log_time"]
    status, answer = log.submit(community.entries[1])
    assert (status, answer["index"]) == (200, 2)


def test_a_dead_witness_comes_back(community):
    community.start()
    log, dead = community.log, community.witnesses[2]
    assert log.submit(community.entries[0])[0] == 200
    dead.stop(signal.SIGKILL)
    assert log.submit(community.entries[1], wait=1)[0] == 202
    log.until(lambda: numbers(log)['entente_witness_good{witness="society.example/witness"}']
              == "0")
    dead.start()
    log.until(lambda: log.size() == 3)
    # The witness remembers across the kill: what it cosigned only grew.
    logs = dead.json("/api/v1/witness/logs")["logs"]
    assert [entry["size"] for entry in logs] == [3]


def test_the_log_is_killed_again_and_again(community, say):
    """Every answered entry is there with a valid proof, at its index; checkpoints never go back."""
    community.start()
    log, answered, sizes = community.log, {}, []
    for entry in community.entries[:6]:
        assert log.submit(entry)[0] == 200
    rest = community.entries[6:]
    rounds = 40 if LONG else 6
    for number in range(rounds):
        part = rest[number * len(rest) // rounds:(number + 1) * len(rest) // rounds]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            waiting = {pool.submit(log.submit, entry, 5): entry for entry in part}
            if number % 2:
                time.sleep(0.05 * (number % 7))
            else:
                concurrent.futures.wait(waiting, timeout=PATIENCE,
                                        return_when=concurrent.futures.FIRST_COMPLETED)
            log.stop(signal.SIGKILL)
            for done in concurrent.futures.as_completed(waiting):
                if done.exception() is None and done.result()[0] in (200, 202):
                    answered[waiting[done]] = done.result()
        log.start()
        log.until(lambda: log.get("/readyz")[0] == 200)
        sizes.append(log.size())
    assert sizes == sorted(sizes)
    assert answered
    for entry, (status, answer) in answered.items():
        if status == 200:
            assert inclusion(entry, answer["proof"])
        again, now = log.submit(entry)
        assert again == 200, now
        assert status == 202 or now["index"] == answer["index"]
        assert inclusion(entry, now["proof"])
    log.until(lambda: log.json("/api/v1/register")["size"] == log.size())
    assert not [entry for entry in log.json("/api/v1/register")["refused"]]
    say(f"figure: node, {rounds} kills of the log under load: {len(answered)} answered entries, "
        f"all there; size {log.size()}")


def test_restart_shows_the_same(community):
    community.start()
    log = community.log
    for entry in community.entries[:20]:
        assert log.submit(entry)[0] == 200
    log.until(lambda: log.json("/api/v1/register")["size"] == 21)
    before = log.json("/api/v1/register")
    log.stop()
    log.start()
    log.until(lambda: log.get("/readyz")[0] == 200 and log.json("/api/v1/register")["size"] == 21)
    after = log.json("/api/v1/register")

    def timeless(value):
        if isinstance(value, dict):
            return {key: timeless(item) for key, item in value.items()
                    if key not in ("now", "age_s", "freshness")}
        return [timeless(item) for item in value] if isinstance(value, list) else value
    assert timeless(after) == timeless(before)


def test_a_restored_backup_is_refused(community, tmp_path):
    """By the log's own lock row: it does not start; nothing is signed."""
    community.start()
    log = community.log
    assert log.submit(community.entries[0])[0] == 200
    log.stop()
    shutil.copytree(log.data / "log", tmp_path / "backup")
    log.start()
    log.until(lambda: log.get("/readyz")[0] == 200)
    for entry in community.entries[1:8]:
        assert log.submit(entry)[0] == 200
    log.stop()
    lock = (log.data / "log" / "lock.db").read_bytes()
    shutil.rmtree(log.data / "log")
    shutil.copytree(tmp_path / "backup", log.data / "log")
    (log.data / "log" / "lock.db").write_bytes(lock)
    log.start(wait=False)
    assert log.process.wait(timeout=PATIENCE) == 4, log.said()


def test_a_mirror_serves_and_hands_on(community, tmp_path):
    """A node without the log's key: the same files and register, entries go to the log."""
    community.start()
    log = community.log
    for entry in community.entries[:8]:
        assert log.submit(entry)[0] == 200
    log.until(lambda: log.json("/api/v1/register")["size"] == 9)
    data = tmp_path / "mirror"
    (data / "community").mkdir(parents=True)
    data.chmod(0o700)
    policy = json.loads((log.data / "community" / "policy.json").read_text())
    (data / "community" / "policy.json").write_text(json.dumps(policy))
    target = data / "community" / "log"
    for path in sorted((log.data / "log" / "tile").rglob("*")):
        if path.is_file():
            copy = target / path.relative_to(log.data / "log")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    for name in ("checkpoint", "history"):  # in this order: it has every line that the checkpoint has
        (target / name).write_bytes((log.data / "log" / name).read_bytes())
    mirror = Node(data).start()
    try:
        mirror.until(lambda: mirror.get("/readyz")[0] == 200)
        assert mirror.get("/checkpoint")[2] == (target / "checkpoint").read_bytes()
        assert mirror.json("/api/v1/register")["size"] == 9
        proof = mirror.get(f"/api/v1/proofs/{leaf(community.entries[3])}")[2].decode()
        assert inclusion(community.entries[3], proof)
        # A byte of a tile otherwise: the register says nothing of it rather than something false.
        tile = target / "tile" / "entries" / "000.p" / "9"
        data_bytes = bytearray(tile.read_bytes())
        data_bytes[100] ^= 1
        mirror.stop()
        tile.write_bytes(data_bytes)
        mirror.start()
        assert mirror.get("/readyz")[0] == 503
        assert mirror.get("/api/v1/register")[0] == 503
    finally:
        mirror.stop()


def test_forwarding(tmp_path):
    made = Community(tmp_path / "community", entries=3, witnesses=0)
    made.start()
    try:
        data = tmp_path / "other"
        (data / "community").mkdir(parents=True)
        data.chmod(0o700)
        policy = json.loads((made.log.data / "community" / "policy.json").read_text())
        policy["url"] = f"http://127.0.0.1:{made.log.port}/"
        (data / "community" / "policy.json").write_text(json.dumps(policy))
        other = Node(data).start()
        try:
            status, answer = other.submit(made.entries[0])
            assert status == 200 and inclusion(made.entries[0], answer["proof"])
            assert other.submit(b"{}")[1]["reason"] == "malformed"
            made.log.stop()
            status, answer = other.submit(made.entries[1], wait=1)
            assert status == 502 and answer["title"]
        finally:
            other.stop()
    finally:
        made.stop()
