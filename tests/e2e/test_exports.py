"""OSCAL and SARIF: valid by the standards' own schemas, and true to the assessment."""
import datetime
import json

import jsonschema
import pytest


def portable(schema):
    """OSCAL's patterns use \\p{L} and \\p{N}, which Python's re does not know."""
    if isinstance(schema, dict):
        return {key: value.replace(r"\p{L}", "A-Za-z").replace(r"\p{N}", "0-9")
                .replace("(A-Za-z|_)", "[A-Za-z_]").replace("(A-Za-z|0-9|[.\\-_])", "[A-Za-z0-9.\\-_]")
                if key == "pattern" and isinstance(value, str) else portable(value)
                for key, value in schema.items()}
    if isinstance(schema, list):
        return [portable(item) for item in schema]
    return schema


def validate(document, schema):
    checker = jsonschema.FormatChecker()
    kind = jsonschema.validators.validator_for(schema)
    problems = sorted(kind(schema, format_checker=checker).iter_errors(document), key=str)
    assert not problems, "\n".join(f"{list(p.absolute_path)}: {p.message}" for p in problems[:5])


@pytest.fixture
def assessed(alone, entente):
    until = datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=30)
    entente("answer", "org.leavers", "--value", "no", "--note", "line one\nline two ")
    entente("answer", "org.no-hack-back", "--value", "no")
    entente("answer", "org.incident-drill", "--value", "yes")
    entente("answer", "org.testing-consent", "--value", "partly")
    entente("waive", "org.no-hack-back", "--reason", "being written", "--until", until)

    def run(form, *arguments):
        done = alone("assess", "--no-walk", "--format", form, *arguments)
        return json.loads(done.stdout)
    return run


@pytest.mark.parametrize("language", ["en", "fr"])
def test_sarif_is_valid_and_says_the_same(assessed, shared, language):
    schema = json.loads((shared / "data/schemas/sarif-schema-2.1.0.json").read_text())
    plain = assessed("json")
    document = assessed("sarif", "--lang", language)
    validate(document, schema)
    (run,) = document["runs"]
    assert len(run["results"]) == len(plain["findings"])
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(plain["measures"])
    rows = {result["ruleId"]: result for result in run["results"]}
    assert all(rules[row["ruleIndex"]]["id"] == name for name, row in rows.items())
    assert (rows["org.leavers"]["kind"], rows["org.leavers"]["level"]) == ("fail", "warning")
    assert "suppressions" not in rows["org.leavers"]
    (suppression,) = rows["org.no-hack-back"]["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert suppression["justification"] == "being written"
    assert (rows["org.incident-drill"]["kind"], rows["org.incident-drill"]["level"]) == (
        "pass", "none")
    assert rows["org.asset-inventory"]["kind"] == "open"
    title = plain["measures"]["org.leavers"]["title"][language]
    assert {rule["id"]: rule for rule in rules}["org.leavers"]["shortDescription"]["text"] == title


def test_sarif_places_are_relative_to_the_root(entente, tmp_path):
    (tmp_path / "tree/etc/ssh").mkdir(parents=True)
    (tmp_path / "tree/etc/ssh/sshd_config").write_text("# one\nPermitRootLogin yes\n")
    (tmp_path / "tree/var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "tree/var/lib/dpkg/status").write_text(
        "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\n"
        "Architecture: amd64\n\n")
    (tmp_path / "tree/usr/sbin").mkdir(parents=True)
    (tmp_path / "tree/usr/sbin/sshd").write_text("")
    done = entente("assess", "--root", tmp_path / "tree", "--no-walk", "--format", "sarif",
                   "--measure", "host.ssh.root-login")
    (result,) = json.loads(done.stdout)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "etc/ssh/sshd_config", "uriBaseId": "ROOT"}
    assert place["region"] == {"startLine": 2}
    assert (result["kind"], result["level"]) == ("fail", "error")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_oscal_is_valid_and_says_the_same(assessed, shared, language):
    schema = json.loads(
        (shared / "data/schemas/oscal_assessment-results_schema.json").read_text())
    plain = assessed("json")
    document = assessed("oscal", "--lang", language)
    validate(document, portable(schema))
    top = document["assessment-results"]
    assert top["metadata"]["oscal-version"] == "1.2.1"
    (result,) = top["results"]
    assert len(result["observations"]) == len(plain["findings"])
    findings = {row["target"]["target-id"]: row for row in result["findings"]}
    judged = {row["measure"] for row in plain["findings"]
              if row["outcome"] in ("pass", "fail", "warn")}
    assert set(findings) == judged
    status = {name: row["target"]["status"] for name, row in findings.items()}
    assert status["org.leavers"] == {"state": "not-satisfied", "reason": "fail"}
    assert status["org.testing-consent"] == {"state": "not-satisfied", "reason": "other"}
    assert status["org.incident-drill"] == {"state": "satisfied", "reason": "pass"}
    risks = {row["uuid"]: row for row in result["risks"]}
    waived = risks[findings["org.no-hack-back"]["related-risks"][0]["risk-uuid"]]
    assert waived["status"] == "deviation-approved" and "deadline" in waived
    assert risks[findings["org.leavers"]["related-risks"][0]["risk-uuid"]]["status"] == "open"
    known = {row["uuid"] for row in result["local-definitions"]["inventory-items"]}
    known |= {row["uuid"] for row in top["metadata"]["parties"]}
    for row in result["observations"]:
        assert row["subjects"][0]["subject-uuid"] in known
    assert top["import-ap"]["href"] == "#" + top["back-matter"]["resources"][0]["uuid"]


def test_oscal_uuids_are_unique_and_survive_a_rerun(assessed):
    first, second = assessed("oscal"), assessed("oscal")
    names = [[row["uuid"] for row in run["assessment-results"]["results"][0]["findings"]]
             for run in (first, second)]
    assert names[0] == names[1] and len(set(names[0])) == len(names[0])
    assert first["assessment-results"]["uuid"] != second["assessment-results"]["uuid"]
