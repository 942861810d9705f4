"""The portal as its visitors meet it: a real node, a real community, Chromium.

Screenshots go to the folder "screenshots" of the build, to be looked at by eye. With ENTENTE_LONG
set every page is checked by axe in every width, scheme and language; else each in some of them.

Exercises, of src/node, domain_check (by DNS, for each who is endorsed), service_directory (lists, CSV,
counts), service_register and uptime (how often the witnesses cosigned).
"""
import base64
import gzip
import hashlib
import http.server
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest

pytest.importorskip("selenium")
pytest.importorskip("cryptography")
import browser as chromium  # noqa: E402
import forge  # noqa: E402
from community import Names, member  # noqa: E402
from nodes import Community, MAKER  # noqa: E402
from waiting import until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETTINGS = list(itertools.product((360, 768, 1280), ("light", "dark"), ("en", "fr")))
TEXT_SPACING = ("* { line-height: 1.5 !important; letter-spacing: 0.12em !important;"
                " word-spacing: 0.16em !important } p { margin-bottom: 2em !important }")
READY = "document.querySelector('#main:not([aria-busy]) h1')"  # the shell's own main has no id
SCRIPT_NAME = "</script><img src=x onerror=alert(1)>"
HOSTILE_NAMES = [SCRIPT_NAME, "{{title}} {{base}} {n}", "=cmd|' /C calc'!A0", "' onclick='alert(1)",
                 "javascript:alert(1)", "W" * 300, "Ministère de l’Épreuve"]
GROUPS = ("state", "private-sector", "civil-society")
CROWD = 60  # more than a page of the register

pytestmark = [pytest.mark.skipif(not chromium.available(), reason="no chromium and chromium-driver"),
              pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built"),
              pytest.mark.skipif(not (shutil.which("knotd") or shutil.which("/usr/sbin/knotd")),
                                 reason="knotd is not installed")]


class World:
    """A witnessed community, a crowd of self-declared signatories, some with names made to harm."""

    def __init__(self, folder):
        self.folder = folder
        self.names = Names(folder / "names")
        self.community = Community(folder / "community", entries=12,
                                   options=("--dns-server", self.names.address,
                                            "--trust-anchor", "none")).start()
        self.log = self.community.log
        self.url = f"http://127.0.0.1:{self.log.port}"
        self.policy = folder / "community" / "log" / "community" / "policy.json"
        for entry in self.community.entries:
            assert self.log.submit(entry)[0] == 200
        self.crowd = [forge.Actor(f"org-{i}.example", GROUPS[i % 3]) for i in range(CROWD)]
        for actor in self.crowd:
            self.names.records[f"_entente.{actor.domain}"] = f"entente={actor.id}"
        self.names.show(self.crowd[-1].domain, self.crowd[-1].id)
        named = itertools.zip_longest(self.crowd, HOSTILE_NAMES)
        self.refused = [name for actor, name in named if not self.endorse(actor, name)]
        self.report = forge.statement(
            self.crowd[0].domain, self.crowd[0].id, "norm-report", {
                "title": "Rapport {n} <b>", "language": "fr", "uri": "javascript:alert(1)",
                "sha256": "0" * 64, "norms": ["a"], "period": "2026"}, self.crowd[0].signers)
        status, answer = self.log.submit(self.report)
        assert status == 200, answer
        self.log.until(lambda: self.log.json("/api/v1/signatories")["total"] ==
                       3 + CROWD - len(self.refused))

    def endorse(self, actor, name):
        country = "DE" if actor.group == "state" else "FR"
        more = {"name": name, "country": country} if name else {"country": country}
        entry = actor.endorsement(**more)

        def judged():
            """By the log; not by names that nobody told it in time, nor by a log that is busy."""
            status, answer = self.log.submit(entry, wait=0)
            return None if status == 503 or answer.get("reason") == "domain" else status

        return until(judged, what=f"a word on {actor.domain}") in (200, 202)

    def stop(self):
        self.community.stop()
        self.names.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("portal"))
    yield made
    made.stop()


