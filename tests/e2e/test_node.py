"""The node over HTTP: held against its OpenAPI document, its numbers, its community.

Exercises, of src/node, mhd (the HTTP library), sequencing, admission and service_log (entries that are
taken in, proven or refused, as dsse_canonical of src/statement reads them), service_files and
tile_cache (tiles, checkpoint, history), service_directory (lists, CSV, counts, growth), service_register, service_mailbox, service_triage,
service_intake (kind_json), service_status (health, numbers), service_witness and walls (confinement).
"""
import base64
import hashlib
import json
import re
import signal
import socket
import subprocess
import time

import jsonschema
import pytest

import forge
import mailboxes
from conftest import ROOT
from nodes import Community, MAKER, Node, SANITIZED
from waiting import PATIENCE, answered, until

pytestmark = pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built")
DOCUMENT = json.loads((ROOT / "data" / "openapi.json").read_text())
HASH = "0" * 64
PROMISED = "/api/v1/entries?wait=0"
RATE, BURST = 1, 4  # requests of one peer: in a second, and at once (cmd_serve.c)


@pytest.fixture(scope="module")
def community(tmp_path_factory):
    """Three groups' witnesses and a log with all its entries but the last five."""
    made = Community(tmp_path_factory.mktemp("community"),
                     options=("--relay-for", "state.example", "--mailbox-work", "1"))
    made.log.options += ("--public-url", f"http://127.0.0.1:{made.log.port}")
    made.start()
    made.answers, made.at_once = [], []
    for number, entry in enumerate(made.entries[:-5], 1):
        made.answers.append(made.log.submit(entry))
        made.at_once.append([made.log.get(f"/api/v1/proofs/{leaf(entry)}")[0],
                             made.log.get(f"/api/v1/entries/{number}")[0]])
    made.log.until(lambda: made.log.json("/api/v1/register")["size"] == len(made.answers) + 1)
    # Another log, whose witnesses do not run: what it takes in stays a promise.
    lonely = Community(tmp_path_factory.mktemp("lonely"), entries=1)
    made.lonely = lonely.log.start()
    made.lonely.until(lambda: made.lonely.get("/readyz")[0] == 200)
    yield made
    lonely.stop()
    made.stop()


def leaf(entry):
    return hashlib.sha256(b"\0" + entry).hexdigest()


def inclusion(entry, proof):
    """The root that a tlog-proof leads to (RFC 9162, 2.1.3.2), and the one its checkpoint has."""
    head, note = proof.split("\n\n", 1)
    lines = head.split("\n")
    index = int(lines[1].split()[1])
    _, size, root = note.split("\n")[:3]
    node, fn, sn = hashlib.sha256(b"\0" + entry).digest(), index, int(size) - 1
    for text in lines[2:]:
        other = base64.b64decode(text)
        assert sn > 0
        if fn & 1 or fn == sn:
            node = hashlib.sha256(b"\1" + other + node).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = hashlib.sha256(b"\1" + node + other).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and node == base64.b64decode(root)


# --- what the document says ---

