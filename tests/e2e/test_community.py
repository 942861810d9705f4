"""A community is made, joined and shown; what contradicts what was seen is refused with evidence.

Exercises cmd_community and cmd_join (src/cli).
"""
import functools
import http.server
import json
import shutil
import threading

import pytest
from conftest import Program
from ports import free_port

POLICY = """operator: op.example
members: []
quorum: {state: 0, private-sector: 0, civil-society: 0}
"""
PROFILE = """signatory:
  name: Ville Exemple
  group: state
  country: FR
  domain: ville-exemple.example
"""
ORIGIN = "call.example/2026"


class Folder:
    """A folder served as it is: what a node shows of its log; once stopped, by nobody else."""

    def __init__(self, folder):
        handler = functools.partial(Quiet, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(folder):
        servers.append(Folder(folder))
        return servers[-1].url
    yield start
    for server in servers:
        server.stop()


def program(folder):
    folder.mkdir()
    (folder / "entente.yaml").write_text(PROFILE)
    made = Program(folder)
    made.environment["ENTENTE_ALLOW_PRIVATE"] = "1"
    return made


@pytest.fixture
def operator(tmp_path):
    made = program(tmp_path / "operator")
    (made.folder / "policy.yaml").write_text(POLICY)
    made.answer = json.loads(made("community", "init", "--origin", ORIGIN, "--policy",
                                  "policy.yaml", "--format", "json").stdout)
    made.log = made.folder / "data" / "log"
    return made


@pytest.fixture
def member(tmp_path):
    return program(tmp_path / "member")


def test_init_makes_a_log_that_begins_with_its_policy(operator):
    checkpoint = (operator.log / "checkpoint").read_text().split("\n")
    assert checkpoint[:2] == [ORIGIN, "1"]
    policy = json.loads((operator.folder / "data/community/policy.json").read_text())
    assert policy["log"] == ORIGIN and policy["log_keys"] == [operator.answer["log_key"]]
    shown = json.loads(operator("community", "show", "--update", "--format", "json").stdout)
    assert shown["size"] == 1 and shown["unwitnessed"] is True
    assert shown["policy_hash"] == operator.answer["policy_hash"]
    again = operator("community", "init", "--origin", ORIGIN, "--policy", "policy.yaml", status=2)
    assert "already" in again.stderr


def test_init_goes_on_after_an_interruption(operator):
    """The log is there, the policy was not kept yet: the next run ends what was begun."""
    shutil.rmtree(operator.folder / "data/community")
    again = json.loads(operator("community", "init", "--origin", ORIGIN, "--policy", "policy.yaml",
                                "--format", "json").stdout)
    assert again == operator.answer
    assert (operator.log / "checkpoint").read_text().split("\n")[1] == "1"


def test_a_mistake_in_init_leaves_nothing_behind(tmp_path):
    """A wrong origin or policy must not make the key that the right one is then refused for."""
    made = program(tmp_path / "operator")
    policy = made.folder / "policy.yaml"
    policy.write_text("operator: op.example\n")
    made("community", "init", "--origin", "call.exmaple", "--policy", "policy.yaml", status=2)
    policy.write_text(POLICY)
    scheme = made("community", "init", "--origin", "https://" + ORIGIN, "--policy", "policy.yaml",
                  status=2)
    assert "without scheme" in scheme.stderr
    assert not (made.folder / "data/keys/log.key").exists()
    made("community", "init", "--origin", ORIGIN, "--policy", "policy.yaml")


def test_nothing_is_shown_without_a_community(entente):
    assert "no community" in entente("community", "show", status=2).stderr


def test_join_with_the_wrong_hash_joins_nothing(operator, member, serve):
    url = serve(operator.log)
    wrong = "00" * 32
    done = member("join", "--node", url, "--policy-hash", wrong, status=4)
    assert wrong in done.stderr and operator.answer["policy_hash"] in done.stderr
    assert not (member.folder / "data/community").exists()
    assert not (member.folder / "data/keys").exists()
    # A policy file that is another one is refused as well.
    other = dict(json.loads((operator.folder / "data/community/policy.json").read_text()),
                 checkpoint_max_age_s=700)
    (member.folder / "other.json").write_text(json.dumps(other))
    member("join", "--node", url, "--policy", "other.json", "--policy-hash",
           operator.answer["policy_hash"], status=4)
    assert not (member.folder / "data/community").exists()


def test_join_needs_policy_or_hash_and_a_public_node(operator, member, serve):
    url = serve(operator.log)
    assert "out of band" in member("join", "--node", url, status=2).stderr
    member.environment.pop("ENTENTE_ALLOW_PRIVATE")
    refused = member("join", "--node", url, "--policy-hash", operator.answer["policy_hash"],
                     status=4)
    assert "https" in refused.stderr
    refused = member("join", "--node", url.replace("http:", "https:"), "--policy-hash",
                     operator.answer["policy_hash"], status=4)
    assert "not a public address" in refused.stderr


def test_join_shows_what_is_signed_and_what_to_publish(operator, member, serve):
    done = member("join", "--node", serve(operator.log), "--policy-hash",
                  operator.answer["policy_hash"], "--dry-run", "--principles", "1,7")
    assert "principles   1 7\n" in done.stderr and "self-declared" in done.stderr
    assert "_entente.ville-exemple.example TXT" in done.stderr
    assert ".well-known/entente.json" in done.stderr
    assert not (member.folder / "data/community").exists()


def adopt(member, operator, url):
    """Memory of a member: join fails at the submission (a folder takes none), after adopting."""
    done = member("join", "--node", url, "--policy-hash", operator.answer["policy_hash"],
                  status=None)
    assert done.returncode in (2, 3), done.stderr
    assert (member.folder / "data/community/policy.json").exists()


def show(member, status=0):
    return member("community", "show", "--update", status=status)


def test_an_unreachable_node_is_unknown_and_memory_stays(operator, member, tmp_path):
    served = Folder(operator.log)
    adopt(member, operator, served.url)
    served.stop()
    assert "unknown" in show(member, status=3).stderr
    assert "entries      1\n" in member("community", "show").stdout
    assert not (member.folder / "data/community/evidence").exists()


def test_another_log_of_the_same_key_is_a_split_view(operator, member, serve, tmp_path):
    shown = tmp_path / "shown"
    shutil.copytree(operator.log, shown)
    adopt(member, operator, serve(shown))
    # The operator makes a second log with the same key, whose first entry differs.
    second = program(tmp_path / "second")
    shutil.copytree(operator.folder / "data/keys", second.folder / "data/keys")
    (second.folder / "policy.yaml").write_text(POLICY + "checkpoint_max_age_s: 600\n")
    second("community", "init", "--origin", ORIGIN, "--policy", "policy.yaml")
    shutil.rmtree(shown)
    shutil.copytree(second.folder / "data/log", shown)
    refused = show(member, status=1)
    assert "split-view" in refused.stderr
    (bundle,) = (member.folder / "data/community/evidence").iterdir()
    evidence = json.loads(bundle.read_text())
    assert [note["note"] for note in evidence["notes"]] == [
        (operator.log / "checkpoint").read_text(), (shown / "checkpoint").read_text()]
    # Nothing was believed; seen again, the same evidence is not written twice.
    show(member, status=1)
    assert len(list((member.folder / "data/community/evidence").iterdir())) == 1


def test_a_checkpoint_of_another_key_is_no_checkpoint(operator, member, serve, tmp_path):
    shown = tmp_path / "shown"
    shutil.copytree(operator.log, shown)
    adopt(member, operator, serve(shown))
    other = program(tmp_path / "other")
    (other.folder / "policy.yaml").write_text(POLICY)
    other("community", "init", "--origin", ORIGIN, "--policy", "policy.yaml")
    shutil.copy(other.folder / "data/log/checkpoint", shown / "checkpoint")
    assert "signature" in show(member, status=1).stderr
    assert not (member.folder / "data/community/evidence").exists()
