"""The form of statements (verify/shapes.js, moment.js): what the program calls malformed is malformed
in the browser, for statements of every kind, changed at random in every member, and signed anew.
"""
import base64
import copy
import json
import os
import random
import subprocess

import pytest

pytest.importorskip("selenium")
pytest.importorskip("cryptography")
import forge  # noqa: E402
from forge import MEMBERS  # noqa: E402
from test_attacks import DAY, assessment  # noqa: E402
from test_verify_attested import JUDGED, attest, commitment, delegate, said, seal_key  # noqa: E402
from test_verify_log import JUDGE, node, pytestmark, world  # noqa: E402, F401
from test_verify_vectors import run  # noqa: E402

STATE, COMPANY, SOCIETY = MEMBERS
CHANGES = 4000 if os.environ.get("ENTENTE_LONG") else 700  # of each kind some fifty
AT_ONCE = 100
DIGEST = "ab" * 32
# What stands in place of a member: values of every form, most of them wrong where they are put.
VALUES = [None, True, False, 0, -1, 1, 2, 63, 64, 100, 256, 2 ** 30, 2 ** 53, "", "x", "é" * 2001, "a\u202eb", "a\u0085b", "a\nb",
          "x" * 31, "x" * 41, "x" * 301, "x" * 4001, DIGEST, DIGEST.upper(), DIGEST[:-2], "withheld", "2026-11-20", "2026-02-30",
          "2026-11-20T10:00:00Z", "2026-11-20t10:00:00.25z", "2026-11-20T10:00:00+01:00", "2026-11-20T10:00:00-0130",
          "2026-11-20T10:00:00", "2026-11-20T25:00:00Z", "2026-11-20T10:00Z", "2100-01-01T00:00:00Z", "2026-11-20T10:30:00Z",
          "state.example", "State.example", "example", "-a.example", "fr", "fr-FR", "FRA", "FR", "https://a.example/x",
          "https://a.example/x?y", "ftp://a.example", "not a uri", "a:b|c", "urn:entente:predicate:contact:1", "issuer", "seal",
          "witness", "state", "done", "legal", "confirmed", "domain", "rotated", "AA==", "AA", [], {}, [1, 1], [1, 2], ["a", "a"],
          {"toString": 1}, ["a", "b"], [DIGEST], [{"entry": DIGEST}], {"fr": "Bonjour"}, {"1": "un"}, {"10": "dix"}, [None], seal_key(1),
          "x25519:AAAA", STATE.issuer.vkey, STATE.witness.vkey, STATE.issuer.vkey[:-4] + "AAAA", [STATE.issuer.vkey]]


def predicate(text):
    return json.loads(base64.b64decode(json.loads(text)["payload"]))