def requests(community):
    """(path of the document, method, path asked, body, status, headers): every answer."""
    entry = community.entries[0]
    state = forge.MEMBERS[0]
    box = mailboxes.path(state.id, forge.ORIGIN)
    sealed = mailboxes.sealed(b"a message")
    work = mailboxes.work(box, sealed, 1)

    def owner(method, target):
        return mailboxes.signed(state.issuer, community.log, method, target)

    def naming(number, body):
        return mailboxes.naming(f"{box}/messages/{number}", body)

    origin = hashlib.sha256(b"call.example/test").hexdigest()
    yield from [
        ("/api/v1", "GET", "/api/v1", None, 200),
        ("/{page}", "GET", "/", None, 200),
        ("/{page}", "GET", "/about?lang=fr", None, 200),
        ("/{page}", "GET", "/nothing", None, 404),
        ("/checkpoint", "GET", "/checkpoint", None, 200),
        ("/tile/{path}", "GET", "/tile/0/000.p/1", None, 200),
        ("/tile/{path}", "GET", "/tile/entries/000.p/1", None, 200),
        ("/tile/{path}", "GET", "/tile/9/999", None, 404),
        ("/history", "GET", "/history", None, 200),
        ("/api/v1/entries", "POST", "/api/v1/entries", entry, 200),
        ("/api/v1/entries", "POST", PROMISED, entry, 202),
        ("/api/v1/entries", "POST", "/api/v1/entries?wait=61", entry, 400),
        ("/api/v1/entries", "POST", "/api/v1/entries", None, 400),
        ("/api/v1/entries", "POST", "/api/v1/entries", b"{}", 403),
        ("/api/v1/entries", "POST", "/api/v1/entries", b"x" * 65536, 413),
        ("/api/v1/entries/{index}", "GET", "/api/v1/entries/0", None, 200),
        ("/api/v1/entries/{index}", "GET", "/api/v1/entries/-1", None, 400),
        ("/api/v1/entries/{index}", "GET", "/api/v1/entries/123456", None, 404),
        ("/api/v1/proofs/{leaf}", "GET", f"/api/v1/proofs/{leaf(entry)}", None, 200),
        ("/api/v1/proofs/{leaf}", "GET", "/api/v1/proofs/AB", None, 400),
        ("/api/v1/proofs/{leaf}", "GET", f"/api/v1/proofs/{HASH}", None, 404),
        ("/api/v1/policy", "GET", "/api/v1/policy", None, 200),
        ("/api/v1/checkpoint", "GET", "/api/v1/checkpoint", None, 200),
        ("/api/v1/register", "GET", "/api/v1/register", None, 200),
        ("/api/v1/signatories", "GET", "/api/v1/signatories?group=state&principle=7", None, 200),
        ("/api/v1/signatories", "GET", "/api/v1/signatories?group=other", None, 400),
        ("/api/v1/signatories", "GET", "/api/v1/signatories?principle=10", None, 400),
        ("/api/v1/signatories", "GET", "/api/v1/signatories?sort=score", None, 400),
        ("/api/v1/signatories", "GET", "/api/v1/signatories?limit=1001", None, 400),
        ("/api/v1/signatories.csv", "GET", "/api/v1/signatories.csv?group=state", None, 200),
        ("/api/v1/signatories.csv", "GET", "/api/v1/signatories.csv?freshness=new", None, 400),
        ("/api/v1/entries", "GET", "/api/v1/entries?before=9&count=4", None, 200),
        ("/api/v1/entries", "GET", "/api/v1/entries?count=257", None, 400),
        ("/api/v1/summary", "GET", "/api/v1/summary", None, 200),
        ("/api/v1/followup", "GET", "/api/v1/followup", None, 200),
        ("/api/v1/measures", "GET", "/api/v1/measures", None, 200),
        ("/api/v1/intake", "GET", "/api/v1/intake", None, 200),
        ("/api/v1/kinds", "GET", "/api/v1/kinds", None, 200),
        ("/api/v1/triage", "GET", "/api/v1/triage", None, 200),
        ("/api/v1/signatories/{signatory}", "GET", "/api/v1/signatories/state.example", None, 200),
        ("/api/v1/signatories/{signatory}", "GET", "/api/v1/signatories/none.example", None, 404),
        (mailboxes.BOX, "GET", box, None, 200),
        (mailboxes.BOX, "GET", "/api/v1/mailboxes/" + HASH, None, 404),
        (mailboxes.MESSAGES, "POST", box + "/messages", sealed, 202, work),
        (mailboxes.MESSAGES, "POST", box + "/messages", b"plain", 415, work),
        (mailboxes.MESSAGES, "POST", box + "/messages", None, 413,
         {"Content-Length": str(5 * 1024 * 1024 + 1), "Expect": "100-continue"}),
        (mailboxes.MESSAGES, "POST", box + "/messages", sealed + b"?", 403),
        (mailboxes.MESSAGES, "POST", "/api/v1/mailboxes/" + HASH + "/messages", sealed, 404, work),
        (mailboxes.MESSAGES, "GET", box + "/messages", None, 401),
        (mailboxes.MESSAGES, "GET", box + "/messages", None, 200, owner("GET", box + "/messages")),
        (mailboxes.MESSAGES, "GET", box + "/messages?after=x", None, 400),
        (mailboxes.MESSAGE, "GET", box + "/messages/1", None, 200, owner("GET", box + "/messages/1")),
        (mailboxes.MESSAGE, "GET", box + "/messages/9", None, 404, owner("GET", box + "/messages/9")),
        (mailboxes.MESSAGE, "GET", box + "/messages/0", None, 400),
        (mailboxes.MESSAGE, "DELETE", box + "/messages/1", None, 401),
        (mailboxes.MESSAGE, "DELETE", box + "/messages/1", None, 400,
         owner("DELETE", box + "/messages/1")),
        (mailboxes.MESSAGE, "DELETE", naming(1, b"another"), None, 409,
         owner("DELETE", naming(1, b"another"))),
        (mailboxes.MESSAGE, "DELETE", naming(1, sealed), None, 204,
         owner("DELETE", naming(1, sealed))),
        ("/witness/add-checkpoint", "POST", "/witness/add-checkpoint", b"old\n", 400),
        ("/witness/add-checkpoint", "POST", "/witness/add-checkpoint", b"x" * 65537, 413),
        ("/witness/{origin}/checkpoint", "GET", f"/witness/{origin}/checkpoint", None, 200),
        ("/witness/{origin}/checkpoint", "GET", f"/witness/{HASH}/checkpoint", None, 404),
        ("/api/v1/witness/logs", "GET", "/api/v1/witness/logs", None, 200),
        ("/healthz", "GET", "/healthz", None, 200),
        ("/readyz", "GET", "/readyz", None, 200),
        ("/metrics", "GET", "/metrics", None, 200),
        ("/openapi.json", "GET", "/openapi.json", None, 200),
    ]


