"""An alarm on a route is published with consent, and others say whether they see it, too: `entente
endorse --network`, `alarm publish`, `routes corroborate`, `alarm public`; what is not theirs to say is
refused. Modules cmd_alarm, alarm_public, public_alarms, routes_corroborate; of the node, corroboration and
service_corroborate.
"""
import contextlib
import hashlib
import json
import re
import shutil
import time

import jsonschema
import pytest

pytest.importorskip("cryptography")
import forge  # noqa: E402
from conftest import ROOT, Program  # noqa: E402
from nodes import MAKER, Community, Node  # noqa: E402
from waiting import until  # noqa: E402
from test_routes_replay import PROFILE, START, bmp_update, everybody, hear, ris_update, update  # noqa: E402

pytestmark = pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built")
SCHEMA = json.loads((ROOT / "docs" / "schema" / "routes-corroborate.json").read_text())
GOOD = {"announced": ["193.0.0.0/21"], "path": [50001, 1299, 3333]}
HIJACK = {"announced": ["193.0.1.0/24"], "path": [50001, 666]}
GONE = {"withdrawn": ["193.0.1.0/24"]}
ELSEWHERE = {"announced": ["193.0.1.0/24"], "path": [50001, 777]}  # the same prefix, by another
DAY = 86400


def story(form=update, at=0):
    """What our own collector recorded: a part of our prefix from elsewhere, for five minutes."""
    return (everybody(at, 4, form, **GOOD) + everybody(at + 10, 3, form, **HIJACK) + hear(at + 20, at + 300, form)
            + everybody(at + 300, 3, form, **GONE) + hear(at + 310, at + 700, form) + hear(at + 1200, at + 1201, form))


def metric(node, name):
    return float(re.search(rf"^{name} (\S+)$", node.get("/metrics")[2].decode(), re.M)[1])


class Member:
    def __init__(self, world, folder, joined=None):
        self.folder = folder
        self.run = Program(folder)
        self.run.environment["ENTENTE_ALLOW_PRIVATE"] = "1"
        if joined:
            shutil.copytree(joined.folder / "data/community", folder / "data/community")
        else:
            self.run("join", "--node", world.url, "--policy-hash", world.hash)
        self.run("community", "show", "--update")

    def __call__(self, *arguments, **options):
        return self.run(*arguments, **options)

    def json(self, *arguments, status=0):
        return json.loads(self.run(*arguments, "--format", "json", status=status).stdout)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """state.example has the network that is hijacked; society.example sees it; company.example not."""
    class World:
        pass
    folder = tmp_path_factory.mktemp("alarms")
    made = World()
    made.community = Community(folder, 0).start()
    log = made.community.log
    log.until(lambda: log.size() >= 1)
    made.url = f"http://127.0.0.1:{log.port}"
    made.hash = hashlib.sha256((folder / "log/community/policy.json").read_bytes()).hexdigest()
    for entry in made.community.entries[2:4]:
        status, answer = log.submit(entry)
        assert status == 200, answer
    made.state, made.society = (Member(made, folder / f"member-{i}") for i in (0, 2))
    made.company = Member(made, folder / "member-1", made.state)  # its root keys lie elsewhere
    profile = made.state.folder / "entente.yaml"
    profile.write_text(profile.read_text() + PROFILE.partition("\n")[2])
    (made.state.folder / "story.mrt").write_bytes(story())
    told = made.state("routes", "replay", "--profile", "entente.yaml", "--format", "json", "story.mrt", status=1).stdout
    made.lines = [json.loads(line) for line in told.splitlines()]
    (made.state.folder / "told.jsonl").write_text(told)
    made.key = next(line["key"] for line in made.lines if line["alarm"] == "sub-prefix")
    yield made
    made.community.stop()


def publish(member, key, *more, **options):
    return member("alarm", "publish", "--profile", "entente.yaml", "--report", "told.jsonl", key, *more, **options)


@pytest.fixture(scope="module")
def published(world):
    """Refused while the network is not named, and without consent; then said."""
    assert "named as its own" in publish(world.state, world.key, "--yes", status=4).stderr
    world.state("endorse", "--profile", "entente.yaml", "--network", "193.0.0.0/21", "--network", "AS3333", "--yes")
    assert publish(world.state, world.key, status=None).returncode != 0, "nobody was asked, nobody agreed"
    assert world.state.json("alarm", "public") == []
    publish(world.state, world.key, "--yes")
    (alarm,) = until(lambda: world.state.json("alarm", "public"), what="the alarm")
    return alarm


