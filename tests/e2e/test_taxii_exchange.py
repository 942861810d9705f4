"""
Indicators between nodes: pull and push, killed and refused; feeds of MISP out and in.

Exercises cmd_intel, intel_pull, intel_push and intel_remote (src/cli), taxii_client, misp_client and
misp_feed (p1_resilience/intel) and service_misp (src/node).
"""
import hashlib
import http.server
import json
import shutil
import threading
import time

import pytest

from nodes import MAKER, SANITIZED, Community
from taxii import (CLEAR, MEDIA, RED, ROOT, Arriving, Taxii, basic, indicator, pull_and_kill, pulled,
                   token_of, uuid4)
from test_review import enter
from waiting import PATIENCE

MANY = 100_000
PAGE = 1000
NODE_MEMORY = 128 << 20  # bytes that a node takes at most, however much it shares


@pytest.fixture
def server(tmp_path):
    node = Taxii(tmp_path).start()
    yield node
    node.stop()


@pytest.fixture
def url(server):
    return f"http://127.0.0.1:{server.port}{ROOT}"


@pytest.fixture
def token(tmp_path):
    def make(name):
        file = tmp_path / f"{name}.token"
        file.write_text(token_of(name) + "\n")
        return ["--user", name, "--token-file", file, "--allow-private"]
    return make


def bundle(path, objects):
    path.write_text(json.dumps({"type": "bundle", "id": "bundle--" + uuid4(path),
                                "objects": objects}))
    return path


def test_push_and_pull(entente, server, url, token, tmp_path):
    objects = [indicator(i) for i in range(25)] + [indicator("red", marking=RED)]
    said = entente("intel", "push", bundle(tmp_path / "b.json", objects), "--url", url,
                   "--collection", "shared", *token("soc"), status=4).stderr
    assert "25 sent, 25 taken" in said and "1 not sent" in said
    said = entente("intel", "pull", url, "--collection", "shared", "--page", "10", "-o", "in",
                   *token("member")).stderr
    assert "25 new objects on 3 pages" in said
    assert pulled(tmp_path / "in") == [(o["id"], o["modified"]) for o in objects[:25]]
    # nothing new: nothing twice
    entente("intel", "pull", url, "--collection", "shared", "-o", "in", *token("member"))
    server.post([indicator("new"), indicator("0", modified="2026-11-05T00:00:00.000Z")])
    said = entente("intel", "pull", url, "--collection", "shared", "-o", "in",
                   *token("member")).stderr
    assert "2 new objects" in said
    assert len(pulled(tmp_path / "in")) == len(set(pulled(tmp_path / "in"))) == 27
    # what was pulled is a feed to hunt with
    entente("hunt", "build", "-o", "intel.table", "in")
    entente("intel", "pull", url, "--collection", "shared", "--match", "type=malware", "-o", "other",
            *token("member"))
    assert not pulled(tmp_path / "other")


def test_refusals(entente, url, token, tmp_path):
    file = bundle(tmp_path / "b.json", [indicator("a")])
    assert "401" in entente("intel", "pull", url, "--collection", "shared", "-o", "in",
                            "--allow-private", status=4).stderr
    assert "403" in entente("intel", "push", file, "--url", url, "--collection", "shared",
                            *token("member"), status=4).stderr
    assert "404" in entente("intel", "pull", url, "--collection", "own", "-o", "in",
                            *token("member"), status=3).stderr
    entente("intel", "pull", url, "--collection", "shared", *token("member"), status=2)
    entente("intel", "push", file, status=2)


