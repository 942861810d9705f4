"""entente fix: plan, apply, undo, and what happens when it is killed, late, or would lock out.

Saved plans that were damaged or tampered with: fix_plan_json. Links that a user planted: fix_trust.

Exercises cmd_fix (src/cli) with every option of it.
"""
import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tarfile

import pytest

import plans

SSHD = pathlib.Path("/usr/sbin/sshd")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="owners can be restored by root only")


def snapshot(folder):
    """Everything a user could notice of a tree; folders without their times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        entry = [stat.filemode(status.st_mode), status.st_uid, status.st_gid]
        if path.is_symlink():
            entry.append(os.readlink(path))
        elif path.is_file():
            entry += [path.read_bytes(), status.st_mtime_ns,
                      [(name, os.getxattr(path, name)) for name in os.listxattr(path)]]
        found[str(path.relative_to(folder))] = entry
    return found


def contents(folder):
    """As snapshot(), without times and attributes."""
    return {path: entry[:4] for path, entry in snapshot(folder).items()}


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    files = {
        "etc/ssh/sshd_config": "# kept\nInclude /etc/ssh/sshd_config.d/*.conf\n"
                               "PermitEmptyPasswords yes\nMaxAuthTries 10\n",
        "etc/sysctl.conf": "# kept\nkernel.randomize_va_space = 0\n",
        "etc/passwd": "root:x:0:0::/root:/bin/bash\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "etc/ssh/sshd_config").chmod(0o666)
    return folder


IDS = ["SSHD-02", "SSHD-14", "KERN-01"]


def plan_of(entente, tree, *ids):
    return json.loads(entente("fix", "--root", tree, "--format", "json", *(ids or IDS)).stdout)


def stage_of(entente, plan_hash):
    rows = json.loads(entente("fix", "--list", "--format", "json").stdout)
    return next(row["stage"] for row in rows if row["hash"] == plan_hash)


def outcomes(entente, tree, ids):
    arguments = [word for name in ids for word in ("--measure", name)]
    document = json.loads(entente("assess", "--root", tree, "--format", "json", *arguments).stdout)
    return {document["measures"][finding["measure"]]["catalogue_id"]: finding["outcome"]
            for finding in document["findings"]}


def test_plan_changes_nothing_and_is_the_same_twice(entente, tree):
    before = snapshot(tree)
    plan = plan_of(entente, tree)
    assert plan["hash"] == plan_of(entente, tree)["hash"]
    assert snapshot(tree) == before
    saved = entente.folder / "data/fixes" / plan["hash"] / "plan.json"
    assert hashlib.sha256(saved.read_bytes()).hexdigest() == plan["hash"]
    paths = {edit["path"]: edit for edit in plan["edits"]}
    assert "+PermitEmptyPasswords no" in paths["/etc/ssh/sshd_config.d/00-entente.conf"]["change"]
    assert "mode 0666 becomes 0600" in paths["/etc/ssh/sshd_config"]["change"]
    text = entente("fix", "--plan", "--root", tree, *IDS).stdout
    assert plan["hash"] in text and "+PermitEmptyPasswords no" in text


def test_apply_makes_it_pass_and_undo_brings_it_back(entente, tree):
    before = snapshot(tree)
    assert set(outcomes(entente, tree, IDS).values()) & {"fail", "warn"}
    plan = plan_of(entente, tree)
    entente("fix", "--apply", "--plan-hash", plan["hash"][:12])
    assert set(outcomes(entente, tree, IDS).values()) == {"pass"}
    assert (tree / "etc/ssh/sshd_config").read_text().startswith("# kept\n")
    assert plan_of(entente, tree)["edits"] == []
    entente("fix", "--undo", plan["hash"])
    assert snapshot(tree) == before
    entente("fix", "--undo", plan["hash"], status=3)


@root_only
def test_everything_on_a_badly_kept_machine(entente, shared, tmp_path):
    tree = tmp_path / "dev-bad"
    with tarfile.open(shared / "data/hygiene/dev-bad.tar.xz") as archive:
        archive.extractall(tree, numeric_owner=True)
    before = snapshot(tree)
    everything = json.loads(entente("fix", "--root", tree, "--format", "json").stdout)
    assert len(everything["measures"]) > 30
    entente("fix", "--apply", "--plan-hash", everything["hash"])
    again = json.loads(entente("fix", "--root", tree, "--format", "json").stdout)
    assert again["edits"] == []
    # What the kernel runs with is part of the tree's proc/, which no fix of files changes. Of the
    # others some need more than files (a package, a new key, a mount), never as many as a third.
    files = [name for name in everything["measures"]
             if not name.startswith(("host.kernel.", "host.network."))]
    results = outcomes(entente, tree, files)
    better = [name for name, outcome in results.items() if outcome == "pass"]
    assert len(better) > 2 / 3 * len(results), results
    entente("fix", "--undo")
    assert snapshot(tree) == before


def test_a_file_changed_since_the_plan_stops_it(entente, tree):
    plan = plan_of(entente, tree)
    (tree / "etc/sysctl.conf").write_text("kernel.randomize_va_space = 1\n")
    before = snapshot(tree)
    done = entente("fix", "--apply", "--plan-hash", plan["hash"], status=3)
    assert "/etc/sysctl.conf" in done.stderr
    assert snapshot(tree) == before


def test_undo_refuses_over_foreign_changes(entente, tree):
    before = contents(tree)
    plan = plan_of(entente, tree)
    entente("fix", "--apply", "--plan-hash", plan["hash"])
    (tree / "etc/sysctl.conf").write_text("kernel.randomize_va_space = 1\n")
    after = snapshot(tree)
    done = entente("fix", "--undo", status=4)
    assert "/etc/sysctl.conf" in done.stderr
    assert snapshot(tree) == after
    entente("fix", "--undo", "--force")
    assert contents(tree) == before


def test_a_saved_plan_that_was_tampered_with_is_refused(entente, tree):
    plan = plan_of(entente, tree)
    saved = entente.folder / "data/fixes" / plan["hash"] / "plan.json"
    saved.write_bytes(saved.read_bytes().replace(b"PermitEmptyPasswords no",
                                                 b"PermitEmptyPasswords NO"))
    before = snapshot(tree)
    done = entente("fix", "--apply", "--plan-hash", plan["hash"], status=None)
    assert done.returncode != 0 and str(saved) in done.stderr
    assert snapshot(tree) == before
    # Nor one whose hash is right, but whose content is not what its own digest says.
    bad = saved.read_bytes()
    digest = hashlib.sha256(bad).hexdigest()
    saved.parent.rename(saved.parents[1] / digest)
    done = entente("fix", "--apply", "--plan-hash", digest, status=2)
    assert digest in done.stderr
    assert snapshot(tree) == before


def test_a_damaged_plan_stops_no_other(entente, tree):
    before = snapshot(tree)
    first = plan_of(entente, tree, "KERN-01")
    second = plan_of(entente, tree, "SSHD-02")
    foreign = plan_of(entente, tree, "SSHD-14")
    store = entente.folder / "data/fixes"
    saved = store / first["hash"] / "plan.json"
    good = saved.read_bytes()
    saved.write_bytes(good[:len(good) // 2])
    newer = store / foreign["hash"] / "plan.json"
    newer.write_bytes(newer.read_bytes().replace(b"entente/fix-plan/1", b"entente/fix-plan/9"))
    done = entente("fix", "--list", "--format", "json", status=3)
    assert str(saved) in done.stderr and str(newer) in done.stderr and "move" in done.stderr
    stages = {row["hash"]: row["stage"] for row in json.loads(done.stdout)}
    assert stages == {first["hash"]: "damaged", second["hash"]: "planned",
                      foreign["hash"]: "damaged"}
    done = entente("fix", "--apply", "--plan-hash", second["hash"])
    assert str(saved) in done.stderr
    assert entente("fix", "--apply", "--plan-hash", first["hash"], status=2).stdout == ""
    entente("fix", "--undo", second["hash"])
    assert snapshot(tree) == before
    # The same plan made again is the same bytes: what was damaged is whole again.
    assert plan_of(entente, tree, "KERN-01")["hash"] == first["hash"]
    assert saved.read_bytes() == good


def test_a_plan_that_cannot_be_finished_stops_no_other(entente, tree, tmp_path):
    """The image of an interrupted plan is not mounted any more."""
    image = tmp_path / "image"
    shutil.copytree(tree, image)
    lost = plan_of(entente, image, "KERN-01")
    entente("fix", "--apply", "--plan-hash", lost["hash"])
    state = entente.folder / "data/fixes" / lost["hash"] / "state.json"
    state.write_text(state.read_text().replace("applied", "applying"))
    image.rename(tmp_path / "elsewhere")
    plan = plan_of(entente, tree, "SSHD-02")
    done = entente("fix", "--apply", "--plan-hash", plan["hash"])
    assert str(image) in done.stderr and lost["hash"][:12] in done.stderr
    assert stage_of(entente, plan["hash"]) == "applied"
    (tmp_path / "elsewhere").rename(image)
    assert "rolled back" in entente("fix", "--list").stderr
    assert contents(image) == contents(tmp_path / "tree") or stage_of(
        entente, lost["hash"]) == "undone"


@root_only
def test_links_that_a_user_planted_are_not_fixed(entente, tree):
    """~ann belongs to ann: what she puts there may be another name of root's files."""
    with (tree / "etc/passwd").open("a") as passwd:
        passwd.write("ann:x:1000:1000::/home/ann:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/sh\n")
    (tree / "usr/bin").mkdir(parents=True)
    tool = tree / "usr/bin/tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o4755)
    for name, number in (("ann", 1000), ("bob", 1001)):
        for folder in (tree / "home" / name, tree / "home" / name / ".aws"):
            folder.mkdir(parents=True)
            folder.chmod(0o700)
            os.chown(folder, number, number)
    credentials = tree / "home/bob/.aws/credentials"
    credentials.write_text("[default]\naws_access_key_id = x\n")
    credentials.chmod(0o644)
    os.chown(credentials, 1001, 1001)
    os.link(tool, tree / "home/ann/.aws/credentials")
    (tree / "home/ann/.ssh").symlink_to("/usr/bin")
    plan = json.loads(entente("fix", "--root", tree, "--format", "json").stdout)
    touched = [edit["path"] for edit in plan["edits"]]
    assert "/home/bob/.aws/credentials" in touched
    assert not [path for path in touched if path.startswith(("/usr/bin", "/home/ann/"))], touched
    notes = [note["en"] for note in plan["left_out"] if "/home/ann/.aws" in note["en"]]
    assert notes and "hard links" in notes[0] and "samefile" in notes[0]
    # Swapped for such a link after the plan was made.
    credentials.unlink()
    os.link(tool, credentials)
    entente("fix", "--apply", "--plan-hash", plan["hash"], status=3)
    assert tool.stat().st_mode & 0o7777 == 0o4755


