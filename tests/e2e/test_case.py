"""Cases from the command line: two members with their nodes, a relay between them.

Exercises cmd_case, casework, case_open, case_fields, case_show, case_text, case_list, case_export
and case_prove, cmd_approve, cmd_contact with contact_drill, contact_due and contact_result, and
cmd_inbox, and cmd_help where people are helped (src/cli); what a node does for them,
service_delivery and service_mailbox (src/node); and what keeps the cases, cases_record, cases_fold,
cases_head and cases_refresh (src/process).
"""
import base64
import json
import re
import shutil
import subprocess
import time

import pytest

from conftest import BINARY
from delivery import DRIVER, World
from test_schemas import check
from waiting import HOUR, PATIENCE, until, within_one

pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason=f"{DRIVER} is not built")
HOSTILE = "our files \033[31mare encrypted\033[0m\u202e"


def second_key(party):
    """Another person of the same signatory: a key of their own, delegated."""
    other = party.folder / "other"
    subprocess.run([BINARY, "key", "new", "--data", other, "--name", f"{party.domain}/second"],
                   check=True, capture_output=True)
    path = party.data / "keys/second.key"
    shutil.copy(other / "keys/default.key", path)
    party.program("key", "delegate", path, "--role", "issuer", "--yes")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("case"))
    second_key(made.society)
    for party in (made.state, made.society):
        party.program("community", "show", "--update")
    made.start()
    yield made
    made.stop()


def shown(party, case):
    done = party.program("case", "show", case, "--format", "json", status=None)
    return json.loads(done.stdout) if done.returncode == 0 else None


def state_is(party, case, state):
    until(lambda: (shown(party, case) or {}).get("state") == state,
          what=f"{state} at {party.domain}")


def ask(world, *more, text="Our files are encrypted"):
    """A call for help that has arrived."""
    done = world.state.program("help", "ask", "--to", world.society.domain, text, "--field",
                               "continuing=no", "--field", "channel=by phone", *more)
    case = done.stdout.strip()
    state_is(world.society, case, "new")
    return case


def commands(text):
    """What "show" says can be done: {event: the rest of the command}."""
    return {found[1]: found[2]
            for found in re.finditer(r"^  entente case step \w+ ([a-z-]+)(.*)$", text, re.M)}


def test_a_call_from_its_opening_to_its_end(world):
    state, society = world.state.program, world.society.program
    refused = state("help", "ask", "--to", "society.example", HOSTILE, "--field", "continuing=no",
                    "--field", "channel=x", status=2).stderr
    assert "control characters" in refused and "\033" not in refused
    case = ask(world)
    page = society("case", "show", case[:8]).stdout
    assert re.search(r"state\.example +Requester", page) and re.search(r"us +Helper", page)
    assert re.search(r"in 23 h \d\d min +Acknowledge +us +running", page)
    assert "acknowledge" in commands(page) and "answer" not in commands(page)

    queue = society("help", "queue").stdout
    assert case[:12] in queue and "continuing=no" in queue
    society("case", "step", case[:8], "acknowledge", "--quiet")
    state_is(world.state, case, "acknowledged")
    assert "society.example  Acknowledge the call" in state("case", "show", case).stdout

    # What it needs is said, in the words of the kind; what is wrong is named with its choices.
    lacking = society("case", "step", case, "triage", status=2).stderr
    assert "--field harm=... (life, essential-service" in lacking and "means" in lacking
    wrong = society("case", "step", case, "triage", "--field", "harm=all", status=2).stderr
    assert '"all" is not one of its choices (life, ' in wrong
    society("case", "step", case, "triage", "--field", "harm=data", "--field", "means=some",
            "--field", "continuing=no")
    society("case", "step", case, "accept", "--field", "override=the one that the test wants")
    society("case", "step", case, "start")
    state_is(world.state, case, "in-progress")
    early = society("case", "step", case, "acknowledge", status=4).stderr
    assert '"acknowledge" is not possible for us now; possible: ' in early and "update" in early

    # Messages both ways, and files.
    (world.state.folder / "note.bin").write_bytes(b"\0marker" * 1000)
    state("case", "message", case, "-", stdin="two\nlines\n")
    state("case", "attach", case, "note.bin")
    page = until(lambda: (text := society("case", "show", case).stdout) and "note.bin" in text
                 and text, what="the file")
    assert "Message: two\n      lines\n" in page
    society("case", "step", case, "ask", "--field", "text=Which version?")
    state_is(world.state, case, "waiting")
    assert commands(state("case", "show", case).stdout)["answer"] == " --field 'text=TEXT'"
    state("case", "step", case, "answer", "--field", "text=@note.txt", status=3)
    (world.state.folder / "note.txt").write_text("3.0\n")
    state("case", "step", case, "answer", "--field", "text=@note.txt")
    state_is(world.society, case, "in-progress")
    society("case", "step", case, "resolve", "--field", "outcome=restored")
    state_is(world.state, case, "resolved")
    state("case", "close", case)
    state_is(world.society, case, "closed")
    both = [[(entry["hash"], entry["verdict"]) for entry in shown(party, case)["entries"]]
            for party in (world.state, world.society)]
    assert both[0] == both[1] and {verdict for _, verdict in both[0]} == {"applied"}
    assert case[:12] not in society("case", "list").stdout
    assert case[:12] in society("case", "list", "--ended", "--party", "state.example").stdout


