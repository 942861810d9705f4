"""A report without an account from the browser into the signatory's cases, and its answer back:
nothing between them is played by the test.

Exercises service_intake, service_mailbox and service_delivery (src/node), and predicate_case
(src/statement).
"""
import os

import pytest

pytest.importorskip("selenium")
import browser as chromium  # noqa: E402
from delivery import DRIVER, World  # noqa: E402
from intake import TOOL, click, fill, open_replies, send_report, texts  # noqa: E402
from waiting import until

pytestmark = pytest.mark.skipif(not chromium.available() or not DRIVER.exists() or not TOOL.exists(),
                                reason="no chromium and chromium-driver, or no case_driver")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("intake"))
    made.state.program("contact", "mailbox", made.state.wire.url, "--intake", "assistance", "--yes")
    made.state.program("community", "show", "--update")
    made.start()
    yield made
    made.stop()


def test_a_call_for_help_becomes_a_case_and_is_answered(world, page, tmp_path):
    node, desk = world.state.node, world.state.desk
    url = f"http://127.0.0.1:{node.port}"
    until(lambda: node.json("/api/v1/intake")["recipients"], what="the list of who takes reports")
    page.show()
    evidence = tmp_path / "evidence.bin"
    evidence.write_bytes(os.urandom(5 << 20))
    words, reporter = send_report(page, url, [evidence])
    case = until(lambda: desk("list")["cases"], what="the case")[0]["id"]
    entry = until(lambda: [entry for entry in world.state.entries(case) if entry["files"] and all(entry["files"])], what="the file")[0]
    assert entry["verdict"] == "applied" and entry["from"] == "key:" + reporter["sign"]
    assert entry["fields"]["reply_key"] == reporter["reply_key"]
    assert open(entry["files"][0], "rb").read() == evidence.read_bytes()
    # The signatory answers from its desk; the browser reads it, and writes back.
    advice = world.state.folder / "advice.txt"
    advice.write_text("Pull the plug.")
    desk("say", case=case, event="acknowledge", fields={})
    desk("say", case=case, event="message", fields={"text": "We call you at noon."}, files=[str(advice)])
    until(lambda: not desk("outbox"), what="the delivery")
    open_replies(page, url, words, reporter["number"])
    page.wait("document.querySelectorAll('.event').length === 2")
    shown = texts(page, ".event")
    assert "We call you at noon." in shown[1] and "advice.txt" in shown[1]
    assert page.js("return document.querySelectorAll('.file-list button').length") == 1
    assert len(texts(page, ".signer-verified")) == 2, texts(page, ".event-from")
    assert "arrival was confirmed" in texts(page, "#answers")[0]
    page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")
    fill(page, "text", "I will be there.")
    click(page, ".intake button[type=submit]")
    page.wait("document.querySelectorAll('.event').length === 3")
    until(lambda: len(world.state.entries(case)) == 4, what="the reporter's answer")
    last = world.state.entries(case)[-1]
    assert (last["verdict"], last["fields"]) == ("applied", {"text": "I will be there."})
    assert [refusal for refusal in desk("refusals")] == []
