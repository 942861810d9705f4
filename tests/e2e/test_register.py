"""register, signatory, endorse, attest, key: a community's log in the data folder.

Exercises cmd_register, cmd_signatory with signatory_text, cmd_endorse, cmd_attest, key_root, key_delegate,
policy_change and ceremony (src/cli: what is signed is shown and asked first); fold_keys, fold_policy,
fold_signatories and fold_many (src/register); and predicate_trust (src/statement), whose shapes the
published schemas are held against.
"""
import base64
import csv
import io
import json
import os
import pathlib
import subprocess

import jsonschema
import pytest

from conftest import BINARY, ROOT

MAKER = pathlib.Path(os.environ.get("ENTENTE_MAKE_REGISTER",
                                    pathlib.Path(BINARY).parents[1] / "tests/e2e/make_register"))
UNWITNESSED = 3


@pytest.fixture
def member(entente, tmp_path):
    """The program as state.example, a member of an unwitnessed community."""
    if not MAKER.exists():
        pytest.skip("make_register is not built")
    subprocess.run([MAKER, tmp_path], check=True)
    return entente


def rebuilt(member, *arguments):
    return member("register", "rebuild", *arguments, status=UNWITNESSED).stdout


def test_the_same_log_gives_the_same_bytes(member, tmp_path):
    first = rebuilt(member, "--now", "2027-01-01")
    policy = tmp_path / "data/community/policy.json"
    again = rebuilt(member, "--now", "2027-01-01", "--log", tmp_path / "data/log", "--policy", policy)
    assert first == again
    document = json.loads(first)
    assert json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == first
    assert {s["domain"]: s["attested"] for s in document["signatories"]} == {
        "state.example": "policy", "company.example": "policy", "society.example": "policy",
        "ville.example": "attested", "new.example": "self-declared"}
    assert [entry["verdict"] for entry in document["refused"]] == ["revoked"]
    assert len(document["disputed"]) == 1


def problems(schema, value):
    schema = json.loads((ROOT / "docs/schema" / schema).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message[:200] for error in
            jsonschema.Draft202012Validator(schema).iter_errors(value)]


def entries_of(log):
    bundle = next((log / "tile/entries/000.p").iterdir()).read_bytes()
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        yield json.loads(bundle[2:2 + length])
        bundle = bundle[2 + length:]


def test_the_published_schemas_hold(member, tmp_path):
    document = json.loads(rebuilt(member))
    assert problems("register.json", document) == []
    del document["signatories"][0]["attested"]
    assert problems("register.json", document)
    kinds = set()
    for entry in entries_of(tmp_path / "data/log"):
        statement = json.loads(base64.b64decode(entry["payload"]))
        name = statement["predicateType"].split(":")[3]
        kinds.add(name)
        assert problems(f"predicates/{name}.json", statement["predicate"]) == []
        for required in list(statement["predicate"])[:3]:
            if required in ("log", "url"):
                continue
            broken = {**statement["predicate"], required: 0.5}
            assert problems(f"predicates/{name}.json", broken), (name, required)
    assert kinds == {"policy", "endorsement", "delegation", "attestation", "assessment",
                     "revocation"}


def test_a_policy_is_never_taken_from_the_log_it_judges(member, tmp_path):
    log = tmp_path / "data/log"
    genesis = json.loads(rebuilt(member))["policies"][0]["hash"]
    (tmp_path / "data/community/policy.json").rename(tmp_path / "policy.json")
    member("register", "rebuild", "--log", log, status=2)
    assert rebuilt(member, "--log", log, "--policy-hash", genesis)
    refused = member("register", "rebuild", "--log", log, "--policy-hash", "00" * 32, status=4)
    assert genesis in refused.stderr


def test_a_changed_entry_is_found(member, tmp_path):
    bundle = next((tmp_path / "data/log/tile/entries/000.p").iterdir())
    bundle.chmod(0o644)
    content = bytearray(bundle.read_bytes())
    content[-20] ^= 1
    bundle.write_bytes(content)
    member("register", "rebuild", status=1)


