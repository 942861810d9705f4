"""The pages of reports without an account: of each kind, and for everybody (axe).

Screenshots go to the folder "screenshots" of the build, to be looked at by eye.
"""
import pytest

pytest.importorskip("selenium")
import browser as chromium  # noqa: E402
from intake import (  # noqa: E402, F401
    STATE, answers_to, box_messages, click, fill, node, open_replies, opened,
    pytestmark, reply, run_axe, send_report, texts, url, visit)


def test_paths_of_kinds(page, node, url):
    page.show()
    visit(page, f"{url}/report")
    doors = page.js("return [...document.querySelectorAll('.doors a')].map(a => new URL(a.href).pathname)")
    assert {"/report/assistance", "/report/disclosure", "/report/abuse", "/report/preservation"} <= set(doors)
    for door in doors:
        visit(page, url + door)
        page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")  # nothing moves any more
        page.js("document.querySelectorAll('details.more').forEach(node => { node.open = true; })")
        required = page.js("return document.querySelectorAll('#first .form-field').length")
        click(page, ".intake button[type=submit]")
        page.wait("document.querySelector('.error-summary')")
        assert len(texts(page, ".error-summary a")) >= required > 0, door
        assert run_axe(page) == [], door
        assert page.console() == [], door
    visit(page, f"{url}/report/nonsense")
    assert "Not found" in texts(page, "h1")[0]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_everybody_can_use_the_receipt_and_the_answers(page, node, url, language):

    def look(name, *widths):
        for width in widths:
            page.show(width=width, height=800)
            assert run_axe(page) == [], (name, width)
            assert page.js("return document.documentElement.scrollWidth <= innerWidth"), (name, width)
            page.screenshot(chromium.SCREENSHOTS / f"intake-{name}-{language}-{width}.png", full=True)

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
                page.screenshot(chromium.SCREENSHOTS / f"intake-{name}-{language}-{width}.png", full=True)
