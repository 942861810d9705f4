"""entente intel sightings (intel_sightings): hits in, sightings out, as far as TLP allows.

The tables are built of real MISP events and of a bundle whose author, levels and ids are known.

Exercises cmd_intel (src/cli); sighting_write, stix_write and stix_id (src/p1_resilience/intel).
"""
import json
import uuid

import pytest

from test_schemas import check

AUTHOR = "identity--aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"


def thing(type_, **members):
    return {"type": type_, "spec_version": "2.1", "created": "2020-01-01T00:00:00.000Z",
            "modified": "2020-01-01T00:00:00.000Z", "id": f"{type_}--{uuid.uuid4()}", **members}


def indicator(value, marking):
    return thing("indicator", created_by_ref=AUTHOR, pattern_type="stix",
                 pattern=f"[domain-name:value = '{value}']", valid_from="2020-01-01T00:00:00Z",
                 object_marking_refs=[marking])


@pytest.fixture
def exchange(entente, tmp_path):
    """A table of one GREEN and one RED indicator, hits on both, and the indicators."""
    objects = [thing("identity", id=AUTHOR, name="CERT Example", identity_class="organization"),
               indicator("open.example", GREEN), indicator("closed.example", RED)]
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
    (tmp_path / "feed.json").write_text(json.dumps(bundle))
    entente("hunt", "build", "-o", "intel.table", "feed.json")
    hits = [{"kind": "domain", "indicator": name, "file": "/var/log/mail.log", "line": 3,
             "token": f"alice.{name}", "time": f"2026-11-0{day}T08:00:00Z"}
            for name, day in [("open.example", 1), ("closed.example", 2), ("open.example", 4)]]
    (tmp_path / "hits.jsonl").write_text("".join(json.dumps(hit) + "\n" for hit in hits))
    (tmp_path / "entente.yaml").write_text(
        "signatory:\n  name: Our Organisation\n  group: civil-society\n")
    return objects[1:]


def sightings(done):
    objects = json.loads(done.stdout).get("objects", [])
    return {item["sighting_of_ref"]: item for item in objects if item["type"] == "sighting"}


def test_the_source_learns_what_was_seen_and_nothing_of_the_log(entente, exchange):
    done = entente("intel", "sightings", "--table", "intel.table", "--to", "CERT Example",
                   "hits.jsonl")
    seen = sightings(done)
    assert set(seen) == {item["id"] for item in exchange}
    first = seen[exchange[0]["id"]]
    assert (first["count"], first["first_seen"], first["last_seen"]) == (
        2, "2026-11-01T08:00:00.000Z", "2026-11-04T08:00:00.000Z")
    for word in ("alice", "mail.log", "open.example", "closed.example"):
        assert word not in done.stdout
    assert "Our Organisation" in done.stdout
    assert "2 sightings of 3 hits" in done.stderr


def test_another_signatory_does_not_learn_of_the_red_indicator(entente, exchange):
    done = entente("intel", "sightings", "--table", "intel.table", "--to", "other.example",
                   "hits.jsonl", status=4)
    assert set(sightings(done)) == {exchange[0]["id"]}
    assert exchange[1]["id"] not in done.stdout
    assert "1 refused" in done.stderr


def test_nothing_goes_to_the_public_and_the_refusal_is_kept(entente, exchange):
    for _ in range(2):
        done = entente("intel", "sightings", "--table", "intel.table", "--to", "public",
                       "hits.jsonl", status=4)
        assert "objects" not in json.loads(done.stdout)
    lines = entente("journal", "list", "--kind", "egress", "--format", "json").stdout.splitlines()
    events = {json.dumps(json.loads(line)["body"]["refused"]) for line in lines}
    assert len(events) == 1 and "not-public" in events.pop()


def test_a_ceiling_holds_for_the_source_too(entente, exchange):
    done = entente("intel", "sightings", "--table", "intel.table", "--to", "CERT Example",
                   "--ceiling", "amber", "hits.jsonl", status=4)
    assert set(sightings(done)) == {exchange[0]["id"]}


def test_own_use_and_no_name(entente, exchange):
    done = entente("intel", "sightings", "--table", "intel.table", "--anonymous", "hits.jsonl")
    assert len(sightings(done)) == 2
    assert "Our Organisation" not in done.stdout
    assert "an organisation (civil-society)" in done.stdout


def test_misp_attributes_of_a_real_event(entente, shared, tmp_path):
    name = "mozi_mozi.misp-event.json"
    entente("hunt", "build", "-o", "misp.table", shared / "data" / "hunt" / "misp" / name)
    rows = [line.split("\t") for line in
            (shared / "data" / "hunt" / "misp" / f"{name}.attrs.tsv").read_text().splitlines()]
    digests = [row[-1] for row in rows if "sha256" in row and "true" in map(str.lower, row)][:3]
    assert digests
    (tmp_path / "hits.jsonl").write_text("".join(
        json.dumps({"kind": "hash", "indicator": value.lower(), "time": "2026-11-01T00:00:00Z"})
        + "\n" for value in digests))
    done = entente("intel", "sightings", "--table", "misp.table", "--misp", "--anonymous",
                   "hits.jsonl")
    assert "left out" not in done.stderr
    listed = json.loads(done.stdout)
    assert listed and {item["type"] for item in listed} == {"0"}
    assert all(item["timestamp"] == 1793491200 and uuid.UUID(item["uuid"]) for item in listed)


def test_indicators_that_the_form_has_no_sightings_of_are_named(entente, exchange, shared):
    """STIX objects are none that MISP knows, and the other way round."""
    done = entente("intel", "sightings", "--table", "intel.table", "--misp", "--anonymous",
                   "hits.jsonl")
    assert json.loads(done.stdout) == []
    assert "0 sightings of 3 hits" in done.stderr
    assert "2 indicators left out: of STIX" in done.stderr and "without --misp" in done.stderr
    done = entente("intel", "sightings", "--table", "intel.table", "--anonymous", "hits.jsonl")
    assert "left out" not in done.stderr