def test_the_server_answers_as_its_document_says(community):
    asked = set()
    resolver = jsonschema.RefResolver("", DOCUMENT)
    for name, method, path, body, wanted, *sent in requests(community):
        node = community.witnesses[0] if "witness" in path else community.log
        node = community.lonely if path == PROMISED else node
        status, headers, answer = node.request(method, path, body, *sent)
        assert status == wanted, (path, status, answer[:300])
        operation = DOCUMENT["paths"][name][method.lower()]
        said = operation["responses"].get(str(status))
        assert said, f"{method} {name}: {status} is not in the document"
        asked.add((method, name))
        if status == 204:
            continue
        kind = headers["content-type"].split(";")[0]
        assert kind in said["content"], (path, kind)
        if "json" in kind:
            jsonschema.Draft202012Validator(said["content"][kind]["schema"],
                                            resolver=resolver).validate(json.loads(answer))
        assert ("access-control-allow-origin" in headers) == (kind != "text/html")
        assert headers["x-content-type-options"] == "nosniff"
    assert asked == {(method.upper(), name) for name, item in DOCUMENT["paths"].items()
                     for method in item}


def test_every_route_is_in_the_document(community):
    """And nothing else is; the numbers know all routes of a node."""
    routes = set()
    for node in (community.log, community.witnesses[0]):
        text = node.get("/metrics")[2].decode()
        routes |= set(re.findall(
            r'http_request_duration_seconds_count\{method="(\w+)",route="([^"]+)"\}', text))
    routes.discard(("other", "none"))
    written = {"/tile/*": "/tile/{path}", "/*": "/{page}"}
    assert {(method, written.get(route, route)) for method, route in routes} == {
        (method.upper(), name) for name, item in DOCUMENT["paths"].items() for method in item}


