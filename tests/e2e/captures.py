"""Captures made for the tests: packets from their layers, in pcap and pcapng files."""

import hashlib
import hmac
import ipaddress
import struct
import subprocess

ETHERNET, RAW, COOKED, COOKED2, LOOPBACK = 1, 101, 113, 276, 0


def address(text):
    return ipaddress.ip_address(text).packed


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(source, destination, protocol, payload, identity=1, offset=0, more=False):
    """An IPv4 or IPv6 packet; IPv6 fragments have their own header (fragment6)."""
    if ":" in source:
        return (struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64)
                + address(source) + address(destination) + payload)
    flags = (0x2000 if more else 0) | offset // 8
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identity, flags, 64, protocol, 0)
    head += address(source) + address(destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def fragment6(following, payload, identity, offset, more):
    return struct.pack("!BBHI", following, 0, offset | more, identity) + payload


def udp(source_port, destination_port, payload):
    return struct.pack("!HHHH", source_port, destination_port, 8 + len(payload), 0) + payload


def tcp(source_port, destination_port, sequence, payload=b"", flags=0x18):
    return struct.pack("!HHIIBBHHH", source_port, destination_port, sequence & 0xFFFFFFFF, 1,
                       5 << 4, flags, 65535, 0, 0) + payload


def ether(payload, kind=None, tags=()):
    kind = kind or (0x86DD if payload[0] >> 4 == 6 else 0x0800)
    head = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01"
    for tag_type, tag in tags:
        head += struct.pack("!HH", tag_type, tag)
    return head + struct.pack("!H", kind) + payload


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def query(text, kind=1, identity=7):
    return (struct.pack("!HHHHHH", identity, 0x0100, 1, 0, 0, 0) + name(text)
            + struct.pack("!HH", kind, 1))


def answer(text, records, kind=1, identity=7):
    """Records are (owner, type, data); the owner may be a pointer's bytes."""
    out = struct.pack("!HHHHHH", identity, 0x8180, 1, len(records), 0, 0) + name(text)
    out += struct.pack("!HH", kind, 1)
    for owner, record, data in records:
        out += owner if isinstance(owner, bytes) else name(owner)
        out += struct.pack("!HHIH", record, 1, 60, len(data)) + data
    return out


def vector(size, body):
    return len(body).to_bytes(size, "big") + body


def client_hello(server=None, protocols=(), padding=0):
    """The handshake message."""
    extensions = b""
    if server:
        names = vector(2, b"\0" + vector(2, server.encode()))
        extensions += struct.pack("!H", 0) + vector(2, names)
    if protocols:
        names = vector(2, b"".join(vector(1, each.encode()) for each in protocols))
        extensions += struct.pack("!H", 16) + vector(2, names)
    if padding:
        extensions = struct.pack("!H", 21) + vector(2, bytes(padding)) + extensions
    body = b"\x03\x03" + bytes(range(32)) + vector(1, b"") + vector(2, b"\x13\x01") \
        + vector(1, b"\0") + vector(2, extensions)
    return b"\x01" + vector(3, body)


def records(message, size=16384):
    return b"".join(b"\x16\x03\x01" + vector(2, message[at:at + size])
                    for at in range(0, len(message), size))


def segments(flow, data, size, sequence=1000, syn=True, order=None):
    """TCP packets of one direction; flow is (source, port, destination, port)."""
    source, source_port, destination, destination_port = flow
    parts = [(sequence + 1 + at, data[at:at + size]) for at in range(0, len(data), size)]
    packets = [ip(source, destination, 6, tcp(source_port, destination_port, at, part))
               for at, part in parts]
    if order:
        packets = [packets[index] for index in order]
    if syn:
        packets.insert(0, ip(source, destination, 6,
                             tcp(source_port, destination_port, sequence, flags=2)))
    return packets


# ---- QUIC, RFC 9001 and 9369

SALTS = {
    1: (bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), "quic", 0),
    0x6B3343CF: (bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), "quicv2", 1),
}


