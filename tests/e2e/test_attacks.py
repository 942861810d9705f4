"""Attacks on the log and on whom it believes, each ending in the reason that says what it was.

Each line of the bar, and where it is tried (here through the command line and HTTP; the fold itself
in tests/unit):

self-declared signatories filling a quorum   test_self_declared_signatories_fill_no_quorum
                                             (unit: register, attested_by_two_groups, a_ring_...)
one organisation in two groups               test_one_organisation_in_two_groups
the operator as its own witness              test_the_operator_is_no_witness_of_its_log
a policy change without the old quorum       test_a_policy_change_without_the_old_quorum
a stolen issuer key after revocation         test_a_stolen_issuer_key
a frozen log                                 test_a_frozen_log
a rolled-back log                            test_a_rolled_back_log (join: test_join)
a split view                                 test_a_split_view (follower: test_follow)
a receipt not honoured                       test_a_receipt_not_honoured
join with a wrong policy hash                test_join_with_a_wrong_policy_hash (test_community)
a witness asked to sign two histories        test_a_witness_signs_one_history (killed: witness_kill)

And beyond the bar: a node that lies in its register, hides its history or signs with another key; a
node whose answers are huge, slow or garbage; entries made to harm readers.

Exercises cmd_join, cmd_community, cmd_policy with policy_check and policy_file, cmd_register,
cmd_signatory with signatory_text, and cmd_verify with verify_community and verify_verdict
(src/cli); of a node admission, domain_check, sequencing, service_log, service_witness,
service_register, service_directory and service_files (src/node); policy_read, fold_policy,
fold_keys and fold_signatories (src/register); dsse_canonical, predicate_trust, predicate_said and
predicate_log (src/statement).
"""
import base64
import hashlib
import http.server
import json
import re
import shutil
import threading
import time

import pytest

pytest.importorskip("cryptography")

import forge
from community import Names, member, program
from forge import MEMBERS, Actor
from nodes import Community, MAKER
from test_verify import verify
from waiting import PATIENCE

pytestmark = [pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built"),
              pytest.mark.skipif(not (shutil.which("knotd") or shutil.which("/usr/sbin/knotd")),
                                 reason="knotd is not installed")]
STATE, COMPANY, SOCIETY = MEMBERS
WITNESSES = [actor.witness for actor in MEMBERS]
EVERYBODY = [key for actor in MEMBERS for key in actor.signers]
DAY = 86400


class Evil:
    """A node that answers as the true one does, but where `lies` (path -> bytes or a function of
    the request handler) say otherwise."""

    def __init__(self, truth):
        evil = self
        self.truth, self.lies = truth, {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def put(self, status, body, kind="application/octet-stream"):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def answer(self, body=None):
                path = self.path.split("?")[0]
                lie = evil.lies.get(path)
                try:
                    if callable(lie):
                        lie(self, body)
                    elif lie is not None:
                        self.put(200, lie)
                    else:
                        status, headers, truth = evil.truth.request(self.command, self.path, body)
                        self.put(status, truth, headers.get("content-type", "text/plain"))
                except OSError:
                    pass

            def do_GET(self):
                self.answer()

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"])))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class World:
    def __init__(self, folder):
        self.folder, self.count = folder, 0
        self.names = Names(folder / "names")
        self.community = Community(folder / "community", entries=3,
                                   options=("--dns-server", self.names.address,
                                            "--trust-anchor", "none")).start()
        self.log = self.community.log
        for entry in self.community.entries:
            assert self.log.submit(entry)[0] == 200
        self.policy = folder / "community" / "log" / "community" / "policy.json"
        self.hash = hashlib.sha256(forge.canonical(json.loads(self.policy.read_text()))).hexdigest()

    def url(self):
        return f"http://127.0.0.1:{self.log.port}/"

    def who(self, url=None):
        """Somebody new who belongs to the community and remembers what the node shows."""
        self.count += 1
        made = member(self.folder / f"who-{self.count}", "Ville", f"who-{self.count}.example")
        made("join", "--node", url or self.url(), "--policy", self.policy, "--quiet", status=None)
        made("community", "show", "--update", status=None)
        return made

    def root(self):
        text = self.log.get("/checkpoint")[2].decode().split("\n")
        return int(text[1]), base64.b64decode(text[2])

    def refused(self, entry):
        """The reason of a refusal, which the log has signed."""
        status, answer = self.log.submit(entry)
        assert status == 403, answer
        said = forge.predicate_of(answer["receipt"])
        assert said["status"] == "refused" and said["entry"] == forge.leaf(entry).hex()
        return said["reason"]

    def stop(self):
        self.community.stop()
        self.names.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("attacks"))
    yield made
    made.stop()


