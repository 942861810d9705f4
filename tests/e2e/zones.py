"""Name servers on loopback for the tests of zones: knot and nsd, with zone files as they are."""
import ipaddress
import json
import shutil
import socket
import struct
import subprocess

from waiting import PATIENCE, answered, until

TYPE_SOA = 6
ANSWER_S = 20  # what a server of the tests may take on a busy machine
BGP4MP, MESSAGE_AS4, TIME = 16, 4, 1790000000


def query(name, kind=TYPE_SOA, number=1, flags=0x100):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
    return struct.pack(">6H", number, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, 1)


def ask(address, port, message, timeout=1.0):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.connect((address, port))
        client.send(message)
        return client.recv(65535)


def wait_for(address, port, name, process=None):
    """Until the server there answers for the zone."""
    def is_served():
        answer = answered(lambda: ask(address, port, query(name)), process)
        return answer[3] & 0xf == 0 and answer[2] & 4

    until(is_served, what=f"{address}:{port} answering for {name or '.'}")


class Knot:
    """knotd with zones {name: file} on the addresses; nothing is written to the files."""

    def __init__(self, folder, addresses, port, zones, transfers=False):
        self.folder = folder
        folder.mkdir(parents=True)
        configuration = folder / "knot.conf"
        listen = ", ".join(f"{address}@{port}" for address in addresses)
        text = (f"server:\n    rundir: {folder}\n    listen: [{listen}]\n"
                f"database:\n    storage: {folder}\n"
                "acl:\n  - id: all\n    action: transfer\n"
                f"template:\n  - id: default\n    zonefile-sync: -1\n    journal-content: none\n"
                f"    storage: {folder}\n" + ("    acl: all\n" if transfers else "") + "zone:\n")
        text += "".join(f"  - domain: {name or '.'}\n    file: {file}\n"
                        for name, file in zones.items())
        configuration.write_text(text)
        self.process = subprocess.Popen(
            [shutil.which("knotd") or "/usr/sbin/knotd", "-c", configuration],
            stdout=subprocess.DEVNULL, stderr=open(folder / "knot.err", "wb"))
        for name in zones:
            wait_for(addresses[0], port, name, self.process)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


class Nsd:
    """nsd with zones {name: file} on the addresses."""

    def __init__(self, folder, addresses, port, zones):
        folder.mkdir(parents=True)
        text = ("server:\n" + "".join(f"  ip-address: {address}@{port}\n" for address in addresses)
                + f"  username: \"\"\n  chroot: \"\"\n  zonesdir: {folder}\n  database: \"\"\n"
                f"  pidfile: {folder}/pid\n  xfrdfile: {folder}/xfrd\n  xfrdir: {folder}\n"
                f"  zonelistfile: {folder}/list\n  logfile: {folder}/log\n  server-count: 1\n"
                "remote-control:\n  control-enable: no\n")
        text += "".join(f"zone:\n  name: {name or '.'}\n  zonefile: {file}\n"
                        for name, file in zones.items())
        (folder / "nsd.conf").write_text(text)
        self.process = subprocess.Popen(
            [shutil.which("nsd") or "/usr/sbin/nsd", "-d", "-c", folder / "nsd.conf"],
            stdout=subprocess.DEVNULL, stderr=open(folder / "err", "wb"))
        for name in zones:
            wait_for(addresses[0], port, name, self.process)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


class Zones:
    """How `entente zone` is told of servers on loopback."""

    def __init__(self, entente, port, anchor):
        self.entente, self.port, self.anchor = entente, port, anchor

    def options(self, stubs):
        arguments = ["--port", self.port, "--allow-private", "--trust-anchor", self.anchor,
                     "--timeout", ANSWER_S]
        for zone, address in stubs.items():
            arguments += ["--delegate", f"{zone or '.'}@{address}:{self.port}"]
        return arguments

    def check(self, name, stubs, *more, status=None):
        done = self.entente("zone", "check", name, "--format", "json", "--no-save",
                            *self.options(stubs), *more, status=status)
        return json.loads(done.stdout)


def problems(document):
    """{check: [texts]}"""
    return {check["id"]: [problem["text"] for problem in check["problems"]]
            for check in document["checks"] if check["outcome"] == "problem"}


def outcomes(document):
    return {check["id"]: check["outcome"] for check in document["checks"]}


# ---- whose networks they are in

def update(prefix, origin):
    """A BGP UPDATE that announces it: the path is 64496, then the origin."""
    network = ipaddress.ip_network(prefix)
    path = struct.pack(">BBII", 2, 2, 64496, origin)
    attributes = (b"\x40\1\1\0" + b"\x40\2" + bytes([len(path)]) + path
                  + b"\x40\3\4" + bytes([192, 0, 2, 1]))
    body = (struct.pack(">HH", 0, len(attributes)) + attributes + bytes([network.prefixlen])
            + network.network_address.packed[:(network.prefixlen + 7) // 8])
    return b"\xff" * 16 + struct.pack(">HB", 19 + len(body), 2) + body


def write_routes(path, origins):
    """An MRT file with a route for each {prefix: AS}."""
    head = struct.pack(">IIHH", 64496, 64497, 0, 1) + bytes([192, 0, 2, 1, 192, 0, 2, 2])
    out = b""
    for prefix, origin in origins.items():
        body = head + update(prefix, origin)
        out += struct.pack(">IHHI", TIME, BGP4MP, MESSAGE_AS4, len(body)) + body
    path.write_bytes(out)


def write_payloads(path, origins):
    path.write_text("ASN,IP Prefix,Max Length,Trust Anchor\n" + "".join(
        f"AS{origin},{prefix},{prefix.split('/')[1]},lab\n" for prefix, origin in origins.items()))
