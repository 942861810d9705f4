"""The host audit on whole file trees: the two reference trees, and trees made to hurt."""
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from conftest import BINARY
from waiting import PATIENCE

HOSTILE_LIMIT_S = PATIENCE  # of an audit that takes one or two on an idle machine
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
    found = outcomes(entente, root, timeout=HOSTILE_LIMIT_S)
    assert not [key for key, finding in found.items() if finding["outcome"] == "error"]
    # The running value is good, but what the next boot sets cannot be read.
    assert (found["KERN-01"]["outcome"], found["KERN-01"]["reason"]) == ("not-measured", "unreadable")
    assert found["KERN-01"]["detail"] == "/etc/sysctl.d/10-fifo.conf"
    assert found["BOOT-01"]["outcome"] == "not-measured"
    assert found["BOOT-01"]["reason"] == "unreadable"


@pytest.mark.parametrize("minor, measured", [(3, True), (5, False)])
def test_only_the_null_device_masks_a_file(entente, tmp_path, minor, measured):
    """A link to /dev/null, or the device itself, says on purpose that there is nothing."""
    root = tmp_path / "root"
    for folder in ("etc/sysctl.d", "etc/modprobe.d", "proc/sys/kernel"):
        (root / folder).mkdir(parents=True)
    (root / "proc/sys/kernel/randomize_va_space").write_text("2\n")
    (root / "etc/sysctl.d/20-aslr.conf").write_text("kernel.randomize_va_space = 2\n")
    try:
        os.mknod(root / "etc/sysctl.d/10-masked.conf", stat.S_IFCHR | 0o644, os.makedev(1, minor))
    except PermissionError:
        pytest.skip("no devices may be made here")
    finding = outcomes(entente, root)["KERN-01"]
    assert (finding["outcome"] == "pass") == measured, finding
    assert (finding["outcome"] == "not-measured") != measured, finding


NOBODY = 65534
# What the audit reads: everything in these folders, and these files.
SOURCES = ["etc", "boot/grub/grub.cfg", "home", "proc/cmdline", "proc/net", "proc/self", "proc/swaps",
           "root", "usr/lib/sysctl.d", "usr/lib/systemd/system", "var/lib/apt/lists",
           "var/lib/dpkg/status", "var/spool/cron"]
# Evidence of who may change a file, not of what it says.
OWNERSHIP_KEYS = {"mode", "owner"}
OWNERSHIP = re.compile(r"^0\d{3}, uid \d")


def put_fifo(path):
    path.unlink()
    os.mkfifo(path)


def put_folder(path):
    path.unlink()
    path.mkdir()
    (path / path.name).write_text("root:x:0:0::/:/bin/sh\n")


def put_gigabyte(path):
    os.truncate(path, 1 << 30)


def put_binary(path):
    path.write_bytes(bytes(range(256)) * 64 + b"\xff" * 70000)


def put_loop(path):
    path.unlink()
    path.symlink_to(path.name)


def put_socket(path):
    path.unlink()
    folder = os.open(path.parent, os.O_RDONLY)  # the name of a socket has room for 107 bytes only
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def put_device(path):
    path.unlink()
    try:
        os.mknod(path, stat.S_IFCHR | 0o644, os.makedev(1, 5))  # /dev/zero never ends
    except PermissionError:
        pytest.skip("no devices may be made here")


def put_unreadable(path):
    path.chmod(0)


HOSTILE = [put_fifo, put_folder, put_gigabyte, put_binary, put_loop, put_socket, put_device,
           put_unreadable]