def visit(page, address):
    """Loads a page and waits until it is drawn."""
    page.driver.get("about:blank")
    page.drain()
    page.driver.get(address)
    page.wait(READY)


def text(page, selector="main"):
    return page.js("return document.querySelector(arguments[0]).innerText", selector)


def rows(page):
    return page.js("return [...document.querySelectorAll('.register tbody th a')]"
                   ".map(node => node.textContent)")


def submit(page, selector):
    """Sends a form and waits for the page that follows."""
    page.js("window.before = true; document.querySelector(arguments[0]).requestSubmit()", selector)
    page.wait(f"!window.before && {READY}")


def follow(page, selector):
    page.js("window.before = true; document.querySelector(arguments[0]).click()", selector)
    page.wait(f"!window.before && {READY}")


def addresses(world):
    first, second = world.crowd[0], world.crowd[1]
    return {
        "home": "/",
        "signatories": "/signatories",
        "none": "/signatories?q=zzz&group=state",
        "signatory": "/signatories/state.example",
        "hostile": f"/signatories/{first.id}",
        "compare": f"/compare?a=state.example&b=company.example&c={first.id}&d={second.id}",
        "followup": "/followup",
        "triage": "/triage",
        "measures": "/measures?principle=7&severity=critical",
        "about": "/about",
        "accessibility": "/accessibility",
        "privacy": "/privacy",
        "missing": "/signatories/nobody.example",
    }


# --- what a visitor does ---

def test_join_publish_find(world, page, tmp_path):
    """A new member joins and publishes with the program; a visitor finds it in the portal."""
    made = member(tmp_path / "ville", "Ville d’Épinal", "ville.example")
    made.environment["ENTENTE_ALLOW_PRIVATE"] = "1"
    join = ("join", "--node", world.url + "/", "--policy", world.policy)
    refused = made(*join, status=4)
    world.names.show("ville.example", re.search(r'"entente=([0-9a-f]{64})"', refused.stderr)[1])
    until(lambda: made(*join, status=None).returncode == 0, what="the TXT record")
    made("assess", "--quiet", "--no-walk", status=None)
    published = json.loads(made("publish", "--format", "json").stdout)
    world.log.until(lambda: world.log.json("/api/v1/signatories?q=ville&freshness=fresh")["total"])

    page.show()
    visit(page, world.url + "/")
    page.js("document.querySelector('#search-q').value = 'epinal VILLE'")
    submit(page, "form.search")
    assert page.js("return location.pathname + location.search") == "/signatories?q=epinal+VILLE"
    assert rows(page) == ["Ville d’Épinal"]
    follow(page, ".register tbody th a")
    assert page.driver.title == "Ville d’Épinal — call.example/test"
    said = text(page)
    assert "Self-declared" in said and "Issuer" in said and "Fresh" in said
    entry = page.js("return document.querySelector('#assessment a[href*=\"/log/\"]').pathname")
    assessment = world.log.json("/api/v1/signatories/ville.example")["assessment"]
    assert entry == f"/log/{published.get('index', assessment['index'])}"  # or it was only promised
    bands = assessment["principles"]
    shown = page.js("return [...document.querySelectorAll('#assessment tbody tr')].map(row => "
                    "[...row.cells].map(cell => cell.innerText.trim()))")
    for principle, (_, band, coverage) in zip(bands, shown, strict=True):
        wanted = f"band {principle['band']} of 5" if principle["band"] else "not assessed"
        assert band == wanted
        assert coverage == (f"{principle['coverage']}%" if principle["coverage"] is not None
                            else "nothing applies")
    assert page.console() == []


