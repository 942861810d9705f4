"""entente import: findings of other tools, with their source, never scored: read (import_lynis, _sarif,
_xccdf), kept, and put into the assessments that follow (import_apply).

Exercises cmd_import and cmd_journal (src/cli).
"""
import json

import pytest

from conftest import ROOT

VECTORS = ROOT / "tests" / "vectors" / "import"


def imported(entente, name, *arguments):
    entente("import", VECTORS / name, *arguments)
    lines = entente("journal", "list", "--kind", "import", "--format", "json").stdout.splitlines()
    return json.loads(lines[-1])["body"]


def test_lynis(entente):
    body = imported(entente, "lynis-report.dat")
    assert (body["tool"], body["asset"]) == ("lynis 3.0.8", "web1")
    rows = [(row["rule"], row["outcome"], row["severity"]) for row in body["findings"]]
    assert rows == [("PKGS-7392", "fail", "medium"), ("SSH-7408", "warn", "low"),
                    ("SSH-7408", "warn", "low"), ("KRNL-6000", "warn", "low")]
    assert body["findings"][3]["fix"].startswith("Change sysctl value")


@pytest.mark.parametrize("name", ["xccdf-results.xml", "arf.xml"])
def test_xccdf_and_arf(entente, name):
    body = imported(entente, name)
    assert (body["tool"], body["asset"]) == ("openscap 1.3.7", "db2.example.org")
    assert body["time"] == "2026-11-20T10:00:00Z"
    rows = {row["rule"]: row for row in body["findings"]}
    assert set(rows) == {"sshd_disable_root_login", "enable_aslr", "broken"}
    row = rows["sshd_disable_root_login"]
    assert (row["outcome"], row["severity"], row["text"], row["title"], row["reference"]) == (
        "fail", "high", "PermitRootLogin is yes", "Disable SSH Root Login", "anssi-bp-028:R33")
    assert rows["enable_aslr"]["outcome"] == "pass" and rows["broken"]["outcome"] == "error"


def test_sarif(entente):
    body = imported(entente, "scanner.sarif", "--asset", "builder")
    assert (body["tool"], body["asset"]) == ("Scanner 2.4", "builder")
    one, two, three, four, five = body["findings"]
    assert (one["outcome"], one["severity"], one["path"], one["line"]) == (
        "fail", "critical", "src/a b.c", 12)
    assert (two["rule"], two["outcome"], two["reference"]) == ("R2", "warn", "lynis:SSH-7408")
    assert three["outcome"] == "pass"
    assert four["text"].startswith("[suppressed: a test]")
    assert (five["rule"], five["outcome"], five["severity"]) == ("R4", "fail", "high")


def assess(entente):
    return json.loads(entente("assess", "--no-walk", "--no-save", "--format", "json").stdout)


def test_imports_are_shown_with_their_source_and_never_scored(entente):
    before = assess(entente)
    entente("import", VECTORS / "arf.xml", VECTORS / "lynis-report.dat")
    entente("import", VECTORS / "lynis-report.dat")
    after = assess(entente)
    rows = [row for row in after["findings"] if "source" in row]
    assert {row["source"] for row in rows} == {"lynis 3.0.8", "openscap 1.3.7"}
    names = [row["measure"] for row in rows]
    assert sorted(names) == sorted(set(names)), "a second import of a file takes the first's place"
    ssh = next(row for row in rows if row["measure"] == "lynis.SSH-7408")
    assert len(ssh["evidence"]) == 2
    assert after["assets"][ssh["asset"]]["name"] == "web1"
    root = next(row for row in rows if row["measure"] == "openscap.sshd_disable_root_login")
    assert root["outcome"] == "fail" and root["evidence"][0]["found"] == "PermitRootLogin is yes"
    counts = [[sum(principle["counts"].values()) for principle in run["principles"]]
              for run in (before, after)]
    assert counts[0] == counts[1]
    assert entente("diff", status=2).returncode == 2


def test_hostile_documents_are_refused(entente, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("do not read me")
    bomb = "".join(f'<!ENTITY e{i} "{("&e%d;" % (i - 1)) * 20}">' for i in range(1, 20))
    documents = {
        "bomb.xml": f'<!DOCTYPE a [<!ENTITY e0 "x">{bomb}]><a>&e19;</a>',
        "external.xml": f'<!DOCTYPE a [<!ENTITY e SYSTEM "file://{secret}">]><a>&e;</a>',
        "other.xml": "<a/>",
        "broken.xml": '<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2"><TestResult>',
        "deep.xml": '<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2">' + "<a>" * 100000,
        "old.sarif": '{"version": "2.0.0", "runs": []}',
        "toolless.sarif": '{"version": "2.1.0", "runs": [{"results": []}]}',
        "deep.sarif": "[" * 100000,
        "text.txt": "nothing of the kind",
        "empty": "",
    }
    for name, text in documents.items():
        (tmp_path / name).write_text(text)
        done = entente("import", tmp_path / name, status=2)
        assert name in done.stderr and "do not read me" not in done.stderr
    assert entente("journal", "list", "--format", "json").stdout == ""


def test_long_findings_are_cut_to_what_is_kept(entente, tmp_path):
    rules = [{"id": f"R{i}", "shortDescription": {"text": "t" * 400}, "help": {"text": "h" * 400}}
             for i in range(4900)]
    results = [{"ruleId": f"R{i}", "level": "error" if i == 4899 else "none",
                "message": {"text": '"' * 400}} for i in range(4900)]
    (tmp_path / "long.sarif").write_text(json.dumps({
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "long", "rules": rules}}, "results": results}]}))
    done = entente("import", tmp_path / "long.sarif")
    assert "1 failing (more than are kept)" in done.stdout


def test_too_many_findings_keep_the_failing_ones(entente, tmp_path):
    results = [{"ruleId": f"P{i}", "kind": "pass", "level": "none", "message": {"text": "x" * 900}}
               for i in range(6000)]
    results.append({"ruleId": "BAD", "level": "error", "message": {"text": "the one that matters"}})
    (tmp_path / "many.sarif").write_text(json.dumps({
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "many\u001b[31m"}}, "results": results}]}))
    done = entente("import", tmp_path / "many.sarif")
    assert "5000 findings, 1 failing (more than are kept)" in done.stdout
    assert "\u001b" not in done.stdout


def test_blank_names_are_no_names(entente, tmp_path):
    (tmp_path / "tool.sarif").write_text(
        '{"version":"2.1.0","runs":[{"tool":{"driver":{"name":" "}}}]}')
    done = entente("import", tmp_path / "tool.sarif", status=2)
    assert "names its tool" in done.stderr
    results = [{"ruleId": " "}, {"ruleId": "real"}]
    (tmp_path / "rule.sarif").write_text(json.dumps({"version": "2.1.0", "runs": [
        {"tool": {"driver": {"name": "x"}}, "results": results}]}))
    assert [row["rule"] for row in imported(entente, tmp_path / "rule.sarif")["findings"]] == ["real"]
