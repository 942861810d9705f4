"""The verifier in the browser against a real, witnessed log, and against nodes that lie about it."""
import base64
import json
import shutil
import subprocess
import time

import pytest

pytest.importorskip("selenium")
pytest.importorskip("cryptography")
import browser as chromium  # noqa: E402
import forge  # noqa: E402
from forge import MEMBERS, Actor  # noqa: E402
from nodes import BUILD, MAKER  # noqa: E402
from test_attacks import DAY, WITNESSES, Evil, World, assessment, WORLD_ENTRIES  # noqa: E402
from test_verify_vectors import MODULES, PAGE, WEB, run  # noqa: E402

pytestmark = [pytest.mark.skipif(not chromium.available(), reason="no chromium and chromium-driver"),
              pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built"),
              pytest.mark.skipif(not (shutil.which("knotd") or shutil.which("/usr/sbin/knotd")),
                                 reason="knotd is not installed")]
STATE, COMPANY, SOCIETY = MEMBERS
JUDGE = BUILD / "tests" / "e2e" / "judge_entries"
STEPS = ["policy", "note", "checkpoint", "log-signature", "cosignatures", "quorum", "leaf",
         "inclusion", "signer", "document", "memory"]


def page_of(policy):
    head = f'<script type="application/json" id="genesis">{json.dumps(policy)}</script>'
    return PAGE.format(modules=json.dumps(MODULES)).replace("<script type=\"module\">",
                                                            head + "<script type=\"module\">")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("verify"))
    for actor, entry in zip(MEMBERS, made.community.entries[6:9]):
        WORLD_ENTRIES[actor.domain] = entry
    yield made
    made.stop()


class Liar(Evil):
    """The node as it is, and the verifier's page; `lies` say otherwise."""

    def __init__(self, world):
        super().__init__(world.log)
        policy = json.loads(world.policy.read_text())
        self.lies["/page"] = self.sent(page_of(policy).encode(), "text/html")
        for path in WEB.rglob("*.js"):
            self.lies[f"/{path.relative_to(WEB)}"] = self.sent(path.read_bytes(), "text/javascript")

    @staticmethod
    def sent(body, kind):
        return lambda handler, _: handler.put(200, body, kind)


@pytest.fixture
def node(world, page):
    made = Liar(world)
    page.driver.get(made.url + "page")
    page.wait("globalThis.ready === true")
    yield made
    made.stop()


RESULT = """
    const brief = (found) => ({ state: found.state,
        steps: found.steps.list.map(({ id, state, reason }) => [id, reason ? `${state}:${reason}` : state]),
        inputs: Object.fromEntries(found.steps.list.map(({ id, inputs }) => [id, JSON.stringify(inputs, (_, value) => typeof value === 'bigint' ? String(value) : value)])),
        signer: found.signer && { ...found.signer } });
"""


def in_page(page, call, *arguments):
    found = run(page, RESULT + f"return brief(await {call});", *arguments)
    return {**found, "steps": dict(found["steps"])}  # in their order


def entry(page, index):
    return in_page(page, "v.verifyEntry(args[0])", index)


def checkpoint(page):
    return in_page(page, "v.verifyCheckpoint()")


def add(world, said):
    """Into the log, and shown by the node."""
    status, answer = world.log.submit(said)
    assert status == 200, answer
    world.log.until(lambda: world.log.json("/api/v1/checkpoint")["size"] > answer["index"])


def failed(found):
    """The one step that is red: nothing before it is, and nothing behind it was looked at."""
    steps = list(found["steps"].items())
    red = [number for number, (_, state) in enumerate(steps) if state.startswith("failed")]
    assert found["state"] == "failed" and len(red) == 1, found["steps"]
    assert all(state.split(":")[0] in ("ok", "warning") for _, state in steps[:red[0]]), steps
    assert all(state == "skipped" for _, state in steps[red[0] + 1:]), steps
    return steps[red[0]]