def test_filters_sorting_pages_and_back(world, page):
    page.show()
    visit(page, world.url + "/signatories")
    total = world.log.json("/api/v1/signatories")["total"]
    assert f"{total} signatories." in text(page) and len(rows(page)) == 50
    follow(page, ".pager a[rel=next]")
    assert page.js("return location.search") == "?offset=50" and len(rows(page)) == total - 50
    page.driver.back()
    page.wait(f"location.search === '' && {READY}")
    assert len(rows(page)) == 50
    page.js("document.querySelector('#f-group').value = 'state';"
            "document.querySelector('#f-country').value = 'DE';"
            "document.querySelector('#f-principle').value = '7'")
    submit(page, "form.filter")
    assert page.js("return location.search") == "?group=state&country=DE&principle=7"
    found = world.log.json("/api/v1/signatories?group=state&country=DE&principle=7&limit=1000")
    names = [row["name"] for row in found["signatories"]]
    assert rows(page) == names and names and "match" in text(page, "[role=status]")
    folded = [name.lower() for name in names if name.isascii()]
    assert folded == sorted(folded)
    page.js("const link = [...document.querySelectorAll('.sort')].find(a => /Joined/.test(a.textContent));"
            "window.before = true; link.click()")
    page.wait(f"!window.before && {READY}")
    sorted_by = page.js("return document.querySelector('th[aria-sort]').innerText")
    assert "Joined" in sorted_by and "group=state" in page.js("return location.search")
    follow(page, "th[aria-sort=ascending] a")
    assert page.js("return document.querySelector('th[aria-sort]').ariaSort") == "descending"
    # What the page shows can be had as a file, with the same filters.
    csv = page.js("return document.querySelector('.exports a').href")
    status, headers, body = world.log.get(csv[len(world.url):])
    assert status == 200 and headers["content-type"].startswith("text/csv")
    assert body.decode().count("\r\n") == len(names) + 1
    assert page.console() == []


def test_filters_of_the_node(world):
    def ids(query):
        return {row["domain"] for row in world.log.json(f"/api/v1/signatories?limit=1000&{query}")["signatories"]}
    everybody = ids("")
    assert ids("group=state") | ids("group=private-sector") | ids("group=civil-society") == everybody
    assert ids("attested=policy") == {"state.example", "company.example", "society.example"}
    assert ids("q=STATE.exa") == {"state.example"}
    assert ids("q=ministere") == {world.crowd[6].domain}
    assert ids("principle=9") - {"ville.example"} == {"state.example", "company.example", "society.example"}
    assert ids("freshness=none") == everybody - ids("freshness=fresh")
    assert ids(f"q={world.crowd[3].id[:12]}") == {world.crowd[3].domain}


def test_compare(world, page):
    page.show()
    visit(page, world.url + "/compare")
    for domain in ("state.example", "society.example", world.crowd[2].domain):
        page.js("document.querySelector('#add').value = arguments[0]", domain)
        submit(page, "form.search")
    assert page.js("return location.search") == f"?a=state.example&b=society.example&c={world.crowd[2].domain}"
    cells = page.js("return [...document.querySelectorAll('.compare tbody tr')].slice(0, 9).map(row => "
                    "[...row.cells].slice(1, -1).map(cell => cell.innerText))")
    for domain, column in (("state.example", 0), ("society.example", 1)):
        shown = world.log.json(f"/api/v1/signatories/{domain}")["assessment"]["principles"]
        for principle, row in zip(shown, cells, strict=True):
            if principle["band"] is None:
                assert row[column] == "no evidence"
            else:
                assert row[column].startswith(f"band {principle['band']} of 5")
                assert f"coverage {principle['coverage']}%" in row[column]
    assert all(row[2] == "no evidence" for row in cells), "what is not there is no zero"
    drawn = page.js("return [...document.querySelectorAll('.compare .dots')].map(node => node.querySelectorAll('.dot').length)")
    assert drawn == [sum(text != "no evidence" for text in row) for row in cells]
    follow(page, ".compare-legend .remove")
    assert page.js("return location.search") == f"?b=society.example&c={world.crowd[2].domain}"
    assert page.console() == []


