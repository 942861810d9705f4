"""Three groups, each with a witness of its own: cosigned, compared, gossiped about (service_witness,
cmd_witness, log_follow)."""
import json
import shutil
import urllib.request

import pytest
from community import ORIGIN, Node, member, program
from ports import free_port
from test_community import Folder
from test_follow import events
from waiting import until

GROUPS = ("state", "private-sector", "civil-society")


@pytest.fixture
def world(tmp_path):
    class World:
        nodes = []
    made, members = World(), []
    made.witnesses = []
    for i, group in enumerate(GROUPS):
        each = member(tmp_path / f"m{i}", f"Member {i}", f"m{i}.example", group)
        each.port = free_port()
        each.key = each("witness", "key").stdout.strip()
        root = json.loads(each("key", "new", "--name", f"m{i}.example/root", "--format",
                               "json").stdout)["vkey"]
        members.append(f"- name: Member {i}\n  domain: m{i}.example\n  group: {group}\n"
                       f"  country: FR\n  root: {{threshold: 1, keys: [\"{root}\"]}}\n"
                       f"  witness: {{key: \"{each.key}\","
                       f" url: \"http://127.0.0.1:{each.port}/witness/\"}}\n")
        made.witnesses.append(each)
    made.operator = program(tmp_path / "operator")
    (made.operator.folder / "policy.yaml").write_text(
        "operator: op.example\nmembers:\n" + "".join(members)
        + "quorum: {state: 1, private-sector: 1, civil-society: 1}\ncheckpoint_max_age_s: 3600\n")
    made.answer = json.loads(made.operator("community", "init", "--origin", ORIGIN, "--policy",
                                           "policy.yaml", "--format", "json").stdout)
    for each in made.witnesses:
        each("witness", "add-log", made.answer["log_key"])
        made.nodes.append(Node(each, port=each.port))
    made.node = Node(made.operator)
    made.nodes.append(made.node)
    made.log = made.operator.data / "log"
    until(lambda: (made.log / "checkpoint").read_text().count("\u2014 ") == 4,
          what="the quorum of witnesses")
    yield made
    for node in made.nodes:
        node.stop()


@pytest.fixture
def me(world, tmp_path):
    made = member(tmp_path / "me", "Ville Exemple", "ville.example")
    shutil.copy(world.operator.data / "community/policy.json", made.folder / "policy.json")
    return made


def follow(me, url, *more, status=0):
    return events(me("log", "follow", url, "--policy", "policy.json", "--once", "--format", "json",
                     *more, status=status))


def test_witnesses_cosign_and_what_they_show_is_compared(world, me):
    found = follow(me, world.node.url)
    (checkpoint,) = [e for e in found if e["event"] == "checkpoint"]
    assert checkpoint["trust"] == "witnessed" and checkpoint["log_time"]
    listed = json.loads(world.witnesses[0]("witness", "list", "--format", "json").stdout)
    assert [(log["origin"], log["size"]) for log in listed] == [(ORIGIN, 1)]
    assert not [e for e in found if e["event"] in ("unknown", "ahead", "behind")]


def test_a_cosignature_that_is_missing_is_a_missing_quorum(world, me, tmp_path):
    """Who saw a quorum does not fall back to the log's word alone."""
    shown = tmp_path / "shown"
    shutil.copytree(world.log, shown)
    served = Folder(shown)
    me("join", "--node", served.url, "--policy", "policy.json", status=None)
    me("community", "show", "--update")
    lines = (shown / "checkpoint").read_text().split("\n")
    (shown / "checkpoint").write_text("\n".join(lines[:-2] + [""]))
    assert "quorum" in me("community", "show", "--update", status=4).stderr
    # A cosignature that was tampered with is a false signature, not a missing one.
    broken = lines[-2][:-10] + ("A" if lines[-2][-10] != "A" else "B") + lines[-2][-9:]
    (shown / "checkpoint").write_text("\n".join(lines[:-2] + [broken, ""]))
    assert "signature" in me("community", "show", "--update", status=1).stderr
    served.stop()


def test_gossip_hands_the_checkpoint_to_the_witnesses(world, me, tmp_path):
    """A witness that starts anew learns of the tree from whoever follows the log."""
    follow(me, world.node.url)
    fresh = world.witnesses[0]
    world.nodes[0].stop()
    for left in fresh.data.glob("witness.db*"):
        left.unlink()
    fresh("witness", "add-log", world.answer["log_key"])
    world.node.stop()  # the log itself cannot tell it
    world.nodes[0] = Node(fresh, port=fresh.port)
    mirror = Folder(world.log)
    found = follow(me, mirror.url, "--gossip")
    assert [(e["to"], e["outcome"]) for e in found if e["event"] == "gossip"] == \
        [("m0.example/witness", "good")]
    with urllib.request.urlopen(f"http://127.0.0.1:{fresh.port}/witness/{hexed()}/checkpoint") as a:
        assert a.read().decode().split("\n")[1] == "1"
    mirror.stop()
    world.nodes[-1] = world.node = Node(world.operator)


def hexed():
    import hashlib
    return hashlib.sha256(ORIGIN.encode()).hexdigest()