def test_signatories_are_listed_shown_compared_and_exported(member):
    listed = member("signatory", "list", status=UNWITNESSED)
    assert "unwitnessed" in listed.stderr
    assert "ville.example" in listed.stdout and "self-declared" in listed.stdout
    everybody = json.loads(member("signatory", "list", "--format", "json",
                                  status=UNWITNESSED).stdout)
    domains = [signatory["domain"] for signatory in everybody]
    assert domains == sorted(domains) and len(domains) == 5
    states = json.loads(member("signatory", "list", "--group", "state", "--format", "json",
                               status=UNWITNESSED).stdout)
    assert {s["domain"] for s in states} == {"state.example", "ville.example"}
    assert json.loads(member("signatory", "list", "--principle", "2", "--format", "json",
                             status=UNWITNESSED).stdout) == []
    shown = member("signatory", "show", "ville.example", status=UNWITNESSED).stdout
    assert "by company.example, society.example" in shown
    assert "disputed by the signatory" in shown and "single key" in shown and "band 4 of 5" in shown
    compared = member("signatory", "compare", "ville.example", "new.example",
                      status=UNWITNESSED).stdout
    assert "band 2 of 5" in compared and "self-declared" in compared
    exported = list(csv.DictReader(io.StringIO(member("signatory", "export", "--format", "csv",
                                                      status=UNWITNESSED).stdout)))
    assert {row["domain"]: row["band_7"] for row in exported}["ville.example"] == "4"
    member("signatory", "show", "nobody.example", status=2)
    member("signatory", "list", "--group", "martians", status=2)


def signed(path):
    return json.loads(pathlib.Path(path).read_text())


def test_attesting_shows_what_is_signed_and_asks(member, tmp_path):
    check = ["attest", "new.example", "--group", "private-sector", "--checked",
             "domain,legal-existence,contact"]
    asked = member(*check, status=4)
    assert "What will be signed: attestation" in asked.stderr and "new.example" in asked.stderr
    member(*check, "--yes", "--output", tmp_path / "a.json")
    assert signed(tmp_path / "a.json")["signatures"][0]["keyid"].startswith("state.example/issuer")
    member("attest", "new.example", "--group", "state", "--checked", "domain", status=1)
    member("attest", "state.example", "--group", "state", "--checked", "domain", "--yes", status=4)


def test_endorsing_keeps_what_is_not_changed(member, tmp_path):
    before = json.loads(member("endorse", "show", status=UNWITNESSED).stdout)
    assert before["principles"] == [1, 7, 9]
    member("endorse", "--statement", "7=We publish.", "--no-reviewer", "--yes", "--output",
           tmp_path / "e.json")
    predicate = json.loads(base64.b64decode(signed(tmp_path / "e.json")["payload"]))["predicate"]
    assert predicate["principles"] == [1, 7, 9] and predicate["reviewer"] is False
    assert predicate["statements"] == {"7": "We publish."}
    member("endorse", "--principles", "10", status=2)


def test_root_keys_sign_where_they_are(entente, tmp_path):
    entente("key", "root", "--threshold", "2", "--keys", "3", "--name", "town.example")
    (tmp_path / "entente.yaml").write_text(
        "signatory: {name: A town, group: state, country: FR, domain: town.example}\n")
    entente("key", "new", "--name", "town.example/issuer/2026-11")
    entente("key", "delegate", "--origin", "call.example/x", "--days", "90", "--request", "d.json")
    keys = tmp_path / "data/keys"
    for number in (1, 2):
        entente("key", "root", "sign", "d.json", "--root-key", keys / f"root-{number}.key", "--yes",
                "--output", f"d{number}.json")
    entente("key", "root", "add", "d.json", "d1.json", "d2.json")
    names = [s["keyid"].split("+")[0] for s in signed(tmp_path / "d.json")["signatures"]]
    assert names == ["town.example/issuer/2026-11", "town.example/root-1", "town.example/root-2"]
    entente("key", "delegate", "--origin", "call.example/x", "--days", "401", "--request", "x.json",
            status=2)
    entente("key", "delegate", "--origin", "call.example/x", "--role", "king", status=2)
    entente("key", "root", "--threshold", "2", "--keys", "3", status=2)  # they are there


