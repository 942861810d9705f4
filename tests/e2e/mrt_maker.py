"""MRT files by chance, for comparing readers: sound, odd and malformed records of every kind.

What bgpdump 1.6.2 answers by ending itself or by what its memory holds is not made: attributes that
come twice, lists of communities without bytes, peers beyond the table, next hops of odd lengths in
tables.
"""
import gzip
import random
import struct

MARKER = b"\xff" * 16


def record(seconds, kind, subtype, body):
    return struct.pack(">IHHI", seconds & 0xffffffff, kind, subtype, len(body)) + body


def attribute(code, value, flags=0x40, extended=None):
    if extended or (extended is None and len(value) > 255):
        return struct.pack(">BBH", flags | 0x10, code, len(value)) + value
    return struct.pack(">BBB", flags & ~0x10, code, len(value)) + value


class Maker:
    def __init__(self, seed, odd=0.2):
        self.chance = random.Random(seed)
        self.odd = odd  # how often something is not as it should be

    def is_odd(self):
        return self.chance.random() < self.odd

    def bytes(self, count):
        return self.chance.randbytes(count)

    # ---- pieces

    def asn(self, width):
        if width == 2:
            return struct.pack(">H", self.chance.choice((23456, 1, 3333, 64512, 65535,
                                                         self.chance.randrange(65536))))
        return struct.pack(">I", self.chance.choice((23456, 3333, 65536, 4200000000, 2**32 - 1,
                                                     self.chance.randrange(2**32))))

    def path(self, width):
        out = b""
        for _ in range(self.chance.choice((0, 1, 1, 1, 1, 2, 3))):
            kind = self.chance.choice((2, 2, 2, 2, 1, 3, 4))
            count = self.chance.choice((1, 2, 3, 4, 7, 20, 255 if self.is_odd() else 5))
            if self.is_odd() and kind in (1, 4):
                count = self.chance.choice((0, 1))
            out += bytes([kind, count]) + b"".join(self.asn(width) for _ in range(count))
        if self.chance.random() < self.odd / 4:
            out = self.chance.choice((out + b"\2", out + b"\2\3\0", b"\7\1" + out, out[:-1]))
        return out

    def prefix(self, bits, add_path):
        length = self.chance.choice((0, 8, 16, 19, 22, 24, bits // 2, bits,
                                     self.chance.randrange(bits + 1)))
        if self.chance.random() < self.odd / 8:
            length = self.chance.randrange(256)
        address = self.bytes((length + 7) // 8)
        if length % 8 and not self.is_odd():
            address = address[:-1] + bytes([address[-1] & (0xff00 >> length % 8) & 0xff])
        if self.chance.random() < 0.1 and bits == 128 and length >= 96:
            address = self.chance.choice((b"\0" * 10 + b"\xff\xff", b"\0" * 12)) + address[12:]
        if self.chance.random() < 0.2 and length >= 48:
            address = b"\x20\1" + b"\0" * (len(address) - 4) + address[-2:]
        return (self.bytes(4) if add_path else b"") + bytes([length]) + address

    def prefixes(self, bits, add_path, most=4):
        out = b"".join(self.prefix(bits, add_path) for _ in range(self.chance.randrange(most + 1)))
        if self.chance.random() < self.odd / 8:
            out = out[:-1] if out else b"\x18\1"
        return out

    def communities(self):
        known = (0xffffff01, 0xffffff02, 0xffffff03, 0xffffff04, 0xffff0000, 0xffff029a, 0)
        count = self.chance.choice((1, 2, 3, 9, 700 if self.chance.random() < self.odd / 2 else 5))
        out = b"".join(struct.pack(">I", self.chance.choice(known) if self.chance.random() < 0.3
                                   else self.chance.randrange(2**32)) for _ in range(count))
        return out + (self.bytes(self.chance.randrange(4)) if self.is_odd() else b"")

    def large_communities(self):
        count = self.chance.choice((1, 2, 5, 300 if self.chance.random() < self.odd / 2 else 3))
        return self.bytes(12 * count + (self.chance.randrange(12) if self.is_odd() else 0))

    def number(self):
        value = struct.pack(">I", self.chance.choice((0, 1, 100, 2**31 - 1, 2**31, 2**32 - 2,
                                                      self.chance.randrange(2**32 - 1))))
        if not self.chance.random() < self.odd / 2:
            return value
        return (value + self.bytes(2))[:self.chance.randrange(1, 7)]

    def reach(self, add_path):
        afi, safi = self.chance.choice(((2, 1), (2, 1), (2, 1), (1, 1), (2, 2), (1, 2), (1, 3),
                                        (2, 3), (1, 128), (25, 70), (2, 4), (1, 0)))
        length = self.chance.choice((16, 16, 32, 4))
        if self.is_odd():
            length = self.chance.choice((0, 8, 12, 24, 48))
        snpas = b"\0"
        if self.chance.random() < self.odd / 4:
            snpas = b"\2\3abc\1d"
        return (struct.pack(">HBB", afi, safi, length) + self.bytes(length) + snpas +
                self.prefixes(128 if afi == 2 else 32, add_path))

    def unreach(self, add_path):
        afi, safi = self.chance.choice(((2, 1), (2, 1), (1, 1), (2, 2), (1, 2), (2, 3), (1, 3),
                                        (1, 128), (3, 1)))
        return struct.pack(">HB", afi, safi) + self.prefixes(128 if afi == 2 else 32, add_path)

    def attributes(self, width, add_path, table=False):
        chance, parts = self.chance, []

        def add(code, share, make, flags):
            if chance.random() < share:
                parts.append(attribute(code, make(), flags, True if self.is_odd() else None))

        add(1, .95, lambda: bytes([chance.choice((0, 0, 1, 2, 3 if self.is_odd() else 0))]), 0x40)
        add(2, .95, lambda: self.path(width), 0x40)
        add(3, .8, lambda: self.bytes(chance.choice((4, 4, 4, 4, 3 if self.is_odd() else 4))), 0x40)
        add(4, .4, self.number, 0x80)
        add(5, .4, self.number, 0x40)
        add(6, .2, lambda: b"", 0x40)
        add(7, .3, lambda: self.asn(width) + self.bytes(4), 0xc0)
        add(8, .5, self.communities, 0xc0)
        add(9, .1, lambda: self.bytes(3) + b"\1", 0x80)
        add(10, .1, lambda: self.bytes(8), 0x80)
        add(16, .2, lambda: self.bytes(16), 0xc0)
        add(17, .3 if width == 2 else .05, lambda: self.path(4), 0xc0)
        add(18, .3 if width == 2 else .05, lambda: self.asn(4) + self.bytes(4), 0xc0)
        add(32, .3, self.large_communities, 0xc0)
        add(35, .2, lambda: self.bytes(4), 0xc0)
        add(chance.randrange(36, 256), .1, lambda: self.bytes(chance.randrange(9)), 0xc0)
        if table:
            add(14, .5, lambda: (lambda size: bytes([size]) + self.bytes(size))(
                chance.choice((16, 32, 4))), 0x80)
        else:
            add(14, .4, lambda: self.reach(add_path), 0x80)
            add(15, .3, lambda: self.unreach(add_path), 0x80)
        if self.is_odd():
            chance.shuffle(parts)
        out = b"".join(parts)
        # Flags and code of an attribute that only pretends to follow: of one without a value.
        if chance.random() < self.odd / 8 and 8 not in (out[-1:] or b"\0"):
            out += chance.choice((b"\x40\6", b"\xc0\x63\xff"))
        return out

    # ---- records

    def update(self, width, add_path):
        attributes = self.attributes(width, add_path)
        body = self.prefixes(32, add_path)
        length = len(attributes)
        if self.chance.random() < self.odd / 16:
            length += self.chance.randrange(1, 40)
        return (struct.pack(">H", len(body)) + body + struct.pack(">H", length) + attributes +
                self.prefixes(32, add_path))

    def bgp4mp(self, seconds):
        chance = self.chance
        subtype = chance.choice((1, 4, 4, 4, 6, 7, 8, 9, 10, 11, 0, 5, 2, 3, 12))
        width = 4 if subtype in (4, 5, 7, 9, 11) else 2
        afi = chance.choice((1, 2))
        size = 4 if afi == 1 else 16
        body = self.asn(width) + self.asn(width) + struct.pack(
            ">HH", chance.randrange(9), 3 if chance.random() < self.odd / 8 else afi)
        body += self.bytes(2 * size)
        if subtype in (0, 5):
            body += struct.pack(">HH", chance.randrange(10), chance.randrange(10))
            if chance.random() < self.odd / 4:
                body = chance.choice((body[:8], body + b"\0\0\0\0", body + b"\0"))
        else:
            kind = chance.choice((2,) * 12 + (1, 3, 4, 5, 128, 9))
            message = self.update(width, subtype >= 8) if kind == 2 else self.bytes(20)
            length = 19 + len(message)
            if chance.random() < self.odd / 16:
                length += chance.choice((-1, -3, 5, 100))
            marker = MARKER if chance.random() > self.odd / 16 else self.bytes(16)
            body += marker + struct.pack(">HB", max(0, min(length, 65535)), kind) + message
        if chance.random() < 0.3:
            return record(seconds, 17, subtype, struct.pack(">I", chance.choice(
                (0, 5, 999999, chance.randrange(1000000)))) + body)
        return record(seconds, 16, subtype, body)

    def table(self, seconds):
        subtype = self.chance.choice((1, 1, 2, 2, 3, 4, 5))
        size, width = (4 if subtype % 2 else 16), (4 if subtype > 2 else 2)
        attributes = self.attributes(width, False, True)
        body = (self.bytes(4) + self.bytes(size) + bytes([self.chance.randrange(8 * size + 1), 1]) +
                self.bytes(4) + self.bytes(size) + self.asn(width) +
                struct.pack(">H", len(attributes)) + attributes)
        return record(seconds, 12, subtype, body)

    def peers(self, seconds):
        self.peer_count = self.chance.randrange(1, 9)
        name = self.bytes(self.chance.choice((0, 0, 7)))
        body = self.bytes(4) + struct.pack(">H", len(name)) + name + struct.pack(
            ">H", self.peer_count)
        for _ in range(self.peer_count):
            kind = self.chance.randrange(4)
            body += bytes([kind]) + self.bytes(4 + (16 if kind & 1 else 4)) + self.asn(
                4 if kind & 2 else 2)
        return record(seconds, 13, 1, body)

    def table_v2(self, seconds):
        subtype = self.chance.choice((2, 2, 2, 4, 4, 8, 10, 3, 5, 6, 7, 9, 11, 13))
        bits, add_path = (128 if subtype in (4, 5, 10, 11) else 32), subtype >= 8
        count = self.chance.choice((0, 1, 2, 5, 9))
        body = self.bytes(4) + self.prefix(bits, False) + struct.pack(">H", count)
        for _ in range(count):
            attributes = self.attributes(4, add_path, True)
            body += struct.pack(">HI", self.chance.randrange(self.peer_count), seconds)
            body += self.bytes(4) if add_path else b""
            body += struct.pack(">H", len(attributes)) + attributes
        return record(seconds, 13, subtype, body)

    def legacy(self, seconds):
        subtype = self.chance.choice((1, 1, 1, 3, 7, 5, 0))
        body = self.asn(2) + self.bytes(4)
        if subtype == 3:
            return record(seconds, 5, 3, body + struct.pack(">HH", self.chance.randrange(9), 6))
        return record(seconds, 5, subtype, body + self.asn(2) + self.bytes(4) +
                      self.update(2, False))

    def file(self, count):
        seconds = self.chance.randrange(2**32)
        out = [self.peers(seconds)]
        for _ in range(count):
            seconds += self.chance.randrange(3)
            make = self.chance.choice((self.bgp4mp,) * 6 + (self.table_v2,) * 3 +
                                      (self.table, self.legacy, self.peers))
            out.append(make(seconds))
            if self.chance.random() < 0.02:
                out.append(record(seconds, self.chance.choice((11, 32, 48, 49, 99)), 1, b"skipped"))
        return out


def split(data):
    """The records of a file, as bytes."""
    at, out = 0, []
    while at + 12 <= len(data):
        size = 12 + int.from_bytes(data[at + 8:at + 12], "big")
        out.append(data[at:at + size])
        at += size
    return out


def changed(records, seed, share=0.3):
    """Real records, of which some have bytes that are others, behind the header."""
    chance, out = random.Random(seed), []
    for one in records:
        if chance.random() < share and len(one) > 13:
            one = bytearray(one)
            for _ in range(chance.choice((1, 1, 2, 5))):
                one[chance.randrange(12, len(one))] = chance.choice(
                    (0, 255, chance.randrange(256)))
            one = bytes(one)
        out.append(one)
    return out


def unpacked(path):
    import bz2
    data = path.read_bytes()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else
            bz2.decompress(data) if data[:3] == b"BZh" else data)
