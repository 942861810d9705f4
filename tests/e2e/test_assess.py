"""entente assess as its user meets it: on this machine, on trees, on hostile trees.

Exercises cmd_assess, cmd_explain and cmd_measures (src/cli), and confine and landlock
(src/sandbox), in which what reads a hostile tree runs.
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tempfile

import jsonschema
import pytest

from conftest import BINARY, ROOT
from waiting import PATIENCE, until

SCHEMA = json.loads((ROOT / "docs" / "schema" / "assessment.json").read_text())


def valid(document):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    errors = list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document))
    assert not errors, [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in errors[:5]]
    return document


def outcomes(document):
    return {finding["measure"]: finding["outcome"] for finding in document["findings"]}


def runs(entente):
    folder = entente.folder / "data" / "reports"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_the_first_run(entente):
    text = entente("assess", "--no-walk").stdout
    rows = re.findall(r"^([1-9])  (.+?)  +(\d+|not assessed) +(\d+ %|–)", text, re.M)
    assert [int(row[0]) for row in rows] == list(range(1, 10))
    assert "Cyber hygiene" in text and "Most valuable fixes" in text
    (run,) = runs(entente)
    assert str(run) in text
    assert run.stat().st_mode & 0o777 == 0o700
    kept = run / "assessment.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    document = valid(json.loads(kept.read_text()))
    assert document["run"]["id"] == run.name
    for row, principle in zip(rows, document["principles"]):
        shown = None if row[2] == "not assessed" else int(row[2])
        assert shown == principle["score"], row


def test_the_document(entente):
    document = valid(json.loads(entente("assess", "--no-walk", "--format", "json").stdout))
    assert document["schema"] == "entente/assessment/1"
    measures = document["measures"]
    for finding in document["findings"]:
        assert finding["asset"] < len(document["assets"])
        if "walk" in measures[finding["measure"]]["needs"]:
            assert (finding["outcome"], finding["reason"]) == ("not-measured", "skipped")
    errors = [f for f in document["findings"] if f["outcome"] == "error"]
    assert not errors, errors
    # Scores are what the formula of docs/scoring.md gives.
    severities = {"critical": 10, "high": 5, "medium": 3, "low": 1, "info": 0}
    factors = {"low": 1, "normal": 2, "high": 3}
    for principle in document["principles"]:
        met = unmet = unassessed = 0
        for finding in document["findings"]:
            measure = measures[finding["measure"]]
            if measure["principle"] != principle["n"]:
                continue
            weight = (severities[measure["severity"]]
                      * factors[document["assets"][finding["asset"]]["criticality"]])
            outcome = finding["outcome"]
            met += {"pass": weight, "warn": weight / 2}.get(outcome, 0)
            unmet += {"fail": weight, "warn": weight / 2}.get(outcome, 0)
            unassessed += weight if outcome in ("not-measured", "error") else 0
        assert principle["weights"] == {"met": met, "unmet": unmet, "unassessed": unassessed}
        measured = met + unmet
        applicable = measured + unassessed
        assert principle["score"] == (int(100 * met // measured) if measured else None)
        assert principle["coverage"] == (int(100 * measured // applicable) if applicable else None)


def test_two_runs_agree(alone, entente):
    first = json.loads(alone("assess", "--no-walk", "--format", "json").stdout)
    second = json.loads(alone("assess", "--no-walk", "--format", "json").stdout)
    one, two = outcomes(first), outcomes(second)
    assert {key: (one[key], two[key]) for key in one if one[key] != two[key]} == {}
    assert first["run"]["nonce"] != second["run"]["nonce"]
    assert len(runs(entente)) == 2


def test_the_digest_is_that_of_the_catalogue(entente):
    rows = json.loads(entente("measures", "--format", "json").stdout)
    canonical = json.dumps(rows, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
    document = json.loads(entente("assess", "--no-walk", "--no-save", "--format", "json").stdout)
    assert document["run"]["catalogue"] == digest


def test_what_is_asked_for_is_judged(entente):
    document = json.loads(entente("assess", "--principle", "2", "--no-walk", "--format", "json").stdout)
    assert {measure["principle"] for measure in document["measures"].values()} == {2}
    document = json.loads(entente("assess", "--measure", "SSHD-01", "--format", "json").stdout)
    assert list(document["measures"]) == ["host.ssh.root-login"]
    assert not runs(entente), "a part of the catalogue is not kept"
    entente("assess", "--measure", "SSHD-01", "--save")
    assert len(runs(entente)) == 1
    assert "host.nothing" in entente("assess", "--measure", "host.nothing", status=2).stderr
    assert "1 to 9" in entente("assess", "--principle", "10", status=2).stderr


def make_tree(folder, root_login):
    (folder / "etc" / "ssh").mkdir(parents=True)
    (folder / "usr" / "sbin").mkdir(parents=True)
    (folder / "usr" / "sbin" / "sshd").write_bytes(b"\x7fELF")
    (folder / "etc" / "hostname").write_text("tree.example\n")
    (folder / "etc" / "ssh" / "sshd_config").write_text(f"PermitRootLogin {root_login}\n")
    return folder


def assess_tree(entente, tree, *more):
    return valid(json.loads(entente("assess", "--root", tree, "--format", "json", *more).stdout))


def test_a_tree(entente, tmp_path):
    good = assess_tree(entente, make_tree(tmp_path / "good", "no"))
    bad = assess_tree(entente, make_tree(tmp_path / "bad", "yes"))
    assert outcomes(good)["host.ssh.root-login"] == "pass"
    assert outcomes(bad)["host.ssh.root-login"] == "fail"
    assert bad["assets"] == [{"id": "host:tree.example", "kind": "host", "name": "tree.example",
                              "criticality": "normal"}]
    assert bad["run"]["root"] == str(tmp_path / "bad")
    for finding in bad["findings"]:
        if "live" in bad["measures"][finding["measure"]]["needs"]:
            assert finding["outcome"] == "not-measured" and finding["reason"] == "offline"
    assert not runs(entente)


def test_fail_on(entente, tmp_path):
    tree = make_tree(tmp_path / "bad", "yes")
    only = ["assess", "--root", tree, "--measure", "host.ssh.root-login"]
    entente(*only, status=0)
    entente(*only, "--fail-on", "high", status=1)
    entente(*only, "--fail-on", "critical", status=0)
    assert "severity" in entente(*only, "--fail-on", "severe", status=2).stderr


def test_a_hostile_tree_neither_hangs_nor_crashes(entente, tmp_path):
    tree = make_tree(tmp_path / "tree", "no")
    config = tree / "etc" / "ssh" / "sshd_config"
    with open(config, "r+b") as stream:
        stream.truncate(1 << 30)
    os.mkfifo(tree / "etc" / "passwd")
    (tree / "etc" / "shadow").symlink_to("shadow")
    (tree / "etc" / "group").write_bytes(bytes(range(256)) * 4096)
    (tree / "etc" / "sudoers").mkdir()
    (tree / "etc" / "loop").symlink_to("..")
    (tree / "etc" / "fstab").write_text("x" * 1_000_000)
    (tree / "etc" / "login.defs").symlink_to("/../../../../../../etc/login.defs")
    unreadable = tree / "etc" / "securetty"
    unreadable.write_text("secret")
    unreadable.chmod(0)
    document = assess_tree(entente, tree)
    errors = [f for f in document["findings"] if f["outcome"] == "error"]
    assert not errors, errors
    assert outcomes(document)["host.ssh.root-login"] == "not-measured"


def test_evidence_does_not_reach_the_terminal_raw(entente, tmp_path):
    tree = make_tree(tmp_path / "tree", "yes")
    (tree / "etc" / "hostname").write_text("a\033]0;owned\a\n")
    text = entente("assess", "--root", tree, "--measure", "SSHD-01").stdout
    assert "\033" not in text and "\a" not in text


def test_no_tree_is_a_clear_error(entente, tmp_path):
    assert "cannot be audited" in entente("assess", "--root", tmp_path / "none", status=3).stderr


def test_french(entente):
    text = entente("assess", "--no-walk", "--no-save", "--lang", "fr").stdout
    assert "Cyber-hygiène" in text and "COUVERTURE" in text and "not assessed" not in text


def workers_of(pid):
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(child) for child in children]


def test_workers_do_not_outlive_the_program(entente):
    process = subprocess.Popen([BINARY, "assess"], cwd=entente.folder, env=entente.environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    workers = []
    while process.poll() is None and not workers:
        workers = workers_of(process.pid)
    process.kill()
    process.wait()
    until(lambda: not any(is_running(worker) for worker in workers), what="the end of the workers")


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except (OSError, IndexError):
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_without_privileges(entente):
    nobody = 65534
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o777)
        done = subprocess.run([BINARY, "assess", "--no-walk", "--format", "json"], cwd=folder,
                              env={**entente.environment, "ENTENTE_DATA": folder + "/data"},
                              user=nobody, group=nobody, extra_groups=[], capture_output=True,
                              text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
    document = valid(json.loads(done.stdout))
    assert not [f for f in document["findings"] if f["outcome"] == "error"]
    assert any(f.get("reason") == "needs-root" for f in document["findings"])


def test_explain(entente):
    text = entente("explain", "SSHD-01").stdout
    assert "host.ssh.root-login" in text and "PermitRootLogin" in text and "man:sshd_config(5)" in text
    text = entente("explain", "7", "--lang", "fr").stdout
    assert "hygiène informatique" in text and "host.ssh.root-login" in text
    assert json.loads(entente("explain", "2", "--format", "json").stdout)["number"] == 2
    entente("explain", status=2)
    entente("explain", "0", status=2)


def test_measures(entente):
    rows = json.loads(entente("measures", "--format", "json").stdout)
    text = entente("measures").stdout
    markdown = entente("measures", "--format", "markdown").stdout
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    for row in rows:
        assert row["id"] in text and f"`{row['id']}`" in markdown
        assert row["title"]["fr"] and row["why"]["fr"] and row["fix"]["fr"]
