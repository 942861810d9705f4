"""The report as its readers meet it: in Chromium, from a file, on three widths, in two languages.

Screenshots go to the folder "screenshots" of the build, to be looked at by eye.
"""
import hashlib
import itertools
import pathlib
import re
import shutil
import subprocess
import time

import pytest

pytest.importorskip("selenium")
import browser as chromium  # noqa: E402
import make_assessment  # noqa: E402
from waiting import PATIENCE, until  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODES_MAX = 2000
FIRST_PAINT_MS = 400
# What a reader with another text spacing sets (WCAG 2.2, 1.4.12).
TEXT_SPACING = ("* { line-height: 1.5 !important; letter-spacing: 0.12em !important;"
                " word-spacing: 0.16em !important } p { margin-bottom: 2em !important }")

pytestmark = pytest.mark.skipif(not chromium.available(), reason="no chromium and chromium-driver")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("reports")


@pytest.fixture
def report(entente, folder):
    """Makes the report of an invented assessment: report(findings=…, language=…) gives its path."""
    def make(language="en", document=None, **options):
        document = document or make_assessment.make(**options)
        text = make_assessment.dump(document)
        name = hashlib.sha256((text + language).encode()).hexdigest()[:16]
        path = folder / f"{name}.html"
        if not path.exists():
            source = folder / f"{name}.json"
            source.write_text(text)
            entente("view", source, "--output", path, "--lang", language)
        return path
    return make


def quiet(page):
    assert page.console() == []
    assert page.requests() == []


def texts(page, selector):
    return page.js("return [...document.querySelectorAll(arguments[0])].map(node => node.textContent)",
                   selector)


def status(page):
    return page.js("return document.querySelector('.filter-status').textContent")


