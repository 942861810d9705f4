"""entente clock: the real chronyd by NTP and NTS, liars among the sources, those that refuse (refusal.h),
and somebody on the path.

Exercises cmd_clock (src/cli) and clock_check (src/p2_internet).
"""
import contextlib
import datetime
import json
import re
import struct
import time

import jsonschema
import pytest

from conftest import ROOT
from timeservers import Chrony, Udp, answer, between, liar
from waiting import until

SCHEMA = json.loads((ROOT / "docs" / "schema" / "clock-check.json").read_text())
QUICK = ["--quick", "--timeout", 60, "--no-local"]  # who answers ends the waiting
SHORT = ["--quick", "--timeout", 1, "--no-local"]  # for who does not
NARROW_US = 1e5
HEADER = 48


@pytest.fixture
def started():
    """Servers made by a test, stopped after it."""
    with contextlib.ExitStack() as stack:
        def start(server):
            stack.callback(server.stop)
            return server
        yield start


def at_once(document):
    """Nobody had to wait: only then what was measured is as narrow as it is looked at here."""
    return (all(source.get("distance_us", 0) < NARROW_US for source in document["sources"])
            and not any("problem" in server for server in document["servers"]))


def check(entente, *arguments, status=0, options=QUICK, good=at_once):
    """A check's document; it is asked again where a busy machine held up what makes it `good`."""
    document = None

    def ask():
        nonlocal document
        done = entente("clock", "check", *arguments, *options, "--format", "json", status=None)
        document = json.loads(done.stdout)
        jsonschema.Draft202012Validator(SCHEMA).validate(document)
        return good(document) and done
    done = until(ask, what="such a check", why=lambda: json.dumps(document))
    assert status is None or done.returncode == status, (done.stdout, done.stderr)
    return document


def row(document, source):
    return next(row for row in document["sources"] if row["source"] == source)


def outcome(document, name):
    return next(check["outcome"] for check in document["checks"] if check["id"] == name)


# ---- the real server

def test_chrony_is_measured_by_nts_and_ntp(entente, started, tmp_path):
    chrony = started(Chrony(tmp_path / "a"))
    document = check(entente, chrony.nts, f"nts://localhost:{chrony.ke}", chrony.ntp, "--ca", chrony.ca,
                     "--own", f"127.0.0.1:{chrony.port}", "--chrony", f"127.0.0.1:{chrony.command}",
                     options=["--quick", "--timeout", 60])
    for source in (chrony.nts, f"nts://localhost:{chrony.ke}", chrony.ntp):
        found = row(document, source)
        assert found["verdict"] == "agrees" and found["stratum"] == 2 and found["received"] == 3
        assert abs(found["offset_us"]) <= found["distance_us"] < NARROW_US
        assert found["authenticated"] == source.startswith("nts")
    assert row(document, chrony.nts)["redirect"] == f"127.0.0.1:{chrony.port}"
    assert row(document, chrony.nts)["certificate"]["valid_by_our_clock"]
    assert document["agreement"]["majority"] and document["agreement"]["agreeing"] == 3
    assert document["local"]["daemon"]["name"] == "chrony" and document["local"]["daemon"]["stratum"] == 2
    assert outcome(document, "amplification") == "pass", "chronyd has no such messages"
    assert outcome(document, "sources") == "warn", "three are not four"


def test_a_certificate_that_nobody_vouches_for(entente, started, tmp_path):
    chrony = started(Chrony(tmp_path / "a"))
    found = row(check(entente, chrony.nts, status=1), chrony.nts)
    assert found["verdict"] == "silent" and found["reason"] == "certificate" and found["sent"] == 0
    other = started(Chrony(tmp_path / "b", address="127.0.0.3"))
    by_name = f"nts://localhost:{other.ke}"
    assert row(check(entente, by_name, "--ca", other.ca, status=3), by_name)["reason"] == "unreachable"


def test_a_certificate_of_another_name(entente, started, tmp_path):
    chrony = started(Chrony(tmp_path / "a", address="127.0.0.3"))
    chrony.ca.write_bytes((started(Chrony(tmp_path / "b")).ca).read_bytes())
    found = row(check(entente, chrony.nts, "--ca", chrony.ca, status=1), chrony.nts)
    assert found["reason"] == "certificate"


