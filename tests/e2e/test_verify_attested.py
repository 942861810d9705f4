"""Who is attested, and what still holds: the browser (verify/attestation.js, said.js, standing.js) and
the program's register judge the same log and the same entries alike, step by step.
"""
import base64
import datetime
import json
import subprocess

import pytest

pytest.importorskip("selenium")
pytest.importorskip("cryptography")
import forge  # noqa: E402
from forge import MEMBERS, Actor  # noqa: E402
from test_attacks import DAY, assessment  # noqa: E402
from test_verify_log import JUDGE, add, entry, node, pytestmark, world  # noqa: E402, F401
from test_verify_pages import steps, text, visit  # noqa: E402
from test_verify_vectors import run  # noqa: E402

STATE, COMPANY, SOCIETY = MEMBERS
CHECKED = ["domain", "legal-existence", "contact"]
VILLE, SHOP = Actor("ville.example", "state"), Actor("shop.example", "private-sector")
BELOW = Actor("branch.company.example", "private-sector")

FOLDED = """
    const verifier = await v.pageVerifier();
    const found = await verifier.verifyCheckpoint();
    await verifier.foldLog(found, { judgesAll: true });
"""
JUDGED = FOLDED + """
    return Promise.all(args[0].map(async (text) => (await found.register.judge(bytesOf(text), found.register.size, Date.now())).verdict));
"""
STANDINGS = FOLDED + """
    const standing = ({ removedAt, member, attested }) =>
        removedAt !== v.NEVER ? 'removed' : member ? 'policy' : attested ? 'attested' : 'self-declared';
    return Object.fromEntries([...found.register.signatories.values()].map((each) => [each.domain, standing(each)]));
"""
SEAL_KEYS = FOLDED + "return v.sealKeysInForce(found.register, args[0], Date.now());"


def attest(by, target, **other):
    return forge.statement(target.domain, target.id, "attestation", {
        "signatory": target.id, "group": target.group, "checked": CHECKED, **other}, by.signers)


def said(actor, kind, predicate, **other):
    return forge.statement(actor.domain, actor.id, kind, predicate, actor.signers, **other)


def delegate(actor, key, role="seal", days=100):
    return said(actor, "delegation", {"key": key, "role": role, "until": forge.now(days * DAY)})


def revoke(actor, key, first, reason="rotated"):
    return said(actor, "revocation", {"key": key, "reason": reason, "from_index": first})


def commitment(actor, **other):
    return said(actor, "commitment", {
        "text": {"en": "We answer."}, "principle": 8, "norms": [], "cbms": [], "gcsc": [], "kind": "operational",
        "due": "2027-01-01", "convening": "A meeting", **other})


def seal_key(number):
    return "x25519:" + base64.b64encode(forge.sha256(b"seal %d" % number)).decode()


def put(world, said_now):  # noqa: F811
    """Into the log; its index."""
    index = world.root()[0]
    add(world, said_now)
    return index


def agree(world, page):  # noqa: F811
    """The standings of everybody, when browser and program find the same."""
    shown = world.log.json("/api/v1/register")
    program = {row["domain"]: row["attested"] for row in shown["signatories"]}
    assert run(page, STANDINGS) == program
    return program


def judged_alike(world, page, candidates):  # noqa: F811
    """The verdicts on entries that would come next; both judges find the same."""
    files = []
    for number, each in enumerate(candidates):
        files.append(world.folder / f"next-{number}.json")
        files[-1].write_bytes(each)
    done = subprocess.run([JUDGE, world.policy, world.log.data / "log", *files], check=True, capture_output=True, text=True)
    program = done.stdout.split()
    browser = run(page, JUDGED, [base64.b64encode(each).decode() for each in candidates])
    assert [verdict or "counts" for verdict in browser] == program
    return program


def step(found, name):
    return found["steps"].get(name)


def past(page, index, why):  # noqa: F811
    """What was said at this index no longer holds, and the page says why; no green."""
    found = entry(page, index)
    assert (found["state"], step(found, "standing"), step(found, "signer")) == ("past", "warning:past", "ok"), found
    assert json.loads(found["inputs"]["standing"])[0] == {"name": "standing", "value": why, "kind": "word"}


def holds(page, index):  # noqa: F811
    found = entry(page, index)
    assert (found["state"], step(found, "standing")) == ("verified", "ok"), found


def joined(world, *actors):  # noqa: F811
    for actor in actors:
        world.names.show(actor.domain, actor.id)
        put(world, actor.endorsement())