def expand(secret, label, length):
    label = b"tls13 " + label.encode()
    info = struct.pack("!H", length) + vector(1, label) + b"\0\x01"
    return hmac.new(secret, info, hashlib.sha256).digest()[:length]


def variable(number):
    if number < 64:
        return bytes([number])
    return struct.pack("!H", 0x4000 | number) if number < 16384 else \
        struct.pack("!I", 0x80000000 | number)


def crypto(data, offset):
    return b"\x06" + variable(offset) + variable(len(data)) + data


def gcm(key, nonce, aad, clear):
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    return AESGCM(key).encrypt(nonce, clear, aad)


def block(key, sample):
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(sample) + encryptor.finalize()


def initial(frames, number, identity=b"\x83\x94\xc8\xf0\x3e\x51\x57\x08", version=1, size=1162,
            key_identity=None):
    """A client's Initial packet, padded to `size` bytes of frames."""
    salt, word, kind = SALTS[version]
    secret = hmac.new(salt, key_identity or identity, hashlib.sha256).digest()
    secret = expand(secret, "client in", 32)
    key, iv, hp = (expand(secret, word + " " + part, length)
                   for part, length in (("key", 16), ("iv", 12), ("hp", 16)))
    frames = frames.ljust(size, b"\0")
    head = bytes([0xC3 | kind << 4]) + struct.pack("!I", version) + vector(1, identity)
    head += vector(1, b"client01") + variable(0)
    head += struct.pack("!H", 0x4000 | 4 + len(frames) + 16)
    packet_number = struct.pack("!I", number)
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    sealed = gcm(key, nonce, head + packet_number, frames)
    mask = block(hp, sealed[:16])
    first = bytes([head[0] ^ mask[0] & 0x0F])
    masked = bytes(a ^ b for a, b in zip(packet_number, mask[1:5]))
    return first + head[1:] + masked + sealed


# ---- files

def pcap(packets, link=ETHERNET, order="<", nanoseconds=False, snap=262144, start=1700000000):
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link)
    for index, packet in enumerate(packets):
        held = packet[:snap]
        out += struct.pack(order + "IIII", start + index, index, len(held), len(packet)) + held
    return out


def ng_block(kind, body, order="<"):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body \
        + struct.pack(order + "I", len(body) + 12)


def ng_section(order="<"):
    return ng_block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def ng_interface(link, order="<", resolution=None):
    options = b""
    if resolution is not None:
        options = struct.pack(order + "HHB3xHH", 9, 1, resolution, 0, 0)
    return ng_block(1, struct.pack(order + "HHI", link, 0, 0) + options, order)


def ng_packet(interface, packet, order="<", units=10**6, seconds=1700000000):
    count = seconds * units
    return ng_block(6, struct.pack(order + "IIIII", interface, count >> 32, count & 0xFFFFFFFF,
                                   len(packet), len(packet)) + packet, order)


# ---- the reference

FIELDS = {
    "ip": ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst"),
    "dns-qname": ("dns.qry.name",),
    "dns-rrname": ("dns.resp.name",),
    "dns-a": ("dns.a",),
    "dns-aaaa": ("dns.aaaa",),
    "dns-cname": ("dns.cname",),
    "tls-sni": ("tls.handshake.extensions_server_name",),
    "http-host": ("http.host",),
    "url": ("http.request.full_uri",),
    "user-agent": ("http.user_agent",),
}


def tshark_values(path):
    """What tshark finds: (kind, value)."""
    fields = [(kind, field) for kind, names in FIELDS.items() for field in names]
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=/t",
               "-E", "aggregator=|", "-E", "occurrence=a", "-o", "tcp.reassemble_out_of_order:TRUE"]
    for _, field in fields:
        command += ["-e", field]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    values = set()
    for line in out.splitlines():
        for (kind, _), cell in zip(fields, line.split("\t")):
            values |= {(kind, value) for value in cell.split("|") if value}
    return values
