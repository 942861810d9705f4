"""Reports without an account, as people meet them: in Chromium, sealed there, read by the program.

Exercises service_intake and service_mailbox (src/node).
"""
import base64
import hashlib
import json
import os
import re

import jsonschema
import pytest

pytest.importorskip("selenium")
import forge  # noqa: E402
import mailboxes  # noqa: E402
from intake import (  # noqa: E402, F401
    ROOT, SECRET, STATE, box_messages, click, delegation, fill, node, pytestmark, seal_text,
    send_report, submit, texts, tool, url, visit)


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
    assert said["fields"]["since"] == "2026-11-22T09:30:00Z"
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


def test_without_script_it_says_what_that_means(node):
    key = "openpgp4fpr:0123456789abcdef0123456789abcdef01234567"
    for language, words in (("en", ("cannot encrypt", "help@state.example", "+33123456789", key, "Duty officer")),
                            ("fr", ("ne peut pas chiffrer", "help@state.example", "+33123456789", key))):
        status, _, body = node.get(f"/report/assistance?lang={language}", {"Accept": "text/html"})
        text = re.search(r"<noscript>(.*?)</noscript>", body.decode(), re.S)[1]
        assert status == 200 and "+33999999999" not in text
        for word in words:
            assert word in text


class Giver:
    """The node, but for who it says takes reports: a proxy whose list of recipients can be altered."""

    def __init__(self, node, change):
        from test_attacks import Evil
        self.evil = Evil(node)
        answer = node.json("/api/v1/intake")
        change(answer["recipients"][0])
        self.evil.lies["/api/v1/intake"] = lambda handler, _: handler.put(200, json.dumps(answer).encode(), "application/json")
        self.url = self.evil.url.rstrip("/")


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