@pytest.mark.parametrize("arguments, said", [
    ([], "what to do"),
    (["frobnicate"], "nothing that entente intel does"),
    (["sightings", "hits.jsonl"], "--table"),
    (["sightings", "--table", "intel.table", "--tlp", "mauve", "hits.jsonl"], "no level"),
])
def test_wrong_use(entente, exchange, arguments, said):
    assert said in entente("intel", *arguments, status=2).stderr


def test_without_a_name_it_says_what_to_do(entente, exchange, tmp_path):
    (tmp_path / "entente.yaml").unlink()
    done = entente("intel", "sightings", "--table", "intel.table", "hits.jsonl", status=2)
    assert "--anonymous" in done.stderr


def test_from_a_log_to_a_sighting(entente, exchange, tmp_path):
    """The hits are those that the scanner writes."""
    (tmp_path / "proxy.log").write_text(
        "2026-11-05T09:00:00Z bob GET http://www.open.example/a\n"
        "2026-11-05T09:00:01Z bob GET http://harmless.example/\n"
        "2026-11-06T10:00:00Z eve GET http://open.example/b\n")
    hits = entente("hunt", "scan", "--table", "intel.table", "--format", "json", "proxy.log",
                   status=1)
    done = entente("intel", "sightings", "--table", "intel.table", "--to", AUTHOR, "-",
                   stdin=hits.stdout)
    seen = sightings(done)
    assert set(seen) == {exchange[0]["id"]}
    item = seen[exchange[0]["id"]]
    assert (item["count"], item["first_seen"], item["last_seen"]) == (
        2, "2026-11-05T09:00:00.000Z", "2026-11-06T10:00:00.000Z")
    assert "bob" not in done.stdout and "eve" not in done.stdout


def test_false_positives_go_back(entente, exchange, tmp_path):
    (tmp_path / "popular.txt").write_text("open.example\n")
    entente("hunt", "build", "-o", "warned.table", "--warning-list", "popular.txt", "feed.json")
    (tmp_path / "proxy.log").write_text("2026-11-05T09:00:00Z GET http://open.example/\n")
    hits = entente("hunt", "scan", "--table", "warned.table", "--format", "json",
                   "--show-suppressed", "proxy.log", status=None)
    done = entente("intel", "sightings", "--table", "warned.table", "--to", AUTHOR,
                   "--false-positives", "-", stdin=hits.stdout)
    said = [item for item in json.loads(done.stdout)["objects"] if item["type"] == "opinion"]
    assert [(item["opinion"], item["object_refs"]) for item in said] == [
        ("strongly-disagree", [exchange[0]["id"]])]


def test_a_pattern_that_asks_for_more_is_seen_in_part(entente, tmp_path):
    both = thing("indicator", pattern_type="stix", valid_from="2020-01-01T00:00:00Z",
                 object_marking_refs=[GREEN],
                 pattern="[domain-name:value = 'half.example' AND file:name = 'x.exe']")
    (tmp_path / "feed.json").write_text(json.dumps(
        {"type": "bundle", "id": f"bundle--{uuid.uuid4()}",
         "objects": [both, indicator("whole.example", GREEN)]}))
    entente("hunt", "build", "-o", "intel.table", "feed.json")
    (tmp_path / "proxy.log").write_text("GET half.example\nGET whole.example\n")
    hits = entente("hunt", "scan", "--table", "intel.table", "--format", "json", "proxy.log",
                   status=1).stdout
    found = [json.loads(line) for line in hits.splitlines()]
    assert {hit["indicator"]: hit["partial"] for hit in found if "indicator" in hit} == {
        "half.example": True, "whole.example": False}
    assert "partial" in entente("hunt", "scan", "--table", "intel.table", "proxy.log",
                                status=1).stdout
    for options, count in [([], 1), (["--partial"], 2)]:
        done = entente("intel", "sightings", "--table", "intel.table", "--anonymous", *options, "-",
                       stdin=hits)
        assert len(sightings(done)) == count


def test_a_pattern_that_was_seen_whole_is_a_sighting(entente, tmp_path):
    """Of three objects of one address: each counts where the line has what that object asks for."""
    def asks_for(more):
        return thing("indicator", pattern_type="stix", valid_from="2020-01-01T00:00:00Z",
                     object_marking_refs=[GREEN],
                     pattern=f"[ipv4-addr:value = '203.0.113.50'{more}]")

    name, other, plain = (asks_for(more) for more in (
        " AND domain-name:value = 'a.example'", " AND domain-name:value = 'b.example'", ""))

    def counts(*objects):
        (tmp_path / "feed.json").write_text(json.dumps(
            {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}))
        entente("hunt", "build", "-o", "intel.table", "feed.json")
        hits = entente("hunt", "scan", "--table", "intel.table", "--format", "json", "dns.log",
                       status=1).stdout
        assert all(check("hunt-scan", json.loads(line)) == [] for line in hits.splitlines())
        done = entente("intel", "sightings", "--table", "intel.table", "--anonymous", "-",
                       stdin=hits)
        return {id_: item["count"] for id_, item in sightings(done).items()}

    (tmp_path / "dns.log").write_text("203.0.113.50 a.example\n203.0.113.50\n"
                                      "203.0.113.50 b.example\n203.0.113.50 a.example b.example\n")
    assert counts(name) == {name["id"]: 2}
    assert counts(name, other) == {name["id"]: 2, other["id"]: 2}
    assert counts(name, other, plain) == {name["id"]: 2, other["id"]: 2, plain["id"]: 4}
