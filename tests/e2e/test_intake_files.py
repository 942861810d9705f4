"""Photographs that hold more than a picture: found and taken out in the browser (intake/metadata.js),
and nothing sent before the reporter said what is to become of it (intake/files.js).
"""
import base64
import functools
import hashlib
import http.server
import json
import random
import struct
import threading

import pytest

pytest.importorskip("selenium")
import browser as chromium  # noqa: E402
import intake as web  # noqa: E402
from intake import STATE, node, pytestmark, url  # noqa: E402, F401
from test_verify_vectors import WEB, Files, run  # noqa: E402

# 48 x 32 pixels of colour, progressive, chroma at half size: many scans and tables between them.
PROGRESSIVE = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYV"
    "pQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wgARCAAg"
    "ADADASIAAhEBAxEB/8QAGAABAQEBAQAAAAAAAAAAAAAAAgEAAwX/xAAXAQEBAQEAAAAAAAAAAAAAAAACBQED/9oADAMBAAIQAxAAAAHznyTpon"
    "F2k6JdKcug3o2VyO//xAAcEAACAgIDAAAAAAAAAAAAAAAAERAxASECEjD/2gAIAQEAAQUC2M7eLhmahnGhlmo//8QAHBEAAgEFAQAAAAAAAAAA"
    "AAAAAAECAwQREyFR/9oACAEDAQE/AZd6hVBz8IXEkbjdk//EABoRAAMBAQEBAAAAAAAAAAAAAAABAwIhEUH/2gAIAQIBAT8BzIcRRf0U+9NSXh"
    "PB/8QAFBABAAAAAAAAAAAAAAAAAAAAQP/aAAgBAQAGPwJH/8QAHBABAQEBAQEAAwAAAAAAAAAAAQARITFREGFx/9oACAEBAAE/Id+rg9jXsvyH"
    "t18j+3ZU9hH8GI2Kthpby4sPEtsex1oTo/cp5f/aAAwDAQACAAMAAAAQ9M2Q8k//xAAYEQEBAQEBAAAAAAAAAAAAAAABABEhMf/aAAgBAwEBPx"
    "AvZPmMG76kEZZ2fQe3/8QAFxEBAQEBAAAAAAAAAAAAAAAAAQARIf/aAAgBAgEBPxDljKsbY5gQuCF4l//EAB0QAQEBAAMBAQEBAAAAAAAAAAER"
    "ACExQVFhcYH/2gAIAQEAAT8QLKKfLgcrt9ci5TyuI5SqxmjT0fNAsDugvjzcpzfYm40Erkf2eGUKyu5CW3rIdvmAev8AMRJRnMMgo4Po75Lpr9"
    "8yAj+1xNhHCR09MeLcvXzFSkHmHEX47//Z")
SECRETS = (b"GPS-SECRET", b"CAMERA-SECRET", b"XMP-SECRET", b"IPTC-SECRET", b"COMMENT-SECRET", b"THUMB-SECRET",
           b"TRAILER-SECRET", b"JFXX-SECRET", b"MPF-SECRET")
MUTATIONS = 3000
BASELINE = """
    const canvas = Object.assign(document.createElement('canvas'), { width: 80, height: 56 });
    const context = canvas.getContext('2d');
    for (let x = 0; x < 80; x += 4) for (let y = 0; y < 56; y += 4) {
        context.fillStyle = `hsl(${x * 4 + y} 80% ${20 + y}%)`;
        context.fillRect(x, y, 4, 4);
    }
    const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.8));
    return [...new Uint8Array(await blob.arrayBuffer())];"""
TAKEN_OUT = """
    const { heldBesides, pictureAlone } = await import('/intake/metadata.js');
    const pixels = async (bytes) => {
        const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/jpeg' }));
        const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height });
        const context = canvas.getContext('2d');
        context.drawImage(bitmap, 0, 0);
        return [bitmap.width, bitmap.height, ...context.getImageData(0, 0, bitmap.width, bitmap.height).data].join();
    };
    return Promise.all(args[0].map(async (text) => {
        const bytes = bytesOf(text);
        const alone = pictureAlone(bytes);
        return { held: heldBesides(bytes), alone: alone && [...alone], left: alone && heldBesides(alone),
            same: alone && await pixels(bytes) === await pixels(alone) };
    }));"""


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def exif(order=">", orientation=1, place=True):
    """A directory with the device, the time, which side is up, and where it was; little or big endian."""
    texts, rows = b"", []
    for tag, text in ((0x010F, b"CAMERA-SECRET\0"), (0x0132, b"2026:11:21 09:30:00\0")):
        rows.append((tag, 2, len(text), len(texts)))
        texts += text
    rows.append((0x0112, 3, 1, None))
    if place:
        rows.append((0x8825, 4, 1, len(texts)))
        texts += b"GPS-SECRET"
    start = 8 + 2 + 12 * len(rows) + 4
    body = struct.pack(order + "2sHIH", b"MM" if order == ">" else b"II", 42, 8, len(rows))
    for tag, kind, count, at in rows:
        body += struct.pack(order + "HHI", tag, kind, count)
        body += struct.pack(order + "HH", orientation, 0) if at is None else struct.pack(order + "I", start + at)
    return segment(0xE1, b"Exif\0\0" + body + bytes(4) + texts)


