"""Logs are followed and mirrored, a foreign one (Tessera's) too; what contradicts is evidence.

history_source.c fetches what is new of a log's history, from a folder and over HTTP.

Exercises cmd_log and log_follow (src/cli).
"""
import json
import shutil
import socket
import subprocess

import pytest
from community import ORIGIN, program
from ports import free_port
from test_community import POLICY, Folder
from waiting import PATIENCE, answered

TESSERA = "log.alpha.example/entente"


@pytest.fixture
def me(tmp_path):
    return program(tmp_path / "me")


@pytest.fixture
def serve():
    servers = []

    def start(folder):
        servers.append(Folder(folder))
        return servers[-1]
    yield start
    for server in servers:
        try:
            server.stop()
        except OSError:
            pass


def events(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def nginx(tmp_path, shared):
    """The foreign log as an operator would serve it."""
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    if not shutil.which(binary):
        pytest.skip("nginx is not installed")
    port, folder = free_port(), tmp_path / "nginx"
    folder.mkdir()
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events {}\nhttp { access_log off;\n"
        + "".join(f"  {kind}_temp_path {folder}/{kind};\n" for kind in
                  ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        + f"  server {{ listen 127.0.0.1:{port}; root {shared}/data/tlog/log-1300; }} }}\n")
    process = subprocess.Popen([binary, "-c", folder / "nginx.conf", "-e", folder / "error.log"],
                               stderr=subprocess.DEVNULL)
    answered(lambda: socket.create_connection(("127.0.0.1", port)).close(), process,
             (folder / "error.log").read_text)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=PATIENCE)


def test_a_log_of_tessera_is_mirrored_and_followed(me, shared, nginx):
    policy = shared / "data/tlog/policy.txt"
    done = me("log", "mirror", nginx, "copy", "--policy", policy, "--format", "json",
              "--allow-unwitnessed")
    assert [(e["event"], e["size"], e["trust"]) for e in events(done)] == [
        ("checkpoint", 1300, "unwitnessed")]
    copy, log = me.folder / "copy", shared / "data/tlog/log-1300"
    for made in copy.rglob("*"):
        if made.is_file() and "evidence" not in made.parts:
            assert made.read_bytes() == (log / made.relative_to(copy)).read_bytes(), made
    assert (copy / "tile/entries/005.p/20").exists() and (copy / "tile/1/000.p/5").exists()
    me("log", "fsck", "copy", "--policy", policy, "--allow-unwitnessed")
    # Unwitnessed is not good enough unless one says so.
    followed = me("log", "follow", nginx, "--policy", policy, "--once", "--format", "json",
                  status=3)
    entries = [e for e in events(followed) if e["event"] == "entry"]
    assert [e["index"] for e in entries] == list(range(1300))
    again = me("log", "follow", nginx, "--policy", policy, "--once", "--format", "json",
               "--allow-unwitnessed")
    assert [(e["event"], e["previous"]) for e in events(again)] == [("checkpoint", 1300)]


def test_every_damaged_byte_of_the_log_is_noticed(me, shared, serve, tmp_path):
    shown = tmp_path / "shown"
    shutil.copytree(shared / "data/tlog/log-1300", shown)
    url = serve(shown).url
    for path, at in (("tile/0/002", 77), ("tile/entries/003", 3000), ("tile/1/000.p/5", 5),
                     ("tile/entries/005.p/20", 40)):
        whole = (shown / path).read_bytes()
        (shown / path).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        done = me("log", "mirror", url, "copy", "--policy", shared / "data/tlog/policy.txt",
                  "--allow-unwitnessed", status=None)
        assert done.returncode in (1, 3), path
        assert not (me.folder / "copy/checkpoint").exists(), path
        (shown / path).write_bytes(whole)
    me("log", "mirror", url, "copy", "--policy", shared / "data/tlog/policy.txt", "--allow-unwitnessed")


def make_log(folder, policy, keys=None):
    made = program(folder)
    if keys:
        shutil.copytree(keys, made.data / "keys")
    (folder / "policy.yaml").write_text(policy)
    made.answer = json.loads(made("community", "init", "--origin", ORIGIN, "--policy",
                                  "policy.yaml", "--format", "json").stdout)
    made.log = made.data / "log"
    return made


def follow(me, url, key, *more, status=0):
    return me("log", "follow", url, "--key", key, "--once", "--format", "json",
              "--allow-unwitnessed", *more, status=status)


def test_split_views_are_proven_to_anyone(me, serve, tmp_path):
    one = make_log(tmp_path / "one", POLICY)
    two = make_log(tmp_path / "two", POLICY + "checkpoint_max_age_s: 600\n", one.data / "keys")
    key = one.answer["log_key"]
    follow(me, serve(one.log).url, key)
    # A mirror was shown another tree than we were.
    done = follow(me, serve(one.log).url, key, "--mirror", serve(two.log).url, status=1)
    (split,) = [e for e in events(done) if e["event"] == "split-view"]
    rules(me.folder / "policy", key)
    verified = json.loads(me("verify", split["evidence"], "--policy", "policy", "--format",
                             "json").stdout)
    assert verified["proven"] is True and "two different trees" in verified["explanation"]
    # Who does not know the key cannot tell; another key did not sign it; changed, it proves nothing.
    assert "unknown-key" in me("verify", split["evidence"], status=3).stdout
    other = make_log(tmp_path / "other", POLICY)
    rules(me.folder / "other", other.answer["log_key"])
    me("verify", split["evidence"], "--policy", "other", status=1)
    bundle = json.loads(open(split["evidence"]).read())
    bundle["notes"][1] = dict(bundle["notes"][0])
    (me.folder / "forged.json").write_text(json.dumps(bundle))
    assert "same tree" in me("verify", "forged.json", "--policy", "policy", status=1).stdout
    bundle["notes"][1]["note"] = bundle["notes"][1]["note"].replace("\n1\n", "\n2\n")
    (me.folder / "forged.json").write_text(json.dumps(bundle))
    assert "not signed" in me("verify", "forged.json", "--policy", "policy", status=1).stdout


def rules(path, key):
    path.write_text(f"log {key}\nquorum none\n")


def test_a_log_out_of_reach_is_unknown_never_inconsistent(me, serve, tmp_path):
    one = make_log(tmp_path / "one", POLICY)
    served = serve(one.log)
    follow(me, served.url, one.answer["log_key"])
    served.stop()
    done = follow(me, served.url, one.answer["log_key"], status=3)
    assert [e["event"] for e in events(done)] == ["unknown"]


def test_an_origin_names_the_own_community(tmp_path):
    one = make_log(tmp_path / "one", POLICY)
    done = one("log", "follow", ORIGIN, "--once", "--format", "json", "--allow-unwitnessed")
    found = events(done)
    assert [e["event"] for e in found] == ["entry", "checkpoint"]
    assert found[0]["type"] == "urn:entente:predicate:policy:1" and found[0]["subject"] == ORIGIN