def test_drawings_say_what_the_numbers_say(world, page):
    """The areas' heights in the drawing, against the table under it."""
    page.show()
    visit(page, world.url + "/followup")
    growth = world.log.json("/api/v1/followup")
    last = growth["buckets"][-1]
    assert last["size"] == world.log.json("/api/v1/summary")["size"]
    counts = world.log.json("/api/v1/summary")["groups"]
    assert last["by_group"] == {group: counts[group]["signatories"] for group in GROUPS}
    numbers = page.js("return [...document.querySelectorAll('#groups tbody tr:last-child td')].map(cell => Number(cell.textContent))")
    assert numbers == [last["by_group"][group] for group in GROUPS]
    top = page.js("return Number(document.querySelector('#groups .area').dataset.top)")
    # Each area's right edge: the highest and the lowest of its points at the right.
    edges = page.js(r"""return [...document.querySelectorAll('#groups .area-part')].map(node => {
        const points = node.getAttribute('d').match(/[\d.]+ [\d.]+/g).map(text => text.split(' ').map(Number));
        const right = points.filter(([x]) => x === 600).map(([, y]) => y);
        return Math.max(...right) - Math.min(...right); })""")
    for edge, number in zip(edges, numbers, strict=True):
        assert abs(edge - 200 * number / top) < 0.11
    witnesses = [row["cosigned"] for row in growth["witnesses"]]
    assert len(witnesses) == 3 and all(witnesses)
    assert page.console() == []


def test_measures_are_the_programs(world, page, entente):
    visit(page, world.url + "/measures?q=sshd&severity=high#m-host.ssh.root-login")
    listed = {row["id"]: row for row in json.loads(entente("measures", "--format", "json").stdout)}
    assert len(listed) == len(world.log.json("/api/v1/measures")["measures"])
    shown = page.js("return [...document.querySelectorAll('.catalogue-measure')].map(node => node.id.slice(2))")
    assert shown and set(shown) <= set(listed)
    assert all(listed[name]["severity"] == "high" for name in shown)
    page.js("document.querySelector('.catalogue-measure').open = true")
    page.wait("document.querySelector('.catalogue-measure .measure-body')")


# --- what an attacker writes ---

def test_names_made_to_harm_stay_texts(world, page):
    assert SCRIPT_NAME not in world.refused
    page.show(360)
    for address in ("/", "/signatories", f"/signatories/{world.crowd[0].id}",
                    f"/compare?a={world.crowd[0].id}&b={world.crowd[5].id}",
                    "/signatories?q=%3C/script%3E%3Cimg%20src=x%3E&sort=%22onload=1&lang=fr",
                    "/%3Cimg%20src=x%3E?lang=%3Cimg%3E", "/compare?a=%3Cimg%20src=x%3E"):
        page.driver.get("about:blank")
        page.drain()
        page.driver.get(world.url + address)
        page.wait(READY)
        assert page.js("return document.images.length + document.querySelectorAll('[onerror], [onclick]').length") == 0, address
        assert page.js("return document.documentElement.scrollWidth") <= 360, address
        bad = page.js("return [...document.links].map(link => link.protocol).filter(name => !/^https?:$/.test(name))")
        assert bad == [], address
    visit(page, world.url + f"/signatories/{world.crowd[0].id}")
    assert SCRIPT_NAME in text(page, "h1") and page.driver.title.startswith(SCRIPT_NAME)
    assert "Rapport {n} <b>" in text(page, "#said")
    csv = world.log.get("/api/v1/signatories.csv")[2].decode()
    assert "\"'=cmd" in csv and '"=cmd' not in csv