@pytest.mark.parametrize("begins, days", [(-10, 5), (5, 10)], ids=["run out", "not yet valid"])
def test_a_certificate_out_of_time_has_no_part(entente, started, tmp_path, begins, days):
    good, late = started(Chrony(tmp_path / "a")), started(Chrony(tmp_path / "b", begins=begins, days=days))
    document = check(entente, late.nts, good.ntp, "--ca", late.ca, status=1)
    found = row(document, late.nts)
    assert found["verdict"] == "unjudged" and "offset_us" in found
    assert found["certificate"]["valid_by_our_clock"] is False
    assert found["certificate"]["valid_by_agreed_time"] is False
    assert outcome(document, "certificates") == "fail" and document["agreement"]["compared"] == 1


def test_nts_where_there_is_none(entente, started, tmp_path):
    chrony = started(Chrony(tmp_path / "a"))
    source = f"nts://127.0.0.1:{chrony.command}"  # a UDP port
    assert row(check(entente, source, status=3), source)["reason"] == "unreachable"


# ---- liars

def test_false_tickers_are_named(entente, started, tmp_path):
    chrony = started(Chrony(tmp_path / "a"))
    honest = [started(liar()) for _ in range(2)]
    early, late = started(liar(offset=-30)), started(liar(offset=0.8))
    document = check(entente, chrony.ntp, *(one.ntp for one in honest), early.ntp, late.ntp, status=1)
    verdicts = {source["source"]: source["verdict"] for source in document["sources"]}
    assert verdicts == {chrony.ntp: "agrees", honest[0].ntp: "agrees", honest[1].ntp: "agrees",
                        early.ntp: "false", late.ntp: "false"}
    assert abs(row(document, early.ntp)["offset_us"] + 30e6) < 1e5
    assert abs(document["agreement"]["offset_us"]) < 1e5 and outcome(document, "false-tickers") == "fail"
    text = entente("clock", "check", chrony.ntp, early.ntp, honest[0].ntp, *QUICK, status=1).stdout
    assert early.ntp in text.split("false-tickers")[1].splitlines()[0]


def test_no_majority(entente, started):
    ones = [started(liar(offset=offset)) for offset in (0, 5, 10, 10)]
    document = check(entente, *(one.ntp for one in ones), status=1)
    assert {source["verdict"] for source in document["sources"]} == {"unjudged"}
    assert outcome(document, "majority") == "fail" and outcome(document, "offset") == "unknown"
    assert "offset_us" not in document["agreement"]


def test_a_wrong_clock_is_told(entente, started):
    ones = [started(liar(offset=120)) for _ in range(3)]
    document = check(entente, *(one.ntp for one in ones), status=1)
    assert outcome(document, "offset") == "fail" and outcome(document, "majority") == "pass"
    assert abs(document["agreement"]["offset_us"] - 120e6) < 1e5


@pytest.mark.parametrize("how, reason", [
    ({"stratum": 0, "reference": b"RATE"}, "kiss"), ({"stratum": 0, "reference": b"DENY"}, "kiss"),
    ({"stratum": 0, "reference": b"\x1b[2J"}, "kiss"), ({"leap": 3}, "unsynchronised"),
    ({"stratum": 16}, "unsynchronised"), ({"origin": bytes(8)}, "no-answer"), ({"mode": 5}, "no-answer"),
    ({"version": 2}, "no-answer")], ids=str)
def test_answers_that_are_none(entente, started, how, reason):
    server = started(liar(**how))
    options = SHORT if reason == "no-answer" else QUICK
    found = row(check(entente, server.ntp, status=3, options=options), server.ntp)
    assert found["verdict"] == "silent" and found["reason"] == reason
    if reason == "kiss":
        assert found["sent"] == 1, "who is told to go asks no more"
        assert found["kiss"] == how["reference"].decode().replace("\x1b", "?")


def test_leap_seconds_that_differ(entente, started):
    ones = [started(liar(leap=leap)) for leap in (0, 0, 1)]
    assert outcome(check(entente, *(one.ntp for one in ones), status=1), "leap") == "fail"