def test_an_attestation_counts_from_whom_and_as_long_as_the_program_counts_it(world, page, node):  # noqa: F811
    unknown = Actor("nobody.example", "state")
    joined(world, VILLE, SHOP, BELOW)
    assert agree(world, page)["ville.example"] == "self-declared"
    candidates = [attest(COMPANY, VILLE), attest(VILLE, SHOP), attest(STATE, STATE), attest(STATE, unknown),
                  attest(STATE, VILLE, group="civil-society"), attest(STATE, VILLE, checked=["domain", "domain"]),
                  attest(STATE, VILLE, checked=[]), attest(STATE, VILLE, withdrawn=True, checked=[]),
                  attest(STATE, VILLE, withdrawn="yes")]
    assert judged_alike(world, page, candidates) == [
        "counts", "role", "conflict", "conflict", "conflict", "malformed", "malformed", "counts", "malformed"]

    by_company = put(world, attest(COMPANY, VILLE))
    assert step(entry(page, by_company), "standing") == "ok"
    assert agree(world, page)["ville.example"] == "self-declared"  # one is not enough
    by_society = put(world, attest(SOCIETY, VILLE))
    assert agree(world, page)["ville.example"] == "attested"
    holds(page, by_society)

    # Attested, it attests in turn; below the company's own name nobody vouches a second time.
    put(world, attest(COMPANY, BELOW))
    put(world, attest(SOCIETY, BELOW))
    by_ville = put(world, attest(VILLE, SHOP))
    put(world, attest(COMPANY, SHOP))
    standings = agree(world, page)
    assert (standings["shop.example"], standings["branch.company.example"]) == ("attested", "self-declared")
    holds(page, by_ville)
    # An older one comes late; the same words come again.
    early = attest(STATE, SHOP)
    put(world, attest(STATE, SHOP))
    assert judged_alike(world, page, [early, attest(SHOP, BELOW), attest(BELOW, VILLE)]) == ["conflict", "counts", "role"]

    # Withdrawn: not said any more, and what was built upon it falls.
    withdrawal = put(world, attest(SOCIETY, VILLE, withdrawn=True, checked=[]))
    standings = agree(world, page)
    assert (standings["ville.example"], standings["shop.example"]) == ("self-declared", "attested")
    past(page, by_society, "withdrawn")
    past(page, by_ville, "attestor")
    holds(page, by_company)
    found = entry(page, withdrawal)
    assert found["state"] == "verified" and step(found, "standing") is None
    assert judged_alike(world, page, [attest(VILLE, SHOP)]) == ["role"]

    # Said again it stands again, in place of the one before; less than all checks count for nothing.
    again = put(world, attest(SOCIETY, VILLE))
    assert agree(world, page)["ville.example"] == "attested"
    past(page, by_society, "replaced")
    holds(page, again)
    put(world, attest(SOCIETY, VILLE, checked=["domain"]))
    assert agree(world, page)["ville.example"] == "self-declared"
    put(world, attest(SOCIETY, VILLE))
    holds(page, by_company)

    # Under another name it is attested by nobody.
    put(world, VILLE.endorsement(name="Ville nouvelle"))
    assert agree(world, page)["ville.example"] == "self-declared"
    past(page, by_company, "renamed")
    visit(page, f"http://127.0.0.1:{world.log.port}/log/{by_company}")
    assert "No longer in force" in text(page, ".claim") and steps(page)["standing"] == "warning"
    assert "changed its name" in text(page) and not page.js("return document.querySelectorAll('.verdict .status-pass').length")
    assert page.console() == []
    visit(page, f"http://127.0.0.1:{world.log.port}/log/{by_company}", lang="fr")
    assert "Plus en vigueur" in text(page, ".claim")


@pytest.fixture
def shop(world):  # noqa: F811
    """The town and the shop in the log, and the shop attested, whichever test came before."""
    there = {row["domain"] for row in world.log.json("/api/v1/register")["signatories"]}
    if SHOP.domain not in there:
        joined(world, VILLE, SHOP)
        put(world, attest(STATE, SHOP))
        put(world, attest(COMPANY, SHOP))


def test_a_stolen_key_takes_its_attestations_with_it(world, page, node, shop):  # noqa: F811
    issuer = forge.Key("society.example/issuer/attests")
    put(world, delegate(SOCIETY, issuer.vkey, "issuer"))
    put(world, attest(COMPANY, VILLE))
    stolen = put(world, forge.statement(VILLE.domain, VILLE.id, "attestation", {
        "signatory": VILLE.id, "group": VILLE.group, "checked": CHECKED}, [issuer]))
    assert agree(world, page)["ville.example"] == "attested"
    put(world, revoke(SOCIETY, issuer.vkey, stolen, "stolen"))
    assert agree(world, page)["ville.example"] == "self-declared"
    found = entry(page, stolen)
    assert found["state"] == "disputed" and step(found, "standing") == "warning:past"
    # Nobody becomes a member of the quorum who is not attested.
    old = json.loads(world.policy.read_text())
    everybody = [key for actor in MEMBERS for key in actor.signers]
    assert judged_alike(world, page, [forge.policy(old, old["members"] + [VILLE.member()], everybody),
                                      forge.policy(old, old["members"] + [SHOP.member()], everybody)]) == ["conflict", "counts"]