def photograph(picture, orientation=1, order=">", thumbnail=False):
    """The picture as a telephone might write it: everything an application puts beside it."""
    icc = segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(24))
    jfif = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1" + (b"\2\2THUMB-SECRET" if thumbnail else b"\0\0"))
    at = 2 + 2 + struct.unpack(">H", picture[4:6])[0] if picture[2:4] == b"\xFF\xE0" else 2
    return (picture[:2] + jfif + exif(order, orientation) + segment(0xE0, b"JFXX\0\x10JFXX-SECRET") +
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0XMP-SECRET") + segment(0xE2, b"MPF\0MPF-SECRET") +
            segment(0xED, b"Photoshop 3.0\0IPTC-SECRET") + segment(0xFE, b"COMMENT-SECRET") + icc +
            b"\xFF\xFF" + picture[at:] + b"TRAILER-SECRET")


@pytest.fixture(scope="module")
def bare():
    """A page with the modules and nothing else."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(WEB)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    opened = chromium.Browser()
    opened.driver.get(f"http://127.0.0.1:{server.server_port}/page")
    opened.wait("globalThis.ready === true")
    yield opened
    opened.close()
    server.shutdown()


def coded(*pictures):
    return [base64.b64encode(each).decode() for each in pictures]


def test_the_picture_stays_and_the_rest_goes(bare):
    baseline = bytes(run(bare, BASELINE))
    cases = [(picture, *how) for picture in (baseline, PROGRESSIVE)
             for how in ((1, ">", False), (6, "<", True), (3, ">", True))]
    made = coded(*(photograph(*case) for case in cases))
    for (_, orientation, *_), found in zip(cases, run(bare, TAKEN_OUT, made), strict=True):
        alone = bytes(found["alone"])
        assert found["held"] == ["place", "time", "device", "more"]
        assert found["same"] is True and found["left"] == []
        assert not [secret for secret in SECRETS if secret in alone]
        assert b"ICC_PROFILE" in alone and alone.endswith(b"\xFF\xD9")
        # Which side is up stays, in the shortest Exif there is.
        assert alone.count(b"Exif\0\0") == (orientation != 1)
    # A scanner's colours are said by Adobe's segment: it stays.
    adobe = PROGRESSIVE[:2] + segment(0xEE, b"Adobe\0\x64\0\0\0\0\1") + PROGRESSIVE[2:]
    found = run(bare, TAKEN_OUT, coded(adobe))[0]
    assert found["held"] == [] and bytes(found["alone"]) == adobe and found["same"] is True


def test_what_holds_nothing_or_is_no_photograph_is_left_alone(bare):
    baseline = bytes(run(bare, BASELINE))
    cut = photograph(PROGRESSIVE)[:-200]
    broken = photograph(PROGRESSIVE)[:60]
    found = run(bare, TAKEN_OUT.replace("await pixels(bytes) === await pixels(alone)", "true"),
                coded(baseline, PROGRESSIVE, b"%PDF-1.7", b"", b"\x89PNG\r\n\x1a\n", cut, broken))
    assert [each["held"] for each in found] == [[], [], [], [], [], ["place", "time", "device", "more"], ["unreadable"]]
    assert bytes(found[0]["alone"]) == baseline
    assert [each["alone"] for each in found[2:5]] == [None] * 3 and found[6]["alone"] is None
    assert b"SECRET" not in bytes(found[5]["alone"])


def test_broken_photographs_harm_nothing(bare):
    """Bytes changed and cut at random: no error, no endless reading, and never more than there was."""
    source = photograph(PROGRESSIVE, 6, "<", True)
    dice = random.Random(7)
    made = []
    for _ in range(MUTATIONS):
        data = bytearray(source[:dice.randrange(2, len(source) + 1)])
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(2, len(data)) if len(data) > 2 else 0] = dice.randrange(256)
        made.append(bytes(data))
    found = run(bare, """
        const { heldBesides, pictureAlone } = await import('/intake/metadata.js');
        return args[0].map((text) => {
            const bytes = bytesOf(text);
            const alone = pictureAlone(bytes);
            return [heldBesides(bytes), alone && alone.length - bytes.length, alone && heldBesides(alone)];
        });""", coded(*made))
    assert len(found) == MUTATIONS
    assert all(grown is None or grown <= 36 and left == [] for _, grown, left in found)
    assert sum(grown is not None for _, grown, _ in found) > MUTATIONS // 10


# --- as the reporter meets it ---

def attach(page, *paths):
    web.fill(page, "files", "\n".join(str(path) for path in paths))


def sent_files(node, before):
    """What was attached to the report that came last: {name: bytes}."""
    messages = web.box_messages(node, STATE)[before:]
    said = json.loads(web.tool("event", data=json.dumps(messages[0][0]["envelope"]).encode()))
    parts = {part["attachment"]: data for part, data in messages[1:]}
    for item in said["attachments"]:
        assert hashlib.sha256(parts[item["sha256"]]).hexdigest() == item["sha256"]
    return {item["name"]: parts[item["sha256"]] for item in said["attachments"]}


def open_report(page, url, language="en"):
    web.visit(page, f"{url}/report/assistance?lang={language}")
    page.wait("document.querySelector('.proof:not(.proof-pending) .mark')")
    web.fill(page, "what", "Photographs")
    web.click(page, "#f-continuing")
    web.fill(page, "channel", "Back to this page")


def send(page):
    web.click(page, ".intake button[type=submit]")


@pytest.mark.parametrize("choice", ["strip", "keep"])
def test_nothing_is_sent_before_it_is_said_what_stays(page, node, url, tmp_path, choice):  # noqa: F811
    page.show()
    paths = [tmp_path / name for name in ("one.jpg", "two.JPG", "plain.jpg", "letter.pdf")]
    made = [photograph(PROGRESSIVE, 6), photograph(PROGRESSIVE, 1, "<", True), PROGRESSIVE, b"%PDF-1.7"]
    for path, data in zip(paths, made):
        path.write_bytes(data)
    before = len(web.box_messages(node, STATE))
    open_report(page, url)
    attach(page, *paths)
    page.wait("document.querySelector('.file-hidden .notice')")
    shown = web.texts(page, ".file-hidden")[0]
    assert "2 photographs hold more" in shown and "one.jpg: the place, the time, the device" in shown
    assert "plain.jpg" not in shown and "letter.pdf" not in shown
    send(page)
    page.wait("document.querySelector('.error-summary')")
    assert "Say whether the photographs keep" in web.texts(page, ".error-summary")[0]
    assert len(web.box_messages(node, STATE)) == before
    strip, keep = page.driver.find_elements("css selector", ".file-hidden button")
    page.js("arguments[0].scrollIntoView({block: 'center'})", strip)
    (strip if choice == "strip" else keep).click()
    page.wait("!document.querySelector('.file-hidden .notice') && document.querySelector('.file-hidden p')")
    assert ("nothing else is left" if choice == "strip" else "as they are") in web.texts(page, ".file-hidden")[0]
    assert page.js("return document.activeElement.closest('.file-hidden') !== null")
    send(page)
    page.wait("document.getElementById('receipt-words')")
    sent = sent_files(node, before)
    assert sent["plain.jpg"] == PROGRESSIVE and sent["letter.pdf"] == b"%PDF-1.7"
    for name, source in zip(("one.jpg", "two.JPG"), made):
        assert (sent[name] == source) == (choice == "keep")
        assert (b"SECRET" in sent[name]) == (choice == "keep")
    assert page.console() == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_everybody_can_make_the_choice(page, url, tmp_path, language):  # noqa: F811
    path, broken = tmp_path / "IMG_20261121_093000.jpg", tmp_path / "broken.jpg"
    path.write_bytes(photograph(PROGRESSIVE, 6))
    broken.write_bytes(photograph(PROGRESSIVE)[:60])
    for width, scheme in ((360, "light"), (768, "dark"), (1280, "light")):
        page.show(width=width, height=800, scheme=scheme)
        open_report(page, url, language)
        attach(page, path, broken)
        page.wait("document.querySelectorAll('.file-hidden li').length === 2")
        assert web.run_axe(page) == [], (width, scheme)
        assert page.js("return document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(chromium.SCREENSHOTS / f"intake-photographs-{language}-{width}.png", full=True)
        # What is broken cannot be made a picture alone: it stays to be decided.
        web.click(page, ".file-hidden button")
        page.wait("document.querySelectorAll('.file-hidden li').length === 1")
        assert "broken.jpg" in web.texts(page, ".file-hidden")[0]
        assert len(page.driver.find_elements("css selector", ".file-hidden button")) == 1
    page.show()
