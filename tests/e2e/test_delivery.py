"""Cases between signatories: sealed, through a relay, over wires that are listened to.

The nodes send to and fetch from mailboxes by mailbox_client; what carries them is service_delivery,
and the mailboxes are of service_mailbox (src/node). Proofs are of predicate_delivery (src/statement).
Where they take messages, and by which keys, they say with key_seal, key_delegate and cmd_contact by
ceremony (src/cli).
"""
import contextlib
import datetime
import json
import time

import jsonschema
import pytest

from conftest import ROOT
from delivery import DRIVER, World
from waiting import HOUR, until, within_one

pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason=f"{DRIVER} is not built")
MARKER = "marker-7f3a: the mail server answers nobody"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("delivery")).start()
    yield made
    made.stop()


def ask_for_help(world, text=MARKER):
    return world.state.desk("say", kind="assistance", to=[world.society.id], event="open", fields={
        "what": text, "continuing": "yes", "channel": "phone"})["case"]


def test_a_call_arrives_and_is_answered(world):
    """At the relay alone, and back; both have the same events in the same order."""
    case = ask_for_help(world)
    until(lambda: world.society.entries(case), what="the arrival")
    world.society.desk("say", case=case, event="message", fields={"text": MARKER + " back"})
    until(lambda: len(world.state.entries(case)) == 2, what="the answer")
    until(lambda: not world.state.desk("outbox") and not world.society.desk("outbox"),
          what="the acknowledgement")
    assert world.state.hashes(case) == world.society.hashes(case)
    assert {entry["verdict"] for entry in world.state.entries(case)} == {"applied"}


def send_image(world):
    """A case with a file of nine parts; its content, and where it came."""
    path = world.state.folder / "image.bin"
    path.write_bytes(b"".join(number.to_bytes(4, "big") for number in range(9 * 1024 * 256 + 7)))
    case = ask_for_help(world)
    world.state.desk("say", case=case, event="attach", fields={}, files=[str(path)])
    got = until(lambda: [file for entry in world.society.entries(case) for file in entry["files"]
                         if file], what="the attachment")
    return path.read_bytes(), got[0]


def test_attachments_of_any_size(world):
    """Larger than a part; the acknowledgement comes when it is whole."""
    sent, got = send_image(world)
    assert open(got, "rb").read() == sent
    until(lambda: not world.state.desk("outbox"), what="the acknowledgement")


def test_a_drill_is_echoed_by_the_machine(world):
    case = world.state.desk("say", kind="drill", to=[world.society.id], event="open", fields={
        "level": "l1", "nonce": "ab" * 32})["case"]
    until(lambda: len(world.state.entries(case)) >= 2, what="the echo")
    echo = world.state.entries(case)[1]
    assert echo["event"] == "echo" and echo["from"] == world.society.id
    assert echo["fields"] == {"nonce": "ab" * 32}


def test_a_time_is_proven_and_witnessed(world):
    """An hour later the root is in the log: both sides count by its log time, and anyone verifies."""
    def not_proven():
        """An event of an hour that is not over."""
        case = ask_for_help(world)
        until(lambda: world.society.entries(case), what="the arrival")
        (entry,) = world.state.entries(case)
        assert not entry["witnessed"]
        assert world.state.desk("proof", event=entry["hash"]) is None, "nothing is proven yet"
        return case, entry
    case, entry = within_one(HOUR, not_proven)
    until(lambda: world.state.desk("commit", now_us=int((time.time() + 3600) * 1e6)),
          what="the root")
    for party in (world.state, world.society):
        until(lambda: party.entries(case)[0]["witnessed"], what=f"{party.domain} knowing it")
    times = [party.entries(case)[0]["clock_us"] for party in (world.state, world.society)]
    assert times[0] == times[1]
    clocks = [world.state.desk("show", case=case)["clocks"],
              world.society.desk("show", case=case)["clocks"]]
    assert clocks[0] == clocks[1] and clocks[0]

    proof = until(lambda: world.state.desk("proof", event=entry["hash"]), what="the proof")
    schema = json.loads((ROOT / "docs" / "schema" / "case-proof.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(proof)
    path = world.society.folder / "case-proof.json"
    path.write_text(json.dumps(proof))
    said = json.loads(world.society.program("verify", path, "--format", "json").stdout)
    assert said["event"] == entry["hash"] and said["signatory"] == world.state.id
    moment = datetime.datetime.fromisoformat(said["log_time"]).timestamp()
    assert moment * 1e6 == times[0], "deadlines count from this second"
    for member, value in (("event", "00" * 32), ("salt", "00" * 32), ("index", proof["index"] ^ 1)):
        path.write_text(json.dumps({**proof, member: value}))
        refused = world.society.program("verify", path, "--format", "json", status=1)
        assert json.loads(refused.stdout)["reason"] == "commitment", member


def on_disk(folder, names="*"):
    """Every byte below a folder of a program that runs, and replaces and removes files."""
    found = []
    for path in folder.rglob(names):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            found.append(path.read_bytes())
    return b"".join(found)


def test_nothing_is_readable_on_the_way(world):
    """Neither on the wires nor on the relay's disk, which knows mailbox, size and time alone."""
    send_image(world)
    seen, disk = world.passed(), on_disk(world.relay.data)
    assert len(seen) > 9 << 20 and b"ENTSEAL1" in seen
    for secret in (MARKER, "assistance", "case-event", "case-ack"):
        assert secret.encode() not in seen, secret
    assert MARKER.encode() not in disk
    # Who writes to society.example is not told to its relay, not even on the wire.
    mail = on_disk(world.relay.data, "mail.db*")
    for secret in (world.state.id, world.state.domain):
        assert secret.encode() not in mail + bytes(world.relay_wire.seen), secret
