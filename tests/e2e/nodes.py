"""Nodes for tests: a community made by make_community.c, and processes of `entente serve`."""
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time

from conftest import BINARY
from ports import free_port
from waiting import PATIENCE

BUILD = pathlib.Path(BINARY).resolve().parents[1]
MAKER = BUILD / "tests" / "e2e" / "make_community"
SANITIZED = b"__asan_init" in pathlib.Path(BINARY).read_bytes()  # such a node is not confined


class Node:
    """One `entente serve` on loopback."""

    def __init__(self, data, *options, port=None):
        self.data, self.options = data, options
        self.port = port or free_port()
        self.errors = data.parent / (data.name + ".err")
        self.process = None

    def start(self, wait=True):
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
                 "--allow-private", *map(str, self.options)], stderr=errors)
        if wait:
            self.until(lambda: self.get("/healthz")[0] == 200)
        return self

    def until(self, condition, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while True:
            assert self.process.poll() is None, self.said()
            try:
                if condition():
                    return
            except OSError:
                pass
            assert time.monotonic() < end, "not in time: " + self.said()
            time.sleep(0.05)

    def peak_memory(self):
        """The most that the process had resident so far, in bytes."""
        (line,) = (line for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
                   .splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) << 10

    def said(self):
        return self.errors.read_text(errors="replace")[-3000:]

    def request(self, method, path, body=None, headers=None, timeout=PATIENCE):
        """Status, headers (lower case), body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return (answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def json(self, path):
        status, _, body = self.get(path)
        assert status == 200, body
        return json.loads(body)

    def submit(self, entry, wait=None):
        """
        Status and answer once it is published (or refused): by witnesses, who may have a busy
        machine. With `wait` the first answer, which may be the promise of a log that waits so long.
        """
        end = time.monotonic() + PATIENCE
        while True:
            status, _, body = self.request("POST", f"/api/v1/entries?wait={30 if wait is None else wait}", entry)
            if status != 202 or wait is not None or time.monotonic() > end:
                return status, json.loads(body)

    def size(self):
        status, _, body = self.get("/checkpoint")
        return int(body.split(b"\n")[1]) if status == 200 else 0

    def memory(self):
        """Resident bytes."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) << 10

    def stop(self, number=signal.SIGTERM, status=0, seconds=PATIENCE):
        self.process.send_signal(number)
        got = self.process.wait(seconds)
        assert number == signal.SIGKILL or got == status, f"exit {got}: {self.said()}"


class Community:
    """A log's node, a witness node of each group, and entries to submit in order."""

    def __init__(self, folder, entries=20, witnesses=3, options=()):
        ports = [free_port() for _ in range(witnesses)]
        subprocess.run([MAKER, folder, str(entries),
                        *(f"http://127.0.0.1:{port}/witness" for port in ports)], check=True,
                       env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # it just ends
        self.log = Node(folder / "log", *options)
        self.witnesses = [Node(folder / f"witness-{i}", port=port)
                          for i, port in enumerate(ports)]
        self.entries = [path.read_bytes() for path in sorted((folder / "entries").iterdir())]

    def nodes(self):
        return [*self.witnesses, self.log]

    def start(self):
        for node in self.nodes():
            node.start()
        self.log.until(lambda: self.log.get("/readyz")[0] == 200)
        return self

    def stop(self):
        for node in self.nodes():
            if node.process and node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
                node.stop()
