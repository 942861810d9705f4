"""The order of calls for help as a node publishes it (service_triage): for programs, and on its page.

Screenshots go to the folder "screenshots" of the build, to be looked at by eye.
"""
import json
import pathlib
import sqlite3
import time

import jsonschema
import pytest

import browser as chromium
from delivery import DRIVER, World
from waiting import PATIENCE, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "data" / "openapi.json").read_text())
MONTH_S = 30 * 86400  # of the sums of erased cases
LEAST = 5

pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason=f"{DRIVER} is not built")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("triage")).start()
    yield made
    made.stop()


def published(world):
    """What the helper's node says, as its document says."""
    found = world.society.node.json("/api/v1/triage")
    jsonschema.Draft202012Validator(DOCUMENT["components"]["schemas"]["Triage"],
                                    resolver=jsonschema.RefResolver("", DOCUMENT)).validate(found)
    return found


def dimensions(world):
    bias = until(lambda: published(world)["bias"], what="the check")
    return bias, {row["dimension"]: row for row in bias["dimensions"]}


def again(world):
    """The node looks at its cases when it starts, and then once a day."""
    world.society.node.stop()
    world.society.node.start()
    return dimensions(world)


def close_calls(world, *fields):
    """Calls for help that were accepted and closed."""
    state, society = world.state.desk, world.society.desk
    cases = [state("say", kind="assistance", to=[world.society.id], event="open", fields={
        "what": "Help", "continuing": "no", "channel": "phone", **more})["case"] for more in fields]
    for case in cases:
        until(lambda: world.society.entries(case), what="the call")
        for event, more in (
                ("triage", {"harm": "data", "means": "some", "continuing": "no"}),
                ("accept", {"override": "as they come"}), ("start", {}),
                ("resolve", {"outcome": "restored"}), ("close", {})):
            society("say", case=case, event=event, fields=more)
    return cases


def add_erased(world, rows):
    """Sums of calls whose content was erased: they come about after three years."""
    with sqlite3.connect(world.society.data / "cases.db", timeout=PATIENCE) as database:
        database.executemany(
            "INSERT INTO tally (month, dimension, value, accepted, calls, wait) "
            "VALUES (?, ?, ?, ?, ?, ?)", [(int(time.time()) // MONTH_S, *row) for row in rows])
    database.close()


@pytest.fixture(scope="module")
def calls(world):
    """What the check said before calls were closed, what it says after them, and their cases."""
    before = dimensions(world)[1]
    cases = close_calls(world, *[{"country": "FR", "sector": "health"}] * LEAST, {"country": "DE"})
    return before, dimensions(world)[1], cases


def test_formula_and_check_are_published(world, calls):
    found = published(world)
    assert found["formula"] == json.loads(
        world.society.program("help", "formula", "--format", "json").stdout)
    kind, = found["formula"]["kinds"]
    assert kind["formula"].endswith(" + waiting hours / 12")
    inputs = {row["field"] for row in kind["inputs"]}
    others = {row["field"] for row in kind["not_inputs"]}
    assert inputs == {"harm", "continuing", "means"}
    assert {"country", "sector", "language"} <= others and not inputs & others

    # A node of nobody has the formula and no cases.
    nobody = world.relay.json("/api/v1/triage")
    assert nobody["formula"] == found["formula"] and nobody["bias"] is None

    before, after, cases = calls
    assert all(row["groups"] == [] and row["p"] is None for row in before.values())
    assert after == before  # who looks twice in a day does not see the calls between
    bias, rows = again(world)
    assert bias["least_calls_shown"] == LEAST
    group, = rows["country"]["groups"]
    assert (group["value"], group["calls"], group["accepted"]) == ("FR", LEAST, LEAST)
    assert rows["country"]["suppressed_groups"] == 1
    assert rows["country"]["untested"] == "fewer than two groups"
    assert [row["value"] for row in rows["sector"]["groups"]] == ["health"]
    text = json.dumps(bias)
    assert not any(case in text for case in cases) and "DE" not in text


def test_the_page_says_it_in_words(world, calls, page):
    add_erased(world, [("country", "DE", 0, 20, 20 * 36000), ("sector", "media", 1, 6, 3600)])
    _, rows = again(world)
    assert rows["country"]["degrees"] == 1 and rows["country"]["p"] < 0.01
    url = f"http://127.0.0.1:{world.society.node.port}"
    said = {}
    for language, width, scheme in (("en", 1280, "light"), ("fr", 360, "dark")):
        page.show(width, 900, scheme)
        page.driver.get("about:blank")
        page.drain()
        page.driver.get(f"{url}/triage?lang={language}")
        page.wait("document.querySelector('#main:not([aria-busy]) h1')")
        assert page.console() == [], language
        said[language] = page.js("return document.querySelector('main').innerText")
        tables = page.js("return [...document.querySelectorAll('#bias table')].map(table =>"
                         " [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.innerText)))")
        country = "Germany" if language == "en" else "Allemagne"
        assert [row[:3] for row in tables[0]] == [[country, "21", "1"], ["France", "5", "5"]]
        page.screenshot(chromium.SCREENSHOTS / f"triage-{width}-{language}.png", full=True)
        assert page.js("return document.documentElement.scrollWidth <= innerWidth"), language
        if chromium.AXE.exists():
            assert page.axe()["violations"] == []
    english, french = said["en"], said["fr"]
    assert "score = continuing × harm × means + waiting hours / 12" in english
    assert "What is not an input" in english and "Life or safety of people" in english
    assert "Chance alone hardly explains" in english and "1 degree of freedom; p < 0.0001" in english
    assert "all these calls were decided alike" in english and "Health care" in english
    assert "Too few to show" in english  # by language
    assert "Le hasard seul n’explique guère" in french and "p < 0,0001" in french
    assert "Press and media" not in french and "Presse et médias" in french
    page.driver.get(f"{url}/about?lang=en")
    page.wait("document.querySelector('#main:not([aria-busy]) h1')")
    assert page.js("return new URL(document.querySelector('#about-5 a').href).pathname") == "/triage"
