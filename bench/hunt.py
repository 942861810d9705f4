"""bench/run hunt: entente hunt scan beside GNU grep, ripgrep, grepcidr and Hyperscan, per CPU second.

Every tool gets the same indicators and a log as long as it can take in some seconds. What a tool needs before the
first byte (building, compiling, reading the list) is measured on an empty log and taken off: the figures
are of scanning alone; it is printed beside, with the rate of the whole command. Of a million indicators grep and rg
take ten seconds and more to read the list, and the difference of two such times is noise: there the whole command
counts. The peers look for substrings: their counts of lines tell how many wrong.
"""
import json
import multiprocessing
import pathlib
import shutil
import statistics
import subprocess
import time

import hunt_logs

HERE = pathlib.Path(__file__).resolve().parent.parent
BUILD = HERE / "build"
PROGRAM = BUILD / "src" / "entente"
DATA = HERE.parent / "shared" / "data" / "hunt" / "perf"
MB = 1_000_000
SIZES = {"1k": "ioc_1k.txt", "100k": "ioc_100k.txt.zst", "1M": "ioc_1m.txt.zst"}
# How much each may have, in MB: what takes minutes tells no more than what takes seconds.
PORTION = {"grep": {"1k": 200, "100k": 60, "1M": 30}, "rg": {"1k": 400, "100k": 60, "1M": 30},
           "grepcidr": {"1k": 300, "100k": 300, "1M": 300}}
TURNS = 7
BARS = {"mixed": 500, "worst": 250}


def apart(function, *arguments):
    """In a process of its own: what this one once held would count as its children's memory."""
    process = multiprocessing.Process(target=function, args=arguments)
    process.start()
    process.join()


def copy_head(source, target, size):
    with open(source, "rb") as whole, open(target, "wb") as out:
        block = whole.read(size)
        out.write(block[:block.rindex(b"\n") + 1])


def logs(folder, size):
    hunt_logs.mixed(hunt_logs.unpacked(DATA / "base_mixed.log.zst"), folder / "mixed.log", size)
    hunt_logs.worst(folder / "worst.log", size)


def lists(folder):
    for name, file in SIZES.items():
        plain = folder / f"{name}.txt"
        plain.write_bytes(hunt_logs.unpacked(DATA / file))
        # grepcidr takes addresses and networks only.
        addresses = [line for line in plain.read_text().splitlines() if line.replace(".", "").replace("/", "").isdigit()]
        (folder / f"{name}.addresses").write_text("\n".join(addresses) + "\n")


def head(folder, log, megabytes):
    """The log, or its first lines of so many MB."""
    whole = folder / f"{log}.log"
    if whole.stat().st_size <= megabytes * MB:
        return whole
    path = folder / f"{log}.{megabytes}"
    if not path.exists():
        apart(copy_head, whole, path, megabytes * MB)
    return path


def peers(folder, size):
    """Name -> command, to which the log is added."""
    found = {"grep": ["env", "LC_ALL=C", "grep", "-c", "-F", "-f", folder / f"{size}.txt"],
             "rg": ["rg", "-j", "1", "-c", "--no-mmap", "-F", "-f", folder / f"{size}.txt"],
             "grepcidr": ["grepcidr", "-c", "-f", folder / f"{size}.addresses"]}
    return {name: command for name, command in found.items() if shutil.which(name)}


def peer(run, folder, name, command, log, size, rounds):
    path = head(folder, log, PORTION[name][size])
    empty = folder / "empty.log"
    empty.write_bytes(b"\n")
    before = statistics.median(run([*command, empty]).cpu for _ in range(rounds))
    runs = [run([*command, path]) for _ in range(rounds)]
    whole, size = statistics.median(r.cpu for r in runs), path.stat().st_size / MB
    return {"rate": size / max(whole - before, 0.001), "whole": size / whole, "before": before,
            "memory": runs[-1].memory, "lines": runs[-1].output.decode().strip() or "0", "mb": size}


def hyperscan(run, folder, size, log):
    if not (BUILD / "hyperscan_bench").exists():
        return None
    path = head(folder, log, 300)
    done = run([BUILD / "hyperscan_bench", folder / f"{size}.txt", path])
    if done.status:
        return None
    before, spent, matches, _ = done.output.decode().split()
    before, spent, size = float(before), float(spent), path.stat().st_size / MB
    return {"rate": size / spent, "whole": size / (before + spent), "before": before, "memory": done.memory,
            "lines": matches, "mb": size}