@pytest.fixture
def evil(world):
    made = Evil(world.log)
    yield made
    made.stop()


def evidence(who):
    return sorted((who.data / "community/evidence").glob("*.json"))


# --- whom the log believes ---

def test_self_declared_signatories_fill_no_quorum(world, tmp_path):
    """Nobody attests them: no policy takes them in, and their cosignatures count for nothing."""
    eves = [Actor(f"eve-{i}.example", group)
            for i, group in enumerate(("state", "private-sector", "civil-society"))]
    for eve in eves:
        assert world.refused(eve.endorsement()) == "domain"
        world.names.show(eve.domain, eve.id)
        assert world.log.submit(eve.endorsement())[0] == 200
    # They attest one another: who is not attested attests nobody.
    first, second = eves[:2]
    ring = forge.statement(second.domain, second.id, "attestation", {
        "signatory": second.id, "group": second.group,
        "checked": ["domain", "legal-existence", "contact"]}, first.signers)
    assert world.refused(ring) == "role"
    # The whole old quorum cannot make them members.
    old = json.loads(world.policy.read_text())
    change = forge.policy(old, old["members"] + [eve.member() for eve in eves], EVERYBODY)
    assert world.refused(change) == "conflict"
    def standings():
        return {row["domain"]: row["attested"] for row in world.log.json(
            "/api/v1/signatories")["signatories"]}
    world.log.until(lambda: eves[-1].domain in standings())
    shown = standings()
    assert [shown[eve.domain] for eve in eves] == ["self-declared"] * 3
    # A checkpoint that only they cosigned, under their own names or those of the witnesses.
    size, root = world.root()
    note = tmp_path / "checkpoint"
    note.write_bytes(forge.checkpoint(size, root, [eve.witness for eve in eves], int(time.time())))
    verify(world.who(), note, status=3, reason="quorum")
    named = [forge.Key(eve.witness.name, forge.COSIGNATURE) for eve in eves]
    for key, true in zip(named, WITNESSES):
        key.name, key.hash = true.name, true.hash
    note.write_bytes(forge.checkpoint(size, root, named, int(time.time())))
    verify(world.who(), note, status=1, reason="signature")


def test_one_organisation_in_two_groups(world, tmp_path):
    twin = Actor("state.example", "civil-society")
    twin.roots = [forge.Key("state.example/root-other")]
    twin.id = forge.sha256(forge.canonical(twin.root(sort=True))).hex()
    world.names.show(twin.domain, twin.id)
    assert world.refused(twin.endorsement()) == "conflict"
    # The same signatory in another group.
    assert world.refused(STATE.endorsement(group="civil-society")) == "conflict"
    # In a policy: a name below another one is the same organisation.
    old = json.loads(world.policy.read_text())
    below = Actor("office.state.example", "civil-society").member()
    assert world.refused(forge.policy(old, old["members"] + [below], EVERYBODY)) == "malformed"
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({**old, "members": old["members"] + [below]}))
    done = program(tmp_path / "reader")("policy", "check", policy, status=None)
    assert done.returncode == 2 and "one organisation" in done.stderr


def test_the_operator_is_no_witness_of_its_log(world, tmp_path):
    old = json.loads(world.policy.read_text())
    change = forge.policy(old, old["members"], EVERYBODY, operator="state.example")
    assert world.refused(change) == "malformed"
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({**old, "operator": "office.state.example"}))
    done = program(tmp_path / "reader")("policy", "check", policy, status=2)
    assert "operates the log" in done.stderr


def test_a_policy_change_without_the_old_quorum(world):
    old = json.loads(world.policy.read_text())
    weaker = {"checkpoint_max_age_s": 366 * DAY}
    for keys in ([forge.LOG], STATE.signers, STATE.signers + SOCIETY.signers,
                 # One of the two root keys that the company's threshold asks for.
                 STATE.signers + SOCIETY.signers + COMPANY.roots[:1],
                 # One key is one signature, however often it signs.
                 STATE.signers + SOCIETY.signers + COMPANY.roots[:1] * 2,
                 # Issuers are no roots.
                 [actor.issuer for actor in MEMBERS]):
        assert world.refused(forge.policy(old, old["members"], keys, **weaker)) == "quorum"
    # Nor may a change leave a group out, whoever signs it.
    quorum = {"state": 1, "private-sector": 0, "civil-society": 1}
    assert world.refused(forge.policy(old, old["members"], EVERYBODY, quorum=quorum)) == "malformed"
    # It follows the policy in force, not another one.
    other = {**old, "merge_delay_s": 30}
    assert world.refused(forge.policy(other, old["members"], EVERYBODY)) == "conflict"