def test_structure_and_numbers(page, report):
    document = make_assessment.make(findings=200, history=3)
    page.show()
    page.open(report(document=document))
    quiet(page)
    assert texts(page, "h1") == ["City of Exampleville"]
    rows = texts(page, ".overview tbody tr")
    assert len(rows) == 9
    for principle, row in zip(document["principles"], rows):
        if principle["score"] is None:
            assert "not assessed" in row and "0%" not in row
        else:
            assert f"{principle['score']}%" in row and f"{principle['coverage']}%" in row
    assert "not logged" in page.js("return document.querySelector('.who').textContent")
    assert "State, France" in page.js("return document.querySelector('.who').textContent")
    assert 1 <= len(texts(page, ".fix-list > li")) <= 10
    assert len(texts(page, ".principle")) == 9
    levels = page.js("return [...document.querySelectorAll('h1,h2,h3,h4,h5')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))


def test_bars_draw_the_numbers(page, report):
    document = make_assessment.make(findings=200)
    page.show()
    page.open(report(document=document))
    drawn = page.js("""return [...document.querySelectorAll('.overview tbody .bar')].map(bar => ['met', 'unmet'].map(
        name => parseFloat(bar.querySelector('.bar-' + name)?.getAttribute('width') ?? '0')))""")
    for principle, (met, unmet) in zip(document["principles"], drawn):
        weights = principle["weights"]
        whole = sum(weights.values())
        assert met == pytest.approx(100 * weights["met"] / whole if whole else 0, abs=0.01)
        assert unmet == pytest.approx(100 * weights["unmet"] / whole if whole else 0, abs=0.01)


def test_filter_by_text_and_choice(page, report):
    document = make_assessment.make(findings=1000)
    page.show()
    page.open(report(document=document))
    box = page.driver.find_element("id", "f-q")
    box.send_keys("SRV-003 kptr")
    wanted = [finding for finding in document["findings"]
              if finding["asset"] == 3 and any(line.get("key") == "kernel.kptr_restrict"
                                               for line in finding["evidence"])]
    assert f"{len(wanted)} findings" in status(page)
    assert "q=SRV-003+kptr" in page.driver.current_url
    page.driver.find_element("css selector", "#f-outcome option[value=fail]").click()
    wanted = [finding for finding in wanted if finding["outcome"] == "fail"]
    assert f"{len(wanted)} finding" in status(page)
    box.send_keys("zzz")
    assert "Nothing matches" in status(page)
    page.driver.find_element("css selector", ".filter [type=reset]").click()
    assert "1,000 findings" in status(page)
    assert "?" not in page.driver.current_url
    quiet(page)


def test_filter_comes_back_from_the_address(page, report):
    page.show()
    page.open(report(findings=1000), "?principle=7&severity=high&outcome=fail")
    assert page.js("return document.getElementById('f-principle').value") == "7"
    assert page.js("return [...document.querySelectorAll('.principle')].filter(s => !s.hidden).length") == 1
    assert all("High" in text and "Fail" in text for text in texts(page, ".measure > summary"))


def test_accents_do_not_matter_to_a_search(page, report):
    page.show()
    page.open(report(findings=200), "?lang=fr&q=VERIFIABLE")
    assert re.match(r"\d+ mesures", status(page))


def test_language_switch(page, report):
    page.show()
    page.open(report(findings=200, language="fr"))
    assert page.js("return document.documentElement.lang") == "fr"
    assert "non évalué" in page.js("return document.querySelector('.overview').textContent")
    assert "évaluation du 20 novembre 2026" in page.driver.title
    page.driver.find_element("css selector", "a[hreflang=en]").click()
    assert page.js("return document.documentElement.lang") == "en"
    assert page.driver.current_url.endswith("?lang=en")
    assert "Cyber hygiene" in page.js("return document.querySelector('.overview').textContent")
    assert page.js("return document.activeElement.hreflang") == "fr"
    quiet(page)


def test_measure_opens_with_evidence_why_fix_and_command(page, report):
    page.show()
    page.open(report(findings=200))
    assert texts(page, ".measure-body") == []
    page.driver.find_element("css selector", "#p-7 .measure > summary").click()
    page.wait("document.querySelector('.measure-body')")
    body = texts(page, ".measure-body")[0]
    for words in ("What was found", "Why it matters", "How to fix it", "References", "wanted"):
        assert words in body
    assert page.js("return document.querySelector('.measure-body .references a').href").startswith("https://")
    assert page.js("return document.querySelector('.measure-body .part-why code').textContent") == "root"
    ids = page.js("return [...document.querySelectorAll('.measure')].map(node => node.id.slice(2))")
    fixable = [name for name in ids if make_assessment.make(findings=200)["measures"][name]["fixable"]]
    page.js("document.getElementById('m-' + arguments[0]).open = true", fixable[0])
    page.wait(f"document.getElementById('m-{fixable[0]}').querySelector('.command')")
    assert f"entente fix --plan {fixable[0]}" in page.js(
        "return document.getElementById('m-' + arguments[0]).textContent", fixable[0])


def test_deep_link_opens_the_measure_wherever_it_is(page, report):
    document = make_assessment.make(findings=1800)
    page.show()
    for outcome in ("fail", "pass", "not-applicable", "not-measured"):
        for finding in document["findings"]:
            same = [other["outcome"] for other in document["findings"]
                    if other["measure"] == finding["measure"]]
            if outcome == "fail" and "fail" in same or set(same) == {outcome}:
                break
        else:
            continue
        name = finding["measure"]
        page.open(report(document=document), f"#m-{name}")
        page.wait(f"document.getElementById('m-{name}').open"
                  f" && document.activeElement.parentNode.id === 'm-{name}'")
        page.wait("(top => 0 <= top && top < 900)(document.activeElement.getBoundingClientRect().top)")
    # from inside the page, under a filter that hides it
    page.open(report(document=document), "?q=zzz")
    page.driver.find_element("css selector", ".fix-list a").click()
    page.wait("document.activeElement.tagName === 'SUMMARY'")
    assert page.js("return document.getElementById('f-q').value") == ""


def test_keyboard_alone_is_enough(page, report):
    page.show()
    page.open(report(findings=200))
    names = []
    for _ in range(40):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        width, shown, name = page.js("""const at = document.activeElement, box = at.getBoundingClientRect();
            const style = getComputedStyle(at); return [parseFloat(style.outlineWidth),
            style.outlineStyle !== 'none' && box.bottom > 0 && box.top < innerHeight,
            (at.getAttribute('aria-label') ?? at.textContent).trim() || at.id]""")
        assert width >= 2 and shown, f"focus on {name!r} cannot be seen"
        names.append(name)
    assert names[0] == "Skip to the findings"
    assert names[1] == "Français"
    page.driver.find_element("css selector", ".measure > summary").send_keys(Keys.ENTER)
    page.wait("document.querySelector('.measure').open")
    page.driver.find_element("css selector", ".measure > summary").send_keys(Keys.SPACE)
    page.wait("!document.querySelector('.measure').open")


def test_hostile_data_is_text(page, report):
    page.show()
    path = report(findings=200, hostile=True, history=2)
    for language in ("en", "fr"):
        page.open(path, f"?lang={language}#m-host.hostile.link")
        quiet(page)
        assert page.js("return document.querySelectorAll('img, iframe, object, embed, [onerror]').length") == 0
        assert page.js("return document.querySelectorAll('script').length") == 3
        page.wait("document.querySelector('[id=\"m-host.hostile.link\"] .measure-body')")
        body = page.js("return document.getElementById('m-host.hostile.link').textContent")
        assert "hologram" in body and "⟨U+202E⟩" in body and "⟨U+001B⟩" in body
        assert "perhaps" in body
        links = page.js("return [...document.querySelectorAll('a[href]')].map(a => a.protocol)")
        assert set(links) <= {"file:", "http:", "https:"}
        assert "⟨U+202E⟩" in texts(page, "h1")[0] and "\u202e" not in texts(page, "h1")[0]
        assert page.js("return document.documentElement.scrollWidth <= innerWidth")
    page.js("document.getElementById('m-tool.unknown').open = true")
    page.wait("document.getElementById('m-tool.unknown').textContent.includes('lynis 3.0.8')")


def test_another_version_is_refused_in_words(page, report, folder):
    text = report(findings=0).read_text().replace('"schema":"entente/assessment/1"',
                                                   '"schema":"entente/assessment/2"')
    path = folder / "newer.html"
    path.write_text(text)
    page.show()
    page.open(path)
    quiet(page)
    assert "cannot be shown" in texts(page, "h1")[0]


def test_empty_assessment(page, report):
    page.show(360)
    page.open(report(findings=0))
    quiet(page)
    assert "0 of 9 principles assessed" in page.js("return document.querySelector('.lead').textContent")
    assert "No measure fails" in page.js("return document.body.textContent")


def test_no_script_after_one_altered_byte(page, report, folder):
    text = report(findings=200).read_text()
    path = folder / "altered.html"
    path.write_text(text.replace("const QUARTERS = [25,", "const QUARTERS = [26,"))
    page.show()
    page.open(path)
    assert any("Content Security Policy" in line for line in page.console())
    assert texts(page, ".overview") == []
    assert len(texts(page, ".static tbody tr")) == 9
    assert page.js("return document.documentElement.scrollWidth <= innerWidth")


def test_injection_is_refused_by_the_browser(page, report):
    page.show()
    page.open(report(findings=200))
    outcome = page.command("Runtime.evaluate", awaitPromise=True, returnByValue=True,
                           allowUnsafeEvalBlockedByCSP=False, expression="""(async () => {
        const tried = {};
        const attempt = async (name, act) => { try { await act(); tried[name] = 'done'; } catch (e) { tried[name] = e.name; } };
        await attempt('innerHTML', () => { document.body.innerHTML = '<b>x</b>'; });
        await attempt('function', () => new Function('return 1')());
        await attempt('fetch', () => fetch('https://example.org/'));
        return tried; })()""")["result"]["value"]
    assert outcome["innerHTML"] == "TypeError" and outcome["fetch"] == "TypeError"
    assert outcome["function"] == "EvalError"


@pytest.mark.parametrize("findings", [200, 20000])
def test_document_comes_out_byte_by_byte(page, report, folder, findings):
    """Below the limit it stands in the page as text, above it compressed."""
    document = make_assessment.make(findings=findings, hostile=True)
    document["padding"] = "x" * (4 * 1024 * 1024 if findings > 5000 else 1)
    path = report(document=document)
    packed = 'data-encoding="gzip"' in path.read_text()
    assert packed == (findings > 5000)
    saved = folder / "downloads"
    shutil.rmtree(saved, ignore_errors=True)
    page.show()
    page.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(saved))
    page.open(path)
    page.wait("document.querySelector('.button-primary')")
    page.js("document.querySelector('.button-primary').click()")
    wanted, file = make_assessment.dump(document).encode(), saved / "assessment.json"
    until(lambda: file.exists() and file.stat().st_size >= len(wanted), what="the download")
    data = file.read_bytes()
    assert data == wanted
    assert hashlib.sha256(data).hexdigest() in page.js("return document.body.textContent")


