"""Several nodes on one real PostgreSQL database: one sequences, and when it dies, is paused or loses
its database, nothing that was answered is lost and no two checkpoints contradict each other.

Exercises store_postgres and postgres_connection (src/store), and of src/node service_log with
sequencing, and forwarder, by which a node that follows hands entries on to the one that sequences.
"""
import base64
import hashlib
import http.client
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from conftest import BINARY
from nodes import MAKER, Node
from ports import free_port
from postgres import Cluster, Postgres
from waiting import PATIENCE, until

pytestmark = pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built")
LONG = bool(os.environ.get("ENTENTE_LONG"))
KILLS = 60 if LONG else 20
SEED = int(os.environ.get("ENTENTE_SEED", "20261122"))
SETTING_UP = 6  # the first entries of make_community, which the others rest on
POLICY = 4


@pytest.fixture
def server():
    made = Postgres()
    yield made
    made.end()


@pytest.fixture
def cluster(tmp_path, server):
    made = []

    def make(**options):
        made.append(Cluster(tmp_path / "community", server, **options))
        return made[0]

    yield make
    for one in made:
        one.stop()


# ---- what must hold in the end

def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def entries_of(folder):
    """All entries of a log's folder under its checkpoint."""
    size = int((folder / "checkpoint").read_bytes().split(b"\n")[1])
    entries = []
    for number in range((size + 255) // 256):
        width = min(256, size - 256 * number)
        name = f"x{number // 1000:03}/{number % 1000:03}" if number >= 1000 else f"{number:03}"
        path = folder / "tile" / "entries" / name
        if not path.exists():
            path = path.with_name(path.name + ".p") / str(width)
        data, at = path.read_bytes(), 0
        for _ in range(width):
            length = int.from_bytes(data[at:at + 2], "big")
            entries.append(data[at + 2:at + 2 + length])
            at += 2 + length
    return entries


def roots_of(leaves, sizes):
    """The roots that a tree of these leaves had at each of `sizes`."""
    edge, roots = [], {}  # (level, hash) of perfect subtrees, left to right
    for number, hashed in enumerate(leaves, 1):
        edge.append((0, hashed))
        while len(edge) > 1 and edge[-1][0] == edge[-2][0]:
            (level, left), (_, right) = edge[-2:]
            edge[-2:] = [(level + 1, hashlib.sha256(b"\1" + left + right).digest())]
        if number in sizes:
            root = edge[-1][1]
            for _, left in edge[-2::-1]:
                root = hashlib.sha256(b"\1" + left + root).digest()
            roots[number] = root
    return roots


class Witness:
    """Looks at what all nodes show, all the time."""

    def __init__(self, nodes):
        self.nodes, self.seen, self.largest = nodes, {}, {}
        self.ending = threading.Event()
        self.faults = []
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.ending.wait(0.02):
            for node in self.nodes:
                try:
                    status, _, body = node.get("/checkpoint")
                except (OSError, http.client.HTTPException):
                    continue
                if status != 200:
                    continue
                _, size, root = body.split(b"\n")[:3]
                size, root = int(size), base64.b64decode(root)
                if self.seen.setdefault(size, root) != root:
                    self.faults.append(f"two roots of size {size}")
                if size < self.largest.get(node, 0):
                    self.faults.append(f"{node.data} went back to {size}")
                self.largest[node] = size

    def end(self, folder):
        self.ending.set()
        self.thread.join()
        assert not self.faults
        roots = roots_of([leaf(entry) for entry in entries_of(folder)], self.seen)
        assert all(roots[size] == root for size, root in self.seen.items() if size)
        return len(self.seen)


class Load:
    """Threads that submit entries, each until it is answered for; to any node."""

    def __init__(self, nodes, entries, threads=3, pause=0.01):
        self.nodes, self.entries, self.pause = nodes, list(entries), pause
        self.lock, self.ending = threading.Lock(), threading.Event()
        self.answered = []  # (entry, index or None)
        self.odd = []
        self.threads = [threading.Thread(target=self.submit, args=(number,), daemon=True)
                        for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def next(self):
        with self.lock:
            return self.entries.pop(0) if self.entries else None

    def submit(self, number):
        chance = random.Random(SEED + number)
        while not self.ending.is_set() and (entry := self.next()):
            while not self.ending.is_set():
                try:
                    status, answer = chance.choice(self.nodes).submit(entry, wait=chance.choice([0, 5]))
                except (OSError, http.client.HTTPException, ValueError):
                    status = 0
                if status in (200, 202):
                    self.answered.append((entry, answer.get("index")))
                    break
                if status not in (0, 502, 503):
                    self.odd.append((status, answer))
                time.sleep(0.05)
            time.sleep(self.pause)

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()
        assert not self.odd, self.odd[:3]
        return self.answered


def submit_all(node, entries):
    """503 is fine while nobody sequences, 502 while the node is gone that did: it is asked again."""
    def is_published(entry):
        try:
            status, answer = node.submit(entry)
        except (OSError, http.client.HTTPException):
            return False
        assert status in (200, 502, 503), answer
        return status == 200

    for entry in entries:
        until(lambda entry=entry: is_published(entry), what="an entry", why=node.said)


def committed(node):
    return int(re.search(r"^entente_log_size (\d+)", node.get("/metrics")[2].decode(), re.M).group(1))


def assert_all_there(cluster, answered):
    """Both folders whole and the same; each answered entry there, once, where it was said to be."""
    sequencer = cluster.settle()
    # What was only accepted is committed, and published soon.
    sequencer.until(lambda: sequencer.size() == committed(sequencer))
    for node in cluster.nodes:
        node.until(lambda node=node: node.size() == sequencer.size())
    listed = [entries_of(node.data / "log") for node in cluster.nodes]
    entries = max(listed, key=len)
    for other in listed:
        assert entries[:len(other)] == other
    assert len(set(entries)) == len(entries)
    places = {entry: index for index, entry in enumerate(entries)}
    for entry, index in answered:
        assert entry in places, "an entry that was answered is not there"
        assert index is None or places[entry] == index
    return entries


def fsck(entente, cluster):
    for node in cluster.nodes:
        entente("log", "fsck", node.data / "log", "--policy", cluster.policy, "--allow-unwitnessed")


# ---- the tests

def test_nodes_share_a_log(cluster, entente):
    """A follower serves what the sequencer publishes, hands entries on, and says who it is."""
    made = cluster(entries=12, lease=30).start()  # nobody loses it here because the machine is busy
    sequencer = made.settle()
    follower = next(node for node in made.nodes if node is not sequencer)
    follower.until(lambda: made.state(follower)["lag"] == 0)
    state = made.state(follower)
    assert (state["status"], state["role"]) == (200, "follower")
    assert state["sequencer"].endswith(f":{sequencer.port}")
    assert made.state(sequencer)["epoch"] == state["epoch"] >= 1
    for number, entry in enumerate(made.entries):
        status, answer = made.nodes[number % 2].submit(entry)
        assert (status, answer["index"]) == (200, number + 1)
    status, answer = follower.submit(made.entries[3])
    assert (status, answer["index"]) == (200, 4)  # known, wherever it came in
    follower.until(lambda: follower.get("/checkpoint")[2] == sequencer.get("/checkpoint")[2])
    for path in ("/tile/0/000.p/19", "/tile/entries/000.p/19"):
        assert follower.get(path)[2] == sequencer.get(path)[2] != b""
    follower.until(lambda: follower.json("/api/v1/checkpoint")["size"] == 19)
    assert follower.json("/api/v1/entries/7")["index"] == 7
    text = follower.get("/metrics")[2].decode()
    assert "\nentente_log_sequencing 0\n" in text and "\nentente_log_lag 0\n" in text
    assert "\nentente_log_sequencing 1\n" in sequencer.get("/metrics")[2].decode()
    made.stop()
    fsck(entente, made)
    # In order: the lease was given back, and the log goes on at once.
    made.start()
    assert made.settle().size() == 19


def test_kills_under_load(cluster, entente, say):
    """The sequencer is killed again and again while entries come in through both nodes."""
    made = cluster(entries=4000).start()
    submit_all(made.settle(), made.entries[:SETTING_UP])
    witness = Witness(made.nodes)
    load = Load(made.nodes, made.entries[SETTING_UP:])
    chance = random.Random(SEED)
    away = []
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.1, 0.6))
        killed = made.settle()
        killed.stop(signal.SIGKILL)
        start = time.monotonic()
        taker = made.settle(but=killed)
        away.append(time.monotonic() - start)
        killed.start()
        assert taker is not killed
    answered = load.end()
    entries = assert_all_there(made, answered)
    made.stop()
    checkpoints = witness.end(max((node.data / "log" for node in made.nodes),
                                  key=lambda folder: len(entries_of(folder))))
    fsck(entente, made)
    assert len(answered) > KILLS
    say(f"figure: {KILLS} kills of the sequencer under load: {len(answered)} entries answered, all "
        f"there once ({len(entries)} in the log), {checkpoints} checkpoints seen, all consistent; "
        f"taken over after {sorted(away)[len(away) // 2]:.1f} s (median, lease 1 s)")


