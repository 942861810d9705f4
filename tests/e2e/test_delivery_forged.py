"""
What a stranger, or a party that cheats, can put into a mailbox: everything is opened, judged, and
refused with its reason; nothing of it has any effect. And what is only late or twice is not refused.

Exercises predicate_case (src/statement), speakers (src/register), cases_record and cases_fold
(src/process), and service_mailbox (src/node).
"""
import base64
import datetime
import hashlib
import json
import os
import time
import urllib.request

import pytest

import forge
import mailboxes
from delivery import DRIVER, World, database
from ports import free_port
from waiting import until

pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason=f"{DRIVER} is not built")
STATE, COMPANY, SOCIETY = forge.MEMBERS
ORIGIN = forge.ORIGIN


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("forged")).start()
    yield made
    made.stop()


def event(case=None, seq=1, key=STATE.issuer, previous=None, **other):
    """An event of a case of state.example with society.example, as forge.py signs it."""
    time_us = other.pop("seconds", 0)
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=time_us)
    predicate = {
        "kind": "assistance", "stream": "shared", "seq": seq, "from": STATE.id,
        "to": [SOCIETY.id], "machine": "call", "event": "message" if case else "open",
        "fields": {"text": "forged"} if case
        else {"what": "forged", "continuing": "no", "channel": "none"}, "tlp": "amber",
        "nonce": os.urandom(32).hex(), **other}
    if case:
        predicate["case"] = case
    if previous:
        predicate["previous"] = previous
    log = predicate.pop("log", ORIGIN)
    return forge.case_event(predicate, [key], log, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def hash_of(envelope):
    return hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest()


def post(world, sealed):
    """As a stranger does: no name, only work."""
    box = mailboxes.path(world.society.id, ORIGIN)
    bits = json.load(urllib.request.urlopen(world.relay_wire.url + box))["work_bits"]
    status, _, body = world.relay.request("POST", box + "/messages", sealed,
                                          mailboxes.work(box, sealed, bits))
    assert status == 202, body


def send(world, message, to=None):
    sealed = world.state.desk("seal", to=to or world.society.id, message=message)
    post(world, base64.b64decode(sealed["sealed"]))


def relay_holds(world):
    with database(world.relay, "mail.db") as mail:
        return mail.execute("SELECT count(*) FROM message").fetchone()[0]


def age(world, days):
    """As if so many days had passed: attempts were made, and the next one is hours away."""
    with database(world.state) as cases:
        cases.execute("UPDATE outbox SET attempts = 40, created = created - ?, next = next + ?",
                      (days * 86400 * 10**6, 6 * 3600 * 10**6))
        cases.commit()
    with database(world.relay, "mail.db") as mail:
        mail.execute("UPDATE message SET time_us = time_us - ?", (days * 86400 * 10**6,))
        mail.commit()


def rows(party, table, where, *values):
    with database(party) as cases:
        return cases.execute(f"SELECT count(*) FROM {table} WHERE {where}", values).fetchone()[0]


def waits(party, event_hash):
    """Whether an event is here, and lacks what it names."""
    return rows(party, "event", "hash = ? AND verdict = 2", bytes.fromhex(event_hash)) == 1


def new_key_is_known(world):
    shown = json.loads(world.state.program("signatory", "show", world.society.domain, "--format",
                                           "json").stdout)
    return sum(key["role"] == "seal" for key in shown["keys"]) == 2


def reasons(world, who=None):
    return [row["reason"] for row in world.society.desk("refusals")
            if not row["ours"] and (not who or row["who"] == who)]


def refused(world, message, reason, to=None):
    before = reasons(world).count(reason)
    send(world, message, to)
    until(lambda: reasons(world).count(reason) == before + 1, what=f"the refusal: {reason}")


def wrapped(envelope, **other):
    return {"type": "event", "envelope": envelope, **other}


def test_forged_events_are_refused_with_their_reason(world):
    thief, stranger = forge.Key("state.example/issuer/2026-11"), forge.Key("stranger.example/key")
    thief.private = forge.Key("thief").private
    refused(world, wrapped(event(key=thief)), "signature")
    refused(world, wrapped(event(key=stranger)), "unknown-key")
    refused(world, wrapped(event(key=SOCIETY.issuer)), "unknown-key")
    refused(world, wrapped(event(to=[COMPANY.id])), "mis-addressed")
    refused(world, wrapped(event(log="other.example/log")), "other-log")
    refused(world, wrapped(event(seconds=3600)), "time")
    refused(world, wrapped(event(kind="no-such-kind")), "unknown-kind")
    refused(world, wrapped(event(tlp="red", kind="drill", machine="drill", fields={
        "level": "l1", "nonce": "00" * 32})), "tlp")
    refused(world, wrapped(event(fields={"what": "x", "nationality": "FR"})), "field")
    changed = event()
    payload = json.loads(base64.b64decode(changed["payload"]))
    payload["predicate"]["fields"]["what"] = "changed"
    changed["payload"] = base64.b64encode(forge.canonical(payload)).decode()
    refused(world, wrapped(changed), "malformed")  # its number is of what it said


def test_what_is_no_message_is_refused(world):
    refused(world, {"type": "letter"}, "malformed")
    refused(world, wrapped({"payload": "?"}), "malformed")
    refused(world, {"type": "ack", "envelope": {"payload": "!"}}, "malformed")
    refused(world, wrapped(event()), "not-opened", to=world.state.id)
    before = reasons(world).count("not-opened")
    post(world, mailboxes.sealed(os.urandom(500)))
    until(lambda: reasons(world).count("not-opened") == before + 1, what="the refusal")


def test_a_case_of_a_cheat(world):
    """In order, twice, out of order, and two of one number."""
    first = event()
    case = forge.case_of(first)
    second = event(case, 2, previous=hash_of(first))
    third = event(case, 3, previous=hash_of(second))
    for envelope in (third, second, second):
        send(world, wrapped(envelope))
    for envelope in (third, second):
        until(lambda: waits(world.society, hash_of(envelope)), what="it here")
    time.sleep(3)
    assert world.society.entries(case) == [], "they wait for their cause"
    send(world, wrapped(first))
    until(lambda: len(world.society.entries(case)) == 3, what="the events")
    send(world, wrapped(first))
    fork = event(case, 2, previous=hash_of(first))
    refused(world, wrapped(fork), "forked")
    entries = world.society.entries(case)
    assert [entry["hash"] for entry in entries] == [hash_of(e) for e in (first, second, third)]
    assert {entry["verdict"] for entry in entries} == {"applied"}
    outsider = event(key=SOCIETY.issuer)
    refused(world, wrapped(outsider), "unknown-key")


def test_a_false_acknowledgement_stops_nothing(world):
    """Only the recipient can say that an event arrived."""
    world.society.wire.cut = world.relay_wire.cut = True
    try:
        case = world.state.desk("say", kind="assistance", to=[world.society.id], event="open",
                                fields={"what": "x", "continuing": "no", "channel": "x"})
        ack = forge.statement(
            f"case/{case['case']}", hashlib.sha256(case["case"].encode()).hexdigest(), "case-ack",
            {"case": case["case"], "stream": "shared", "seq": 1, "author": STATE.id,
             "hash": case["event"]}, [forge.Key("thief")])
        sealed = world.society.desk("seal", to=world.state.id, message={
            "type": "ack", "envelope": json.loads(ack)})
        box = mailboxes.path(world.state.id, ORIGIN)
        body = base64.b64decode(sealed["sealed"])
        assert world.state.node.request("POST", box + "/messages", body,
                                        mailboxes.work(box, body, 16))[0] == 202
        until(lambda: "signature" in [row["reason"] for row in world.state.desk("refusals")],
              what="the refusal")
        assert world.state.outbox(SOCIETY) == 1
    finally:
        world.society.wire.cut = world.relay_wire.cut = False
    until(lambda: not world.state.outbox(SOCIETY), what="the acknowledgement")


def test_a_new_seal_key_in_mid_case(world):
    """While the node runs: what was sealed to the old one is opened, and what to the new one is."""
    case = world.state.desk("say", kind="assistance", to=[world.society.id], event="open", fields={
        "what": "x", "continuing": "no", "channel": "x"})["case"]
    until(lambda: world.society.entries(case), what="the arrival")
    before = len(reasons(world))
    process = world.society.node.process.pid
    world.society.seal("rotate")
    world.state.desk("say", case=case, event="message", fields={"text": "to the old key"})
    until(lambda: len(world.society.entries(case)) == 2, what="what was sealed to the old key")
    until(lambda: new_key_is_known(world), what="state.example knowing the new key")
    world.state.desk("say", case=case, event="message", fields={"text": "to the new key"})
    until(lambda: len(world.society.entries(case)) == 3, what="what was sealed to the new key")
    assert world.state.hashes(case) == world.society.hashes(case)
    assert "not-opened" not in reasons(world)[before:]
    assert world.society.node.process.pid == process and world.society.node.process.poll() is None


def test_offline_for_days(world):
    """The attempts go on; what waits at the relay or in the outbox arrives when both are back."""
    case = world.state.desk("say", kind="assistance", to=[world.society.id], event="open", fields={
        "what": "x", "continuing": "no", "channel": "x"})["case"]
    until(lambda: world.society.entries(case), what="the arrival")
    until(lambda: not world.state.outbox(SOCIETY), what="the acknowledgement")
    until(lambda: not relay_holds(world), what="the end of what was fetched")
    world.society.node.stop()
    for number in range(3):
        world.state.desk("say", case=case, event="message", fields={"text": f"day {number}"})
    until(lambda: relay_holds(world) == 3, what="the messages at the relay")
    world.state.node.stop()
    age(world, 9)
    world.state.node.start()
    world.society.node.start()
    until(lambda: len(world.society.entries(case)) == 4, what="all of them")
    until(lambda: not world.state.outbox(SOCIETY), what="the acknowledgements")
    assert world.state.hashes(case) == world.society.hashes(case)


def attempts_were_made(party, to):
    """As if what waits for a recipient had been handed in twice, minutes ago."""
    with database(party) as cases:
        cases.execute("UPDATE outbox SET attempts = 2, next = 0 WHERE recipient = ?", (to.id,))
        cases.commit()


def test_who_tells_one_party_alone_parts_nobody(world):
    """courier_send.c hands in what an event names, once its recipient does not acknowledge it."""
    opened = world.state.desk("say", kind="assistance", to=[SOCIETY.id, COMPANY.id], event="open",
                              fields={"what": "x", "continuing": "no", "channel": "x"})
    case = opened["case"]
    until(lambda: world.society.entries(case), what="the arrival")
    whisper = event(case, key=COMPANY.issuer, to=[STATE.id, SOCIETY.id], event="message",
                    fields={"text": "to one alone"},
                    heads={STATE.id: opened["event"]}, **{"from": COMPANY.id})
    send(world, wrapped(whisper))
    until(lambda: hash_of(whisper) in world.society.hashes(case), what="the whisper")
    answer = world.society.desk("say", case=case, event="acknowledge")["event"]
    # state.example has it, and what it names is kept from it: it acknowledges nothing.
    until(lambda: waits(world.state, answer), what="the answer")
    assert len(world.state.entries(case)) == 1 and world.society.outbox(STATE)
    attempts_were_made(world.society, STATE)
    until(lambda: len(world.state.entries(case)) == 3, what="the whisper and what follows")
    assert world.state.hashes(case) == [opened["event"], hash_of(whisper), answer]
    assert world.state.hashes(case) == world.society.hashes(case)
    until(lambda: not world.society.outbox(STATE), what="the acknowledgements")


def test_a_relay_that_does_not_know_where_it_is(world):
    """Of one who takes messages at two places it cannot tell which it is: nobody reads there what
    may have been said to the other; it waits, and the owner's node says why."""
    world.society.mailbox(world.relay_wire.url, f"http://127.0.0.1:{free_port()}")
    until(lambda: "does not let us read our messages" in world.society.node.said(), what="a word")
    case = world.state.desk("say", kind="assistance", to=[world.society.id], event="open", fields={
        "what": "x", "continuing": "no", "channel": "x"})["case"]
    until(lambda: relay_holds(world), what="the message at the relay")
    time.sleep(3)
    assert not world.society.entries(case) and relay_holds(world)
    world.society.mailbox(world.relay_wire.url)
    until(lambda: world.society.entries(case), what="the arrival")
