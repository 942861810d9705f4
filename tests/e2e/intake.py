"""Reports without an account for tests: a node that takes them, and Chromium that fills its forms in."""
import base64
import hashlib
import json
import os
import pathlib
import subprocess

import pytest

pytest.importorskip("selenium")
import browser as chromium  # noqa: E402
import forge  # noqa: E402
import mailboxes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: E402
from nodes import BUILD, MAKER, Community  # noqa: E402
from waiting import PATIENCE  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = BUILD / "tests" / "e2e" / "seal_tool"
BITS = 4
STATE, COMPANY, SOCIETY = forge.MEMBERS
SEAL = {actor.domain: hashlib.sha256(f"seal {actor.domain}".encode()).digest() for actor in forge.MEMBERS}
KINDS = ["assistance", "disclosure", "abuse", "preservation"]
SECRET = "The attacker reads our mail since Monday. é\u202f!"

pytestmark = pytest.mark.skipif(
    not chromium.available() or not MAKER.exists() or not TOOL.exists(),
    reason="no chromium and chromium-driver, or no make_community and seal_tool")


def seal_text(actor):
    public = X25519PrivateKey.from_private_bytes(SEAL[actor.domain]).public_key()
    return "x25519:" + base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def delegation(actor, key=None, role="seal", days=300):
    return forge.statement(actor.domain, actor.id, "delegation", {
        "key": key or seal_text(actor), "role": role, "until": forge.now(days * 86400)}, actor.signers)


def mailbox(actor):
    return forge.statement(actor.domain, actor.id, "mailbox", {
        "urls": [f"https://{actor.domain}"], "intake": KINDS}, [actor.issuer])


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A log whose node keeps the mailboxes of two signatories; one of them takes reports."""
    folder = tmp_path_factory.mktemp("intake")
    made = Community(folder, entries=0, options=(
        "--relay-for", "state.example", "--relay-for", "company.example", "--mailbox-work", BITS))
    made.log.options += ("--public-url", f"http://127.0.0.1:{made.log.port}")
    (folder / "log" / "contacts.json").write_text(json.dumps({
        "schema": "entente/contacts/1", "salt": "ab" * 32, "changed": "2026-11-01", "contacts": [
            {"kind": "assistance", "role": "Duty officer", "institution": "CERT of the state", "email": "help@state.example",
             "phone": "+33123456789", "hours": "24x7", "languages": ["fr", "en"], "tlp": "clear",
             "keys": ["openpgp4fpr:0123456789abcdef0123456789abcdef01234567"]},
            {"kind": "diplomatic", "role": "Private line", "phone": "+33999999999", "tlp": "red"}]}))
    os.chmod(folder / "log" / "contacts.json", 0o600)
    made.start()
    entries = [*made.entries, delegation(STATE), mailbox(STATE)]
    for entry in entries:
        status, answer = made.log.submit(entry)
        assert status == 200, answer
    made.log.until(lambda: made.log.json("/api/v1/register")["size"] > len(entries))
    yield made.log
    made.stop()


@pytest.fixture(scope="module")
def url(node):
    return f"http://127.0.0.1:{node.port}"


def visit(page, address):
    page.driver.get("about:blank")
    page.drain()
    page.driver.get(address)
    page.wait("document.querySelector('#portal.portal main:not([aria-busy]) h1')")


def fill(page, name, text):
    page.driver.find_element("id", f"f-{name}").send_keys(text)
    page.wait("!document.querySelector('.form-field[aria-busy=true]')")  # files are looked at


def click(page, selector):
    element = page.driver.find_element("css selector", selector)
    page.js("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


def texts(page, selector):
    return page.js("return [...document.querySelectorAll(arguments[0])].map(node => node.textContent)", selector)


def tool(*arguments, data=b"", status=0):
    done = subprocess.run([TOOL, *map(str, arguments)], input=data, capture_output=True, timeout=PATIENCE)
    assert done.returncode == status, done.stderr
    return done.stdout


def box_messages(node, actor):
    """What lies in a signatory's mailbox, opened by the program: [(json, data)], in order."""
    target = mailboxes.path(actor.id, forge.ORIGIN) + "/messages"
    status, _, body = node.get(target, mailboxes.signed(actor.issuer, node, "GET", target))
    assert status == 200, body
    found = []
    for row in json.loads(body)["messages"]:
        one = f"{target}/{row['number']}"
        status, _, sealed = node.get(one, mailboxes.signed(actor.issuer, node, "GET", one))
        assert status == 200
        content = tool("open", SEAL[actor.domain].hex(), data=sealed)
        length = int.from_bytes(content[:4], "big")
        found.append((json.loads(content[4:4 + length]), content[4 + length:]))
    return found


