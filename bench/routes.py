"""bench/run routes: dumping and scanning tables of routes beside bgpdump, igzip and bzip2, and the watcher
(routes_watch.py), in one run.

The table is made here: prefixes without end, attributes of a real table (RIPE RIS, rrc06) and of real
updates with the communities of today; runs of prefixes that a peer has by one path, as in real ones.
"""
import bz2
import gzip
import json
import os
import pathlib
import random
import shutil
import statistics
import struct
import subprocess
import sys

import routes_watch

HERE = pathlib.Path(__file__).resolve().parent.parent
BUILD = HERE / "build"
PROGRAM = BUILD / "src" / "entente"
SHARED = pathlib.Path(os.environ.get("ENTENTE_SHARED", HERE.parent / "shared"))
MRT = SHARED / "data/public_core/mrt"
VRPS = SHARED / "data/public_core/vrp/vrps.rpki-client.json.gz"
PREFIXES, PEERS = 320_000, 6
DUMP_TIMES, SCAN_TIMES, SCAN_OF_IGZIP, BZIP2_RATIO = 12, 20, 1.5, 1.2


def records(data):
    at = 0
    while at + 12 <= len(data):
        _, kind, subtype, length = struct.unpack_from(">IHHI", data, at)
        yield kind, subtype, data[at + 12:at + 12 + length]
        at += 12 + length


def attributes_of_table(limit):
    """Attributes of IPv4 entries of a real table."""
    found = []
    for kind, subtype, body in records(gzip.decompress((MRT / "rib.20100701.a.gz").read_bytes())):
        if (kind, subtype) != (13, 2):
            continue
        at = 5 + (body[4] + 7) // 8
        entries, at = struct.unpack_from(">H", body, at)[0], at + 2
        for _ in range(entries):
            length = struct.unpack_from(">H", body, at + 6)[0]
            found.append(body[at + 8:at + 8 + length])
            at += 8 + length
        if len(found) >= limit:
            break
    return found


def attributes_of_updates(name):
    """Attributes of IPv4 announcements with four-byte AS numbers: what tables hold, too."""
    found, data = [], (MRT / name).read_bytes()
    for kind, subtype, body in records(bz2.decompress(data) if name.endswith("bz2")
                                       else gzip.decompress(data)):
        if kind not in (16, 17) or subtype != 4:
            continue
        body = body[4:] if kind == 17 else body
        at = 12 + (8 if body[11] == 1 else 32) + 18
        if body[at] != 2:
            continue
        at += 3 + struct.unpack_from(">H", body, at + 1)[0]
        length = struct.unpack_from(">H", body, at)[0]
        blob = body[at + 2:at + 2 + length]
        if len(body) > at + 2 + length and b"\x0e" not in blob[:2]:
            found.append(blob)
    return found


