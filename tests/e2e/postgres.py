"""A PostgreSQL server of a test's own (tests/postgres), and nodes that share a log in it."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from conftest import ROOT
from nodes import MAKER, Node
from waiting import until

PROGRAM = ROOT / "tests" / "postgres"
NOT_INSTALLED = 77


class Postgres:
    def __init__(self, *settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="entente-pg-"))
        self.url = self.do("start", *settings)

    def do(self, action, *settings):
        done = subprocess.run([PROGRAM, action, self.folder, *settings], capture_output=True,
                              text=True)
        if done.returncode == NOT_INSTALLED:
            self.folder.rmdir()
            pytest.skip("PostgreSQL is not installed")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def crash(self):
        self.do("kill")
        self.do("up")

    def sql(self, text):
        return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", self.url, "-c", text],
                              capture_output=True, text=True, check=True).stdout.strip()

    def end(self):
        subprocess.run([PROGRAM, "kill", self.folder], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class Cluster:
    """Nodes over one database, each with its own folder; the log's key is everywhere."""

    def __init__(self, folder, server, entries=20, count=2, lease=1, options=(), witnesses=()):
        subprocess.run([MAKER, folder, str(entries), *witnesses], check=True,
                       env={**os.environ, "MAKE_DATABASE": server.url,
                            "ASAN_OPTIONS": "detect_leaks=0"})
        self.server = server
        self.policy = folder / "log" / "community" / "policy.json"
        self.entries = [path.read_bytes() for path in sorted((folder / "entries").iterdir())]
        options = ("--database", server.url, "--lease", lease, *options)
        self.nodes = [Node(folder / "log", *options)]
        for number in range(1, count):
            data = folder / f"log-{number}"
            data.mkdir(mode=0o700)
            for name in ("keys", "community"):
                shutil.copytree(folder / "log" / name, data / name)
            self.nodes.append(Node(data, *options))

    def start(self):
        for node in self.nodes:
            node.start()
        self.settle()
        for node in self.nodes:
            node.until(lambda node=node: self.state(node)["ready"])
        return self

    @staticmethod
    def state(node):
        status, _, body = node.get("/readyz")
        return {"status": status, **json.loads(body)}

    def sequencers(self):
        found = []
        for node in self.nodes:
            try:
                state = self.state(node)
            except (OSError, http.client.HTTPException):
                continue
            if state["ready"] and state["role"] == "sequencer":
                found.append(node)
        return found

    def settle(self, but=None):
        """The node that sequences, once there is one that is not `but`."""
        return until(lambda: next((node for node in self.sequencers() if node is not but), None),
                     what="a sequencer", why=lambda: "".join(node.said() for node in self.nodes))

    def stop(self):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
                node.stop()
