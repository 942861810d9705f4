"""Documents that other programs read are as docs/schema says, and the schemas refuse others."""
import copy
import json
import pathlib

import jsonschema
import pytest

SCHEMAS = pathlib.Path(__file__).parents[2] / "docs/schema"


def check(name, document):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return [f"{list(error.absolute_path)}: {error.message[:200]}"
            for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]


@pytest.fixture
def assessed(entente):
    """The folder of a signed assessment of this machine."""
    entente("key", "new", "--name", "example.org")
    entente("assess", "--principle", 7, "--no-walk", "--save", "--quiet")
    return next((entente.folder / "data" / "reports").iterdir())


def test_openings_disclosure_and_verification(entente, assessed):
    openings = json.loads((assessed / "openings.json").read_text())
    assert check("openings", openings) == []
    broken = copy.deepcopy(openings)
    broken["entries"][0]["salt"] = "00"
    assert check("openings", broken)

    entente("disclose", 7, "host.ssh.root-login", "--output", "opened.json")
    disclosure = json.loads((entente.folder / "opened.json").read_text())
    assert check("disclosure", disclosure) == []
    broken = copy.deepcopy(disclosure)
    del broken["entries"][1]["path"]
    assert check("disclosure", broken)

    verified = json.loads(entente("verify", "opened.json", "--format", "json").stdout)
    assert check("verification", verified) == []
    assert verified["opened"] == disclosure["entries"]
    claimed = {**verified, "verdict": "refused", "reason": "signature"}
    assert check("verification", claimed), "a refused answer repeats no statement"


def test_every_kind_of_refusal(entente, assessed):
    envelope = assessed / "assessment.dsse.json"
    whole = json.loads(envelope.read_text())
    cases = {"malformed": ({"payload": 1, "payloadType": "x"}, 2, []),
             "signature": ({**whole, "payload": "e30="}, 1, []),
             "threshold": (whole, 3, ["--threshold", "2"])}
    for reason, (value, status, options) in cases.items():
        (entente.folder / "case.json").write_text(json.dumps(value))
        done = entente("verify", "case.json", "--format", "json", *options, status=status)
        answer = json.loads(done.stdout)
        assert answer["reason"] == reason
        assert check("verification", answer) == []
    entente.environment["ENTENTE_DATA"] = str(entente.folder / "other")
    entente("key", "new", "--name", "other.example")
    answer = json.loads(entente("verify", envelope, "--format", "json", status=3).stdout)
    assert answer["reason"] == "unknown-key"
    assert check("verification", answer) == []


def test_plan_of_fixes(entente, tmp_path):
    root = tmp_path / "root"
    (root / "etc/ssh").mkdir(parents=True)
    (root / "etc/ssh/sshd_config").write_text("PermitEmptyPasswords yes\n")
    plan = json.loads(entente("fix", "--root", root, "--format", "json").stdout)
    assert plan["edits"] and check("fix-plan", plan) == []
    saved = entente.folder / "data/fixes" / plan["hash"] / "plan.json"
    assert check("fix-plan", json.loads(saved.read_text())) == []
    del plan["edits"][0]["old"]
    assert check("fix-plan", plan)


def test_kinds_of_cases(entente):
    kinds = json.loads(entente("case", "kinds", "--format", "json").stdout)
    assert check("kinds", kinds) == []
    broken = copy.deepcopy(kinds)
    del broken["kinds"][0]["title"]["fr"]
    assert check("kinds", broken)