def test_other_methods_and_options(community):
    for name, item in DOCUMENT["paths"].items():
        if name == "/{page}":
            continue  # takes every path, and makes none be there
        path = re.sub(r"\{\w+\}", "1", name)
        node = community.witnesses[0] if "witness" in path else community.log
        status, headers, _ = node.request("PUT", path)
        assert status == 405 and "OPTIONS" in headers["allow"]
        status, headers, _ = node.request("OPTIONS", path)
        assert status == 204
        assert ("POST" in headers["access-control-allow-methods"]) == ("post" in item)
        assert ("DELETE" in headers["access-control-allow-methods"]) == ("delete" in item)
    status, headers, body = community.log.request("HEAD", "/checkpoint")
    assert status == 200 and body == b"" and int(headers["content-length"]) > 0


# --- files ---

def test_tiles_are_kept_for_a_year_and_checkpoints_are_not(community):
    log = community.log
    status, headers, body = log.get("/tile/entries/000.p/3")
    assert status == 200 and "immutable" in headers["cache-control"]
    assert int.from_bytes(body[:2], "big") > 0
    again, _, nothing = log.get("/tile/entries/000.p/3", {"If-None-Match": headers["etag"]})
    assert (again, nothing) == (304, b"")
    age = re.fullmatch(r"public, max-age=(\d+)", log.get("/checkpoint")[1]["cache-control"])
    assert 1 <= int(age.group(1)) <= 5
    for path in ("tile/0/0", "tile/0/x000/000", "tile/0/000.p/0", "tile/0/000.p/256",
                 "tile/64/000", "tile/../keys/log.key", "tile//0/000", "tile/0/000/", "wal",
                 "lock.db", "tile/0/%30%30%30%2ep%2F1"):
        assert log.get("/" + path)[0] in (400, 404), path


def test_history_by_range(community):
    log = community.log
    # It grows, also by cosignatures that come later: held against what it was before or after.
    before = log.get("/history")[2]
    status, headers, part = log.get("/history", {"Range": "bytes=10-"})
    whole = log.get("/history")[2][:10 + len(part)]
    assert whole.startswith(before) and (status, part) == (206, whole[10:])
    assert headers["content-range"] == f"bytes 10-{len(whole) - 1}/{len(whole)}"
    until(lambda: log.get("/history", {"Range": f"bytes={len(log.get('/history')[2])}-"})[0] == 416)


def test_a_foreign_log_is_served_with_its_partial_tiles(tmp_path, shared):
    """Tessera's log: its files as they are, and partial tiles out of full ones."""
    folder = shared / "data" / "tlog" / "log-1300"
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    node = Node(data, "--log", folder).start()
    try:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                assert node.get("/" + str(path.relative_to(folder)))[2] == path.read_bytes()
        full = (folder / "tile" / "0" / "003").read_bytes()
        for width in (1, 77, 255):
            assert node.get(f"/tile/0/003.p/{width}")[2] == full[:32 * width]
        entries = node.get("/tile/entries/003.p/2")[2]
        assert (folder / "tile" / "entries" / "003").read_bytes().startswith(entries)
        first = int.from_bytes(entries[:2], "big")
        assert len(entries) == 4 + first + int.from_bytes(entries[2 + first:4 + first], "big")
    finally:
        node.stop()


# --- entries ---

def test_receipts_and_proofs(community):
    for number, (status, answer) in enumerate(community.answers):
        assert status == 200, answer
        assert answer["index"] == number + 1
        assert inclusion(community.entries[number], answer["proof"])
        payload = json.loads(base64.b64decode(answer["receipt"]["payload"]))
        assert payload["predicate"]["status"] == "included"
        assert payload["subject"][0]["digest"]["sha256"] == leaf(community.entries[number])
    proof = community.log.get(f"/api/v1/proofs/{leaf(community.entries[2])}")[2].decode()
    assert inclusion(community.entries[2], proof)


