"""Who tells of routes, for tests: FRR's bgpd with BMP and its BGP neighbours, on loopback; a server
of RIS Live; a cache of RPKI payloads (stayrtr)."""
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from ports import free_port
from waiting import PATIENCE, until

PASSWORD = "secret"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


# --- FRR

def bgpd_program():
    for place in (shutil.which("bgpd"), "/usr/lib/frr/bgpd"):
        if place and os.access(place, os.X_OK):
            return place
    return pytest.skip("FRR is not installed")


class Bgpd:
    """A bgpd of its own at 127.0.0.N: no zebra, no other daemon, nothing of the system's."""

    def __init__(self, folder, number, asn, lines, modules=()):
        self.address, self.folder = f"127.0.0.{number}", folder
        self.port, self.vty = free_port(self.address), free_port()
        folder.mkdir()
        configuration = folder / "bgpd.conf"
        configuration.write_text("\n".join((
            f"hostname router{number}", f"password {PASSWORD}", f"router bgp {asn}",
            f" bgp router-id {self.address}", " no bgp ebgp-requires-policy",
            " no bgp network import-check", *lines, "")))
        self.asn, self.log = asn, folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [bgpd_program(), "-Z", "--skip_runas", *modules, "-f", configuration, "-i",
                 folder / "pid", "--vty_socket", folder, "-A", "127.0.0.1", "-P", str(self.vty),
                 "-p", str(self.port), "-l", self.address, "--log", "stdout"],
                stdout=log, stderr=log)

    def configure(self, *lines):
        """Lines of configuration, by the terminal that it offers."""
        talk = until(self.terminal, why=self.said)
        with talk:
            text = "\n".join((PASSWORD, "enable", "configure terminal", f"router bgp {self.asn}",
                              *lines, "end", "exit", ""))
            talk.sendall(text.encode())
            answer = b""
            while part := talk.recv(4096):
                answer += part
        assert b"Unknown command" not in answer and b"% " not in answer, answer

    def terminal(self):
        try:
            return socket.create_connection(("127.0.0.1", self.vty), timeout=PATIENCE)
        except OSError:
            return None

    def said(self):
        return self.log.read_text(errors="replace")[-3000:]

    def stop(self):
        self.process.kill()
        self.process.wait()


def neighbour(folder, number, asn, networks):
    """A network of its own, which tells its routes to the router at 127.0.0.1, AS 64500."""
    return Bgpd(folder, number, asn, (
        " neighbor 127.0.0.1 remote-as 64500", " neighbor 127.0.0.1 passive",
        " neighbor 127.0.0.1 disable-connected-check", " neighbor 127.0.0.1 ebgp-multihop 5",
        f" neighbor 127.0.0.1 update-source 127.0.0.{number}",
        " neighbor 127.0.0.1 timers 1 30", " neighbor 127.0.0.1 advertisement-interval 0",
        " address-family ipv4 unicast", "  neighbor 127.0.0.1 route-map OUT out",
        *(f"  network {network}" for network in networks), " exit-address-family", "exit",
        "route-map OUT permit 10", f" set ip next-hop 192.0.2.{number}", "exit"))


def monitored(folder, neighbours, bmp_port):
    """The router of AS 64500 that tells by BMP what its neighbours tell it."""
    lines = []
    for one in neighbours:
        lines += [f" neighbor {one.address} remote-as {one.asn}",
                  f" neighbor {one.address} port {one.port}",
                  f" neighbor {one.address} disable-connected-check",
                  f" neighbor {one.address} ebgp-multihop 5",
                  f" neighbor {one.address} update-source 127.0.0.1",
                  f" neighbor {one.address} timers connect 1"]
    # It hears alone: what it told on would have its own loopback address as the next hop. And it
    # keeps what it hears: without that, FRR tells of each route before its policy as withdrawn.
    lines += [" address-family ipv4 unicast",
              *(f"  neighbor {one.address} {what}" for one in neighbours
                for what in ("route-map NOTHING out", "soft-reconfiguration inbound")),
              " exit-address-family"]
    lines += [" bmp targets entente", "  bmp monitor ipv4 unicast pre-policy",
              f"  bmp connect 127.0.0.1 port {bmp_port} min-retry 100 max-retry 500", " exit",
              "exit", "route-map NOTHING deny 10", "exit"]
    return Bgpd(folder, 1, 64500, lines, ("-M", "bmp"))