def test_spoofed_answers_do_not_hide_the_true_one(entente, started):
    server = started(Udp(lambda packet: [answer(packet, offset=1000, origin=b"guessing"), b"", packet,
                                         answer(packet)[:47], answer(packet)]))
    document = check(entente, server.ntp)
    found = row(document, server.ntp)
    assert abs(found["offset_us"]) < 1e5 and found["not_ours"] == 6 and found["malformed"] == 6
    assert outcome(document, "forged-answers") == "warn"


def test_amplification_is_found(entente, started):
    def open_server(packet):
        mode = packet[0] & 7
        return [answer(packet)] if mode == 3 else [bytes(400)] * 5 if mode == 7 else [bytes(300)]
    server = started(Udp(open_server))
    def asked(document):
        return {item["question"]: item for item in document["servers"][0].get("questions", [])}

    def all_came(document):  # who is late has half a second
        came = [question["received_packets"] for question in asked(document).values()]
        return at_once(document) and sum(came) >= 7
    document = check(entente, "--own", f"127.0.0.1:{server.port}", status=1, good=all_came)
    questions = asked(document)
    assert questions["mode 7 monlist"]["received_bytes"] == 2000
    assert questions["mode 6 readvar"]["received_packets"] == 1
    assert outcome(document, "amplification") == "fail"


@pytest.mark.parametrize("limit, wanted", [("", "warn"), ("ratelimit interval 4 burst 16\n", "pass")])
def test_whether_own_servers_limit_the_rate(entente, started, tmp_path, limit, wanted):
    chrony = started(Chrony(tmp_path / "a", more=limit))

    def undisturbed(document):
        return at_once(document) and (limit or document["servers"][0]["burst"]["answered"] > 48)
    document = check(entente, "--own", f"127.0.0.1:{chrony.port}", good=undisturbed)
    burst = document["servers"][0]["burst"]
    assert outcome(document, "rate-limit") == wanted and burst["sent"] == 64
    assert (burst["answered"] > 48) == (wanted == "warn")
    assert outcome(document, "amplification") == "pass"


@pytest.mark.parametrize("code, hours", [(b"RATE", 1), (b"DENY", 24), (b"RSTR", 24)])
def test_who_refused_is_left_alone_by_later_runs(entente, started, code, hours):
    asked = []

    def refuse(packet):
        asked.append(packet)
        return [answer(packet, stratum=0, reference=code)]

    server = started(Udp(refuse))
    begun = int(time.time())
    first = check(entente, server.ntp, status=3)
    ended = time.time()
    assert outcome(first, "refusals") == "warn" and len(asked) == 1
    found = row(check(entente, server.ntp, status=3), server.ntp)
    assert len(asked) == 1 and found["sent"] == 0 and found["kiss"] == code.decode()
    said = re.fullmatch(r"it refused before \(%s\): not asked until (.*)" % code.decode(), found["problem"])
    resumed = datetime.datetime.fromisoformat(said.group(1).replace("Z", "+00:00")).timestamp()
    assert begun <= resumed - hours * 3600 <= ended + 1
    check(entente, server.ntp, "--ask-again", status=3)
    assert len(asked) == 2


def test_who_refuses_again_is_left_alone_for_longer(entente, started):
    server = started(liar(stratum=0, reference=b"RATE"))
    path = entente.folder / "data" / "clock" / "refusals.json"

    def refusal():
        return json.loads(path.read_text())["refusals"][server.ntp]

    begun, pauses = [], []
    for _ in range(7):
        if path.exists():  # an hour has gone by, or a day
            document = json.loads(path.read_text())
            document["refusals"][server.ntp]["until"] = "2000-01-01T00:00:00Z"
            path.write_text(json.dumps(document))
        begun = check(entente, server.ntp, status=3)["time"]
        begun, resumed = (datetime.datetime.fromisoformat(moment.replace("Z", "+00:00"))
                          for moment in (begun, refusal()["until"]))
        pauses.append(round((resumed - begun).total_seconds() / 3600))
    assert pauses == [1, 2, 4, 8, 16, 24, 24]
    path.write_text("[]")
    assert "not a list of refusals" in entente("clock", "check", server.ntp, status=2).stderr