def test_what_is_published_says_the_route_and_no_more(world, published):
    assert (published["own"], published["prefix"], published["as"], published["alarm"]) == (
        "193.0.0.0/21", "193.0.1.0/24", 666, "sub-prefix")
    assert published["tlp"] == "clear" and published["path"] == [50001, 666]
    assert "routes" not in published["evidence"], "peers are named only when that is asked for"
    routes = next(line["evidence"] for line in reversed(world.lines) if line["key"] == world.key)
    assert published["evidence"]["sha256"] == hashlib.sha256("".join(f"{r}\n" for r in routes).encode()).hexdigest()
    assert published["publisher_domain"] == "state.example" and published["sightings"] == []


def test_the_same_is_not_said_twice(world, published):
    assert "within the hour" in publish(world.state, world.key, "--yes", status=4).stderr


def test_nobody_publishes_about_others(world, published):
    """Not in the profile; in the profile, and not named; named by another already."""
    society = world.society
    (society.folder / "told.jsonl").write_text((world.state.folder / "told.jsonl").read_text())
    assert "one's own networks" in publish(society, world.key, "--yes", status=4).stderr
    own = (society.folder / "entente.yaml").read_text()
    (society.folder / "entente.yaml").write_text(own + PROFILE.partition("\n")[2])
    assert "named as its own" in publish(society, world.key, "--yes", status=4).stderr
    for network in ("193.0.0.0/21", "193.0.1.0/24", "AS3333"):
        refused = society("endorse", "--profile", "entente.yaml", "--network", network, "--yes", status=4)
        assert "state.example, which named it first" in refused.stderr
    assert "neither a prefix" in society("endorse", "--profile", "entente.yaml", "--network", "193.0.1.1/21", "--yes", status=4).stderr
    (society.folder / "entente.yaml").write_text(own)


def test_only_routes_that_others_can_look_for_are_published(world, published):
    silence = next(line["key"] for line in world.lines if line["alarm"] == "silence")
    assert "names no route" in publish(world.state, silence, "--yes", status=4).stderr
    assert "no incident" in publish(world.state, "no|such|key|1", "--yes", status=2).stderr
    (world.state.folder / "told.jsonl").rename(world.state.folder / "kept.jsonl")
    (world.state.folder / "told.jsonl").write_text('{"key": "x"}\n')
    assert "not a report" in publish(world.state, "x", "--yes", status=2).stderr
    (world.state.folder / "kept.jsonl").rename(world.state.folder / "told.jsonl")


def look(member, entry, recording, *more, status=0):
    (member.folder / "own.rec").write_bytes(recording)
    done = member("routes", "corroborate", "--alarm", entry, "own.rec", "--format", "json", *more, status=status)
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    (found,) = document["alarms"]
    return found


@pytest.mark.parametrize("form", [update, bmp_update, ris_update])
def test_the_own_recordings_decide(world, published, form):
    entry = published["index"]
    seen = look(world.society, entry, story(form), status=1)["sighting"]
    assert (seen["seen"], seen["peers"], seen["of"]) == ("seen", 3, 5)
    assert seen["first"] == published["first"] and seen["last"] <= published["last"]
    # Held since before, by a peer that says nothing in between but is heard afterwards.
    held = form(-DAY, 1, **HIJACK) + form(DAY, 1, **GOOD)
    assert look(world.society, entry, held, status=1)["sighting"]["seen"] == "seen"
    for recording in (form(-DAY, 1, **HIJACK) + form(-DAY + 60, 1, **GONE) + hear(0, 600, form),  # gone before
                      form(10, 1, **ELSEWHERE) + hear(20, 600, form),  # another's route
                      form(10, 1, **HIJACK | {"path": [50001, 666, 777]}) + hear(20, 600, form),  # 666 is on the way only
                      form(-DAY, 1, **HIJACK) + form(-DAY + 60, 1, **ELSEWHERE) + hear(0, 600, form)):  # replaced before
        found = look(world.society, entry, recording)["sighting"]
        assert (found["seen"], found["peers"]) == ("not-seen", 0) and found["of"] >= 1
    nobody = look(world.society, entry, hear(2 * DAY, 2 * DAY + 600, form))
    assert (nobody["sighting"]["seen"], nobody["sighting"]["of"], nobody["routes"]) == ("cannot-tell", 0, [])


