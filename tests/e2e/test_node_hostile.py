"""Peers that mean ill: many, slow, large, broken. The node answers valid requests meanwhile.

A minute in CI, ten with ENTENTE_LONG=1. Exercises mhd and the HTTP face around it (src/node).
"""
import asyncio
import os
import random
import resource
import select
import socket
import threading
import time

import pytest

from nodes import Community, MAKER, SANITIZED
from waiting import PATIENCE

pytestmark = pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built")
LONG = bool(os.environ.get("ENTENTE_LONG"))
SECONDS = 300 if LONG else 20
ATTACKERS = 24
MEMORY = (1 << 30) if SANITIZED else 256 << 20  # bytes a node may hold, whatever is sent
CLIENTS = 1000
DESCRIPTORS = CLIENTS + 500
GROWTH = (300 if SANITIZED else 32) << 20  # a sanitizer keeps 256 MiB of what was given back
IDLE = 15  # seconds; who is idle longer may be cut off (20 s: face.c)


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    made = Community(tmp_path_factory.mktemp("hostile"), entries=5, witnesses=0).start()
    for entry in made.entries:
        assert made.log.submit(entry)[0] == 200
    yield made.log
    made.stop()


class Witness(threading.Thread):
    """Asks for what is valid all the while; notes the slowest answer."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.done, self.answers, self.slowest, self.wrong = node, False, 0, 0, []

    def run(self):
        while not (self.done and self.answers):
            for path in ("/checkpoint", "/tile/0/000.p/6", "/api/v1/entries/3"):
                began = time.monotonic()
                try:
                    status, _, body = self.node.get(path)
                except OSError as error:
                    status, body = error, None
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.answers += 1
                if status != 200:
                    self.wrong.append((path, status, body))
            time.sleep(0.02)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done = True
        self.join()


def check(node, witness, slowest=PATIENCE / 2):
    assert not witness.wrong, witness.wrong[:5]
    assert witness.answers >= 3
    assert witness.slowest < slowest, f"{witness.slowest:.1f} s for a valid request"
    assert node.process.poll() is None, node.said()
    assert node.memory() < MEMORY, f"{node.memory() >> 20} MiB"
    assert "ERROR: AddressSanitizer" not in node.said() and "runtime error" not in node.said()


# --- many ---

async def client(port, requests):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    good, heard = 0, time.monotonic()
    try:
        while good < requests:
            try:
                writer.write(b"GET /tile/0/000.p/6 HTTP/1.1\r\nHost: n\r\n\r\n")
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            except (asyncio.IncompleteReadError, ConnectionError):
                assert time.monotonic() - heard > IDLE, "cut off in the middle"
                writer.close()  # this machine was too busy to ask in time
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                heard = time.monotonic()
                continue
            assert head.startswith(b"HTTP/1.1 200"), head[:80]
            good += len(await reader.readexactly(6 * 32)) == 192
            heard = time.monotonic()
            await asyncio.sleep(random.random() / 10)
    finally:
        writer.close()
    return good


@pytest.fixture
def descriptors():
    """As many as there are clients, and some more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        pytest.skip(f"only {hard} descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_clients(node, descriptors, say):
    """All connected at once, each asking again and again."""
    rounds = 200 if LONG else 15

    async def everybody():
        return await asyncio.gather(*(client(node.port, rounds) for _ in range(CLIENTS)))
    began = time.monotonic()
    good = sum(asyncio.run(everybody()))
    took = time.monotonic() - began
    assert good == CLIENTS * rounds
    assert node.memory() < MEMORY
    say(f"figure: node, 1,000 concurrent clients: {good / took:.0f} answers/s, "
        f"{node.memory() >> 20} MiB resident")


# --- slow ---

def test_slow_clients_are_cut(node, say):
    """Heads and bodies a byte at a time: each step has one deadline, whatever trickles in."""
    head = b"GET /checkpoint HTTP/1.1\r\nHost: n\r\nX-Long: "
    body = b"POST /api/v1/entries HTTP/1.1\r\nHost: n\r\nContent-Length: 60000\r\n\r\n"
    sockets = []
    with Witness(node) as witness:
        for i in range(400):
            one = socket.create_connection(("127.0.0.1", node.port))
            one.sendall(head if i % 2 else body)
            one.setblocking(False)
            sockets.append(one)
        began, open_ones = time.monotonic(), list(sockets)
        while open_ones and time.monotonic() - began < PATIENCE:
            for one in list(open_ones):
                try:
                    one.send(b"a")
                    if select.select([one], [], [], 0)[0] and not one.recv(4096):
                        open_ones.remove(one)
                except BlockingIOError:
                    pass
                except OSError:
                    open_ones.remove(one)
            time.sleep(0.5)
        took = time.monotonic() - began
    for one in sockets:
        one.close()
    assert not open_ones, f"{len(open_ones)} slow clients still hold a connection"
    check(node, witness)
    say(f"figure: node, 400 slow clients: all cut after {took:.0f} s; slowest valid answer "
        f"{witness.slowest * 1000:.0f} ms")


def test_who_does_not_read_is_cut(node):
    """Answers that nobody takes do not pile up."""
    sockets = []
    with Witness(node) as witness:
        for _ in range(50):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(("127.0.0.1", node.port))
            one.setblocking(False)
            try:
                one.send(b"GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n" * 300)
            except OSError:
                pass
            sockets.append(one)
        time.sleep(3)
    for one in sockets:
        one.close()
    check(node, witness)


# --- large ---

def send_large(port, head, chunk, total):
    """What came back, or the error; how many bytes were taken."""
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as one:
        try:
            one.sendall(head)
            while sent < total:
                one.sendall(chunk)
                sent += len(chunk)
            return one.recv(100), sent
        except OSError:
            try:
                return one.recv(100), sent
            except OSError as error:
                return error, sent


def test_bodies_of_100_mb(node):
    total = 100 << 20
    piece = bytes(1 << 16)
    chunk = b"10000\r\n" + piece + b"\r\n"
    before = node.memory()
    with Witness(node) as witness:
        threads = []
        answers = []
        for i in range(8):
            head = b"POST /api/v1/entries HTTP/1.1\r\nHost: n\r\n"
            if i % 2:
                arguments = (node.port, head + b"Content-Length: %d\r\n\r\n" % total, piece, total)
            else:
                arguments = (node.port, head + b"Transfer-Encoding: chunked\r\n\r\n", chunk, total)
            threads.append(threading.Thread(
                target=lambda a=arguments: answers.append(send_large(*a))))
            threads[-1].start()
        for thread in threads:
            thread.join(PATIENCE)
    assert len(answers) == 8
    for answer, sent in answers:
        assert sent < 16 << 20, "the node took it all in"
        assert not isinstance(answer, bytes) or not answer or b" 413 " in answer, answer
    check(node, witness)
    assert node.memory() - before < GROWTH


# --- broken ---

METHODS = [b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"CONNECT", b"TRACE", b"get",
           b"", b"G\0T", b"A" * 300]
PATHS = [b"/checkpoint", b"/tile/0/000", b"/tile/0/000.p/3", b"/tile/../../etc/passwd",
         b"/tile/%2e%2e/%2e%2e/etc/passwd", b"/..%2f..%2fkeys/log.key", b"/history",
         b"/api/v1/entries", b"/api/v1/entries/0", b"/api/v1/entries/99999999999999999999",
         b"/api/v1/signatories?group=%00", b"/api/v1/signatories/%zz", b"/api/v1/proofs/%ff",
         b"http://other/checkpoint", b"http://", b"*", b"//", b"", b"/" + b"a" * 9000,
         b"/checkpoint?" + b"x=%41&" * 600, b"/\xff\xfe", b"/witness/x/checkpoint", b"/metrics",
         b"/healthz#fragment", b"/openapi.json?a", b"/checkpoint\0evil", b"/%"]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"", b"HTTP/1.1 x", b"FTP/1.1"]
