"""
The TAXII 2.1 server: each endpoint with each parameter, and what it answers (OASIS Standard).

Exercises service_taxii, taxii_answers, taxii_page and taxii_post (src/node), taxii_config
(p1_resilience/intel) and intel_token (src/cli).
"""
import re

import pytest

from taxii import MEDIA, RED, ROOT, Taxii, basic, indicator, uuid4

SHARED = ROOT + "collections/shared/"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
A1 = indicator("a")
A2 = indicator("a", modified="2026-11-02T00:00:00.000Z")
B = indicator("b")
OLD = {"type": "malware", "id": "malware--" + uuid4("old"), "created": "2026-11-01T00:00:00.000Z",
       "modified": "2026-11-01T00:00:00.000Z", "name": "old", "labels": ["worm"]}
NEW = {**OLD, "spec_version": "2.1", "is_family": False}
SECRET = indicator("secret", marking=RED)
DOMAIN = {"type": "domain-name", "spec_version": "2.1", "value": "example.com",
          "id": "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"}
ALL = [A1, B, OLD, A2, NEW, SECRET, DOMAIN]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    node = Taxii(tmp_path_factory.mktemp("taxii")).start()
    try:
        status = node.post(ALL)
        assert status["success_count"] == len(ALL), status
        yield node
    finally:
        node.stop()


def ids(answer):
    return [(o["id"], o.get("modified")) for o in answer.get("objects", [])]


def key(*objects):
    return [(o["id"], o.get("modified")) for o in objects]


OBJECTS = SHARED + "objects/"
MANIFEST = SHARED + "manifest/"
ONE = OBJECTS + A1["id"] + "/"