def test_every_entry_of_a_log_is_verified(world, page, node):
    size, _ = world.root()
    for index in range(size):
        found = entry(page, index)
        steps = dict(found["steps"])
        assert steps.pop("document") in ("ok", "skipped:no-document")
        assert steps.pop("memory") == ("skipped:first-visit" if index == 0 else "ok")
        assert set(steps.values()) == {"ok"}, found
        assert found["state"] == "verified"
        said = world.log.json(f"/api/v1/entries/{index}")["register"]
        assert said.get("signatory") == found["signer"].get("id"), said
    found = checkpoint(page)
    assert found["state"] == "verified" and found["steps"]["memory"] == "ok"
    assert list(found["steps"]) == [step for step in STEPS if step not in
                                    ("leaf", "inclusion", "signer", "document")]


def flipped(data, at=40):
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def changed_answer(world, index, change):
    """/api/v1/entries/INDEX with something else in it."""
    answer = world.log.json(f"/api/v1/entries/{index}")
    change(answer)
    return json.dumps(answer).encode()


def in_proof(line, change):
    """Changes one line of the proof: its number, or the first that begins so."""
    def alter(answer):
        lines = answer["proof"].split("\n")
        at = line if isinstance(line, int) else next(
            number for number, text in enumerate(lines) if text.startswith(line))
        lines[at] = change(lines[at])
        answer["proof"] = "\n".join(lines)
    return alter


def other_base64(text):
    """The last words of a line with one bit of their first bytes changed."""
    *rest, coded = text.split(" ")
    data = bytearray(base64.b64decode(coded))
    data[min(20, len(data) - 1)] ^= 1
    return " ".join([*rest, base64.b64encode(bytes(data)).decode()])


def in_entry(answer):
    answer["entry"]["payload"] = other_base64(answer["entry"]["payload"])


def size_line(answer):
    lines = answer["proof"].split("\n")
    return lines.index(forge.ORIGIN) + 1


LIES = {
    "entry": (in_entry, "inclusion", "proof"),
    "signature of the entry": (lambda answer: answer["entry"]["signatures"][0].update(
        sig=other_base64(answer["entry"]["signatures"][0]["sig"])), "inclusion", "proof"),
    "path": (in_proof(2, other_base64), "inclusion", "proof"),
    "index": (in_proof("index ", lambda line: "index 5"), "inclusion", "other-entry"),
    "version": (in_proof(0, lambda line: line + "x"), "note", "malformed"),
    "cosignature": (in_proof("— society.example/witness", other_base64), "cosignatures", "signature"),
    "log's signature": (in_proof(f"— {forge.ORIGIN}", other_base64), "log-signature", "signature"),
    "root": (lambda answer: in_proof(size_line(answer) + 1, other_base64)(answer), "log-signature",
             "signature"),
    "size": (lambda answer: in_proof(size_line(answer), lambda line: str(int(line) + 1))(answer),
             "log-signature", "signature"),
    "origin": (in_proof(forge.ORIGIN, lambda line: "other.example/log"), "checkpoint", "unknown-log"),
}


@pytest.mark.parametrize("what", LIES)
def test_a_node_that_lies_about_an_entry(world, page, node, what):
    change, step, reason = LIES[what]
    node.lies["/api/v1/entries/4"] = changed_answer(world, 4, change)
    assert failed(entry(page, 4)) == (step, f"failed:{reason}")


def test_a_missing_cosignature_is_a_missing_quorum(world, page, node):
    def without(answer):
        answer["proof"] = "".join(line + "\n" for line in answer["proof"].split("\n")[:-1]
                                  if not line.startswith("— company"))
    node.lies["/api/v1/entries/4"] = changed_answer(world, 4, without)
    found = entry(page, 4)
    assert failed(found) == ("quorum", "failed:quorum")
    assert '"group":"private-sector"' in found["inputs"]["quorum"]


def tiles(world):
    size, _ = world.root()
    return f"/tile/entries/000.p/{size}", f"/tile/0/000.p/{size}"


def test_another_bundle_fails_the_signer(world, page, node):
    """The entry and its proof are true, but the keys cannot be: they are read from the log."""
    bundle, _ = tiles(world)
    node.lies[bundle] = flipped(world.log.get(bundle)[2], 300)
    assert failed(entry(page, 4)) == ("signer", "failed:tiles")


