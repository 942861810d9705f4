"""The same requests at a node and at OASIS's reference server of TAXII 2.1 (medallion 3.0.0).

Both begin empty, have the same three collections and take the same objects, one a request. What
they answer is reduced to what a client can see and what does not change from run to run: status,
media type, whether there are headers with dates and in which order, and the body with ids of
statuses, dates and tokens left out.
"""
import hashlib
import json
import re

from nodes import Node
from taxii import MEDIA, basic, indicator, token_of, uuid4

READ_WRITE, READ_ONLY, WRITE_ONLY = (uuid4(name) for name in ("rw", "ro", "wo"))
COLLECTIONS = [(READ_WRITE, "rw", True, True), (READ_ONLY, "ro", True, False),
               (WRITE_ONLY, "wo", False, True)]
LENGTH = 65536  # of a body, at most

RW = f"collections/{READ_WRITE}/"
RO = f"collections/{READ_ONLY}/"
WO = f"collections/{WRITE_ONLY}/"
NONE = "collections/" + uuid4("none") + "/"

A1 = indicator("a")
A2 = indicator("a", modified="2026-11-02T00:00:00.000Z")
A3 = indicator("a", modified="2026-11-03T00:00:00.000Z")
B = indicator("b")
MALWARE = {"type": "malware", "spec_version": "2.1", "id": "malware--" + uuid4("m"),
           "created": "2026-11-01T00:00:00.000Z", "modified": "2026-11-01T00:00:00.000Z",
           "name": "m", "is_family": False}
OLD = {"type": "tool", "id": "tool--" + uuid4("t"), "created": "2026-11-01T00:00:00.000Z",
       "modified": "2026-11-01T00:00:00.000Z", "name": "t", "labels": ["remote-access"]}
NEW = {"type": "tool", "spec_version": "2.1", "id": OLD["id"],
       "created": "2026-11-01T00:00:00.000Z", "modified": "2026-11-04T00:00:00.000Z", "name": "t"}
MARKING = {"type": "marking-definition", "spec_version": "2.1", "id": "marking-definition--" +
           uuid4("mark"), "created": "2026-11-01T00:00:00.000Z", "definition_type": "statement",
           "definition": {"statement": "Ours"}}
DOMAIN = {"type": "domain-name", "value": "example.com",
          "id": "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"}
OBJECTS = [A1, B, MALWARE, OLD, A2, MARKING, NEW, DOMAIN, A3]
LATER = indicator("later")

USER = "user"
STATUS = "STATUS"  # in a path: the id of the status that came last
NEXT = "NEXT"      # the token that came last


def get(path, **headers):
    return ("GET", path, None, headers)


def post(path, body, **headers):
    return ("POST", path, body, headers)


def delete(path, **headers):
    return ("DELETE", path, None, headers)


ONE = RW + "objects/" + A1["id"] + "/"
TOOL = RW + "objects/" + OLD["id"] + "/"