def test_export_goes_no_further_than_its_level(world):
    case = ask(world)
    society = world.society
    page = society.program("case", "export", case, "--for", "community", status=4)
    assert 'TLP:AMBER, which is not for "community" (--above-tlp' in page.stderr
    assert not (society.folder / f"case-{case[:12]}").exists()
    said = society.program("case", "export", case, "--for", "community", "--above-tlp", "--format",
                           "json", "--output", "case.json").stderr
    assert 'TLP:AMBER goes to "community", as you said' in said
    document = json.loads((society.folder / "case.json").read_text())
    assert document["schema"] == "entente/case-export/1" and document["case"]["id"] == case
    world.state.program("case", "attach", case, "entente.yaml")
    until(lambda: "entente.yaml" in society.program("case", "show", case).stdout, what="the file")
    until(lambda: not society.outbox(world.state) and not world.state.outbox(society), what="delivery")
    society.program("case", "export", case, "--output", "folder")
    files = sorted((society.folder / "folder").rglob("*.*"))
    names = [str(path.relative_to(society.folder / "folder")) for path in files]
    assert names[:3] == ["case.json", "events/0001.dsse.json", "events/0002.dsse.json"]
    assert names[3].startswith("files/") and names[3].endswith("-entente.yaml")
    assert files[3].read_bytes() == (world.state.folder / "entente.yaml").read_bytes()
    event = json.loads(files[1].read_text())
    payload = json.loads(base64.b64decode(event["payload"]))
    assert payload["predicate"]["event"] == "open" and len(event["signatures"]) == 1
    assert society.program("case", "export", case, "--output", "folder", status=2)
    # A party gets what was said to it.
    society.program("case", "step", case, "note", "--field", "text=for us alone")
    for whom, count in (("organisation", 3), ("state.example", 2)):
        done = society.program("case", "export", case, "--for", whom, "--format", "json").stdout
        assert len(json.loads(done)["events"]) == count
        assert json.loads(done)["case"]["hidden"] == 0, "nobody learns how many notes there are"


LEVELS = ["clear", "green", "amber", "amber+strict", "red"]


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_goes_to_its_audiences(world, level):
    """TLP 2.0: to public nothing but CLEAR, and never notes, whatever is said aloud."""
    case = ask(world, "--tlp", level)
    society = world.society.program
    society("case", "step", case, "note", "--field", "text=for us alone")
    for audience, may in zip(("public", "community", "clients", "organisation"), LEVELS):
        export = ("case", "export", case, "--for", audience, "--format", "json")
        if LEVELS.index(level) > LEVELS.index(may):
            refused = society(*export, status=4)
            assert f"TLP:{level.upper()}" in refused.stderr and not refused.stdout
            if audience == "public":
                refused = society(*export, "--above-tlp", status=4)
                assert 'to "public" goes nothing but TLP:CLEAR' in refused.stderr
                assert not refused.stdout
                continue
            export = (*export, "--above-tlp")
        text = society(*export).stdout
        document = json.loads(text)
        own = audience == "organisation"
        assert len(document["events"]) == (2 if own else 1)
        assert ("for us alone" in text) == own
        assert len(document["case"]["entries"]) == len(document["events"])
        assert document["case"]["hidden"] == 0
    # Another signatory is one of the community.
    society("case", "export", case, "--for", "company.example", "--format", "json",
            status=0 if level in ("clear", "green") else 4)


