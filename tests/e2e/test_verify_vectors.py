"""The browser's verifier gives the program's verdicts: every case of data/tlog, in Chromium."""
import base64
import functools
import http.server
import json
import pathlib
import threading
import time

import pytest

pytest.importorskip("selenium")
import browser as chromium  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
MODULES = sorted(path.relative_to(WEB).as_posix() for path in (WEB / "verify").glob("*.js"))
PEM_PREFIX = 12  # bytes before the key of an Ed25519 public key in DER
MILLISECONDS = 1000

pytestmark = pytest.mark.skipif(not chromium.available(), reason="no chromium and chromium-driver")

PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>Verifier</title><link rel="icon" href="data:,">
<script type="module">
const modules = await Promise.all({modules}.map((name) => import('/' + name)));
globalThis.v = Object.assign({{}}, ...modules);
globalThis.bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
globalThis.ready = true;
</script>"""


class Files(http.server.SimpleHTTPRequestHandler):
    """web/ as a node serves it, the page above, and a log under /log/ with bytes changed at will."""

    log, changes = None, {}
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}

    def do_GET(self):
        if self.path == "/page":
            return self.give(PAGE.format(modules=json.dumps(MODULES)).encode(), "text/html")
        if not self.path.startswith("/log/"):
            return super().do_GET()
        name = self.path[len("/log/"):]
        path = pathlib.Path(self.log, name)
        if not path.is_file():
            return self.send_error(404)
        data = bytearray(path.read_bytes())
        if name in self.changes:
            offset, mask = self.changes[name]
            data[offset] ^= mask
        return self.give(bytes(data), "application/octet-stream")

    def give(self, data, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def page():
    handler = functools.partial(Files, directory=str(WEB))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    opened = chromium.Browser()
    opened.driver.get(f"http://127.0.0.1:{server.server_port}/page")
    opened.wait("globalThis.ready === true")
    yield opened
    opened.close()
    server.shutdown()


@pytest.fixture(scope="module")
def tlog(request):
    from conftest import SHARED
    if not (SHARED / "data" / "tlog").is_dir():
        pytest.skip(f"no vectors in {SHARED}")
    return SHARED / "data" / "tlog"


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(page, body, *arguments):
    """Runs the body of an async function in the page; its value, or the error that it threw."""
    value = page.driver.execute_async_script(
        "const done = arguments[arguments.length - 1]; const given = [...arguments].slice(0, -1);"
        f"(async (...args) => {{ {body} }})(...given).then((value) => done([value]),"
        " (error) => done([null, String(error?.stack ?? error)]));", *arguments)
    assert len(value) == 1, value[1]
    return value[0]


def differing(cases, found, wanted):
    return [(case.get("id"), case.get("why"), got, expected)
            for case, got, expected in zip(cases, found, wanted, strict=True) if got != expected]


def test_ed25519_edge_cases(page, tlog, say):
    cases = json.loads((tlog / "ed25519vectors.json").read_text())
    wanted = [row["libsodium_1.0.18"] for row in json.loads((tlog / "ed25519-verdicts.json").read_text())]
    started = time.monotonic()
    found = run(page, """
        return Promise.all(args[0].map(({ key, sig, msg }) =>
            v.isSignedBy(v.fromHex(key, 32), v.fromHex(sig, 64), v.utf8Bytes(msg))));""", cases)
    say(f"figure: {len(cases)} Ed25519 edge cases in the browser in "
        f"{MILLISECONDS * (time.monotonic() - started):.0f} ms")
    assert len(cases) == 914 and sum(wanted) == 43
    assert [number for number, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1]] == []
    assert run(page, "return v.canVerify()") is True


def test_notes(page, tlog):
    cases = rows(tlog / "notes.jsonl")
    found = run(page, """
        const judge = async ({ vkeys, note_b64 }) => {
            const keys = [];
            try { for (const text of vkeys) keys.push(await v.parseNoteKey(text)); }
            catch { return ['bad-key', [], null]; }
            let note;
            try { note = v.parseNote(bytesOf(note_b64)); } catch (fault) {
                if (!(fault instanceof v.NoteFault)) throw fault;
                return ['malformed', [], null];
            }
            const { verdict, signers } = await v.verifyNote(note, keys);
            let isCheckpoint = true;
            try { v.parseCheckpoint(note.text); } catch { isCheckpoint = false; }
            return [verdict, signers.map(({ key }) => keys[key].hint), isCheckpoint];
        };
        return Promise.all(args[0].map(judge));""", cases)
    assert len(cases) == 122
    wanted = [[case["expect"], case["verified"] if case["expect"] == "ok" else [],
               case["is_checkpoint"] if case["expect"] == "ok" and case["is_checkpoint"] is not None
               else got[2]] for case, got in zip(cases, found)]
    assert differing(cases, found, wanted) == []


def test_merkle_proofs(page, tlog, say):
    cases = rows(tlog / "proofs.jsonl")
    started = time.monotonic()
    found = run(page, """
        return Promise.all(args[0].map((c) => c.type === 'inclusion'
            ? v.isIncluded(bytesOf(c.leaf_hash), BigInt(c.index), BigInt(c.size), c.proof.map(bytesOf), bytesOf(c.root))
            : v.isConsistent(BigInt(c.size1), bytesOf(c.root1), BigInt(c.size2), bytesOf(c.root2), c.proof.map(bytesOf))));
        """, cases)
    say(f"figure: {len(cases)} Merkle proofs in the browser in "
        f"{MILLISECONDS * (time.monotonic() - started):.0f} ms")
    assert len(cases) == 2462
    assert differing(cases, found, [case["expect"] for case in cases]) == []


def test_merkle_proofs_of_a_peer(page, tlog):
    cases = [{**json.loads(path.read_text()), "id": str(path), "kind": kind}
             for kind in ("inclusion", "consistency")
             for path in sorted((tlog / "merkle-proofs" / kind).rglob("*.json"))]
    found = run(page, """
        const all = (proof) => (proof ?? []).map(bytesOf);
        return Promise.all(args[0].map((c) => c.kind === 'inclusion'
            ? v.isIncluded(bytesOf(c.leafHash ?? ''), BigInt(c.leafIdx), BigInt(c.treeSize), all(c.proof), bytesOf(c.root ?? ''))
            : v.isConsistent(BigInt(c.size1), bytesOf(c.root1 ?? ''), BigInt(c.size2), bytesOf(c.root2 ?? ''), all(c.proof))));
        """, [{key: str(value) if isinstance(value, int) and not isinstance(value, bool) else value
               for key, value in case.items()} for case in cases])
    assert len(cases) == 92
    assert differing(cases, found, [not case["wantErr"] for case in cases]) == []


def test_offline_proofs(page, tlog, say):
    cases = rows(tlog / "tlog-proofs.jsonl")
    for case in cases:
        case["proof_b64"] = base64.b64encode((tlog / case["file"]).read_bytes()).decode()
    policy = (tlog / "policy.txt").read_text()
    started = time.monotonic()
    found = run(page, """
        const policy = await v.parseQuorumPolicy(v.utf8Bytes(args[1]));
        return Promise.all(args[0].map(async ({ proof_b64, entry_b64 }) => {
            try {
                const proof = v.parseProof(bytesOf(proof_b64));
                return (await v.judgeProof(proof, bytesOf(entry_b64), policy, 0n)).reason === '';
            } catch (fault) {
                if (!(fault instanceof v.NoteFault)) throw fault;
                return false;
            }
        }));""", cases, policy)
    say(f"figure: {len(cases)} offline proofs in the browser in "
        f"{MILLISECONDS * (time.monotonic() - started):.0f} ms")
    assert len(cases) == 117
    assert differing(cases, found, [case["expect"] for case in cases]) == []


def test_policies(page, tlog):
    cases = rows(tlog / "policies.jsonl")
    found = run(page, """
        return Promise.all(args[0].map(async ({ policy: text, cosigned_by: cases }) => {
            let policy;
            try { policy = await v.parseQuorumPolicy(v.utf8Bytes(text)); } catch (fault) {
                if (!(fault instanceof v.PolicyFault || fault instanceof v.NoteFault)) throw fault;
                return [false, []];
            }
            const place = (name) => policy.witnesses.findIndex((witness) => witness.name === name);
            return [true, (cases ?? []).map(([names]) => v.isQuorumMet(policy, new Set(names.map(place))))];
        }));""", cases)
    wanted = [[case["valid"], [met for _, met in case.get("cosigned_by", [])]] for case in cases]
    assert len(cases) == 35 and sum(len(verdicts) for _, verdicts in wanted) > 100
    assert differing(cases, found, wanted) == []


def test_envelopes(page, tlog):
    head, *cases = rows(tlog / "dsse.jsonl")
    keys = {name: base64.b64encode(base64.b64decode("".join(pem.splitlines()[1:-1]))[PEM_PREFIX:]).decode()
            for name, pem in head["keys_pem"].items()}
    found = run(page, """
        const keys = await Promise.all(Object.entries(args[1]).map(([name, bytes]) => v.makeNoteKey(name, 1, bytesOf(bytes))));
        return Promise.all(args[0].map(async ({ envelope_b64, threshold }) => {
            try {
                const envelope = v.parseEnvelope(bytesOf(envelope_b64));
                v.statementOf(envelope);
                return (await v.verifyEnvelope(envelope, keys)).signers >= threshold;
            } catch (fault) {
                if (!v.isEnvelopeFault(fault)) throw fault;
                return false;
            }
        }));""", cases, keys)
    assert len(cases) == 34
    assert differing(cases, found, [case["expect"] for case in cases]) == []


READ_LOG = """
    const policy = await v.parseQuorumPolicy(v.utf8Bytes(args[0]));
    const reader = new v.TileReader(location.origin + '/log/');
    try {
        const { checkpoint, logSigned } = await v.judgeCheckpoint(policy, v.parseNote(await reader.checkpoint()), 0n);
        if (!logSigned) return 'signature';
        reader.trust(checkpoint);
        const entries = [];
        for (let number = 0; number * v.BUNDLE_WIDTH < reader.size; number++) entries.push(...await reader.bundle(number));
        for (const old of args[1])
            if (!await reader.continues({ size: BigInt(old.size), root: bytesOf(old.root) })) return `not from ${old.size}`;
        for (const index of args[2]) {
            const leaf = await v.leafHash(entries[index]);
            if (!await v.isIncluded(leaf, BigInt(index), checkpoint.size, await reader.path(index), checkpoint.root)) return `path ${index}`;
        }
        return entries.length;
    } catch (fault) {
        if (!(fault instanceof v.LogFault || fault instanceof v.NoteFault)) throw fault;
        return fault.message;
    }"""


def test_a_log_is_read_through_its_tiles(page, tlog):
    Files.log, Files.changes = tlog / "log-1300", {}
    policy = (tlog / "policy.txt").read_text()
    roots = [row for row in rows(tlog / "roots.jsonl") if row["size"] <= 1300]
    assert run(page, READ_LOG, policy, roots, [0, 1, 255, 256, 700, 1023, 1024, 1279, 1280, 1299]) == 1300
    wrong = {"size": 700, "root": roots[1]["root"]}
    assert run(page, READ_LOG, policy, [wrong], []) == "not from 700"


def test_every_changed_byte_of_a_log_is_noticed(page, tlog):
    """Those of the 61 changes that touch a file which a reader of this size asks for."""
    Files.log = tlog / "log-1300"
    policy = (tlog / "policy.txt").read_text()
    asked = {"checkpoint", "tile/0/005.p/20", "tile/1/000.p/5", "tile/entries/005.p/20"}
    asked |= {f"tile/{kind}/00{number}" for kind in ("0", "entries") for number in range(5)}
    checked = 0
    for change in rows(tlog / "corruptions.jsonl"):
        if change["file"] in asked:
            Files.changes = {change["file"]: (change["offset"], change["xor"])}
            # Paths to all corners ask for every hash of every tile.
            found = run(page, READ_LOG, policy, [], list(range(0, 1300, 257)))
            if found == 1300:
                found = run(page, READ_LOG, policy, [], list(range(1300)))
            assert found != 1300, change
            checked += 1
    Files.changes = {}
    assert checked > 20


def test_json_is_read_as_the_program_reads_it(page):
    good = ['{"a":[1,2.5,-0,1e3,"\\u00e9\\n",true,null,{}]}', ' [ ] ', '"x"', '{"__proto__":1}',
            "[" * 64 + "]" * 64, "9223372036854775807"]
    bad = ['{"a":1,"a":2}', '{"a":1} x', "[1,]", '{"a"}', '"\\ud800"', '"\\u0000"', "01", "NaN", "",
           "[" * 65 + "]" * 65, '"\t"', "1e999", "9223372036854775808", "{'a':1}"]
    found = run(page, """
        return args[0].map((text) => {
            try { v.readJson(v.utf8Bytes(text)); return true; }
            catch (fault) { if (!(fault instanceof v.JsonFault)) throw fault; return false; }
        });""", good + bad)
    assert found == [True] * len(good) + [False] * len(bad)
    text = '{"z":1.0,"a":{"\\u20ac":"\\u00e9\\u0007","b":[1e21,5e-7,-0]}}'
    assert run(page, "return v.utf8Text(v.canonicalJson(v.readJson(v.utf8Bytes(args[0]))))",
               text.replace("1e21", "1e15")) == '{"a":{"b":[1000000000000000,5e-7,0],"€":"é\\u0007"},"z":1}'


def test_base64_has_one_form(page):
    good = ["", "AA==", "AAA=", "AAAA", "/+8=", "AAAAAA=="]
    bad = ["A", "AA", "AA=", "AB==", "AAB=", "AA==AA==", "A A=", "-_8=", "AAAA\n", "===="]
    assert run(page, "return args[0].map((text) => v.fromBase64(text) !== null)",
               good + bad) == [True] * len(good) + [False] * len(bad)
