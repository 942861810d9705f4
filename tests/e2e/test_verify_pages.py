"""The pages that verify, as visitors meet them: a real, witnessed log; a node that lies; files.

Screenshots go to the folder "screenshots" of the build, to be looked at by eye.
"""
import base64
import hashlib
import itertools
import json
import re
import shutil
import time

import pytest

pytest.importorskip("selenium")
pytest.importorskip("cryptography")
import browser as chromium  # noqa: E402
import forge  # noqa: E402
import make_assessment  # noqa: E402
from nodes import MAKER, Community  # noqa: E402
from test_attacks import DAY, WITNESSES, Evil  # noqa: E402
from test_report import TEXT_SPACING  # noqa: E402
from test_verify_log import LIES, STATE, add, changed_answer, world  # noqa: E402, F401

pytestmark = [pytest.mark.skipif(not chromium.available(), reason="no chromium and chromium-driver"),
              pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built"),
              pytest.mark.skipif(not (shutil.which("knotd") or shutil.which("/usr/sbin/knotd")),
                                 reason="knotd is not installed")]
WIDTHS = (1280, 768, 360)
PAGES = {"log": "/log", "entry": "/log/4", "policy": "/log/0", "verify": "/verify", "view": "/view",
         "search": "/log?q=company&kind=delegation"}


@pytest.fixture
def node(world):  # noqa: F811
    made = Evil(world.log)
    yield made
    made.stop()


def visit(page, address, lang="en", width=1280, scheme="light"):
    page.show(width, scheme=scheme)
    page.drain()
    page.driver.get(address + ("&" if "?" in address else "?") + f"lang={lang}")
    page.wait("document.querySelector('#portal.portal h1') && !document.querySelector('main[aria-busy]')")


def text(page, selector="main"):
    return page.js("return document.querySelector(arguments[0])?.textContent ?? ''", selector)


def steps(page):
    """The state of each step by its class."""
    return dict(page.js("""return [...document.querySelectorAll('.step')].map((step) => [step.dataset.step,
        [...step.classList].find((name) => name.startsWith('step-')).slice(5)])"""))


def green(page):
    return page.js("return document.querySelectorAll('.verdict .status-pass').length")


def give(page, *paths):
    """Into the field for files, as the visitor would choose them."""
    page.driver.find_element("css selector", "input[type=file]").send_keys(
        "\n".join(str(path) for path in paths))


def axe(page):
    assert page.axe()["violations"] == []


