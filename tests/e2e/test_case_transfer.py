"""A case that changes hands, from the command line: three members with their nodes.

Exercises cmd_case, case_show and cmd_help (src/cli).
"""
import json
import re
import shutil

import pytest

pytest.importorskip("cryptography")
import forge  # noqa: E402
from delivery import DRIVER, Party, World  # noqa: E402
from test_case import ask, commands, shown, state_is  # noqa: E402
from waiting import until

pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason=f"{DRIVER} is not built")


class Company(Party):
    """Its root keys are several, and lie elsewhere: they sign there what it hands to the log."""

    def enter(self, world):
        log, actor = world.community.log, forge.MEMBERS[1]
        shutil.copytree(world.state.data / "community", self.data / "community")
        seal = self.program("key", "seal").stdout.strip()
        delegation = forge.statement(actor.domain, actor.id, "delegation", {
            "key": seal, "role": "seal", "until": forge.now(300 * 86400)}, actor.signers)
        own = world.community.entries[2:4]  # its endorsement, and the delegation of its issuer
        for entry in [*own, delegation]:
            status, answer = log.submit(entry)
            assert status == 200, answer
        self.program("community", "show", "--update")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The two of delivery.py, and a third that takes messages at its own node."""
    folder = tmp_path_factory.mktemp("transfer")
    made = World(folder)
    made.company = Company(made, folder / "member-1", "company.example")
    made.company.mailbox(made.company.wire.url)
    made.nodes.append(made.company.node)
    made.wires.append(made.company.wire)
    for party in (made.state, made.society, made.company):
        party.program("community", "show", "--update")
    made.start()
    made.company.start()
    yield made
    made.company.desk.stop()
    made.stop()


def page(party, case):
    """As shown, but for how wide its columns are."""
    return re.sub(r" {2,}", "  ", party.program("case", "show", case).stdout)


def shows(party, case, text):
    return until(lambda: shown(party, case) and text in page(party, case) and page(party, case),
                 what=f'"{text}" at {party.domain}')


def three_hashes(world, case):
    return [[(entry["hash"], entry["verdict"]) for entry in (shown(party, case) or {}).get("entries", [])]
            for party in (world.state, world.society, world.company)]


def test_a_call_is_handed_over_and_taken_over(world):
    case = ask(world)
    society, company = world.society.program, world.company.program
    society("case", "step", case, "acknowledge")
    assert shown(world.company, case) is None  # it is nobody else's until it is offered
    society("case", "transfer", case, "--to", "company.example", "--reason", "It is their product")

    # Until it is taken over, the one who offered it still has it, and the offered one does nothing.
    offered = shows(world.company, case, "us  Helper, offered and not yet taken over")
    assert "It is their product" in offered and "society.example  Helper" in offered
    assert "take-over" in commands(offered) and "triage" not in commands(offered)
    early = company("case", "step", case, "triage", "--field", "harm=data", "--field", "means=some",
                    "--field", "continuing=no", status=4).stderr
    assert '"triage" is not possible for us now' in early and "take-over" in early

    company("case", "step", case, "take-over")
    for party in (world.state, world.society):
        taken = shows(party, case, "company.example  Helper\n")
        assert "offered and not yet" not in taken
    assert "triage" not in commands(page(world.society, case))
    company("case", "step", case, "triage", "--field", "harm=data", "--field", "means=some",
            "--field", "continuing=no")
    state_is(world.state, case, "triaged")
    company("case", "step", case, "accept", "--field", "override=the one of the test")
    company("case", "step", case, "start")
    company("case", "step", case, "resolve", "--field", "outcome=restored")
    state_is(world.state, case, "resolved")
    world.state.program("case", "close", case)
    state_is(world.company, case, "closed")
    sides = three_hashes(world, case)
    assert sides[0] == sides[2] and {verdict for _, verdict in sides[0]} == {"applied"}


def test_an_offer_is_refused(world):
    case = ask(world)
    society, company = world.society.program, world.company.program
    society("case", "transfer", case, "--to", "company.example", "--reason", "It is their product")
    shows(world.company, case, "offered and not yet taken over")
    assert "reason" in company("case", "step", case, "refuse-transfer", status=2).stderr
    company("case", "step", case, "refuse-transfer", "--field", "reason=It is not")
    shows(world.society, case, "It is not")
    assert "take-over" not in commands(page(world.company, case))
    society("case", "step", case, "acknowledge")
    state_is(world.state, case, "acknowledged")
    queue = json.loads(society("help", "queue", "--format", "json").stdout)
    assert case in [row["id"] for row in queue["queue"]]