# What is asked, in this order.
CASES = {
    # what there is
    "discovery": get("/taxii2/"),
    "root": get(""),
    "root unknown": get("../other/"),
    "collections": get("collections/"),
    "collection": get(RW),
    "collection read-only": get(RO),
    "collection write-only": get(WO),
    "collection unknown": get(NONE),
    "status unknown": get("status/" + uuid4("none") + "/"),
    # who asks
    "nobody": get("/taxii2/", Authorization=None),
    "nobody at objects": get(RW + "objects/", Authorization=None),
    "wrong password": get("/taxii2/", Authorization=basic(USER, "wrong")),
    "unknown user": get("collections/", Authorization=basic("x", "y")),
    # media types
    **{f"accept {accept}": get(RW + "manifest/", Accept=accept) for accept in (
        "application/taxii+json", "application/taxii+json;version=2.1",
        "application/taxii+json; version=2.1", "application/taxii+json ; version=2.1",
        "application/json, application/taxii+json;version=2.1",
        "application/taxii+json;version=2.0", "application/json",
        "application/vnd.oasis.taxii+json;version=2.0", "text/html", "*/*", None)},
    **{f"content type {kind}": post(RW + "objects/", b"{}", Content_Type=kind) for kind in (
        "application/taxii+json", "application/taxii+json;version=2.0", "application/json",
        "application/stix+json;version=2.1")},
    # an empty collection
    "empty objects": get(RW + "objects/"),
    "empty manifest": get(RW + "manifest/"),
    "empty object": get(ONE),
    "empty versions": get(ONE + "versions/"),
    # writing
    **{f"post {i} {one['type']}": post(RW + "objects/", {"objects": [one]})
       for i, one in enumerate(OBJECTS)},
    "status": get("status/" + STATUS + "/"),
    "post again": post(RW + "objects/", {"objects": [B]}),
    "post some again": post(RW + "objects/", {"objects": [B, LATER]}),
    "post read-only": post(RO + "objects/", {"objects": [B]}),
    "post write-only": post(WO + "objects/", {"objects": [B]}),
    "post unknown": post(NONE + "objects/", {"objects": [B]}),
    "post no json": post(RW + "objects/", b"{"),
    "post no objects": post(RW + "objects/", {"more": True}),
    "post no list": post(RW + "objects/", {"objects": 1}),
    "post bare object": post(RW + "objects/", B),
    "post no id": post(RW + "objects/", {"objects": [{"type": "indicator"}]}),
    "post nothing": post(RW + "objects/", b""),
    "post too much": post(RW + "objects/", b" " * (LENGTH + 1)),
    # objects
    "objects": get(RW + "objects/"),
    "objects read-only": get(RO + "objects/"),
    "objects write-only": get(WO + "objects/"),
    "objects unknown": get(NONE + "objects/"),
    **{f"objects {query}": get(RW + "objects/?" + query) for query in (
        "match[version]=all", "match[version]=first", "match[version]=last",
        "match[version]=first,last", "match[version]=2026-11-02T00:00:00.000Z",
        "match[version]=2026-11-02T00:00:00.000Z,first", "match[version]=2026-11-02T00:00:00Z",
        "match[version]=never", "match[type]=indicator", "match[type]=indicator,malware",
        "match[type]=none", f"match[id]={B['id']}", f"match[id]={B['id']},{A1['id']}",
        "match[id]=none", f"match[id]={B['id']}&match[type]=malware",
        "match[spec_version]=2.0", "match[spec_version]=2.1", "match[spec_version]=2.0,2.1",
        "match[type]=tool&match[version]=all", "match[type]=tool&match[spec_version]=2.0",
        "match[type]=tool&match[spec_version]=2.0,2.1&match[version]=all",
        "added_after=2016-11-01T03:04:05Z", "added_after=2016-11-01T03:04:05.000000Z",
        "added_after=2116-11-01T03:04:05Z", "added_after=yesterday",
        "limit=3", "limit=100", "limit=1000000", "limit=0", "limit=-1", "limit=x",
        "next=abc", "match[type]=indicator&limit=1", "other=1")},
    # one object
    "object": get(ONE),
    "object unknown": get(RW + "objects/indicator--" + uuid4("none") + "/"),
    "object read-only": get(RO + "objects/" + A1["id"] + "/"),
    "object write-only": get(WO + "objects/" + A1["id"] + "/"),
    "object observable": get(RW + "objects/" + DOMAIN["id"] + "/"),
    "object in two specs": get(TOOL),
    **{f"object {query}": get(ONE + "?" + query) for query in (
        "match[version]=all", "match[version]=first", "match[version]=first,last",
        "match[version]=2026-11-02T00:00:00.000Z", "match[version]=2020-11-02T00:00:00.000Z",
        "match[spec_version]=2.0", "match[version]=all&limit=2", "limit=0",
        "match[version]=all&added_after=2016-11-01T03:04:05Z", "added_after=2116-11-01T03:04:05Z",
        "match[type]=malware")},
    "object in 2.0": get(TOOL + "?match[spec_version]=2.0"),
    # manifest
    "manifest": get(RW + "manifest/"),
    "manifest read-only": get(RO + "manifest/"),
    "manifest write-only": get(WO + "manifest/"),
    "manifest unknown": get(NONE + "manifest/"),
    **{f"manifest {query}": get(RW + "manifest/?" + query) for query in (
        "match[version]=all", "match[version]=first", "match[type]=indicator",
        f"match[id]={A1['id']}", f"match[id]={A1['id']}&match[version]=all",
        "match[spec_version]=2.0", "match[spec_version]=2.0,2.1", "limit=2", "limit=0",
        "added_after=2016-11-01T03:04:05Z", "added_after=2116-11-01T03:04:05Z")},
    # versions
    "versions": get(ONE + "versions/"),
    "versions in two specs": get(TOOL + "versions/"),
    "versions in 2.0": get(TOOL + "versions/?match[spec_version]=2.0"),
    "versions in both": get(TOOL + "versions/?match[spec_version]=2.0,2.1"),
    "versions limit=2": get(ONE + "versions/?limit=2"),
    "versions limit=0": get(ONE + "versions/?limit=0"),
    "versions added_after": get(ONE + "versions/?added_after=2116-11-01T03:04:05Z"),
    "versions unknown": get(RW + "objects/indicator--" + uuid4("none") + "/versions/"),
    "versions read-only": get(RO + "objects/" + A1["id"] + "/versions/"),
    "versions write-only": get(WO + "objects/" + A1["id"] + "/versions/"),
    "versions observable": get(RW + "objects/" + DOMAIN["id"] + "/versions/"),
    "versions marking": get(RW + "objects/" + MARKING["id"] + "/versions/"),
    # pages
    "page 1": get(RW + "objects/?limit=4&match[version]=all"),
    "page 2": get(RW + f"objects/?limit=4&match[version]=all&next={NEXT}"),
    "page 3": get(RW + f"objects/?limit=4&match[version]=all&next={NEXT}"),
    "filters page 1": get(RW + "objects/?limit=2"),
    "filters changed": get(RW + f"objects/?limit=2&match[type]=indicator&next={NEXT}"),
    "manifest page 1": get(RW + "manifest/?limit=4"),
    "manifest page 2": get(RW + f"manifest/?limit=4&next={NEXT}"),
    "versions page 1": get(ONE + "versions/?limit=2"),
    "versions page 2": get(ONE + f"versions/?limit=2&next={NEXT}"),
    # paths
    "no slash": get(RW + "objects"),
    "delete collection objects": delete(RW + "objects/"),
    "put": ("PUT", RW + "objects/", {"objects": [B]}, {}),
    # deleting
    "delete read-only": delete(RO + "objects/" + A1["id"] + "/"),
    "delete write-only": delete(WO + "objects/" + B["id"] + "/"),
    "delete unknown": delete(RW + "objects/indicator--" + uuid4("none") + "/"),
    "delete version": delete(ONE + "?match[version]=2026-11-02T00:00:00.000Z"),
    "after delete version": get(ONE + "versions/"),
    "delete version again": delete(ONE + "?match[version]=2026-11-02T00:00:00.000Z"),
    "delete last": delete(ONE + "?match[version]=last"),
    "after delete last": get(ONE + "versions/"),
    "delete": delete(RW + "objects/" + B["id"] + "/"),
    "after delete": get(RW + "objects/" + B["id"] + "/"),
    "delete all": delete(ONE),
    "after delete all": get(ONE + "versions/"),
}

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
FIRST, LAST = "x-taxii-date-added-first", "x-taxii-date-added-last"