def assessment(actor, number):
    """What the issuer of `actor` may say: another one each time."""
    entry = json.loads((WORLD_ENTRIES[actor.domain]))
    statement = json.loads(base64.b64decode(entry["payload"]))
    statement["subject"][0]["digest"]["sha256"] = f"{number:064x}"
    return forge.envelope(forge.canonical(statement), [actor.issuer])


WORLD_ENTRIES = {}


def test_a_stolen_issuer_key(world, tmp_path):
    for actor, entry in zip(MEMBERS, world.community.entries[6:9]):
        WORLD_ENTRIES[actor.domain] = entry
    size, _ = world.root()
    said = assessment(SOCIETY, 0x5001)
    assert world.log.submit(said)[0] == 200
    revocation = forge.statement(SOCIETY.domain, SOCIETY.id, "revocation", {
        "key": SOCIETY.issuer.vkey, "reason": "stolen", "from_index": size}, SOCIETY.signers)
    # The thief cannot revoke, delegate or recover with the role key it stole.
    thief = json.loads(base64.b64decode(json.loads(revocation)["payload"]))
    assert world.refused(forge.envelope(forge.canonical(thief), [SOCIETY.issuer])) == "role"
    assert world.log.submit(revocation)[0] == 200
    later = assessment(SOCIETY, 0x5002)
    assert world.refused(later) == "revoked"
    me = world.who()
    unlogged, disputed = tmp_path / "later.json", tmp_path / "said.json"
    unlogged.write_bytes(later)
    verify(me, unlogged, status=1, reason="revoked")
    verify(me, unlogged, "--offline", status=1, reason="revoked")
    disputed.write_bytes(said)
    assert verify(me, disputed, status=1, reason="disputed")["log_entry"]["index"] == size
    # The key cannot be given back, and the file on its owner's machine is worth nothing.
    again = forge.statement(SOCIETY.domain, SOCIETY.id, "delegation", {
        "key": SOCIETY.issuer.vkey, "role": "issuer", "until": forge.now(90 * DAY)},
        SOCIETY.signers)
    assert world.refused(again) == "revoked"
    # An issuer signs what issuers sign: an attestation by it is one, a delegation is none.
    forged = tmp_path / "forged.json"
    forged.write_bytes(forge.statement(STATE.domain, STATE.id, "delegation", {
        "key": forge.Key("state.example/issuer/stolen").vkey, "role": "issuer",
        "until": forge.now(90 * DAY)}, [STATE.issuer]))
    verify(me, forged, status=1, reason="not-counted")
    # A statement for another log is none here.
    assert world.refused(forge.statement(STATE.domain, STATE.id, "commitment", {},
                                         STATE.signers, log="other.example/log")) in (
        "malformed", "other-log")


# --- what a log shows ---

def test_a_frozen_log(world, evil, tmp_path):
    """The true tree, cosigned two days ago: nobody can say what happened since."""
    size, root = world.root()
    me = world.who()
    evil.lies["/checkpoint"] = forge.checkpoint(size, root, WITNESSES, int(time.time()) - 2 * DAY)
    verify(me, evil.url, status=3, reason="stale")
    note = tmp_path / "checkpoint"
    note.write_bytes(evil.lies["/checkpoint"])
    verify(me, note, status=3, reason="stale")
    verify(me, note, "--allow-stale")
    newcomer = world.who(evil.url)
    refused = newcomer("community", "show", "--update", status=4)
    assert "stale" in refused.stderr
    # One group that froze is enough, and a time to come is not fresh.
    text = evil.lies["/checkpoint"]
    body = text.split(b"\n\n")[0] + b"\n"
    for wrong in (int(time.time()) - 2 * DAY, int(time.time()) + 2 * DAY):
        note.write_bytes(body + b"\n" + forge.LOG.note_line(body) + b"".join(
            witness.note_line(body, wrong if witness is WITNESSES[1] else int(time.time()))
            for witness in WITNESSES))
        verify(me, note, status=3, reason="stale")