HEADERS = [b"Host: n", b"Host: a\r\nHost: b", b"Content-Length: 5", b"Content-Length: -1",
           b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 99999999999999999999",
           b"Content-Length: 0x5", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip",
           b"Transfer-Encoding: chunked\r\nContent-Length: 5",
           b"Transfer-Encoding: chunked, chunked", b"Expect: 100-continue", b"Expect: 200-ok",
           b"Connection: close", b"Connection: upgrade\r\nUpgrade: h2c", b"Range: bytes=0-1",
           b"Range: bytes=99-", b"Range: bytes=5-1", b"Range: bytes=-0", b"If-None-Match: *",
           b"X: " + b"a" * 20000, b"X-Forwarded-For: ,,,\x01", b"X\0Y: z", b": empty", b"no colon",
           b" folded: x", b"X: a\r\n b", b"Cookie: " + b"a=b;" * 500, b"Accept-Encoding: \xff"]
BODIES = [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff\r\n", b"-5\r\nhello",
          b"5;ext=\"x\"\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", b"\r\n\r\n\r\n", b"{}", b"\0" * 500,
          b"5\nhello\n0\n\n", b"GET /checkpoint HTTP/1.1\r\nHost: n\r\n\r\n" * 3]


def broken(dice):
    """A request that is wrong in some way, or right; or only its beginning; or noise."""
    if dice.random() < 0.05:
        return dice.randbytes(dice.randrange(1, 2000))
    line = b" ".join([dice.choice(METHODS[:4]) if dice.random() < 0.7 else dice.choice(METHODS),
                      dice.choice(PATHS),
                      b"HTTP/1.1" if dice.random() < 0.8 else dice.choice(VERSIONS)])
    headers = [b"Host: n"] if dice.random() < 0.8 else []
    headers += dice.sample(HEADERS, dice.randrange(0, 4))
    end = b"\r\n" if dice.random() < 0.9 else dice.choice([b"\n", b"\r", b"\0\r\n"])
    text = end.join([line, *headers]) + end + end + dice.choice(BODIES)
    if dice.random() < 0.1:  # pipelined
        text += broken(dice)
    if dice.random() < 0.1:  # a byte of it otherwise
        at = dice.randrange(len(text))
        text = text[:at] + bytes([dice.randrange(256)]) + text[at + 1:]
    return text[:dice.randrange(len(text))] if dice.random() < 0.1 else text


