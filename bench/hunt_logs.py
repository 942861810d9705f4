"""The two logs of `bench/run hunt`, made from the data set: the same bytes each time.

mixed: base_mixed.log repeated; every copy has other IPv4 addresses and other host names in places, so that caches
see what they would see in a long log. A few lines carry indicators of the list.
worst: DNS and proxy lines: a candidate every 32 bytes, names that nobody lists below last labels that many lists
have.
"""
import random
import re
import subprocess

ADDRESS = re.compile(rb"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b")
TLDS = [b"com", b"net", b"org", b"info", b"ru", b"top", b"xyz", b"de", b"io", b"online", b"site", b"cn"]
LETTERS = b"abcdefghijklmnopqrstuvwxyz"


def unpacked(path):
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
    return path.read_bytes()


def address(rng):
    bits = rng.getrandbits(32)
    return b"%d.%d.%d.%d" % (bits >> 24, bits >> 16 & 255, bits >> 8 & 255, bits & 255)


def mixed(base, path, size):
    """Writes about `size` bytes of `base` with other addresses in each copy."""
    rng = random.Random(5)
    pieces = ADDRESS.split(base)
    written = 0
    with open(path, "wb") as out:
        while written < size:
            copy = b"".join(part for piece in pieces for part in (piece, address(rng)))
            written += out.write(copy + b"\n")
    return written


def name(rng):
    labels = [bytes(rng.choices(LETTERS, k=rng.randint(3, 12))) for _ in range(rng.randint(1, 3))]
    return b".".join(labels + [rng.choice(TLDS)])


def worst(path, size):
    """Writes about `size` bytes of DNS and proxy lines."""
    rng = random.Random(6)
    block = bytearray()
    when = 1700000000
    while len(block) < 8 << 20:
        when += 1
        if rng.random() < 0.5:
            block += b"%d.%03d %s %s %s A NOERROR %s\n" % (
                when, rng.randrange(1000), address(rng), address(rng), name(rng), address(rng))
        else:
            host = name(rng)
            block += b"%d.%03d %d %s TCP_MISS/200 %d GET http://%s/%s - DIRECT/%s %s\n" % (
                when, rng.randrange(1000), rng.randrange(900), address(rng), rng.randrange(99999), host,
                bytes(rng.choices(LETTERS, k=6)), address(rng), name(rng))
    pieces = ADDRESS.split(bytes(block))
    written = 0
    with open(path, "wb") as out:
        while written < size:
            copy = b"".join(part for piece in pieces for part in (piece, address(rng)))
            written += out.write(copy + b"\n")
    return written
