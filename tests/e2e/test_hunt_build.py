"""entente hunt build and explain: feeds in, one table out, and who asserts what.

Exercises cmd_hunt, hunt_build and hunt_explain (src/cli); of src/p1_resilience/hunt feed_input,
feed_recognise, feed_lines, feed_wire, warning_list_read, pattern_lex, pattern_check,
indicator_name, hunt_compile and hunt_lookup.
"""
import gzip
import json
import pathlib
import signal
import struct
import subprocess

import pytest

from conftest import BINARY
from test_schemas import check
from waiting import PATIENCE, until

TICKS = 10  # of the processor's time: the build reads by then

EVENT = {"Event": {"uuid": "5c6c7a64-ec9c-425a-a081-2c570a016219", "info": "A campaign",
                   "Orgc": {"name": "CERT Example"}, "Tag": [{"name": "tlp:green"}],
                   "Attribute": [
                       {"uuid": "15ebb496-c51c-4f88-b60b-aba5f806db5f", "type": "ip-dst",
                        "value": "203.0.113.7", "to_ids": True},
                       {"uuid": "a3bc1af1-e021-4685-9dd1-68013abef4d9", "type": "domain",
                        "value": "context.example", "to_ids": False}]}}
BUNDLE = {"type": "bundle", "id": "bundle--1", "objects": [
    {"type": "indicator", "spec_version": "2.1", "pattern_type": "stix",
     "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
     "created": "2024-01-01T00:00:00Z", "modified": "2024-01-01T00:00:00Z",
     "valid_from": "2024-01-01T00:00:00Z", "valid_until": "2024-02-01T00:00:00Z",
     "confidence": 80, "labels": ["c2"], "pattern": "[ipv4-addr:value = '203.0.113.7']"}]}


@pytest.fixture
def feeds(tmp_path):
    folder = tmp_path / "feeds"
    folder.mkdir()
    (folder / "event.json").write_text(json.dumps(EVENT))
    (folder / "bundle.json").write_text(json.dumps(BUNDLE))
    (folder / "list.txt").write_text("# ours\nevil[.]example\n192.0.2.0/24\n/gate.php\n"
                                     "github.io\n2001:DB8::1\nhxxp://bad[.]example/a\n")
    return folder


def built(entente, *arguments, status=0, **options):
    done = entente("hunt", "build", "-o", "intel.table", "--format", "json", *arguments,
                   status=status, **options)
    summary = json.loads(done.stdout)
    assert check("hunt-build", summary) == []
    return summary


def explained(entente, value, status=1):
    done = entente("hunt", "explain", "--table", "intel.table", "--format", "json", value,
                   status=status)
    document = json.loads(done.stdout)
    assert check("hunt-explain", document) == []
    return document["values"][0]["assertions"]


def test_a_table_of_several_feeds(entente, feeds):
    summary = built(entente, feeds)
    assert summary["schema"] == "entente/hunt-build/1"
    assert summary["assertions"] == 7
    assert summary["values"] == 6  # two sources assert one address
    assert summary["kinds"]["ipv4"] == 2
    assert [source["format"] for source in summary["sources"]] == ["stix", "misp", "plain"]
    assert {skip["reason"]: skip["count"] for skip in summary["skipped"]} == {
        "path-only": 1, "not-to-ids": 1}
    assert summary["skipped"][0]["examples"][0]["place"].endswith("list.txt:4")
    assert summary["changed"]["public-suffix"] == 1


AUTHOR = "identity--aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
STRANGER = "identity--bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"


def version(number, day, value, author=AUTHOR, **members):
    return {"type": "indicator", "spec_version": "2.1", "pattern_type": "stix",
            "id": f"indicator--8e2e2d2b-17d4-4cbf-938f-{number:012}", "created_by_ref": author,
            "created": "2024-01-01T00:00:00Z", "modified": f"2024-01-{day:02}T00:00:00Z",
            "valid_from": "2024-01-01T00:00:00Z", "pattern": f"[domain-name:value = '{value}']",
            **members}


