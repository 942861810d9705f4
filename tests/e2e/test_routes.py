"""entente routes dump: MRT files as text, byte for byte that of bgpdump -m, and as JSON Lines.

Through the command: cmd_routes, routes_dump, mrt_run, mrt_scan, line, line_update, line_attributes,
line_by_rfc, element_json.
"""
import bz2
import gzip
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

import jsonschema
import pytest

import mrt_maker

from conftest import BINARY, ROOT
from waiting import PATIENCE

MRT = "data/public_core/mrt"
LIVE = "data/public_core/live"
LONG = os.environ.get("ENTENTE_LONG")


def files(shared):
    return sorted(path for folder in (MRT, LIVE) for path in (shared / folder).iterdir()
                  if "expect" not in path.name and path.suffix in (".gz", ".bz2", ".mrt"))


def dump(*arguments, status=0, stdin=None):
    """What goes to standard output, as bytes."""
    done = subprocess.run([BINARY, "routes", "dump", *map(str, arguments)], input=stdin,
                          capture_output=True, timeout=300)
    assert done.returncode == status, done.stderr.decode()
    return done.stdout


def bgpdump(path, *options):
    if not shutil.which("bgpdump"):
        pytest.skip("bgpdump is not installed")
    return subprocess.run(["bgpdump", "-q", "-m", *options, str(path)], capture_output=True,
                          check=True, timeout=300).stdout


def test_text_is_that_of_bgpdump_for_every_file(shared):
    for path in files(shared):
        assert dump(path) == bgpdump(path), path.name
        assert dump("-m", "-l", path) == bgpdump(path, "-l"), path.name


def test_text_is_as_it_was_recorded(shared):
    recorded = json.loads((shared / MRT / "expected_bgpdump-m.json").read_text())
    for row in recorded:
        path = shared / MRT / row["file"]
        text = dump(path)
        assert hashlib.sha256(text).hexdigest() == row["sha256"], row["file"]
    for path in (shared / MRT).glob("*.expect.txt.gz"):
        whole = path.name.replace(".expect.txt.gz", "")
        assert dump(shared / MRT / whole) == gzip.decompress(path.read_bytes()), whole


def test_time_of_entries_is_shown_instead_of_the_dumps(shared):
    """bgpdump's own -t change is good for the older tables only: of others it shows 0."""
    path = shared / MRT / "bview.20020722.2337.gz"
    assert dump("--originated", path) == bgpdump(path, "-t", "change")
    path = shared / MRT / "bview.ipv4_unicast_add_path.gz"
    times = [json.loads(line)["originated"]
             for line in dump("--format", "json", path).splitlines()]
    assert [int(line.split(b"|")[1]) for line in dump("--originated", path).splitlines()] == times
    assert len(set(times)) > 1


def test_trailing_bits_are_cleared_by_the_rfc(shared):
    path = shared / MRT / "updates.nlri_mask_trailing_bits.gz"
    assert b"|11.13.0.0/13|" in dump(path)
    assert b"|11.8.0.0/13|" in dump("--rfc", path)


def test_sound_files_mean_the_same_by_the_rfcs(shared):
    """Nothing in these errs, so both readings give the same text."""
    for name in ("rib.20100701.a.gz", "updates.20160811.1600.gz", "updates.20240914.et.bz2",
                 "updates.et.2015.part1.gz"):
        path = shared / MRT / name
        assert dump("--rfc", path) == dump(path), name


def test_packing_is_recognised_by_content(shared, tmp_path):
    path = shared / MRT / "updates.20100227.1610.gz"
    raw, text = gzip.decompress(path.read_bytes()), dump(path)
    half = len(raw) // 2
    for name, packed in {"plain": raw, "wrong.gz": raw, "two.members": gzip.compress(raw[:half]) +
                         gzip.compress(raw[half:]), "two.streams": bz2.compress(raw[:half]) +
                         bz2.compress(raw[half:])}.items():
        (tmp_path / name).write_bytes(packed)
        assert dump(tmp_path / name) == text, name
        assert dump("-", stdin=packed) == text, name


