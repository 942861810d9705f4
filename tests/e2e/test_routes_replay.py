"""`entente routes replay`: alarms out of MRT files that are made here, record by record."""
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


def update(seconds, peer, announced=(), path=(), withdrawn=()):
    """A BGP4MP_MESSAGE_AS4 record of the peer 10.0.0.N, AS 50000 + N."""
    attributes = b""
    if announced:
        hops = b"".join(struct.pack(">I", hop) for hop in path)
        attributes = (b"\x40\x01\x01\x00" + bytes([0x40, 2, 2 + len(hops), 2, len(path)]) + hops
                      + b"\x40\x03\x04\x0a\x00\x00\x01")
    gone = b"".join(map(nlri, withdrawn))
    body = (struct.pack(">H", len(gone)) + gone + struct.pack(">H", len(attributes)) + attributes
            + b"".join(map(nlri, announced)))
    message = b"\xff" * 16 + struct.pack(">HB", 19 + len(body), 2) + body
    head = (struct.pack(">IIHH", 50000 + peer, 12654, 0, 1) + bytes([10, 0, 0, peer])
            + bytes([10, 0, 0, 254]))
    return struct.pack(">IHHI", START + seconds, 16, 4, len(head + message)) + head + message


def everybody(seconds, count, **said):
    return b"".join(update(seconds, peer, **said) for peer in range(1, count + 1))


def hear(first, last):
    """Every 30 s a word of what is not ours."""
    return b"".join(update(seconds, 99, announced=["8.8.8.0/24"], path=[50099, 15169])
                    for seconds in range(first, last, 30))


GOOD = {"announced": ["193.0.0.0/21"], "path": [50001, 1299, 3333]}
HIJACK = {"announced": ["193.0.1.0/24"], "path": [50001, 666]}
LAST = update(1200, 99, announced=["84.205.64.0/24"], path=[50099, 4242])
STORY = (everybody(0, 6, **GOOD) + everybody(10, 3, **HIJACK) + hear(20, 300)
         + everybody(300, 3, withdrawn=["193.0.1.0/24"]) + hear(310, 700)
         + everybody(700, 5, withdrawn=["193.0.0.0/21"]) + hear(710, 900) + LAST)
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


def test_nothing_to_tell(entente, files):
    (files / "calm.mrt").write_bytes(everybody(0, 6, **GOOD) + hear(10, 900))
    assert replay(entente, files, files / "calm.mrt", status=0).stdout == ""


def test_torn_files_and_wrong_use(entente, files, tmp_path):
    (files / "torn.mrt").write_bytes(STORY[:-5])
    done = replay(entente, files, "--format", "json", files / "torn.mrt")
    assert len(lines_of(done)) == len(TOLD) - 2  # the last record told of the silence, too
    assert f"byte {len(STORY) - len(LAST)}: " in done.stderr
    assert "prefixes nor" in replay_of_nothing(entente, tmp_path, files)
    assert "which MRT files" in replay(entente, files, status=2).stderr
    assert "--ignore-peer" in replay(entente, files, "--ignore-peer", "x", files / "story.mrt",
                                     status=2).stderr


def replay_of_nothing(entente, tmp_path, files):
    (tmp_path / "empty.yaml").write_text("signatory: {name: A, group: state}\n")
    return entente("routes", "replay", "--profile", tmp_path / "empty.yaml", files / "story.mrt",
                   status=2).stderr