def test_a_rolled_back_log(world, evil):
    me = world.who()
    size, _ = world.root()
    history = world.log.get("/history")[2]
    length = int.from_bytes(history[:4], "big")
    evil.lies["/checkpoint"] = history[4:4 + length]  # a checkpoint that was true once
    verdict = verify(me, evil.url, status=1, reason="rolled-back")
    assert verdict["size"] < size
    (bundle,) = evidence(me)
    stranger = program(world.folder / "stranger-rolled-back")
    judged = verify(stranger, bundle, "--policy", world.policy)
    assert judged["evidence"] == "rolled-back" and judged["proven"] is False


def test_a_split_view(world, evil):
    """Two nodes with the same log key show two trees, both cosigned: anyone can be shown that."""
    me = world.who()
    size, _ = world.root()
    evil.lies["/checkpoint"] = forge.checkpoint(size, b"\1" * 32, WITNESSES, int(time.time()))
    verify(me, evil.url, status=1, reason="split-view")
    (bundle,) = evidence(me)
    stranger = program(world.folder / "stranger-split")
    judged = verify(stranger, bundle, "--policy", world.policy)
    assert judged["evidence"] == "split-view" and judged["proven"] is True
    # Without a policy the key may be anybody's; so it is where the policy is of another log.
    verify(stranger, bundle, status=3, reason="unknown-key")
    # Evidence cannot be made up: another root, another key, one note twice.
    value = json.loads(bundle.read_text())
    forged = world.folder / "forged-evidence.json"

    def judge(reason, status=1):
        forged.write_text(json.dumps(value))
        verify(stranger, forged, "--policy", world.policy, status=status, reason=reason)
    true = [dict(note) for note in value["notes"]]
    value["notes"][1]["note"] = forge.checkpoint(size, b"\2" * 32,
                                                 key=forge.Key("call.example/test2")).decode()
    judge("signature")
    value["notes"] = [true[0], true[0]]
    judge("signature")
    value["notes"] = true
    mallory = forge.Key(forge.ORIGIN)
    mallory.private = forge.Key("mallory").private
    mallory.public = forge.Key("mallory").public
    mallory.hash = forge.sha256(mallory.name.encode() + b"\n\1" + mallory.public)[:4]
    value["log_keys"] = [mallory.vkey]
    value["notes"] = [{"note": forge.checkpoint(size, bytes([i]) * 32, key=mallory).decode(),
                       "from": "mallory"} for i in (1, 2)]
    judge("signature")
    value["notes"] = []
    value["log_keys"] = [forge.LOG.vkey]
    judge("malformed", 2)


def test_a_receipt_not_honoured(world, evil):
    """The log promises and forgets: the receipt that it signed is the evidence."""
    taken = []

    def promise(handler, body):
        taken.append(body)
        handler.put(202, json.dumps({"receipt": forge.receipt(
            body, "accepted", -300, by=forge.now(-240))}).encode(), "application/json")
    evil.lies["/api/v1/entries"] = promise
    me = world.who(evil.url)
    assert taken
    shown = me("community", "show", "--update", status=None)
    bundles = evidence(me)
    assert bundles, shown.stderr
    judged = verify(program(world.folder / "stranger-receipt"), bundles[0], "--policy",
                    world.policy)
    assert judged["evidence"] == "receipt"
    # The entry, or the time, cannot be changed in it.
    value = json.loads(bundles[0].read_text())
    value["entry"] = json.loads(world.community.entries[0])
    forged = world.folder / "forged-receipt.json"
    forged.write_text(json.dumps(value))
    verify(program(world.folder / "stranger-receipt-2"), forged, "--policy", world.policy, status=1,
           reason="signature")


def test_join_with_a_wrong_policy_hash(world):
    me = member(world.folder / "wrong-hash", "Ville", "wrong-hash.example")
    done = me("join", "--node", world.url(), "--policy-hash", "00" * 32, status=4)
    assert world.hash in done.stderr
    assert not (me.data / "community").exists() and not (me.data / "keys").exists()