def test_print_opens_what_fails(page, report, folder, say):
    document = make_assessment.make(findings=200)
    failing = {finding["measure"] for finding in document["findings"] if finding["outcome"] == "fail"}
    assert failing
    page.show()
    page.open(report(document=document))
    page.js("""addEventListener('beforeprint', () => { window.printed =
        [...document.querySelectorAll('.measure[open]')].map(node => node.id.slice(2)); })""")
    pdf = folder / "report.pdf"
    page.pdf(pdf)
    say(f"figure: {pdf.stat().st_size // 1024} KB of PDF for 200 findings, failing ones open")
    assert set(page.js("return window.printed")) == failing
    assert page.js("return document.querySelectorAll('.measure[open]').length") == 0
    if not shutil.which("pdftotext"):
        return
    text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True,
                          check=True).stdout
    for name in failing:
        assert name in text
    assert "Why it matters" in text and "Open all failing" not in text


def test_nothing_overflows_on_a_phone(page, report):
    path = report(findings=400, history=3, hostile=True)
    for width, language in itertools.product((320, 360), ("en", "fr")):
        page.show(width, 800)
        page.open(path, f"?lang={language}")
        page.command("Runtime.evaluate", expression=f"""{{
            const sheet = new CSSStyleSheet(); sheet.replaceSync({TEXT_SPACING!r});
            document.adoptedStyleSheets = [sheet];
            for (const node of document.querySelectorAll('details')) node.open = true; }}""")
        page.js("return new Promise(done => setTimeout(done, 200))")
        wide = page.js("""return [...document.querySelectorAll('body *')].filter(node =>
            node.getBoundingClientRect().right > innerWidth + 1 && !node.closest('.scroll, .hidden-text, svg'))
            .slice(0, 5).map(node => node.tagName + '.' + node.className)""")
        assert page.js("return document.documentElement.scrollWidth") <= width, (width, language, wide)
        assert wide == [], (width, language)


