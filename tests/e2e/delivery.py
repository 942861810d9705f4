"""Two signatories with nodes, a relay, and wires between them."""
import contextlib
import hashlib
import json
import shutil
import sqlite3
import subprocess
import tempfile
import threading

from conftest import Program
from nodes import BUILD, Community, Node
from ports import free_port
from waiting import PATIENCE
from wire import Wire

DRIVER = BUILD / "tests" / "e2e" / "case_driver"


def database(party, name="cases.db"):
    """Of a node that runs, and may be writing for long."""
    return contextlib.closing(sqlite3.connect(party.data / name, timeout=PATIENCE))


class Desk:
    """Says things in cases, beside the node over the same data folder (case_driver.c)."""

    def __init__(self, data):
        self.trouble = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([DRIVER, data], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=self.trouble)
        self.lock = threading.Lock()

    def ask(self, **asked):
        with self.lock:
            try:
                self.process.stdin.write(json.dumps(asked) + "\n")
                self.process.stdin.flush()
            except BrokenPipeError:
                pass  # what is read says it
            line = self.process.stdout.readline()
        assert line, f"the driver died: {self.process.wait(timeout=PATIENCE)} {self.said()}"
        return json.loads(line)

    def said(self):
        self.trouble.seek(0)
        return self.trouble.read()

    def __call__(self, do, **asked):
        answer = self.ask(do=do, **asked)
        assert not isinstance(answer, dict) or "error" not in answer, answer
        return answer

    def stop(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(timeout=PATIENCE)
        self.trouble.close()


class Party:
    def __init__(self, world, folder, domain):
        self.domain, self.folder, self.data = domain, folder, folder / "data"
        self.program = Program(folder)
        self.program.environment["ENTENTE_ALLOW_PRIVATE"] = "1"
        self.enter(world)
        shown = json.loads(self.program("signatory", "show", domain, "--format", "json").stdout)
        self.id = shown["id"]
        self.node = Node(self.data, port=free_port())
        self.wire = Wire(self.node.port, seed=domain)
        self.desk = None

    def enter(self, world):
        self.program("join", "--node", world.url, "--policy-hash", world.hash)
        self.seal()

    def seal(self, *words):
        self.program("key", "seal", *words)
        self.program("key", "delegate", "--role", "seal", "--yes")

    def mailbox(self, *urls):
        self.program("contact", "mailbox", *urls, "--yes")

    def start(self):
        self.node.start()
        self.desk = Desk(self.data)
        return self

    def entries(self, case):
        """Events of a case, in its order; [] when there is none yet."""
        return self.desk.ask(do="show", case=case).get("entries", [])

    def hashes(self, case):
        return [entry["hash"] for entry in self.entries(case)]

    def outbox(self, to):
        """How many events `to` has not acknowledged; others may never be reached."""
        with database(self) as cases:
            return cases.execute("SELECT count(*) FROM outbox WHERE recipient = ?",
                                 (to.id,)).fetchone()[0]


class World:
    """`state` takes messages at its own node, `society` at the relay alone."""

    def __init__(self, folder):
        self.community = Community(folder, 0).start()
        log = self.community.log
        log.until(lambda: log.size() >= 1)
        self.url = f"http://127.0.0.1:{log.port}"
        policy = folder / "log/community/policy.json"
        self.hash = hashlib.sha256(policy.read_bytes()).hexdigest()
        for entry in self.community.entries[2:4]:  # company.example: no node, and keys that count
            status, answer = log.submit(entry)
            assert status == 200, answer
        self.state = Party(self, folder / "member-0", "state.example")
        self.society = Party(self, folder / "member-2", "society.example")
        # A node that follows the log, and is nobody's.
        shutil.copytree(self.state.data / "community", folder / "relay" / "community")
        self.relay = Node(folder / "relay", "--relay-for", "society.example", port=free_port())
        self.relay_wire = Wire(self.relay.port, seed="relay")
        self.wires = [self.state.wire, self.society.wire, self.relay_wire]
        self.state.mailbox(self.state.wire.url)
        self.society.mailbox(self.relay_wire.url)
        for party in (self.state, self.society):
            party.program("community", "show", "--update")
        self.nodes = [self.state.node, self.society.node, self.relay]

    def start(self):
        self.relay.start()
        self.state.start()
        self.society.start()
        return self

    def stop(self):
        for party in (self.state, self.society):
            if party.desk:
                party.desk.stop()
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.stop()
        for wire in self.wires:
            wire.close()
        self.community.stop()

    def passed(self):
        return b"".join(bytes(wire.seen) for wire in self.wires)
