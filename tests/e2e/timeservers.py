"""Servers of time for tests: the real chronyd, liars, and somebody on the path who changes packets."""
import datetime
import os
import pwd
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
import ipaddress

from ports import free_port
from waiting import PATIENCE, answered

EPOCH = 2208988800  # seconds from 1900 to 1970


def certificate(folder, name, addresses, begins=-1, days=90):
    """A self-signed certificate in folder/NAME.pem with its key; valid from `begins` days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.utcnow() + datetime.timedelta(days=begins)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(name), *(x509.IPAddress(ipaddress.ip_address(a)) for a in addresses)]),
                critical=False)
            .sign(key, hashes.SHA256()))
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = folder / f"{name}.key"
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
    secret.chmod(0o600)
    return folder / f"{name}.pem", secret


class Chrony:
    """chronyd with NTP and NTS on a loopback address; it never touches the clock."""

    def __init__(self, folder, address="127.0.0.1", said=None, server=None, stratum=2, more="",
                 **valid):
        if not shutil.which("chronyd"):
            pytest.skip("chronyd is not installed")
        folder.mkdir()
        self.address = address
        self.port = free_port(address, *([said] if said else []))
        self.ke = free_port(address, "127.0.0.1")  # nobody answers there, where it does not itself
        self.command = free_port()
        self.ca, key = certificate(folder, "localhost", [address], **valid)
        (folder / "chrony.conf").write_text(
            f"port {self.port}\nbindaddress {address}\nlocal stratum {stratum}\nallow\n"
            f"ntsport {self.ke}\nntsserverkey {key}\nntsservercert {self.ca}\n"
            f"cmdport {self.command}\nbindcmdaddress 127.0.0.1\nbindcmdaddress /\n"
            f"pidfile {folder / 'pid'}\n{more}" + (f"ntsntpserver {said}\n" if said else "")
            + (f"server 127.0.0.1 port {server} iburst minpoll -6 maxpoll -6\n" if server else ""))
        self.log = folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["chronyd", "-d", "-x", "-U", "-u", pwd.getpwuid(os.getuid()).pw_name,
                 "-f", str(folder / "chrony.conf")], stdout=log, stderr=log)
        self.wait()

    def wait(self):
        """Until it answers by UDP and by TCP."""
        def ask():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, socket.socket() as tcp:
                probe.settimeout(1)
                probe.sendto(b"\x23" + bytes(39) + b"12345678", (self.address, self.port))
                probe.recv(1000)
                tcp.connect((self.address, self.ke))

        answered(ask, self.process, self.log.read_text)

    @property
    def ntp(self):
        return f"ntp://{self.address}:{self.port}"

    @property
    def nts(self):
        return f"nts://{self.address}:{self.ke}"

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


class Udp:
    """A thread that gives each packet to `take(packet, sender)`, which gives the packets to answer."""

    def __init__(self, take, address="127.0.0.1", port=0):
        self.take = take
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.socket.settimeout(0.1)
        self.address, self.port = self.socket.getsockname()
        self.running = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.running:
            try:
                packet, sender = self.socket.recvfrom(4096)
                answers = self.take(packet)
            except OSError:
                continue  # nobody asked; or nobody behind it answers any more
            for answer in answers:
                self.socket.sendto(answer, sender)

    @property
    def ntp(self):
        return f"ntp://{self.address}:{self.port}"

    def stop(self):
        self.running = False
        self.thread.join()
        self.socket.close()


def stamp(seconds):
    return struct.pack(">Q", int((seconds + EPOCH) * 2**32) & (2**64 - 1))


def answer(request, offset=0.0, leap=0, stratum=1, mode=4, version=4, reference=b"GPS\0", origin=None,
           root_delay=0, root_dispersion=0):
    """What a server with that clock would say."""
    now = stamp(time.time() + offset)
    head = struct.pack(">BBbbII4s", leap << 6 | version << 3 | mode, stratum, 6, -20, root_delay,
                       root_dispersion, reference)
    return head + stamp(time.time() + offset - 16) + (request[40:48] if origin is None else origin) + now + stamp(time.time() + offset)


def liar(**how):
    return Udp(lambda packet: [answer(packet, **how)] if packet[0] & 7 == 3 else [])


def between(chrony, said, change):
    """Somebody on the path at `said`: change(request, true answer) gives the packets that come back."""
    def take(packet):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.settimeout(30)
            out.sendto(packet, (chrony.address, chrony.port))
            return change(packet, out.recv(4096))
    return Udp(take, said, chrony.port)
