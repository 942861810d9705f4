"""bench/run cases: lists, inbox and a start with many open cases, and folding, beside their bars."""
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent.parent
BUILD = HERE / "build"
CASES = 100_000
LIST_MS, START_MS = 50, 1000
FOLD_PER_SECOND = 10_000
LISTS = {
    "list": "all open, the newest 50", "list_kind": "of one kind in one state",
    "list_party": "with one party", "list_text": "with a text in their title",
    "list_page": "50 of them, 50,000 rows down",
    "overdue": "overdue, the longest first", "mine": "something is for us to do",
    "inbox": "inbox, the next 50 clocks", "queue": "calls for help in their order",
}


def figures(*command):
    """The "name value" lines that a program prints."""
    done = subprocess.run([str(word) for word in command], check=True, capture_output=True,
                          text=True)
    return {name: float(value) for name, value in
            (line.split() for line in done.stdout.splitlines())}


def verdict(good):
    return "" if good else "   ABOVE ITS BAR"


def show_lists(folder, rounds):
    found = figures(BUILD / "bench" / "case_list_bench", folder, CASES, max(rounds, 10))
    print(f"\n{CASES:,} open cases, taken as they come (verified, folded, recorded, not waiting for "
          f"the disk): {found['taken_per_second']:,.0f} a second")
    print(f"  {'bar: ' + str(LIST_MS) + ' ms':44} {'median':>9} {'most':>9} {'processor':>10}")
    for name, title in LISTS.items():
        print(f"  {title:44} {found[name]:9.1f} {found[name + '_most']:9.1f} "
              f"{found[name + '_cpu']:10.1f}{verdict(found[name] < LIST_MS)}")
    start = found["start_and_list"]
    print(f"  {'opened, and the first list (bar: 1 s)':44} {start:9.1f} "
          f"{found['start_and_list_most']:9.1f} {found['start_and_list_cpu']:10.1f}"
          f"{verdict(start < START_MS)}")


def show_fold(program):
    for name, value in figures(program).items():
        bar = f"   (bar: {FOLD_PER_SECOND:,})" if name.endswith("per_second") else ""
        print(f"  {name:44} {value:12,.1f}{bar}")


def run(folder, rounds):
    programs = [name for name in ("case_list_bench", "case_fold_bench")
                if (HERE / "bench" / f"{name}.c").exists()]
    subprocess.run(["ninja", "-C", BUILD, *(f"bench/{name}" for name in programs)], check=True,
                   stdout=subprocess.DEVNULL)
    show_lists(folder, rounds)
    if "case_fold_bench" in programs:
        show_fold(BUILD / "bench" / "case_fold_bench")
