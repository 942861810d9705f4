"""`entente verify` on everything it judges, in a community on loopback whose three groups witness.

A member's memory is made from a copy of the log's folder; the nodes give real cosignatures.
Exercises cmd_verify, verify_community and verify_verdict (src/cli).
"""
import base64
import hashlib
import json
import time

import pytest

from community import member, program
from nodes import Community, MAKER
from test_community import Folder

pytestmark = pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built")
ENTRIES = 9


class World:
    """The community after its entries are in the log, and one who belongs to it and asks."""

    def __init__(self, folder):
        self.folder = folder
        self.community = Community(folder / "community", entries=ENTRIES).start()
        self.log = self.community.log
        for entry in self.community.entries:
            status, answer = self.log.submit(entry)
            assert status == 200, answer
        self.url = f"http://127.0.0.1:{self.log.port}/"
        self.policy = folder / "community" / "log" / "community" / "policy.json"
        self.me = self.who("me")
        self.assessment = folder / "assessment.dsse.json"
        self.assessment.write_bytes(self.community.entries[6])
        self.proof = folder / "assessment.tlog-proof"
        leaf = hashlib.sha256(b"\0" + self.community.entries[6]).hexdigest()
        status, _, proof = self.log.get(f"/api/v1/proofs/{leaf}")
        assert status == 200, proof
        self.proof.write_bytes(proof)

    def who(self, name):
        made = member(self.folder / name, "Ville Exemple", f"{name}.example")
        made("join", "--node", self.url, "--policy", self.policy, "--quiet", status=None)
        assert (made.data / "community/policy.json").exists()
        made("community", "show", "--update")
        return made

    def stop(self):
        self.community.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.stop()


def verify(who, *arguments, status=0, reason=None):
    """The JSON verdict; its reason and the exit status are those that are wanted."""
    done = who("verify", *arguments, "--format", "json", status=status)
    verdict = json.loads(done.stdout)
    assert verdict["reason"] == reason, verdict
    assert verdict["verdict"] == ("refused" if reason else "good")
    return verdict


# --- offline proofs ---

def test_a_proof(world):
    verdict = verify(world.me, world.proof)
    assert (verdict["kind"], verdict["index"]) == ("proof", 7)
    assert [row["group"] for row in verdict["margins"]] == ["state", "private-sector",
                                                            "civil-society"]
    assert all(row["have"] >= row["needed"] for row in verdict["margins"])
    assert verdict["log_time"] and "unwitnessed" not in verdict
    # Without a community, by the policy alone; the entry may be named.
    alone = program(world.folder / "alone")
    assert alone("verify", world.proof, status=2).stderr.count("--policy")
    verify(alone, world.proof, "--policy", world.policy, "--entry", world.assessment)
    # An envelope that was written differently is the same entry.
    spaced = world.folder / "spaced.json"
    spaced.write_text(json.dumps(json.loads(world.assessment.read_bytes()), indent=4))
    verify(alone, world.proof, "--policy", world.policy, "--entry", spaced)


def test_a_proof_of_another_entry(world):
    other = world.folder / "other.json"
    other.write_bytes(world.community.entries[7])
    verify(world.me, world.proof, "--entry", other, status=1, reason="proof")


def test_a_proof_under_another_policy(world, shared):
    verify(world.me, world.proof, "--policy", shared / "data/tlog/policy.txt", status=1,
           reason="unknown-log")