def test_a_paused_sequencer_cannot_commit(cluster, entente):
    """It sleeps through its lease; when it wakes up, it has entries at hand and commits none."""
    made = cluster(entries=600, lease=3).start()
    first = made.settle()
    other = next(node for node in made.nodes if node is not first)
    submit_all(first, made.entries[:SETTING_UP])
    witness = Witness(made.nodes)
    load = Load([first], made.entries[SETTING_UP:300], threads=4, pause=0)
    time.sleep(0.3)
    first.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, first.process.pid, os.WSTOPPED)
    made.nodes = [other]
    assert made.settle() is other
    submit_all(other, made.entries[300:320])
    first.process.send_signal(signal.SIGCONT)
    made.nodes = [first, other]
    first.until(lambda: re.search("another node sequences|follows the log now",
                                  first.errors.read_text(errors="replace")))
    # On a busy machine the other may lose it again: but there is one.
    other.until(lambda: len(made.sequencers()) == 1 and all(made.state(node)["ready"]
                                                            for node in made.nodes))
    submit_all(first, made.entries[320:330])  # handed on
    answered = load.end()
    assert_all_there(made, answered)
    made.stop()
    witness.end(other.data / "log")
    fsck(entente, made)


def test_the_database_crashes_under_load(cluster, server, entente, say):
    """The server dies and comes back; commits whose answers were lost happened once or not at all,
    and the nodes go on without being started again."""
    made = cluster(entries=1500, lease=3).start()
    submit_all(made.settle(), made.entries[:SETTING_UP])
    witness = Witness(made.nodes)
    load = Load(made.nodes, made.entries[SETTING_UP:], threads=4, pause=0)
    for _ in range(10 if LONG else 4):
        time.sleep(0.7)
        server.crash()
    server.do("stop")
    time.sleep(1)
    server.do("up")
    made.settle()
    time.sleep(0.5)
    answered = load.end()
    entries = assert_all_there(made, answered)
    assert all(node.process.poll() is None for node in made.nodes)
    made.stop()
    witness.end(made.nodes[0].data / "log")
    fsck(entente, made)
    say(f"figure: 5 crashes and stops of the database under load: {len(answered)} entries answered, "
        f"all there once ({len(entries)} in the log)")