def test_nobody_to_ask(entente, tree):
    before = snapshot(tree)
    done = entente("fix", "--apply", "--root", tree, *IDS, status=2, stdin="y\n")
    assert "--yes" in done.stderr
    assert snapshot(tree) == before
    entente("fix", "--apply", "--plan", status=2)
    entente("fix", "--apply", "--plan-hash", "00000000", status=2)


def test_passwords_stay_until_a_key_was_seen(entente, tree):
    before = snapshot(tree)
    done = entente("fix", "--apply", "--yes", "--root", tree, "SSHD-03", status=4)
    assert "authorized_keys" in done.stderr
    assert snapshot(tree) == before
    # Among everything that fails, it is left out and said, and does not stop the rest.
    plan = json.loads(entente("fix", "--root", tree, "--format", "json").stdout)
    assert any(note.get("measure") == "host.ssh.password-login" for note in plan["left_out"])
    assert plan["edits"]


def sshd_can_check():
    """Whether sshd -t says yes to an empty configuration here (host keys, /run/sshd)."""
    return SSHD.exists() and subprocess.run([SSHD, "-t", "-f", "/dev/null"],
                                            capture_output=True).returncode == 0


@pytest.mark.skipif(not sshd_can_check(), reason="no sshd that can check a configuration")
def test_what_sshd_refuses_is_not_applied(entente, tree):
    before = snapshot(tree)
    plan = plan_of(entente, tree, "SSHD-02", "KERN-01")
    saved = entente.folder / "data/fixes" / plan["hash"] / "plan.json"
    bad, digest = plans.forged(saved.read_text(), "PermitEmptyPasswords no",
                               "PermitEmptyPasswords maybe")
    folder = saved.parents[1] / digest
    folder.mkdir()
    (folder / "plan.json").write_text(bad)
    done = entente("fix", "--apply", "--plan-hash", digest, status=3)
    assert "sshd" in done.stderr and "00-entente.conf" in done.stderr
    assert snapshot(tree) == before


