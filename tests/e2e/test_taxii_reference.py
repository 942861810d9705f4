"""The TAXII server beside OASIS's reference server, case by case.

What medallion 3.0.0 answers is kept in tests/vectors/taxii/medallion.json; where medallion can be
imported (PYTHONPATH), it is asked again, and ENTENTE_WRITE_VECTORS=1 writes the file. Sections are
those of TAXII 2.1 (OASIS Standard, 10 June 2021).
"""
import importlib.util
import json
import logging
import os
import pathlib

import pytest

import taxii_reference
from taxii import MEDIA

VECTORS = pathlib.Path(__file__).parents[1] / "vectors" / "taxii" / "medallion.json"


def error(status, **more):
    return {"status": status, "type": MEDIA, **more,
            "error": {"title": True, "http_status": str(status)}}


def instead(answer):
    return lambda theirs: answer


def with_body(change):
    return lambda theirs: {**theirs, "body": change(theirs["body"])}


def media_types(body):
    known = [f"application/stix+json;version={version}" for version in ("2.1", "2.0")]
    if "collections" in body:
        return {"collections": [media_types(one) for one in body["collections"]]}
    return {**body, "media_types": known}


def below_taxii2(body):
    return {**body, "default": "/taxii2/intel/", "api_roots": ["/taxii2/intel/"]}


def known_is_success(body):
    again = [{**one, "message": "it was there already"} for one in body["failures"]]
    count = body["success_count"] + len(again)
    return {**{name: value for name, value in body.items() if name != "failures"},
            "successes": again + body.get("successes", []), "success_count": count,
            "failure_count": 0}


def oldest_first(body):
    return {**body, "versions": sorted(body["versions"])}


TOOL = taxii_reference.OLD["id"]


def both_specs(body):
    """The tool in 2.0 was added after the malware."""
    rows = [one for one in body["objects"]]
    place = [one["id"].split("--")[0] for one in rows].index("malware") + 1
    old = {"id": TOOL, "modified": taxii_reference.OLD["modified"]}
    if "date_added" in rows[0]:
        old = {"id": TOOL, "version": old["modified"], "date_added": "TIME",
               "media_type": "application/stix+json;version=2.0"}
    return {**body, "objects": rows[:place] + [old] + rows[place:]}


EMPTY = {"status": 200, "type": MEDIA, "body": {}}
NO_ENVELOPE = (instead(error(422)), "what is no envelope is 422 whatever is wrong (5.5)")
NO_DATE = (instead(error(400)), "a filter that is no time is a bad request (3.4); theirs fails")
WHO = (instead(error(401, asks="Basic")), "errors are of TAXII's media type too (3.6)")
ANY = (instead(EMPTY), "a client that names no version, or nothing, is given the newest (1.6.8)")
TYPES = (with_body(media_types), "the types that may come in, not those that did (5.2.1)")
ORDER = (with_body(oldest_first), "by date of adding, like all that is listed (3.4)")
METHOD = (instead(error(405)), "errors are of TAXII's media type too (3.6); theirs is a page")
SUCCESS = (with_body(known_is_success), "what is there already was not refused (4.3.1)")
SPECS = (with_body(both_specs), "who asks for both specifications gets the newest version of each "
         "(3.4); theirs has one version over both")

# What we answer where we differ, made of what they do, and why.
DIFFERENT = {
    "discovery": (with_body(below_taxii2), "our root lies below /taxii2/"),
    "collections": TYPES, "collection": TYPES, "collection read-only": TYPES,
    "collection write-only": TYPES,
    "nobody": WHO, "nobody at objects": WHO, "wrong password": WHO, "unknown user": WHO,
    "accept application/taxii+json": ANY, "accept */*": ANY, "accept None": ANY,
    "content type application/taxii+json": (instead(error(422)), "the newest version is meant "
                                            "(1.6.8); the body is no envelope"),
    "post again": SUCCESS, "post some again": SUCCESS,
    "post no json": NO_ENVELOPE, "post nothing": NO_ENVELOPE,
    "objects match[version]=never": NO_DATE, "objects added_after=yesterday": NO_DATE,
    "objects match[spec_version]=2.0,2.1": SPECS, "manifest match[spec_version]=2.0,2.1": SPECS,
    "versions": ORDER, "versions in both": ORDER, "versions limit=2": ORDER,
    "versions page 1": ORDER, "after delete version": ORDER,
    "no slash": (instead(error(404)), "the paths of the standard end in a slash; nobody is sent elsewhere"),
    "delete collection objects": METHOD, "put": METHOD,
}


@pytest.fixture(scope="module")
def theirs():
    return json.loads(VECTORS.read_text())


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    node = taxii_reference.node(tmp_path_factory.mktemp("reference")).start()
    try:
        return taxii_reference.ask_all(node.request, taxii_reference.NODE_ROOT)
    finally:
        node.stop()


@pytest.mark.skipif(not importlib.util.find_spec("medallion"), reason="medallion is not there")
def test_what_is_kept_is_what_it_answers(tmp_path):
    logging.disable(logging.CRITICAL)
    said = taxii_reference.ask_all(taxii_reference.medallion(tmp_path),
                                   taxii_reference.MEDALLION_ROOT)
    if os.environ.get("ENTENTE_WRITE_VECTORS"):
        VECTORS.parent.mkdir(exist_ok=True)
        VECTORS.write_text(json.dumps(said, indent=1) + "\n")
    assert said == json.loads(VECTORS.read_text())


def test_all_cases_are_kept(theirs):
    assert list(theirs) == list(taxii_reference.CASES)
    assert DIFFERENT.keys() <= theirs.keys()


@pytest.mark.parametrize("name", taxii_reference.CASES)
def test_case(name, ours, theirs):
    if name in DIFFERENT:
        answer, why = DIFFERENT[name]
        assert why and ours[name] != theirs[name], "we differ no more"
        assert ours[name] == answer(theirs[name])
    else:
        assert ours[name] == theirs[name]
