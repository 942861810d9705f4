"""From nothing to a published assessment: a community, its node, a member, and the proofs.

Exercises cmd_join, cmd_publish and cmd_community (src/cli); admission, domain_check, sequencing and
service_log (src/node).
"""
import json
import re
import urllib.error

import pytest
from community import ORIGIN, Names, Node, member, program, published
from waiting import until

POLICY = "operator: op.example\nmembers: []\n" \
         "quorum: {state: 0, private-sector: 0, civil-society: 0}\n"


@pytest.fixture
def world(tmp_path):
    class World:
        pass
    made = World()
    made.operator = program(tmp_path / "operator")
    (made.operator.folder / "policy.yaml").write_text(POLICY)
    made.hash = json.loads(made.operator("community", "init", "--origin", ORIGIN, "--policy",
                                         "policy.yaml", "--format", "json").stdout)["policy_hash"]
    made.names = Names(tmp_path / "names")
    made.node = Node(made.operator, made.names)
    made.member = member(tmp_path / "member", "Ville Exemple", "ville.example")
    yield made
    made.node.stop()
    made.names.stop()


def join(world, status=0):
    return world.member("join", "--node", world.node.url, "--policy-hash", world.hash,
                        status=status)


def entered(world):
    """What joining says once both entries are in the log: one that comes late is a promise at first."""
    def said():
        done = join(world, status=None)
        return done.stderr if done.returncode == 0 and "delegation: entry 2" in done.stderr else None

    return until(said, what="the two entries")


def identity(text):
    return re.search(r'"entente=([0-9a-f]{64})"', text).group(1)


def test_join_and_publish(world, say):
    # The domain is not shown to be ours: the log refuses, with a reason that it signs.
    refused = join(world, status=4)
    assert "domain" in refused.stderr and world.node.size() == 1
    world.names.show("ville.example", identity(refused.stderr))
    assert "endorsement: entry 1 of" in entered(world)
    # Once more: what is there stays where it is.
    again = join(world)
    assert "endorsement: entry 1 of the log" in again.stderr
    assert world.node.size() == 3

    world.member("assess", "--no-walk", "--quiet", status=None)
    first = json.loads(world.member("publish", "--format", "json").stdout)
    assert first["receipt"]["payloadType"] == "application/vnd.in-toto+json"
    assert published(world.member)["index"] == 3
    (run,) = (world.member.data / "reports").iterdir()
    proof = (run / "assessment.tlog-proof").read_text()
    assert proof.startswith("c2sp.org/tlog-proof@v1\nindex 3\n") and f"\n{ORIGIN}\n4\n" in proof
    assert published(world.member)["index"] == 3

    shown = json.loads(world.member("community", "show", "--update", "--format", "json").stdout)
    assert shown["size"] == 4 and shown["trust"] == "unwitnessed"
    # No trusted checkpoint, no dice: nothing of it is opened.
    assert "Nothing is drawn yet" in world.member("review", "draw", 3, status=3).stdout
    assert "nothing is drawn yet" in world.member("review", "open", status=4).stderr
    # The verified copy is the log, byte for byte.
    copy, log = world.member.data / "community/log", world.operator.data / "log"
    assert (copy / "checkpoint").read_bytes() == (log / "checkpoint").read_bytes()
    assert (copy / "tile/entries/000.p/4").read_bytes() == \
        (log / "tile/entries/000.p/4").read_bytes()


def test_a_node_that_shows_less_than_before_is_caught(world, tmp_path):
    """A log restored from a backup, behind the same URL: refused, and memory keeps the larger."""
    import shutil
    refused = join(world, status=4)
    shutil.copytree(world.operator.data / "log", tmp_path / "backup")
    world.names.show("ville.example", identity(refused.stderr))
    entered(world)
    world.member("community", "show", "--update")
    world.node.stop()
    from test_community import Folder
    restored = Folder(tmp_path / "backup")
    world.member("join", "--node", restored.url, "--policy-hash", world.hash, status=1)
    done = world.member("community", "show", "--update", status=1)
    assert "rolled-back" in done.stderr
    (bundle,) = (world.member.data / "community/evidence").iterdir()
    kind = json.loads(bundle.read_text())
    assert kind["kind"] == "rolled-back" and len(kind["notes"]) == 2
    assert "entries      3\n" in world.member("community", "show").stdout
    restored.stop()
    world.node = Node(world.operator, world.names)


def test_what_never_goes_into_a_log_is_not_submitted(world):
    refused = join(world, status=4)
    world.names.show("ville.example", identity(refused.stderr))
    entered(world)
    letter = world.member.folder / "letter.txt"
    letter.write_text("a letter")
    world.member("sign", "letter.txt")
    done = world.member("publish", "letter.txt.dsse.json", status=None)
    assert done.returncode in (2, 4)
    with pytest.raises(urllib.error.HTTPError):
        world.node.get("/api/v1/entries/3")