def test_every_byte_of_a_proof_matters(world):
    """Whatever byte is changed, the proof is never good."""
    text = world.proof.read_bytes()
    changed = world.folder / "changed.tlog-proof"
    cosignature = text.index(b"\xe2\x80\x94", text.index(b"\xe2\x80\x94") + 1)
    for at in range(0, cosignature, max(1, cosignature // 40)):
        changed.write_bytes(text[:at] + bytes([text[at] ^ 1]) + text[at + 1:])
        done = world.me("verify", changed, "--entry", world.assessment, status=None)
        assert done.returncode in (1, 2, 3), (at, done.stdout)


def test_a_proof_that_nobody_witnessed(world):
    """Without the cosignatures it is the log's word; that is said, and taken only aloud."""
    lines = world.proof.read_bytes().split(b"\n")
    signatures = [line for line in lines if line.startswith("—".encode())]
    bare = world.folder / "bare.tlog-proof"
    bare.write_bytes(b"\n".join(line for line in lines if line not in signatures[1:]))
    verdict = verify(world.me, bare, "--entry", world.assessment, status=3, reason="quorum")
    assert verdict["unwitnessed"] is True
    assert verify(world.me, bare, "--entry", world.assessment,
                  "--allow-unwitnessed")["unwitnessed"] is True
    two = world.folder / "two.tlog-proof"
    two.write_bytes(b"\n".join(line for line in lines if line != signatures[-1]))
    verify(world.me, two, "--entry", world.assessment, status=3, reason="quorum")


def test_the_published_vectors(world, shared):
    """Every proof of the vectors, under its C2SP policy, as it is expected."""
    folder = shared / "data/tlog"
    alone = program(world.folder / "vectors")
    entry = alone.folder / "entry"
    rows = [json.loads(line) for line in (folder / "tlog-proofs.jsonl").open()]
    assert rows
    for row in rows:
        entry.write_bytes(base64.b64decode(row["entry_b64"]))
        done = alone("verify", folder / row["file"], "--entry", entry, "--policy",
                     folder / row["policy"], "--allow-stale", "--format", "json", status=None)
        good = done.returncode == 0
        assert good == row["expect"], (row["file"], row["why"], done.stdout)
        assert good or done.returncode in (1, 2, 3), row
        if not good and done.stdout:
            assert json.loads(done.stdout)["reason"] in (
                "quorum", "proof", "signature", "unknown-log", "malformed"), row


# --- checkpoints ---

def test_a_checkpoint(world):
    checkpoint = world.folder / "checkpoint"
    checkpoint.write_bytes(world.log.get("/checkpoint")[2])
    verdict = verify(world.me, checkpoint)
    assert verdict["kind"] == "checkpoint" and verdict["size"] == 1 + len(world.community.entries)
    bare = world.folder / "bare-checkpoint"
    bare.write_bytes(b"\n".join(checkpoint.read_bytes().split(b"\n")[:5]) + b"\n")
    verify(world.me, bare, status=3, reason="quorum")
    verify(world.me, bare, "--allow-unwitnessed")
    text = checkpoint.read_text().split("\n")
    text[1] = str(int(text[1]) + 1)
    false = world.folder / "false-checkpoint"
    false.write_text("\n".join(text))
    verify(world.me, false, status=1, reason="signature")


def test_a_stale_checkpoint(world):
    """The true tree, cosigned longer ago than the policy allows."""
    forge = pytest.importorskip("forge")
    text = world.log.get("/checkpoint")[2].decode().split("\n")
    witnesses = [actor.witness for actor in forge.MEMBERS]
    checkpoint = world.folder / "stale-checkpoint"
    policy = json.loads(world.policy.read_text())
    strict = world.folder / "strict.json"
    strict.write_text(json.dumps({**policy, "checkpoint_max_age_s": 600}))
    for age, default, tight in ((60, None, None), (3600, None, "stale"),
                                (2 * 86400, "stale", "stale")):
        checkpoint.write_bytes(forge.checkpoint(int(text[1]), base64.b64decode(text[2]), witnesses,
                                                int(time.time()) - age))
        for reason, more in ((default, ()), (tight, ("--policy", strict))):
            verify(world.me, checkpoint, *more, status=3 if reason else 0, reason=reason)
            verify(world.me, checkpoint, "--allow-stale", *more)


# --- registers ---

def test_a_register(world):
    register = world.folder / "register.json"
    world.me("register", "rebuild", "--output", register)
    assert verify(world.me, register)["kind"] == "register"
    verify(world.me, register, "--offline")
    text = register.read_bytes()
    altered = world.folder / "altered.json"
    altered.write_bytes(text.replace(b"Organisation of state", b"Organization of state", 1))
    assert altered.read_bytes() != text
    verify(world.me, altered, status=1, reason="register")
    # The same text with another look is the same register; that is said.
    spaced = world.folder / "register-spaced.json"
    spaced.write_text(json.dumps(json.loads(text), indent=1))
    assert "written differently" in world.me("verify", spaced).stdout
    # Of more entries than are known, nobody can say.
    larger = world.folder / "larger.json"
    larger.write_text(json.dumps({**json.loads(text), "size": 10**6}))
    verify(world.me, larger, status=3, reason="size")


def test_a_false_register_stays_false_when_nobody_witnesses(tmp_path):
    """What is false outweighs what is undecided: exit 1, also where the log is unwitnessed."""
    operator = program(tmp_path / "operator")
    (operator.folder / "policy.yaml").write_text(
        "operator: op.example\nmembers: []\n"
        "quorum: {state: 0, private-sector: 0, civil-society: 0}\n")
    operator("community", "init", "--origin", "call.example/2026", "--policy", "policy.yaml")
    operator("community", "show", "--update")
    register = tmp_path / "register.json"
    operator("register", "rebuild", "--output", register, status=3)
    document = json.loads(register.read_text())
    verify(operator, register, status=3, reason="unwitnessed")
    register.write_text(json.dumps({**document, "signatories": [{"name": "nobody"}]}))
    verify(operator, register, status=1, reason="register")


# --- signatories ---

def test_a_signatory(world):
    by_domain = verify(world.me, "state.example")
    signatory = by_domain["signatory"]
    assert signatory["domain"] == "state.example" and signatory["attested"] == "policy"
    verify(world.me, signatory["id"])
    key = next(key["key"] for key in signatory["keys"] if key["role"] == "issuer")
    assert verify(world.me, key)["signatory"]["id"] == signatory["id"]
    assert world.me("verify", "nobody.example", status=None).returncode in (2, 3)
    alone = program(world.folder / "stranger")
    assert "no community" in alone("verify", "state.example", status=3).stderr


def test_offline_asks_nobody(world):
    """The node's address is one where nobody answers: with --offline nobody is asked either."""
    me = world.who("offline")
    verify(me, "state.example", "--offline")
    refused = me("verify", world.url, "--offline", status=2)
    assert "--offline" in refused.stderr


# --- whole logs ---

def test_a_whole_log(world):
    verdict = verify(world.me, world.url)
    assert verdict["kind"] == "log" and verdict["entries"] == 1 + len(world.community.entries)
    assert verdict["refused"] == 0
    text = world.me("verify", world.url).stdout
    assert "what the log makes" in text and "trusted, 0 refused" in text


def test_a_foreign_log(world, shared):
    served = Folder(shared / "data/tlog/log-1300")
    verify(world.me, served.url + "/", status=1, reason="unknown-log")
    served.stop()


# --- envelopes by registered keys ---

def test_a_statement_by_the_registered_keys(world):
    verdict = verify(world.me, world.assessment)
    assert verdict["log_entry"]["index"] == 7 and verdict["signers"] == 1
    # One byte of the signature.
    value = json.loads(world.assessment.read_bytes())
    signature = bytearray(base64.b64decode(value["signatures"][0]["sig"]))
    signature[0] ^= 1
    value["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    false = world.folder / "false.dsse.json"
    false.write_text(json.dumps(value))
    verify(world.me, false, status=1, reason="signature")
