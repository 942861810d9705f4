"""Answers to a report without an account: opened in Chromium with the receipt, and answered.

Exercises service_mailbox (src/node), where the answers lie.
"""
import base64
import hashlib
import json
import re

import pytest

pytest.importorskip("selenium")
import forge  # noqa: E402
import mailboxes  # noqa: E402
from intake import (  # noqa: E402, F401
    BITS, ROOT, STATE, answers_to, box_messages, click, fill, node, open_replies, opened,
    part_of, pytestmark, reply, send_report, submit, texts, tool, url, visit)


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
        # The summary of the words before stands there until these are looked at.
        page.wait(f"document.querySelector('.error-summary')?.textContent.includes('{problem}')")
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