def test_unconfirmed_is_undone_by_itself(entente, tree):
    before = snapshot(tree)
    plan = plan_of(entente, tree)
    done = entente("fix", "--apply", "--plan-hash", plan["hash"], "--confirm-within", "0.02",
                   start_new_session=True)
    assert "--confirm" in done.stdout
    # Nobody calls the program: the process left behind does it.
    plans.ended(plan["hash"])
    assert snapshot(tree) == before
    assert stage_of(entente, plan["hash"]) == "undone"


def test_confirmed_stays(entente, tree):
    before = snapshot(tree)
    plan = plans.confirmed(entente, lambda: plan_of(entente, tree))
    after = snapshot(tree)
    assert after != before
    plans.ended(plan["hash"])
    assert snapshot(tree) == after
    assert stage_of(entente, plan["hash"]) == "confirmed"


@pytest.mark.parametrize("minutes", ["-1", "soon", "nan", "1e9", "5m"])
def test_a_time_that_is_none(entente, tree, minutes):
    before = snapshot(tree)
    plan = plan_of(entente, tree)
    done = entente("fix", "--apply", "--plan-hash", plan["hash"], f"--confirm-within={minutes}",
                   status=2)
    assert "--confirm-within" in done.stderr
    assert snapshot(tree) == before


def test_a_deadline_that_passed_while_the_machine_was_off(entente, tree):
    before = snapshot(tree)
    plan = plan_of(entente, tree)
    entente("fix", "--apply", "--plan-hash", plan["hash"])
    state = entente.folder / "data/fixes" / plan["hash"] / "state.json"
    content = json.loads(state.read_text())
    content["deadline_us"] = content["changed_us"] + 1
    state.write_text(json.dumps(content))
    done = entente("fix", "--list")
    assert "not confirmed in time" in done.stderr and "undone" in done.stdout
    assert snapshot(tree) == before


