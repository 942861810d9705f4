"""bench/run table: building and asking tables beside SQLite with the same keys, and memory."""
import pathlib
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent.parent
BUILD = HERE / "build"
KEYS, LOOKUPS = 1_000_000, 2_000_000
OPEN_S = 0.001


def figures(folder):
    done = subprocess.run([BUILD / "bench" / "table_bench", folder, str(KEYS), str(LOOKUPS)],
                          check=True, capture_output=True, text=True)
    return {name: float(value) for name, value in
            (line.split() for line in done.stdout.splitlines())}


def run(folder, rounds):
    subprocess.run(["ninja", "-C", BUILD, "bench/table_bench"], check=True,
                   stdout=subprocess.DEVNULL)
    found = [figures(folder) for _ in range(rounds)]
    value = {name: statistics.median(one[name] for one in found) for name in found[0]}
    print(f"\n{KEYS:,} keys, {LOOKUPS:,} lookups in an order of chance, half of them of keys that "
          f"are not there; processor time, median of {rounds}")
    print(f"  {'':32} {'table':>14} {'SQLite':>14} {'ratio':>8}")
    print(f"  {'build, seconds':32} {value['table-build-s']:14.2f} {value['sqlite-build-s']:14.2f} "
          f"{value['sqlite-build-s'] / value['table-build-s']:7.1f}x")
    for name, title in (("hits", "keys found a second"), ("misses", "keys not found a second")):
        ours, theirs = value[f"table-{name}-per-s"], value[f"sqlite-{name}-per-s"]
        print(f"  {title:32} {ours:14,.0f} {theirs:14,.0f} {ours / theirs:7.1f}x")
    print(f"  {'limit: memory reads a second':32} {value['memory-reads-per-s']:14,.0f}")
    print(f"  {'bytes a key':32} {value['table-bytes'] / KEYS:14.1f} "
          f"{value['sqlite-bytes'] / KEYS:14.1f}")
    opened = value["table-open-s"]
    print(f"  {'open, milliseconds':32} {opened * 1000:14.3f}"
          f"{'' if opened < OPEN_S else '   ABOVE ITS BAR of 1 ms'}")
    print(f"  {'check of every byte, seconds':32} {value['table-check-s']:14.2f}")