class Liar:
    """The node's pages, with other JSON at some paths."""

    def __init__(self, truth, lies):
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                status, headers, body = truth.get(self.path)
                lie = lies.get(self.path.split("?")[0])
                if lie is not None:
                    status, body = lie if isinstance(lie, tuple) else (200, lie)
                    headers = {"content-type": "application/json"}
                self.send_response(status)
                for name, value in headers.items():
                    if name not in ("content-length", "connection", "date"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def test_a_node_that_lies_harms_no_reader(world, page):
    """Its script is trusted for nothing but drawing: what it cannot read is a problem, said so."""
    signatory = world.log.json("/api/v1/signatories/state.example")
    reversed_name = "Min\u202eistry \u2066of\u2069 \u0000Truth"
    lie = {**signatory, "name": reversed_name, "group": "empire", "attested": "holy",
           "commitments": [], "legal_positions": [{
               "title": "T", "language": "x-y", "uri": "javascript:alert(1)", "index": 1,
               "time": "yesterday", "disputed": False}]}
    liar = Liar(world.log, {
        "/api/v1/signatories/state.example": json.dumps(lie).encode(),
        "/api/v1/signatories/broken.example": b"[" * 100000,
        "/api/v1/followup": (503, b'{"status":503,"detail":"<b>Busy</b>"}'),
        "/api/v1/entries/9": (410, b"{}")})
    try:
        page.show()
        visit(page, liar.url + "/signatories/state.example")
        assert "⟨U+202E⟩" in text(page, "h1") and "\u202e" not in page.driver.title
        assert page.js("return [...document.links].filter(link => /script/.test(link.href)).length") == 0
        visit(page, liar.url + "/signatories/broken.example")
        assert "could not be made" in text(page, "h1")
        page.js("localStorage.clear()")
        visit(page, liar.url + "/followup")
        assert "Not available now" in text(page, "h1") and "<b>Busy</b>" in text(page)
        assert "verified" not in text(page)
        page.js("localStorage.setItem('entente.checkpoint.call.example/test', arguments[0])", json.dumps(
            {"size": 41, "root": "0" * 64, "time": 1790000000000}))
        visit(page, liar.url + "/followup")
        assert "41 entries, at 21 September 2026" in text(page), "the last good checkpoint"
        assert page.js("return document.querySelectorAll('main b').length") == 0
    finally:
        liar.stop()


# --- how it is served ---

def test_headers_and_shell(world):
    for address in [*addresses(world).values(), "/nothing/at/all"]:
        status, headers, body = world.log.get(address, {"Accept": "text/html", "Accept-Language": "fr-CA,en;q=0.5"})
        assert status == (404 if address == "/nothing/at/all" else 200)
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy and "require-trusted-types-for 'script'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
        assert b'<html lang="fr"' in body and b"{{" not in body.replace(b"{{title}}", b"")
        assert b"<noscript>" in body and b'<a href="/api/v1' in body
    status, headers, body = world.log.get("/nothing", {"Accept": "application/json"})
    assert status == 404 and headers["content-type"] == "application/problem+json"
    assert world.log.request("POST", "/about", b"")[0] == 404
    assert b'<html lang="en"' in world.log.get("/about?lang=en", {"Accept-Language": "fr"})[2]
    # An address is only ever text in the shell.
    body = world.log.get("/signatories/%22%3E%3Cscript%3Ealert(1)%3C", {"Accept": "text/html"})[2]
    assert b"<script>" not in body


def test_files_never_change_under_their_name(world):
    body = world.log.get("/")[2].decode()
    base = re.search(r'data-base="(/web/[0-9a-f]{16}/)"', body)[1]
    assert world.log.json("/api/v1")["viewer"].startswith("sha256:" + base.split("/")[2])
    for name in ("portal.js", "style.css", "i18n/portal.fr.json", "page/home.js"):
        status, headers, content = world.log.get(base + name)
        assert status == 200 and content == (ROOT / "web" / name).read_bytes()
        assert "immutable" in headers["cache-control"]
        assert "access-control-allow-origin" not in headers
        status, headers, packed = world.log.get(base + name, {"Accept-Encoding": "br, gzip"})
        assert headers["content-encoding"] == "gzip" and len(packed) < len(content)
        assert gzip.decompress(packed) == content and headers["vary"] == "Accept-Encoding"
    for name in ("/web/0000000000000000/portal.js", base + "portal.c", base + "../portal.js", base,
                 "/web/", "/w"):
        assert world.log.get(name)[0] == 404
    # Templates are there to be hashed, and are no pages.
    assert world.log.get(base + "portal.html")[1]["content-type"] == "text/plain; charset=utf-8"
    # The digest is what sha256sum says of the files, in order of path.
    files = sorted((str(path.relative_to(ROOT / "web")), path) for path in (ROOT / "web").rglob("*")
                   if path.suffix in (".js", ".css", ".html", ".json"))
    lines = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n" for name, path in files)
    assert world.log.json("/api/v1")["viewer"] == "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def test_without_script_the_summary_stands(world, page):
    page.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.driver.get(world.url + "/signatories?lang=fr")
        source = page.driver.page_source
    finally:
        page.command("Emulation.setScriptExecutionDisabled", value=False)
    assert "La même chose en JSON" in source and "call.example/test" in source
    assert 'href="/api/v1/signatories"' in source


# --- for everybody ---

def problems_of(page):
    """What axe objects to. What a table's region cuts off at its edge cannot be measured there (it
    is, where the table is whole): that alone is left out. Nor can it see through the drawn edges of a
    region: they are taken away, the colour behind stays."""
    page.js(chromium.AXE.read_text())
    page.js("const sheet = new CSSStyleSheet(); sheet.replaceSync('.scroll, .table-region { background-image: none }');"
            "document.adoptedStyleSheets = [sheet]")
    return page.driver.execute_async_script("""const done = arguments[arguments.length - 1];
        const cut = node => node.target.length === 1 && document.querySelector(node.target[0]).closest('.table-region');
        axe.run(document, {runOnly: {type: 'tag', values: arguments[0]}, resultTypes: ['violations', 'incomplete']}).then(found => {
          const unclear = found.incomplete.map(item => ({ ...item, nodes: item.nodes.filter(node => !(item.id === 'color-contrast' && cut(node))) }));
          done([...found.violations, ...unclear].filter(item => item.nodes.length > 0).map(item => [item.id, item.nodes.slice(0, 5).map(node => node.target)]));
        }, error => done([String(error)]));""", chromium.AXE_TAGS)


def chosen(number):
    """Settings for a page: all in the long run, else the first and two that rotate."""
    if os.environ.get("ENTENTE_LONG"):
        return SETTINGS
    return [SETTINGS[0], SETTINGS[(3 + number) % 12]] if number % 2 else [SETTINGS[(11 + number) % 12]]


def test_every_page_is_for_everybody(world, page, say):
    say(f"screenshots: {chromium.SCREENSHOTS}")
    for number, (name, address) in enumerate(addresses(world).items()):
        for width, scheme, language in chosen(number):
            page.show(width, 900, scheme)
            visit(page, world.url + address + ("&" if "?" in address else "?") + f"lang={language}")
            place = (name, width, scheme, language)
            page.js("document.querySelectorAll('main details').forEach((node, at) => { if (at < 4) node.open = true; })")
            if name != "missing":
                assert page.console() == [], place
            assert [url for url in page.requests() if not url.startswith(("data:", world.url))] == [], place
            assert page.js("return document.documentElement.lang") == language, place
            levels = page.js("return [...document.querySelectorAll('h1, h2, h3, h4')].map(node => Number(node.tagName[1]))")
            assert levels.count(1) == 1 and levels[0] == 1, place
            assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), (place, levels)
            page.screenshot(chromium.SCREENSHOTS / f"portal-{name}-{width}-{scheme}-{language}.png", full=True)
            if chromium.AXE.exists():
                assert problems_of(page) == [], place


