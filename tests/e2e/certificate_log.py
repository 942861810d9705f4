"""A log of certificates (C2SP static-ct-api, RFC 6962), made here from scratch: the tree, the tiles, the
signed checkpoint and the leaves, without any code of the program."""
import base64
import datetime
import hashlib
import os
import struct

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime.datetime.utcnow().replace(microsecond=0)
WIDTH = 256


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", root_of(leaves[:split]), root_of(leaves[split:]))


def vector(size, content):
    return len(content).to_bytes(size, "big") + content


def spki(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def subject(organisation, name):
    return x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation),
                      x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


class Authority:
    def __init__(self, organisation="Example CA"):
        self.name, self.key = subject(organisation, "Root"), ec.generate_private_key(ec.SECP256R1())

    def certificate(self, by=None):
        """Its own, by itself or by another authority."""
        by = by or self
        return (x509.CertificateBuilder().issuer_name(by.name).subject_name(self.name).public_key(self.key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(NOW - datetime.timedelta(days=1000))
                .not_valid_after(NOW + datetime.timedelta(days=1000)).sign(by.key, hashes.SHA256())
                ).public_bytes(serialization.Encoding.DER)

    def issue(self, *names, key=None, days=90, poison=False, common_name=None, serial=None):
        builder = (x509.CertificateBuilder().issuer_name(self.name)
                   .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)] if common_name else []))
                   .public_key((key or ec.generate_private_key(ec.SECP256R1())).public_key())
                   .serial_number(serial or x509.random_serial_number())
                   .not_valid_before(NOW - datetime.timedelta(days=100)).not_valid_after(NOW + datetime.timedelta(days=days)))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        if poison:
            builder = builder.add_extension(x509.PrecertPoison(), critical=True)
        return builder.sign(self.key, hashes.SHA256())


class CertificateLog:
    def __init__(self, folder, origin="ct.example/2026", key=None):
        self.folder, self.origin = folder, origin
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.leaves, self.hashes = [], []
        folder.mkdir()

    @property
    def key_text(self):
        return base64.b64encode(spki(self.key)).decode()

    # ---- leaves

    def add_entry(self, entry, behind, index=None):
        number = len(self.leaves) if index is None else index
        timestamped = (struct.pack(">Q", 1790000000000 + len(self.leaves)) + entry
                       + vector(2, b"\0" + vector(2, number.to_bytes(5, "big"))))
        self.leaves.append(timestamped + behind)
        self.hashes.append(sha256(b"\0\0\0", timestamped))

    def add(self, certificate, index=None, chain=None):
        self.add_der(certificate.public_bytes(serialization.Encoding.DER), index, chain)

    def chain(self, chain):
        """Of the issuers' certificates, which the log then has."""
        for der in chain:
            self.write(f"issuer/{sha256(der).hex()}", der)
        return vector(2, b"".join(map(sha256, chain)))

    def add_der(self, der, index=None, chain=None):
        """Without a chain, of an issuer that the log does not have."""
        behind = vector(2, sha256(b"issuer")) if chain is None else self.chain(chain)
        self.add_entry(struct.pack(">H", 0) + vector(3, der), behind, index)

    def add_precertificate(self, certificate, authority, chain=()):
        """The TBSCertificate without the poison; the precertificate itself stands behind."""
        fields = certificate.tbs_certificate_bytes
        clean = without_poison(fields)
        self.add_entry(struct.pack(">H", 1) + sha256(spki(authority.key)) + vector(3, clean),
                       vector(3, certificate.public_bytes(serialization.Encoding.DER)) + self.chain(chain))

    def fill(self, count, authority=None):
        """Certificates of others."""
        made = (authority or Authority("Another CA")).issue("www.other.test", "other.test").public_bytes(serialization.Encoding.DER)
        for _ in range(count):
            self.add_der(made)

    # ---- files

    def write(self, path, content):
        """At once: a node may be reading it."""
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(path.name + ".new")
        made.write_bytes(content)
        os.replace(made, path)

    @staticmethod
    def place(kind, number, width):
        groups = [f"{number % 1000:03d}"]
        while number >= 1000:
            number //= 1000
            groups.insert(0, f"x{number % 1000:03d}")
        return f"tile/{kind}/{'/'.join(groups)}" + (f".p/{width}" if width < WIDTH else "")

    def publish(self, size=None, partial=True):
        size = len(self.leaves) if size is None else size
        level, number = self.hashes[:size], 0
        for at in range(0, size, WIDTH):
            self.write(self.place("data", at // WIDTH, min(WIDTH, size - at)), b"".join(self.leaves[at:min(at + WIDTH, size)]))
        while level:
            for at in range(0, len(level), WIDTH):
                self.write(self.place(number, at // WIDTH, min(WIDTH, len(level) - at)), b"".join(level[at:at + WIDTH]))
            level = [root_of(level[at:at + WIDTH]) for at in range(0, len(level) // WIDTH * WIDTH, WIDTH)]
            number += 1
        self.sign(size, root_of(self.hashes[:size]))

    def sign(self, size, root, key=None, origin=None):
        key, origin = key or self.key, origin or self.origin
        time = 1795000000000
        head = b"\0\1" + struct.pack(">QQ", time, size) + root
        signature = key.sign(head, ec.ECDSA(hashes.SHA256()))
        identity = sha256(origin.encode(), b"\n\5", sha256(spki(key)))[:4]
        blob = identity + struct.pack(">Q", time) + b"\4\3" + vector(2, signature)
        self.write("checkpoint", f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n\n— {origin} "
                                 f"{base64.b64encode(blob).decode()}\n".encode())


# ---- just enough DER to take an extension out

def element(data, at=0):
    """Tag, start of the content, end."""
    length, start = data[at + 1], at + 2
    if length & 0x80:
        start += length & 0x7f
        length = int.from_bytes(data[at + 2:start], "big")
    return data[at], start, start + length


def wrap(tag, content):
    size = len(content)
    head = bytes([size]) if size < 128 else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + head + content


def parts(content):
    at = 0
    while at < len(content):
        _, _, end = element(content, at)
        yield content[at:end]
        at = end


POISON = bytes.fromhex("060a2b06010401d679020403")


def without_poison(tbs):
    _, start, end = element(tbs)
    kept = []
    for part in parts(tbs[start:end]):
        if part[0] == 0xa3:
            _, inner, stop = element(part)
            _, first, last = element(part, inner)
            part = wrap(0xa3, wrap(0x30, b"".join(one for one in parts(part[first:last]) if POISON not in one)))
        kept.append(part)
    return wrap(0x30, b"".join(kept))