def send_report(page, url, files=(), more=None, language="en"):
    visit(page, f"{url}/report/assistance?lang={language}")
    page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")
    fill(page, "what", SECRET)
    click(page, "#f-continuing")
    fill(page, "channel", "Back to this page")
    for name, text in (more or {}).items():
        if not page.js("return document.querySelector('details.more').open"):
            click(page, "details.more > summary")
        fill(page, name, text)
    for path in files:
        fill(page, "files", str(path))
    if page.js("return !!document.getElementById('f-unchecked')"):
        click(page, "#f-unchecked")
    click(page, ".intake button[type=submit]")
    page.wait("document.getElementById('receipt-words')")
    words = texts(page, "#receipt-words")[0]
    return words, json.loads(tool("reporter", words))


def reply(node, reporter, predicates, parts=(), by=STATE.issuer):
    """The signatory's answers, sealed to the reporter and put into the box."""
    contents = [{"type": kind, "envelope": json.loads(forge.statement(
        f"case/{p['case']}", hashlib.sha256(p["case"].encode()).hexdigest(), f"case-{name}", p, [by],
        time=forge.now()[:19] + "Z"))} for kind, name, p in predicates]
    messages = [(content, b"") for content in contents] + list(parts)
    target = f"/api/v1/mailboxes/{reporter['box']}/messages"
    for content, data in messages:
        text = forge.canonical(content)
        sealed = tool("seal", reporter["reply_key"], data=len(text).to_bytes(4, "big") + text + data)
        status, _, body = node.request("POST", target, sealed, mailboxes.signed(STATE.issuer, node, "POST", target, sealed))
        assert status == 202, body
    return [hashlib.sha256(base64.b64decode(content["envelope"]["payload"])).hexdigest() for content in contents]


def opened(node, before):
    content, _ = box_messages(node, STATE)[before]
    envelope = content["envelope"]
    return json.loads(tool("event", data=json.dumps(envelope).encode())), \
        hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest()


def answers_to(said, digest, reporter, text, attachments=()):
    case = {"case": said["case"], "stream": "shared"}
    return [("ack", "ack", {**case, "seq": 1, "author": said["from"], "hash": digest}),
            ("event", "event", {**case, "kind": "assistance", "seq": 1, "from": STATE.id, "to": [said["from"]],
                                "machine": "call", "event": "message", "fields": {"text": text}, "tlp": "amber",
                                "heads": {said["from"]: digest}, "nonce": os.urandom(32).hex(),
                                **({"attachments": list(attachments)} if attachments else {})})]


def part_of(said, item, offset=0):
    return {"type": "part", "case": said["case"], "stream": "shared", "attachment": item["sha256"],
            "size": item["size"], "offset": offset}


def open_replies(page, url, words, number, language="en"):
    visit(page, f"{url}/case/{number}?lang={language}")
    fill(page, "words", words.upper().replace("-", "  "))
    click(page, ".intake button[type=submit]")
    page.wait("document.querySelector('#answers')")
    page.wait("!document.querySelector('#answers button').disabled")


def run_axe(page):
    if not chromium.AXE.exists():
        pytest.skip("npm ci in tests/ gives axe-core")
    return page.axe()["violations"]


def submit(node, *entries):
    for entry in entries:
        status, answer = node.submit(entry)
        assert status == 200, answer
        node.until(lambda: node.json("/api/v1/register")["size"] > answer["index"])
    return answer["index"]