def samples(world):  # noqa: F811
    """A statement of every kind that goes into a log, with all the members it may have."""
    policy = json.loads(world.policy.read_text())
    everybody = [key for actor in MEMBERS for key in actor.signers]
    text = {"title": "T", "language": "fr", "uri": "https://a.example/t", "sha256": DIGEST, "norms": ["a", "k"]}
    assessed = predicate(assessment(STATE, 0xA001))
    assessed["predicate"].update(signatory={"name": "State", "domain": "state.example"})
    leaf = forge.leaf(world.community.entries[6]).hex()
    note = base64.b64encode(b"note").decode()
    made = [
        (assessed, [STATE.issuer]),
        (predicate(attest(STATE, COMPANY, note="n", withdrawn=False)), STATE.signers),
        (predicate(forge.statement("manifest", DIGEST, "backup-manifest", {"backup": DIGEST, "root": DIGEST, "count": 3, "bytes": 10},
                                   [STATE.issuer])), [STATE.issuer]),
        (predicate(forge.statement("drill", DIGEST, "recovery-drill", {
            "backup": DIGEST, "drill": DIGEST, "tool": "restic", "manifest": DIGEST, "dice": {"source": "log", "root": DIGEST, "size": 7},
            "sample": {"wanted": 3, "intact": 3, "damaged": 0, "changed": 1}, "restored": {"bytes": 10, "milliseconds": 63},
            "aspects": [{"aspect": aspect, "verdict": "not-proven", "reason": "x"} for aspect in (
                "access", "freshness", "manifest", "restore", "time", "completeness", "integrity", "immutability", "isolation")],
            "commitments": {"algorithm": "rfc6962-sha256-salt32-jcs", "root": DIGEST, "count": 4}}, [STATE.issuer])), [STATE.issuer]),
        (predicate(said(STATE, "case-root", {"hour": "2026-11-20T10:00:00Z", "root": DIGEST, "leaves": 256})), [STATE.issuer]),
        (predicate(commitment(STATE, status="pledged", evidence=[{"entry": leaf}], gcsc=[1], cbms=["8"], norms=["b"])), [STATE.issuer]),
        (predicate(said(STATE, "contact", {"roles": ["technical"], "digest": DIGEST})), [STATE.issuer]),
        (predicate(delegate(STATE, seal_key(9))), STATE.signers),
        (predicate(said(STATE, "delegation", {
            "key": forge.Key("state.example/issuer/shapes").vkey, "role": "issuer", "from": forge.now(-DAY), "until": forge.now(9 * DAY),
            "predicates": ["urn:entente:predicate:contact:1"]})), STATE.signers),
        (predicate(STATE.endorsement(subtype="ministry")), STATE.signers),
        (predicate(forge.statement("hunt/" + DIGEST, DIGEST, "hunt", {
            "engine": "entente 1", "started": "2026-11-20T10:00:00Z", "ended": "2026-11-20T10:30:00Z", "files": 2, "unread": 1,
            "tables": [{"sha256": DIGEST, "serial": 1, "built": "2026-11-20T10:00:00Z", "values": 3}],
            "rules": {"valid": "any", "defanged": False}, "size": 9, "bytes": 9, "lines": 1, "hits": 1, "suppressed": 0,
            "commitments": {"algorithm": "rfc6962-sha256-salt32-jcs", "root": DIGEST, "count": 3}}, [STATE.issuer])), [STATE.issuer]),
        (predicate(forge.statement("indicators/" + DIGEST, DIGEST, "indicators", {
            "time": "2026-11-20T10:00:00Z", "types": {"indicator": 2, "malware": 1},
            "commitments": {"algorithm": "rfc6962-sha256-salt32-jcs", "root": DIGEST, "count": 3}}, [STATE.issuer])), [STATE.issuer]),
        (predicate(said(STATE, "legal-position", text)), [STATE.issuer]),
        (predicate(said(STATE, "mailbox", {"urls": ["https://state.example"], "intake": ["assistance"]})), [STATE.issuer]),
        (predicate(said(STATE, "norm-report", {**text, "period": "2026"})), [STATE.issuer]),
        (predicate(forge.policy(policy, policy["members"], everybody, attestations={"needed": 3, "groups": 2}, merge_delay_s=30,
                                review={"findings": 3, "due_s": 7200}, removed=[])), everybody),
        (predicate(said(STATE, "recovery", {"root": {"threshold": 1, "keys": [forge.Key("state.example/root-9").vkey]}})), STATE.signers),
        (predicate(forge.statement("file", DIGEST, "release", {"name": "n", "version": "1", "digest": DIGEST}, [STATE.issuer])), [STATE.issuer]),
        (predicate(forge.statement("review", leaf, "review", {
            "assessment": leaf, "draw": {"size": 7, "root": DIGEST}, "indices": [0, 3], "verdict": "confirmed", "note": "n"}, [COMPANY.issuer])),
         [COMPANY.issuer]),
        (predicate(said(STATE, "route-alarm", {
            "tlp": "clear", "alarm": "origin", "own": "192.0.2.0/24", "prefix": "192.0.2.0/25", "as": 64666, "path": [64500, 64666],
            "first": "2026-11-20T10:00:00Z", "last": "2026-11-20T10:30:00Z", "peers": 2, "rov": "invalid-asn", "serial": 7,
            "evidence": {"sha256": DIGEST}})), [STATE.issuer]),
        (predicate(forge.statement("route-alarm", leaf, "route-sighting", {
            "alarm": leaf, "seen": "seen", "from": "2026-11-20T10:00:00Z", "until": "2026-11-20T10:30:00Z", "peers": 1, "of": 2,
            "sources": ["live", "recording"], "first": "2026-11-20T10:00:00Z", "last": "2026-11-20T10:30:00Z", "evidence": DIGEST},
            [COMPANY.issuer])), [COMPANY.issuer]),
        (predicate(said(STATE, "revocation", {"key": STATE.issuer.vkey, "reason": "lost", "from_index": 3})), STATE.signers),
        (predicate(forge.statement("old", forge.sha256(b"note").hex(), "succession", {
            "old": {"origin": "old.example/log", "size": 3, "root": DIGEST, "note": note}, "reason": "moved"}, [forge.LOG])), [forge.LOG]),
    ]
    for statement, _ in made:  # what most have in common, so that every member is met
        if statement["predicateType"].endswith(":endorsement:1"):
            statement["predicate"].update(statements={"1": "We endorse."}, contacts=DIGEST, networks=["192.0.2.0/24", "AS64500"])
    return made