@pytest.fixture(scope="module")
def good_tree(shared):
    """dev-good where anybody may go, with the program: (folder, program)."""
    if os.geteuid() != 0:
        pytest.skip("only root can unpack a tree with its owners")
    with tempfile.TemporaryDirectory(prefix="entente-trees-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "good").mkdir()
        subprocess.run(["tar", "-xJf", shared / "data/hygiene/dev-good.tar.xz", "-C", folder / "good",
                        "--numeric-owner", "--same-permissions"], check=True)
        (folder / "good").chmod(0o755)
        for name in ("etc/cron.d/job", "var/spool/cron/crontabs/root", "etc/apt/sources.list.d/a.list",
                     "var/lib/apt/lists/deb.example_dists_main_binary-amd64_Packages"):
            path = folder / "good" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        shutil.copy(BINARY, folder / "entente")
        yield folder


def audit(entente, program, root, user=None):
    """(seconds, measure -> finding)"""
    start = time.monotonic()
    environment = {**entente.environment, "ENTENTE_DATA": str(root.parent / f"data-{user}")}
    done = subprocess.run([program, "assess", "--root", root, "--format", "json", "--quiet"],
                          env=environment, cwd="/", capture_output=True, user=user, group=user,
                          extra_groups=[] if user else None, timeout=10 * HOSTILE_LIMIT_S)
    assert done.returncode == 0, done.stderr[-4000:].decode(errors="replace")
    findings = json.loads(done.stdout)["findings"]
    return time.monotonic() - start, {finding["measure"]: finding for finding in findings}


def hostile_tree(good_tree, put):
    """A copy of the good tree with every source spoiled, and the names of what was."""
    root = good_tree / "hostile"
    subprocess.run(["rm", "-rf", root], check=True)
    subprocess.run(["cp", "-a", good_tree / "good", root], check=True)
    names = set()
    for source in SOURCES:
        path = root / source
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and not file.is_symlink():
                put(file)
                names.add("/" + str(file.relative_to(root)))
    return root, names


def read_only_from(finding, names):
    """Whether a pass rests on the content of these files and on nothing else."""
    lines = finding.get("evidence", [])
    return bool(lines) and all(line.get("path") in names and line.get("key") not in OWNERSHIP_KEYS
                               and not OWNERSHIP.match(line.get("found", "")) for line in lines)


@pytest.mark.parametrize("put", HOSTILE, ids=lambda put: put.__name__[4:])
def test_a_tree_of_hostile_files(entente, good_tree, put):
    """Every measure answers in time, and none passes for what it could not read."""
    user = NOBODY if put is put_unreadable else None
    _, good = audit(entente, good_tree / "entente", good_tree / "good")
    root, names = hostile_tree(good_tree, put)
    assert {"/etc/passwd", "/etc/shadow", "/etc/ssh/sshd_config", "/etc/sudoers", "/etc/crontab",
            "/etc/cron.d/job", "/etc/apt/sources.list", "/etc/apt/sources.list.d/a.list",
            "/etc/systemd/system/restic.service"} <= names
    seconds, found = audit(entente, good_tree / "entente", root, user)
    assert seconds < HOSTILE_LIMIT_S
    assert set(found) == set(good)
    assert not [one for one in found.values() if one["outcome"] == "error"]
    # Bytes that can be read are comments to most programs, and a device masks a file of settings.
    if put not in (put_binary, put_device):
        wrong = [found[name] for name, one in good.items()
                 if one["outcome"] == "pass" and read_only_from(one, names)
                 and found[name]["outcome"] == "pass"]
        assert not wrong, json.dumps([{**one, "before": good[one["measure"]]} for one in wrong],
                                     indent=1)


def test_includes_that_loop(entente, good_tree):
    """Files that include themselves or one another."""
    root = good_tree / "loops"
    subprocess.run(["cp", "-a", good_tree / "good", root], check=True)
    for path, text in {
            "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config\nInclude /etc/ssh/*\n",
            "etc/ssh/ssh_config": "Include /etc/ssh/ssh_config\n",
            "etc/sudoers": "@include /etc/sudoers\n@includedir /etc\n#include sudoers\n",
            "etc/sudoers.d/again": "@includedir /etc/sudoers.d\n@include /etc/sudoers\n",
            "etc/pam.d/common-auth": "@include common-auth\nauth include sshd\n",
            "etc/pam.d/sshd": "auth substack common-auth\n@include sshd\n",
            "etc/rsyslog.conf": '$IncludeConfig /etc/rsyslog.conf\ninclude(file="/etc/rsyslog.conf")\n',
            "etc/nftables.conf": 'include "/etc/nftables.conf"\ninclude "/etc/*.conf"\n',
            "etc/chrony/chrony.conf": "include /etc/chrony/chrony.conf\nconfdir /etc/chrony\n",
            "etc/apt/apt.conf": '#include "/etc/apt/apt.conf";\n',
            "etc/ssl/openssl.cnf": ".include /etc/ssl/openssl.cnf\n.include /etc/ssl\n",
            "etc/logrotate.conf": "include /etc/logrotate.conf\ninclude /etc/logrotate.d\n",
            "etc/systemd/system/a.service": "[Unit]\nRequires=b.service\nAfter=b.service\n",
            "etc/systemd/system/b.service": "[Unit]\nRequires=a.service\nAfter=a.service\n",
            "etc/profile": ". /etc/profile\nsource /etc/profile\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "etc/ssh/sshd_config.d").mkdir(exist_ok=True)
    (root / "etc/systemd/system/c.service").symlink_to("d.service")
    (root / "etc/systemd/system/d.service").symlink_to("c.service")
    (root / "home/loop").symlink_to("../home")
    (root / "up").symlink_to("..")
    seconds, found = audit(entente, good_tree / "entente", root)
    assert seconds < HOSTILE_LIMIT_S
    assert not [one for one in found.values() if one["outcome"] == "error"]
    assert found["host.ssh.root-login"]["outcome"] != "pass"
