"""`entente routes replay` (routes_replay, routes_payloads): alarms out of recordings that are made here,
message by message."""
import gzip
import json
import struct

import jsonschema
import pytest

from conftest import ROOT

SCHEMA = json.loads((ROOT / "docs" / "schema" / "routes-replay.json").read_text())
START = 1790000000
PROFILE = """signatory: {name: Ville Exemple, group: state}
assets:
  prefixes:
    - {prefix: 193.0.0.0/21, origins: [3333], neighbours: [1299, 174]}
    - {prefix: 84.205.64.0/24, dormant: true}
  as:
    - {number: 3333, upstreams: [1299, 174]}
"""


def nlri(prefix):
    address, length = prefix.split("/")
    octets = bytes(int(part) for part in address.split("."))
    return bytes([int(length)]) + octets[:(int(length) + 7) // 8]


def message_of(announced, path, withdrawn):
    attributes = b""
    if announced:
        hops = b"".join(struct.pack(">I", hop) for hop in path)
        attributes = (b"\x40\x01\x01\x00" + bytes([0x40, 2, 2 + len(hops), 2, len(path)]) + hops
                      + b"\x40\x03\x04\x0a\x00\x00\x01")
    gone = b"".join(map(nlri, withdrawn))
    body = (struct.pack(">H", len(gone)) + gone + struct.pack(">H", len(attributes)) + attributes
            + b"".join(map(nlri, announced)))
    return b"\xff" * 16 + struct.pack(">HB", 19 + len(body), 2) + body


def update(seconds, peer, announced=(), path=(), withdrawn=()):
    return record_of(seconds, peer, message_of(announced, path, withdrawn))


def record_of(seconds, peer, message):
    """A BGP4MP_MESSAGE_AS4 record of the peer 10.0.0.N, AS 50000 + N."""
    head = (struct.pack(">IIHH", 50000 + peer, 12654, 0, 1) + bytes([10, 0, 0, peer])
            + bytes([10, 0, 0, 254]))
    return struct.pack(">IHHI", START + seconds, 16, 4, len(head + message)) + head + message


def bmp_update(seconds, peer, announced=(), path=(), withdrawn=()):
    """The same as a router tells it (RFC 7854 section 4.6)."""
    message = (bytes(2 + 8 + 12) + bytes([10, 0, 0, peer]) + struct.pack(">I", 50000 + peer)
               + bytes([10, 0, 0, peer]) + struct.pack(">II", START + seconds, 0)
               + message_of(announced, path, withdrawn))
    return struct.pack(">BIB", 3, 6 + len(message), 0) + message


def ris_update(seconds, peer, announced=(), path=(), withdrawn=()):
    """The same as a line of RIS Live."""
    data = {"timestamp": START + seconds, "peer": f"10.0.0.{peer}", "peer_asn": str(50000 + peer),
            "id": f"{seconds}-{peer}", "host": "rrc00", "type": "UPDATE"}
    if announced:
        data |= {"path": list(path), "origin": "igp",
                 "announcements": [{"next_hop": "10.0.0.1", "prefixes": list(announced)}]}
    if withdrawn:
        data["withdrawals"] = list(withdrawn)
    return json.dumps({"type": "ris_message", "data": data}).encode() + b"\n"


def everybody(seconds, count, form=update, **said):
    return b"".join(form(seconds, peer, **said) for peer in range(1, count + 1))


def hear(first, last, form=update):
    """Every 30 s a word of what is not ours."""
    return b"".join(form(seconds, 99, announced=["8.8.8.0/24"], path=[50099, 15169])
                    for seconds in range(first, last, 30))


GOOD = {"announced": ["193.0.0.0/21"], "path": [50001, 1299, 3333]}
HIJACK = {"announced": ["193.0.1.0/24"], "path": [50001, 666]}


def last_of(form):
    return form(1200, 99, announced=["84.205.64.0/24"], path=[50099, 4242])


def story(form):
    """In two parts."""
    return (everybody(0, 6, form, **GOOD) + everybody(10, 3, form, **HIJACK) + hear(20, 300, form)
            + everybody(300, 3, form, withdrawn=["193.0.1.0/24"]) + hear(310, 700, form),
            everybody(700, 5, form, withdrawn=["193.0.0.0/21"]) + hear(710, 900, form)
            + last_of(form))


STORY = b"".join(story(update))
LAST = last_of(update)
TOLD = [
    ("opened", "sub-prefix", "193.0.1.0/24", 666), ("closed", "sub-prefix", "193.0.1.0/24", 666),
    ("opened", "visibility", "193.0.0.0/21", None), ("opened", "silence", None, None),
    ("opened", "squatting", "84.205.64.0/24", 4242),
]


@pytest.fixture
def files(tmp_path):
    (tmp_path / "entente.yaml").write_text(PROFILE)
    (tmp_path / "story.mrt").write_bytes(STORY)
    return tmp_path


def replay(entente, files, *options, status=1):
    return entente("routes", "replay", "--profile", files / "entente.yaml", *options,
                   status=status)


def lines_of(done):
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    return lines


def test_a_story(entente, files):
    done = replay(entente, files, "--format", "json", files / "story.mrt")
    lines = lines_of(done)
    assert [(line["step"], line["alarm"], line.get("prefix"), line.get("as"))
            for line in lines] == TOLD
    assert lines[0]["peers"] == 2 and len(lines[0]["evidence"]) == 2
    assert "0000029a" in lines[0]["evidence"][0], "the attributes as they came: AS 666"
    assert lines[0]["path"] == "50001 666"
    assert "; 4 alarms, 3 of them open at the end" in done.stderr
    again = replay(entente, files, "--format", "json", files / "story.mrt")
    assert again.stdout == done.stdout


@pytest.mark.parametrize("form", [bmp_update, ris_update])
def test_other_forms(entente, files, form):
    (files / "story").write_bytes(b"".join(story(form)))
    lines = lines_of(replay(entente, files, "--format", "json", files / "story"))
    assert [(line["step"], line["alarm"], line.get("prefix"), line.get("as"))
            for line in lines] == TOLD
    silent = next(line for line in lines if line["alarm"] == "silence")
    assert silent["ours"] == ("rrc00" if form is ris_update else "files")


def test_what_nobody_sees_for_five_minutes_is_over(entente, files):
    """By the time of the recording: not a moment before, and not while anybody sees it."""
    def told(gone, *more):
        (files / "quiet.mrt").write_bytes(
            everybody(0, 3, **HIJACK) + everybody(60, 3, withdrawn=["193.0.1.0/24"]) + b"".join(more)
            + b"".join(hear(first, first + 30) for first in range(61, gone, 30)) + hear(gone, gone + 1))
        return [(line["step"], line["time"]) for line in lines_of(replay(
            entente, files, "--format", "json", files / "quiet.mrt")) if line["alarm"] == "sub-prefix"]

    opened = ("opened", "2026-09-21T14:13:20Z")
    assert told(359) == [opened]
    assert told(360) == [opened, ("closed", "2026-09-21T14:19:20Z")]
    # One sees it again in between, and lets it go: five minutes from then on.
    seen = update(100, 1, **HIJACK) + update(130, 1, withdrawn=["193.0.1.0/24"])
    assert told(429, seen) == [opened]
    assert told(431, seen) == [opened, ("closed", "2026-09-21T14:20:31Z")]


def test_files_are_put_in_order_of_time(entente, files):
    """One collector's morning and evening, and what another heard meanwhile, in any order."""
    first, second = story(update)
    (files / "b.mrt").write_bytes(second)
    (files / "a.mrt.gz").write_bytes(gzip.compress(first))
    (files / "c.mrt").write_bytes(b"".join(
        update(seconds, 98, announced=["8.8.4.0/24"], path=[50098, 15169])
        for seconds in range(905, 1200, 30)))
    told = [row for row in TOLD if row[1] != "silence"]
    for names in (["a.mrt.gz", "b.mrt", "c.mrt"], ["c.mrt", "b.mrt", "a.mrt.gz"]):
        done = replay(entente, files, "--format", "json", *[files / name for name in names])
        assert [(line["step"], line["alarm"], line.get("prefix"), line.get("as"))
                for line in lines_of(done)] == told


KEEPALIVE = b"\xff" * 16 + b"\x00\x13\x04"
END_OF_RIB = message_of([], [], [])


def words(first, last, message):
    """Every 20 s a message of each of four peers that is of no route."""
    return b"".join(record_of(seconds, peer, message) for seconds in range(first, last, 20)
                    for peer in range(1, 5))


@pytest.mark.parametrize("message", [KEEPALIVE, END_OF_RIB], ids=["keepalive", "end-of-rib"])
def test_whoever_says_nothing_of_routes_is_not_silent(entente, files, message):
    (files / "calm.mrt").write_bytes(everybody(0, 4, **GOOD) + words(20, 640, message)
                                     + hear(640, 641))
    assert replay(entente, files, files / "calm.mrt", status=0).stdout == ""
    (files / "gone.mrt").write_bytes(everybody(0, 4, **GOOD)
                                     + everybody(10, 4, withdrawn=["193.0.0.0/21"])
                                     + words(20, 640, message))
    done = replay(entente, files, "--format", "json", files / "gone.mrt")
    line, = lines_of(done)
    assert (line["step"], line["alarm"], line["prefix"]) == ("opened", "visibility", "193.0.0.0/21")
    assert line["first"] == "2026-09-21T14:13:30Z", "when it was withdrawn"
    assert "entente: 8 routes and states, 8 of what is ours" in done.stderr


def test_more_files_than_can_be_read_together(entente, files):
    (files / "many").mkdir()
    for number in range(129):
        (files / "many" / f"{number}.mrt").write_bytes(LAST)
    done = replay(entente, files, files / "many", status=2)
    assert "129 files are too many at once: give 128 at most" in done.stderr
    (files / "many" / "0.mrt").unlink()
    lines = lines_of(replay(entente, files, "--format", "json", files / "many"))
    assert [(line["alarm"], line["peers"]) for line in lines] == [("squatting", 1)]


def test_what_is_no_recording(entente, files):
    (files / "readme.txt").write_text("Routes of the twelfth of May, as they were heard here.\n" * 3)
    done = replay(entente, files, files / "readme.txt", files / "story.mrt")
    assert "readme.txt: byte 0: neither MRT nor BMP nor lines of RIS Live" in done.stderr
    assert len(done.stdout.splitlines()) == len(TOLD)


def test_as_text(entente, files):
    text = replay(entente, files, files / "story.mrt").stdout.splitlines()
    assert len(text) == len(TOLD)
    assert text[0].split()[1:4] == ["opened", "critical", "sub-prefix"]
    assert "AS666" in text[0] and "RPKI" not in text[0]


def test_rpki_is_said_and_peers_are_asked_for(entente, files):
    (files / "vrps.json").write_text(json.dumps({
        "metadata": {}, "roas": [{"asn": 3333, "prefix": "193.0.0.0/21", "maxLength": 21}]}))
    lines = lines_of(replay(entente, files, "--format", "json", "--vrp", files / "vrps.json",
                            files / "story.mrt"))
    invalid = next(line for line in lines if line["alarm"] == "rpki-invalid")
    assert invalid["rov"] == "invalid-asn" and invalid["prefix"] == "193.0.1.0/24"
    alarms = {line["alarm"] for line in lines_of(replay(
        entente, files, "--format", "json", "--min-peers", 4, files / "story.mrt"))}
    assert alarms == {"visibility", "silence"}
    done = replay(entente, files, "--format", "json", "--ignore-peer", "AS50001",
                  "--ignore-peer", "50002", files / "story.mrt")
    assert "sub-prefix" not in done.stdout


def test_leaks_by_who_is_whose_provider(entente, files):
    leak = {"announced": ["193.0.0.0/21"], "path": [50001, 3356, 7018, 1299, 3333]}
    (files / "leak.mrt").write_bytes(everybody(0, 3, **leak))
    assert replay(entente, files, files / "leak.mrt", status=0).stdout == ""
    (files / "as-rel.txt.gz").write_bytes(gzip.compress(
        b"# made here\n3356|7018|-1|bgp\n1299|7018|-1|bgp\n1299|3333|-1|mlp\n"))
    lines = lines_of(replay(entente, files, "--format", "json", "--relationships",
                            files / "as-rel.txt.gz", files / "leak.mrt"))
    assert [(line["alarm"], line["as"]) for line in lines] == [("leak", 7018)]
    (files / "broken").write_text("3356|7018|-1\n3356|7018|customer\n")
    assert "broken: line 2 has a relation" in replay(
        entente, files, "--relationships", files / "broken", files / "leak.mrt", status=2).stderr


def path_of(*segments):
    """An AS_PATH of (type, ASNs)."""
    return b"".join(bytes([kind, len(hops)]) + b"".join(struct.pack(">I", hop) for hop in hops)
                    for kind, hops in segments)


def own_update(number, path, peer=3333):
    """Of the own router 10.0.1.N, over iBGP: 193.0.0.0/21 by this AS_PATH."""
    attributes = (b"\x40\x01\x01\x00" + bytes([0x40, 2, len(path)]) + path
                  + b"\x40\x03\x04\x0a\x00\x00\x01")
    body = (bytes(2) + struct.pack(">H", len(attributes)) + attributes + nlri("193.0.0.0/21"))
    message = b"\xff" * 16 + struct.pack(">HB", 19 + len(body), 2) + body
    head = (struct.pack(">IIHH", peer, 3333, 0, 1) + bytes([10, 0, 1, number])
            + bytes([10, 0, 0, 254]))
    return struct.pack(">IHHI", START, 16, 4, len(head + message)) + head + message


@pytest.mark.parametrize("path", [path_of(), path_of((3, [65001])), path_of((4, [65001, 65002]))],
                         ids=["empty", "confed-sequence", "confed-set"])
def test_routes_of_own_routers_have_the_own_origin(entente, files, path):
    (files / "own.mrt").write_bytes(b"".join(own_update(number, path) for number in range(5)))
    assert replay(entente, files, files / "own.mrt", status=0).stdout == ""


@pytest.mark.parametrize("path", [path_of(), path_of((3, [65001])), path_of((4, [65002, 65001]))],
                         ids=["empty", "confed-sequence", "confed-set"])
def test_a_member_of_the_own_confederation_is_no_origin(entente, files, path):
    """Its routers say the AS of the member (RFC 5065), which no other network ever sees."""
    (files / "vrps.csv").write_text("ASN,IP Prefix,Max Length,Trust Anchor\nAS3333,193.0.0.0/21,21,lab\n")
    (files / "own.mrt").write_bytes(b"".join(own_update(number, path, 65001) for number in range(5)))
    assert replay(entente, files, "--vrp", files / "vrps.csv", files / "own.mrt", status=0).stdout == ""


@pytest.mark.parametrize("path", [path_of(), path_of((3, [50001])), path_of((4, [50001]))],
                         ids=["empty", "confed-sequence", "confed-set"])
def test_nobody_else_is_of_the_own_confederation(entente, files, path):
    (files / "theirs.mrt").write_bytes(b"".join(own_update(number, path, 50001) for number in range(5)))
    line, = lines_of(replay(entente, files, "--format", "json", files / "theirs.mrt"))
    assert (line["alarm"], line["prefix"]) == ("origin", "193.0.0.0/21")


def test_what_a_confederation_hides_is_no_hop(entente, files):
    """Members stand neither before nor behind our AS, and are no loop."""
    path = path_of((3, [65001, 3333]), (2, [50001, 1299]), (4, [666]), (2, [3333]))
    (files / "hidden.mrt").write_bytes(b"".join(own_update(number, path, 50001) for number in range(5)))
    assert replay(entente, files, files / "hidden.mrt", status=0).stdout == ""


def test_routes_of_own_routers_that_end_in_a_set_have_no_origin(entente, files):
    (files / "own.mrt").write_bytes(b"".join(own_update(number, path_of((1, [3333])))
                                             for number in range(5)))
    line, = lines_of(replay(entente, files, "--format", "json", files / "own.mrt"))
    assert (line["alarm"], line["prefix"]) == ("origin", "193.0.0.0/21")


def test_who_feeds_a_collector_is_no_transit(entente, files):
    def told(path):
        (files / "fed.mrt").write_bytes(everybody(0, 4, announced=["99.0.0.0/16"], path=path))
        return [(line["alarm"], line["as"]) for line in lines_of(replay(
            entente, files, "--format", "json", files / "fed.mrt", status=None))]

    assert told([3333, 777, 9]) == []
    assert told([50001, 1299, 3333, 777]) == [("downstream", 777)]


@pytest.mark.parametrize("form", ["text", "json"])
def test_output_is_written_whole_or_not_at_all(entente, files, form):
    wanted = replay(entente, files, "--format", form, files / "story.mrt").stdout
    done = replay(entente, files, "--format", form, "--output", files / "told", files / "story.mrt")
    assert done.stdout == "" and (files / "told").read_text() == wanted
    assert replay(entente, files, "--format", form, "--output", "-",
                  files / "story.mrt").stdout == wanted
    (files / "many").mkdir()
    for number in range(129):
        (files / "many" / f"{number}.mrt").write_bytes(LAST)
    replay(entente, files, "--output", files / "told", files / "many", status=2)
    assert (files / "told").read_text() == wanted
    replay(entente, files, "--output", files / "none" / "told", files / "story.mrt", status=3)


def test_nothing_to_tell(entente, files):
    (files / "calm.mrt").write_bytes(everybody(0, 6, **GOOD) + hear(10, 900))
    assert replay(entente, files, files / "calm.mrt", status=0).stdout == ""


def test_torn_files_and_wrong_use(entente, files, tmp_path):
    (files / "torn.mrt").write_bytes(STORY[:-5])
    done = replay(entente, files, "--format", "json", files / "torn.mrt")
    assert len(lines_of(done)) == len(TOLD) - 2  # the last record told of the silence, too
    assert f"byte {len(STORY) - len(LAST)}: " in done.stderr
    assert "prefixes nor" in replay_of_nothing(entente, tmp_path, files)
    assert "which recordings" in replay(entente, files, status=2).stderr
    assert "--ignore-peer" in replay(entente, files, "--ignore-peer", "x", files / "story.mrt",
                                     status=2).stderr


def replay_of_nothing(entente, tmp_path, files):
    (tmp_path / "empty.yaml").write_text("signatory: {name: A, group: state}\n")
    return entente("routes", "replay", "--profile", tmp_path / "empty.yaml", files / "story.mrt",
                   status=2).stderr
