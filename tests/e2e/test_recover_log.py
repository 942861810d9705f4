"""A manifest in the log of a witnessed community, drills that are held to it, and another member who
checks the published verdict. Exercises cmd_recover, recover_drill and recover_manifest (src/cli), and of
src/node domain_check, which shows whose a domain is, and service_recover."""
import base64
import json
import os

import pytest

from backups import Backup
from community import Names, member
from nodes import Community, Node
from test_join import identity
from test_schemas import check
from waiting import until


class World:
    def __init__(self, folder):
        self.folder = folder
        self.names = Names(folder / "names")
        self.community = Community(folder / "community", entries=3,
                                   options=("--dns-server", self.names.address, "--trust-anchor", "none")).start()
        self.log = self.community.log
        for entry in self.community.entries:
            assert self.log.submit(entry)[0] == 200
        self.policy = folder / "community" / "log" / "community" / "policy.json"

    def joins(self, name):
        """A signatory: endorsed, in the log, with a domain that is shown to be its own."""
        made = member(self.folder / name, name, f"{name}.example")

        def join(status):
            return made("join", "--node", f"http://127.0.0.1:{self.log.port}/", "--policy", self.policy, status=status)

        self.names.show(f"{name}.example", identity(join(4).stderr))
        until(lambda: join(None).returncode == 0, what="the TXT record")
        return made

    def stop(self):
        self.community.stop()
        self.names.stop()


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.stop()


def statement(path):
    return json.loads(base64.b64decode(json.loads(path.read_text())["payload"]))


def test_a_drill_is_held_to_the_manifest_in_the_log_and_another_member_checks_its_verdict(world):
    """Neither another manifest, well made and signed here later, nor a changed one takes the place of
    the one in the log; the dice are the log's; and who reads the log sees what was proven."""
    hospital, reader = world.joins("hospital"), world.joins("reader")

    def publish(backup):
        done = backup.entente("recover", "manifest", "--publish", "--format", "json")
        document = json.loads(done.stdout)
        assert check("backup-manifest", document) == []
        backup.anchored = document["root"]

    backup = Backup(hospital, "restic", publish)
    report = backup.drill("--files", "2", "--publish")
    assert report["by"]["restore"] == report["by"]["manifest"] == ("proven", None)
    assert report["manifest"] == backup.anchored and report["dice"]["source"] == "log"
    record, = (backup.folder / "data").glob("recover/*/drill-*.dsse.json")

    # Another member, from the log alone: who says it, that it counts, and what was proven.
    reader("community", "show", "--update")
    verified = json.loads(reader("verify", record, "--format", "json").stdout)
    assert verified["verdict"] == "good", verified
    assert check("verification", verified) == []
    said = statement(record)["predicate"]
    assert said["manifest"] == backup.anchored and said["drill"] == report["drill"]
    assert {row["aspect"]: row["verdict"] for row in said["aspects"]} == \
        {aspect: verdict for aspect, (verdict, _) in report["by"].items()}
    assert "nightly" not in json.dumps(said) and str(backup.source) not in json.dumps(said)
    # The dice are a root that the log had.
    assert said["dice"]["size"] <= world.log.size() and said["dice"]["root"] == report["dice"]["root"]
    # A verdict that was made better is not what was signed.
    envelope = json.loads(record.read_text())
    envelope["payload"] = base64.b64encode(base64.b64decode(envelope["payload"]).replace(b"failed", b"proven")).decode()
    (reader.folder / "better.json").write_text(json.dumps(envelope))
    assert json.loads(reader("verify", "better.json", "--format", "json", status=1).stdout)["reason"] == "signature"

    # Somebody encrypts the files, and makes a manifest of what is there now.
    (backup.source / "file1").write_bytes(os.urandom(2001))
    backup.entente("recover", "manifest")
    assert backup.drill("--files", "1")["manifest"] == backup.anchored
    # Or puts it in place of the one that the log has.
    manifests = {path.stem: path for path in (backup.folder / "data").glob("recover/*/*.manifest")}
    other, = (path for root, path in manifests.items() if root != backup.anchored)
    manifests[backup.anchored].write_bytes(other.read_bytes())
    report = backup.drill("--files", "1")
    assert report["by"]["manifest"] == ("failed", "manifest-changed")
    assert report["by"]["restore"] == ("not-proven", "no-manifest")


def test_a_node_that_is_told_to_publishes_the_drills_it_holds(world):
    """serve --publish-drills: the signed record is an entry of the log, which another member verifies."""
    hospital, reader = world.joins("hospital"), world.joins("reader")
    backup = Backup(hospital, "restic", lambda made: made.entente("recover", "manifest", "--publish"))
    node = Node(backup.folder / "data", "--profile", backup.folder / "entente.yaml", "--drill-every", 1,
                "--publish-drills")
    node.start()
    try:
        node.until(lambda: verified_by(reader, backup).get("log_entry"))
    finally:
        node.stop()
    verified = verified_by(reader, backup)
    assert verified["verdict"] == "good", verified


def verified_by(reader, backup):
    """The backup's only drill, as the reader sees it now; nothing, as long as there is none."""
    records = list((backup.folder / "data").glob("recover/*/drill-*.dsse.json"))
    if not records:
        return {}
    reader("community", "show", "--update")
    done = reader("verify", *records, "--format", "json", status=None)  # 3: not in the log yet
    return json.loads(done.stdout) if done.stdout else {}