def test_asking_again_forgets_nobody(entente, started):
    denies, limits = (started(liar(stratum=0, reference=code)) for code in (b"DENY", b"RATE"))
    path = entente.folder / "data" / "clock" / "refusals.json"
    check(entente, denies.ntp, status=3)
    before = json.loads(path.read_text())["refusals"][denies.ntp]
    for times in (1, 2, 3):
        check(entente, limits.ntp, "--ask-again", status=3)
        refusals = json.loads(path.read_text())["refusals"]
        assert refusals[limits.ntp]["times"] == times and refusals[denies.ntp] == before


def test_other_codes_stop_nothing_and_an_answer_forgives(entente, started):
    said = {"stratum": 0, "reference": b"INIT"}
    server = started(Udp(lambda packet: [answer(packet, **said)]))
    for _ in range(2):
        assert row(check(entente, server.ntp, status=3), server.ntp)["sent"] == 1
    said["reference"] = b"RATE"
    check(entente, server.ntp, status=3)
    said.clear()
    assert row(check(entente, server.ntp, "--ask-again"), server.ntp)["verdict"] == "agrees"
    assert row(check(entente, server.ntp), server.ntp)["sent"] == 3


def test_a_server_that_is_away_is_not_closed(entente, started):
    silent = started(Udp(lambda packet: []))
    document = check(entente, "--own", f"127.0.0.1:{silent.port}", status=3, good=bool)
    assert outcome(document, "amplification") == "unknown" and "problem" in document["servers"][0]


# ---- somebody on the path of NTS

def flip(packet, at):
    return packet[:at] + bytes([packet[at] ^ 1]) + packet[at + 1:]


def fields(packet):
    at = HEADER
    while at < len(packet):
        kind, length = struct.unpack_from(">HH", packet, at)
        yield kind, packet[at:at + length]
        at += length


def with_unique(packet, unique):
    return packet[:HEADER] + b"".join(
        field[:4] + unique if kind == 0x0104 else field for kind, field in fields(packet))


def without_authenticator(packet):
    return packet[:HEADER] + b"".join(field for kind, field in fields(packet) if kind != 0x0404)


def nak(request):
    unique = next(field for kind, field in fields(request) if kind == 0x0104)
    return answer(request, stratum=0, reference=b"NTSN") + unique