def test_what_was_just_published_is_shown_at_once(community):
    assert community.at_once == [[200, 200]] * len(community.answers)


def test_the_same_entry_keeps_its_index(community):
    status, answer = community.log.submit(community.entries[1])
    assert (status, answer["index"]) == (200, 2)


def test_refusals_are_signed(community):
    envelope = json.loads(community.entries[-3])
    envelope["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    forged = json.dumps(envelope, separators=(",", ":"), sort_keys=True).encode()
    status, answer = community.log.submit(forged)
    assert (status, answer["reason"]) == (403, "signature")
    payload = json.loads(base64.b64decode(answer["receipt"]["payload"]))
    assert payload["predicate"]["status"] == "refused"
    assert payload["predicate"]["reason"] == "signature"
    assert community.log.submit(b"[]")[1]["reason"] == "malformed"


def test_the_checkpoint_has_all_three_groups(community):
    verdict = community.log.json("/api/v1/checkpoint")
    assert verdict["witnessed"] and "reason" not in verdict
    assert {margin["group"] for margin in verdict["margins"]} == {
        "state", "private-sector", "civil-society"}
    assert all(margin["margin"] >= 0 for margin in verdict["margins"])


# --- numbers ---

SAMPLE = re.compile(r'([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? '
                    r'(-?\d+(?:\.\d+)?)')


def parse_metrics(text):
    """Prometheus' text format 0.0.4, strictly: {(name, labels): value}."""
    types, samples = {}, {}
    family = None
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        head = re.fullmatch(r"# (HELP|TYPE) ([a-z_]+) (.+)", line)
        if head:
            if head.group(1) == "TYPE":
                family = head.group(2)
                assert family not in types, f"{family} twice"
                assert head.group(3) in ("counter", "gauge", "histogram")
                types[family] = head.group(3)
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        name, labels, value = sample.groups()
        base = re.sub("_(bucket|sum|count)$", "", name) if types[family] == "histogram" else name
        assert base == family, f"{name} is below {family}"
        assert (name, labels) not in samples, line
        samples[name, labels] = float(value)
        if types[family] == "counter":
            assert name.endswith("_total") and float(value) >= 0
    return types, samples


def test_numbers(community):
    before = parse_metrics(community.log.get("/metrics")[2].decode())[1]
    for _ in range(3):
        community.log.get("/tile/0/000.p/1")
    community.log.get("/nowhere")
    types, after = parse_metrics(community.log.get("/metrics")[2].decode())
    key = ("entente_http_requests_total", 'method="GET",route="/tile/*",status="200"')
    assert after[key] == before.get(key, 0) + 3
    assert after["entente_log_size", None] >= len(community.answers) + 1
    assert after["entente_log_witnessed", None] == 1
    assert types["entente_http_request_duration_seconds"] == "histogram"
    for name, labels in after:
        if name.endswith("_bucket") and 'le="+Inf"' in labels:
            count = labels.replace(',le="+Inf"', "")
            assert after[name, labels] == after[name[:-6] + "count", count]
    status, _, _ = community.witnesses[0].get("/metrics")
    assert status == 200


# --- who may ask how often ---

def test_tokens_of_a_forwarded_peer(tmp_path, shared):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    node = Node(data, "--log", shared / "data" / "tlog" / "log-1300", "--trusted-proxy",
                "127.0.0.1", "--rate", RATE).start()
    try:
        began = time.monotonic()
        # What mallory says of itself does not count.
        answers = [node.get("/checkpoint", {"X-Forwarded-For": f"198.51.100.{number}, 192.0.2.7"})
                   for number in range(60)]
        most = RATE * (time.monotonic() - began) + BURST
        refused = [headers for status, headers, _ in answers if status == 429]
        assert BURST <= len(answers) - len(refused) <= most + 1
        assert refused and int(refused[0]["retry-after"]) >= 1
        # Nor what others did.
        assert node.get("/checkpoint", {"X-Forwarded-For": "192.0.2.8"})[0] == 200
        assert node.get("/metrics", {"X-Forwarded-For": "192.0.2.9"})[0] == 403
        mallory = {"X-Forwarded-For": "198.51.100.1, 192.0.2.7"}
        node.until(lambda: node.get("/checkpoint", mallory)[0] == 200)
    finally:
        node.stop()


# --- start and stop ---

@pytest.mark.parametrize("options,status,words", [
    (["--listen", "0.0.0.0:0"], 4, "plain HTTP"),
    (["--listen", "nowhere"], 2, "address"),
    (["--certificate", "x.pem"], 2, "belong together"),
    (["--rate", "-1"], 2, "not a number"),
    (["--trusted-proxy", "proxy.example"], 2, "not an address"),
    (["--trust-anchor", "none"], 2, "--dns-server"),
    (["extra"], 2, "options only"),
])
def test_wrong_use(entente, options, status, words):
    done = entente("serve", *options, status=status)
    assert words in done.stderr


def test_tls(tmp_path, shared):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", tmp_path / "key.pem",
                    "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    node = Node(data, "--log", shared / "data" / "tlog" / "log-1300", "--certificate",
                tmp_path / "cert.pem", "--key", tmp_path / "key.pem").start(wait=False)
    try:
        url = f"https://127.0.0.1:{node.port}/tile/0/000"
        answered(lambda: socket.create_connection(("127.0.0.1", node.port)).close(), node.process,
                 node.said)
        command = ["curl", "-s", "--noproxy", "*", "--cacert", tmp_path / "cert.pem"]
        done = subprocess.run([*command, url], capture_output=True, timeout=PATIENCE)
        tile = shared / "data" / "tlog" / "log-1300" / "tile" / "0" / "000"
        assert done.stdout == tile.read_bytes()
        old = subprocess.run([*command, "--tls-max", "1.1", url],
                             capture_output=True, timeout=PATIENCE)
        assert old.returncode != 0
    finally:
        node.stop()


