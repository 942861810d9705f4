"""Reviews by lot, commitments and contacts in a witnessed community of three groups.

Exercises cmd_review, cmd_commitment, cmd_contact, cmd_progress, cmd_publish and publish_release
(src/cli), draw_document, fold_review, fold_said and speakers (src/register), review_text
(src/p9_norms), and predicate_said (src/statement).
"""
import copy
import datetime
import hashlib
import json
import pathlib

import jsonschema
import pytest

from conftest import Program, ROOT
from nodes import Community, MAKER
from waiting import until

pytestmark = pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built")


def problems(name, value):
    schema = json.loads((ROOT / "docs/schema" / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in
            jsonschema.Draft202012Validator(schema).iter_errors(value)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """state.example is assessed, society.example willing to review, company.example endorsed."""
    class World:
        pass
    folder = tmp_path_factory.mktemp("review")
    made = World()
    made.community = Community(folder, 0).start()
    made.community.log.until(lambda: made.community.log.size() >= 1)
    made.url = f"http://127.0.0.1:{made.community.log.port}"
    policy = folder / "log/community/policy.json"
    made.hash = hashlib.sha256(policy.read_bytes()).hexdigest()
    made.state = enter(made, folder / "member-0")
    made.society = enter(made, folder / "member-2", "--reviewer")
    made.state("assess", "--principle", 7, "--no-walk", "--save", "--quiet", status=None)
    made.state("publish")
    log = made.community.log
    made.index = until(lambda: log.json("/api/v1/signatories/state.example")["assessment"],
                       what="the assessment")["index"]
    yield made
    made.community.stop()


def enter(world, folder, *options):
    member = Program(folder)
    member.environment["ENTENTE_ALLOW_PRIVATE"] = "1"
    member("join", "--node", world.url, "--policy-hash", world.hash, *options)
    return member


def drawn(world):
    """The draw, when the checkpoint that throws the dice is there."""
    def draw():
        done = world.state("review", "draw", world.index, "--format", "json", status=None)
        made = json.loads(done.stdout) if done.stdout else None
        if not made or not made["draw"]:
            return None
        assert done.returncode == 0, done.stderr
        return made

    return until(draw, what="the draw")


@pytest.fixture(scope="module")
def opened(world):
    draw = drawn(world)
    world.state("review", "open", "--output", "opened.json")
    return draw, json.loads((world.state.folder / "opened.json").read_text())


def shown_of(member, domain="state.example"):
    member("community", "show", "--update")
    return json.loads(member("signatory", "show", domain, "--format", "json").stdout)


def hand_over(world, disclosure):
    path = world.society.folder / "handed.json"
    path.write_text(json.dumps(disclosure))
    return path


def test_what_is_drawn_is_the_same_for_all(world, opened):
    draw, _ = opened
    assert problems("review-draw", draw) == []
    again = world.society("review", "draw", "state.example", "--format", "json").stdout
    assert json.loads(again) == draw
    assert [r["domain"] for r in draw["draw"]["reviewers"]] == ["society.example"]
    assert 1 <= len(draw["draw"]["findings"]) <= 5
    begun, due = (datetime.datetime.fromisoformat(draw["draw"][name].replace("Z", "+00:00"))
                  for name in ("time", "due"))
    assert due > begun
    text = world.state("review", "draw", world.index).stdout
    assert draw["draw"]["root"] in text and "answer due" in text
    assert "no assessment" in world.state("review", "draw", 0, status=2).stderr
    broken = copy.deepcopy(draw)
    del broken["draw"]["due"]
    assert problems("review-draw", broken)


def test_exactly_the_drawn_findings_are_opened(world, opened):
    draw, disclosure = opened
    assert problems("disclosure", disclosure) == []
    assert [e["index"] for e in disclosure["entries"]] == \
        [f["index"] for f in draw["draw"]["findings"]]
    claimed = {f["index"]: f["severity"] for f in draw["draw"]["findings"]}
    assert all(e["value"]["severity"] == claimed[e["index"]] for e in disclosure["entries"])
    # Nobody else can open it; and what was not published is not opened.
    assert "none of the kept" in world.society("review", "open", status=2).stderr
    world.state("assess", "--principle", 7, "--no-walk", "--save", "--quiet", status=None)
    unpublished = sorted((world.state.folder / "data/reports").iterdir())[-1]
    refused = world.state("review", "open", unpublished, status=2)
    assert "does not stand in the log" in refused.stderr
    assert json.loads(world.state("review", "open").stdout) == disclosure


def test_other_leaves_than_those_drawn_are_no_answer(world, opened):
    draw, disclosure = opened
    fewer = {**disclosure, "entries": disclosure["entries"][1:]}
    done = world.society("review", "answer", hand_over(world, fewer), status=1)
    assert "does not open leaf" in done.stderr
    # The leaves that look best instead of those drawn, all of them proven.
    run = next(r for r in (world.state.folder / "data/reports").iterdir()
               if (r / "assessment.tlog-proof").exists())
    world.state("disclose", run, 7, "--output", "other.json")
    other = json.loads((world.state.folder / "other.json").read_text())
    done = world.society("review", "answer", hand_over(world, other), "--verdict", "confirmed",
                         "--yes", status=1)
    assert "was not drawn" in done.stderr
    twice = {**disclosure, "entries": disclosure["entries"] + disclosure["entries"][:1]}
    assert "twice" in world.society("review", "answer", hand_over(world, twice), status=1).stderr


def test_a_changed_opening_is_seen_and_never_confirmed(world, opened):
    _, disclosure = opened
    changed = copy.deepcopy(disclosure)
    changed["entries"][0]["value"]["outcome"] = "pass\033]0;x\a"
    path = hand_over(world, changed)
    done = world.society("review", "answer", path, status=1)
    assert "NOT as committed" in done.stdout and "\033" not in done.stdout
    check = json.loads(world.society("review", "answer", path, "--format", "json",
                                     status=1).stdout)
    assert problems("review-check", check) == []
    assert check["suggested"] == "contradicted" and check["proven"] is False
    refused = world.society("review", "answer", path, "--verdict", "confirmed", "--yes", status=4)
    assert "contradicts" in refused.stderr


def test_who_was_not_drawn_does_not_count(world, opened):
    refused = world.state("review", "answer", "opened.json", "--verdict", "confirmed", "--yes",
                          status=4)
    assert "state.example was not drawn to review it" in refused.stderr


def test_not_answered_is_not_said_before_it_is_due(world, opened):
    refused = world.society("review", "answer", "state.example", "--verdict", "not-answered",
                            "--yes", status=4)
    assert "the time to answer the review has not passed" in refused.stderr


def test_a_node_takes_a_false_review_in_and_no_register_counts_it(world, opened):
    """Who goes round the program is in the log with it, and everybody's register refuses it."""
    draw, _ = opened
    world.state("review", "answer", "opened.json", "--verdict", "confirmed", "--yes", "--output",
                "false.json")
    envelope = json.loads((world.state.folder / "false.json").read_text())
    entry = json.dumps(envelope, sort_keys=True, separators=(",", ":"))
    status, answer = world.community.log.submit(entry)
    assert status == 200, answer
    world.society("community", "show", "--update")
    documents = [json.loads(world.society("register", "rebuild").stdout)]
    world.community.log.until(
        lambda: world.community.log.json("/api/v1/register")["size"] == documents[0]["size"])
    documents.append(world.community.log.json("/api/v1/register"))
    for document in documents:
        (refused,) = document["refused"]
        assert refused["verdict"] == "role" and refused["type"].endswith(":review:1")
        (assessed,) = [s for s in document["signatories"] if s["domain"] == "state.example"]
        assert assessed["assessment"]["status"] == "self-declared"
        assert assessed["assessment"]["draw"]["root"] == draw["draw"]["root"]


def test_a_review_is_signed_and_shown(world, opened):
    _, disclosure = opened
    path = hand_over(world, disclosure)
    check = world.society("review", "answer", path)
    assert "as committed" in check.stdout and "NOT" not in check.stdout
    size = world.community.log.size()
    vague = world.society("review", "answer", path, "--verdict", "contradicted", "--yes", status=2)
    assert "--note" in vague.stderr
    done = world.society("review", "answer", path, "--verdict", "confirmed", "--yes")
    assert done.stdout.startswith("entry ")
    world.community.log.until(lambda: world.community.log.size() == size + 1)
    shown = drawn(world)
    assert [(r["by_domain"], r["verdict"]) for r in shown["reviews"]] == [
        ("society.example", "confirmed")]
    assert shown_of(world.state)["assessment"]["status"] == "reviewed"


def test_a_commitment_from_promise_to_account(world):
    unknown = world.state("commitment", "make", "--text", "x", "--principle", 9, "--norm", "un:z",
                          "--kind", "legal", "--due", "2027-11-12", "--convening", "C", status=2)
    assert 'did you mean "un:' in unknown.stderr
    made = world.state("commitment", "make", "--text", "We name a contact", "--text",
                       "fr:Nous désignons un contact", "--principle", 9, "--norm", "osce:8",
                       "--norm", "un:h", "--norm", "gcsc:1", "--norm", "un-cbm:1", "--kind",
                       "operational", "--due", "2027-11-12", "--convening", "Paris 2027", "--yes")
    index = int(made.stdout.split()[1])
    listed = json.loads(world.society("commitment", "list", "state.example", "--format",
                                      "json").stdout)
    (promise,) = listed
    assert promise["norms"] == ["h"] and promise["gcsc"] == [1]
    assert promise["cbms"] == ["OSCE-8", "UN-1"] and promise["status"] == "pledged"
    assert "un:h gcsc:1 osce:8 un-cbm:1" in " ".join(
        world.society("commitment", "list").stdout.split())
    # Only the own ones are accounted for, with evidence that stands in the log.
    refused = world.society("commitment", "update", index, "--status", "done", "--yes", status=2)
    assert "no commitment of society.example" in refused.stderr
    world.state("commitment", "update", index, "--status", "done", "--evidence", world.index,
                "--yes")
    (done,) = json.loads(world.state("commitment", "list", "--format", "json").stdout)
    assert done["status"] == "done" and done["of"] == promise["entry"]
    again = world.state("commitment", "update", index, "--status", "withdrawn", "--yes", status=4)
    assert "updated since" in again.stderr


def test_positions_and_reports_are_on_record_by_hash(world):
    text = world.state.folder / "position.txt"
    text.write_text("International law applies in cyberspace.\n")
    common = ["position.txt", "--uri", "https://state.example/position", "--language", "en",
              "--title", "Our position", "--yes"]
    world.state("commitment", "position", *common, "--norm", "un:c")
    refused = world.state("commitment", "report", *common, "--period", "2026", "--norm", "osce:8",
                          status=2)
    assert "norms of A/70/174" in refused.stderr
    assert "--period" in world.state("commitment", "report", *common, status=2).stderr
    world.state("commitment", "report", *common, "--period", "2026")
    shown = shown_of(world.state)
    (position,), (report,) = shown["legal_positions"], shown["norm_reports"]
    assert position["sha256"] == report["sha256"] == hashlib.sha256(text.read_bytes()).hexdigest()
    assert position["norms"] == ["c"] and report["period"] == "2026"


def content(path):
    """Of a file; nothing of a folder, nor of what the node has replaced meanwhile."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""


def test_contacts_stay_here_and_can_be_erased(world):
    member, secret = world.state, "+33 1 23 45 67 89"
    path = member.folder / "data/contacts.json"
    member("contact", "set", "--kind", "technical", "--role", "security", "--email",
           "soc@state.example", "--verified", "2026-01-01")
    assert path.stat().st_mode & 0o777 == 0o600
    member("contact", "set", "--kind", "diplomatic", "--phone", secret, "--languages", "fr,en")
    first = json.loads(member("contact", "show", "--format", "json").stdout)
    assert first["clocks"]["contacts"][0]["verify_due"] == "2026-06-30"
    assert first["clocks"]["refresh_due"] is None and first["clocks"]["notice_due"]
    assert problems("contacts", json.loads(path.read_text())) == []

    member("contact", "publish", "--yes")
    said = shown_of(member)
    assert said["contacts"]["digest"] == first["digest"]
    assert said["contacts"]["roles"] == ["security", "diplomatic"]
    # The digest is what the record's salt and contacts make, and says nothing without the salt.
    record = json.loads(path.read_text())
    value = json.dumps(record["contacts"], sort_keys=True, separators=(",", ":"),
                       ensure_ascii=False).encode()
    assert hashlib.sha256(b"\0" + bytes.fromhex(record["salt"]) + value).hexdigest() == \
        first["digest"]
    clocks = json.loads(member("contact", "show", "--format", "json").stdout)["clocks"]
    assert clocks["refresh_due"] and clocks["notice_due"] is None

    un = json.loads(member("contact", "export", "--format", "un").stdout)
    assert un["diplomatic"]["phone"] == secret and un["technical"]["email"] == "soc@state.example"
    osce = json.loads(member("contact", "export", "--format", "osce").stdout)
    assert len(osce["contacts"]) == 2 and osce["refresh_due"] == clocks["refresh_due"]
    member("contact", "set", "--kind", "diplomatic", "--phone", secret, "--tlp", "red")
    un = json.loads(member("contact", "export", "--format", "un", status=1).stdout)
    assert un["diplomatic"] is None and un["left_out"] == 1

    assert "nobody to ask" in member("contact", "erase", status=4, stdin="").stderr
    member("contact", "erase", "--yes")
    assert not path.exists()
    member("contact", "show", status=2)
    for log in (world.state.folder / "data/community", world.state.folder.parent / "log"):
        for file in pathlib.Path(log).rglob("*"):
            assert secret.encode() not in content(file), file
    member("contact", "set", "--kind", "technical", "--email", "soc@state.example")
    member("contact", "publish", "--withheld", "--yes")
    said = shown_of(member)
    assert said["contacts"]["digest"] == "withheld"


@pytest.mark.parametrize("text, reason", [
    ("contacts:\n  - {kind: technical, role: x, emial: a@b.example}\n", "emial"),
    ("contacts:\n  - {kind: technical, role: x}\n", "neither e-mail"),
    ("contacts:\n  - {kind: nothing, role: x, email: a@b.example}\n", "kind"),
    ("contacts:\n  - {kind: press, role: x, phone: 0123}\n", "phone"),
    ("contacts: []\n", "contacts"),
    ("other: 1\n", "contacts"),
])
def test_contacts_that_are_wrong_are_refused(entente, text, reason):
    (entente.folder / "contacts.yaml").write_text(text)
    assert reason in entente("contact", "set", "contacts.yaml", status=2).stderr
    assert not (entente.folder / "data/contacts.json").exists()


def test_the_profiles_contacts_are_the_default(entente):
    (entente.folder / "entente.yaml").write_text(
        "signatory:\n  name: Ville\n  group: state\n  country: FR\n  domain: ville.example\n"
        "  contacts:\n    - {role: security, address: \"mailto:security@ville.example\"}\n")
    entente("contact", "set")
    kept = json.loads(entente("contact", "show", "--format", "json").stdout)["contacts"]
    assert kept == [{"kind": "technical", "role": "security", "institution": "Ville",
                     "email": "security@ville.example"}]


def test_progress_is_the_same_twice(world, opened):
    world.state("community", "show", "--update")
    first = world.state("progress", "--from", 3, "--format", "json").stdout
    assert world.state("progress", "--from", 3, "--format", "json").stdout == first
    assert problems("progress", json.loads(first)) == []


def test_a_release_is_in_the_register_and_another_file_is_not_it(world, tmp_path):
    viewer, other = tmp_path / "viewer.sha256", tmp_path / "other"
    world.state("view", "--manifest", "--output", viewer)
    other.write_text("other\n")
    world.state("publish", "--release", "entente-viewer", "1.0", viewer, "--yes")
    (release,) = shown_of(world.state)["releases"]
    digest = hashlib.sha256(viewer.read_bytes()).hexdigest()
    assert release["digest"] == digest
    assert (release["name"], release["version"]) == ("entente-viewer", "1.0")
    assert not problems("register", json.loads(world.state("register", "rebuild").stdout))
    log = world.community.log
    log.until(lambda: log.json("/api/v1/checkpoint")["size"] > release["index"])
    entry = log.json(f"/api/v1/entries/{release['index']}")["entry"]
    envelope = tmp_path / "release.json"
    envelope.write_text(json.dumps(entry))
    world.state("verify", envelope, "--document", viewer)
    world.state("verify", envelope, "--document", other, status=1)
    # Who is handed a release hands in a file, and only then.
    world.state("publish", "--release", "entente-viewer", "1.0", status=2)
    world.state("publish", "--origin", "elsewhere", status=2)
    world.state("publish", "--release", "entente-viewer", "1.0", tmp_path / "none", "--yes", status=3)