def answer(member, recording, *more, status=0):
    (member.folder / "own.rec").write_bytes(recording)
    return member("routes", "corroborate", *more, "--publish", "--yes", "own.rec", status=status)


def test_another_sees_it_too(world, published):
    """One sees it, one does not; the publisher is told who and when; once an hour is enough."""
    entry = str(published["index"])
    answer(world.society, story(), "--all", status=1)
    answer(world.company, everybody(0, 4, **GOOD) + hear(20, 600), "--alarm", entry)
    until(lambda: len(world.state.json("alarm", "public", entry)["sightings"]) >= 2, what="both answers")
    alarm = world.state.json("alarm", "public", entry)
    said = {each["by_domain"]: each for each in alarm["sightings"]}
    assert (said["society.example"]["seen"], said["society.example"]["peers"]) == ("seen", 3)
    assert (said["company.example"]["seen"], said["company.example"]["peers"]) == ("not-seen", 0)
    assert said["society.example"]["sources"] == ["recording"]
    page = world.state("alarm", "public", entry).stdout
    assert "society.example" in page and "3 of 5" in page and "not-seen" in page
    rows = world.state("alarm", "public").stdout.splitlines()
    assert len(rows) == 2 and "state.example" in rows[1] and rows[1].endswith("1 of 2")
    # Again within the hour: nothing is left to answer, and what is named is refused.
    answer(world.society, story(), "--all")
    assert "within the hour" in answer(world.society, story(), "--alarm", entry, status=4).stderr
    assert len(world.state.json("alarm", "public", entry)["sightings"]) == 2
    # Nobody answers himself.
    answer(world.state, story(), "--all")
    assert "our own alarm" in answer(world.state, story(), "--alarm", entry, status=4).stderr


def test_an_alarm_of_this_machine_shows_who_sees_it_too(world, published):
    """The case of an alarm holds the incident: it is published by its id, and shown with the answers."""
    incident = {**next(line for line in world.lines if line["key"] == world.key), "prefix": "193.0.1.0/25"}
    case = ["case", "open", "alarm", "--field", "source=routes", "--field", f"key=routes|{world.key}", "--field", "severity=critical"]
    case = [*case, "--field", "title=A part of our prefix", "--field"]
    alarm = world.state(*case, "evidence=It was seen.\n" + json.dumps(incident)).stdout.strip()
    assert "published" not in world.state.json("alarm", "show", alarm)
    world.state("alarm", "publish", "--profile", "entente.yaml", alarm, "--raw", "--yes")
    world.state("community", "show", "--update")
    (shown,) = world.state.json("alarm", "show", alarm)["published"]
    assert shown["prefix"] == "193.0.1.0/25" and shown["evidence"]["routes"] == incident["evidence"]
    answer(world.society, everybody(0, 4, **GOOD) + hear(20, 600), "--alarm", str(shown["index"]))
    world.state("community", "show", "--update")
    page = world.state("alarm", "show", alarm).stdout
    assert "Published, and who sees it too" in page and "society.example" in page and "0 of 5" in page
    other = world.state(*case, "evidence=Nothing to look for.").stdout.strip()
    assert "not about a route" in world.state("alarm", "publish", "--profile", "entente.yaml", other, status=2).stderr


@pytest.fixture
def nodes(world):
    """Nodes of members that answer by themselves, from a folder that their collectors write into."""
    started = []

    def start(member, recording):
        folder = member.folder / "collected"
        folder.mkdir()
        (folder / "updates.mrt").write_bytes(recording)
        (folder / "torn.mrt").write_bytes(recording[:-5])  # as it is while it is written
        (folder / "notes.txt").write_text("nothing of BGP\n")
        started.append(Node(member.folder / "data", "--profile", member.folder / "entente.yaml", "--answer-alarms", folder,
                            "--answer-every", 1))
        return started[-1].start()
    yield start
    for node in started:
        node.stop()


