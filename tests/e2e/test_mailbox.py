"""Mailboxes over HTTP (service_mailbox of the node): who may post, read and delete, and what a relay
keeps and tells, in its database (store_sqlite)."""
import contextlib
import hashlib
import json
import os
import pathlib
import signal

import pytest

import forge
import mailboxes
from forge import MEMBERS
from nodes import Community, MAKER

pytestmark = pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built")
STATE, COMPANY, SOCIETY = MEMBERS
BITS = 4
REPLY = "/api/v1/mailboxes/" + "ab" * 32


def box_of(actor):
    return mailboxes.path(actor.id, forge.ORIGIN)


@contextlib.contextmanager
def relaying(folder, *options, named=True):
    made = Community(folder, entries=0, options=(
        "--relay-for", "state.example", "--relay-for", "company.example", "--mailbox-work", BITS,
        *options))
    if named and "--public-url" not in options:
        made.log.options += ("--public-url", f"http://127.0.0.1:{made.log.port}")
    made.start()
    try:
        for entry in made.entries:
            made.log.submit(entry)
        made.log.until(lambda: made.log.json("/api/v1/register")["size"] == len(made.entries) + 1)
        yield made.log
    finally:
        made.stop()


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    with relaying(tmp_path_factory.mktemp("relay")) as node:
        yield node


def post(node, box, content, bits=BITS, headers=None):
    body = mailboxes.sealed(content)
    return node.request("POST", box + "/messages", body,
                        headers or mailboxes.work(box, body, bits))[0]


def ask(node, actor, method, target, **how):
    return node.request(method, target, headers=mailboxes.signed(actor.issuer, node, method,
                                                                 target, **how))


def listed(node, actor, after=None):
    target = box_of(actor) + "/messages" + (f"?after={after}" if after is not None else "")
    status, _, body = ask(node, actor, "GET", target)
    assert status == 200, body
    return json.loads(body)["messages"]


def test_a_message_is_kept_given_and_deleted(relay):
    box = box_of(STATE)
    assert relay.json(box)["work_bits"] == BITS
    assert [post(relay, box, content) for content in (b"one", b"two", b"one")] == [202] * 3
    rows = listed(relay, STATE)
    assert [row["size"] for row in rows] == [len(mailboxes.sealed(b"one"))] * 2, "one came twice"
    first, second = (row["number"] for row in rows)
    assert first < second
    assert [row["number"] for row in listed(relay, STATE, first)] == [second]
    assert ask(relay, STATE, "GET", f"{box}/messages/{first}")[2] == mailboxes.sealed(b"one")
    deleting = mailboxes.naming(f"{box}/messages/{first}", mailboxes.sealed(b"one"))
    assert ask(relay, STATE, "DELETE", deleting)[0] == 204
    assert ask(relay, STATE, "DELETE", deleting)[0] == 204
    assert ask(relay, STATE, "GET", f"{box}/messages/{first}")[0] == 404
    assert [row["number"] for row in listed(relay, STATE)] == [second]


def test_it_survives_a_kill(relay):
    box = box_of(COMPANY)
    assert post(relay, box, b"durable") == 202
    relay.process.send_signal(signal.SIGKILL)
    relay.process.wait()
    relay.start()
    relay.until(lambda: relay.get(box)[0] == 200)
    assert len(listed(relay, COMPANY)) == 1


def test_only_the_owner_reads(relay):
    target = box_of(STATE) + "/messages"
    assert ask(relay, STATE, "GET", target)[0] == 200
    assert relay.get(target)[0] == 401
    assert ask(relay, COMPANY, "GET", target)[0] == 401, "another signatory's key"
    assert ask(relay, STATE, "GET", target, seconds=-400)[0] == 401, "an old request, replayed"
    assert ask(relay, STATE, "GET", target, seconds=400)[0] == 401
    others = mailboxes.signed(STATE.issuer, relay, "GET", box_of(COMPANY) + "/messages")
    assert relay.get(target, others)[0] == 401, "signed for another mailbox"
    one = mailboxes.naming(target + "/1", b"x")
    deleting = mailboxes.signed(STATE.issuer, relay, "GET", one)
    assert relay.request("DELETE", one, headers=deleting)[0] == 401
    assert relay.get(target, {"Entente-Signature": "nonsense"})[0] == 400
    stranger = forge.Key("state.example/issuer/2026-11")
    stranger.private = forge.Key("someone").private
    assert relay.get(target, mailboxes.signed(stranger, relay, "GET", target))[0] == 401


def test_mailboxes_of_others_are_not_kept(relay):
    assert relay.get(box_of(SOCIETY))[0] == 404
    assert post(relay, box_of(SOCIETY), b"x") == 404
    assert relay.get("/api/v1/mailboxes/nonsense")[0] == 404