@pytest.mark.skipif(not chromium.AXE.exists(), reason="no axe-core")
@pytest.mark.parametrize("name", PAGES)
def test_accessible_at_each_width_in_both_languages(world, page, name):  # noqa: F811
    address = f"http://127.0.0.1:{world.log.port}{PAGES[name]}"
    for width, lang in itertools.product(WIDTHS, ("en", "fr")):
        scheme = "dark" if lang == "fr" else "light"
        visit(page, address, lang, width, scheme)
        page.screenshot(chromium.SCREENSHOTS / f"verify-{name}-{width}-{lang}-{scheme}.png", full=True)
        page.js("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
        axe(page)
        assert page.js("return document.documentElement.scrollWidth <= innerWidth"), (name, width)
        assert page.js("return document.querySelectorAll('h1').length") == 1
        assert page.console() == []
    page.js("const style = new CSSStyleSheet(); style.replaceSync(arguments[0]);"
            "document.adoptedStyleSheets = [style];", TEXT_SPACING)
    page.show(320)
    assert page.js("return document.documentElement.scrollWidth <= innerWidth")
    page.js("document.adoptedStyleSheets = []")


def test_an_entry_is_decoded_and_every_step_is_green(world, page):  # noqa: F811
    visit(page, f"http://127.0.0.1:{world.log.port}/log/4")
    assert set(steps(page).values()) <= {"ok", "skipped"} and steps(page)["signer"] == "ok"
    assert green(page) == 2 and "Verified here" in text(page, ".claim")
    assert "Delegation of a key" in text(page) and "Organisation of company.example" in text(page)
    assert "entente verify entry-4.tlog-proof --entry entry-4.json" in text(page)
    assert [line for line in page.requests() if not line.startswith(
        (f"http://127.0.0.1:{world.log.port}/", "data:"))] == []


@pytest.mark.parametrize("what", ["entry", "path", "cosignature", "log's signature", "size"])
def test_a_lie_is_red_and_nothing_is_green(world, page, node, what):  # noqa: F811
    change, step, _ = LIES[what]
    node.lies["/api/v1/entries/4"] = changed_answer(world, 4, change)
    visit(page, node.url + "log/4")
    assert steps(page)[step] == "failed" and green(page) == 0
    assert page.js("return document.querySelectorAll('.verdict .status-fail').length") == 2
    assert "not shown as something that was said" in text(page)
    assert "Delegation of a key" not in text(page)
    page.screenshot(chromium.SCREENSHOTS / f"verify-lie-{step}.png", full=True)


def test_a_frozen_log_is_amber_and_a_dead_node_is_unknown(world, page, node):  # noqa: F811
    size, root = world.root()
    node.lies["/checkpoint"] = forge.checkpoint(size, root, WITNESSES, int(time.time()) - 2 * DAY)
    visit(page, node.url + "log")
    assert "Out of date" in text(page, ".claim") and green(page) == 0
    page.screenshot(chromium.SCREENSHOTS / "verify-stale.png", full=True)
    node.lies["/checkpoint"] = lambda handler, _: handler.send_error(503)
    visit(page, node.url + "log")
    assert "Not known" in text(page, ".claim") and green(page) == 0
    assert "failed" not in steps(page).values()


def test_plain_http_cannot_verify_and_says_so(world, page, node):  # noqa: F811
    """What a page that is no secure context lacks is taken away before its scripts run."""
    command = page.command("Page.addScriptToEvaluateOnNewDocument", source="""
        Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined });
        Object.defineProperty(globalThis, 'isSecureContext', { get: () => false });""")
    try:
        for path in ("log", "log/4", "verify"):
            visit(page, node.url + path)
            assert "Cannot verify over plain http" in text(page), path
            assert green(page) == 0 and page.console() == []
        visit(page, node.url + "log/4")
        assert "as the node served it" in text(page)
    finally:
        page.command("Page.removeScriptToEvaluateOnNewDocument", identifier=command["identifier"])


def test_entries_are_found_by_index_hash_signer_and_kind(world, page):  # noqa: F811
    base = f"http://127.0.0.1:{world.log.port}/log"

    def rows():
        return page.js("return [...document.querySelectorAll('.entries tbody th')].map((cell) => Number(cell.textContent))")
    size, _ = world.root()
    visit(page, base)
    assert rows() == list(reversed(range(size)))
    visit(page, base + "?kind=endorsement")
    assert rows() == [5, 3, 1]
    visit(page, base + "?q=company.example&kind=delegation")
    assert rows() == [4]
    visit(page, base + "?q=nobody.example")
    assert rows() == [] and "0 entries found" in text(page)
    leaf = forge.leaf(world.community.entries[3]).hex()
    for asked, index in (("7", 7), (leaf, 4)):
        page.driver.get(f"{base}?q={asked}&lang=en")
        page.wait(f"location.pathname === '/log/{index}' && document.querySelector('.step')")


def test_no_such_entry_is_said_as_a_page(world, page):  # noqa: F811
    for parameter in ("999999", "x"):
        visit(page, f"http://127.0.0.1:{world.log.port}/log/{parameter}")
        assert text(page, "h1") and not page.js("return document.querySelector('.step')")


def test_a_larger_log_than_is_read_unasked_is_read_when_asked(world, page, node):  # noqa: F811
    """The limit is 20,000 entries; here it is made small. Nothing is green before it was read."""
    base = re.search(r'data-base="([^"]+)"', world.log.get("/log")[2].decode())[1]
    name = f"{base}verify/verify.js"
    script = world.log.get(name)[2].replace(b"READ_AT_ONCE = 20000", b"READ_AT_ONCE = 5")
    assert b"READ_AT_ONCE = 5;" in script
    node.lies[name] = lambda handler, _: handler.put(200, script, "text/javascript")
    for path, step, wanted in (("log/4", "signer", "ok"), ("log", "policy", "ok")):
        visit(page, node.url + path)
        page.js("localStorage.clear()")
        page.drain()
        page.driver.refresh()
        page.wait("document.querySelector('.verification button')")
        assert steps(page)[step] == "unknown" and green(page) == 0 and "Not known" in text(page, ".claim")
        assert path == "log" or not [each for each in page.requests() if "/tile/entries/" in each]
        if chromium.AXE.exists():
            axe(page)
        page.screenshot(chromium.SCREENSHOTS / f"verify-asks-{step}.png", full=True)
        page.driver.find_element("css selector", ".verification button").click()
        page.wait("!document.querySelector('.verification button') && document.querySelector('.claim .status-pass')")
        assert steps(page)[step] == wanted and "Verified here" in text(page, ".claim")
        assert page.console() == []


# --- files ---

@pytest.fixture
def files(world, tmp_path):  # noqa: F811
    answer = world.log.json("/api/v1/entries/4")
    proof, entry = tmp_path / "entry.tlog-proof", tmp_path / "entry.json"
    proof.write_text(answer["proof"])
    entry.write_text(json.dumps(answer["entry"], indent=1))
    return proof, entry


def verify_files(page, address, *paths):
    visit(page, address)
    give(page, *paths)
    page.wait("document.querySelector('.results .card') && "
              "!document.querySelector('.results .status-not-measured')")
    page.js("document.querySelectorAll('.steps-part').forEach((each) => { each.open = true; })")
    return text(page, ".results")


def test_a_proof_and_its_entry_are_verified(world, page, files):  # noqa: F811
    address = f"http://127.0.0.1:{world.log.port}/verify"
    assert "Verified here" in verify_files(page, address, *files)
    assert set(steps(page).values()) <= {"ok", "skipped"}
    page.screenshot(chromium.SCREENSHOTS / "verify-files.png", full=True)
    # The entry alone: the node has its proof.
    assert "Verified here" in verify_files(page, address, files[1])
    # The proof alone: what it proves is missing.
    assert "Add the entry" in verify_files(page, address, files[0])
    files[1].write_text(json.dumps(world.log.json("/api/v1/entries/3")["entry"]))
    assert "Failed" in verify_files(page, address, *files) and steps(page)["inclusion"] == "failed"


def test_a_signed_document_its_envelope_and_openings(world, page, tmp_path, entente):  # noqa: F811
    """Made by the program itself; the keys are the visitor's to name."""
    address = f"http://127.0.0.1:{world.log.port}/verify"
    vkey = json.loads(entente("key", "new", "--name", "example.org", "--format", "json").stdout)["vkey"]
    document = tmp_path / "letter.txt"
    document.write_text("Letter\n")
    entente("sign", document)
    envelope = tmp_path / "letter.txt.dsse.json"
    found = verify_files(page, address, envelope, document)
    assert steps(page)["signer"] == "unknown" and "Not known" in found
    page.js("document.querySelector('.more-fields').open = true")
    page.driver.find_element("id", "keys").send_keys(vkey)
    page.driver.find_element("css selector", ".more-fields button").click()
    page.wait("document.querySelector('.results .status-warn')")
    assert "Signature holds" in text(page, ".results") and steps(page)["document"] == "ok"
    document.write_text("Other\n")
    verify_files(page, address, envelope, document)
    page.js("document.querySelector('.more-fields').open = true")
    page.driver.find_element("id", "keys").send_keys(vkey)
    page.driver.find_element("css selector", ".more-fields button").click()
    page.wait("document.querySelector('.results .status-fail')")
    assert steps(page)["document"] == "failed"


def test_a_report_without_its_envelope_is_not_verified(world, page, tmp_path, entente):  # noqa: F811
    address = f"http://127.0.0.1:{world.log.port}"
    source, report = tmp_path / "assessment.json", tmp_path / "report.html"
    source.write_text(make_assessment.dump(make_assessment.make(findings=20)))
    entente("view", source, "--output", report)
    assert "Nothing that is signed" in verify_files(page, address + "/verify", report)
    assert green(page) == 0
    altered = tmp_path / "altered.html"
    altered.write_text(report.read_text().replace("Exampleville", "Exampletown"))
    assert "was altered" in verify_files(page, address + "/verify", altered)
    for shown in (source, report):
        visit(page, address + "/view")
        give(page, shown)
        page.wait("document.querySelector('.overview')")
        assert text(page, "h1") == "City of Exampleville" and page.console() == []
        assert len(page.js("return [...document.querySelectorAll('.overview tbody tr')].map(String)")) == 9
    visit(page, address + "/view")
    give(page, __file__)
    page.wait("document.querySelector('.notice')")
    assert "is no assessment" in text(page)


# --- the viewer itself ---

def release(digest, name="entente-viewer", actor=STATE):
    return forge.statement(name, digest, "release", {
        "name": name, "version": "1.0", "digest": digest}, [actor.issuer])


def test_the_viewer_that_a_node_serves_is_in_the_log(world, page, node, entente, tmp_path):  # noqa: F811
    address = f"http://127.0.0.1:{world.log.port}/verify"
    manifest, saved = tmp_path / "viewer.sha256", tmp_path / "verifier.html"
    entente("view", "--manifest", "--output", manifest)
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    assert world.log.json("/api/v1")["viewer"] == f"sha256:{digest}"
    visit(page, address)
    shown = text(page, "#viewer")
    assert digest in shown and "No release with this digest is in the log" in shown
    # The same file for everybody who has this program and this policy.
    served = world.log.get(f"/web/{digest[:16]}/entente-verifier.html")
    assert served[0] == 200 and served[1]["content-disposition"] == "attachment"
    world.who()("view", "--offline-verifier", "--output", saved)
    assert saved.read_bytes() == served[2]
    file_digest = hashlib.sha256(saved.read_bytes()).hexdigest()
    assert file_digest in shown
    size, _ = world.root()
    add(world, release(digest))
    add(world, release(file_digest, "entente-verifier"))
    visit(page, address)
    shown = text(page, "#viewer")
    assert f"entente-viewer 1.0, entry {size}" in shown
    assert f"entente-verifier 1.0, entry {size + 1}" in shown
    assert shown.count("Verified here") == 2 and "Organisation of state.example" in shown
    page.screenshot(chromium.SCREENSHOTS / "verify-viewer.png", full=True)
    # Another script than the list says: named, and the digest is one that nobody released.
    name = f"/web/{digest[:16]}/model.js"
    script = world.log.get(name)[2]
    node.lies[name] = lambda handler, _: handler.put(200, script + b"// other\n", "text/javascript")
    visit(page, node.url + "verify")
    shown = text(page, "#viewer")
    assert "A file differs" in shown and "model.js" in shown and digest not in shown
    assert "No release with this digest" in shown
    visit(page, f"http://127.0.0.1:{world.log.port}/log/{size}")
    assert set(steps(page).values()) == {"ok", "skipped"} and "Release of software" in text(page)
    give(page, manifest)
    page.wait("document.querySelector('#document-card .status-pass')")
    give(page, saved)
    page.wait("document.querySelector('#document-card .status-fail')")


def test_the_verifier_as_one_file(world, page, entente, tmp_path, files):  # noqa: F811
    """From disk, without a network: the same verdicts, and no more than it can know."""
    saved, policy = tmp_path / "verifier.html", json.loads(world.policy.read_text())
    entente("view", "--offline-verifier", "--output", saved)

    def opened(lang="en", width=1280):
        page.show(width)
        page.open(saved)
        page.wait("document.querySelector('#verifier.portal h1')")
        if lang == "fr":
            page.js("[...document.querySelectorAll('.control')].find((each) => each.lang === 'fr').click()")
            page.wait("document.documentElement.lang === 'fr'")

    def verified(*paths):
        opened()
        give(page, *paths)
        page.wait("document.querySelector('.results .status') && "
                  "!document.querySelector('.results .status-not-measured')")
        assert page.console() == []
        assert [line for line in page.requests() if not line.startswith(("data:", "blob:"))] == []
        return text(page, ".results")
    proof, entry = files
    assert "No policy" in verified(proof, entry)
    given = tmp_path / "policy.json"
    given.write_text(json.dumps(policy))
    assert "Signature holds" in verified(proof, entry, given)
    states = steps(page)
    assert states.pop("signer") == "warning" and states.pop("memory") == "skipped"
    assert states.pop("document") == "skipped"
    assert set(states.values()) == {"ok"}
    assert world.hash in text(page, "#policy")
    lines = world.log.json("/api/v1/entries/4")["proof"].splitlines(keepends=True)
    proof.write_text("".join(line for line in lines if not line.startswith("— company")))
    # Too few by this policy: a later one, which only the log can show, may ask for others.
    assert "Not known" in verified(proof, entry, given) and steps(page)["log-signature"] == "unknown"
    for change, step, _ in (LIES["path"], LIES["cosignature"], LIES["root"]):
        answer = json.loads(changed_answer(world, 4, change))
        proof.write_text(answer["proof"])
        assert "Failed" in verified(proof, entry, given) and steps(page)[step] == "failed"
    if chromium.AXE.exists():
        for width, lang in itertools.product(WIDTHS, ("en", "fr")):
            opened(lang, width)
            axe(page)
            assert page.js("return document.documentElement.scrollWidth <= innerWidth")
            page.screenshot(chromium.SCREENSHOTS / f"verifier-{width}-{lang}.png", full=True)
    # One byte of it changed: its script does not run, and what it says without stays.
    altered = tmp_path / "altered.html"
    altered.write_text(saved.read_text().replace("'use strict'", "").replace(
        "not a signed note", "not A signed note", 1))
    page.open(altered)
    assert page.js("return document.querySelector('#verifier').className") == "page static"
    assert "may have been altered" in text(page, "#verifier")


def test_a_disclosure_opens_what_was_committed(world, page, tmp_path):  # noqa: F811
    address = f"http://127.0.0.1:{world.log.port}/verify"
    values = [{"measure": f"m{number}", "outcome": "fail"} for number in range(5)]
    salts = [hashlib.sha256(bytes([number])).digest() for number in range(5)]
    leaves = [forge.leaf(salt + forge.canonical(value)) for salt, value in zip(salts, values)]

    def node_of(left, right):
        return hashlib.sha256(b"\1" + left + right).digest()
    pairs = [node_of(leaves[0], leaves[1]), node_of(leaves[2], leaves[3])]
    root = node_of(node_of(*pairs), leaves[4])
    template = json.loads(base64.b64decode(json.loads(world.community.entries[6])["payload"]))
    template["predicate"]["commitments"] = {
        "algorithm": "rfc6962-sha256-salt32-jcs", "count": 5, "root": root.hex()}
    template["predicate"].pop("order", None)
    template["subject"][0]["digest"]["sha256"] = "77" * 32
    said = forge.envelope(forge.canonical(template), [STATE.issuer])
    add(world, said)
    opening = {"index": 2, "salt": salts[2].hex(), "value": values[2],
               "path": [leaves[3].hex(), pairs[0].hex(), leaves[4].hex()]}
    path = tmp_path / "disclosure.json"
    for change, state in ((lambda _: None, "ok"),
                          (lambda each: each["value"].update(outcome="pass"), "failed")):
        change(opening)
        path.write_text(json.dumps({"schema": "entente/disclosure/1", "envelope": json.loads(said),
                                    "entries": [opening]}))
        verify_files(page, address, path)
        assert steps(page)["openings"] == state and steps(page)["signer"] == "ok"


# --- beside what a node says ---

OWN = "document.querySelector('.own-check .status:not(.status-not-measured)')"


def test_pages_that_show_what_a_node_says_check_it_beside(world, page, node):  # noqa: F811
    """Green only where the page shows what the browser verified, not merely something true."""
    who = f"signatories/{STATE.id}"
    for path in ("", who):
        visit(page, node.url + path)
        page.wait(OWN)
        assert "Verified here" in text(page, ".own-check"), path
        assert page.console() == []
    shown = world.log.json("/api/v1/" + who)
    band = shown["assessment"]["principles"][6]
    band["band"] = 1 if band["band"] == 5 else 5
    node.lies["/api/v1/" + who] = json.dumps(shown).encode()
    visit(page, node.url + who)
    page.wait(OWN)
    assert "something else than what your browser verified" in text(page, ".own-check")
    assert green(page) == 0
    claimed = world.log.json("/api/v1/checkpoint")
    claimed["root"] = "00" * 32
    node.lies["/api/v1/checkpoint"] = json.dumps(claimed).encode()
    visit(page, node.url)
    page.wait(OWN)
    assert "something else than what your browser verified" in text(page, ".own-check")


def test_a_log_without_witnesses_is_never_green(page, tmp_path):
    alone = Community(tmp_path / "alone", entries=1, witnesses=0).start()
    try:
        assert alone.log.submit(alone.entries[0])[0] == 200
        alone.log.until(lambda: alone.log.json("/api/v1/checkpoint")["size"] == 2)
        for path in ("/log", "/log/1"):
            visit(page, f"http://127.0.0.1:{alone.log.port}{path}")
            assert "Unwitnessed" in text(page, ".claim") and green(page) == 0
            assert steps(page)["quorum"] == "warning"
        page.screenshot(chromium.SCREENSHOTS / "verify-unwitnessed.png", full=True)
    finally:
        alone.stop()


def test_the_command_on_the_page_repeats_the_check(world, files):  # noqa: F811
    who = world.who()
    for path, name in zip(files, ("entry-4.tlog-proof", "entry-4.json")):
        shutil.copy(path, who.folder / name)
    # As the page saves it: the bytes that stand in the log.
    (who.folder / "entry-4.json").write_bytes(forge.canonical(json.loads(files[1].read_text())))
    who("verify", "entry-4.tlog-proof", "--entry", "entry-4.json")
