"""
Files of cases between two nodes: a file is one of a case. Who names what the other has for another
case gets nothing by it; what nobody announces is refused; what is empty or half there comes whole.

Exercises case_erase and case_export (src/cli).
"""
import base64
import hashlib
import os

import pytest

import forge
from delivery import DRIVER, World, database
from test_delivery import ask_for_help
from test_delivery_forged import age, event, post, reasons, relay_holds, send, wrapped
from waiting import until

pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason=f"{DRIVER} is not built")
STATE, COMPANY, SOCIETY = forge.MEMBERS
SECRET = b"the list of everybody who was warned\n"
ALARM = {"key": "192.0.2.0/24", "source": "test", "severity": "high", "text": "a hijack"}
LARGE = 40 << 20


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("files")).start()
    yield made
    made.stop()


def put(party, name, content):
    path = party.folder / name
    path.write_bytes(content)
    return str(path)


def named(content, name="list.txt"):
    return {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def part(case, item, offset=0):
    return {"type": "part", "case": case, "stream": "shared", "attachment": item["sha256"],
            "size": item["size"], "offset": offset}


def send_part(world, message, text):
    sealed = world.state.desk("seal", to=world.society.id, message=message, data=text)
    post(world, base64.b64decode(sealed["sealed"]))


def files(party, case):
    return [path for entry in party.entries(case) for path in entry["files"]]


def opened(world):
    """A case of both, with the hash of its opening."""
    case = ask_for_help(world)
    until(lambda: world.society.entries(case), what="the arrival")
    return case, world.society.hashes(case)[0]


def test_two_cases_name_one_digest(world):
    """Both get it, each its own; one goes with its case and the other stays."""
    first, second = ask_for_help(world), ask_for_help(world)
    for case in (first, second):
        world.state.desk("say", case=case, event="attach", fields={},
                         files=[put(world.state, "list.txt", SECRET)])
    got = [until(lambda case=case: [path for path in files(world.society, case) if path],
                 what="the file")[0] for case in (first, second)]
    assert got[0] != got[1]
    assert [open(path, "rb").read() for path in got] == [SECRET, SECRET]
    world.state.desk("say", case=first, event="withdraw", fields={"reason": "a mistake"})
    until(lambda: len(world.society.entries(first)) == 3, what="the end of the first")
    world.society.program("case", "erase", first, "--yes")
    assert not os.path.exists(got[0]) and open(got[1], "rb").read() == SECRET


def test_who_names_a_digest_gets_nothing(world):
    """A party says that it sends what the other has elsewhere, and does not: so it is not there."""
    held = world.society.desk("say", kind="assistance", to=[COMPANY.id], event="open", fields={
        "what": "x", "continuing": "no", "channel": "x"}, files=[put(world.society, "a", SECRET)])
    assert files(world.society, held["case"])[0]
    case, opening = opened(world)
    hostile = event(case, 2, previous=opening, event="attach", machine="call", fields={},
                    attachments=[named(SECRET)])
    send(world, wrapped(hostile))
    until(lambda: len(world.society.entries(case)) == 2, what="the event")
    assert world.society.entries(case)[1]["verdict"] == "applied"
    assert files(world.society, case) == [None]
    # Neither shown, nor given to whom the case is shown to.
    world.society.program("case", "export", case, "--output", "shown", "--above-tlp")
    exported = b"".join(path.read_bytes() for path in (world.society.folder / "shown").rglob("*")
                        if path.is_file() and "events" not in path.parts)
    assert SECRET not in exported
    # Nor told to be there: only when its bytes came is the event acknowledged.
    with database(world.society) as cases:
        assert cases.execute("SELECT whole FROM attachment WHERE id = ?", (case,)).fetchall() == [(0,)]
    send_part(world, part(case, named(SECRET)), SECRET.decode())
    until(lambda: files(world.society, case)[0], what="the file")


def test_a_part_that_nobody_announces_is_refused(world):
    case, opening = opened(world)
    item = named(b"of nobody")
    before = reasons(world).count("not-announced")
    # One that is announced by an event that is refused, at once.
    refused = event(case, 2, previous=opening, event="no-such-step", machine="call", fields={},
                    attachments=[item])
    send(world, wrapped(refused))
    send_part(world, part(case, item), "of nobody")
    until(lambda: reasons(world).count("not-announced") == before + 1, what="the refusal")
    # One that may be announced yet, when that did not happen for a day.
    send_part(world, part(case, named(b"of no one")), "of no one")
    until(lambda: relay_holds(world) >= 1, what="the part at the relay")
    assert reasons(world).count("not-announced") == before + 1
    age(world, 2)
    until(lambda: reasons(world).count("not-announced") == before + 2, what="the refusal")
    folder = world.society.data / "attachments"
    assert not any(item["sha256"] in path.name for path in folder.rglob("*"))


def test_an_empty_file_is_there_at_once(world):
    case, _ = opened(world)
    world.state.desk("say", case=case, event="attach", fields={},
                     files=[put(world.state, "empty.txt", b"")])
    for party in (world.state, world.society):
        path = until(lambda party=party: [path for path in files(party, case) if path],
                     what="the empty file")[0]
        assert os.path.getsize(path) == 0
    until(lambda: not world.state.desk("outbox"), what="the acknowledgement")


def parts_of(party, case):
    with database(party) as cases:
        return cases.execute("SELECT stop FROM part WHERE id = ?", (case,)).fetchall()


def test_killed_in_the_middle_of_a_file(world):
    """Either side: what came stays, and the rest comes."""
    content = b"".join(number.to_bytes(4, "big") for number in range(LARGE // 4))
    case, _ = opened(world)
    world.relay_wire.delay = 0.02
    try:
        world.state.desk("say", case=case, event="attach", fields={},
                         files=[put(world.state, "image.bin", content)])
        for party in (world.society, world.state):
            had = until(lambda: parts_of(world.society, case), what="parts")[0][0]
            assert had < LARGE
            party.node.process.kill()
            party.node.process.wait()
            party.node.start()
    finally:
        world.relay_wire.delay = 0
    got = until(lambda: [path for path in files(world.society, case) if path],
                what="the file")[0]
    assert open(got, "rb").read() == content
    until(lambda: not world.state.desk("outbox"), what="the acknowledgement")
    left = sorted(path.name for path in (world.society.data / "attachments" / case).iterdir())
    assert left == [os.path.basename(got)]


def test_a_report_has_a_bound_that_is_told(world):
    """What the program refuses is what the browser and the manual say."""
    limit = 100 << 20
    person = forge.Key("reporter")
    sender = "key:" + person.public.hex()
    def report(*sizes):
        listed = [{"name": f"{at}", "size": size, "sha256": os.urandom(32).hex()}
                  for at, size in enumerate(sizes)]
        envelope = forge.case_event({
            "kind": "assistance", "stream": "shared", "seq": 1, "from": sender,
            "to": [SOCIETY.id], "machine": "call", "event": "open", "fields": {
                "what": "a report", "continuing": "no", "channel": "none"}, "tlp": "amber",
            "nonce": os.urandom(32).hex(), "attachments": listed}, [person])
        return forge.case_of(envelope), envelope
    before = reasons(world).count("too-large")
    case, fits = report(limit - 1, 1)
    send(world, wrapped(fits))
    until(lambda: world.society.entries(case), what="the report")
    case, over = report(limit, 1)
    send(world, wrapped(over))
    until(lambda: reasons(world).count("too-large") == before + 1, what="the refusal")
    assert world.society.entries(case) == []