def test_nothing_is_wider_than_a_phone(world, page):
    """320 pixels, the reader's own text spacing, the longer language: no sideways scroll."""
    for name, address in addresses(world).items():
        page.show(320, 900)
        visit(page, world.url + address + ("&" if "?" in address else "?") + "lang=fr")
        page.js("const sheet = new CSSStyleSheet(); sheet.replaceSync(arguments[0]);"
                "document.adoptedStyleSheets = [sheet]", TEXT_SPACING)
        width, wide = page.js("""return [document.documentElement.scrollWidth,
            [...document.querySelectorAll('main *')].filter(node => node.getBoundingClientRect().right > innerWidth + 1
              && !node.closest('.table-region, .hidden-text')).map(node => node.className || node.tagName).slice(0, 5)]""")
        assert (width, wide) == (320, []), name
        regions = page.js("return [...document.querySelectorAll('.table-region')].map(node => [node.tabIndex, node.getAttribute('aria-label')])")
        assert all(index == 0 and label for index, label in regions), name
    page.show()


# How far the outermost pixels of a region are from those behind it, at its left and its right.
EDGES = """
    const [selector, picture, done] = arguments;
    const box = document.querySelector(selector).getBoundingClientRect();
    const image = new Image();
    image.onload = () => {
        const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        const at = (x) => context.getImageData(x, Math.round((box.top + box.bottom) / 2 + scrollY), 1, 1).data[0];
        const plain = at(Math.round((box.left + box.right) / 2));
        done([at(Math.round(box.left) + 1), at(Math.round(box.right) - 2)].map((edge) => Math.abs(edge - plain)));
    };
    image.src = 'data:image/png;base64,' + picture;"""