def test_a_restored_database_is_refused(cluster, server):
    """A backup knows less than what the nodes' folders have: they stop and say so."""
    made = cluster(entries=12).start()
    submit_all(made.settle(), made.entries[:SETTING_UP])
    made.stop()
    server.do("stop")
    subprocess.run(["cp", "-a", server.folder / "data", server.folder / "backup"], check=True)
    server.do("up")
    made.start()
    submit_all(made.settle(), made.entries[SETTING_UP:])
    for node in made.nodes:  # what a folder has not yet, it does not miss
        node.until(lambda node=node: node.size() == 1 + len(made.entries))
    made.stop()
    server.do("stop")
    shutil.rmtree(server.folder / "data")
    (server.folder / "backup").rename(server.folder / "data")
    server.do("up")
    for node in made.nodes:
        node.start(wait=False)
        assert node.process.wait(timeout=PATIENCE) == POLICY
        assert "restored backup" in node.said()


def test_a_role_with_few_rights_and_a_password_file(cluster, server, tmp_path):
    """The node's role may read, insert and update; its password comes from PGPASSFILE, also when it
    connects again from within its confinement; and no list of processes shows it."""
    made = cluster(entries=12)
    server.sql("CREATE ROLE node LOGIN PASSWORD 'correct-horse';"
               "GRANT SELECT, INSERT, UPDATE ON entente_log, entente_batch, entente_history TO node;"
               "GRANT SELECT ON entente_schema TO node")
    rules = server.folder / "data" / "pg_hba.conf"
    rules.write_text("local all node scram-sha-256\nlocal all all trust\n")
    server.sql("SELECT pg_reload_conf()")
    passwords = tmp_path / "pgpass"
    passwords.write_text("*:*:*:node:correct-horse\n")
    passwords.chmod(0o600)
    url = server.url.replace("entente@", "node@")
    node = Node(made.nodes[0].data, "--database", url, "--lease", 1)
    os.environ["PGPASSFILE"] = str(passwords)
    try:
        node.start()
        made.nodes = [node]
        submit_all(made.settle(), made.entries[:3])
        server.crash()
        submit_all(made.settle(), made.entries[3:SETTING_UP])
    finally:
        del os.environ["PGPASSFILE"]
    assert b"correct-horse" not in open(f"/proc/{node.process.pid}/cmdline", "rb").read()
    made.stop()
    # Without it: said at once, and not with what.
    refused = subprocess.run([BINARY, "serve", "--data", made.nodes[0].data, "--listen",
                              "127.0.0.1:0", "--database",
                              url.replace("node@", "node:wrong-horse@")],
                             capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == POLICY
    assert "PGPASSFILE" in refused.stderr and "wrong-horse" not in refused.stderr


def test_a_community_is_made_in_a_database(entente, server, tmp_path):
    """entente community init --database; refused the second time."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("operator: operator.example\nmembers: []\n"
                      "quorum: {state: 0, private-sector: 0, civil-society: 0}\n")
    arguments = ("community", "init", "--origin", "call.example/db", "--policy", policy,
                 "--database", server.url)
    entente(*arguments)
    assert server.sql("SELECT size, signed_size, published_size, lease_until < now()"
                      " FROM entente_log") == "1|1|1|t"
    entente("log", "fsck", tmp_path / "data" / "log", "--allow-unwitnessed", "--policy",
            tmp_path / "data" / "community" / "policy.json")
    # Another machine cannot make it once more.
    shutil.rmtree(tmp_path / "data")
    assert "new origin" in entente(*arguments, status=POLICY).stderr


@pytest.mark.parametrize("sslmode", ["disable", "verify-full"])
def test_a_database_by_tcp(tmp_path, sslmode, monkeypatch):
    """The same over the network's sockets, with TLS too, again from within confinement."""
    port = free_port()
    made = Postgres("listen_addresses='127.0.0.1'", f"port={port}")
    made.url += f"&port={port}"
    certificate, key = made.folder / "server.pem", made.folder / "server.key"
    try:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        if os.geteuid() == 0:
            shutil.chown(key, "postgres")
        key.chmod(0o600)
        for name, value in (("ssl_cert_file", certificate), ("ssl_key_file", key), ("ssl", "on")):
            made.sql(f"ALTER SYSTEM SET {name} = '{value}'")
        made.crash()
        cluster = Cluster(tmp_path / "community", made, entries=2, count=1)
        url = f"postgresql://entente@127.0.0.1:{port}/postgres?sslmode={sslmode}"
        monkeypatch.setenv("PGSSLROOTCERT", str(certificate))
        cluster.nodes = [Node(cluster.nodes[0].data, "--database", url, "--lease", 1)]
        cluster.start()
        submit_all(cluster.nodes[0], cluster.entries[:3])
        made.crash()
        submit_all(cluster.settle(), cluster.entries[3:])
        secured = until(lambda: made.sql(
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
            " WHERE application_name = 'entente'"), what="a connection")
        assert secured == ("t" if sslmode != "disable" else "f")
        cluster.stop()
    finally:
        made.end()


def test_what_makes_no_sense_is_said(entente):
    for options, said in (
            (("--database", "mysql://h/d"), "postgresql://"),
            (("--lease", "5"), "--database"),
            (("--database", "postgresql://h/d", "--log", "x"), "--log"),
            (("--database", "postgresql://h/d", "--listen", "0.0.0.0:0", "--behind-proxy"),
             "--advertise")):
        done = entente("serve", *options, status=2)
        assert said in done.stderr, done.stderr