def test_signed_requests(entente, tmp_path):
    """A key in place of a token: for the node's public name only."""
    entente("key", "new", "--name", "cert.example")
    keys = list((tmp_path / "data" / "keys").glob("*.key"))
    public = next(word for word in entente("key", "show").stdout.split() if word.count("+") >= 2)
    node = Taxii(tmp_path)
    config = tmp_path / "intel.yaml"
    config.write_text(config.read_text() + f"  - name: signed\n    key: {public}\n")
    config.write_text(config.read_text().replace("read: [member, soc]", "read: [signed, soc]", 1))
    node.options += ("--public-url", f"http://127.0.0.1:{node.port}")
    node.start()
    try:
        node.post([indicator(i) for i in range(5)])
        address = f"http://127.0.0.1:{node.port}{ROOT}"
        said = entente("intel", "pull", address, "--collection", "shared", "--page", "2", "-o",
                       "in", "--match", "type=indicator,malware", "--key", keys[0],
                       "--allow-private").stderr
        assert "5 new objects on 3 pages" in said
        other = f"http://localhost:{node.port}{ROOT}"
        entente("intel", "pull", other, "--collection", "shared", "-o", "in2", "--key", keys[0],
                "--allow-private", status=4)
    finally:
        node.stop()


@pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built")
def test_signatories_by_the_register(tmp_path):
    """Who is named as a signatory asks with any key that speaks for it in the register."""
    community = Community(tmp_path, 0)
    config = tmp_path / "intel.yaml"
    url = f"http://127.0.0.1:{community.log.port}"
    config.write_text(
        "title: Shared\ncollections:\n  - {alias: shared, title: Shared, tlp: clear, "
        "read: [state, soc], write: [soc]}\nreaders:\n"
        "  - {name: state, signatory: state.example}\n"
        "  - {name: nobody, signatory: nobody.example}\n"
        f"  - {{name: soc, own: true, token: 'sha256:{hashlib.sha256(b'soc').hexdigest()}'}}\n")
    community.log.options += ("--intel", config, "--public-url", url)
    community.start()
    try:
        community.log.until(lambda: community.log.size() >= 1)

        class World:
            pass
        made = World()
        made.url = url
        made.hash = hashlib.sha256(
            (tmp_path / "log/community/policy.json").read_bytes()).hexdigest()
        state, society = (enter(made, tmp_path / f"member-{i}") for i in (0, 2))
        (tmp_path / "soc").write_text("soc\n")
        state("intel", "push", bundle(tmp_path / "b.json", [indicator("a")]), "--url", url + ROOT,
              "--collection", "shared", "--token-file", tmp_path / "soc", "--allow-private")

        def pull(member, key, status):
            return member("intel", "pull", url + ROOT, "--collection", "shared", "-o", key.stem,
                          "--key", key, "--allow-private", status=status).stderr

        def keys(member):
            return [key for key in sorted((member.folder / "data/keys").glob("*.key"))
                    if "seal" not in key.stem]

        assert keys(state) and keys(society)
        for key in keys(state):
            assert "1 new object" in pull(state, key, 0)
        for key in keys(society):
            assert "401" in pull(society, key, 4)
    finally:
        community.stop()


def test_signatories_want_a_register(tmp_path):
    node = Taxii(tmp_path)
    config = tmp_path / "intel.yaml"
    config.write_text(config.read_text() + "  - name: state\n    signatory: state.example\n")
    node.start(wait=False)
    assert node.process.wait(timeout=PATIENCE) == 2
    assert "no register" in node.said()


def test_tokens_of_pages(server):
    """They survive a restart, go with their filters only, and not elsewhere."""
    server.post([indicator(i) for i in range(10)])
    path = ROOT + "collections/shared/objects/"
    _, _, page = server.ask(path + "?limit=4&match[type]=indicator")
    token = page["next"]
    assert page["more"] is True and len(page["objects"]) == 4
    server.stop()
    server.start()
    status, _, rest = server.ask(f"{path}?match[type]=indicator&next={token}")
    assert status == 200 and len(rest["objects"]) == 6 and "more" not in rest
    for wrong in (f"{path}?next={token}", f"{path}?match[type]=malware&next={token}",
                  f"{path}?match[type]=indicator&added_after=2020-01-01T00:00:00Z&next={token}",
                  f"{ROOT}collections/shared/manifest/?match[type]=indicator&next={token}",
                  f"{ROOT}collections/own/objects/?match[type]=indicator&next={token}",
                  f"{path}?match[type]=indicator&next=B{token[1:]}"):
        assert server.ask(wrong)[0] == 400, wrong


