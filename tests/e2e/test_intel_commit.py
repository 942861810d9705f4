"""entente intel commit and open: what is held is in the log by salted digests, shown one by one.

Exercises intel_commit and intel_open (src/cli), and predicate_intel (src/statement).
"""
import base64
import hashlib
import json

import pytest

from community import published
from nodes import MAKER, Community
from taxii import CLEAR, RED, indicator
from test_review import enter, problems

AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
THEIRS = indicator("theirs", marking=RED, created_by_ref="identity--" + "0" * 8 + "-0000-4000-8000-"
                   + "0" * 12)
HELD = [indicator("red", marking=RED), indicator("strict", marking=STRICT),
        indicator("amber", marking=AMBER), indicator("clear", marking=CLEAR), THEIRS,
        {"type": "domain-name", "spec_version": "2.1", "value": "example.com",
         "id": "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"}]


def bundle(folder, objects=HELD):
    (folder / "held.json").write_text(json.dumps({
        "type": "bundle", "id": "bundle--" + "1" * 8 + "-0000-4000-8000-" + "1" * 12,
        "objects": objects}))
    return "held.json"


@pytest.fixture
def holder(entente):
    entente("key", "new")
    said = entente("intel", "commit", bundle(entente.folder), "held.json", "-o",
                   "held.dsse.json").stderr
    assert "6 objects" in said
    return entente


def public(holder):
    envelope = json.loads((holder.folder / "held.dsse.json").read_text())
    return json.loads(base64.b64decode(envelope["payload"]))


def opened(file):
    return [entry["value"]["object"] for entry in json.loads(file.read_text())["entries"]]


def test_the_statement_says_how_many_and_not_which(holder):
    statement = public(holder)
    assert problems("predicates/indicators", statement["predicate"]) == []
    assert statement["predicate"]["types"] == {"indicator": 5, "domain-name": 1}
    assert statement["predicate"]["commitments"]["count"] == 6
    text = (holder.folder / "held.dsse.json").read_text() + json.dumps(statement)
    for one in HELD:
        assert one["id"] not in text and "example" not in text.replace("example.com/", "")
    private = holder.folder / "held.openings.json"
    assert private.stat().st_mode & 0o777 == 0o600
    assert problems("openings", json.loads(private.read_text())) == []
    said = holder("verify", "held.dsse.json").stdout
    assert "6 objects" in said and "5 indicator" in said


@pytest.mark.parametrize("wanted, options, status, why", [
    ("red", ["--to", "cert.example"], 4, "unnamed"),
    ("red", ["--to", "cert.example", "--named", "cert.example"], 0, None),
    ("red", ["--to", "cert.example", "--named", "cert.example", "--ceiling", "amber"], 4, "ceiling"),
    ("strict", ["--to", "cert.example"], 4, "unnamed"),
    ("amber", ["--to", "cert.example"], 0, None),
    ("amber", ["--to", "public"], 4, "not-public"),
    ("clear", ["--to", "public"], 0, None),
    ("theirs", ["--to", "cert.example", "--named", "cert.example"], 4, "onward"),
])
def test_tlp_decides_who_is_shown_what(holder, wanted, options, status, why):
    (one,) = (object for object in HELD if f"'{wanted}.example'" in object.get("pattern", ""))
    done = holder("intel", "open", "held.dsse.json", one["id"], *options, "-o", "opened.json",
                  status=status)
    file = holder.folder / "opened.json"
    if status:
        assert why in done.stderr and not file.exists()
        kept = holder("journal", "list", "--kind", "egress", "--format", "json").stdout
        assert one["id"] in kept and why in kept
    else:
        assert opened(file) == [one]
        assert problems("disclosure", json.loads(file.read_text())) == []
        assert one["id"] in holder("verify", "opened.json").stdout


def test_what_is_shown_cannot_be_changed(holder):
    amber = HELD[2]
    holder("intel", "open", "held.dsse.json", amber["id"], "--to", "cert.example", "-o", "o.json")
    text = (holder.folder / "o.json").read_text()
    (holder.folder / "o.json").write_text(text.replace("amber.example", "other.example"))
    holder("verify", "o.json", status=1)
    # Who was shown one cannot show others.
    (holder.folder / "o.json").write_text(text)
    holder("intel", "open", "o.json", HELD[3]["id"], "--to", "cert.example", status=2)


def test_wrong_use(holder):
    holder("intel", "commit", "held.json", status=2)
    holder("intel", "open", "held.dsse.json", HELD[0]["id"], status=2)
    holder("intel", "open", "held.dsse.json", "indicator--none", "--to", "x.example", status=2)
    holder("intel", "open", "held.json", HELD[0]["id"], "--to", "x.example", status=2)
    (holder.folder / "empty.json").write_text('{"type":"bundle","id":"bundle--x","objects":[]}')
    holder("intel", "commit", "empty.json", "-o", "empty.dsse.json", status=2)


@pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built")
def test_published_in_a_community_and_opened_later(tmp_path):
    """One publishes; one who may see it is shown one object, and checks it against the log."""
    class World:
        pass
    made = World()
    made.community = Community(tmp_path, 0).start()
    try:
        made.community.log.until(lambda: made.community.log.size() >= 1)
        made.url = f"http://127.0.0.1:{made.community.log.port}"
        policy = tmp_path / "log/community/policy.json"
        made.hash = hashlib.sha256(policy.read_bytes()).hexdigest()
        state, society = (enter(made, tmp_path / f"member-{i}") for i in (0, 2))
        state("intel", "commit", bundle(state.folder), "-o", "held.dsse.json", "--quiet")
        published(state, "held.dsse.json")
        assert public(state)["predicate"]["log"]
        red = HELD[0]["id"]
        state("intel", "open", "held.dsse.json", red, "--to", "society.example", status=4)
        stranger = state("intel", "open", "held.dsse.json", red, "--to", "nobody.example", "--named",
                         "nobody.example", status=2)
        assert "nobody.example" in stranger.stderr and "no signatory" in stranger.stderr
        state("intel", "open", "held.dsse.json", red, "--to", "society.example", "--named",
              "society.example", "-o", "opened.json", "--quiet")
        (society.folder / "opened.json").write_bytes((state.folder / "opened.json").read_bytes())
        society("community", "show", "--update")
        verdict = json.loads(society("verify", "opened.json", "--format", "json").stdout)
        assert verdict["verdict"] == "good"
        assert red in json.dumps(verdict) or red in society("verify", "opened.json").stdout
    finally:
        made.community.stop()