def steady(value, key=None):
    """Without what changes from run to run; versions of observables are dates of adding."""
    if isinstance(value, dict):
        return {name: steady(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [steady(one, key) for one in value]
    if key in ("date_added", "request_timestamp") or (
            key in ("version", "versions") and STAMP.fullmatch(value)):
        return "TIME" if STAMP.fullmatch(value) else value
    return value


def reduce(status, headers, body):
    """What of an answer is compared."""
    seen = {"status": status, "type": headers.get("content-type")}
    if FIRST in headers or LAST in headers:
        seen["dates"] = [name for name in (FIRST, LAST) if STAMP.fullmatch(headers.get(name, ""))]
        if len(seen["dates"]) == 2 and headers[FIRST] > headers[LAST]:
            seen["dates"].reverse()
    if "www-authenticate" in headers:
        seen["asks"] = headers["www-authenticate"].split()[0]
    try:
        body = json.loads(body) if body else None
    except ValueError:
        body = "no JSON"
    if not isinstance(body, dict):
        return {**seen, "body": body}
    if "http_status" in body:  # an error: its words are the server's own
        return {**seen, "error": {"title": bool(body["title"]), "http_status": body["http_status"]}}
    body = steady(body)
    if body.get("more") is False:  # as good as not there (section 3.7)
        del body["more"]
    if "next" in body:
        body["next"] = "NEXT"
    if "total_count" in body:
        body["id"] = "STATUS"
    if "objects" in body and "value" not in body:
        body["objects"] = [{name: one[name] for name in
                            ("id", "modified", "spec_version", "version", "media_type", "date_added")
                            if name in one} for one in body["objects"]]
    return {**seen, "body": body}


def ask_all(send, root):
    """All cases at one server: `send(method, path, body, headers)`."""
    seen, last = {}, {STATUS: uuid4("none"), NEXT: "none"}
    for name, (method, path, body, headers) in CASES.items():
        for word, value in last.items():
            path = path.replace(word, value)
        sent = {"Authorization": basic(USER), "Accept": MEDIA}
        if body is not None:
            sent["Content-Type"] = MEDIA
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent.update({key.replace("_", "-"): value for key, value in headers.items()})
        sent = {key: value for key, value in sent.items() if value is not None}
        if path.startswith("../"):
            path = root[:root.rindex("/", 0, -1) + 1] + path[len("../"):]
        answer = send(method, path if path.startswith("/") else root + path, body, sent)
        seen[name] = reduce(*answer)
        try:
            answered = json.loads(answer[2])
        except ValueError:
            continue
        if isinstance(answered, dict):
            if "total_count" in answered:
                last[STATUS] = answered["id"]
            if "next" in answered:
                last[NEXT] = answered["next"]
    return seen


# --- the two servers ---

def node(folder):
    """A node with the collections."""
    config = folder / "intel.yaml"
    lines = ["title: Reference", f"max_content_length: {LENGTH}", "collections:"]
    for id, alias, read, write in COLLECTIONS:
        lines += [f"  - alias: {alias}", f"    id: {id}", f"    title: {alias}", "    tlp: clear",
                  f"    read: [{USER if read else ''}]", f"    write: [{USER if write else ''}]"]
    lines += ["readers:", f"  - name: {USER}", "    own: true", "    ceiling: red",
              "    token: sha256:" + hashlib.sha256(token_of(USER).encode()).hexdigest()]
    config.write_text("\n".join(lines) + "\n")
    data = folder / "node"
    data.mkdir()
    return Node(data, "--intel", config)


NODE_ROOT = "/taxii2/intel/"
MEDALLION_ROOT = "/intel/"


def medallion(folder):
    """The reference server in this process, as what sends a request to it."""
    import medallion as server

    data = folder / "medallion.json"
    data.write_text(json.dumps({
        "/discovery": {"title": "Reference", "default": MEDALLION_ROOT,
                       "api_roots": [MEDALLION_ROOT]},
        "intel": {"information": {"title": "Reference", "versions": [MEDIA],
                                  "max_content_length": LENGTH},
                  "status": [],
                  "collections": [{"id": id, "alias": alias, "title": alias, "can_read": read,
                                   "can_write": write, "media_types": [], "manifest": [],
                                   "objects": []} for id, alias, read, write in COLLECTIONS]}}))
    config = folder / "config.json"
    config.write_text(json.dumps({
        "backend": {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend",
                    "filename": str(data)},
        "users": {USER: token_of(USER)}, "taxii": {"max_page_size": 100}}))
    client = server.load_app(str(config)).test_client()

    def send(method, path, body, headers):
        try:
            answer = client.open(path, method=method, data=body, headers=headers)
        except Exception:  # its own handler of errors failed: a WSGI server answers for it
            return 500, {"content-type": "text/html"}, b""
        return (answer.status_code, {name.lower(): value for name, value in answer.headers},
                answer.data)
    return send