def test_confined(community):
    """No way to run programs, no rights, no other filter than the strict one."""
    if SANITIZED:
        pytest.skip("a sanitizer needs what confinement takes away")
    text = open(f"/proc/{community.log.process.pid}/status").read()
    assert re.search(r"^NoNewPrivs:\s+1$", text, re.M)
    assert re.search(r"^Seccomp:\s+2$", text, re.M)
    assert re.search(r"^CapEff:\s+0+$", text, re.M)


def test_stop_answers_what_was_begun(tmp_path):
    """A submission that waits for a quorum that does not come is promised, not dropped."""
    made = Community(tmp_path / "c", entries=1)
    made.log.start()
    try:
        made.log.until(lambda: made.log.get("/metrics")[0] == 200)
        made.log.until(lambda: made.log.submit(made.entries[0], wait=0)[0] == 202)
        with socket.create_connection(("127.0.0.1", made.log.port)) as client:
            client.sendall(b"POST /api/v1/entries?wait=60 HTTP/1.1\r\nHost: n\r\nContent-Length: "
                           + str(len(made.entries[1])).encode() + b"\r\n\r\n" + made.entries[1])
            # It is in the log by then, and waits for its quorum.
            made.log.until(lambda: b"entente_log_size 3\n" in made.log.get("/metrics")[2])
            made.log.process.send_signal(signal.SIGTERM)
            client.settimeout(PATIENCE)
            assert client.recv(100).startswith(b"HTTP/1.1 202")
        assert made.log.process.wait(timeout=PATIENCE) == 0
        made.log.start()
        made.log.until(lambda: b"entente_log_size 3\n" in made.log.get("/metrics")[2])
    finally:
        made.stop()
