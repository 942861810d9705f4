"""bench/run routes, its second part: the watcher, with as many VRPs as the Internet has, on updates made here.

The updates have the attributes of real ones; a few of a hundred are about what the profile has as its own,
hijacks among them. Then the same with nothing but routes to one's own prefixes: the worst that can come.
"""
import json
import pathlib
import random
import struct
import subprocess

VRPS, UPDATES, PEERS, OWN = 700_000, 300_000, 40, 20
START = 1_700_000_000
MEMORY_MB, RATE = 150, 50_000


def own_prefix(number):
    return f"185.{number}.0.0/22"


def make_profile(path):
    prefixes = [{"prefix": own_prefix(number), "origins": [64900 - number % 2 * 100]}
                for number in range(OWN)]
    path.write_text(json.dumps({
        "signatory": {"name": "Bench", "group": "private-sector"},
        "assets": {"prefixes": prefixes, "as": [{"number": 3333, "upstreams": [1299, 174]}]}}))


def make_vrps(path):
    """As rpki-client writes them; a third of IPv6, as there are."""
    chance = random.Random(2)
    with open(path, "w", encoding="ascii") as out:
        out.write('{"metadata": {"buildtime": "2026-01-01T00:00:00Z"}, "roas": [\n')
        for number in range(VRPS):
            if number % 3:
                length = chance.choice((20, 22, 23, 24, 24, 24))
                value = (1 << 24) + number * 5 * 1024 & ~((1 << (32 - length)) - 1) & 0xffffffff
                prefix = f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}/{length}"
                most = chance.choice((length, 24))
            else:
                prefix = f"2a{number >> 16 & 255:02x}:{number & 0xffff:x}:{number % 7:x}00::/40"
                length = 40
                most = chance.choice((40, 48))
            out.write(f'{{"asn": {chance.randrange(1, 400_000)}, "prefix": "{prefix}", "maxLength": {most}, '
                      f'"ta": "ripe", "expires": 4000000000}}{"," if number < VRPS - 1 else ""}\n')
        out.write("]}\n")


def nlri(prefix):
    address, length = prefix.split("/")
    octets = bytes(int(part) for part in address.split("."))
    return bytes([int(length)]) + octets[:(int(length) + 7) // 8]


def make_updates(path, blobs, own_share, seed=3):
    """BGP4MP_MESSAGE_AS4 records: 40 peers, an announcement of one to three prefixes each."""
    chance = random.Random(seed)
    blobs = [blob for blob in blobs if len(blob) < 2000][:20_000]
    with open(path, "wb") as out:
        for number in range(UPDATES):
            peer = chance.randrange(PEERS)
            if chance.random() < own_share:
                named = nlri(own_prefix(chance.randrange(OWN)))
            else:
                named = b"".join(bytes([24, chance.randrange(1, 180), chance.randrange(256),
                                        chance.randrange(256)]) for _ in range(chance.randrange(1, 4)))
            blob = chance.choice(blobs)
            body = struct.pack(">HH", 0, len(blob)) + blob + named
            message = b"\xff" * 16 + struct.pack(">HB", 19 + len(body), 2) + body
            head = struct.pack(">IIHH4s4s", 65000 + peer, 12654, 0, 1, bytes([10, 0, 0, peer]),
                               bytes([10, 0, 0, 254]))
            out.write(struct.pack(">IHHI", START + number // 1000, 16, 4, len(head + message)) + head + message)


def replay(program, folder, updates):
    return [program, "routes", "replay", "--profile", folder / "watch.yaml", "--vrp", folder / "vrps.json",
            updates]


def run(folder, program, build, blobs, show, compare, verdict):
    folder = pathlib.Path(folder)
    make_profile(folder / "watch.yaml")
    make_vrps(folder / "vrps.json")
    kinds = {"updates.mixed": (0.03, "3 of 100 about one's own"), "updates.own": (1.0, "all about one's own")}
    print(f"\nthe watcher: {VRPS:,} VRPs ({(folder / 'vrps.json').stat().st_size / 1e6:.0f} MB of JSON), "
          f"{UPDATES:,} updates of {PEERS} peers")
    for name, (share, text) in kinds.items():
        make_updates(folder / name, blobs, share)
        done = subprocess.run([build / "bench" / "routes_watch_bench", folder / "watch.yaml",
                               folder / "vrps.json", folder / name], check=True, capture_output=True, text=True)
        rates = {line.split()[0]: float(line.split()[1]) for line in done.stdout.splitlines()}
        print(f"  {text}: bare parse {rates['parse']:,.0f} updates per CPU second (the limit), through "
              f"detection {rates['watch']:,.0f} ({100 * rates['watch'] / rates['parse']:.0f} % of it)")
        verdict(f"updates per second per core, {text}", rates["watch"], least=RATE, unit="/s")
    runs = compare({"entente routes replay --vrp": replay(program, folder, folder / "updates.mixed")}, 1)
    show("the whole command", runs)
    largest = max(one.memory for found in runs.values() for one in found)
    verdict(f"memory of the largest process, with {VRPS:,} VRPs", largest, most=MEMORY_MB, unit=" MB")
