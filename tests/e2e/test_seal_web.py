"""Sealing in Chromium with WebCrypto alone, held to the program's sealing: both ways, bit by bit."""
import base64
import functools
import hashlib
import http.server
import json
import os
import pathlib
import random
import subprocess
import threading

import pytest

pytest.importorskip("selenium")
import browser as chromium  # noqa: E402
from waiting import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("ENTENTE", str(ROOT / "build" / "src" / "entente"))
TOOL = pathlib.Path(BINARY).resolve().parents[1] / "tests" / "e2e" / "seal_tool"
VECTOR = json.loads((ROOT / "tests/vectors/seal/hpke-base-x25519-sha256-aes256gcm.json").read_text())
RECEIPT = "lusab-babad-gutih-tugad-gutuk-bisog-mudof-sakat"
PRIVATE, PUBLIC = VECTOR["skRm"], VECTOR["pkRm"]
PUBLIC_TEXT = "x25519:" + base64.b64encode(bytes.fromhex(PUBLIC)).decode()
MIB = 1 << 20
FOUND, INPUT, POLICY = 1, 2, 4

pytestmark = pytest.mark.skipif(not chromium.available() or not TOOL.exists(),
                                reason="no chromium and chromium-driver, or no seal_tool")

PRELUDE = """
const done = arguments[arguments.length - 1];
const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const unhex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const taken = async () => new Uint8Array(await (await fetch('/bytes')).arrayBuffer());
const load = (name) => import(`/seal/${name}.js`);
(async () => {
"""
EPILOGUE = """
})().then((value) => done({ value: value ?? null }), (fault) => done({ fault: fault.kind ?? `${fault}` }));
"""