def send_broken(port, text):
    """The status lines that came back before the node was silent for a moment."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as one:
        try:
            one.sendall(text)
            one.settimeout(0.5)
            while len(answer) < 1 << 20:
                piece = one.recv(65536)
                if not piece:
                    break
                answer += piece
        except OSError:
            pass
    return [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/")]


def test_broken_requests(node, say):
    seed = int(os.environ.get("ENTENTE_SEED", "20261122")) if not LONG else random.randrange(1 << 32)
    end = time.monotonic() + SECONDS
    counts, statuses = [], set()

    def attack(number):
        dice = random.Random(seed * 100 + number)
        count = 0
        while time.monotonic() < end:
            text = broken(dice)
            for line in send_broken(node.port, text):
                status = int(line.split()[1])
                statuses.add(status)
                assert status < 500 or status in (501, 503, 505), (line, text[:300])
            count += 1
        counts.append(count)
    with Witness(node) as witness:
        threads = [threading.Thread(target=attack, args=(i,)) for i in range(ATTACKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(counts) == ATTACKERS, f"seed {seed}: an attack ended early"
    check(node, witness)
    assert {200, 400, 404} <= statuses
    say(f"figure: node, {sum(counts)} broken requests in {SECONDS} s (seed {seed}): statuses "
        f"{sorted(statuses)}, {node.memory() >> 20} MiB, slowest valid answer "
        f"{witness.slowest * 1000:.0f} ms")


def test_nothing_is_smuggled(node):
    """Where two readers could see two lengths, there is one answer and then the end."""
    for headers in (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                    b"Content-Length: 4\r\nContent-Length: 30\r\n",
                    b"Transfer-Encoding: xchunked\r\n"):
        text = (b"POST /api/v1/entries HTTP/1.1\r\nHost: n\r\n" + headers + b"\r\n0\r\n\r\n"
                b"GET /checkpoint HTTP/1.1\r\nHost: n\r\n\r\n")
        answers = send_broken(node.port, text)
        assert len(answers) <= 1 and all(b" 4" in line for line in answers), (headers, answers)


def test_memory_comes_back(node):
    """After all of the above nothing is held: no body, no request, few connections."""
    def quiet():
        text = node.get("/metrics")[2].decode()
        numbers = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
        return (numbers["entente_http_body_bytes"] == "0"
                and numbers["entente_http_requests_waiting"] == "1"  # this one
                and int(numbers["entente_http_connections"]) < 5)
    node.until(quiet)
    assert node.memory() < MEMORY


def test_it_stops_in_order(node):
    """And, with a sanitizer, without a leak."""
    node.stop()
    assert "Sanitizer" not in node.said()
