"""The walk-through of docs/operations.md, pasted as it stands, on ports that are free.

It is where most commands of src/cli work together, among them key_root, policy_check, policy_eval,
policy_margin, log_prove, cmd_attest, cmd_commitment, cmd_publish and cmd_progress.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from community import unleaked
from ports import free_port
from conftest import BINARY, ROOT
from waiting import PATIENCE

PORTS = ("5390", "8080", "8081", "8082", "8083")


def walkthrough():
    text = (pathlib.Path(ROOT) / "docs/operations.md").read_text()
    section = text.partition("## A first community on one machine\n")[2].partition("\n## ")[0]
    return "".join(re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S))


@pytest.mark.skipif(not shutil.which("jq") or not shutil.which("curl"), reason="needs jq and curl")
def test_a_first_community_on_one_machine(tmp_path):
    script = walkthrough()
    assert all(port in script for port in PORTS)
    ports = {port: str(free_port()) for port in PORTS}  # one may have the digits of another in it
    script = re.sub("|".join(PORTS), lambda found: ports[found[0]], script)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/entente").symlink_to(pathlib.Path(BINARY).resolve())
    work = tmp_path / "work"
    work.mkdir()
    environment = unleaked({**os.environ, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8",
                            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"})
    done = subprocess.run(
        ["bash", "-c", "set -e -o pipefail; trap '[ -z \"$nodes\" ] || kill $nodes $ville $ngo' ERR\n" + script],
        cwd=work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=10 * PATIENCE)
    said = done.stdout[-3000:] + done.stderr[-3000:]
    assert done.returncode == 0, said
    assert "accepted; the log promises" not in done.stderr, "the quorum cosigned at once: " + said
    assert "unwitnessed" not in done.stdout + done.stderr, said
    register = json.loads((work / "register.json").read_text())
    assert not register["refused"], register["refused"]
    assert len(register["signatories"]) == 4
