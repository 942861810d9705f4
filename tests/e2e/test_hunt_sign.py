"""entente hunt scan --sign, open and recheck: a hunt that somebody else can check by the sample.

Exercises hunt_sign, hunt_open, hunt_recheck, cmd_publish and cmd_verify (src/cli), and
predicate_hunt (src/statement).
"""
import base64
import gzip
import hashlib
import json
import shutil

import pytest

from backups import PROFILE, Backup
from community import published
from nodes import Community, MAKER
from test_review import enter, problems
from test_schemas import check
from waiting import until

WEB = "203.0.113.7 - - [17/May/2024:10:05:57 +0200] \"GET /a HTTP/1.1\" 200 5\n"
QUIET = "192.0.2.1 - - [17/May/2024:10:06:00 +0200] \"GET /b HTTP/1.1\" 200 5\n"


@pytest.fixture
def hunted(entente):
    """Two logs, one of them with hits, and a signed hunt through both."""
    (entente.folder / "list.txt").write_text("203.0.113.7\nevil.example\n")
    entente("hunt", "build", "-o", "intel.table", "list.txt")
    (entente.folder / "web.log").write_text(QUIET + WEB + "query www.evil.example\n")
    (entente.folder / "quiet.log").write_text(QUIET * 3)
    (entente.folder / "empty.log").write_text("")
    entente("key", "new")
    entente("hunt", "scan", "--table", "intel.table", "--sign", "hunt.dsse.json", "web.log",
            "quiet.log", "empty.log", "missing.log", status=1)
    return entente


def said(folder):
    envelope = json.loads((folder / "hunt.dsse.json").read_text())
    return json.loads(base64.b64decode(envelope["payload"]))


def test_what_is_public_says_how_much_and_not_what(hunted):
    statement = said(hunted.folder)
    assert check("predicates/hunt", statement["predicate"]) == []
    hunt = statement["predicate"]
    assert (hunt["files"], hunt["unread"], hunt["hits"], hunt["lines"]) == (4, 1, 2, 6)
    assert hunt["size"] == sum((hunted.folder / name).stat().st_size
                               for name in ("web.log", "quiet.log"))
    envelope = json.loads((hunted.folder / "hunt.dsse.json").read_text())
    # Not in the base64 of the payload and of the signature, where four letters may stand by chance.
    assert set(envelope) == {"payloadType", "payload", "signatures"}
    assert all(set(each) == {"keyid", "sig"} for each in envelope["signatures"])
    public = json.dumps([statement, envelope["payloadType"],
                         [each["keyid"] for each in envelope["signatures"]]]).encode()
    for private in (b"web.log", b"quiet", b"203.0.113", b"evil", b"192.0.2"):
        assert private not in public
    openings = hunted.folder / "hunt.openings.json"
    assert openings.stat().st_mode & 0o777 == 0o600
    assert b"evil.example" in openings.read_bytes()
    assert b"query" not in openings.read_bytes()  # tokens, no lines


def test_the_statement_is_verified(hunted):
    verdict = json.loads(hunted("verify", "hunt.dsse.json", "--format", "json").stdout)
    assert verdict["verdict"] == "good"
    assert "2 hits" in hunted("verify", "hunt.dsse.json").stdout
    changed = json.loads((hunted.folder / "hunt.dsse.json").read_text())
    payload = base64.b64decode(changed["payload"]).replace(b'"hits":2', b'"hits":0')
    changed["payload"] = base64.b64encode(payload).decode()
    (hunted.folder / "hunt.dsse.json").write_text(json.dumps(changed))
    hunted("verify", "hunt.dsse.json", status=1)


def test_somebody_else_finds_the_same(hunted):
    folder = hunted.folder
    (folder / "web.log").rename(folder / "renamed.log")
    with (folder / "quiet.log").open("a") as log:
        log.write(WEB)  # it grew since: what was hunted is its beginning
    done = hunted("hunt", "recheck", "hunt.dsse.json", "--table", "intel.table", "renamed.log",
                  "quiet.log", "--format", "json")
    first, second = map(json.loads, done.stdout.splitlines())
    for line in (first, second):
        assert check("hunt-recheck", line) == []
        assert check("hunt-recheck", {**line, "verdict": "perhaps"})
    assert (first["file"], first["hits"], first["verdict"]) == ("web.log", 2, "same")
    assert (second["file"], second["hits"], second["verdict"]) == ("quiet.log", 0, "same")