def test_objects_that_cannot_follow(server):
    first = server.post([indicator("a")])
    again = server.post([indicator("a")])
    assert first["success_count"] == again["success_count"] == 1
    assert "already" in again["successes"][0]["message"]
    other = server.post([{**indicator("a"), "name": "other words"}, {**indicator("b"), "pattern": "x"},
                         indicator("c"), indicator("a", modified="2026-11-09T00:00:00.000Z",
                                                   created="2026-11-02T00:00:00.000Z")])
    assert (other["success_count"], other["failure_count"]) == (1, 3)
    assert {f["id"] for f in other["failures"]} == {indicator("a")["id"], indicator("b")["id"]}
    status, _, kept = server.ask(f"{ROOT}status/{other['id']}/")
    assert status == 200 and kept == other
    assert server.ask(f"{ROOT}status/{other['id']}/", who="member")[0] == 404
    path = f"{ROOT}collections/shared/objects/{indicator('c')['id']}/"
    assert server.ask(path, method="DELETE")[0] == 200
    assert server.ask(path)[0] == server.ask(path, method="DELETE")[0] == 404


def test_public_collection(tmp_path):
    node = Taxii(tmp_path, public="true").start()
    try:
        node.post([indicator("clear", marking=CLEAR), indicator("none"),
                   indicator("red", marking=RED)], "open")
        _, _, shown = node.ask(ROOT + "collections/", who=None)
        assert [c["alias"] for c in shown["collections"]] == ["open"]
        _, _, page = node.ask(ROOT + "collections/open/objects/", who=None)
        assert [o["id"] for o in page["objects"]] == [indicator(n)["id"] for n in ("clear", "none")]
        assert node.ask(ROOT + "collections/shared/objects/", who=None)[0] == 401
        assert node.ask(ROOT + "collections/open/objects/", who=None, method="POST",
                        body={"objects": [indicator("x")]})[0] == 401
        journal = node.data / "journal.db"
        assert journal.exists()
    finally:
        node.stop()