def test_what_would_not_count_is_not_handed_in(member, tmp_path):
    member("key", "delegate", "--yes", "--days", "30", "--output", tmp_path / "d.json")
    member("key", "revoke", tmp_path / "data/keys/default.key", "--reason", "stolen", "--from-index",
           "99999", "--yes", status=4)
    member("key", "recover", "--root", tmp_path / "data/keys/nothing.json", status=3)


def test_a_policy_is_changed_by_the_quorum_of_the_old_one(member, tmp_path):
    policy = json.loads(rebuilt(member))["policy"]["predicate"]
    state = next(s for s in json.loads(rebuilt(member))["signatories"]
                 if s["domain"] == "ville.example")
    policy["members"].append({"name": state["name"], "domain": "ville.example", "group": "state",
                              "country": "FR", "root": state["root"]})
    (tmp_path / "next.json").write_text(json.dumps(policy))
    alone = member("policy", "change", "next.json", "--yes", status=4)
    assert "quorum" in alone.stderr and "joins: ville.example" in alone.stderr
    member("policy", "change", "next.json", "--request", "change.json")
    others = tmp_path / "others/keys"
    member("key", "root", "sign", "change.json", "--yes", "--output", "c0.json")
    for number, names in enumerate((["company-1", "company-2"], ["society"]), 1):
        keys = [argument for name in names for argument in ("--root-key", others / f"{name}.key")]
        member("key", "root", "sign", "change.json", "--yes", "--output", f"c{number}.json", *keys)
    member("key", "root", "add", "c0.json", "c1.json")
    still = member("key", "root", "submit", "c0.json", status=4)
    assert "civil-society" in still.stderr
    member("key", "root", "add", "c0.json", "c2.json")
    member("log", "add", "c0.json")
    document = json.loads(rebuilt(member))
    assert [p["version"] for p in document["policies"]] == [1, 2]
    assert {s["domain"]: s["attested"] for s in document["signatories"]}["ville.example"] == "policy"


def test_a_key_is_delegated_rotated_and_revoked_in_the_log(member, tmp_path):
    keys = tmp_path / "data/keys"
    old = member("key", "export").stdout.strip()
    member("key", "new", "--name", "state.example/owner", "--data", tmp_path / "other")
    member("key", "delegate", tmp_path / "other/keys/default.key", "--role", "owner", "--yes",
           "--output", "owner.json")
    member("key", "rotate", "--days", "30", "--yes", "--output", "rotate.json")
    member("key", "revoke", old, "--reason", "rotated", "--yes", "--output", "revoke.json")
    member("log", "add", "owner.json", "rotate.json", "revoke.json")
    shown = json.loads(member("signatory", "show", "state.example", "--format", "json",
                              status=UNWITNESSED).stdout)
    status = {key["key"]: (key["role"], key["status"]) for key in shown["keys"]}
    assert status[old] == ("issuer", "revoked")
    assert sorted(status.values()) == [("issuer", "in-force"), ("issuer", "revoked"),
                                       ("owner", "in-force")]
    assert (keys / "next.key").exists()  # it takes its place when the log was asked, not a file
    # The old key says nothing any more; the new one does.
    member("attest", "new.example", "--group", "private-sector", "--checked", "domain", "--yes",
           status=4)


def test_the_root_is_recovered(member, tmp_path):
    member("key", "root", "--threshold", "1", "--keys", "2", "--name", "state.example", "--data",
           tmp_path / "fresh")
    member("key", "recover", "--root", tmp_path / "fresh/keys/root.json", "--yes", "--output",
           "recovery.json")
    before = json.loads(member("signatory", "show", "state.example", "--format", "json",
                               status=UNWITNESSED).stdout)
    member("log", "add", "recovery.json")
    after = json.loads(member("signatory", "show", "state.example", "--format", "json",
                              status=UNWITNESSED).stdout)
    assert after["id"] == before["id"] and not after["single_key"]
    refused = member("endorse", "--yes", status=4)
    assert "replaced" in refused.stderr
