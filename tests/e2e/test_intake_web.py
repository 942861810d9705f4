"""Reports without an account, as people meet them: in Chromium, sealed there, read by the program.

Screenshots go to the folder "screenshots" of the build, to be looked at by eye.
"""
import base64
import hashlib
import json
import os
import pathlib
import re
import subprocess

import jsonschema
import pytest

pytest.importorskip("selenium")
import browser as chromium  # noqa: E402
import forge  # noqa: E402
import mailboxes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: E402
from nodes import BUILD, MAKER, Community  # noqa: E402
from waiting import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = BUILD / "tests" / "e2e" / "seal_tool"
AXE = ROOT / "tests" / "node_modules" / "axe-core" / "axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCREENSHOTS = pathlib.Path(os.environ.get("ENTENTE_BUILD", str(ROOT / "build"))) / "screenshots"
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
    made.log.until(lambda: made.log.json("/api/v1/register")["size"] == len(entries) + 1)
    yield made.log
    made.stop()


@pytest.fixture(scope="module")
def page():
    opened = chromium.Browser()
    yield opened
    opened.close()


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


def test_a_report_is_sealed_in_the_browser_and_read_by_the_program(page, node, url, tmp_path):
    page.show()
    before = len(box_messages(node, STATE))
    picture = tmp_path / "evil name.bin"
    picture.write_bytes(os.urandom((4 << 20) + 4321))  # two parts
    words, reporter = send_report(page, url, [picture], {"people": "1 200", "since": "11222026\t0930AM"})
    messages = box_messages(node, STATE)[before:]
    event, parts = messages[0], messages[1:]
    assert event[0]["type"] == "event" and event[1] == b""
    said = json.loads(tool("event", data=json.dumps(event[0]["envelope"]).encode()))
    assert said["from"] == "key:" + reporter["sign"] and said["to"] == [STATE.id]
    assert (said["kind"], said["event"], said["seq"], said["stream"]) == ("assistance", "open", 1, "shared")
    assert said["fields"]["what"] == SECRET and said["fields"]["continuing"] == "yes"
    assert said["fields"]["people"] == 1200 and said["fields"]["reply_key"] == reporter["reply_key"]
    assert said["fields"]["language"] == ["en"]
    assert re.fullmatch(r"2026-11-22T\d\d:30:00Z", said["fields"]["since"])
    content = picture.read_bytes()
    assert said["attachments"] == [{"name": "evil name.bin", "size": len(content),
                                    "sha256": hashlib.sha256(content).hexdigest()}]
    assert [part[0]["offset"] for part in parts] == [0, 4 << 20]
    assert b"".join(part[1] for part in parts) == content
    assert page.console() == []
    # Other bytes do not have the number of their case; another signature is false.
    envelope = event[0]["envelope"]
    payload = json.loads(base64.b64decode(envelope["payload"]))
    payload["predicate"]["fields"]["continuing"] = "no"
    altered = {**envelope, "payload": base64.b64encode(forge.canonical(payload)).decode()}
    tool("event", data=json.dumps(altered).encode(), status=2)
    forged = {**envelope, "signatures": [{**envelope["signatures"][0], "sig": base64.b64encode(bytes(64)).decode()}]}
    tool("event", data=json.dumps(forged).encode(), status=1)
    # It was shown once, with its number and where to read; nothing else knows it.
    assert re.fullmatch(r"([bdfghjklmnprstvz][aiou]){2}[bdfghjklmnprstvz]-", words[:6])
    assert reporter["number"] in texts(page, "main")[0]
    assert page.js("return document.activeElement.tagName") == "H1"
    assert page.js("return document.querySelector('a[href*=\"/case/\"]').pathname") == f"/case/{reporter['number']}"


