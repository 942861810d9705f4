"""The norms that commitments name, and the figures of supporters with their sources (cmd_norms)."""
import json


def test_every_norm_has_two_languages_and_principles(entente):
    rows = json.loads(entente("norms", "--format", "json").stdout)
    assert [len([r for r in rows if r["system"] == s]) for s in ("un", "gcsc", "osce", "un-cbm")] \
        == [11, 8, 16, 8]
    assert len({r["id"] for r in rows}) == len(rows)
    for row in rows:
        assert row["title"]["en"] and row["title"]["fr"] != row["title"]["en"]
        assert row["principles"] and set(row["principles"]) <= set(range(1, 10))
    # Each principle is served by a norm or a measure of some system.
    assert set().union(*(r["principles"] for r in rows)) == set(range(1, 10))


def test_a_principle_narrows_the_list(entente):
    rows = json.loads(entente("norms", "-p", "2", "--format", "json").stdout)
    assert {"un:f", "un:g", "gcsc:1", "osce:4"} <= {r["id"] for r in rows}
    assert all(2 in r["principles"] for r in rows)
    assert entente("norms", "-p", "10", status=2).stdout == ""


def test_supporters_stand_with_their_sources_and_disagree(entente):
    rows = json.loads(entente("norms", "--supporters", "--format", "json").stdout)
    assert all(r["source"] and r["date"] for r in rows)
    first_year = [r for r in rows if r["date"].startswith("2018")]
    assert len({r["total"] for r in first_year}) > 1
    text = entente("norms", "--supporters", "--lang", "fr").stdout
    assert "SOCIÉTÉ CIVILE" in text and "1096" in text