def places(value, path=()):
    """Every member and item below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inside in items:
        yield (*path, name)
        yield from places(inside, (*path, name))


def changed(statement, dice):
    """One or two members gone, replaced, repeated or added."""
    made = copy.deepcopy(statement)
    for _ in range(dice.choice((1, 1, 1, 2))):
        everywhere = list(places(made["predicate"]))
        *way, last = dice.choice(everywhere)
        at = made["predicate"]
        for step in way:
            at = at[step]
        kind = dice.randrange(6)
        if kind == 0:
            del at[last]
        elif kind == 1 and isinstance(at, list):
            at.append(copy.deepcopy(at[last]))
        elif kind == 2 and isinstance(at, dict):
            at["extra"] = dice.choice(VALUES)
        else:
            at[last] = copy.deepcopy(dice.choice(VALUES))
    if made["predicateType"].endswith(":policy:1"):
        made["subject"][0]["digest"]["sha256"] = forge.sha256(forge.canonical(made["predicate"])).hex()
    return made


def test_the_same_is_malformed_in_the_browser_and_in_the_program(world, page, node, say):  # noqa: F811
    dice = random.Random(20261122)
    kinds = samples(world)
    candidates = [(statement, keys) for statement, keys in kinds]
    for statement, keys in kinds:  # an object that cannot be made a text
        if "key" in statement["predicate"]:
            candidates.append(({**statement, "predicate": {**statement["predicate"], "key": {"toString": 1}}}, keys))
    while len(candidates) < CHANGES + len(kinds):
        statement, keys = dice.choice(kinds)
        candidates.append((changed(statement, dice), keys))
    entries = [forge.envelope(forge.canonical(statement), keys) for statement, keys in candidates]
    paths = []
    for number, each in enumerate(entries):
        paths.append(world.folder / f"shape-{number}.json")
        paths[-1].write_bytes(each)
    program, browser = [], []
    for first in range(0, len(entries), AT_ONCE):
        program += subprocess.run([JUDGE, world.policy, world.log.data / "log", *paths[first:first + AT_ONCE]], check=True,
                                  capture_output=True, text=True).stdout.split()
        browser += run(page, JUDGED, [base64.b64encode(each).decode() for each in entries[first:first + AT_ONCE]])
    differing = [(number, found or "counts", wanted, candidates[number][0]["predicate"])
                 for number, (found, wanted) in enumerate(zip(browser, program, strict=True)) if (found or "counts") != wanted]
    assert differing == [], differing[:3]
    assert "malformed" not in program[:len(kinds)]
    malformed = program.count("malformed")
    say(f"figure: {len(entries)} statements of {len(kinds)} kinds, {malformed} malformed, the same verdict of both on each")
    assert CHANGES / 4 < malformed < CHANGES


def test_times_are_read_as_by_the_program(page, node):  # noqa: F811
    cases = {
        "2026-11-20T10:00:00Z": 1795168800000, "2026-11-20t10:00:00z": 1795168800000, "2026-11-20T11:00:00+01:00": 1795168800000,
        "2026-11-20T08:30:00-0130": 1795168800000, "2026-11-20T10:00:00.250001Z": 1795168800250.001, "2026-11-20": 1795132800000,
        "2024-02-29": 1709164800000, "2026-02-29": None, "2026-13-01": None, "2026-11-20T24:00:00Z": None, "2026-11-20T10:60:00Z": None,
        "2026-11-20T10:00:60Z": None, "2026-11-20T10:00:00": None, "2026-11-20 10:00:00Z": None, "0000-01-01": None, "20261120": None,
        "": None, "+02026-11-20T10:00:00Z": None}
    found = run(page, "return args[0].map((text) => { const at = v.parseMoment(text); return Number.isNaN(at) ? null : at; });", list(cases))
    assert dict(zip(cases, found)) == cases
