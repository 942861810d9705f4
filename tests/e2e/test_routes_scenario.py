"""`entente routes replay` over a scenario: a quiet day, then something wrong of each kind, and what looks like it.

Exactly the alarms of tests/vectors/ris_scenario/alarms.json are raised, by one recording or by two.
"""
import gzip
import json
import subprocess
import sys

import pytest

from conftest import ROOT

SCENARIO = ROOT / "tests" / "vectors" / "ris_scenario"
DAY = SCENARIO / "day.jsonl.gz"
ALARMS = json.loads((SCENARIO / "alarms.json").read_text())
STALE = ("--ignore-peer", "50099")


@pytest.fixture
def replay(entente):
    def run(*arguments):
        done = entente("routes", "replay", "--format", "json", "--profile", SCENARIO / "entente.yaml",
                       "--vrp", SCENARIO / "vrps.json", "--relationships", SCENARIO / "as-rel.txt",
                       "--name-servers", SCENARIO / "name-servers", *arguments, status=1)
        return done.stdout

    return run


def alarms_of(text):
    lines = [json.loads(line) for line in text.splitlines()]
    ended = {line["key"] for line in lines if line["step"] == "closed"}
    return [{name: line[name] for name in ("alarm", "ours", "prefix", "as", "peers") if name in line}
            | {"ends": line["key"] in ended} for line in lines if line["step"] == "opened"]


def test_exactly_its_alarms(replay):
    text = replay(*STALE, DAY)
    assert alarms_of(text) == ALARMS
    servers = {(line["key"], line.get("name_server"), line.get("hosted"))
               for line in map(json.loads, text.splitlines()) if line["alarm"] == "origin"}
    assert servers == {("origin|archive|193.0.20.0/22|666", "ns2.example.org", False),
                       ("origin|ns1.example.org|198.51.100.0/24|672", "ns1.example.org", True)}


def test_who_listens_to_a_stale_peer_hears_of_the_past(replay):
    told = alarms_of(replay(DAY))
    more = [alarm for alarm in told if alarm not in ALARMS]
    assert more == [{"alarm": "squatting", "ours": "unused", "prefix": "84.205.64.0/24", "as": 2000,
                     "peers": 1, "ends": False}]
    assert len(told) == len(ALARMS) + 1


def test_the_collectors_apart(replay, tmp_path):
    """The same in a file of each collector, whichever is named first."""
    lines = gzip.decompress(DAY.read_bytes()).splitlines(keepends=True)
    files = []
    for host in ("rrc00", "rrc01"):
        files.append(tmp_path / f"{host}.jsonl")
        files[-1].write_bytes(b"".join(line for line in lines if host.encode() in line))
    whole = replay(*STALE, DAY)
    assert replay(*STALE, *files) == whole
    assert replay(*STALE, *reversed(files)) == whole


def test_the_scenario_is_what_its_maker_makes(tmp_path):
    subprocess.run([sys.executable, SCENARIO / "make.py", tmp_path / "day.jsonl.gz"], check=True)
    made = gzip.decompress((tmp_path / "day.jsonl.gz").read_bytes())
    assert made == gzip.decompress(DAY.read_bytes())