def axe(page):
    # What content-visibility and closed details hide cannot be measured; the page uses neither here. Nor
    # what stands on the drawn edges of a table: they are taken away, the colour behind stays.
    page.command("Runtime.evaluate", expression="""{ const sheet = new CSSStyleSheet();
        sheet.replaceSync('.scroll { background-image: none }'); document.adoptedStyleSheets = [sheet]; }""")
    found = page.axe()
    return found["violations"] + found["incomplete"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_hide_nothing(page, report, scheme):
    """High contrast: pictures keep to the system's colours, whatever the page was switched to."""
    page.show(1280, 900, scheme, forced="active")
    page.open(report(findings=200, history=3))
    page.js("document.querySelector('details.measure').open = true")
    for name in ("as-is", "switched"):
        if name == "switched":
            page.js("[...document.querySelectorAll('.control')].find("
                    "node => /colours/.test(node.textContent)).click()")
        faint = page.js(r"""
            const probe = document.body.appendChild(document.createElement('i'));
            probe.style.color = 'Canvas';
            const light = text => {
              const parts = text.match(/[\d.]+/g).slice(0, 3).map(part => {
                const value = part / 255;
                return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
              });
              return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
            };
            const canvas = light(getComputedStyle(probe).color);
            probe.remove();
            const drawn = { '.bar-met': 'fill', '.bar-stripe': 'stroke', '.bar-unmet': 'stroke',
              '.bar-unassessed': 'stroke', '.wordmark svg': 'fill', '.line-score': 'stroke',
              '.line-coverage': 'stroke', '.evidence .mark': 'stroke', '.status .mark': 'stroke' };
            return Object.entries(drawn).map(([selector, property]) => {
              const node = document.querySelector(selector);
              const one = node ? light(getComputedStyle(node)[property]) : canvas;
              const contrast = (Math.max(one, canvas) + 0.05) / (Math.min(one, canvas) + 0.05);
              return [selector, contrast];
            }).filter(([, contrast]) => contrast < 4.5);""")
        assert faint == [], (scheme, name)
        page.screenshot(chromium.SCREENSHOTS / f"report-forced-{scheme}-{name}.png")
    page.show()


@pytest.mark.skipif(not chromium.AXE.exists(), reason="no axe-core: run npm ci in tests/")
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_accessibility_and_pictures(page, report, say, width):
    path = report(findings=400, history=5)
    say(f"screenshots: {chromium.SCREENSHOTS}")
    for scheme, language in itertools.product(("light", "dark"), ("en", "fr")):
        page.show(width, 900, scheme)
        page.open(path, f"?lang={language}")
        page.screenshot(chromium.SCREENSHOTS / f"report-{width}-{scheme}-{language}.png")
        page.js("document.querySelectorAll('#p-1 .measure, .card .group, .trend-table').forEach(node => { node.open = true; })")
        page.js("return new Promise(done => setTimeout(done, 100))")
        page.screenshot(chromium.SCREENSHOTS / f"report-{width}-{scheme}-{language}-full.png", full=True)
        assert axe(page) == [], (width, scheme, language)


@pytest.mark.skipif(not chromium.AXE.exists(), reason="no axe-core: run npm ci in tests/")
def test_accessibility_of_rare_states(page, report):
    page.show()
    states = [(report(findings=200, hostile=True), "#m-host.hostile.link"),
              (report(findings=200), "?q=zzz"), (report(findings=0), "")]
    for path, query in states:
        page.open(path, query)
        assert axe(page) == [], query


def test_five_thousand_findings_stay_light(page, report, say):
    path = report(findings=5000, history=6)
    page.show()
    # when the findings themselves, not the static table, have been drawn and painted
    seen = page.command("Page.addScriptToEvaluateOnNewDocument", source="""
        new MutationObserver((_, observer) => {
            if (!document.querySelector('.filter-status')) return;
            observer.disconnect();
            requestAnimationFrame(() => setTimeout(() => { window.painted = performance.now(); }));
        }).observe(document, {childList: true, subtree: true});""")
    figures, end = [], time.monotonic() + PATIENCE
    # a machine shared with others may be slow now and then; ten times slower is our defect
    while len(figures) < 5 or min(figures)[0] >= 10 * FIRST_PAINT_MS and time.monotonic() < end:
        page.open(path)
        page.wait("window.painted && performance.getEntriesByName('first-contentful-paint').length")
        quiet(page)
        figures.append(page.js("""const paint = performance.getEntriesByName('first-contentful-paint')[0];
            return [paint.startTime, window.painted].map(Math.round)"""))
    page.command("Page.removeScriptToEvaluateOnNewDocument", identifier=seen["identifier"])
    first, whole = (sorted(column) for column in zip(*figures))
    nodes = page.js("return document.getElementsByTagName('*').length")
    typing = page.js("""const box = document.getElementById('f-q'); box.focus();
        return ['srv-017', 'srv-018', 'kptr'].map((text) => {
            box.value = text;
            const start = performance.now();
            box.dispatchEvent(new Event('input', {bubbles: true}));
            return Math.round(performance.now() - start); })""")
    say(f"figure: 5,000 findings: first paint {first} ms, findings painted {whole} ms (wanted: under "
          f"{FIRST_PAINT_MS}), {nodes} nodes, {path.stat().st_size // 1024} KB, filter {typing} ms")
    assert nodes < NODES_MAX
    assert first[0] < 10 * FIRST_PAINT_MS


def test_twenty_thousand_findings_open(page, report):
    page.show()
    page.open(report(findings=20000))
    page.wait("document.querySelector('.filter-status')")
    quiet(page)
    assert "20,000 findings" in status(page)
    assert page.js("return document.getElementsByTagName('*').length") < NODES_MAX
