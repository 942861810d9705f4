"""A network that loses, delays, cuts and is listened to: a TCP proxy with moods."""
import random
import selectors
import socket
import threading
import time

from waiting import PATIENCE

CHUNK = 16384


class Wire:
    """127.0.0.1:port -> 127.0.0.1:target; every byte that passes is kept."""

    def __init__(self, target, seed=0):
        self.target, self.random = target, random.Random(seed)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.seen, self.lock = bytearray(), threading.Lock()
        self.cut = False          # nothing passes, connections hang and die
        self.loss = 0.0           # the share of chunks at which the connection is reset
        self.delay = 0.0          # seconds for each chunk
        self.passed = self.resets = 0
        self.closing = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.closing:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        try:
            if self.cut:
                return
            with socket.create_connection(("127.0.0.1", self.target), timeout=PATIENCE) as far:
                self.exchange(near, far)
        except OSError:
            pass
        finally:
            near.close()

    def exchange(self, near, far):
        choose = selectors.DefaultSelector()
        choose.register(near, selectors.EVENT_READ, far)
        choose.register(far, selectors.EVENT_READ, near)
        while not self.closing:
            for key, _ in choose.select(0.2):
                data = key.fileobj.recv(CHUNK)
                if not data:
                    return
                if self.delay:
                    time.sleep(self.random.uniform(0, 2 * self.delay))
                if self.cut:  # what was on the way does not arrive
                    return
                if self.random.random() < self.loss:
                    self.resets += 1
                    self.keep(data[:len(data) // 2])
                    key.data.sendall(data[:len(data) // 2])  # a part, and then nothing more
                    return
                self.keep(data)
                key.data.sendall(data)
            if self.cut:
                return

    def keep(self, data):
        with self.lock:
            self.seen += data
            self.passed += len(data)

    def close(self):
        self.closing = True
        self.listener.close()