# Path; options of the request; status; what must hold for (headers, answer).
TABLE = [
    # discovery, root, collections
    ("/taxii2/", {}, 200, lambda h, a: a["title"] == "Indicators of Example CERT" and
     a["api_roots"] == [a["default"]] == [ROOT] and a["contact"] == "soc@cert.example"),
    (ROOT, {}, 200, lambda h, a: a["versions"] == [MEDIA] and a["max_content_length"] == 4194304),
    (ROOT + "collections/", {}, 200, lambda h, a: [c["alias"] for c in a["collections"]] ==
     ["shared", "open", "own"]),
    (ROOT + "collections/", {"who": "member"}, 200, lambda h, a:
     [(c["alias"], c["can_read"], c["can_write"]) for c in a["collections"]] ==
     [("shared", True, False), ("open", True, False)]),
    (ROOT + "collections/", {"who": "partner"}, 200, lambda h, a:
     [(c["alias"], c["can_read"], c["can_write"]) for c in a["collections"]] ==
     [("shared", False, True)]),
    (SHARED, {}, 200, lambda h, a: a["title"] == "Shared with members" and len(a["id"]) == 36 and
     a["media_types"][0] == "application/stix+json;version=2.1"),
    # who may
    ("/taxii2/", {"who": None}, 401, lambda h, a: h["www-authenticate"].startswith("Basic ") and
     a["http_status"] == "401"),
    (OBJECTS, {"who": None}, 401, None),
    (OBJECTS, {"Authorization": basic("soc", "wrong")}, 401, None),
    (OBJECTS, {"Authorization": basic("member", "token-of-soc-0123456789")}, 401, None),
    (OBJECTS, {"Authorization": "Bearer token-of-soc-0123456789"}, 200, None),
    (OBJECTS, {"Authorization": "Basic %%%"}, 401, None),
    (OBJECTS, {"Authorization": "Digest x"}, 401, None),
    (ROOT + "collections/own/", {"who": "member"}, 404, None),
    (ROOT + "collections/own/objects/", {"who": "member"}, 404, None),
    (ROOT + "collections/none/", {}, 404, lambda h, a: a["title"] and a["http_status"] == "404"),
    (OBJECTS, {"who": "partner"}, 403, None),
    (MANIFEST, {"who": "partner"}, 403, None),
    (ONE, {"who": "partner"}, 403, None),
    (OBJECTS, {"who": "member", "method": "POST", "body": {"objects": [B]}}, 403, None),
    (ONE, {"who": "member", "method": "DELETE"}, 403, None),
    (ONE, {"who": "partner", "method": "DELETE"}, 403, None),
    # media types
    (OBJECTS, {"Accept": "application/taxii+json"}, 200, None),
    (OBJECTS, {"Accept": "application/taxii+json ; version=2.1"}, 200, None),
    (OBJECTS, {"Accept": "text/html, application/taxii+json; version=\"2.1\";q=0.5"}, 200, None),
    (OBJECTS, {"Accept": "*/*"}, 200, None),
    (OBJECTS, {"Accept": "application/taxii+json;version=2.0"}, 406, lambda h, a: a["title"]),
    (OBJECTS, {"Accept": "application/json"}, 406, None),
    (OBJECTS, {"method": "POST", "body": {"objects": [B]}, "Content-Type": "application/json"},
     415, None),
    (OBJECTS, {"method": "POST", "body": {"objects": [B]}, "Content-Type":
               "application/taxii+json;version=2.0"}, 415, None),
    # paths
    (SHARED.rstrip("/"), {}, 404, lambda h, a: a["http_status"] == "404"),
    ("/taxii2/other/", {}, 404, None),
    (OBJECTS, {"method": "DELETE"}, 405, None),
    # objects and their filters
    (OBJECTS, {}, 200, lambda h, a: ids(a) == key(B, A2, NEW, SECRET, DOMAIN) and "more" not in a
     and STAMP.fullmatch(h["x-taxii-date-added-first"])
     and h["x-taxii-date-added-first"] < h["x-taxii-date-added-last"]),
    (OBJECTS, {"who": "member"}, 200, lambda h, a: ids(a) == key(B, A2, NEW, DOMAIN)),
    (OBJECTS + "?match[version]=all", {}, 200, lambda h, a: ids(a) == key(A1, B, A2, NEW, SECRET,
                                                                         DOMAIN)),
    (OBJECTS + "?match[version]=first", {}, 200,
     lambda h, a: ids(a) == key(A1, B, NEW, SECRET, DOMAIN)),
    (OBJECTS + "?match[version]=first,last", {}, 200,
     lambda h, a: ids(a) == key(A1, B, A2, NEW, SECRET, DOMAIN)),
    (OBJECTS + "?match[version]=2026-11-01T00:00:00Z", {}, 200,
     lambda h, a: ids(a) == key(A1, B, NEW, SECRET)),
    (OBJECTS + "?match[version]=2026-11-01T00:00:00.000000Z&match%5Btype%5D=indicator", {}, 200,
     lambda h, a: ids(a) == key(A1, B, SECRET)),
    (OBJECTS + "?match[version]=newest", {}, 400, lambda h, a: "newest" in a["description"]),
    (OBJECTS + "?match[type]=indicator", {}, 200, lambda h, a: ids(a) == key(B, A2, SECRET)),
    (OBJECTS + "?match[type]=malware,domain-name", {}, 200, lambda h, a: ids(a) == key(NEW, DOMAIN)),
    (OBJECTS + "?match[type]=tool", {}, 200, lambda h, a: a == {} and
     "x-taxii-date-added-first" not in h),
    (OBJECTS + "?match[type]=indicator,", {}, 400, None),
    (OBJECTS + f"?match[id]={B['id']},{A1['id']}", {}, 200, lambda h, a: ids(a) == key(B, A2)),
    (OBJECTS + f"?match[id]={B['id']}&match[type]=malware", {}, 200, lambda h, a: a == {}),
    (OBJECTS + f"?match[id]={B['id']},{A1['id']}&match[version]=all&limit=1", {}, 200,
     lambda h, a: ids(a) == key(A1) and a["more"] is True),
    (OBJECTS + "?match[spec_version]=2.0", {}, 200, lambda h, a: ids(a) == key(OLD) and
     "spec_version" not in a["objects"][0]),
    (OBJECTS + "?match[spec_version]=2.0,2.1&match[type]=malware", {}, 200,
     lambda h, a: ids(a) == key(OLD, NEW)),
    (OBJECTS + "?limit=0", {}, 400, lambda h, a: "limit" in a["description"]),
    (OBJECTS + "?limit=-1", {}, 400, None),
    (OBJECTS + "?limit=x", {}, 400, None),
    (OBJECTS + "?limit=99999999999999", {}, 200, lambda h, a: len(a["objects"]) == 5),
    (OBJECTS + "?added_after=yesterday", {}, 400, None),
    (OBJECTS + "?added_after=2020-01-01T00:00:00Z", {}, 200, lambda h, a: len(a["objects"]) == 5),
    (OBJECTS + "?added_after=2120-01-01T00:00:00.000000Z", {}, 200, lambda h, a: a == {}),
    (OBJECTS + "?next=abc", {}, 400, None),
    (OBJECTS + "?next=" + "A" * 32, {}, 400, None),
    (OBJECTS + "?unknown=1", {}, 200, lambda h, a: len(a["objects"]) == 5),
    # manifest
    (MANIFEST, {}, 200, lambda h, a: [o["id"] for o in a["objects"]] ==
     [i for i, _ in key(B, A2, NEW, SECRET, DOMAIN)] and
     all(STAMP.fullmatch(o["date_added"]) for o in a["objects"]) and
     a["objects"][0]["date_added"] == h["x-taxii-date-added-first"] and
     a["objects"][-1]["version"] == a["objects"][-1]["date_added"] and
     a["objects"][0]["media_type"] == "application/stix+json;version=2.1"),
    (MANIFEST + "?match[spec_version]=2.0", {}, 200, lambda h, a:
     a["objects"][0]["media_type"] == "application/stix+json;version=2.0"),
    (MANIFEST, {"who": "member"}, 200, lambda h, a: SECRET["id"] not in str(a)),
    (MANIFEST + "?limit=2", {}, 200, lambda h, a: len(a["objects"]) == 2 and a["more"] is True),
    (MANIFEST + "?limit=0", {}, 400, None),
    # one object
    (ONE, {}, 200, lambda h, a: a == {"objects": [A2]}),
    (ONE + "?match[version]=all", {}, 200, lambda h, a: a["objects"] == [A1, A2]),
    (ONE + "?match[version]=first", {}, 200, lambda h, a: a["objects"] == [A1]),
    (ONE + "?match[version]=2020-01-01T00:00:00Z", {}, 200, lambda h, a: a == {}),
    (ONE + "?match[spec_version]=2.0", {}, 200, lambda h, a: a == {}),
    (OBJECTS + "indicator--" + uuid4("none") + "/", {}, 404, None),
    (OBJECTS + SECRET["id"] + "/", {"who": "member"}, 404, None),
    (OBJECTS + SECRET["id"] + "/", {}, 200, None),
    (OBJECTS + DOMAIN["id"] + "/", {}, 200, lambda h, a: a["objects"] == [DOMAIN]),
    # versions
    (ONE + "versions/", {}, 200, lambda h, a: a == {"versions": [A1["modified"], A2["modified"]]}
     and STAMP.fullmatch(h["x-taxii-date-added-last"])),
    (ONE + "versions/?limit=1", {}, 200, lambda h, a: a["versions"] == [A1["modified"]] and
     a["more"]),
    (ONE + "versions/?limit=0", {}, 400, None),
    (OBJECTS + SECRET["id"] + "/versions/", {"who": "member"}, 404, None),
    (OBJECTS + OLD["id"] + "/versions/?match[spec_version]=2.0", {}, 200,
     lambda h, a: len(a["versions"]) == 1),
    # bodies that are no envelope
    (OBJECTS, {"method": "POST", "body": b"{"}, 422, lambda h, a: a["http_status"] == "422"),
    (OBJECTS, {"method": "POST", "body": {}}, 422, None),
    (OBJECTS, {"method": "POST", "body": {"objects": []}}, 422, None),
    (OBJECTS, {"method": "POST", "body": {"objects": [{"type": "indicator"}]}}, 422, None),
    (OBJECTS, {"method": "POST", "body": {"objects": {}}}, 422, None),
    (OBJECTS, {"method": "POST", "body": {"type": "bundle", "id": "bundle--" + uuid4("x"),
                                          "objects": [B]}}, 422, None),
    (OBJECTS, {"method": "POST", "body": B}, 422, None),
    (OBJECTS, {"method": "POST", "body": b" " * 4194305}, 413, lambda h, a: a["title"]),
    (OBJECTS, {"method": "POST", "body": b"x", "Content-Encoding": "br"}, 415, None),
    (ROOT + "status/" + uuid4("none") + "/", {}, 404, None),
    # what is refused before the service is asked
    ("/taxii2/none/", {"method": "POST", "body": {}}, 405, None),
    ("/taxii2/" + "a" * 2000 + "/", {}, 414, None),
    (ROOT + "collections/" + "a" * 600 + "/objects/", {}, 414, None),
    (OBJECTS + "?match[id]=" + "a" * 3000, {}, 414, None),
    (OBJECTS + "?match[id]=%zz", {}, 400, None),
    ("/taxii2/%2F", {}, 400, None),
    (OBJECTS, {"body": {"objects": []}}, 400, None),
    (OBJECTS, {"method": "POST", "Content-Length": str(1 << 25)}, 413, lambda h, a:
     h["connection"] == "close"),
    (OBJECTS, {"method": "POST", "Transfer-Encoding": "gzip"}, 400, None),
]


