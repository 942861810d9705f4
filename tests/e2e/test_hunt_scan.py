"""entente hunt scan: what the data set expects, whatever the form of the log, and nothing else.

Exercises scan_files, scan_source, scan_pool and hit_time (src/p1_resilience/hunt), and what
decompress_gzip, decompress_bzip2 and decompress_zstd (src/stream) say of broken files.
"""
import bz2
import gzip
import json
import lzma
import os
import pathlib
import random
import subprocess
import sys

import pytest

from conftest import BINARY
from nodes import SANITIZED
from waiting import PATIENCE

LINE = "GET http://evil.example/ from 203.0.113.7\n"


def rows(done):
    """The hits of a run, and its summary."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if "summary" not in line], lines[-1]["summary"]


@pytest.fixture
def table(entente):
    """Makes a table of the values given."""
    def make(*values, name="intel.table", options=()):
        feed = entente.folder / f"{name}.txt"
        feed.write_text("\n".join(values) + "\n", encoding="utf-8")
        entente("hunt", "build", "-o", name, *options, feed)
        return name
    return make


@pytest.fixture
def scan(entente):
    def call(table, *arguments, status=1, **options):
        return rows(entente("hunt", "scan", "--table", table, "--format", "json", *arguments, status=status,
                            **options))
    return call


def test_the_logs_of_the_data_set_give_exactly_the_expected_rows(entente, scan, shared):
    logs = shared / "data" / "hunt" / "logs"
    entente("hunt", "build", "-o", "intel.table", logs / "indicators.txt")
    wanted = {tuple(line.split("\t")) for line in (logs / "expected.tsv").read_text().splitlines()
              if not line.startswith("#")}
    names = sorted({row[0] for row in wanted})
    outputs = []
    for threads in (1, 3):
        hits, summary = scan("intel.table", "--threads", threads, *(logs / name for name in names))
        got = [(pathlib.Path(hit["file"]).name, str(hit["line"]), hit["kind"], hit["indicator"]) for hit in hits]
        assert len(got) == len(set(got)) == summary["hits"]
        assert set(got) == wanted
        assert not summary["unread"]
        outputs.append(hits)
    assert outputs[0] == outputs[1]
    for hit in hits:
        if hit["view"] == "raw" and hit["file"].endswith(".log"):
            content = pathlib.Path(hit["file"]).read_bytes()
            at = hit["offset"]
            assert content[at:at + len(hit["token"])].decode() == hit["token"]
            assert content.count(b"\n", 0, at) + 1 == hit["line"]


def test_tricky_lines(entente, scan, table, shared):
    for number, line in enumerate((shared / "data" / "hunt" / "tricky.jsonl").read_text().splitlines()):
        case = json.loads(line)
        name = table(case["indicator"], name=f"tricky{number}.table")
        log = entente.folder / "tricky.log"
        log.write_text(case["line"] + "\n")
        # A digest of nothing is found, and suppressed by the list that comes with the program.
        hits, _ = scan(name, "--show-suppressed", log, status=None)
        assert [hit["indicator"] for hit in hits] == ([case["indicator"]] if case["hit"] else []), case["why"]


def test_compressed_in_every_form(entente, scan, table):
    name = table("evil.example", "203.0.113.7")
    text = ("nothing here\n" * 50000 + LINE).encode()
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0skip"
    zstd = subprocess.run(["zstd", "-qc"], input=text, stdout=subprocess.PIPE, check=True).stdout
    forms = {
        "plain": text * 2,
        "one.gz": gzip.compress(text * 2),
        "members.gz": gzip.compress(text) + gzip.compress(text) + b"\0" * 100,
        "frames.zst": skippable + zstd + skippable + zstd,
        "streams.bz2": bz2.compress(text) + bz2.compress(text),
        "streams.xz": lzma.compress(text) + lzma.compress(text),
    }
    for form, content in forms.items():
        (entente.folder / form).write_bytes(content)
        with open(entente.folder / form, "rb") as source:
            piped = subprocess.run([BINARY, "hunt", "scan", "--table", name, "--format", "json", "-"],
                                   cwd=entente.folder, env=entente.environment, stdin=source, capture_output=True, text=True,
                                   timeout=PATIENCE, check=False)
        assert piped.returncode == 1
        for hits, summary in (scan(name, form), rows(piped)):
            assert [(hit["line"], hit["kind"]) for hit in hits] == [
                (50001, "domain"), (50001, "ipv4"), (100002, "domain"), (100002, "ipv4")], form
            assert summary["bytes"] == 2 * len(text) and summary["lines"] == 100002 and not summary["unread"]


def test_what_cannot_be_read_is_named(entente, scan, table):
    name = table("evil.example")
    whole = gzip.compress((LINE * 1000 + "".join(map(str, range(100000)))).encode())
    (entente.folder / "cut.gz").write_bytes(whole[:-20])
    (entente.folder / "broken.gz").write_bytes(whole[:-3000] + bytes(3000))
    (entente.folder / "behind.gz").write_bytes(gzip.compress(LINE.encode()) + b"something else")
    (entente.folder / "cut.xz").write_bytes(lzma.compress(b"nothing")[:-4])
    (entente.folder / "broken.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"\xff" * 50)
    (entente.folder / "broken.bz2").write_bytes(b"BZh9" + b"\xff" * 50)
    for file, wanted in (("cut.gz", 1), ("broken.gz", 1), ("behind.gz", 1), ("cut.xz", 3), ("broken.zst", 3),
                         ("broken.bz2", 3), ("missing", 3)):
        _, summary = scan(name, file, status=wanted)
        assert len(summary["unread"]) == 1 and summary["unread"][0].startswith(f"{file}: "), file
        text = entente("hunt", "scan", "--table", name, file, status=wanted).stdout
        assert f"not read to its end: {file}: " in text


# A process that is small itself: the kernel counts what its parent had as the child's, too.
MEASURED = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


def test_a_bomb_costs_no_memory(entente, scan, table):
    name = table("evil.example")
    with open(entente.folder / "bomb.zst", "wb") as out:
        zeros = subprocess.Popen(["head", "-c", "2G", "/dev/zero"], stdout=subprocess.PIPE)
        subprocess.run(["zstd", "-qc"], stdin=zeros.stdout, stdout=out, check=True)
        zeros.wait()
    done = subprocess.run([sys.executable, "-c", MEASURED, BINARY, "hunt", "scan", "--threads", "1",
                           "--table", name, "bomb.zst"], cwd=entente.folder, env=entente.environment,
                          check=True, capture_output=True, text=True)
    assert "2147.5 MB" in done.stdout
    assert int(done.stderr.split()[-1]) < (600 if SANITIZED else 150) * 1024  # ASan keeps what is freed


def test_lines_of_any_length(entente, scan, table):
    name = table("evil.example", "203.0.113.7", "bad.test")
    rng = random.Random(1)
    filler = " ".join("%x" % rng.getrandbits(64) for _ in range(200000))
    minified = '{"a":"' + '","b":"'.join("%x" % rng.getrandbits(64) for _ in range(200000)) + '"}'
    (entente.folder / "long.log").write_text(
        f"first\nevil.example {filler} www.evil.example {filler} 203.0.113.7 {filler} evil.example\n"
        f"{minified[:-2]}\",\"c\":\"http:\\/\\/bad.test\\/\"}}\nlast evil.example")
    outputs = []
    for threads in (1, 4):
        hits, summary = scan(name, "--threads", threads, "long.log")
        assert [(hit["line"], hit["indicator"]) for hit in hits] == [
            (2, "evil.example"), (2, "203.0.113.7"), (3, "bad.test"), (4, "evil.example")]
        assert summary["lines"] == 4 and not summary["unread"]
        outputs.append(hits)
    assert outputs[0] == outputs[1]


def test_a_run_without_an_end_is_passed_over_and_the_rest_is_hunted(entente, scan, table):
    name = table("evil.example", "bad.test")
    endless = "x" * (70 << 20)
    # No token begins or ends where the run was cut.
    (entente.folder / "endless.log").write_text(f"evil.example\n{endless}bad.test evil.example\nbad.test\n")
    outputs = []
    for threads in (1, 2):
        hits, summary = scan(name, "--threads", threads, "endless.log")
        assert [(hit["line"], hit["offset"], hit["indicator"]) for hit in hits] == [
            (1, 0, "evil.example"), (2, 13 + len(endless) + 9, "evil.example"),
            (3, 13 + len(endless) + 22, "bad.test")]
        assert summary["lines"] == 3
        assert f"{len(endless) + 8} bytes" in summary["unread"][0]
        outputs.append(hits)
    assert outputs[0] == outputs[1]
    (entente.folder / "only.log").write_text(endless)
    _, summary = scan(name, "only.log", status=3)
    assert f"{len(endless)} bytes" in summary["unread"][0]


def test_a_file_that_shrinks_is_no_crash(entente, table):
    name = table("evil.example")
    path = entente.folder / "shrinking.log"
    path.write_text(LINE * 2000000)
    command = subprocess.Popen([BINARY, "hunt", "scan", "--threads", "2", "--table", name, "--format", "json",
                                str(path)], cwd=entente.folder, env=entente.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert json.loads(command.stdout.readline())["indicator"] == "evil.example"
    os.truncate(path, 1000)  # the reader waits for its hits to be taken
    output, errors = command.communicate(timeout=PATIENCE)
    assert command.returncode == 1, errors
    summary = json.loads(output.splitlines()[-1])["summary"]
    assert summary["hits"] > 1 and "became shorter" in summary["unread"][0]


def test_folders_are_searched_in_the_order_of_names(entente, scan, table):
    name = table("evil.example")
    for path in ("logs/b/two.log", "logs/a.log", "logs/b/one.log"):
        (entente.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (entente.folder / path).write_text(LINE)
    (entente.folder / "logs" / "z").symlink_to("/etc/passwd")
    (entente.folder / "logs" / "empty").write_text("")
    hits, summary = scan(name, "logs")
    assert [hit["file"] for hit in hits] == ["logs/a.log", "logs/b/one.log", "logs/b/two.log"]
    assert summary["files"] == 5  # and what the link names


def test_standard_input_is_a_filter(entente, table):
    """Each hit comes out before more goes in."""
    name = table("evil.example")
    command = subprocess.Popen([BINARY, "hunt", "scan", "--table", name, "--format", "json", "-"],
                               cwd=entente.folder, env=entente.environment, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    for number in (1, 2, 3):
        command.stdin.write(LINE)
        command.stdin.flush()
        hit = json.loads(command.stdout.readline())
        assert (hit["file"], hit["line"], hit["indicator"]) == ("-", number, "evil.example")
    command.stdin.close()
    assert json.loads(command.stdout.readline())["summary"]["hits"] == 3
    assert command.wait(timeout=PATIENCE) == 1


def test_standard_input_as_text_is_told_line_by_line_too(entente, table):
    name = table("evil.example")
    command = subprocess.Popen([BINARY, "hunt", "scan", "--table", name, "-"], cwd=entente.folder,
                               env=entente.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for number in (1, 2, 3):
        command.stdin.write(LINE.replace("evil", "www.evil"))
        command.stdin.flush()
        if number == 1:
            assert command.stdout.readline().split() == ["PLACE", "KIND", "INDICATOR", "TOKEN", "SOURCE", "CONF", "TLP"]
        assert command.stdout.readline().split()[:4] == [f"-:{number}", "domain", "evil.example", "www.evil.example"]
    command.stdin.close()
    assert command.stdout.readline().startswith("3 hits in 3 lines")
    assert command.wait(timeout=PATIENCE) == 1
    # A file on standard input does not pause: a table.
    (entente.folder / "a.log").write_text(LINE)
    with open(entente.folder / "a.log", "rb") as source:
        text = subprocess.run([BINARY, "hunt", "scan", "--table", name, "-"], cwd=entente.folder, stdin=source,
                              env=entente.environment, capture_output=True, text=True, check=False).stdout
    assert text.splitlines()[0].startswith("PLACE") and "-:1" in text


def test_suppressed_hits_are_counted_and_named(entente, scan, table):
    warning = entente.folder / "resolvers.json"
    warning.write_text(json.dumps({"name": "Public resolvers", "type": "cidr", "list": ["203.0.113.0/24"],
                                   "description": "", "version": 1, "matching_attributes": ["ip-dst"]}))
    name = table("203.0.113.7", options=("--warning-list", warning))
    (entente.folder / "some.log").write_text(LINE)
    hits, summary = scan(name, "some.log", status=0)
    assert hits == [] and summary["suppressed"] == {"Public resolvers": 1} and summary["hits"] == 0
    hits, _ = scan(name, "--show-suppressed", "some.log", status=0)
    assert [hit["suppressed_by"] for hit in hits] == ["Public resolvers"]
    assert "suppressed: 1 (Public resolvers)" in entente("hunt", "scan", "--table", name, "some.log").stdout


def test_validity_at_a_time_and_at_the_lines_own(entente, scan):
    bundle = {"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", "objects": [{
        "type": "indicator", "spec_version": "2.1", "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created": "2024-01-01T00:00:00.000Z", "modified": "2024-01-01T00:00:00.000Z",
        "pattern": "[domain-name:value = 'evil.example']", "pattern_type": "stix",
        "valid_from": "2024-02-01T00:00:00Z", "valid_until": "2024-03-01T00:00:00Z"}]}
    (entente.folder / "bundle.json").write_text(json.dumps(bundle))
    entente("hunt", "build", "-o", "intel.table", "bundle.json")
    (entente.folder / "some.log").write_text(
        "2024-01-31T23:59:59Z evil.example\n"
        '1.1.1.1 - - [15/Feb/2024:10:00:00 +0100] "GET http://evil.example/"\n'
        "1709251200.5 evil.example\nno time evil.example\n")
    hits, _ = scan("intel.table", "some.log")
    assert len(hits) == 4
    assert hits[1]["time"] == "2024-02-15T09:00:00Z" and hits[3]["time"] is None
    hits, summary = scan("intel.table", "--at", "line", "some.log")
    assert [hit["line"] for hit in hits] == [2, 4] and summary["out_of_time"] == 2
    assert scan("intel.table", "--at", "2024-02-15", "some.log")[1]["hits"] == 4
    assert scan("intel.table", "--at", "2025-01-01", "some.log", status=0)[1]["out_of_time"] == 4


def test_lines_only_when_asked_for(entente, scan, table):
    name = table("evil.example")
    (entente.folder / "some.log").write_text("secret\x1b[31m of somebody " + LINE)
    done = entente("hunt", "scan", "--table", name, "some.log", status=1)
    assert "secret" not in done.stdout and "\x1b[31m" not in done.stdout
    hits, _ = scan(name, "some.log")
    assert "text" not in hits[0]
    hits, _ = scan(name, "--context", "some.log")
    assert hits[0]["text"].startswith("secret")
    assert "\x1b" not in entente("hunt", "scan", "--context", "--table", name, "some.log", status=1).stdout


def test_defanged_text_when_asked_for(scan, entente, table):
    name = table("evil.example", "203.0.113.7", "http://bad.test/x", "ceo@evil.example")
    (entente.folder / "report.txt").write_text(
        "It called hxxp://bad[.]test/x and\nevil[.]example, 203[.]0.113(.)7\nmail ceo[at]evil(dot)example\n"
        "plain 203.0.113.7\n")
    hits, _ = scan(name, "report.txt")
    assert [(hit["line"], hit["indicator"]) for hit in hits] == [(4, "203.0.113.7")]
    hits, _ = scan(name, "--defanged", "report.txt")
    assert [(hit["line"], hit["indicator"], hit["view"]) for hit in hits] == [
        (1, "http://bad.test/x", "defanged"), (2, "203.0.113.7", "defanged"), (2, "evil.example", "defanged"),
        (3, "ceo@evil.example", "defanged"), (3, "evil.example", "defanged"), (4, "203.0.113.7", "raw")]


def test_each_line_is_of_the_schema(scan, entente, table):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((pathlib.Path(__file__).resolve().parents[2] / "docs" / "schema" / "hunt-scan.json").read_text())
    name = table("evil.example", "203.0.113.7")
    (entente.folder / "some.log").write_text("2024-01-01T00:00:00Z " + LINE)
    done = entente("hunt", "scan", "--context", "--table", name, "--format", "json", "some.log", "missing", status=1)
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        jsonschema.validate(json.loads(line), schema)


def test_wrong_use_is_said(entente, table):
    name = table("evil.example")
    assert "--table" in entente("hunt", "scan", "some.log", status=2).stderr
    assert "what to hunt" in entente("hunt", "scan", "--table", name, status=2).stderr
    assert "missing.table" in entente("hunt", "scan", "--table", "missing.table", "x", status=3).stderr
    entente("hunt", "scan", "--table", name, "--threads", "-1", "x", status=2)
    entente("hunt", "scan", "--table", name, "--at", "yesterday", "x", status=2)


def test_only_the_columns_asked_for(entente, scan, table):
    name = table("evil.example", "203.0.113.7", "http://bad.test/gate?a=1")
    header = "#separator \\x09\n#fields\tts\tid.resp_h\thost\turi\treferrer\n"
    row = "1600000000.5\t203.0.113.7\t{}\t{}\thttp://evil.example/\n"
    (entente.folder / "http.log.gz").write_bytes(gzip.compress(
        (header + row.format("bad.test", "/gate?a=1") + row.format("bad.test", "/other")).encode()))
    for threads in (1, 3):
        hits, summary = scan(name, "--threads", threads, "--fields", "host,uri", "--context", "http.log.gz")
        assert [(hit["line"], hit["indicator"], hit["view"]) for hit in hits] == [
            (3, "http://bad.test/gate?a=1", "joined")]
        assert hits[0]["offset"] == len(header) + len("1600000000.5\t203.0.113.7\t")
        # The line's time and, when asked for, its text are those of the log.
        assert hits[0]["time"].startswith("2020-09-13T12:26:40") and hits[0]["text"].startswith("1600000000.5\t203.0")
        assert not summary["unread"]
    hits, _ = scan(name, "--fields", "id.resp_h", "http.log.gz")
    assert [(hit["line"], hit["indicator"]) for hit in hits] == [(3, "203.0.113.7"), (4, "203.0.113.7")]
    # More than a block, so that the names of columns come from another one; a log without such columns is told.
    (entente.folder / "long.csv").write_text("time,client,note\n" + "1,192.0.2.1,evil.example\n" * 50000
                                             + "2,203.0.113.7,x\n")
    hits, summary = scan(name, "--fields", "client", "long.csv", "http.log.gz")
    assert [(hit["file"], hit["line"], hit["indicator"]) for hit in hits] == [("long.csv", 50002, "203.0.113.7")]
    assert summary["unread"] == ["http.log.gz: it has no column or member that was asked for"]
    members = {"ts": 1, "dns": {"query": "www.evil.example", "answers": [{"ip": "203.0.113.7"}]}, "x": "evil.example"}
    (entente.folder / "dns.json").write_text(json.dumps(members) + "\n")
    hits, _ = scan(name, "--fields", "dns.query,ip", "dns.json")
    assert [(hit["token"], hit["indicator"]) for hit in hits] == [
        ("www.evil.example", "evil.example"), ("203.0.113.7", "203.0.113.7")]
    entente("hunt", "scan", "--table", name, "--fields", "a,,b", "dns.json", status=2)
    entente("hunt", "scan", "--table", name, "--fields", "a", "--sign", "x.json", "dns.json", status=2)


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_logs_in_utf16(entente, scan, table, order):
    name = table("evil.example", "203.0.113.7")
    text = "é first\r\nlogon from 203.0.113.7\r\n\u0a2e evil.example\r\n"
    mark = "\ufeff".encode(order)
    (entente.folder / "marked.log").write_bytes(mark + text.encode(order))
    (entente.folder / "plain.log").write_bytes(("x" * 100 + text).encode(order))
    hits, summary = scan(name, "marked.log")
    assert [(hit["line"], hit["indicator"]) for hit in hits] == [(2, "203.0.113.7"), (3, "evil.example")]
    for hit in hits:
        content = (entente.folder / "marked.log").read_bytes()[hit["offset"]:]
        assert content.startswith(hit["token"].encode(order))
    assert summary["lines"] == 3 and not summary["unread"]
    scan(name, "plain.log", status=0)
    assert len(scan(name, "--utf16", "plain.log", "marked.log")[0]) == 4
    # Through a pipe, byte by byte, and packed.
    command = subprocess.Popen([BINARY, "hunt", "scan", "--table", name, "--format", "json", "-"],
                               cwd=entente.folder, env=entente.environment, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    for byte in mark + text.encode(order):
        command.stdin.write(bytes([byte]))
        command.stdin.flush()
    output, _ = command.communicate(timeout=PATIENCE)
    assert [json.loads(line)["indicator"] for line in output.splitlines()[:-1]] == ["203.0.113.7", "evil.example"]
    (entente.folder / "packed.log.gz").write_bytes(gzip.compress(mark + text.encode(order) * 50000))
    hits, _ = scan(name, "--threads", "3", "packed.log.gz")
    assert len(hits) == 100000


def stix(*patterns):
    """A bundle with an indicator of each pattern."""
    return json.dumps({"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": [
        {"type": "indicator", "spec_version": "2.1", "id": f"indicator--00000000-0000-4000-8000-{number:012}",
         "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "pattern_type": "stix",
         "valid_from": "2026-01-01T00:00:00Z", "pattern": pattern}
        for number, pattern in enumerate(patterns, 1)]})


def test_a_pattern_of_several_values_is_whole_where_one_line_has_them_all(entente, scan):
    (entente.folder / "and.json").write_text(stix(
        "[ipv4-addr:value = '203.0.113.7' AND domain-name:value = 'evil.example']",
        "[url:value = 'http://bad.test/a' AND network-traffic:dst_port = 80]"))
    entente("hunt", "build", "-o", "and.table", "and.json")
    filler = "0123456789abcdef " * 80000  # a line that is longer than what is scanned at a time
    lines = ["203.0.113.7 asks for evil.example", "evil.example is 203.0.113.7", "203.0.113.7 asks for good.example",
             "nobody asks for evil.example", '{"a":"203.0.113.7","u":"http:\\/\\/bad.test\\/a"}',
             f"evil.example {filler} 203.0.113.7", f"203.0.113.7 {filler} good.example",
             f"203.0.113.7 {filler} www.evil.example"]
    wanted = [(1, "203.0.113.7", False), (2, "203.0.113.7", False), (3, "203.0.113.7", True),
              (5, "203.0.113.7", True), (5, "http://bad.test/a", True), (6, "203.0.113.7", False),
              (7, "203.0.113.7", True), (8, "203.0.113.7", False)]
    # Many matches of one line, and the same line numbers in another file, change nothing.
    (entente.folder / "a.log").write_text("\n".join(lines) + "\n")
    (entente.folder / "b.log").write_text("\n" * 7 + "evil.example\n")
    (entente.folder / "c.log.gz").write_bytes(gzip.compress("\n".join(lines[::-1]).encode()))
    outputs = []
    for threads in (1, 2, 5):
        hits, _ = scan("and.table", "--threads", threads, "a.log", "b.log", "c.log.gz")
        got = [(hit["line"], hit["indicator"], hit["partial"]) for hit in hits if hit["file"] == "a.log"]
        assert got == wanted
        assert not [hit for hit in hits if hit["file"] == "b.log"]
        got = sorted((9 - hit["line"], hit["indicator"], hit["partial"]) for hit in hits
                     if hit["file"] == "c.log.gz")
        assert got == wanted
        outputs.append(hits)
    assert outputs[0] == outputs[1] == outputs[2]
    text = entente("hunt", "scan", "--table", "and.table", "a.log", status=1).stdout.splitlines()
    assert ["partial" in line for line in text if "a.log:" in line] == [row[2] for row in wanted]
    # Nobody asserts what is only asked for beside something else.
    assert "nobody asserts it" in entente("hunt", "explain", "--table", "and.table", "evil.example").stdout