LIES = {  # what comes back, what it is counted as, the reason when nothing else comes
    "another time": (lambda request, true: [flip(true, 36)], "forged", "forged"),
    "a flipped tag": (lambda request, true: [flip(true, len(true) - 120)], "forged", "forged"),
    "another stratum": (lambda request, true: [flip(true, 1)], "forged", "forged"),
    "no authenticator": (lambda request, true: [without_authenticator(true)], "forged", "forged"),
    "plain NTP": (lambda request, true: [answer(request)], "not_ours", "no-answer"),
    "another identifier": (lambda request, true: [with_unique(true, bytes(32))], "not_ours", "no-answer"),
    "a cut packet": (lambda request, true: [true[:-4]], "malformed", "malformed"),
    "a header": (lambda request, true: [true[:47]], "malformed", "malformed"),
    "a forged refusal": (lambda request, true: [nak(request)], None, "unprotected"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_somebody_on_the_path_sends_does_not_count(entente, started, tmp_path, lie):
    make, counted, reason = LIES[lie]
    chrony = started(Chrony(tmp_path / "a", address="127.0.0.2", said="127.0.0.1"))
    alone = started(between(chrony, "127.0.0.1", make))

    def lied(document):  # it came in time
        found = row(document, chrony.nts)
        assert found["verdict"] == "silent"
        return found["reason"] == reason
    check(entente, chrony.nts, "--ca", chrony.ca, status=None, options=SHORT, good=lied)
    alone.stop()
    started(between(chrony, "127.0.0.1", lambda request, true: [*make(request, true), true]))
    found = row(check(entente, chrony.nts, "--ca", chrony.ca, status=None), chrony.nts)
    assert found["verdict"] == "agrees" and found["received"] == 3 and abs(found["offset_us"]) < 1e5
    assert counted is None or found[counted] == 3


def test_a_replayed_answer_does_not_count(entente, started, tmp_path):
    chrony = started(Chrony(tmp_path / "a", address="127.0.0.2", said="127.0.0.1"))
    seen = []

    def replay(request, true):
        seen.append(true)
        return [seen[0]]

    def came(document):  # all three in time
        seen.clear()
        found = row(document, chrony.nts)
        return found["received"] + found["not_ours"] == 3
    started(between(chrony, "127.0.0.1", replay))
    document = check(entente, chrony.nts, "--ca", chrony.ca, options=SHORT, good=came)
    found = row(document, chrony.nts)
    assert found["received"] == 1 and found["not_ours"] == 2


def test_every_byte_of_an_answer_is_protected(entente, started, tmp_path):
    """Flipped one after the other; what is behind the authenticator's sealed bytes is padding."""
    chrony = started(Chrony(tmp_path / "a", address="127.0.0.2", said="127.0.0.1"))
    flipped = []

    def change(request, true):
        flipped.append(len(flipped) * 5 % len(true))
        return [flip(true, flipped[-1]), true]
    started(between(chrony, "127.0.0.1", change))
    for _ in range(6):
        found = row(check(entente, chrony.nts, "--ca", chrony.ca, "--samples", 8, status=None), chrony.nts)
        assert found["verdict"] == "agrees" and abs(found["offset_us"]) < 1e5
        assert found["forged"] + found["not_ours"] + found["malformed"] == 8
    assert len(flipped) >= 48


# ---- use

def test_sources_of_the_profile(entente, started, tmp_path):
    server = started(liar())
    (entente.folder / "entente.yaml").write_text(
        "signatory: {name: A, group: state}\n"
        f"time:\n  sources: ['{server.ntp}']\n  servers: ['{server.ntp}']\n")
    document = check(entente)
    assert row(document, server.ntp)["verdict"] == "agrees"
    assert document["servers"][0]["server"] == server.ntp
    (entente.folder / "entente.yaml").write_text(
        "signatory: {name: A, group: state}\ntime: {sources: [time.example]}\n")
    assert 'entente.yaml:2:18: "time.example" is no source' in entente("clock", "check", status=2).stderr


@pytest.mark.parametrize("arguments, words", [
    ([], "no source is named"), (["nts://"], "no source of time"), (["ntp://a:0"], "no source of time"),
    (["ntp://a:65536"], "no source of time"), (["ntp://[::1"], "no source of time"),
    (["ntp://a b"], "no source of time"), (["--samples", "9", "ntp://a"], "--samples takes")])
def test_mistakes(entente, arguments, words):
    assert words in entente("clock", "check", *arguments, status=2).stderr


def test_a_name_that_is_not_there(entente):
    source = "ntp://nowhere.invalid"
    assert row(check(entente, source, status=3, options=SHORT), source)["reason"] == "unreachable"


# ---- what an assessment makes of it (assess/clocks.c, assess/last_check.c)

def outcomes(entente, *days):
    document = json.loads(entente("assess", "--principle", 2, "--no-save", "--format", "json").stdout)
    return {finding["measure"]: finding["outcome"] for finding in document["findings"]
            if finding["measure"].startswith("clock.")}


def test_measures_judge_the_last_check(entente, started, tmp_path):
    assert set(outcomes(entente).values()) == {"not-measured"}, "nothing was looked at"
    chrony, false = started(Chrony(tmp_path / "a")), started(liar(offset=9))
    honest = [started(liar()) for _ in range(2)]
    check(entente, chrony.nts, *(one.ntp for one in honest), false.ntp, "--ca", chrony.ca, status=1)
    assert outcomes(entente) == {
        "clock.checked": "pass", "clock.sources": "warn", "clock.agreement": "fail", "clock.protected": "warn",
        "clock.offset": "pass", "clock.servers": "not-applicable"}
    silent = started(Udp(lambda packet: []))
    check(entente, silent.ntp, status=3, options=SHORT)
    assert outcomes(entente)["clock.offset"] == outcomes(entente)["clock.agreement"] == "not-measured"