def test_a_poster_works(relay):
    box, body = box_of(STATE), mailboxes.sealed(b"worked for")
    work = mailboxes.work(box, body, BITS)
    assert relay.request("POST", box + "/messages", body)[0] == 403
    other = box_of(COMPANY)
    lazy = next(n for n in range(64) if not is_worth(other, body, f"{n:x}"))
    assert relay.request("POST", other + "/messages", body,
                         {"Entente-Work": f"{lazy:x}"})[0] == 403
    assert relay.request("POST", box + "/messages", body, {"Entente-Work": "zz"})[0] == 403
    assert relay.request("POST", box + "/messages", b"plain text", work)[0] == 415
    assert relay.request("POST", box + "/messages", body, work)[0] == 202


def is_worth(box, body, nonce):
    """Whether a nonce has the bits that a mailbox asks for."""
    mailbox, digest = box.split("/")[4], hashlib.sha256(body).digest()
    value = hashlib.sha256(mailbox.encode() + digest + nonce.encode()).digest()
    return int.from_bytes(value, "big") >> (256 - BITS) == 0


def test_reply_boxes(relay):
    """The desk that answers opens it; who knows its name reads."""
    body = mailboxes.sealed(b"an answer")
    assert relay.get(REPLY)[0] == 404
    assert post(relay, REPLY, b"a stranger's") == 404
    foreign = mailboxes.signed(SOCIETY.issuer, relay, "POST", REPLY + "/messages", body)
    assert relay.request("POST", REPLY + "/messages", body, foreign)[0] == 404
    ours = mailboxes.signed(STATE.issuer, relay, "POST", REPLY + "/messages", body)
    assert relay.request("POST", REPLY + "/messages", mailboxes.sealed(b"put in"), ours)[0] == 404
    assert relay.request("POST", REPLY + "/messages", body, ours)[0] == 202
    rows = relay.json(REPLY + "/messages")["messages"]
    assert len(rows) == 1
    assert relay.get(f"{REPLY}/messages/{rows[0]['number']}")[2] == body
    # The reporter has no account, and keeps there what it wrote back, for work.
    assert post(relay, REPLY, b"the reporter's") == 202
    assert len(relay.json(REPLY + "/messages")["messages"]) == 2


def test_what_one_relay_was_told_deletes_nothing_at_another(relay):
    """A relay that hands its owner's signatures on: numbers are the same everywhere."""
    box = box_of(STATE)
    assert post(relay, box, b"a report that nobody else has") == 202
    row = listed(relay, STATE)[-1]
    target = f"{box}/messages/{row['number']}"
    nameless = mailboxes.signed(STATE.issuer, relay, "DELETE", target)
    assert relay.request("DELETE", target, headers=nameless)[0] == 400
    other = mailboxes.naming(target, mailboxes.sealed(b"what the other relay has there"))
    status, _, body = ask(relay, STATE, "DELETE", other)
    assert status == 409 and json.loads(body)["reason"] == "other"
    # For the right message, but told to somebody else.
    meant = mailboxes.naming(target, mailboxes.sealed(b"a report that nobody else has"))
    replayed = mailboxes.signed(STATE.issuer, "relay.example", "DELETE", meant)
    assert relay.request("DELETE", meant, headers=replayed)[0] == 401
    assert listed(relay, STATE)[-1] == row
    assert ask(relay, STATE, "DELETE", meant)[0] == 204


def test_a_public_name_is_what_counts(tmp_path):
    """Behind a proxy the Host may be anything; and whoever replays writes what they like there."""
    with relaying(tmp_path, "--public-url", "https://Relay.example/",
                  "--public-url", "http://[2001:db8::1]:8080") as node:
        target = box_of(STATE) + "/messages"
        for at, status in (("relay.example", 200), ("[2001:db8::1]:8080", 200),
                           ("other.example", 401), (mailboxes.authority(node), 401)):
            for host in ({}, {"Host": at}):
                headers = mailboxes.signed(STATE.issuer, at, "GET", target) | host
                assert node.get(target, headers)[0] == status, at


def says_where(node, actor, *urls):
    """What a signatory says in the log; once the node counts it."""
    entry = forge.statement(actor.domain, actor.id, "mailbox", {"urls": list(urls)}, [actor.issuer])
    assert node.submit(entry)[0] == 200
    size = node.size()
    node.until(lambda: node.json("/api/v1/register")["size"] >= size)