def test_the_stream_of_one_party_goes_to_nobody_else(world):
    state, society = world.state.program, world.society.program
    case = state("case", "open", "disclosure", "--tlp", "clear", "--to", "vendor=society.example",
                 "--field", "product=Widget", "--field", "description=overflow", "--field",
                 "contact=by phone").stdout.strip()
    until(lambda: shown(world.society, case), what="the report")
    stream = f"vendor:{world.society.id}"
    society("case", "message", case, "between us", "--stream", stream)
    society("case", "step", case, "notice", "--stream", stream)
    for audience in ("public", "community", "clients", "organisation"):
        text = society("case", "export", case, "--for", audience, "--format", "json").stdout
        own = audience == "organisation"
        document = json.loads(text)
        assert ("between us" in text, '"event": "notice"' in text, stream in text) == (own, own, own)
        assert len(document["events"]) == (3 if own else 1)
        assert ("vendor" in [row["machine"] for row in document["case"]["states"]]) == own
        assert check("case-export", document) == []


@pytest.mark.parametrize("level, without, message", [
    ("clear", 0, ""), ("green", 0, ""),
    ("amber", 4, "say why they need to know (--reason TEXT)"),
    ("amber+strict", 4, "only who marked it so"),
    ("red", 4, "nobody can be brought in later"),
])
def test_each_level_lets_somebody_in(world, level, without, message):
    case = ask(world, "--tlp", level)
    society, state = world.society.program, world.state.program
    add = ("case", "add-party", case, "--to", "helper=company.example")
    page = society("case", "show", case).stdout
    assert (f"add-party {case[:12]}" in page) == (level in ("clear", "green", "amber"))
    assert (f"transfer {case[:12]} --to SIGNATORY --reason 'TEXT'" in page) == (level == "amber")
    refused = society(*add, status=without).stderr
    assert message in refused
    if level == "amber":
        society(*add, "--reason", "it is their product")
    if level == "amber+strict":
        assert world.state.id[:12] in refused, "whom to ask"
        society("case", "transfer", case, "--to", "company.example", "--reason", "x", status=4)
        society(*add, "--reason", "x", status=4)
        # Who marked it may, or takes the mark back.
        state("case", "step", case, "set-tlp", "--tlp", "amber")
        until(lambda: shown(world.society, case)["tlp"] == "amber", what="the level")
        society(*add, "--reason", "it is their product")
    if level == "red":
        state(*add, "--reason", "x", status=4)


def test_to_decline_takes_two_people(world):
    case = ask(world)
    society = world.society.program
    society("case", "step", case, "acknowledge")
    said = society("case", "step", case, "decline", "--field", "reason=not ours", "--field",
                   "referral=helpline.example").stderr
    draft = re.search(r"approve (\w+) --key NAME", said)[1]
    assert "Sign, too: Decline, with a referral" in society("inbox").stdout
    assert draft in society("approve").stdout
    same = society("approve", draft, "--yes", status=4).stderr
    assert "signed this draft already: the second signature is another person's" in same
    alone = society("approve", draft, "--key", "second", status=4, stdin="").stderr
    assert "referral: helpline.example" in alone and "there is nobody to ask" in alone
    assert "there is no key \"third\"" in society("approve", draft, "--key", "third", "--yes",
                                                  status=2).stderr
    assert shown(world.society, case)["state"] == "acknowledged"
    society("approve", case[:8], "--key", "second", "--yes")
    state_is(world.state, case, "declined")
    assert "(2 signatures)" in world.state.program("case", "show", case).stdout
    assert "Nothing waits for a second signature" in society("approve").stderr
    # A draft that was thrown away is no draft.
    case = ask(world)
    society("case", "step", case, "acknowledge")
    society("case", "step", case, "decline", "--field", "reason=x", "--field", "referral=y")
    society("approve", case[:8], "--drop")
    assert "is no draft" in society("approve", case[:8], "--yes", status=2).stderr


def test_a_role_is_handed_over(world):
    case = ask(world)
    society, state = world.society.program, world.state.program
    # To the requester, who has a role already: no.
    refused = society("case", "transfer", case, "--to", "state.example", "--reason", "x", status=4)
    assert f"{world.state.id[:12]} is a party of it already" in refused.stderr
    society("case", "transfer", case, "--to", "company.example", "--reason", "theirs")
    page = until(lambda: (text := state("case", "show", case).stdout) and "offered" in text
                 and text, what="the offer")
    assert re.search(r"company\.example +Helper, offered and not yet taken over", page)
    assert "to whom? --to SIGNATORY" in society("case", "transfer", case, status=2).stderr
    assert "nobody.example" in society("case", "transfer", case, "--to", "nobody.example",
                                       status=2).stderr