def test_gzip(server):
    import gzip
    body = gzip.compress(json.dumps({"objects": [indicator(i) for i in range(100)]}).encode())
    status, _, answer = server.ask(ROOT + "collections/shared/objects/", method="POST", body=body,
                                   Content_Encoding="gzip")
    assert status == 202 and answer["success_count"] == 100
    bomb = gzip.compress(b" " * 5_000_000)
    assert server.ask(ROOT + "collections/shared/objects/", method="POST", body=bomb,
                      Content_Encoding="gzip")[0] == 413
    status, headers, text = server.request(
        "GET", ROOT + "collections/shared/objects/", headers={
            "Accept": MEDIA, "Authorization": basic("soc"), "Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(text))["objects"]) == 100


def test_many_while_more_arrive_and_killed(entente, server, url, token, tmp_path, say):
    """100,000 objects, and more while they are read; the reader is killed again and again."""
    objects = [indicator(i) for i in range(MANY)]
    file = bundle(tmp_path / "many.json", objects)
    began = time.monotonic()
    entente("intel", "push", file, "--store", "shared", "--data", server.data, timeout=10 * PATIENCE)
    loaded = time.monotonic() - began
    command = ["intel", "pull", url, "--collection", "shared", "-o", tmp_path / "in", "--page",
               PAGE, *token("member"), "--quiet"]
    began = time.monotonic()
    with Arriving(server.post) as arriving:
        kills = pull_and_kill(entente, command, lambda: pulled(tmp_path / "in"), 0.4)
    took = time.monotonic() - began
    entente(*command, timeout=10 * PATIENCE)  # what came after the last page
    got = pulled(tmp_path / "in")
    wanted = [(o["id"], o["modified"]) for o in objects + arriving.objects]
    assert len(got) == len(set(got)), "something came twice"
    assert set(got) == set(wanted)
    assert kills >= 2 and arriving.objects
    peak = server.peak_memory()
    assert SANITIZED or peak < NODE_MEMORY
    say(f"figure: TAXII: {MANY} objects loaded in {loaded:.1f} s; pulled in {took:.1f} s with "
        f"{kills} kills, {len(arriving.objects)} more arriving; the node took at most "
        f"{peak >> 20} MB")


def test_killed_while_pulling_into_a_collection(entente, server, url, token, tmp_path):
    """Into a collection of the node's own store: nothing is missing there, and nothing twice."""
    objects = [indicator(i, marking=CLEAR) for i in range(2000)]
    entente("intel", "push", bundle(tmp_path / "b.json", objects), "--store", "shared", "--data",
            server.data)
    command = ["intel", "pull", url, "--collection", "shared", "--store", "open", "--data",
               tmp_path / "other", "--page", 50, *token("member"), "--quiet"]
    with Arriving(server.post, some=5) as arriving:
        assert pull_and_kill(entente, command, (tmp_path / "other").exists) >= 1
    entente(*command)
    (tmp_path / "there").mkdir()
    other = Taxii(tmp_path / "there")
    other.data = tmp_path / "other"
    other.start()
    try:
        got, path = [], ROOT + "collections/open/objects/?match[version]=all&limit=1000"
        while path:
            status, _, page = other.ask(path, "member")
            assert status == 200, page
            got += [o["id"] for o in page["objects"]]
            path = (ROOT + "collections/open/objects/?match[version]=all&limit=1000&next=" +
                    page["next"]) if page.get("more") else None
    finally:
        other.stop()
    assert len(got) == len(set(got))
    assert set(got) == {o["id"] for o in objects + arriving.objects}


# --- MISP ---

def event(name, timestamp, tag="tlp:clear", **members):
    return {"uuid": uuid4(name), "info": f"Event {name}", "date": "2026-11-01", "analysis": "2",
            "threat_level_id": "2", "timestamp": str(timestamp), "published": True,
            "Orgc": {"name": "Example CERT", "uuid": uuid4("cert")},
            "Tag": [{"name": tag, "colour": "#ffffff"}],
            "Attribute": [{"uuid": uuid4(name + "1"), "type": "domain|ip", "to_ids": True,
                           "category": "Network activity", "timestamp": str(timestamp),
                           "value": f"{name}.example|192.0.2.7"}],
            "Object": [{"name": "file", "uuid": uuid4(name + "2"), "Attribute": [
                {"uuid": uuid4(name + "3"), "type": "md5", "to_ids": True, "value": "0" * 32,
                 "category": "Payload delivery", "timestamp": str(timestamp)}]}], **members}


def write_event(path, value):
    path.write_text(json.dumps({"Event": value}))
    return path


@pytest.fixture
def profile(tmp_path):
    (tmp_path / "entente.yaml").write_text(
        "signatory:\n  name: Example CERT\n  group: civil-society\n")


def test_misp_feed_out(entente, profile, tmp_path):
    files = [write_event(tmp_path / f"{name}.json", event(name, 1000)) for name in "ab"]
    files.append(write_event(tmp_path / "red.json", event("red", 1000, tag="tlp:red")))
    said = entente("intel", "push", *files, "--misp-feed", "feed", "--to", "public",
                   status=4).stderr
    assert "1 not sent" in said
    feed = tmp_path / "feed"
    manifest = json.loads((feed / "manifest.json").read_text())
    assert sorted(manifest) == sorted(uuid4(name) for name in "ab")
    assert manifest[uuid4("a")]["Orgc"]["name"] == "Example CERT"
    assert manifest[uuid4("a")]["timestamp"] == "1000"
    assert {p.name for p in feed.iterdir()} == {"manifest.json", "hashes.csv",
                                                *(f"{uuid4(n)}.json" for n in "ab")}

    def lines():
        return sorted((feed / "hashes.csv").read_text().split())

    def line(value, name):
        return hashlib.md5(value.encode()).hexdigest() + "," + uuid4(name)

    wanted = sorted(line(value, name) for name in "ab"
                    for value in (f"{name}.example", "192.0.2.7", "0" * 32))
    assert lines() == wanted
    # again, newer: replaced
    newer = event("a", 2000)
    newer["Attribute"][0]["value"] = "other.example|192.0.2.7"
    entente("intel", "push", write_event(files[0], newer), "--misp-feed", "feed", "--to", "public")
    assert line("other.example", "a") in lines() and line("a.example", "a") not in lines()
    assert json.loads((feed / "manifest.json").read_text())[uuid4("a")]["timestamp"] == "2000"
    entente("hunt", "build", "-o", "intel.table", "feed")


def test_misp_feed_takes_what_misp_answers(entente, profile, tmp_path, shared):
    """{"response": [...]}, as the REST API answers and real events are kept, and lists of events."""
    listed = [{"Event": event(name, 1000)} for name in "ab"]
    for form in ({"response": listed}, listed):
        (tmp_path / "answer.json").write_text(json.dumps(form))
        entente("intel", "push", "answer.json", "--misp-feed", "feed", "--to", "public")
        manifest = json.loads((tmp_path / "feed" / "manifest.json").read_text())
        assert set(manifest) == {uuid4(name) for name in "ab"}
        shutil.rmtree(tmp_path / "feed")
    for nothing in ({"response": []}, [], {"response": [{"Event": {}}]}):
        (tmp_path / "answer.json").write_text(json.dumps(nothing))
        said = entente("intel", "push", "answer.json", "--misp-feed", "feed", status=2).stderr
        assert "no event of MISP" in said
    real = sorted((shared / "data" / "hunt" / "misp").glob("*.json"))
    assert len(real) == 6
    done = entente("intel", "push", *real, "--misp-feed", "real", "--to", "all", "--named", "all",
                   status=4)
    assert "1 not sent: its source did not allow" in done.stderr and "5 events" in done.stderr
    events = [json.loads(path.read_text())["response"][0]["Event"]["uuid"] for path in real]
    sent = set(json.loads((tmp_path / "real" / "manifest.json").read_text()))
    assert len(sent) == 5 and sent < set(events)


@pytest.fixture
def site(tmp_path):
    """A web server of a folder, which notes what is asked."""
    folder = tmp_path / "site"
    folder.mkdir()
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, directory=str(folder), **options)

        def log_message(self, *arguments):
            asked.append(self.path)

    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{web.server_port}/", asked
    web.shutdown()


def test_misp_feed_in(entente, profile, site, tmp_path):
    folder, address, asked = site
    files = [write_event(tmp_path / f"{name}.json", event(name, 1000)) for name in "abc"]
    entente("intel", "push", *files, "--misp-feed", folder, "--to", "public")
    pull = ["intel", "pull", "--misp", address, "-o", "in", "--allow-private"]
    assert "3 new events" in entente(*pull).stderr
    assert (tmp_path / "in" / f"{uuid4('b')}.json").exists()
    del asked[:]
    assert "0 new events, 3 known" in entente(*pull).stderr
    assert asked == ["/manifest.json"]
    entente("intel", "push", write_event(files[1], event("b", 2000)), "--misp-feed", folder, "--to",
            "public")
    del asked[:]
    assert "1 new event, 2 known" in entente(*pull).stderr
    assert asked == ["/manifest.json", f"/{uuid4('b')}.json"]
    entente("hunt", "build", "-o", "intel.table", "in")
    # an event that is another one, and names that are no UUID
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[uuid4("d")] = {**manifest[uuid4("a")]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / f"{uuid4('d')}.json").write_text((folder / f"{uuid4('a')}.json").read_text())
    assert "is event" in entente(*pull, status=2).stderr
    manifest["../../evil"] = manifest.pop(uuid4("d"))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    entente(*pull, status=2)


# --- a server that is not ours ---

class Canned:
    """A TAXII server that answers what it is told: (status, headers, body) for each request."""

    def __init__(self, answers):
        self.answers, self.asked = list(answers), []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                outer.asked.append((self.command, self.path, self.rfile.read(length)))
                status, headers, body = outer.answers.pop(0)
                text = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": MEDIA, **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = answer

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


LAST = {"X-TAXII-Date-Added-Last": "2026-11-02T00:00:00.000000Z"}


def test_other_servers(entente, tmp_path):
    a, b, c = (indicator(name) for name in "abc")
    canned = Canned([
        (429, {"Retry-After": "1"}, {}),
        (200, LAST, {"more": True, "next": "one", "objects": [a]}),
        (200, LAST, {"more": True, "next": "two", "objects": [a, b]}),
        (400, {}, {"title": "the token is old"}),  # begins again
        (200, LAST, {"objects": [a, b, c]}),
        (200, {}, {}),
        (200, LAST, {"more": True, "next": "x", "objects": []}),
        (200, LAST, {"more": True, "next": "x", "objects": []}),
        (200, {}, {"more": "yes", "objects": [{"id": 7}]}),
    ])
    pull = ["intel", "pull", canned.url, "--collection", "c", "-o", "in", "--allow-private"]
    assert "3 new objects" in entente(*pull).stderr
    assert [path for _, path, _ in canned.asked[1:]] == [
        "/api/collections/c/objects/", "/api/collections/c/objects/?next=one",
        "/api/collections/c/objects/?next=two", "/api/collections/c/objects/"]
    assert len(pulled(tmp_path / "in")) == 3
    entente(*pull)
    assert "added_after=2026-11-01T23:59:59.999999Z" in canned.asked[-1][1]
    assert "same page" in entente(*pull, status=3).stderr
    entente(*pull, status=2)


def test_push_waits_for_what_is_pending(entente, profile, tmp_path):
    pending = {"id": uuid4("s"), "status": "pending", "total_count": 1, "success_count": 0,
               "failure_count": 0, "pending_count": 1}
    done = {**pending, "status": "complete", "failure_count": 1, "pending_count": 0,
            "failures": [{"id": indicator("a")["id"], "version": "x", "message": "not today"}]}
    canned = Canned([(202, {}, pending), (200, {}, pending), (200, {}, done)])
    said = entente("intel", "push", bundle(tmp_path / "b.json", [indicator("a")]), "--url",
                   canned.url, "--collection", "c", "--allow-private", status=1).stderr
    assert "not today" in said
    assert [(m, p) for m, p, _ in canned.asked] == [
        ("POST", "/api/collections/c/objects/"), *[("GET", f"/api/status/{uuid4('s')}/")] * 2]
    assert json.loads(canned.asked[0][2]) == {"objects": [indicator("a")]}


def test_misp_feed_of_a_node(entente, profile, server, token, tmp_path):
    files = [write_event(tmp_path / f"{name}.json", event(name, 1000, tag=f"tlp:{name}"))
             for name in ("clear", "amber", "amber+strict")]
    entente("intel", "push", *files, "--misp-feed", server.data / "misp" / "shared", "--to", "all",
            "--named", "all")
    address = f"http://127.0.0.1:{server.port}/misp/shared/"

    def manifest(who):
        status, _, answer = server.ask("/misp/shared/manifest.json", who)
        return sorted(answer) if status == 200 else status

    assert manifest("member") == sorted(uuid4(n) for n in ("clear", "amber"))
    assert manifest("soc") == sorted(uuid4(n) for n in ("clear", "amber", "amber+strict"))
    assert (manifest(None), manifest("partner")) == (401, 404)
    assert server.ask(f"/misp/shared/{uuid4('amber+strict')}.json", "member")[0] == 404
    assert server.ask(f"/misp/shared/{uuid4('amber+strict')}.json", "soc")[0] == 200
    for name in ("..%2f..%2fjournal.db", "journal.db", "x.json"):
        assert server.ask(f"/misp/shared/{name}", "soc")[0] in (400, 404), name
    entente("intel", "pull", "--misp", address, "-o", "in", *token("member"))
    assert len(list((tmp_path / "in").glob("*-*.json"))) == 2


def test_a_manifest_is_made_once(entente, profile, server, tmp_path):
    """The same list while no file changes, by its ETag; another for each reader."""
    folder = server.data / "misp" / "shared"

    def push(name, timestamp=1000, tag="tlp:clear"):
        entente("intel", "push", write_event(tmp_path / "e.json", event(name, timestamp, tag=tag)),
                "--misp-feed", folder, "--to", "all", "--named", "all")

    def ask(who="member", file="manifest.json", **headers):
        status, answered, text = server.request("GET", f"/misp/shared/{file}", headers={
            "Authorization": basic(who), **headers})
        return status, answered.get("etag"), text

    push("one")
    push("strict", tag="tlp:amber+strict")
    status, tag, text = ask()
    assert (status, list(json.loads(text))) == (200, [uuid4("one")]) and tag
    assert ask() == (200, tag, text)
    assert ask(**{"If-None-Match": tag}) == (304, tag, b"")
    assert ask(file="hashes.csv", **{"If-None-Match": tag})[0] == 200
    status, other, text = ask("soc", **{"If-None-Match": tag})
    assert (status, len(json.loads(text))) == (200, 2) and other != tag
    push("two")
    status, newer, text = ask(**{"If-None-Match": tag})
    assert status == 200 and newer != tag and sorted(json.loads(text)) == sorted(
        [uuid4("one"), uuid4("two")])
    push("two", 2000)
    status, newest, text = ask(**{"If-None-Match": newer})
    assert status == 200 and json.loads(text)[uuid4("two")]["timestamp"] == "2000"
    (folder / f"{uuid4('one')}.json").unlink()
    assert list(json.loads(ask()[2])) == [uuid4("two")]


def test_what_makes_no_sense_without_the_rest(server):
    """A relationship to what a reader may not have is not there for them; for others it is."""
    near, far = indicator("near"), indicator("far", marking=RED)
    malware = {"type": "malware", "spec_version": "2.1", "id": "malware--" + uuid4("m"),
               "created": "2026-11-01T00:00:00.000Z", "modified": "2026-11-01T00:00:00.000Z",
               "name": "m", "is_family": False}

    def link(source):
        return {"type": "relationship", "spec_version": "2.1", "relationship_type": "indicates",
                "id": "relationship--" + uuid4(source["id"]), "source_ref": source["id"],
                "target_ref": malware["id"], "created": "2026-11-01T00:00:00.000Z",
                "modified": "2026-11-01T00:00:00.000Z"}

    posted = server.post([near, far, malware])
    assert posted["success_count"] == 3, posted
    posted = server.post([link(near), link(far)])  # on a page of their own
    assert posted["success_count"] == 2, posted
    path = ROOT + "collections/shared/objects/?match[type]=relationship"
    assert [o["id"] for o in server.ask(path)[2]["objects"]] == [link(near)["id"], link(far)["id"]]
    assert server.ask(path, who="member")[2]["objects"] == [link(near)]
    assert far["id"] not in json.dumps(server.ask(path, who="member")[2])


def test_pull_into_a_collection(entente, server, url, token):
    """What others made is kept, and passed on only as far as its markings allow."""
    made = [indicator("theirs"), indicator("clear", marking=CLEAR)]
    server.post(made)
    pull = ["intel", "pull", url, "--collection", "shared", "--store", "open", *token("member"),
            "--data", server.data]
    assert "2 new objects" in entente(*pull).stderr
    assert "0 new objects" in entente(*pull).stderr
    path = ROOT + "collections/open/objects/"
    assert [o["id"] for o in server.ask(path, who="member")[2]["objects"]] == [
        o["id"] for o in made]
    made = [indicator("amber", marking="marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421")]
    server.post(made)
    assert "1 new object" in entente(*pull).stderr
    assert len(server.ask(path, who="member")[2]["objects"]) == 2  # AMBER, passed on
    assert b"entente_taxii_objects 6" in server.get("/metrics")[2]