def test_killed_anywhere(entente, kill_at, tree, tmp_path):
    """Old or new, never half; and the next run brings the tree to one of the two."""
    pristine, store = tmp_path / "pristine", tmp_path / "data"
    shutil.copytree(tree, pristine, symlinks=True)
    old = contents(tree)
    plan = plan_of(entente, tree)
    store_with_plan = tmp_path / "data.plan"
    shutil.copytree(store, store_with_plan)
    apply = [kill_at.binary, "fix", "--apply", "--plan-hash", plan["hash"]]
    entente("fix", "--apply", "--plan-hash", plan["hash"])
    new = contents(tree)
    assert new != old
    store_applied, tree_applied = tmp_path / "data.applied", tmp_path / "tree.applied"
    shutil.copytree(store, store_applied)
    shutil.copytree(tree, tree_applied, symlinks=True)

    def reset(tree_from, store_from):
        for source, target in ((tree_from, tree), (store_from, store)):
            shutil.rmtree(target)
            shutil.copytree(source, target, symlinks=True)

    def never_half(number):
        for path, entry in contents(tree).items():
            if ".entente-new" in path or entry[0].startswith("d"):
                continue
            allowed = (old.get(path), new.get(path))
            assert entry in allowed, (number, path, entry)

    def after_apply(number):
        never_half(number)
        said = entente("fix", "--list").stderr
        now = contents(tree)
        assert now in (old, new), (number, said)
        if now == new:
            assert stage_of(entente, plan["hash"]) == "applied"
        else:
            assert stage_of(entente, plan["hash"]) in ("planned", "undone")

    def after_undo(number):
        never_half(number)
        entente("fix", "--list")
        now = contents(tree)
        assert now == (new if stage_of(entente, plan["hash"]) == "applied" else old), number

    applied = kill_at.everywhere(apply, entente.environment,
                                 lambda: reset(pristine, store_with_plan), after_apply)
    undone = kill_at.everywhere([apply[0], "fix", "--undo"], entente.environment,
                                lambda: reset(tree_applied, store_applied), after_undo)
    assert applied > 20 and undone > 10
