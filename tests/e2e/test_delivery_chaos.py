"""
The lab: two nodes and a relay that are killed at random, over wires that lose, delay and cut. A
minute; an hour with ENTENTE_LONG. Exercises service_delivery and service_mailbox (src/node).
"""
import os
import random
import signal
import time

import pytest

from delivery import DRIVER, World
from test_delivery import on_disk
from waiting import PATIENCE, until

pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason=f"{DRIVER} is not built")
SECONDS = 3600 if os.environ.get("ENTENTE_LONG") else 60
MARKER = "marker-c41d"
CASES = 3


def restart(node):
    node.process.send_signal(signal.SIGKILL)
    node.process.wait()


def disturb(world, chance, down):
    """One step of bad luck: a kill, a restart, a cut, a better or a worse wire."""
    for node, since in list(down.items()):
        if time.monotonic() - since > chance.uniform(0.3, 2):
            node.start()
            del down[node]
    what = chance.random()
    if what < 0.12 and not down:
        node = chance.choice(world.nodes)
        restart(node)
        down[node] = time.monotonic()
        return "kills"
    wire = chance.choice(world.wires)
    if what < 0.25:
        wire.cut = True
        return "cuts"
    wire.cut = False
    wire.loss, wire.delay = chance.choice([(0, 0), (0.02, 0.01), (0.1, 0), (0.3, 0.02)])
    return None


def enough(counts, said):
    """A busy machine takes longer for so much."""
    return counts["kills"] >= 3 and counts["cuts"] >= 3 and sum(map(len, said.values())) > 20


def heal(world, down):
    for wire in world.wires:
        wire.cut, wire.loss, wire.delay = False, 0, 0
    for node in list(down):
        node.start()


def test_nothing_is_lost_doubled_or_out_of_order(tmp_path, say):
    world, chance, down = World(tmp_path).start(), random.Random(4), {}
    parties, said, counts = (world.state, world.society), {}, {"kills": 0, "cuts": 0}
    try:
        for number in range(CASES):
            opener, other = parties[number % 2], parties[(number + 1) % 2]
            answer = opener.desk("say", kind="assistance", to=[other.id], event="open", fields={
                "what": f"{MARKER} {number}", "continuing": "yes", "channel": "phone"})
            said[answer["case"]] = {answer["event"]}
        end, number = time.monotonic() + SECONDS, 0
        while time.monotonic() < end or not enough(counts, said):
            assert time.monotonic() < end + PATIENCE, (counts, said)
            happened = disturb(world, chance, down)
            if happened:
                counts[happened] += 1
            case, party = chance.choice(list(said)), chance.choice(parties)
            if party.entries(case):
                number += 1
                answer = party.desk("say", case=case, event="message",
                                    fields={"text": f"{MARKER} {number}"})
                said[case].add(answer["event"])
            time.sleep(0.25)
        heal(world, down)
        began = time.monotonic()
        arrived(world, said)
        total = sum(map(len, said.values()))
        say(f"figure: delivery, {SECONDS} s of bad luck: {total} events, {counts['kills']} kills, "
            f"{counts['cuts']} cuts, {sum(wire.resets for wire in world.wires)} lost connections; "
            f"whole on both sides {time.monotonic() - began:.0f} s after it ended")
        judge(world, said)
    finally:
        world.stop()


def arrived(world, said):
    """What failed is tried again after two minutes at most, which may fail once more."""
    parties = (world.state, world.society)
    for party in parties:
        for case, events in said.items():
            until(lambda: set(party.hashes(case)) == events, 2 * PATIENCE,
                  what=f"{case} at {party.domain}")
    until(lambda: not any(party.desk("outbox") for party in parties), 2 * PATIENCE,
          what="the acknowledgements")


def judge(world, said):
    for case, events in said.items():
        left, right = world.state.entries(case), world.society.entries(case)
        assert [entry["hash"] for entry in left] == [entry["hash"] for entry in right]
        assert len(left) == len(events), "each once"
        last = {}
        for entry in left:
            assert entry["verdict"] == "applied", entry
            assert entry["seq"] == last.get(entry["from"], 0) + 1, "in their author's order"
            last[entry["from"]] = entry["seq"]
    for party in (world.state, world.society):
        assert party.desk("refusals") == []
    assert MARKER.encode() not in on_disk(world.relay.data) and MARKER.encode() not in world.passed()