@pytest.mark.parametrize("order", ["abcd", "dcba"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_newest_version_counts_whichever_file_it_is_in(entente, tmp_path, order, packed):
    """As a TAXII collection is pulled: a file a page."""
    pages = [[version(1, 1, "kept.example"), version(2, 1, "old.example"),
              version(3, 1, "withdrawn.example")],
             [version(2, 3, "new.example")],
             [version(3, 2, "withdrawn.example", revoked=True), version(2, 2, "middle.example"),
              version(1, 9, "forged.example", author=STRANGER, revoked=True)],
             [{"type": "identity", "spec_version": "2.1", "id": AUTHOR, "name": "CERT Example",
               "created": "2024-01-01T00:00:00Z", "modified": "2024-01-01T00:00:00Z"}]]
    folder = tmp_path / "pages"
    folder.mkdir()
    for name, objects in zip(order, pages):
        text = json.dumps({"objects": objects}).encode()
        (folder / f"{name}.json").write_bytes(gzip.compress(text) if packed else text)
    (tmp_path / "list.txt").write_text("listed.example\n")
    (tmp_path / "a.log").write_text("kept.example\nold.example\nmiddle.example\nnew.example\n"
                                    "withdrawn.example\nlisted.example\n")

    def found(*feeds, **options):
        summary = built(entente, *feeds, **options)
        hits = entente("hunt", "scan", "--table", "intel.table", "--format", "json", "a.log",
                       status=1).stdout.splitlines()
        return summary, {hit["indicator"]: hit["sources"] for hit in map(json.loads, hits[:-1])}

    wanted = {"kept.example": ["CERT Example"], "new.example": ["CERT Example"],
              "listed.example": ["list.txt"]}
    summary, hits = found(folder, "list.txt")
    assert hits == wanted
    old = [row["count"] for row in summary["skipped"] if row["reason"] == "old-version"]
    assert old == [3] and summary["files"] == 5
    # each file for itself, one of them from standard input
    pages = sorted(folder.iterdir())
    if not packed:
        assert found(*pages[1:], "list.txt", "-", stdin=pages[0].read_text())[1] == wanted

def test_a_marking_may_be_defined_in_another_file(entente, tmp_path):
    """What nobody defines keeps the default; of two definitions the stricter one counts."""
    def marking(number, level):
        return {"type": "marking-definition", "spec_version": "2.1", "definition_type": "tlp",
                "id": f"marking-definition--0b8f3d5e-6a2c-4d5b-8f38-{number:012}",
                "created": "2024-01-01T00:00:00Z", "definition": {"tlp": level}}

    objects = [version(number, 1, f"m{number}.example",
                       object_marking_refs=[marking(number, "red")["id"]]) for number in range(4)]
    definitions = [marking(0, "green"), marking(1, "red"), marking(2, "white")]
    for name, content in (("a.json", objects), ("b.json", definitions), ("c.json", [marking(2, "red")])):
        (tmp_path / name).write_text(json.dumps({"objects": content}))
    (tmp_path / "a.log").write_text("".join(f"m{number}.example\n" for number in range(4)))
    for feeds in (["a.json", "b.json", "c.json"], ["c.json", "b.json", "a.json"]):
        built(entente, *feeds)
        hits = entente("hunt", "scan", "--table", "intel.table", "--format", "json", "a.log",
                       status=1).stdout.splitlines()
        assert [json.loads(hit)["tlp"] for hit in hits[:-1]] == ["green", "red", "red", "amber"]



def test_explain_names_every_source(entente, feeds):
    built(entente, feeds)
    stix, misp = explained(entente, "203.0.113[.]7")
    assert stix["object"] == "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
    assert (stix["confidence"], stix["tlp"], stix["labels"]) == (80, "amber", ["c2"])
    assert (stix["valid_until"], stix["validity"]) == ("2024-02-01T00:00:00Z", "expired")
    assert misp["source"]["name"] == "CERT Example"
    assert misp["source"]["title"] == "A campaign"
    assert (misp["object"], misp["tlp"]) == ("15ebb496-c51c-4f88-b60b-aba5f806db5f", "green")


def test_explain_looks_where_a_scan_would(entente, feeds):
    built(entente, feeds)
    assert [found["indicator"] for found in explained(entente, "www.evil.example")] == [
        "evil.example"]
    assert [found["indicator"] for found in explained(entente, "192.0.2.9")] == ["192.0.2.0/24"]
    assert [found["indicator"] for found in explained(entente, "http://www.evil.example/x")] == [
        "evil.example"]
    assert [found["indicator"] for found in explained(entente, "2001:db8:0::1")] == ["2001:db8::1"]
    assert explained(entente, "github.io")[0]["flags"] == ["exact"]
    assert explained(entente, "someone.github.io", status=0) == []
    assert explained(entente, "notevil.example", status=0) == []
    entente("hunt", "explain", "--table", "intel.table", "300.1.1.1", status=2)


def test_explain_in_words(entente, feeds):
    built(entente, feeds)
    text = entente("hunt", "explain", "--table", "intel.table", "203.0.113.7", "a.example",
                   status=1).stdout
    assert "CERT Example" in text and "80 of 100" in text and "expired" in text
    assert "a.example: nobody asserts it" in text


def test_the_summary_in_words(entente, feeds):
    text = entente("hunt", "build", "-o", "intel.table", feeds).stdout
    assert "6 values, asserted 7 times" in text
    assert "path-only" in text and "/gate.php" in text


def test_options_change_what_is_taken(entente, feeds):
    summary = built(entente, "--include-non-ids", "--source", "Partner", "--tlp", "red",
                    feeds / "event.json", feeds / "list.txt")
    assert {source["name"] for source in summary["sources"]} == {"Partner"}
    assert explained(entente, "context.example")[0]["to_ids"] is False
    assert explained(entente, "evil.example")[0]["tlp"] == "red"
    (feeds / "wide.txt").write_text("10.0.0.0/7\n")
    entente("hunt", "build", "-o", "wide.table", feeds / "wide.txt", status=2)
    entente("hunt", "build", "-o", "wide.table", "--force", feeds / "wide.txt")
    assert "--tlp" in entente("hunt", "build", "-o", "x", "--tlp", "pink", feeds, status=2).stderr


def test_warning_lists_are_named(entente, feeds, tmp_path):
    (tmp_path / "own.json").write_text(json.dumps(
        {"name": "Own networks", "type": "cidr", "list": ["203.0.113.0/24"]}))
    summary = built(entente, "--warning-list", "own.json", feeds)
    assert summary["warned"] == 2
    assert summary["warning_lists"][-1] == {"name": "Own networks", "entries": 1, "skipped": 0}
    assert explained(entente, "203.0.113.7")[0]["suppressed_by"] == "Own networks"
    entente("hunt", "build", "-o", "x", "--warning-list", feeds / "bundle.json", feeds, status=2)
    assert "--warning-list" in entente("hunt", "build", "-o", "x", "own.json", status=2).stderr


def test_what_is_never_a_sign_is_suppressed(entente, tmp_path):
    (tmp_path / "list.txt").write_text("127.0.0.1\n203.0.113.7\nhttp://10.0.0.1/a\n"
                                       "D41D8CD98F00B204E9800998ECF8427E\n")
    assert built(entente, "list.txt")["warned"] == 3
    assert "empty file" in explained(entente, "d41d8cd98f00b204e9800998ecf8427e")[0][
        "suppressed_by"]
    assert built(entente, "--no-known-warnings", "list.txt")["warned"] == 0


def test_standard_input_and_gzip(entente, feeds):
    assert built(entente, "-", stdin="evil.example\n")["assertions"] == 1
    (feeds / "list.gz").write_bytes(gzip.compress(b"evil.example\nb\xc3\xbccher.example\n"))
    built(entente, feeds / "list.gz")
    assert explained(entente, "b\u00fccher.example")[0]["indicator"] == "xn--bcher-kva.example"


def test_what_could_not_be_read_is_exit_3_and_named(entente, feeds):
    (feeds / "broken.json").write_text('{"Event": {"uuid": ')
    summary = built(entente, feeds, status=3)
    unread, = (skip for skip in summary["skipped"] if skip["reason"] == "unread")
    assert unread["examples"][0]["place"].endswith("broken.json")
    assert explained(entente, "evil.example")
    entente("hunt", "build", "-o", "x", feeds / "broken.json", status=2)
    entente("hunt", "build", "-o", "x", feeds / "absent.json", status=3)
    assert not (entente.folder / "x").exists()


def test_nothing_to_look_for_is_no_table(entente, tmp_path):
    (tmp_path / "empty.txt").write_text("# nothing\n/gate.php\n")
    assert "nothing to look for" in entente("hunt", "build", "-o", "x", "empty.txt",
                                            status=2).stderr
    assert not (tmp_path / "x").exists()


def test_only_an_older_table_is_replaced(entente, feeds, tmp_path):
    serial = built(entente, feeds)["serial"]
    built(entente, feeds)
    path = tmp_path / "intel.table"
    table = bytearray(path.read_bytes())
    newer = json.loads(entente("hunt", "build", "-o", "intel.table", "--format", "json",
                               feeds).stdout)["serial"]
    assert newer > serial
    table = bytearray(path.read_bytes())
    at = table.index(struct.pack("<Q", newer))
    table[at:at + 8] = struct.pack("<Q", newer + 10 ** 15)
    path.write_bytes(table)
    entente("hunt", "build", "-o", "intel.table", feeds, status=4)
    assert path.read_bytes() == table
    (tmp_path / "notes.txt").write_text("notes")
    entente("hunt", "build", "-o", "notes.txt", feeds, status=2)
    assert (tmp_path / "notes.txt").read_text() == "notes"


def interrupted(entente, tmp_path, times, before=""):
    """A build that got Ctrl-C while it read: what it said, and its exit status."""
    lines = "".join(f"h{number}.example\n" for number in range(100_000))
    (tmp_path / "list.txt").write_text(lines * times)
    running = subprocess.Popen(
        ["sh", "-c", f'{before} exec "$@"', "sh", BINARY, "hunt", "build", "-o", "intel.table", "list.txt"],
        cwd=tmp_path, env=entente.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    stat = pathlib.Path(f"/proc/{running.pid}/stat")

    def works():
        state, *numbers = stat.read_text().rpartition(")")[2].split()
        return state == "Z" or int(numbers[10]) >= TICKS

    until(works, what="its work")
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=PATIENCE)
    return said, running.returncode


def test_ctrl_c_leaves_nothing(entente, tmp_path):
    for times in (30, 150, 600):  # where the machine stalls, the first may be at its end by itself
        said, status = interrupted(entente, tmp_path, times)
        if status:
            break
        (tmp_path / "intel.table").unlink()
    assert status == -signal.SIGINT, said
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]


def test_ctrl_c_that_is_ignored_ends_nothing(entente, tmp_path):
    """As shells start what runs in the background."""
    said, status = interrupted(entente, tmp_path, 6, "trap '' INT;")
    assert status == 0, said
    assert explained(entente, "h1.example")


def test_the_events_of_the_data_set(entente, shared, say):
    summary = built(entente, *sorted((shared / "data/hunt/misp").glob("*.json")),
                    shared / "data/hunt/logs/indicators.txt", "--include-non-ids")
    listed = sum(len(path.read_text().splitlines()) - 1
                 for path in (shared / "data/hunt/misp").glob("*.attrs.tsv"))
    misp = sum(source["assertions"] for source in summary["sources"]
               if source["format"] == "misp")
    context = sum(skip["count"] for skip in summary["skipped"])
    assert misp + context >= listed == 1148
    assert built(entente, shared / "data/hunt/perf/ioc_100k.txt.zst")["values"] == 100_000
    say(f"figure: of {listed} MISP attributes {misp} assertions, {context} kept as context")