class Files(http.server.SimpleHTTPRequestHandler):
    """The viewer's files, an empty page, and "/bytes": what the page takes and gives back."""

    bytes_there = b""
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}

    def do_GET(self):
        if self.path not in ("/", "/bytes"):
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        page = b"<!DOCTYPE html><title>seal</title><link rel=icon href=data:,>"
        return self.wfile.write(page if self.path == "/" else Files.bytes_there)

    def do_POST(self):
        Files.bytes_there = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def page():
    handler = functools.partial(Files, directory=str(ROOT / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened = chromium.Browser()
        opened.driver.get(f"http://127.0.0.1:{server.server_port}/")
        yield opened
        assert opened.console() == []
        opened.close()
        server.shutdown()


@pytest.fixture
def js(page):
    """Runs the body of an async function; gives {"value": …} or {"fault": kind}."""
    def run(body, *arguments):
        return page.driver.execute_async_script(PRELUDE + body + EPILOGUE, *arguments)
    return run


def tool(*arguments, data=b"", status=0):
    done = subprocess.run([TOOL, *map(str, arguments)], input=data, capture_output=True, timeout=PATIENCE)
    assert done.returncode == status, done.stderr
    return done.stdout


def content_of(size):
    return random.Random(size).randbytes(size)


SEAL = """
  const { parseSealKey, sealBytes } = await load('seal');
  const sealed = await sealBytes(await taken(), arguments[0].map(parseSealKey));
  await fetch('/bytes', { method: 'POST', body: sealed });
"""
OPEN = """
  const { openSealed } = await load('seal');
  const { importX25519 } = await load('hpke');
  const secrets = await Promise.all(arguments[0].map((key) => importX25519(hex(key))));
  await fetch('/bytes', { method: 'POST', body: await openSealed(await taken(), secrets) });
"""


def seal_in_page(js, content, *keys):
    Files.bytes_there = content
    assert "fault" not in js(SEAL, keys)
    return Files.bytes_there


def open_in_page(js, sealed, *keys):
    """What was sealed, or the kind of the fault."""
    Files.bytes_there = sealed
    return js(OPEN, keys).get("fault") or Files.bytes_there


def test_rfc9180_vector_in_the_browser(js):
    found = js("""
      const v = arguments[0];
      const { hpkeDecap, hpkeReceiver, hpkeSender, importX25519 } = await load('hpke');
      const receiver = await importX25519(hex(v.skRm));
      const { enc, context } = await hpkeSender(hex(v.pkRm), hex(v.info), await importX25519(hex(v.skEm)));
      const opener = await hpkeReceiver(hex(v.enc), receiver, hex(v.info));
      const out = { pkR: unhex(receiver.public), enc: unhex(enc), shared: unhex(await hpkeDecap(hex(v.enc), receiver)), sealed: [], opened: [], exports: [] };
      for (const e of v.encryptions) {
        const nonce = hex(e.nonce), base = hex(v.base_nonce);
        context.sequence = opener.sequence = nonce.reduce((sum, byte, at) => sum * 256 + (byte ^ base[at]), 0);
        out.sealed.push(unhex(await context.seal(hex(e.aad), hex(e.pt))));
        out.opened.push(unhex(await opener.open(hex(e.aad), hex(e.ct))));
      }
      for (const e of v.exports) out.exports.push(unhex(await opener.export(hex(e.exporter_context), e.L)));
      return out;""", VECTOR)["value"]
    assert (found["pkR"], found["enc"], found["shared"]) == (PUBLIC, VECTOR["enc"], VECTOR["shared_secret"])
    assert found["sealed"] == [case["ct"] for case in VECTOR["encryptions"]]
    assert found["opened"] == [case["pt"] for case in VECTOR["encryptions"]]
    assert found["exports"] == [case["exported_value"] for case in VECTOR["exports"]]
    assert len(found["sealed"]) >= 10 and len(found["exports"]) >= 3


@pytest.mark.parametrize("size", [0, 1, 8, 1000, MIB - 8, MIB - 7, MIB, 2 * MIB + 5, 4 * MIB + 70000])
def test_sealed_in_chromium_opens_in_c_and_back(js, size):
    content = content_of(size)
    sealed = seal_in_page(js, content, PUBLIC_TEXT)
    assert len(sealed) == int(tool("size", size, 1))
    assert tool("open", PRIVATE, data=sealed) == content
    sealed = tool("seal", PUBLIC_TEXT, data=content)
    assert open_in_page(js, sealed, PRIVATE) == content


def test_several_recipients_and_strangers(js):
    other = json.loads(tool("reporter", RECEIPT))["reply_key"]
    sealed = seal_in_page(js, b"to both", other, PUBLIC_TEXT)
    assert tool("open", "11" * 32, PRIVATE, data=sealed) == b"to both"
    tool("open", "11" * 32, data=sealed, status=POLICY)
    assert open_in_page(js, tool("seal", other, PUBLIC_TEXT, data=b"to both"), "11" * 32, PRIVATE) == b"to both"
    assert open_in_page(js, sealed, "11" * 32) == "others"
    assert js(SEAL, [PUBLIC_TEXT, PUBLIC_TEXT])["fault"] == "malformed"
    assert js(SEAL, [])["fault"] == "malformed"


def test_one_bit_changed_anywhere_is_refused(js):
    sealed = seal_in_page(js, b"hello", PUBLIC_TEXT)
    tool("open", PRIVATE, data=sealed)
    Files.bytes_there = sealed
    faults = js("""
      const { openSealed } = await load('seal');
      const { importX25519 } = await load('hpke');
      const secret = await importX25519(hex(arguments[0]));
      const sealed = await taken();
      const kinds = [];
      for (let bit = 0; bit < 8 * sealed.length; bit++) {
        sealed[bit >> 3] ^= 1 << (bit & 7);
        kinds.push(await openSealed(sealed, [secret]).then(() => 'opened', (fault) => fault.kind));
        sealed[bit >> 3] ^= 1 << (bit & 7);
      }
      return kinds;""", PRIVATE)["value"]
    assert len(faults) == 8 * len(sealed)
    assert set(faults) <= {"malformed", "others", "altered"}
    for bit in range(0, 8 * len(sealed), 37):
        altered = bytearray(sealed)
        altered[bit >> 3] ^= 1 << (bit & 7)
        status = {"malformed": INPUT, "others": POLICY, "altered": FOUND}[faults[bit]]
        tool("open", PRIVATE, data=bytes(altered), status=status)


def test_cut_short_or_followed_by_more_is_refused(js):
    sealed = tool("seal", PUBLIC_TEXT, data=content_of(MIB + 50))
    chunk = 15 + 88 + MIB + 16
    for altered in (sealed[:-1], sealed[:chunk], sealed + b"\0", sealed[:100], sealed[:103], sealed[:14], b""):
        assert open_in_page(js, altered, PRIVATE) in ("altered", "malformed")
        tool("open", PRIVATE, data=altered, status=FOUND if len(altered) >= 103 else INPUT)


def test_keys_that_nobody_should_seal_to(js):
    def text(number):
        return "x25519:" + base64.b64encode(number.to_bytes(32, "little")).decode()

    prime = 2**255 - 19
    bad = ["", "x25519:", PUBLIC_TEXT[7:], PUBLIC_TEXT + " ", PUBLIC_TEXT[:-1], text(0), text(1), text(prime - 1),
           text(prime), text(prime + 9), text(2**255 + 9), text(2**256 - 1)]
    parsed = js("const { parseSealKey } = await load('seal');"
                "return arguments[0].map((key) => parseSealKey(key) !== null);", [*bad, PUBLIC_TEXT, text(9)])["value"]
    assert parsed == [False] * len(bad) + [True, True]
    for key in bad[2:]:
        tool("seal", key, data=b"x", status=INPUT)


def test_receipt_gives_the_same_in_both(js):
    words = [RECEIPT] + [js("const { newReceipt, receiptWords } = await load('receipt');"
                            "return receiptWords(newReceipt());")["value"] for _ in range(5)]
    assert len(set(words)) == 6
    for text in words:
        found = js("""
          const { parseReceipt, receiptWords, reporterOf, signStatement } = await load('receipt');
          const { sealFingerprint } = await load('seal');
          const bits = parseReceipt(arguments[0]);
          const reporter = await reporterOf(bits);
          const { envelope } = await signStatement(reporter, {});
          return { words: receiptWords(bits), reply_key: reporter.replyKey, sign: reporter.from.slice(4),
            hint: envelope.signatures[0].keyid, fingerprint: await sealFingerprint(reporter.seal.public),
            box: reporter.box, number: reporter.number };""", text)["value"]
        assert found == json.loads(tool("reporter", text))


def test_receipt_as_people_type_it(js):
    cases = [RECEIPT.upper().replace("-", "  ") + "\n", RECEIPT[:-6], RECEIPT + "-lusab", RECEIPT[:-1] + "x",
             RECEIPT.replace("-", "", 1), ""]
    parsed = js("const { parseReceipt, receiptWords } = await load('receipt');"
                "return arguments[0].map((text) => { const bits = parseReceipt(text); return bits && receiptWords(bits); });",
                cases)["value"]
    assert parsed == [RECEIPT, None, None, None, None, None]
    for text in cases[1:]:
        tool("reporter", text, status=INPUT)


def test_what_the_browser_signs_the_program_accepts(js, entente, tmp_path):
    """A statement signed in the page under the receipt's key verifies as any other."""
    statement = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "urn:example:note:1",
                 "predicate": {"text": "é\u2028\"<"}, "subject": [{"name": "n", "digest": {"sha256": "ab" * 32}}]}
    found = js("""
      const { parseReceipt, reporterOf, signStatement } = await load('receipt');
      const reporter = await reporterOf(parseReceipt(arguments[0]));
      return { ...(await signStatement(reporter, arguments[1])).envelope, key: unhex(reporter.sign.public) };""",
               RECEIPT, statement)["value"]
    public = bytes.fromhex(found.pop("key"))
    vkey = "+".join([found["signatures"][0]["keyid"], base64.b64encode(b"\x01" + public).decode()])
    (tmp_path / "s.dsse.json").write_text(json.dumps(found))
    said = entente("verify", tmp_path / "s.dsse.json", "--key", vkey, status=3).stdout  # of no known type
    assert "signed by   reporter+" in said
    found["payload"] = base64.b64encode(base64.b64decode(found["payload"]).replace(b"<", b">")).decode()
    (tmp_path / "s.dsse.json").write_text(json.dumps(found))
    entente("verify", tmp_path / "s.dsse.json", "--key", vkey, status=1)


def test_work_for_a_mailbox(js, say):
    """SHA-256 as the page reckons it is SHA-256; the work of a mailbox that is not filling up is short."""
    mailbox, body = "0123456789abcdef" * 4, content_of(100000)
    for bits in (0, 1, 12, 16):
        Files.bytes_there = body
        found = js("""
          const { mailboxWork } = await load('work');
          const body = await taken();
          const began = performance.now();
          return { nonce: await mailboxWork(arguments[0], body, arguments[1]), ms: performance.now() - began };""",
                   mailbox, bits)["value"]
        digest = hashlib.sha256(mailbox.encode() + hashlib.sha256(body).digest() + found["nonce"].encode()).digest()
        assert int.from_bytes(digest, "big") >> (256 - bits) == 0, bits
    tries = int(found["nonce"], 16) + 1
    say(f"figure: work of 16 bits in the browser: {tries} tries in {found['ms']:.0f} ms, "
        f"{1000 * found['ms'] / tries:.1f} us each")


def test_content_of_messages(js):
    found = js("""
      const { packContent, unpackContent } = await load('seal');
      const packed = packContent({ type: 'part', a: 1 }, new Uint8Array([1, 2, 3]));
      const { json, data } = unpackContent(packed);
      const bad = [[], [0, 0, 0], [255, 255, 255, 255, 1], [0, 0, 0, 2, 91, 93], [0, 0, 0, 1, 123]];
      return { packed: unhex(packed), json, data: unhex(data), bad: bad.map((bytes) => {
        try { unpackContent(new Uint8Array(bytes)); return 'read'; } catch (fault) { return fault.constructor.name; } }) };""")["value"]
    assert bytes.fromhex(found["packed"]) == b'\0\0\0\x15{"a":1,"type":"part"}\1\2\3'
    assert found["json"] == {"type": "part", "a": 1} and found["data"] == "010203"
    assert found["bad"] == ["SealFault", "SealFault", "SealFault", "SealFault", "JsonFault"]
