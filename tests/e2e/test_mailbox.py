"""Mailboxes over HTTP: who may post, read and delete, and what a relay keeps and tells."""
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


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    made = Community(tmp_path_factory.mktemp("relay"), entries=0, options=(
        "--relay-for", "state.example", "--relay-for", "company.example", "--mailbox-work", BITS))
    made.start()
    for entry in made.entries:
        made.log.submit(entry)
    made.log.until(lambda: made.log.json("/api/v1/register")["size"] == len(made.entries) + 1)
    yield made.log
    made.stop()


def post(node, box, content, bits=BITS, headers=None):
    body = mailboxes.sealed(content)
    return node.request("POST", box + "/messages", body,
                        headers or mailboxes.work(box, body, bits))[0]


def ask(node, actor, method, target, **how):
    return node.request(method, target, headers=mailboxes.signed(actor.issuer, method, target,
                                                                 **how))


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
    assert ask(relay, STATE, "DELETE", f"{box}/messages/{first}")[0] == 204
    assert ask(relay, STATE, "DELETE", f"{box}/messages/{first}")[0] == 204
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
    others = mailboxes.signed(STATE.issuer, "GET", box_of(COMPANY) + "/messages")
    assert relay.get(target, others)[0] == 401, "signed for another mailbox"
    deleting = mailboxes.signed(STATE.issuer, "GET", target + "/1")
    assert relay.request("DELETE", target + "/1", headers=deleting)[0] == 401
    assert relay.get(target, {"Entente-Signature": "nonsense"})[0] == 400
    stranger = forge.Key("state.example/issuer/2026-11")
    stranger.private = forge.Key("someone").private
    assert relay.get(target, mailboxes.signed(stranger, "GET", target))[0] == 401


def test_mailboxes_of_others_are_not_kept(relay):
    assert relay.get(box_of(SOCIETY))[0] == 404
    assert post(relay, box_of(SOCIETY), b"x") == 404
    assert relay.get("/api/v1/mailboxes/nonsense")[0] == 404


def test_a_poster_works(relay):
    box, body = box_of(STATE), mailboxes.sealed(b"worked for")
    work = mailboxes.work(box, body, BITS)
    assert relay.request("POST", box + "/messages", body)[0] == 403
    other = box_of(COMPANY)
    lazy = [n for n in range(64) if not is_worth(other, body, f"{n:x}")][0]
    assert relay.request("POST", other + "/messages", body,
                         {"Entente-Work": f"{lazy:x}"})[0] == 403
    assert relay.request("POST", box + "/messages", body, {"Entente-Work": "zz"})[0] == 403
    assert relay.request("POST", box + "/messages", b"plain text", work)[0] == 415
    assert relay.request("POST", box + "/messages", body, work)[0] == 202


def is_worth(box, body, nonce):
    try:
        return mailboxes.work(box, body, BITS)["Entente-Work"] == nonce
    except AssertionError:
        return False


def test_reply_boxes(relay):
    """The desk that answers opens it; who knows its name reads."""
    body = mailboxes.sealed(b"an answer")
    assert relay.get(REPLY)[0] == 404
    assert post(relay, REPLY, b"a stranger's") == 404
    foreign = mailboxes.signed(SOCIETY.issuer, "POST", REPLY + "/messages")
    assert relay.request("POST", REPLY + "/messages", body, foreign)[0] == 404
    ours = mailboxes.signed(STATE.issuer, "POST", REPLY + "/messages")
    assert relay.request("POST", REPLY + "/messages", body, ours)[0] == 202
    rows = relay.json(REPLY + "/messages")["messages"]
    assert len(rows) == 1
    assert relay.get(f"{REPLY}/messages/{rows[0]['number']}")[2] == body
    # The reporter has no account, and keeps there what it wrote back, for work.
    assert post(relay, REPLY, b"the reporter's") == 202
    assert len(relay.json(REPLY + "/messages")["messages"]) == 2


def test_a_relay_keeps_nothing_of_who_posts(relay):
    """Neither address nor name nor nonce: on disk are the mailbox, the message, size and time."""
    box, body = box_of(STATE), mailboxes.sealed(os.urandom(64))
    work = mailboxes.work(box, body, 12)
    marker = "marker-of-the-poster"
    status, _, _ = relay.request("POST", box + "/messages", body, {
        **work, "User-Agent": marker, "X-Forwarded-For": "198.51.100.77", "Cookie": marker,
        "Referer": f"https://{marker}.example/"})
    assert status == 202
    disk = b"".join(path.read_bytes() for path in pathlib.Path(relay.data).rglob("*")
                    if path.is_file() and "key" not in path.parts)
    assert body in disk
    mail = b"".join(path.read_bytes() for path in pathlib.Path(relay.data).glob("mail.db*"))
    assert body in mail and b"127.0.0.1" not in mail
    for secret in (marker.encode(), b"198.51.100.77"):
        assert secret not in disk and secret not in relay.errors.read_bytes()