# --- RIS Live

class RisLive:
    """A server of RIS Live: keeps what clients ask for, says what a test says."""

    def __init__(self, port=None, certificate=None):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port or 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.requests, self.clients, self.paths = [], [], []
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"{'wss' if self.context else 'ws'}://localhost:{self.port}/v1/ws/?client=test"

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
            stream = client.makefile("rb")
            self.greet(client, stream)
            with self.lock:
                self.clients.append(client)
            while True:
                self.take(client, *self.frame(stream))
        except (OSError, ValueError, struct.error):  # it is gone, perhaps within a frame
            pass
        with self.lock:
            if client in self.clients:
                self.clients.remove(client)
        client.close()

    def greet(self, client, stream):
        self.paths.append(stream.readline().split()[1].decode())
        key = b""
        while (line := stream.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"sec-websocket-key":
                key = value.strip()
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")

    @staticmethod
    def frame(stream):
        first, second = stream.read(2)
        length = second & 127
        if length == 126:
            (length,) = struct.unpack(">H", stream.read(2))
        assert second & 128, "a client masks"
        mask = stream.read(4)
        return first & 15, bytes(byte ^ mask[i % 4] for i, byte in enumerate(stream.read(length)))

    def take(self, client, kind, body):
        if kind != 1:
            return
        request = json.loads(body)
        if request["type"] == "ping":
            self.send(client, {"type": "pong", "data": None})
        else:
            with self.lock:
                self.requests.append(request)
            self.send(client, {"type": "ris_subscribe_ok", "data": {}})

    @staticmethod
    def send(client, message):
        body = json.dumps(message).encode()
        head = bytes([0x81, len(body)]) if len(body) < 126 else struct.pack(">BBH", 0x81, 126,
                                                                           len(body))
        client.sendall(head + body)

    def say(self, *messages):
        with self.lock:
            assert self.clients
            for client in self.clients:
                with contextlib.suppress(OSError):  # it is gone, and its thread has not seen it yet
                    for message in messages:
                        self.send(client, message)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # also for the thread that waits in it
        self.listener.close()
        with self.lock:
            for client in self.clients:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)


def ris_message(peer, **members):
    """A message of the peer 198.51.100.N, AS 65100 + N."""
    return {"type": "ris_message", "data": {
        "timestamp": time.time(), "peer": f"198.51.100.{peer}", "peer_asn": str(65100 + peer),
        "id": f"{peer}", "host": "rrc00.ripe.net", "type": "UPDATE", **members}}


def ris_route(peer, prefix, path):
    return ris_message(peer, path=[65100 + peer, *path], origin="igp", announcements=[
        {"next_hop": f"198.51.100.{peer}", "prefixes": [prefix]}])


# --- a cache of RPKI payloads

class Cache:
    """stayrtr, which looks into its file each second."""

    def __init__(self, folder, roas):
        if not shutil.which("stayrtr"):
            pytest.skip("stayrtr is not installed")
        folder.mkdir()
        self.file, self.port = folder / "rpki.json", free_port()
        self.write(roas)
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["stayrtr", "-bind", f"127.0.0.1:{self.port}", "-cache", self.file,
                 "-checktime=false", "-refresh", "1", "-metrics.addr", "127.0.0.1:0"],
                stdout=log, stderr=log)

    def write(self, roas):
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps({"metadata": {"buildmachine": "lab"}, "roas": [
            {"asn": f"AS{asn}", "prefix": prefix, "ta": "lab",
             "maxLength": int(prefix.rpartition("/")[2])} for asn, prefix in roas]}))
        new.rename(self.file)

    def stop(self):
        self.process.kill()
        self.process.wait()


def certificate(folder):
    """For localhost, by itself: the file that is trusted, and its key."""
    pem, key = pathlib.Path(folder) / "ris.pem", pathlib.Path(folder) / "ris.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                    "-out", pem], check=True, capture_output=True)
    return pem, key