def test_another_tile_fails_what_is_remembered(world, page, node):
    size, root = world.root()
    assert checkpoint(page)["state"] == "verified"
    add(world, assessment(STATE, 0x6001))
    _, tile = tiles(world)
    node.lies[tile] = flipped(world.log.get(tile)[2])
    assert world.root()[0] == size + 1
    found = checkpoint(page)
    step, state = failed(found)
    assert (step, state) in (("memory", "failed:split-view"), ("policy", "failed:tiles")), found
    del node.lies[tile]
    assert checkpoint(page)["state"] == "verified"


def test_a_rolled_back_and_a_split_log(world, page, node):
    assert checkpoint(page)["state"] == "verified"
    size, _ = world.root()
    history = world.log.get("/history")[2]
    node.lies["/checkpoint"] = history[4:4 + int.from_bytes(history[:4], "big")]
    assert failed(checkpoint(page)) == ("memory", "failed:rolled-back")
    node.lies["/checkpoint"] = forge.checkpoint(size, b"\7" * 32, WITNESSES, int(time.time()))
    assert failed(checkpoint(page)) == ("memory", "failed:split-view")
    del node.lies["/checkpoint"]
    assert checkpoint(page)["state"] == "verified"


def test_a_frozen_log_is_stale_and_not_green(world, page, node):
    size, root = world.root()
    node.lies["/checkpoint"] = forge.checkpoint(size, root, WITNESSES, int(time.time()) - 2 * DAY)
    found = checkpoint(page)
    assert found["state"] == "stale" and found["steps"]["quorum"] == "warning:stale"


def test_trouble_with_the_network_is_unknown_and_never_failed(world, page, node):
    def gone(handler, _):
        handler.send_error(503)
    for path in ("/api/v1/entries/4", tiles(world)[0]):
        node.lies[path] = gone
        found = entry(page, 4)
        assert found["state"] == "unknown" and "unknown:network" in found["steps"].values(), found
        assert not [state for state in found["steps"].values() if state.startswith("failed")]
        del node.lies[path]


JUDGED = """
    const verifier = await v.pageVerifier();
    const found = await verifier.verifyCheckpoint();
    await verifier.foldLog(found, {});
    return Promise.all(args[0].map(async (text) => (await found.register.judge(bytesOf(text), found.register.size, 0)).verdict));
"""


def test_what_the_log_refuses_the_browser_refuses_for_the_same_reason(world, page, node):
    eve = Actor("eve.example", "state")
    old = json.loads(world.policy.read_text())
    until = forge.now(90 * DAY)

    def delegation(actor, keys, **other):
        return forge.statement(actor.domain, actor.id, "delegation", {
            "key": forge.Key(f"{actor.domain}/issuer/new").vkey, "role": "issuer", "until": until,
            **other}, keys)
    everybody = [key for actor in MEMBERS for key in actor.signers]
    candidates = [
        delegation(STATE, STATE.signers), delegation(STATE, [STATE.issuer]),
        delegation(COMPANY, COMPANY.roots[:1]), delegation(COMPANY, COMPANY.signers),
        delegation(STATE, SOCIETY.signers), delegation(eve, eve.signers),
        delegation(STATE, STATE.signers, key=SOCIETY.issuer.vkey),
        delegation(STATE, STATE.signers, key=STATE.issuer.vkey, role="officer"),
        delegation(STATE, STATE.signers, until=forge.now(-DAY)),
        assessment(STATE, 0x7001), forge.envelope(base64.b64decode(json.loads(
            assessment(STATE, 0x7002))["payload"]), [eve.issuer]),
        STATE.endorsement(), STATE.endorsement(group="civil-society"),
        forge.statement(STATE.domain, STATE.id, "revocation", {
            "key": STATE.issuer.vkey, "reason": "retired", "from_index": 0}, STATE.signers),
        forge.statement(STATE.domain, STATE.id, "revocation", {
            "key": SOCIETY.issuer.vkey, "reason": "retired", "from_index": 0}, STATE.signers),
        forge.statement(STATE.domain, STATE.id, "recovery", {"root": {
            "threshold": 1, "keys": [forge.Key("state.example/root-2").vkey]}}, STATE.signers),
        forge.statement(STATE.domain, STATE.id, "recovery", {"root": {
            "threshold": 1, "keys": [forge.Key("state.example/root-2").vkey]}}, [STATE.issuer]),
        forge.policy(old, old["members"], everybody, checkpoint_max_age_s=3600),
        forge.policy(old, old["members"], STATE.signers, checkpoint_max_age_s=3600),
        forge.policy(old, old["members"] + [eve.member()], everybody),
        forge.policy({**old, "merge_delay_s": 30}, old["members"], everybody),
        forge.policy(old, old["members"], everybody, quorum={
            "state": 1, "private-sector": 0, "civil-society": 1}),
        forge.policy(old, old["members"], everybody, operator="state.example"),
        delegation(STATE, STATE.signers, log="other.example/log"),
        world.community.entries[0], b'{"payload":"","payloadType":"x","signatures":[]}',
        json.dumps(json.loads(STATE.endorsement()), indent=1).encode(),
    ]
    files = []
    for number, each in enumerate(candidates):
        files.append(world.folder / f"candidate-{number}.json")
        files[-1].write_bytes(each)
    done = subprocess.run([JUDGE, world.policy, world.log.data / "log", *files], check=True,
                          capture_output=True, text=True)
    wanted = ["" if verdict == "counts" else verdict for verdict in done.stdout.split()]
    found = run(page, JUDGED, [base64.b64encode(each).decode() for each in candidates])
    assert {"", "signature", "role", "conflict", "quorum", "malformed", "other-log",
            "unknown-key"} <= set(wanted)
    assert list(enumerate(found)) == list(enumerate(wanted))