def make_table(path, prefixes=PREFIXES, peers=PEERS, seed=1):
    """An uncompressed TABLE_DUMP_V2 file; how many entries it has."""
    chance = random.Random(seed)
    old, new = attributes_of_table(60_000), attributes_of_updates("updates.20160811.1600.gz")
    start, entries, address = 1_700_000_000, 0, 1 << 24
    current = [None] * peers
    with open(path, "wb") as out:
        table = b"\x0a\0\0\1" + struct.pack(">HH", 0, peers)
        for peer in range(peers):
            table += struct.pack(">B4s4sI", 2, bytes([10, 0, 1, peer]), bytes([10, 0, 1, peer]),
                                 64500 + peer)
        out.write(struct.pack(">IHHI", start, 13, 1, len(table)) + table)
        for number in range(prefixes):
            length = chance.choices((24, 23, 22, 20, 19, 16), (60, 9, 12, 8, 6, 5))[0]
            address = (address + (1 << (32 - length)) - 1) & ~((1 << (32 - length)) - 1)
            if chance.random() < 0.4 or current[0] is None:  # another origin: another path each
                pool = new if chance.random() < 0.6 else old
                current = [chance.choice(pool) for _ in range(peers)]
            body = [struct.pack(">IB", number, length),
                    address.to_bytes(4, "big")[:(length + 7) // 8], struct.pack(">H", peers)]
            for peer, blob in enumerate(current):
                body.append(struct.pack(">HIH", peer, start - number % 86400, len(blob)) + blob)
            joined = b"".join(body)
            out.write(struct.pack(">IHHI", start, 13, 2, len(joined)) + joined)
            entries += peers
            address += 1 << (32 - length)
    return entries


# A process that is small itself: the kernel counts what its parent had as the child's memory, too.
MEASURED = """
import json, os, subprocess, sys, time
with open(sys.argv[1], "wb") as out:
    begin = time.monotonic()
    process = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
process.returncode = os.waitstatus_to_exitcode(status)
print(json.dumps([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode]))
"""


class Took:
    """Wall and processor seconds of a command whose output goes to a file or nowhere, and the MB of its
    largest process."""

    def __init__(self, command, output=None):
        done = subprocess.run([sys.executable, "-c", MEASURED, str(output or os.devnull), *map(str, command)],
                              check=True, stdout=subprocess.PIPE)
        self.wall, self.cpu, self.memory, status = json.loads(done.stdout)
        if status not in (0, 1):  # 1: something was found
            raise SystemExit(f"{command}: exit {status}")


def median(runs, name):
    return statistics.median(getattr(one, name) for one in runs)


def compare(commands, rounds, output=None):
    """Each command in turn, so that all meet the same machine."""
    runs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(Took(command, output))
    return runs


def show(title, runs):
    print(f"\n{title}")
    print(f"  {'':40} {'wall s':>8} {'CPU s':>8} {'MB':>7}")
    for name, found in runs.items():
        print(f"  {name:40} {median(found, 'wall'):8.2f} {median(found, 'cpu'):8.2f} "
              f"{max(one.memory for one in found):7.0f}")


class Verdicts:
    """Figures beside their bars: printed where they are measured, and all again at the end."""

    def __init__(self):
        self.lines = []

    def __call__(self, text, figure, least=None, most=None, unit="x"):
        missed = (least is not None and figure < least) or (most is not None and figure > most)
        wanted = f"at least {least:,}" if least is not None else f"at most {most:,}"
        self.lines.append(f"  {text:62} {figure:11,.1f}{unit}   bar {wanted}{unit}"
                          f"{'   BELOW ITS BAR' if missed else ''}")
        print(self.lines[-1])

    def show(self):
        print("\nverdicts")
        print("\n".join(self.lines))


def run(folder, rounds):
    bar = Verdicts()
    folder = pathlib.Path(folder)
    subprocess.run(["ninja", "-C", BUILD, "src/entente", "bench/routes_watch_bench"], check=True,
                   stdout=subprocess.DEVNULL)
    raw, packed, bzipped = folder / "rib", folder / "rib.gz", folder / "rib.bz2"
    entries = make_table(raw)
    with open(packed, "wb") as out:
        subprocess.run(["gzip", "-6", "-c", raw], stdout=out, check=True)
    with open(bzipped, "wb") as out:
        subprocess.run(["bzip2", "-c", raw], stdout=out, check=True)
    print(f"{PREFIXES:,} prefixes, {PEERS} peers, {entries:,} entries; {raw.stat().st_size / 1e6:.0f} "
          f"MB, gz {packed.stat().st_size / 1e6:.1f} MB, bz2 {bzipped.stat().st_size / 1e6:.1f} MB; "
          f"median of {rounds}, one after another")
    ours, theirs = folder / "ours.txt", folder / "theirs.txt"
    Took([PROGRAM, "routes", "dump", packed], ours)
    Took(["bgpdump", "-q", "-m", packed], theirs)
    same = subprocess.run(["cmp", ours, theirs]).returncode == 0
    print(f"text of both: {'identical' if same else 'DIFFERENT'}, {ours.stat().st_size / 1e6:.0f} MB")
    theirs.unlink()

    def dumping(path):
        return {"bgpdump -m": ["bgpdump", "-q", "-m", path],
                "entente routes dump": [PROGRAM, "routes", "dump", path]}

    runs = compare(dumping(packed), rounds)
    show("text of the gz file, to /dev/null", runs)
    bar("text: wall, beside bgpdump", median(runs["bgpdump -m"], "wall") /
        median(runs["entente routes dump"], "wall"), least=DUMP_TIMES)
    bar("text: CPU, beside bgpdump", median(runs["bgpdump -m"], "cpu") /
        median(runs["entente routes dump"], "cpu"), least=DUMP_TIMES)
    slow = median(runs["bgpdump -m"], "wall")
    runs = compare(dumping(packed), 1, ours)
    show("the same, to a file", runs)

    own = ["--prefix", "1.2.0.0/16", "--prefix", "4.8.0.0/14"]
    scans = {"entente routes dump": [PROGRAM, "routes", "dump", *own, packed],
             "entente routes check": [PROGRAM, "routes", "check", "--vrp", VRPS, *own, packed]}
    runs = compare({"igzip -dc": ["igzip", "-d", "-c", packed], **scans}, max(3, rounds))
    show("two prefixes of one's own, of the gz file; check: with origin validation", runs)
    for name in scans:
        bar(f"own prefixes, {name}: wall, beside bgpdump", slow / median(runs[name], "wall"), least=SCAN_TIMES)
        bar(f"own prefixes, {name}: CPU, beside igzip -dc", median(runs[name], "cpu") /
            median(runs["igzip -dc"], "cpu"), most=SCAN_OF_IGZIP)

    runs = compare({"bzip2 -dc": ["bzip2", "-d", "-c", bzipped],
                    "entente routes dump": [PROGRAM, "routes", "dump", bzipped]}, max(1, rounds - 1))
    show("text of the bz2 file, to /dev/null", runs)
    bar("bz2: wall, beside bzip2 -dc", median(runs["entente routes dump"], "wall") /
        median(runs["bzip2 -dc"], "wall"), most=BZIP2_RATIO)
    for path in (raw, packed, bzipped, ours):
        path.unlink()
    routes_watch.run(folder, PROGRAM, BUILD, attributes_of_updates("updates.20160811.1600.gz"), show, compare, bar)
    bar.show()
    shutil.rmtree(folder, ignore_errors=True)
