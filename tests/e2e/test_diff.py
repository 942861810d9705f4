"""entente diff as text and JSON (diff, diff_format), and what an assessment remembers of the runs before
it (past).

Exercises cmd_diff (src/cli).
"""
import json

import pytest


@pytest.fixture
def assess(alone, entente):
    def run():
        alone("assess", "--no-walk", "--quiet")
        runs = sorted((entente.folder / "data" / "reports").iterdir())
        return json.loads((runs[-1] / "assessment.json").read_text())
    return run


def organisation(document):
    return {row["measure"]: row for row in document["findings"]
            if row["measure"].startswith("org.")}


def changes(entente, *arguments):
    document = json.loads(entente("diff", *arguments, "--format", "json").stdout)
    return document, {row["measure"]: row for row in document["changes"]
                      if row["measure"].startswith("org.")}


def test_what_changed_is_said(entente, assess):
    entente("answer", "org.leavers", "--value", "yes")
    entente("answer", "org.no-hack-back", "--value", "no")
    entente("answer", "org.testing-consent", "--value", "no", "--note", "one")
    assess()
    entente("answer", "org.leavers", "--value", "no")
    entente("answer", "org.no-hack-back", "--value", "yes")
    entente("answer", "org.testing-consent", "--value", "no", "--note", "two")
    entente("answer", "org.incident-drill", "--value", "yes")
    assess()
    document, rows = changes(entente)
    assert rows["org.leavers"]["kind"] == "failing"
    assert "self-declared" in rows["org.leavers"]["after"]["evidence"]
    assert rows["org.no-hack-back"]["kind"] == "fixed"
    assert rows["org.testing-consent"]["kind"] == "evidence-changed"
    assert rows["org.incident-drill"]["kind"] == "outcome-changed"
    assert document["catalogue_changed"] is False
    assert document["counts"]["measure-added"] == 0
    text = entente("diff", "previous", "last").stdout
    assert "Newly failing: 1" in text and "Fixed: 1" in text
    assert "Nouveaux échecs" in entente("diff", "--lang", "fr").stdout
    entente("diff", "--fail-on-new", "medium", status=1)
    entente("diff", "--fail-on-new", "critical")
    entente("diff", "last", "last", "--fail-on-new", "info")
    assert "Nothing changed" in entente("diff", "last", "last").stdout


def test_the_catalogue_may_change_between(entente, assess, tmp_path):
    document = assess()
    older = tmp_path / "older.json"
    del document["measures"]["org.leavers"]
    document["findings"] = [row for row in document["findings"] if row["measure"] != "org.leavers"]
    document["run"]["catalogue"] = "sha256:" + "0" * 64
    document["measures"]["org.no-hack-back"]["version"] = 99
    organisation(document)["org.no-hack-back"].update(outcome="fail")
    organisation(document)["org.no-hack-back"].pop("reason", None)
    older.write_text(json.dumps(document))
    result, rows = changes(entente, older, "last")
    assert result["catalogue_changed"] is True
    assert rows["org.leavers"]["kind"] == "measure-added"
    assert rows["org.no-hack-back"]["kind"] == "no-longer-measured"
    assert rows["org.no-hack-back"]["rejudged"] is True
    result, rows = changes(entente, "last", older)
    assert rows["org.leavers"]["kind"] == "measure-removed"
    assert rows["org.no-hack-back"]["kind"] == "failing"


def test_mistakes_are_named(entente):
    assert "last" in entente("diff", "last", "last", status=2).stderr
    assert "nowhere" in entente("diff", "nowhere", "last", status=2).stderr
    assert "OLD NEW" in entente("diff", "one", status=2).stderr
    (entente.folder / "bad.json").write_text("{}")
    assert "bad.json" in entente("diff", "bad.json", "bad.json", status=2).stderr


def test_an_assessment_remembers(entente, assess):
    entente("answer", "org.leavers", "--value", "no")
    first = assess()
    second = assess()
    third_answer = entente("answer", "org.leavers", "--value", "yes")
    third = assess()
    assert third_answer.returncode == 0
    assert first.get("trend", []) == []
    assert len(second["trend"]) == 1 and len(third["trend"]) == 2
    assert third["trend"][0]["time"] == first["run"]["started"]
    one, two, three = (organisation(run)["org.leavers"] for run in (first, second, third))
    assert one["first_seen"] == two["first_seen"] == first["run"]["started"]
    assert two["last_changed"] == one["last_changed"]
    assert three["last_changed"] == third["run"]["started"]
    assert "first_seen" not in three