def test_without_a_public_name_the_log_says_it(tmp_path):
    """A relay shows another one what it was shown itself, with the Host that goes with it."""
    with relaying(tmp_path, named=False) as node:
        box = box_of(STATE)
        target = box + "/messages"
        assert "--public-url" in node.said()
        assert post(node, box, b"for state.example") == 202

        def reads(at):
            headers = mailboxes.signed(STATE.issuer, at, "GET", target)
            assert {node.get(target, {**headers, **host})[0]
                    for host in ({}, {"Host": at})} in ({200}, {401}), "the Host decides nothing"
            return node.get(target, headers)[0] == 200

        assert not reads(mailboxes.authority(node)), "it said nowhere that it is here"
        says_where(node, STATE, "https://Relay.example/")
        assert reads("relay.example")
        assert not reads("other.example") and not reads(mailboxes.authority(node))
        says_where(node, STATE, "https://relay.example", "https://other.example")
        assert not reads("relay.example") and not reads("other.example")
        status, _, body = node.get(target, mailboxes.signed(STATE.issuer, "relay.example", "GET",
                                                            target))
        assert status == 401 and "--public-url" in json.loads(body)["detail"]


def test_a_request_again_does_nothing_more(relay):
    """Whoever heard it may send it once more within its time: nobody but its answerer is told
    anything by a GET, a DELETE names what is gone already, a POST is there already."""
    box = box_of(COMPANY)
    assert [post(relay, box, content) for content in (b"first", b"second")] == [202] * 2
    rows = listed(relay, COMPANY)
    target = f"{box}/messages/{rows[-2]['number']}"
    deleting = mailboxes.naming(target, mailboxes.sealed(b"first"))
    headers = mailboxes.signed(COMPANY.issuer, relay, "DELETE", deleting)
    for again in range(3):
        assert relay.request("DELETE", deleting, headers=headers)[0] == 204, again
        assert listed(relay, COMPANY) == [row for row in rows if row != rows[-2]], again
    # The signature is for this target alone.
    other = mailboxes.naming(f"{box}/messages/{rows[-1]['number']}", mailboxes.sealed(b"second"))
    assert relay.request("DELETE", other, headers=headers)[0] == 401


def test_a_box_fills_by_large_messages_to_one_half(tmp_path):
    """A flood does not shut out reports; they cost more; a reply box tells nothing of its fill."""
    with relaying(tmp_path, "--mailbox-size", 1) as node:
        box = box_of(STATE)
        assert node.json(box)["work_bits"] == BITS
        assert post(node, box, b"a" * 400_000) == 202
        bits = node.json(box)["work_bits"]
        assert bits > BITS
        cheap = next(body for body in (b"cheap %d" % i for i in range(100))
                     if mailboxes.work(box, mailboxes.sealed(body), BITS) !=
                     mailboxes.work(box, mailboxes.sealed(body), bits))
        assert post(node, box, cheap) == 403
        assert post(node, box, b"b" * 400_000, bits) == 507
        assert post(node, box, cheap, bits) == 202

        body = mailboxes.sealed(b"c" * 500_000)
        ours = mailboxes.signed(STATE.issuer, node, "POST", REPLY + "/messages", body)
        assert node.request("POST", REPLY + "/messages", body, ours)[0] == 202
        assert node.json(REPLY)["work_bits"] == BITS
        body = mailboxes.sealed(b"a stranger's")
        full = node.request("POST", REPLY + "/messages", body, mailboxes.work(REPLY, body, BITS))
        assert full[0] == 507 and json.loads(full[2])["reason"] == "full"
        assert int(full[1]["retry-after"]) > 0
        ours = mailboxes.signed(STATE.issuer, node, "POST", REPLY + "/messages", body)
        assert node.request("POST", REPLY + "/messages", body, ours)[0] == 202, "who answers may"


def content(path):
    """Nothing of a file that the node has put in the place of another meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def test_a_relay_keeps_nothing_of_who_posts(relay):
    """Neither address nor name nor nonce: on disk are the mailbox, the message, size and time."""
    box, body = box_of(STATE), mailboxes.sealed(os.urandom(64))
    work = mailboxes.work(box, body, 12)
    marker = "marker-of-the-poster"
    status, _, _ = relay.request("POST", box + "/messages", body, {
        **work, "User-Agent": marker, "X-Forwarded-For": "198.51.100.77", "Cookie": marker,
        "Referer": f"https://{marker}.example/"})
    assert status == 202
    disk = b"".join(content(path) for path in pathlib.Path(relay.data).rglob("*")
                    if path.is_file() and "key" not in path.parts)
    assert body in disk
    mail = b"".join(content(path) for path in pathlib.Path(relay.data).glob("mail.db*"))
    assert body in mail and b"127.0.0.1" not in mail
    for secret in (marker.encode(), b"198.51.100.77"):
        assert secret not in disk and secret not in relay.errors.read_bytes()
