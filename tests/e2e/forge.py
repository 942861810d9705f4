"""What an attacker who holds a key can write: statements, checkpoints, cosignatures, receipts.

Keys come from the same seeds as those of make_community.c (community.h): SHA-256 of their name.
"""
import base64
import datetime
import hashlib
import json
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORIGIN = "call.example/test"
ED25519, COSIGNATURE = 1, 4
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def sha256(data):
    return hashlib.sha256(data).digest()


def canonical(value):
    """RFC 8785, for values without fractions."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def now(seconds=0):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Key:
    def __init__(self, name, kind=ED25519):
        self.name, self.kind = name, kind
        self.private = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()))
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.hash = sha256(name.encode() + b"\n" + bytes([kind]) + self.public)[:4]

    @property
    def hint(self):
        return f"{self.name}+{self.hash.hex()}"

    @property
    def vkey(self):
        return f"{self.hint}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    def note_line(self, text, time=None):
        """The line of a signed note; of a witness with the time it says."""
        blob = self.hash
        if self.kind == COSIGNATURE:
            blob += struct.pack(">Q", time)
            text = f"cosignature/v1\ntime {time}\n".encode() + text
        blob += self.private.sign(text)
        return f"— {self.name} {base64.b64encode(blob).decode()}\n".encode()


LOG = Key(ORIGIN)


class Actor:
    def __init__(self, domain, group, roots=1, threshold=1):
        names = [f"{domain}/root"] if roots == 1 else [f"{domain}/root-{i + 1}"
                                                       for i in range(roots)]
        self.domain, self.group, self.threshold = domain, group, threshold
        self.roots = [Key(name) for name in names]
        self.issuer = Key(f"{domain}/issuer/2026-11")
        self.witness = Key(f"{domain}/witness", COSIGNATURE)
        self.id = sha256(canonical(self.root(sort=True))).hex()

    def root(self, sort=False):
        keys = [key.vkey for key in self.roots]
        return {"keys": sorted(keys) if sort else keys, "threshold": self.threshold}

    @property
    def signers(self):
        return self.roots[:self.threshold]

    def member(self):
        return {"name": f"Organisation of {self.domain}", "domain": self.domain,
                "group": self.group, "country": "FR", "root": self.root(),
                "witness": {"key": self.witness.vkey}}

    def endorsement(self, **other):
        return statement(self.domain, self.id, "endorsement", {
            "signatory": {"name": f"Organisation of {self.domain}", "group": self.group,
                          "country": "FR", "domain": self.domain, **other},
            "principles": [1, 7], "root": self.root(), "reviewer": False}, self.signers)


MEMBERS = [Actor("state.example", "state"), Actor("company.example", "private-sector", 3, 2),
           Actor("society.example", "civil-society")]


def envelope(payload, keys):
    pae = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload
    return canonical({
        "payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key.hint, "sig": base64.b64encode(key.private.sign(pae)).decode()}
                       for key in keys]})


def statement(name, digest, predicate_type, predicate, keys, log=ORIGIN, time=None):
    """The entry: a canonical envelope over a canonical statement."""
    return envelope(canonical({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": digest}}],
        "predicateType": f"urn:entente:predicate:{predicate_type}:1",
        "predicate": {"log": log, "time": time or now(), **predicate}}), keys)


def case_event(predicate, keys, log=ORIGIN, time=None):
    """An event of a case; without a number in it, an opening, which has that of what it says."""
    predicate = {"log": log, "time": time or now()[:19] + "Z", **predicate}
    if "case" not in predicate:
        predicate["case"] = sha256(b"entente/case/1\n" + canonical(predicate)).hex()[:32]
    case = predicate["case"]
    return json.loads(statement(f"case/{case}", sha256(case.encode()).hex(), "case-event",
                                predicate, keys))


def case_of(envelope):
    return json.loads(base64.b64decode(envelope["payload"]))["predicate"]["case"]


def policy(previous, members, keys, **other):
    """A change of a policy (its predicate), signed by `keys`."""
    value = {**previous, "version": previous["version"] + 1, "members": members, **other,
             "previous": sha256(canonical(previous)).hex(), "log": ORIGIN, "time": now()}
    return envelope(canonical({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": ORIGIN, "digest": {"sha256": sha256(canonical(value)).hex()}}],
        "predicateType": "urn:entente:predicate:policy:1", "predicate": value}), keys)


def leaf(entry):
    return sha256(b"\0" + entry)


def receipt(entry, status, seconds=0, **other):
    return json.loads(statement("entry", leaf(entry).hex(), "receipt", {
        "entry": leaf(entry).hex(), "status": status, **other}, [LOG], time=now(seconds)))


def checkpoint(size, root, witnesses=(), time=None, key=LOG):
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n".encode()
    lines = [key.note_line(text)] + [witness.note_line(text, time) for witness in witnesses]
    return text + b"\n" + b"".join(lines)


def predicate_of(text):
    return json.loads(base64.b64decode(json.loads(text)["payload"]
                                       if isinstance(text, (bytes, str)) else text["payload"]))[
        "predicate"]