def test_a_witness_signs_one_history(world):
    """What contradicts what it signed gets no signature, whoever's key is under it."""
    witness = world.community.witnesses[0]
    size, root = world.root()
    path = "/witness/add-checkpoint"
    latest = f"/witness/{hashlib.sha256(forge.ORIGIN.encode()).hexdigest()}/checkpoint"

    def signed():
        """Of which tree; by when a cosignature is from, it may be renewed in the meantime."""
        status, _, note = witness.get(latest)
        assert status == 200
        return note.split(b"\n\n")[0]
    before = signed()
    assert before.split(b"\n")[1:] == [b"%d" % size, base64.b64encode(root)]

    def ask(old, note, proof=()):
        hashes = "".join(base64.b64encode(item).decode() + "\n" for item in proof)
        return witness.request("POST", path, f"old {old}\n{hashes}\n".encode() + note)[0]
    assert ask(size, forge.checkpoint(size, b"\1" * 32)) == 422
    assert ask(size, forge.checkpoint(size + 1, b"\1" * 32), [root]) == 422
    assert ask(0, forge.checkpoint(size, b"\1" * 32)) == 409
    assert ask(size - 1, forge.checkpoint(size, b"\1" * 32), [root]) == 409
    assert ask(size, forge.checkpoint(2**63 - 1, b"\1" * 32), [root] * 63) == 422
    assert ask(size, forge.checkpoint(size - 1, root)) in (400, 409)
    mallory = forge.Key("mallory.example/log")
    assert ask(size, forge.checkpoint(size, root, key=mallory)) in (403, 404)
    assert signed() == before


# --- a node that lies ---

def test_a_false_register(world, evil):
    me = world.who()
    verify(me, evil.url)  # it tells the truth so far
    document = json.loads(world.log.get("/api/v1/register")[2])
    for signatory in document["signatories"]:
        signatory["attested"] = "policy"
        signatory["name"] = "Another name"
    evil.lies["/api/v1/register"] = forge.canonical(document)
    verify(me, evil.url, status=1, reason="register")
    evil.lies["/api/v1/register"] = b"[" * 100000
    verify(me, evil.url, status=1, reason="register")


def test_a_hidden_history(world, evil):
    """Without the history nobody knows when entries came, and expired keys would do."""
    me = world.who()

    def gone(handler, body):
        handler.put(404, b"")
    evil.lies["/history"] = gone
    evil.lies["/api/v1/register"] = gone
    verify(me, evil.url, status=3, reason="history")
    # Who joins there judges by the checkpoint that it remembers: no entry is without a time.
    newcomer = world.who(evil.url)
    document = json.loads(newcomer("register", "rebuild").stdout)
    assert all(row["joined"]["time"] for row in document["signatories"] if row["joined"])


def test_answers_that_the_log_did_not_sign(world, evil):
    """A receipt by another key, for another entry, or none at all, is no answer."""
    def answer(make):
        def lie(handler, body):
            handler.put(200, json.dumps(make(body)).encode(), "application/json")
        return lie

    def by_another(body):
        said = forge.receipt(body, "included", index=1)
        payload = base64.b64decode(said["payload"])
        key = forge.Key("mallory")
        key.name, key.hash = forge.LOG.name, forge.LOG.hash
        return {"receipt": json.loads(forge.envelope(payload, [key]))}
    lies = {
        "by another key": by_another,
        "for another entry": lambda body: {"receipt": forge.receipt(b"{}", "included", index=1)},
        "without a receipt": lambda body: {"index": 1},
        "with a false proof": lambda body: {
            "receipt": forge.receipt(body, "included", index=1),
            "proof": "c2sp.org/tlog-proof@v1\nindex 1\n\n" + forge.checkpoint(
                2, b"\1" * 32, WITNESSES, int(time.time())).decode()},
    }
    for what, make in lies.items():
        evil.lies["/api/v1/entries"] = answer(make)
        world.count += 1
        me = member(world.folder / f"who-{world.count}", "Ville", f"who-{world.count}.example")
        done = me("join", "--node", evil.url, "--policy", world.policy, status=None)
        assert done.returncode in (1, 2), (what, done.stderr)