@pytest.mark.parametrize("path, options, status, holds", TABLE,
                         ids=[f"{i}-{s}-{p.split('/')[-2] + p.split('/')[-1]}"[:60]
                              for i, (p, _, s, _) in enumerate(TABLE)])
def test_endpoint(server, path, options, status, holds):
    options = {name.replace("-", "_"): value for name, value in options.items()}
    answered, headers, answer = server.ask(path, **options)
    assert answered == status, (answered, answer)
    assert headers["content-type"] == MEDIA
    if status >= 400:
        assert answer["title"] and answer["http_status"] == str(status)
    assert holds is None or holds(headers, answer), (headers, answer)


def test_a_token_that_the_program_made(entente, tmp_path):
    """What the reader shows, and what the node keeps: the token itself is nowhere on its side."""
    made = dict(line.split(None, 1) for line in entente("intel", "token").stdout.splitlines())
    token, kept = made["token:"], made["intel:"].removeprefix("token: ")
    node = Taxii(tmp_path)
    config = tmp_path / "intel.yaml"
    config.write_text(config.read_text() + f"  - name: new\n    own: true\n    token: {kept}\n")
    node.start()
    try:
        assert node.ask(ROOT, Authorization=basic("new", token))[0] == 200
        assert node.ask(ROOT, Authorization=basic("new", token[:-1]))[0] == 401
        assert token not in config.read_text()
    finally:
        node.stop()
    assert entente("intel", "token").stdout.split()[1] != token
    entente("intel", "token", "more", status=2)


def test_who_asks_too_often_is_told_so_as_of_all_else(tmp_path):
    node = Taxii(tmp_path, "--trusted-proxy", "127.0.0.1", "--rate", 1).start()
    try:
        for _ in range(1000):
            status, headers, answer = node.ask(OBJECTS, X_Forwarded_For="192.0.2.7")
            if status != 200:
                break
        assert (status, headers["content-type"]) == (429, MEDIA)
        assert answer["http_status"] == "429" and int(headers["retry-after"]) >= 1
    finally:
        node.stop()
