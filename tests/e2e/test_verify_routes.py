"""Alarms on routes, and who sees it too (verify/routes.js): browser and program find the same of networks
that are named, of alarms about them, and of answers.
"""
import pytest

pytest.importorskip("selenium")
pytest.importorskip("cryptography")
import forge  # noqa: E402
from forge import MEMBERS  # noqa: E402
from test_verify_attested import judged_alike, put, said  # noqa: E402
from test_verify_log import node, pytestmark, world  # noqa: E402, F401

STATE, COMPANY, SOCIETY = MEMBERS
DIGEST = "ab" * 32
HOUR = 3600
RAW = "192.0.2.9 AS64500 2026-11-22T02:00:00Z 40010100"


def endorsement(actor, *networks, seconds=0):
    return said(actor, "endorsement", {
        "signatory": {"name": f"Organisation of {actor.domain}", "group": actor.group, "country": "FR", "domain": actor.domain},
        "principles": [1, 7], "root": actor.root(), "reviewer": False, "networks": list(networks)}, time=forge.now(seconds))


def alarm(actor, own, prefix, seconds=0, **other):
    predicate = {"tlp": "clear", "alarm": "origin", "own": own, "prefix": prefix, "as": 64666, "path": [64500, 64666],
                 "first": "2026-11-22T02:00:00Z", "last": "2026-11-22T02:30:00Z", "peers": 2,
                 "evidence": {"sha256": forge.sha256(f"{RAW}\n".encode()).hex(), "routes": [RAW]}, **other}
    return forge.statement(actor.domain, actor.id, "route-alarm", predicate, [actor.issuer], time=forge.now(seconds))


def sighting(actor, leaf, peers=1, of=3, seconds=0, **other):
    predicate = {"alarm": leaf, "seen": ("seen" if peers else "not-seen") if of else "cannot-tell", "from": "2026-11-22T01:00:00Z",
                 "until": "2026-11-22T03:30:00Z", "peers": peers, "of": of, "sources": ["recording"]}
    if peers:
        predicate |= {"first": "2026-11-22T02:00:00Z", "last": "2026-11-22T02:30:00Z", "evidence": DIGEST}
    return forge.statement("route-alarm", leaf, "route-sighting", {**predicate, **other}, [actor.issuer], time=forge.now(seconds))


def test_networks_alarms_and_answers_are_judged_alike(world, page, node):  # noqa: F811
    texts = ["192.0.2.0/24", "2001:db8::/32", "AS64500", "::/0", "1::/16", "::ffff:192.0.2.0/120", "1:2:3:4:5:6:7:8/128", "0.0.0.0/0"]
    wrong = ["192.0.2.1/24", "192.0.2.0", "192.0.2.0/33", "192.0.02.0/24", "1.2.3/24", "AS0", "AS4294967296", "AS064500", "as64500",
             "2001:db8::1/32", "1::2::3/64", "1:2:3:4:5:6:7:8:9/64", ":1::/32", "12345::/16", "1.2.3.4::/96", "::/129", "AS", "x/8"]
    verdicts = judged_alike(world, page, [endorsement(STATE, text) for text in texts + wrong])
    assert verdicts == ["counts"] * len(texts) + ["malformed"] * len(wrong)
    put(world, endorsement(STATE, "192.0.2.0/24", "2001:db8::/32", "AS64500"))
    candidates = [endorsement(COMPANY, text) for text in (
        "192.0.2.0/24", "192.0.2.128/25", "2001:DB8:0:0::/32", "AS64500", "192.0.0.0/16", "2001:db9::/32")]
    assert judged_alike(world, page, candidates) == ["conflict"] * 4 + ["counts"] * 2
    put(world, endorsement(COMPANY, "192.0.0.0/16"))

    # Of the own network alone, by the own key, with evidence that is what it says.
    candidates = [
        alarm(STATE, "192.0.2.0/24", "192.0.2.0/25"), alarm(STATE, "AS64500", "203.0.113.0/24"), alarm(STATE, "192.0.2.0/24", "192.0.0.0/16"),
        alarm(COMPANY, "192.0.3.0/24", "192.0.3.0/24"), alarm(COMPANY, "192.0.2.0/24", "192.0.2.0/24"),
        alarm(STATE, "198.51.100.0/24", "198.51.100.0/24"), alarm(STATE, "192.0.2.0/24", "198.51.100.0/24"),
        alarm(STATE, "AS64500", "203.0.113.0/24", path=[64666]), alarm(STATE, "192.0.2.0/24", "AS64500"),
        alarm(STATE, "192.0.2.0/24", "192.0.2.0/24", tlp="amber"),
        alarm(STATE, "192.0.2.0/24", "192.0.2.0/24", evidence={"sha256": DIGEST, "routes": [RAW]}),
        alarm(STATE, "192.0.2.0/24", "192.0.2.0/24", last="2026-11-22T01:00:00Z")]
    assert judged_alike(world, page, candidates) == ["counts"] * 4 + ["conflict"] * 4 + ["malformed"] * 4

    # Not again within the hour; answers are by others, follow from their figures, and are one an hour.
    published = alarm(STATE, "192.0.2.0/24", "192.0.2.0/25")
    put(world, published)
    leaf = forge.leaf(published).hex()
    put(world, sighting(SOCIETY, leaf))
    candidates = [
        published, alarm(STATE, "192.0.2.0/24", "192.0.2.0/25", seconds=60), alarm(STATE, "192.0.2.0/24", "192.0.2.0/26", seconds=60),
        alarm(STATE, "192.0.2.0/24", "192.0.2.0/25", seconds=HOUR + 60), alarm(STATE, "AS64500", "192.0.2.0/25", seconds=-60),
        sighting(STATE, leaf), sighting(SOCIETY, leaf, seconds=60), sighting(SOCIETY, leaf, seconds=HOUR + 60), sighting(COMPANY, DIGEST),
        sighting(SOCIETY, leaf, peers=0, seconds=HOUR + 60), sighting(SOCIETY, leaf, peers=4), sighting(SOCIETY, leaf, seen="not-seen"),
        sighting(SOCIETY, leaf, first="2026-11-22T00:30:00Z")]
    assert judged_alike(world, page, candidates) == [
        "conflict", "conflict", "counts", "counts", "conflict", "conflict", "conflict", "counts", "conflict", "counts", "malformed",
        "malformed", "malformed"]