def test_who_cannot_be_reached_is_named(world):
    """Company.example joined, and takes no messages: a clock of its own runs, and nothing comes.

    What it does not have is marked (src/cli/case_delivery.c)."""
    case = ask(world)
    society = world.society.program
    assert f"case transfer {case[:12]}" in society("case", "show", case).stdout
    done = society("case", "add-party", case, "--to", "helper=company.example", "--reason",
                   "it is their product")
    assert "company.example cannot be reached" in done.stderr
    assert "state.example cannot" not in done.stderr and "answer you" not in done.stderr
    # A note of one's own goes to nobody.
    until(lambda: "delivers it" not in (said := society("case", "step", case, "note", "--field",
                                                        "text=ours").stderr)
          and "cannot be reached" not in said, what="a note that goes nowhere")
    assert re.search(r"Role in the case: Helper$", society("case", "show", case).stdout, re.M)
    # What they do not have is marked, and nobody is left to whom a role could be offered.
    page = society("case", "show", case).stdout
    assert re.search(r"company\.example +Helper, cannot be reached$", page, re.M)
    assert page.count("cannot be delivered to company.example: no seal key or no mailbox") >= 1
    assert f"case transfer {case[:12]}" not in page and "case add-party" not in page
    view = shown(world.society, case)
    added = [entry["hash"] for entry in view["entries"] if entry["event"] == "add-party"]
    company = [row for row in view["undelivered"] if row["to"] != world.state.id]
    assert added[0] in [row["event"] for row in company]
    assert all(row["unreachable"] for row in company)
    assert check("case", view) == []
    french = society("case", "show", case, "--lang", "fr").stdout
    assert "injoignable" in french and "ne peut être remis à company.example" in french
    # Who was brought in is no subject.
    row = [row for row in json.loads(society("case", "list", "--format", "json").stdout)["cases"]
           if row["id"] == case][0]
    assert row["title"] == "Our files are encrypted"


def test_inbox_shows_what_is_due_first(world):
    case = ask(world, "--field", "harm=life")
    rows = json.loads(world.society.program("inbox", "--format", "json").stdout)["items"]
    dues = [row["due"] for row in rows if "due" in row]
    assert dues == sorted(dues) and any(row["id"] == case for row in rows)
    text = world.society.program("inbox").stdout
    line = next(line for line in text.splitlines() if case[:12] in line)
    assert re.search(r"in 3 h \d\d min +Acknowledge", line) and "state.example" in line
    french = world.society.program("inbox", "--lang", "fr").stdout
    assert re.search(r"dans 3 h \d\d min +Accuser réception", french)
    assert len(json.loads(world.society.program("inbox", "--limit", 1, "--format",
                                                "json").stdout)["items"]) == 1


def test_a_ping_is_echoed_and_a_person_answers(world):
    state, society = world.state.program, world.society.program
    done = state("contact", "ping", "society.example", "--wait", PATIENCE, timeout=2 * PATIENCE)
    assert re.search(r"society\.example +l1 +\S+ \S+ +ok +\d+ (s|min)", done.stdout)
    assert "100 % answered in time (of 1)" in done.stdout
    # The machine that asked judges the echo, too: its clock for a person does not run out.
    until(lambda: '"state": "done"' in state("case", "list", "--kind", "drill", "--ended",
                                             "--format", "json").stdout, what="the judgement")
    # Company.example joined, and says nowhere how it is reached.
    done = state("contact", "ping", "company.example", status=1)
    assert re.search(r"company\.example +l1 .* bounced", done.stdout)
    assert "Nobody answered (of 1)" in done.stdout and "median" not in done.stdout
    case = state("contact", "ping", "society.example", "--level", 2, "--format", "json").stdout
    case = json.loads(case)["drills"][0]["case"]
    state_is(world.society, case, "sent")
    page = society("case", "show", case).stdout
    assert f"contact answer {case[:12]}" in page and "echo" not in page, "an echo is level 1's"
    assert "not possible" in society("case", "step", case, "echo", "--field", "nonce=" + "0" * 64,
                                     status=4).stderr
    due = society("contact", "due").stdout
    assert re.search(rf"in 23 h \d\d min +Drill: answer it +state\.example +{case[:12]}", due)
    society("contact", "answer", case[:8])
    state_is(world.state, case, "answered")
    report = json.loads(state("contact", "drill", "--format", "json", status=1).stdout)
    assert {row["result"] for row in report["drills"]} == {"ok", "bounced"}
    french = state("contact", "drill", "--lang", "fr", status=1).stdout
    assert re.search(r"society\.example +l2 .* à temps", french) and "injoignable" in french
    assert " ok " not in french and "bounced" not in french
    human = [row for row in report["drills"] if row["case"] == case][0]
    assert human["human"] and human["level"] == "l2"
    assert report["summary"]["failed"] == 1 and report["summary"]["rate_percent"] == 66
    assert "--level 3 and --scenario" in state("contact", "ping", "society.example", "--level", 3,
                                               status=2).stderr