def test_many_files_come_in_their_order(shared, tmp_path):
    names = [shared / MRT / name for name in ("updates.20160811.1600.gz", "updates.20071015.1505.gz",
                                              "bview.20020722.2337.gz")]
    text = b"".join(dump(name) for name in names)
    for threads in (1, 2, 5):
        assert dump("--threads", threads, *names) == text
    dump("--output", tmp_path / "routes.txt", *names)
    assert (tmp_path / "routes.txt").read_bytes() == text


def test_json_is_as_its_schema_says(shared):
    schema = json.loads((ROOT / "docs/schema/route-element.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in files(shared):
        lines = dump("--format", "json", path).decode().splitlines()
        assert lines, path.name
        for line in lines[::max(1, len(lines) // 200)]:
            errors = [error.message for error in validator.iter_errors(json.loads(line))]
            assert not errors, f"{path.name}: {line}: {errors}"
        broken = {**json.loads(lines[0]), "kind": "rumour"}
        assert list(validator.iter_errors(broken))


def test_json_says_what_the_text_says(shared):
    path = shared / MRT / "updates.20160811.1600.gz"
    lines = [line.split("|") for line in dump("--rfc", path).decode().splitlines()]
    rows = [json.loads(line) for line in dump("--format", "json", path).decode().splitlines()]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows):
        assert {"A": "announce", "W": "withdraw", "STATE": "state"}[line[2]] == row["kind"]
        assert (line[3], int(line[4])) == (row["peer"], row["peer_as"])
        if line[2] == "STATE":
            continue
        assert line[5] == row["prefix"]
        if line[2] == "A":
            path_text = " ".join(str(hop) if isinstance(hop, int) else
                                 "{" + ",".join(map(str, hop)) + "}" for hop in row["path"])
            assert line[6] == path_text
            assert line[11].replace("no-export", "65535:65281").split() == row.get("communities", [])


def test_recordings_of_any_form_in_order_of_time(shared):
    schema = json.loads((ROOT / "docs/schema/route-element.json").read_text())
    names = ("gobgp-3.10.bmp", "ris-live-stream.json", "gobgp-updates.mrt")
    text = dump("--format", "json", "--by-time", *(shared / LIVE / name for name in names), status=2)
    rows = [json.loads(line) for line in text.splitlines()]
    for row in rows:
        jsonschema.validate(row, schema)
    times = [row["time"] for row in rows  # those of the others go back in their own file
             if row["feed"] != "rrc01" and row.get("view") != "loc-rib"]
    assert times == sorted(times)
    assert {row["feed"] for row in rows} == {"GoBGP", "rrc00", "rrc01", "files"}
    assert {row.get("view") for row in rows if row["feed"] == "GoBGP"} >= {None, "post-policy"}
    one = dump("--format", "json", "--by-time", "--prefix", "198.51.100.0/24",
               shared / LIVE / "gobgp-updates.mrt")
    assert [json.loads(line)["prefix"] for line in one.splitlines()] == ["198.51.100.0/24"]
    dump("--by-time", shared / LIVE / "gobgp-updates.mrt", status=2)  # text is of MRT alone


def test_a_prefix_filters_what_meets_it(shared):
    import ipaddress
    path = shared / MRT / "rib.20100701.a.gz"
    wanted = ipaddress.ip_network("62.0.0.0/9")

    def meets(line):
        other = ipaddress.ip_network(line.split(b"|")[5].decode())
        return other.version == 4 and (wanted.supernet_of(other) or wanted.subnet_of(other))

    filtered = dump("--prefix", "62.0.0.0/9", path).splitlines()
    assert filtered and filtered == [line for line in dump(path).splitlines() if meets(line)]


def test_a_torn_file_is_told_where_and_read_until_there(shared, tmp_path):
    raw = gzip.decompress((shared / MRT / "updates.20100227.1610.gz").read_bytes())
    torn = tmp_path / "torn"
    torn.write_bytes(raw[:100_000])
    at = 0
    while (length := 12 + int.from_bytes(raw[at + 8:at + 12], "big")) + at <= 100_000:
        at += length
    done = subprocess.run([BINARY, "routes", "dump", torn], capture_output=True, text=True)
    assert done.returncode == 2
    assert f"byte {at}: it is cut" in done.stderr
    (tmp_path / "whole").write_bytes(raw[:at])
    assert done.stdout.encode() == dump(tmp_path / "whole")


def test_a_reader_that_goes_away_is_no_error(shared):
    process = subprocess.Popen([BINARY, "routes", "dump", shared / MRT / "rib.20100701.a.gz"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline().startswith(b"TABLE_DUMP2|")
    process.stdout.close()
    assert process.wait(timeout=PATIENCE) == 0
    assert process.stderr.read() == b""


def test_what_is_no_file_or_prefix_is_said(entente):
    assert "nowhere" in entente("routes", "dump", "nowhere", status=3).stderr
    pathlib.Path(entente.folder / "torn").write_bytes(b"torn")
    assert "nowhere" in entente("routes", "dump", "torn", "nowhere", status=3).stderr
    assert "is not a prefix" in entente("routes", "dump", "--prefix", "10.0.0.1/8", "-",
                                        status=2).stderr
    pathlib.Path(entente.folder / "text").write_text("this is no MRT file, and says so\n")
    assert "no record can be there" in entente("routes", "dump", "text", status=2).stderr


def both(tmp_path, records, *options):
    """Texts of bgpdump and ours of one file; bgpdump's is None where it ends itself."""
    path = tmp_path / "made.mrt"
    path.write_bytes(b"".join(records))
    theirs = subprocess.run(["bgpdump", "-q", "-m", *options, path], capture_output=True,
                            timeout=PATIENCE)
    ours = subprocess.run([BINARY, "routes", "dump", *options, path], capture_output=True,
                          timeout=PATIENCE)
    assert ours.returncode in (0, 2), ours.stderr
    return None if theirs.returncode else theirs.stdout, ours.stdout


def same_as_bgpdump(tmp_path, records, *options):
    """Lines that both have; record by record where bgpdump ends itself before the end."""
    theirs, ours = both(tmp_path, records, *options)
    if theirs is not None:
        assert ours == theirs
        return theirs.count(b"\n")
    peers, lines = b"", 0
    for record in records:
        if record[4:8] == b"\0\x0d\0\1":
            peers = record
            continue
        theirs, ours = both(tmp_path, [peers, record], *options)
        assert theirs is None or ours == theirs, record.hex()
        lines += (theirs or b"").count(b"\n")
    return lines


@pytest.mark.parametrize("seed", range(100, 100 + (200 if LONG else 9)))
def test_made_files_are_as_bgpdump_has_them(tmp_path, seed):
    if not shutil.which("bgpdump"):
        pytest.skip("bgpdump is not installed")
    records = mrt_maker.Maker(seed, odd=(0.0, 0.2, 0.5)[seed % 3]).file(60)
    options = ("-l",) if seed % 2 else ()
    assert same_as_bgpdump(tmp_path, records, *options) > 20


@pytest.mark.parametrize("name", ["updates.20071015.1505.gz", "updates.20160811.1600.gz",
                                  "updates.20000102.2014.gz", "bview.20020722.2337.gz",
                                  "rib.20100701.a.gz", "updates.20240914.et.bz2"])
def test_changed_files_are_as_bgpdump_has_them(shared, tmp_path, name):
    if not shutil.which("bgpdump"):
        pytest.skip("bgpdump is not installed")
    records = mrt_maker.split(mrt_maker.unpacked(shared / MRT / name))
    peers = [one for one in records[:1] if one[4:8] == b"\0\x0d\0\1"]
    assert same_as_bgpdump(tmp_path, peers + mrt_maker.changed(records[-60:], 7)) > 5


def test_changed_files_are_read_to_their_end_by_the_rfcs(shared, tmp_path):
    """No crash and no hang, whatever the bytes; sound records among them are all there."""
    for number, path in enumerate(files(shared)):
        records = mrt_maker.split(mrt_maker.unpacked(path))[:400]
        (tmp_path / "changed").write_bytes(b"".join(mrt_maker.changed(records, number)))
        for options in (["--rfc", "-l"], ["--format", "json"], ["--prefix", "10.0.0.0/8"]):
            done = subprocess.run([BINARY, "routes", "dump", *options, tmp_path / "changed"],
                                  capture_output=True, timeout=PATIENCE)
            assert done.returncode in (0, 2), done.stderr
            assert b"signal" not in done.stderr
            if "json" in options:
                for line in done.stdout.decode().splitlines():
                    json.loads(line)