def test_digests_are_of_the_bytes_as_they_lie(hunted):
    """Large and small, packed and plain, as sha256sum says."""
    folder = hunted.folder
    large = (QUIET * 80_000 + WEB).encode()
    (folder / "large.log").write_bytes(large)
    (folder / "large.log.gz").write_bytes(gzip.compress(large, 1))
    names = ["large.log", "large.log.gz", "web.log", "empty.log"]
    hunted("hunt", "scan", "--table", "intel.table", "--sign", "all.dsse.json", *names, status=1)
    opened = json.loads((folder / "all.openings.json").read_text())["entries"]
    found = {e["value"]["file"]: e["value"]["sha256"] for e in opened
             if e["value"]["type"] == "file"}
    for name in names:
        assert found[name] == hashlib.sha256((folder / name).read_bytes()).hexdigest()


def test_a_changed_log_or_another_table_is_refused(hunted):
    folder = hunted.folder
    (folder / "web.log").write_text((folder / "web.log").read_text().replace("evil", "good"))
    refused = hunted("hunt", "recheck", "hunt.dsse.json", "--table", "intel.table", "web.log",
                     status=1)
    assert "changed" in refused.stderr
    hunted("hunt", "build", "-o", "other.table", "list.txt")
    refused = hunted("hunt", "recheck", "hunt.dsse.json", "--table", "other.table", "quiet.log",
                     status=1)
    assert "used the table" in refused.stderr


def test_a_hunt_that_hides_a_hit_is_found_out(hunted):
    """Signed anew by its own key over a log it says had nothing: the repetition finds the hit."""
    folder = hunted.folder
    (folder / "none.txt").write_text("198.51.100.1\n")
    hunted("hunt", "build", "-o", "none.table", "none.txt")
    hunted("hunt", "scan", "--table", "none.table", "--sign", "lie.dsse.json", "web.log")
    refused = hunted("hunt", "recheck", "lie.dsse.json", "--table", "intel.table", "web.log",
                     status=1)
    assert "used the table" in refused.stderr
    opened = json.loads((folder / "hunt.openings.json").read_text())
    kept = [e for e in opened["entries"] if e["value"]["type"] == "file"]
    (folder / "hunt.openings.json").write_text(json.dumps({**opened, "entries": kept}))
    hunted("hunt", "recheck", "hunt.dsse.json", "--table", "intel.table", "web.log", status=2)


def test_a_reviewer_is_shown_one_file_and_no_other(hunted):
    folder = hunted.folder
    hunted("hunt", "open", "hunt.dsse.json", "web.log", "--output", "opened.json")
    opened = json.loads((folder / "opened.json").read_text())
    assert len(opened["entries"]) == 3 and "quiet.log" not in json.dumps(opened)
    hunted("verify", "opened.json")
    hunted("hunt", "recheck", "opened.json", "--table", "intel.table", "web.log")
    refused = hunted("hunt", "recheck", "opened.json", "--table", "intel.table", "quiet.log",
                     status=1)
    assert "none of the files" in refused.stderr
    hunted("hunt", "open", "opened.json", "web.log", status=2)
    del opened["entries"][2]  # a hit is left out
    (folder / "opened.json").write_text(json.dumps(opened))
    done = hunted("hunt", "recheck", "opened.json", "--table", "intel.table", "web.log", status=1)
    assert "was not opened" in done.stdout
    opened["entries"][1]["value"]["line"] = 7
    (folder / "opened.json").write_text(json.dumps(opened))
    hunted("hunt", "recheck", "opened.json", "--table", "intel.table", "web.log", status=1)


def test_nothing_that_nobody_can_look_at_is_signed(hunted):
    hunted("hunt", "scan", "--table", "intel.table", "--sign", "in.dsse.json", "-", stdin=WEB,
           status=2)
    (hunted.folder / "folder").mkdir()
    hunted("hunt", "scan", "--table", "intel.table", "--sign", "in.dsse.json", "folder", status=2)
    hunted("publish", "hunt.dsse.json", status=2)  # no community was joined
    assert not (hunted.folder / "in.dsse.json").exists()