def test_what_nobody_carries_is_carried_once(world):
    """Without a node, one round at a time: what the relay keeps is fetched."""
    case = ask(world)
    society = world.society.program
    world.society.node.stop()
    try:
        world.state.program("case", "message", case, "is anybody there?")
        assert "not delivered to society.example yet (tries: " in world.state.program(
            "case", "show", case).stdout
        until(lambda: re.search(r"\d+ received", society("inbox", "--sync", status=None).stderr)
              and "is anybody there?" in society("case", "show", case).stdout,
              what="a round of its own")
        assert "inbox --sync" in society("case", "message", case, "we are").stderr
        assert re.search(r"[1-9]\d* sent", society("inbox", "--sync", status=None).stderr)
        until(lambda: "we are" in world.state.program("case", "show", case).stdout, what="this")
    finally:
        world.society.node.start()


def test_an_event_is_proven_to_have_been_there(world):
    society = world.society.program

    def not_proven():
        """An event of an hour that is not over."""
        case = ask(world)
        entry = shown(world.state, case)["entries"][0]
        missing = world.state.program("case", "prove", case, entry["hash"][:8], status=3)
        assert "one root an hour" in missing.stderr
        assert re.search(r"Try again after 20\d\d-\d\d-\d\d \d\d:00 UTC, in (\d+ min|\d+ s)",
                         missing.stderr)
        return case, entry
    case, entry = within_one(HOUR, not_proven)
    assert 'no event "ffffffffff"' in society("case", "prove", case, "f" * 10, status=2).stderr
    assert entry["hash"][:8] in world.state.program("case", "show", case).stdout
    # An hour later.
    until(lambda: world.state.desk("commit", now_us=int((time.time() + 3600) * 1e6)),
          what="the root")
    until(lambda: world.state.program("case", "prove", case, entry["hash"][:8], "--output",
                                      "proof.json", status=None).returncode == 0,
          what="the proof")
    path = world.state.folder / "proof.json"
    until(lambda: society("verify", path, status=None).returncode == 0, what="the verdict")
    said = json.loads(society("verify", path, "--format", "json").stdout)
    assert said["event"] == entry["hash"] and said["signatory"] == world.state.id
    until(lambda: "witnessed  us  Open" in world.state.program("case", "show", case).stdout,
          what="the log time")
    world.state.program("case", "export", case, "--output", "proven")
    proof = json.loads((world.state.folder / "proven/proofs/0001.json").read_text())
    assert proof == json.loads(path.read_text())


def test_help_is_given_by_the_formula(world):
    formula = world.state.program("help", "formula").stdout
    assert "continuing x harm x means + waiting hours / 12" in formula
    assert "Ni la nationalité" in world.state.program("help", "formula", "--lang", "fr").stdout
    assert "whom? --to SIGNATORY" in world.state.program("help", "ask", "x", status=2).stderr
    offer = world.state.program("help", "offer", status=2, stdin="")
    assert "--to SIGNATORY" in offer.stderr
    assert re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d \.\. 20\d\d-\d\d-\d\d \d\d:\d\d UTC\n",
                    world.society.program("help", "bias").stdout)
    assert "moins de deux groupes" in world.society.program("help", "bias", "--lang", "fr").stdout
    report = json.loads(world.society.program("help", "bias", "--format", "json").stdout)
    assert report["least_calls_shown"] == 5
    assert 'did you mean "assess"' in world.state.program("help", "asess", status=2).stderr
    assert "Usage:\n  entente case" in world.state.program("help", "case").stdout