def test_huge_slow_and_broken_answers(world, evil):
    """Memory and time of the client are bounded, whatever a node sends."""
    me = world.who()

    def endless(handler, body):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(2000):
            handler.wfile.write(b"A" * (1 << 20))

    def broken(handler, body):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n\0\0\0")
    size = world.root()[0]
    tile = f"/tile/entries/000.p/{size}"
    for path in ("/checkpoint", "/history", "/api/v1/register", tile, f"/tile/0/000.p/{size}"):
        for lie in (endless, broken, b"", b"\xff" * 70000, b"\0" * 4, b"\xff\xff\xff\xff"):
            evil.lies = {path: lie}
            done = me("verify", evil.url, status=None, timeout=PATIENCE)
            assert done.returncode in (0, 1, 2, 3), (path, lie, done.stderr)
            if path.startswith("/tile"):
                assert done.returncode in (1, 3), (path, lie, done.stdout)


# --- entries made to harm readers ---

NASTY = "Zoë\u200b\n\u200f\u2028\tA\u0301\ufeff\U000e0041" * 4  # strange, and may be meant
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_entries_that_attack_terminals(world, evil):
    """Names with control and direction characters are refused; what else there is, is escaped."""
    eve = Actor("nasty.example", "state")
    world.names.show(eve.domain, eve.id)
    for name in ("\x1b]0;owned\x07\x1b[2J", "a\rb", "\x7f", "\u009b31m", "a\u202eb", "\u2066",
                 "a\u0000b"):
        assert world.refused(eve.endorsement(name=name)) == "malformed", ascii(name)
    assert world.log.submit(eve.endorsement(name=NASTY))[0] == 200
    me = world.who()
    for arguments in (("signatory", "list"), ("signatory", "show", "nasty.example"),
                      ("verify", "nasty.example"), ("verify", world.url()),
                      ("register", "rebuild"), ("verify", "nasty\x1b[2J\u202e.example")):
        done = me(*arguments, status=None)
        if arguments[0] == "register":
            continue  # JSON for programs; its schema is tested elsewhere
        found = CONTROL.search(done.stdout + done.stderr)
        assert not found, (arguments, repr(found.group()))


def test_entries_that_attack_parsers(world):
    """Deep, large, doubled and almost canonical: refused, and the node lives."""
    good = Actor("parser.example", "state").endorsement()
    envelope = json.loads(good)
    statement = base64.b64decode(envelope["payload"])
    key = Actor("parser.example", "state").signers
    deep = statement.replace(b'"principles":[1,7]', b'"principles":' + b"[" * 9000 + b"]" * 9000)
    doubled = statement.replace(b'"reviewer":false', b'"reviewer":false,"reviewer":true')
    large = statement.replace(b'"name":"Organisation', b'"name":"' + b"A" * 40000)
    for payload in (deep, doubled, large, b"{" * 40000, statement + b" ", statement[:-1], b"",
                    statement.replace(b"FR", b"\xff\xfe"), statement.replace(b"FR", b"F\\u0052"),
                    statement.replace(b'"principles":[1,7]', b'"principles":[1,7e0]')):
        assert world.refused(forge.envelope(payload, key)) == "malformed"
    for body in (b"{" * 65535, b"[" * 65535, good.replace(b'"payload":', b'"payload" :'),
                 good[:-1] + b',"payload":"e30="}', good + b"\n", b"\xef\xbb\xbf" + good,
                 b"\0" * 65535, b'"' + b"\\u0000" * 10000 + b'"'):
        status, _, answer = world.log.request("POST", "/api/v1/entries?wait=1", body)
        assert status in (400, 403), (body[:20], status, answer[:200])
    assert world.log.request("POST", "/api/v1/entries", b"A" * 65536)[0] == 413
    assert world.log.get("/healthz")[0] == 200


def test_a_place_in_a_tree_near_its_limits(world, tmp_path):
    """Sizes and indices near 2^63 in what a stranger hands over overflow nothing."""
    me = world.who()
    proof = tmp_path / "entry.tlog-proof"
    (tmp_path / "entry").write_bytes(world.community.entries[6])
    for index, size in ((2**63 - 1, 2**63 - 1), (2**63 - 2, 2**63 - 1), (2**64 - 1, 2**64 - 1),
                        (0, 2**63), (2**63, 2**64), (7, 0), (10**30, 10**31)):
        note = forge.checkpoint(size, b"\1" * 32, WITNESSES, int(time.time())).decode()
        for hashes in (0, 1, 63, 64, 1000):
            path = (base64.b64encode(b"\2" * 32).decode() + "\n") * hashes
            proof.write_text(f"c2sp.org/tlog-proof@v1\nindex {index}\n{path}\n{note}")
            done = me("verify", proof, status=None)
            assert done.returncode in (1, 2), (index, size, hashes, done.stdout, done.stderr)