def test_a_stolen_key_and_a_policy_of_the_whole_quorum(world, page, node):
    """Last, for they stay in the log: disputed entries, and a policy that follows."""
    size, _ = world.root()
    add(world, assessment(SOCIETY, 0x8001))
    assert entry(page, size)["state"] == "verified"
    revocation = forge.statement(SOCIETY.domain, SOCIETY.id, "revocation", {
        "key": SOCIETY.issuer.vkey, "reason": "stolen", "from_index": size}, SOCIETY.signers)
    add(world, revocation)
    found = entry(page, size)
    assert found["state"] == "disputed" and found["steps"]["signer"] == "warning:disputed"
    old = json.loads(world.policy.read_text())
    everybody = [key for actor in MEMBERS for key in actor.signers]
    change = forge.policy(old, old["members"], everybody, checkpoint_max_age_s=3600)
    add(world, change)
    found = entry(page, size + 2)
    assert found["state"] == "verified", found
    assert '"name":"version","value":2' in found["inputs"]["policy"]
    size, root = world.root()
    node.lies["/checkpoint"] = forge.checkpoint(size, root, WITNESSES, int(time.time()) - 7200)
    assert checkpoint(page)["state"] == "stale"


def test_a_larger_log_than_is_read_unasked_is_unknown_until_asked(world, page, node):
    """The limit is what a browser reads without being told to; here it is made small."""
    script = (WEB / "verify" / "verify.js").read_text().replace("READ_AT_ONCE = 20000", "READ_AT_ONCE = 5")
    node.lies["/verify/verify.js"] = node.sent(script.encode(), "text/javascript")
    page.driver.get(node.url + "page")
    page.wait("globalThis.ready === true")
    page.js("localStorage.clear()")
    size, root = world.root()
    found = entry(page, 4)
    assert found["state"] == "unknown" and found["steps"]["signer"] == "unknown:too-large"
    # The policy changed since the genesis, and fewer cosignatures than that one asked for are there.
    node.lies["/checkpoint"] = forge.checkpoint(size, root, WITNESSES[:2], int(time.time()))
    page.js("localStorage.clear()")
    found = checkpoint(page)
    assert found["state"] == "unknown" and found["steps"]["log-signature"] == "unknown:other-policy"
    assert in_page(page, "v.verifyCheckpoint({ everything: true })")["state"] == "failed"
    del node.lies["/checkpoint"]
    found = in_page(page, "v.verifyEntry(args[0], { everything: true })", 4)
    assert found["state"] == "verified", found