def ours(run, folder, size, log, rounds, threads=1):
    path = folder / f"{log}.log"
    runs = [run([PROGRAM, "hunt", "scan", "--threads", str(threads), "--table", folder / f"{size}.table",
                 "--format", "json", path]) for _ in range(rounds)]
    lines = runs[-1].output.decode().splitlines()
    hits = {(json.loads(line)["line"]) for line in lines[:-1]}
    rate = path.stat().st_size / MB / statistics.median(r.cpu for r in runs)
    return {"rate": rate, "whole": rate, "before": 0.0, "memory": runs[-1].memory, "lines": str(len(hits)),
            "mb": path.stat().st_size / MB,
            "wall": statistics.median(r.wall for r in runs)}


def show(name, row):
    print(f"  {name:18} {row['rate']:9,.1f} MB/s, whole {row['whole']:7,.1f}   before {row['before']:6.2f} s   memory {row['memory']:7.0f} MB"
          f"   lines {row['lines']:>8}   of {row['mb']:,.0f} MB")


def verdict(name, figure, bar, unit=""):
    print(f"  {name:60} {figure:9.2f}{unit}   bar {bar}{unit}{'' if figure >= bar else '   BELOW ITS BAR'}")


def engine(folder, size, log):
    """The engine over bytes in memory, and the bare pass over classes: the limit."""
    done = subprocess.run([BUILD / "bench" / "hunt_engine_bench", folder / f"{size}.table",
                           head(folder, log, 200), "2"], check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        print(f"  {line}")


def measure(run, folder, size, log, rounds):
    print(f"\n{size} indicators, {log} log (MB per CPU second, scanning alone)")
    mine = ours(run, folder, size, log, rounds)
    show("entente hunt scan", mine)
    rows = {}
    for name, command in peers(folder, size).items():
        rows[name] = peer(run, folder, name, command, log, size, 1 if size == "1M" else rounds)
        show(name, rows[name])
    rows["hyperscan"] = hyperscan(run, folder, size, log)
    if rows["hyperscan"]:
        show("Hyperscan", rows["hyperscan"])
    else:
        del rows["hyperscan"]
    for name, row in rows.items():
        bar = {"1k": 0.5 if name == "hyperscan" else 1, "100k": 1,
               "1M": {"hyperscan": 4, "grepcidr": 1}.get(name, 200)}[size]
        kind = "whole" if bar == 200 else "rate"
        verdict(f"entente / {name} ({kind})", mine[kind] / row[kind], bar, " x")
    if size == "1M":
        verdict("MB/s per core", mine["rate"], BARS[log])


def two_at_once(command):
    """Seconds until both of two such commands have ended, which share nothing."""
    begun = time.monotonic()
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    for one in both:
        one.wait()
    return time.monotonic() - begun


def threads(run, folder, size):
    """Alternately, and the best of each: others on the same machine only ever make a run longer. The limit is
    what two processes of one thread do that know nothing of each other."""
    command = [PROGRAM, "hunt", "scan", "--threads", "1", "--table", folder / f"{size}.table", folder / "mixed.log"]
    walls = {1: [], 2: [], "apart": []}
    for _ in range(TURNS):
        for count in (1, 2):
            walls[count].append(ours(run, folder, size, "mixed", 1, count)["wall"])
        walls["apart"].append(two_at_once(command))
    best = {name: min(times) for name, times in walls.items()}
    print(f"\nThreads ({size} indicators, mixed log; wall clock, best of {TURNS} turns)")
    print(f"  one {best[1]:.2f} s, two {best[2]:.2f} s; limit {2 * best[1] / best['apart']:.2f} x: two processes, two logs")
    verdict("two threads / one, on a quiet machine", best[1] / best[2], 1.8, " x")


def run(folder, rounds, run_command, megabytes, sizes):
    subprocess.run(["ninja", "-C", BUILD, "src/entente", "bench/hunt_engine_bench"], check=True,
                   stdout=subprocess.DEVNULL)
    (BUILD / "hyperscan_bench").unlink(missing_ok=True)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libhs"], check=False, capture_output=True,
                           text=True).stdout.split()
    if flags:
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", BUILD / "hyperscan_bench",
                        HERE / "bench" / "hyperscan_bench.c", *flags], check=True)
    apart(lists, folder)
    apart(logs, folder, megabytes * MB)
    for size in sizes:
        built = [run_command([PROGRAM, "hunt", "build", "-o", folder / f"{size}.table", folder / f"{size}.txt"])
                 for _ in range(rounds)]
        print(f"\ntable of {size} indicators: {statistics.median(b.wall for b in built):.2f} s, "
              f"{(folder / f'{size}.table').stat().st_size / MB:.1f} MB; {built[-1].memory:.0f} MB of memory")
        for log in BARS:
            measure(run_command, folder, size, log, rounds)
        engine(folder, size, "worst")
    for size in sizes:
        threads(run_command, folder, size)
