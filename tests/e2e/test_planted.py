"""A judge that crashes and one that never ends cost their own finding and nothing else."""
import json
import os
import pathlib
import subprocess

import pytest

from conftest import BINARY
from waiting import PATIENCE, until

PLANTED = pathlib.Path(BINARY).resolve().parents[1] / "tests" / "planted" / "entente-planted"
MEASURES = {"host.ssh.planted-null": "crash", "host.ssh.planted-loop": "timeout"}


def findings(entente, binary, *arguments):
    """(measure, asset's kind) -> finding, in the order of the report."""
    done = subprocess.run([binary, "assess", "--format", "json", "--quiet", "--no-save", *arguments],
                          env=entente.environment, cwd=entente.folder, capture_output=True,
                          timeout=2 * PATIENCE)
    assert done.returncode == 0, done.stderr[-4000:].decode(errors="replace")
    report = json.loads(done.stdout)
    for finding in report["findings"]:
        for member in ("first_seen", "last_changed"):  # the time of the run
            finding.pop(member, None)
        for line in finding.get("evidence", []):
            if line["type"] == "redacted":  # a digest with a salt of its own
                del line["found"]
        finding["asset"] = report["assets"][finding["asset"]]["kind"]
    return report, {(one["measure"], one["asset"]): one for one in report["findings"]}


def differences(entente, reduce, *arguments):
    """
    Two more findings, both errors with their reason; what of all others is not as the real program
    has them, which is asked before and after, for a machine changes while it is looked at.
    """
    if not PLANTED.exists():
        pytest.skip(f"{PLANTED} is not built")
    _, before = findings(entente, BINARY, *arguments)
    report, planted = findings(entente, PLANTED, *arguments)
    real_report, after = findings(entente, BINARY, *arguments)
    errors = {measure: (one["outcome"], one.get("reason"))
              for (measure, _), one in planted.items() if measure in MEASURES}
    assert errors == {measure: ("error", reason) for measure, reason in MEASURES.items()}
    others = {key: one for key, one in planted.items() if key[0] not in MEASURES}
    if not list(others) == list(before) == list(after):
        return sorted(map(str, set(others) ^ set(before) | set(others) ^ set(after))) or ["the order"]
    found = [str(key) for key, one in others.items()
             if reduce(one) not in (reduce(before[key]), reduce(after[key]))]
    for real, other in zip(real_report["principles"], report["principles"]):
        added = 2 if real["n"] == 7 else 0
        if other["counts"]["error"] != real["counts"]["error"] + added:
            found.append(f"errors of principle {real['n']}")
    return found


def test_on_a_tree(entente, shared, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can unpack a tree with its owners")
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["tar", "-xJf", shared / "data/hygiene/dev-bad.tar.xz", "-C", root,
                    "--numeric-owner", "--same-permissions"], check=True)
    assert differences(entente, lambda finding: finding, "--root", root) == []


def test_on_the_running_machine(entente):
    """Its details change while it runs (who listens, what is logged); its outcomes seldom do, by what
    other programs do there: then it is looked at again."""
    found = []

    def is_the_same():
        found[:] = differences(entente, lambda finding: (finding["outcome"], finding.get("reason")),
                               "--no-walk")
        return not found

    until(is_the_same, what="the same report", why=lambda: ", ".join(found))