@pytest.fixture
def world(tmp_path):
    """A witnessed community of three groups; state.example hunts, society.example checks."""
    if not MAKER.exists():
        pytest.skip(f"{MAKER} is not built")

    class World:
        pass
    made = World()
    made.community = Community(tmp_path, 0).start()
    try:
        made.community.log.until(lambda: made.community.log.size() >= 1)
        made.url = f"http://127.0.0.1:{made.community.log.port}"
        policy = tmp_path / "log/community/policy.json"
        made.hash = hashlib.sha256(policy.read_bytes()).hexdigest()
        made.state, made.society = (enter(made, tmp_path / f"member-{i}") for i in (0, 2))
        yield made
    finally:
        made.community.stop()


def in_register(member, domain, what):
    """What the register, made from the log alone, says of a signatory, once it says it."""
    def said():
        member("community", "show", "--update")
        register = json.loads(member("register", "rebuild").stdout)
        assert problems("register", register) == []
        (found,) = (each for each in register["signatories"] if each["domain"] == domain)
        return found[what] if found.get(what, {}).get("count") else None

    return until(said, what=f"{what} in the register")


def test_published_witnessed_and_checked_by_another_member(world):
    state, society = world.state, world.society
    folder = state.folder
    (folder / "list.txt").write_text("203.0.113.7\nevil.example\n")
    (folder / "web.log").write_text(QUIET + WEB + "query www.evil.example\n")
    (folder / "quiet.log").write_text(QUIET * 3)
    state("hunt", "build", "-o", "intel.table", "list.txt")
    state("hunt", "scan", "--table", "intel.table", "--sign", "hunt.dsse.json", "web.log",
          "quiet.log", status=1)
    index = published(state, "hunt.dsse.json")["index"]
    assert (folder / "hunt.tlog-proof").exists()
    # Another member finds it in the log, with its witnesses, and in the register.
    for name in ("hunt.dsse.json", "hunt.tlog-proof", "intel.table"):
        (society.folder / name).write_bytes((folder / name).read_bytes())
    hunts = in_register(society, "state.example", "hunts")
    assert hunts["count"] == 1 and hunts["last"]["index"] == index
    assert (hunts["last"]["files"], hunts["last"]["hits"]) == (2, 2)
    verdict = json.loads(society("verify", "hunt.dsse.json", "--format", "json").stdout)
    assert verdict["verdict"] == "good"
    proof = json.loads(society("verify", "hunt.tlog-proof", "--entry", "hunt.dsse.json", "--format",
                               "json").stdout)
    assert proof["verdict"] == "good" and str(index) in json.dumps(proof)
    # It asks for one log, is shown that one, and finds the same hits in a copy of its own.
    state("hunt", "open", "hunt.dsse.json", "web.log", "--output", "opened.json")
    (society.folder / "opened.json").write_bytes((folder / "opened.json").read_bytes())
    (society.folder / "copy.log").write_bytes((folder / "web.log").read_bytes())
    assert json.loads(society("verify", "opened.json", "--format", "json").stdout)["verdict"] == "good"
    done = society("hunt", "recheck", "opened.json", "--table", "intel.table", "copy.log", "--format", "json")
    assert [json.loads(line)["verdict"] for line in done.stdout.splitlines()] == ["same"]
    (society.folder / "copy.log").write_text(QUIET)
    society("hunt", "recheck", "opened.json", "--table", "intel.table", "copy.log", status=1)


@pytest.mark.skipif(not shutil.which("restic"), reason="restic is not installed")
def test_a_drill_is_published_and_checked_by_another_member(world):
    state, society = world.state, world.society
    own = (state.folder / "entente.yaml").read_text()
    backup = Backup(state, "restic", lambda _: None)
    assets = PROFILE.format(name="nightly", tool="restic", repository=backup.repository,
                            password=backup.password, source=backup.source)
    (state.folder / "entente.yaml").write_text(own.rstrip("\n") + "\n" + assets[assets.index("assets:"):])
    state("recover", "manifest", "--publish")
    backup.snapshot("two")
    report = backup.drill("--publish")
    assert report["by"]["manifest"] == ("proven", None)
    record, = (state.folder / "data").glob("recover/*/drill-*.dsse.json")
    (society.folder / "drill.dsse.json").write_bytes(record.read_bytes())
    drills = in_register(society, "state.example", "drills")
    assert drills["count"] == 1 and drills["last"]["drill"] == report["drill"]
    verdict = json.loads(society("verify", "drill.dsse.json", "--format", "json").stdout)
    assert verdict["verdict"] == "good"