def test_only_the_sealed_message_leaves_and_nothing_is_kept(page, node, url):
    page.show()
    words, reporter = send_report(page, url)
    posted = []
    for entry in page.driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            request = message["params"]["request"]
            assert request["url"].startswith((url, "data:")), request["url"]
            text = json.dumps(request)
            assert "attacker" not in text and words not in text and words[:11] not in text
            if request["method"] == "POST":
                posted.append(request)
    assert [request["url"].split("/")[-1] for request in posted] == ["messages"]
    kept = page.js("return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert not any(word in kept for word in words.split("-")) and "attacker" not in kept
    assert reporter["box"] not in kept


SPOILED = """
  const [count] = arguments, real = window.fetch;
  let left = count;
  window.asked = [];
  window.fetch = async (path, options = {}) => {
    const spoiled = options.method === 'POST' && left-- > 0;
    const headers = spoiled ? { ...options.headers, 'Entente-Work': 'none' } : options.headers;
    const answer = await real(path, { ...options, headers });
    if (String(path).includes('/mailboxes/')) asked.push([options.method ?? 'GET', answer.status]);
    return answer;
  };"""


def send_with_little_work(page, url, times):
    """As if others had filled the mailbox while the page worked for it, so many times."""
    visit(page, f"{url}/report/assistance")
    page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")
    page.js(SPOILED, times)
    fill(page, "what", SECRET)
    click(page, "#f-continuing")
    fill(page, "channel", "Back to this page")
    if page.js("return !!document.getElementById('f-unchecked')"):
        click(page, "#f-unchecked")
    click(page, ".intake button[type=submit]")


def test_a_mailbox_that_asks_for_more_work_meanwhile(page, node, url):
    """The page looks once more what is asked for, works again, and gives up when that is refused."""
    page.show()
    before = len(box_messages(node, STATE))
    send_with_little_work(page, url, 1)
    page.wait("document.getElementById('receipt-words')")
    assert page.js("return asked") == [["GET", 200], ["POST", 403], ["GET", 200], ["POST", 202]]
    assert len(box_messages(node, STATE)) == before + 1
    send_with_little_work(page, url, 2)
    page.wait("asked.length > 3 && !document.querySelector('.intake button[type=submit]').disabled")
    assert page.js("return asked") == [["GET", 200], ["POST", 403]] * 2
    assert "shows less work than the mailbox demands" in texts(page, ".intake")[0]
    assert not page.js("return document.getElementById('receipt-words')")
    assert page.js("return document.getElementById('f-what').value") == SECRET, "nothing is lost"
    assert len(box_messages(node, STATE)) == before + 1
    click(page, ".intake button[type=submit]")  # what was begun goes out, once
    page.wait("document.getElementById('receipt-words')")
    assert len(box_messages(node, STATE)) == before + 2


def test_what_is_missing_is_said_first(page, url):
    page.show()
    visit(page, f"{url}/report/assistance")
    page.wait("document.querySelector('.proof .mark')")
    click(page, ".intake button[type=submit]")
    assert page.js("return document.activeElement.className") == "error-summary"
    assert page.driver.title.startswith("Error: ")
    links = page.js("return [...document.querySelectorAll('.error-summary a')].map(a => [a.hash, a.textContent])")
    assert [link[0] for link in links][:3] == ["#f-what", "#f-continuing", "#f-channel"]
    click(page, ".error-summary a")
    assert page.js("return document.activeElement.id") == "f-what"
    described = page.js("return document.activeElement.getAttribute('aria-describedby')").split()
    assert any("Fill in" in text for name in described for text in texts(page, f"#{name}"))
    # What was given is no problem any more; the rest stays.
    fill(page, "what", "x")
    click(page, ".intake button[type=submit]")
    assert "#f-what" not in page.js("return [...document.querySelectorAll('.error-summary a')].map(a => a.hash)")
    assert page.js("return document.getElementById('f-what').value") == "x"


def test_the_recipient_is_shown_with_its_key_and_what_the_log_says(page, node, url):
    page.show()
    visit(page, f"{url}/report/assistance")
    page.wait("document.querySelector('.proof .mark')")
    shown = texts(page, ".recipient")[0]
    digits = hashlib.sha256(base64.b64decode(seal_text(STATE)[7:])).hexdigest()[:32]
    assert " ".join(digits[at:at + 4] for at in range(0, 32, 4)) in shown
    assert "Organisation of state.example" in shown
    body = texts(page, "main")[0]
    assert "What this node can see" in body and "Tor" in body
    assert "help@state.example" in body and "+33123456789" in body and "openpgp4fpr" in body
    assert "+33999999999" not in body and "Private line" not in body


def test_the_list_of_who_takes_reports_is_as_its_document_says(node):
    document = json.loads((ROOT / "data" / "openapi.json").read_text())
    found = node.json("/api/v1/intake")
    jsonschema.Draft202012Validator(document["components"]["schemas"]["Intake"],
                                    resolver=jsonschema.RefResolver("", document)).validate(found)
    assert [(row["domain"], [key["key"] for key in row["keys"]]) for row in found["recipients"]] == [
        ("state.example", [seal_text(STATE)])]  # company.example has a mailbox here, and takes no reports
    assert found["recipients"][0]["mailbox"] == mailboxes.mailbox_id(STATE.id, forge.ORIGIN)
    assert [contact["role"] for contact in found["contacts"]] == ["Duty officer"]


def test_paths_of_kinds(page, node, url):
    page.show()
    visit(page, f"{url}/report")
    doors = page.js("return [...document.querySelectorAll('.doors a')].map(a => new URL(a.href).pathname)")
    assert {"/report/assistance", "/report/disclosure", "/report/abuse", "/report/preservation"} <= set(doors)
    for door in doors:
        visit(page, url + door)
        page.js("document.querySelectorAll('details.more').forEach(node => { node.open = true; })")
        required = page.js("return document.querySelectorAll('#first .form-field').length")
        click(page, ".intake button[type=submit]")
        page.wait("document.querySelector('.error-summary')")
        assert len(texts(page, ".error-summary a")) >= required > 0, door
        assert run_axe(page) == [], door
        assert page.console() == [], door
    visit(page, f"{url}/report/nonsense")
    assert "Not found" in texts(page, "h1")[0]


def test_without_script_it_says_what_that_means(node):
    key = "openpgp4fpr:0123456789abcdef0123456789abcdef01234567"
    for language, words in (("en", ("cannot encrypt", "help@state.example", "+33123456789", key, "Duty officer")),
                            ("fr", ("ne peut pas chiffrer", "help@state.example", "+33123456789", key))):
        status, _, body = node.get(f"/report/assistance?lang={language}", {"Accept": "text/html"})
        text = re.search(r"<noscript>(.*?)</noscript>", body.decode(), re.S)[1]
        assert status == 200 and "+33999999999" not in text
        for word in words:
            assert word in text


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


def test_answers_are_opened_with_the_receipt_and_answered(page, node, url):
    page.show()
    before = len(box_messages(node, STATE))
    words, reporter = send_report(page, url)
    open_replies(page, url, words, reporter["number"])
    assert "nothing yet" in texts(page, "#answers")[0]
    said, digest = opened(node, before)
    data = b"%PDF hostile <script>"
    item = {"name": "advice <b>.pdf", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    hashes = reply(node, reporter, answers_to(said, digest, reporter, "Unplug it.\n<b>Now</b> \u202e.", [item]),
                   [(part_of(said, item), data)])
    click(page, "#answers .send button")
    page.wait("document.querySelector('.event')")
    shown = texts(page, ".event")
    assert len(shown) == 1 and "Unplug it.\n<b>Now</b>" in shown[0] and "advice <b>.pdf" in shown[0]
    assert "Organisation of state.example" in shown[0]
    assert "arrival was confirmed" in texts(page, "#answers")[0]
    assert page.js("return document.querySelectorAll('.event b').length") == 0
    # Back it goes: an event that continues what the signatory has.
    page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")
    fill(page, "text", "It is unplugged.")
    click(page, ".intake button[type=submit]")
    page.wait("document.querySelectorAll('.event').length === 2")
    content, _ = box_messages(node, STATE)[-1]
    answer = json.loads(tool("event", data=json.dumps(content["envelope"]).encode()))
    assert (answer["case"], answer["seq"], answer["previous"]) == (said["case"], 2, digest)
    assert answer["heads"] == {STATE.id: hashes[1]} and answer["fields"] == {"text": "It is unplugged."}
    assert answer["from"] == said["from"] and answer["event"] == "message" and answer["machine"] == "call"
    # At the next visit the own message is there too, and the next one continues it.
    open_replies(page, url, words, reporter["number"])
    page.wait("document.querySelectorAll('.event').length === 2")
    page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")
    fill(page, "text", "And now?")
    click(page, ".intake button[type=submit]")
    page.wait("document.querySelectorAll('.event').length === 3")
    content, _ = box_messages(node, STATE)[-1]
    assert json.loads(tool("event", data=json.dumps(content["envelope"]).encode()))["seq"] == 3
    assert page.console() == []


def buttons(page):
    return page.js("return document.querySelectorAll('.file-list button').length")


def look_again(page):
    click(page, "#answers .send button")
    page.wait("!document.querySelector('#answers .send button').disabled")


def test_a_file_is_that_of_its_case(page, node, url):
    """An empty one is there at once; bytes for another case, of another size or of nobody are not."""
    page.show()
    before = len(box_messages(node, STATE))
    words, reporter = send_report(page, url)
    said, digest = opened(node, before)
    data = b"of this case"
    item, empty = [{"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                   for name, content in (("advice.txt", data), ("empty.txt", b""))]
    lie = {**empty, "name": "lie.txt", "sha256": "ab" * 32}
    right = part_of(said, item)
    nobodys = part_of(said, {"size": 3, "sha256": hashlib.sha256(b"two").hexdigest()})
    reply(node, reporter, answers_to(said, digest, reporter, "Three files.", [item, empty, lie]),
          [({**right, "case": "ab" * 16}, data), ({**right, "stream": "local"}, data),
           ({**right, "size": len(data) + 1}, data), (nobodys, b"two"),
           ({"type": "part", "attachment": item["sha256"], "offset": 0}, data)])
    open_replies(page, url, words, reporter["number"])
    page.wait("document.querySelectorAll('.event').length === 1")
    assert buttons(page) == 1
    assert [("not here yet" in text, text.split()[0]) for text in texts(page, ".event .file-list li")] == [
        (True, "advice.txt"), (False, "empty.txt"), (True, "lie.txt")]
    reply(node, reporter, [], [({**right, "offset": 4}, data[4:])])
    look_again(page)
    assert buttons(page) == 1
    reply(node, reporter, [], [(right, data[:4])])
    look_again(page)
    assert buttons(page) == 2
    # What is no event of the program's shows nothing, and hides nothing.
    bad = answers_to(said, digest, reporter, "Bad.")[1][2]
    for change in ({"attachments": "x"}, {"attachments": [None]}, {"time": 5}, {"fields": None}):
        envelope = json.loads(forge.statement(f"case/{said['case']}", hashlib.sha256(said["case"].encode()).hexdigest(),
                                              "case-event", {**bad, **change}, [STATE.issuer]))
        reply(node, reporter, [], [({"type": "event", "envelope": envelope}, b"")])
    look_again(page)
    assert len(texts(page, ".event")) == 1 and buttons(page) == 2
    assert page.console() == []


def sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    return str(path)


def test_how_much_may_be_attached_is_said_before_it_is_sent(page, node, url, tmp_path):
    """The half of what the program takes goes with the report, and the half with what follows."""
    header = (ROOT / "src/process/case_event.h").read_text()
    limit = int(re.search(r"CASE_REPORT_FILES_LIMIT \(G_GUINT64_CONSTANT\((\d+)\) << 20\)", header)[1])
    page.show()
    before = len(box_messages(node, STATE))
    half = limit // 2
    for language, words in (("en", f"or {half}\u00a0MiB: remove some"), ("fr", f"ou de {half}\u00a0Mio\u00a0: retirez-en")):
        visit(page, f"{url}/report/assistance?lang={language}")
        assert str(limit) in texts(page, "#hint-files")[0] and str(half) in texts(page, "#hint-files")[0]
        fill(page, "files", sparse(tmp_path / "all.bin", half << 20))
        click(page, ".intake button[type=submit]")
        page.wait("document.querySelector('.error-summary')")
        assert texts(page, "#error-files") == [""]
        fill(page, "files", sparse(tmp_path / "more.bin", 1))
        click(page, ".intake button[type=submit]")
        page.wait("document.getElementById('error-files').textContent")
        assert words in texts(page, "#error-files")[0], texts(page, "#error-files")
        assert words in texts(page, ".error-summary")[0]
    assert len(box_messages(node, STATE)) == before
    # Later messages: what was sent before counts.
    words, reporter = send_report(page, url, [sparse(tmp_path / "small.bin", 1 << 20)])
    said, digest = opened(node, before)
    reply(node, reporter, answers_to(said, digest, reporter, "More, please."))
    open_replies(page, url, words, reporter["number"])
    page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")
    assert f"{half}\u00a0MiB are left" in texts(page, "#hint-files")[0]
    fill(page, "text", "Here it is.")
    fill(page, "files", sparse(tmp_path / "two.bin", 2 << 20))
    click(page, ".intake button[type=submit]")
    page.wait("document.querySelectorAll('.event').length === 2")
    page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")
    assert f"{half - 2}\u00a0MiB are left" in texts(page, "#hint-files")[0]
    fill(page, "files", sparse(tmp_path / "rest.bin", ((half - 2) << 20) + 1))
    click(page, ".intake button[type=submit]")
    page.wait("document.getElementById('error-files').textContent")
    assert f"{half - 2}\u00a0MiB" in texts(page, "#error-files")[0]
    assert page.console() == []


def test_what_others_put_into_the_box_is_not_believed(page, node, url):
    page.show()
    before = len(box_messages(node, STATE))
    words, reporter = send_report(page, url)
    said, digest = opened(node, before)
    reply(node, reporter, answers_to(said, digest, reporter, "Real."))
    forged = json.loads(forge.statement(
        f"case/{said['case']}", hashlib.sha256(said["case"].encode()).hexdigest(), "case-event",
        {**answers_to(said, digest, reporter, "Forged.")[1][2], "seq": 2}, [STATE.issuer]))
    forged["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    target = f"/api/v1/mailboxes/{reporter['box']}/messages"
    for body in (b"garbage", forge.canonical({"type": "event", "envelope": forged}),
                 forge.canonical({"type": "event"}), forge.canonical({"type": "event", "envelope": {"payload": 1}})):
        sealed = tool("seal", reporter["reply_key"], data=len(body).to_bytes(4, "big") + body)
        status, _, _ = node.request("POST", target, sealed, mailboxes.work(target, sealed, BITS))
        assert status == 202
    open_replies(page, url, words, reporter["number"])
    page.wait("document.querySelectorAll('.event').length === 2")
    signers = texts(page, ".event .event-from")
    assert sum("is false" in text for text in signers) == 1
    false = [text for text in texts(page, ".event") if "is false" in text][0]
    assert "Forged." in false


def test_a_key_that_may_not_speak_in_cases_is_not_believed(page, node, url):
    """It is an issuer's, in the log and in force; but its delegation names other predicates."""
    page.show()
    limited = forge.Key("state.example/issuer/assessments")
    submit(node, forge.statement(STATE.domain, STATE.id, "delegation", {
        "key": limited.vkey, "role": "issuer", "predicates": ["urn:entente:predicate:assessment:1"],
        "until": forge.now(300 * 86400)}, STATE.signers))
    before = len(box_messages(node, STATE))
    words, reporter = send_report(page, url)
    said, digest = opened(node, before)
    reply(node, reporter, answers_to(said, digest, reporter, "Real."))
    reply(node, reporter, answers_to(said, digest, reporter, "By another office.")[1:], by=limited)
    open_replies(page, url, words, reporter["number"])
    page.wait("document.querySelectorAll('.event').length === 2")
    signers = {("Real." in event): event for event in texts(page, ".event")}
    assert "were checked here" in signers[True] and "is false" in signers[False]
    assert page.console() == []


def test_a_wrong_receipt_opens_nothing(page, url):
    page.show()
    other = "lusab-babad-gutih-tugad-gutuk-bisog-mudof-sakat"
    visit(page, f"{url}/case/0123456789abcdef")
    for words, problem in (("lusab-babad", "not the eight words"), (other, "another receipt"), ("", "Fill in")):
        page.driver.find_element("id", "f-words").clear()
        fill(page, "words", words)
        click(page, ".intake button[type=submit]")
        page.wait("document.querySelector('.error-summary')")
        assert problem in texts(page, ".error-summary")[0]
    visit(page, f"{url}/case")
    fill(page, "words", other)
    click(page, ".intake button[type=submit]")
    page.wait("document.querySelector('#answers')")
    page.wait("!document.querySelector('#answers button').disabled")
    assert "nothing yet" in texts(page, "#answers")[0]


def test_what_may_have_arrived_is_sent_again_as_it_was(page, node, url):
    """The answer to the first post is lost on its way: the same event comes twice, and no other."""
    page.show()
    before = len(box_messages(node, STATE))
    words, reporter = send_report(page, url)
    said, digest = opened(node, before)
    reply(node, reporter, answers_to(said, digest, reporter, "Write to us."))
    open_replies(page, url, words, reporter["number"])
    page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")
    fill(page, "text", "First words")
    page.js("const real = fetch; let lost = false; window.fetch = async (...all) => { const answer = await real(...all);"
            " if (all[1]?.method === 'POST' && !lost) { lost = true; throw new TypeError('lost'); } return answer; };")
    click(page, ".intake button[type=submit]")
    page.wait("document.querySelector('.progress:not(:empty)') && !document.querySelector('.intake button[type=submit]').disabled"
              " && document.querySelector('.intake .progress').textContent.includes('does not answer')")
    fill(page, "text", " changed")
    click(page, ".intake button[type=submit]")
    page.wait("document.querySelectorAll('.event').length === 2")
    events = [content["envelope"]["payload"] for content, _ in box_messages(node, STATE)[before + 1:]]
    assert len(events) == 2 and len(set(events)) == 1
    assert json.loads(base64.b64decode(events[0]))["predicate"]["fields"] == {"text": "First words"}


def run_axe(page):
    if not AXE.exists():
        pytest.skip("npm ci in tests/ gives axe-core")
    if not page.js("return !!window.axe"):
        page.driver.execute_script(AXE.read_text())
    found = page.driver.execute_async_script(
        "axe.run(document, {runOnly: arguments[0]}).then(arguments[1])", AXE_TAGS)
    return [(item["id"], [node["target"] for node in item["nodes"]][:3]) for item in found["violations"]]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_everybody_can_use_the_receipt_and_the_answers(page, node, url, language):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def look(name, *widths):
        for width in widths:
            page.show(width=width, height=800)
            assert run_axe(page) == [], (name, width)
            assert page.js("return document.documentElement.scrollWidth <= innerWidth"), (name, width)
            page.screenshot(SCREENSHOTS / f"intake-{name}-{language}-{width}.png", full=True)

    page.show()
    before = len(box_messages(node, STATE))
    words, reporter = send_report(page, url, language=language)
    look("receipt", 360, 768, 1280)
    said, digest = opened(node, before)
    reply(node, reporter, answers_to(said, digest, reporter, "Unplug the cable of the server, and call us.\nWe are there day and night."))
    open_replies(page, url, words, reporter["number"], language)
    page.wait("document.querySelector('.event')")
    page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")
    fill(page, "text", "Done.")
    click(page, ".intake button[type=submit]")
    page.wait("document.querySelectorAll('.event').length === 2")
    look("answers", 360, 768, 1280)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_everybody_can_use_the_pages(page, node, url, language):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width, height, scheme in [(360, 740, "light"), (768, 1024, "light"), (1280, 900, "light"), (1280, 900, "dark")]:
        page.show(width=width, height=height, scheme=scheme)
        for name, path in (("doors", "/report"), ("report", "/report/assistance"), ("errors", "/report/assistance"), ("reply", "/case")):
            visit(page, f"{url}{path}?lang={language}")
            if name in ("report", "errors"):
                page.wait("document.querySelector('.proof .mark')")
                page.js("document.querySelector('details.more').open = true")
            if name == "errors":
                click(page, ".intake button[type=submit]")
                page.wait("document.querySelector('.error-summary')")
            assert run_axe(page) == [], (name, width, scheme)
            assert page.js("return document.documentElement.scrollWidth <= innerWidth"), (name, width)
            assert page.console() == [], name
            if scheme == "light":
                page.screenshot(SCREENSHOTS / f"intake-{name}-{language}-{width}.png", full=True)


class Giver:
    """The node, but for who it says takes reports: a proxy whose list of recipients can be altered."""

    def __init__(self, node, change):
        from test_attacks import Evil
        self.evil = Evil(node)
        answer = node.json("/api/v1/intake")
        change(answer["recipients"][0])
        self.evil.lies["/api/v1/intake"] = lambda handler, _: handler.put(200, json.dumps(answer).encode(), "application/json")
        self.url = self.evil.url.rstrip("/")


def submit(node, *entries):
    for entry in entries:
        status, answer = node.submit(entry)
        assert status == 200, answer
        node.until(lambda: node.json("/api/v1/register")["size"] > answer["index"])
    return answer["index"]


def refused_key(page, url, words):
    """The page says so in red, offers no way around it, and sends nothing."""
    visit(page, f"{url}/report/assistance")
    page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")
    assert words in texts(page, ".proof")[0]
    assert page.js("return document.querySelectorAll('.is-computed, #f-unchecked').length") == 0
    fill(page, "what", SECRET)
    click(page, ".intake button[type=submit]")
    page.wait("document.querySelector('.error-summary')")
    assert "nothing is sent to it" in texts(page, ".error-summary")[0]
    assert not [each for each in page.requests() if "/mailboxes/" in each]
    assert page.console() == []


def test_nothing_is_sealed_to_a_key_that_was_revoked_or_while_a_newer_one_is_kept_back(page, node):
    """Last, for it stays in the log. The delegation of the old key is true, and in the log for ever."""
    page.show()
    old = "x25519:" + base64.b64encode(hashlib.sha256(b"old seal key").digest()).decode()
    index = submit(node, delegation(STATE, old))
    assert [key["key"] for key in node.json("/api/v1/intake")["recipients"][0]["keys"]] == [old, seal_text(STATE)]

    def give(keys):
        return Giver(node, lambda row: row.update(keys=[key for key in row["keys"] if key["key"] in keys]))
    kept_back = give([seal_text(STATE)])
    refused_key(page, kept_back.url, "has a newer key")
    kept_back.evil.stop()
    both = give([old, seal_text(STATE)])
    submit(node, forge.statement(STATE.domain, STATE.id, "revocation", {
        "key": old, "reason": "rotated", "from_index": index}, STATE.signers))
    refused_key(page, both.url, "no longer in force")
    both.evil.stop()
    visit(page, f"http://127.0.0.1:{node.port}/report/assistance")
    page.wait("document.querySelector('.proof-verified .mark')")