def test_a_seal_key_is_in_force_until_it_is_revoked_or_has_run_out(world, page, node):  # noqa: F811
    keys = [seal_key(number) for number in range(3)]
    places = [put(world, delegate(STATE, key)) for key in keys]
    assert run(page, SEAL_KEYS, STATE.id) == keys
    holds(page, places[0])
    put(world, revoke(STATE, keys[0], places[0]))
    past(page, places[0], "revoked")
    assert run(page, SEAL_KEYS, STATE.id) == keys[1:]
    shown = world.log.json(f"/api/v1/signatories/{STATE.id}")["keys"]
    assert [row["key"] for row in shown if row["role"] == "seal" and row["status"] == "in-force"] == keys[1:]
    # Twenty years later: the clock of this browser.
    late = run(page, FOLDED + "return v.sealKeysInForce(found.register, args[0], Date.now() + 20 * 31557600000);", STATE.id)
    assert late == []
    found = run(page, """
        const verifier = await v.pageVerifier();
        verifier.now = () => BigInt(Math.floor(Date.now() / 1000)) + 200n * 86400n;
        const found = await verifier.verifyFiles({ entry: { bytes: await (async () => {
            const { entry } = await (await fetch('/api/v1/entries/' + args[0])).json(); return v.canonicalJson(entry); })() } });
        return found.steps.list.map(({ id, state, reason }) => [id, state, reason]);""", places[1])
    assert ["standing", "warning", "past"] in found


def test_what_one_statement_says_of_another_is_judged_as_by_the_program(world, page, node):  # noqa: F811
    hour = datetime.datetime.now(datetime.timezone.utc).replace(minute=0, second=0, microsecond=0)
    texts = [(hour + datetime.timedelta(hours=each)).strftime("%Y-%m-%dT%H:%M:%SZ") for each in (-2, -1, 0)]

    def contact(time):
        return said(STATE, "contact", {"roles": ["technical"], "digest": "ab" * 32}, time=time)

    def mailbox(time):
        return said(STATE, "mailbox", {"urls": ["https://state.example"]}, time=time)

    def case_root(said_hour):
        return said(STATE, "case-root", {"hour": said_hour, "root": "cd" * 32, "leaves": 64})
    first = commitment(STATE)
    other = commitment(SOCIETY)
    for each in (contact(texts[1]), mailbox(texts[1]), case_root(texts[1]), first, other):
        put(world, each)
    leaf, other_leaf = forge.leaf(first).hex(), forge.leaf(other).hex()
    update = put(world, commitment(STATE, of=leaf, status="done", evidence=[{"entry": other_leaf}]))
    assessed = assessment(STATE, 0x9101)
    put(world, assessed)
    candidates = [
        contact(texts[0]), contact(texts[2]), mailbox(texts[1]), mailbox(texts[2]),
        case_root(texts[0]), case_root(texts[1]), case_root(texts[2]), case_root(texts[2].replace("00:00Z", "30:00Z")),
        commitment(STATE, of=leaf), commitment(STATE, of=other_leaf), commitment(STATE, of="00" * 32),
        commitment(STATE, evidence=[{"entry": "11" * 32}]), commitment(STATE, evidence=[{"entry": leaf}]),
        first, assessed,
    ]
    assert judged_alike(world, page, candidates) == [
        "conflict", "counts", "conflict", "counts", "conflict", "conflict", "counts", "malformed",
        "conflict", "conflict", "conflict", "conflict", "counts", "conflict", "conflict"]
    assert entry(page, update)["state"] == "verified"

    # Of a review the signature is judged, the lot is not: said so, and not green.
    review = put(world, forge.statement("review", forge.leaf(assessed).hex(), "review", {
        "assessment": forge.leaf(assessed).hex(), "draw": {"size": world.root()[0], "root": "00" * 32},
        "indices": [0], "verdict": "confirmed"}, [SOCIETY.issuer]))
    found = entry(page, review)
    assert found["state"] == "draw" and step(found, "signer") == "warning:draw"
    refused = {row["index"]: row["verdict"] for row in world.log.json("/api/v1/register")["refused"]}
    assert refused[review] in ("conflict", "role")
    visit(page, f"http://127.0.0.1:{world.log.port}/log/{review}")
    assert "not judged here" in text(page, ".claim")
    assert not page.js("return document.querySelectorAll('.verdict .status-pass').length")