def test_nodes_answer_by_themselves(world, published, nodes):
    """One that sees it and one that does not; each once, and only what is of these hours."""
    ago = int(time.time()) - START - 2 * 3600
    recording = story(at=ago).replace(bytes([24, 193, 0, 1]), bytes([24, 193, 0, 2]))  # another part of it
    (world.state.folder / "now.mrt").write_bytes(recording)
    told = world.state("routes", "replay", "--profile", "entente.yaml", "--format", "json", "now.mrt", status=1).stdout
    (world.state.folder / "now.jsonl").write_text(told)
    (key,) = {line["key"] for line in map(json.loads, told.splitlines()) if line["alarm"] == "sub-prefix"}
    world.state("alarm", "publish", "--profile", "entente.yaml", "--report", "now.jsonl", key, "--yes")
    entry = str(world.state.json("alarm", "public")[-1]["index"])
    before = [len(each["sightings"]) for each in world.state.json("alarm", "public")[:-1]]
    seeing = nodes(world.society, recording)
    nodes(world.company, everybody(ago, 4, **GOOD) + hear(ago + 20, ago + 700))

    def answers():
        found = world.state.json("alarm", "public", entry)["sightings"]
        return {each["by_domain"]: each for each in found} if len(found) == 2 else None
    seeing.until(answers)
    said = answers()
    assert (said["society.example"]["seen"], said["society.example"]["peers"]) == ("seen", 3)
    assert (said["company.example"]["seen"], said["company.example"]["of"]) == ("not-seen", 5)
    rounds = metric(seeing, "entente_corroborate_rounds_total")
    seeing.until(lambda: metric(seeing, "entente_corroborate_rounds_total") > rounds + 1)
    assert metric(seeing, "entente_corroborate_seen_total") == 1
    assert [len(each["sightings"]) for each in world.state.json("alarm", "public")[:-1]] == before


def test_the_log_refuses_what_is_forged(world, published):
    """In another's name, about another's network, by itself, and what was said already."""
    state, company, society = forge.MEMBERS
    log, leaf = world.community.log, published["entry"]

    def refused(entry):
        status, answer = log.submit(entry)
        assert status == 403, answer
        return forge.predicate_of(answer["receipt"])["reason"]

    def alarm(actor, key, **other):
        return forge.statement(actor.domain, actor.id, "route-alarm", {
            **{name: published[name] for name in ("tlp", "alarm", "own", "prefix", "as", "path", "first", "last", "peers", "evidence")},
            "as": 667, **other}, [key])

    def sighting(actor, **other):
        return forge.statement("route-alarm", leaf, "route-sighting", {
            "alarm": leaf, "seen": "not-seen", "from": published["first"], "until": published["last"], "peers": 0, "of": 9,
            "sources": ["recording"], **other}, [actor.issuer])
    assert refused(alarm(state, society.issuer)) == "role"
    assert refused(alarm(society, society.issuer)) == "conflict"
    assert refused(alarm(state, state.issuer, own="198.51.100.0/24", prefix="198.51.100.0/24")) == "conflict"
    assert refused(alarm(state, state.issuer, tlp="amber")) == "malformed"
    assert refused(sighting(state)) == "conflict"
    assert refused(sighting(company, peers=10)) == "malformed"
    assert refused(sighting(company, seen="seen")) == "malformed"
    assert refused(alarm(state, state.issuer, **{"as": published["as"]})) == "conflict"


def test_the_page_of_the_publisher_shows_who_sees_it_too(world, published):
    browser = pytest.importorskip("browser", reason="no selenium")
    from test_verify_pages import text, visit
    if not browser.available():
        pytest.skip("no chromium and chromium-driver")
    with contextlib.closing(browser.Browser()) as page:
        for language, words in (("en", ("Alarms on its routes", "193.0.1.0/24", "AS666")), ("fr", ("Alertes sur ses routes", "Son réseau"))):
            visit(page, f"{world.url}/signatories/{published['publisher']}", language)
            assert [word for word in words if word not in text(page)] == []
        assert page.console() == []


def test_wrong_use(world, published):
    for words in ((), ("--all", "--alarm", "1")):
        assert "--alarm ENTRY" in world.society("routes", "corroborate", *words, "own.rec", status=2).stderr
    assert "no route alarm" in world.society("routes", "corroborate", "--alarm", "0", "own.rec", status=2).stderr
    assert "which recordings" in world.society("routes", "corroborate", "--all", status=2).stderr
    world.society("alarm", "public", "nobody.example", status=2)
    assert world.society.json("alarm", "public", "society.example") == []