def edges(page, selector, place):
    """With what the table holds hidden, so that the drawn edges alone are measured."""
    hide = "document.querySelectorAll(arguments[0] + ' *').forEach(node => { node.style.visibility = arguments[1]; })"
    page.js(hide, selector, "hidden")
    page.screenshot(place, full=True)
    page.js(hide, selector, "")
    return page.driver.execute_async_script(EDGES, selector, base64.b64encode(place.read_bytes()).decode())


def test_a_table_that_goes_on_says_at_which_side(world, page, tmp_path):
    """Sheets alone: an edge and a shade where more is to be had, none at an end and none where all is seen."""
    for name, selector in (("compare", ".table-region"), ("signatories", ".table-region")):
        for scheme, forced in (("light", "none"), ("dark", "none"), ("light", "active")):
            page.show(360, 900, scheme, forced)
            visit(page, world.url + addresses(world)[name])
            reach = page.js("const r = document.querySelector(arguments[0]); return r.scrollWidth - r.clientWidth", selector)
            assert reach > 50, name
            seen = []
            for at in (0, reach // 2, reach):
                page.js("document.querySelector(arguments[0]).scrollLeft = arguments[1]", selector, at)
                page.js("return new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
                seen.append(edges(page, selector, tmp_path / "edge.png"))
            assert [[far > 15 for far in pair] for pair in seen] == [[False, True], [True, True], [True, False]], (name, scheme, forced, seen)
        # By keyboard too: the region takes the focus, has a name, and the arrows move it.
        page.js("const r = document.querySelector(arguments[0]); r.scrollLeft = 0; r.focus()", selector)
        assert page.js("return document.activeElement.getAttribute('role') === 'region' && !!document.activeElement.getAttribute('aria-label')")
        page.command("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39)
        page.wait(f"document.querySelector('{selector}').scrollLeft > 0")
    page.show(1280)
    visit(page, world.url + addresses(world)["compare"])
    assert edges(page, ".table-region", tmp_path / "edge.png") == [0, 0]
    page.show()


def longer(text):
    """A language that is two fifths longer and full of accents; placeholders stay."""
    accents = str.maketrans("aeiounyAEIOUNY", "áéíóúñýÁÉÍÓÚÑÝ")
    parts = re.split(r"(\{\w+\})", text)
    return "".join(part if part.startswith("{") else part.translate(accents) for part in parts) + \
        " ŵ" * (len(text) // 5)


def test_a_longer_language_fits(world, page):
    """Texts of another language are longer: at 360 pixels nothing sticks out."""
    base = re.search(r'data-base="([^"]+)"', world.log.get("/")[2].decode())[1]
    lies = {}
    for name in ("en", "portal.en"):
        texts = json.loads((ROOT / "web" / "i18n" / f"{name}.json").read_text())
        lies[f"{base}i18n/{name}.json"] = json.dumps({key: longer(text) for key, text in texts.items()}).encode()
    liar = Liar(world.log, lies)
    try:
        page.show(360)
        for name in ("home", "signatories", "signatory", "compare", "followup", "measures"):
            visit(page, liar.url + addresses(world)[name] + ("&" if "?" in addresses(world)[name] else "?") + "lang=en")
            assert "ŵ" in text(page, "h1") or name == "signatory"
            assert page.js("return document.documentElement.scrollWidth") == 360, name
    finally:
        liar.stop()
        page.show()


def test_keyboard(world, page):
    """The first Tab finds the way past the navigation; the focus is always to be seen."""
    from selenium.webdriver.common.keys import Keys
    page.show()
    visit(page, world.url + "/signatories?lang=en")
    body = page.driver.find_element("tag name", "body")
    body.send_keys(Keys.TAB)
    assert page.js("return document.activeElement.getAttribute('href')") == "#main"
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert page.js("return document.activeElement.id") == "f-q"
    seen = []
    for _ in range(14):
        outline, name = page.js("const node = document.activeElement; return [parseFloat(getComputedStyle(node).outlineWidth), node.id || node.textContent.trim()]")
        assert outline > 0, name
        seen.append(name)
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert seen[:6] == ["f-q", "f-group", "f-country", "f-principle", "f-attested", "f-freshness"]
    # Enter in the field is enough.
    page.driver.find_element("id", "f-q").send_keys("state.example", Keys.ENTER)
    page.wait(f"location.search.includes('state.example') && {READY}")
    assert rows(page) == ["Organisation of state.example"]


def test_language_and_colours_stay_chosen(world, page):
    page.show()
    visit(page, world.url + "/about?lang=fr")
    assert text(page, "h1") == "À propos de ce nœud"
    follow(page, ".portal-nav a")
    assert text(page, "h1") == "Signataires"
    visit(page, world.url + "/privacy")
    assert text(page, "h1") == "Vie privée", "the choice is kept"
    page.js("[...document.querySelectorAll('.control')].find(node => /sombres/.test(node.textContent)).click()")
    visit(page, world.url + "/about?lang=en")
    assert page.js("return document.documentElement.dataset.theme") == "dark"
    page.js("localStorage.clear()")


def test_forced_colours_and_paper(world, page, tmp_path):
    page.show(1280, 900, "dark", forced="active")
    visit(page, world.url + "/followup?lang=en")
    page.screenshot(chromium.SCREENSHOTS / "portal-followup-forced.png", full=True)
    faint = page.js(r"""
        const probe = document.body.appendChild(document.createElement('i'));
        probe.style.color = 'Canvas';
        const canvas = getComputedStyle(probe).color;
        probe.remove();
        const drawn = { '.area-line': 'stroke', '.wordmark svg': 'fill', '.area-part': 'stroke', '.portal-nav a[aria-current]': 'borderBottomColor' };
        return Object.entries(drawn).filter(([selector, property]) => getComputedStyle(document.querySelector(selector))[property] === canvas).map(([selector]) => selector);""")
    assert faint == []
    page.show()
    visit(page, world.url + "/signatories/state.example?lang=en")
    paper = tmp_path / "signatory.pdf"
    page.pdf(paper)
    if shutil.which("pdftotext"):
        printed = subprocess.run(["pdftotext", paper, "-"], capture_output=True, text=True, check=True).stdout
        assert "Organisation of state.example" in printed and "band" in printed
        assert "Ask for help or report" not in printed
