"""The host audit on whole file trees: the two reference trees, and trees made to hurt."""
import json
import os
import subprocess
import time

import pytest

OUTCOMES = {"must_pass": "pass", "must_fail": "fail"}


def outcomes(entente, root, **options):
    """Catalogue id -> finding of `entente assess --root`."""
    done = entente("assess", "--root", root, "--format", "json", "--quiet", **options)
    report = json.loads(done.stdout)
    return {report["measures"][finding["measure"]].get("catalogue_id"): finding
            for finding in report["findings"] if not finding.get("source")}


@pytest.mark.parametrize("name", ["dev-good", "dev-bad"])
def test_reference_tree(entente, shared, tmp_path, name):
    if os.geteuid() != 0:
        pytest.skip("only root can unpack a tree with its owners")
    folder = shared / "data" / "hygiene"
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["tar", "-xJf", folder / f"{name}.tar.xz", "-C", root, "--numeric-owner",
                    "--same-permissions"], check=True)
    expected = json.loads((folder / "expected.json").read_text())[name]
    found = outcomes(entente, root)
    wrong = [(key, wanted, found[key])
             for rule, wanted in OUTCOMES.items() for key in expected[rule]
             if key in found and found[key]["outcome"] != wanted]
    assert not wrong, json.dumps(wrong, indent=1)
    assert not [key for key, finding in found.items() if finding["outcome"] == "error"]


def test_an_empty_tree_passes_nothing_it_did_not_see(entente, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    found = outcomes(entente, root)
    groups = ("BOOT-", "KERN-", "NETK-", "MODS-", "FSYS-", "TIME-")
    passed = {key for key, finding in found.items()
              if key and key.startswith(groups) and finding["outcome"] == "pass"}
    assert not passed


def test_hostile_kernel_files(entente, tmp_path):
    """A FIFO, a loop, a gigabyte and binary bytes where settings are read: no hang, no crash."""
    root = tmp_path / "root"
    for folder in ("etc/sysctl.d", "etc/modprobe.d", "proc/sys/kernel", "proc/self", "etc/grub.d",
                   "boot/grub"):
        (root / folder).mkdir(parents=True)
    os.mkfifo(root / "etc/sysctl.d/10-fifo.conf")
    (root / "etc/sysctl.d/20-loop.conf").symlink_to("20-loop.conf")
    (root / "etc/sysctl.d/30-binary.conf").write_bytes(bytes(range(256)) * 64)
    with open(root / "etc/modprobe.d/huge.conf", "wb") as huge:
        huge.truncate(1 << 30)
    (root / "proc/self/mountinfo").write_bytes(b"\\" * 4096 + b"\n- - - -\n")
    (root / "etc/fstab").symlink_to("/etc/fstab")
    (root / "proc/cmdline").write_bytes(b'"' * 10000)
    os.mkfifo(root / "boot/grub/grub.cfg")
    (root / "proc/sys/kernel/randomize_va_space").write_text("2\n")
    start = time.monotonic()
    found = outcomes(entente, root)
    assert time.monotonic() - start < 20
    assert not [key for key, finding in found.items() if finding["outcome"] == "error"]
    assert found["KERN-01"]["outcome"] == "pass"
    assert found["BOOT-01"]["outcome"] == "not-measured"
    assert found["BOOT-01"]["reason"] == "unreadable"
