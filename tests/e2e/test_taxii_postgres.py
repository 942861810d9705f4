"""Collections that several nodes share in one PostgreSQL database."""
import hashlib
import json

import pytest

from nodes import MAKER
from postgres import Cluster, Postgres
from taxii import (CONFIG, MEDIA, ROOT, Arriving, basic, indicator, pull_and_kill, pulled, token_of)

pytestmark = pytest.mark.skipif(not MAKER.exists(), reason=f"{MAKER} is not built")


@pytest.fixture
def nodes(tmp_path):
    config = tmp_path / "intel.yaml"
    config.write_text(CONFIG.format(public="false", **{
        name: hashlib.sha256(token_of(name).encode()).hexdigest()
        for name in ("member", "partner", "soc")}))
    server = Postgres()
    cluster = None
    try:
        cluster = Cluster(tmp_path, server, options=("--intel", config))
        cluster.start()
        yield cluster.nodes
    finally:
        if cluster:
            cluster.stop()
        server.end()


def ask(node, path, method="GET", body=None):
    status, headers, text = node.request(method, path, body and json.dumps(body).encode(), {
        "Accept": MEDIA, "Authorization": basic("soc"), **({"Content-Type": MEDIA} if body else {})})
    return status, json.loads(text) if text else None


def test_nodes_share_collections(nodes):
    """What one took, the other gives; a page begun at one goes on at the other."""
    one, other = nodes[:2]
    objects = ROOT + "collections/shared/objects/"
    posted = [indicator(i) for i in range(30)]
    for i, node in enumerate((one, other, one)):
        status, answer = ask(node, objects, "POST", {"objects": posted[10 * i:10 * i + 10]})
        assert (status, answer["success_count"]) == (202, 10), answer
        assert ask(other, f"{ROOT}status/{answer['id']}/") == (200, answer)
    newer = indicator(3, modified="2026-11-05T00:00:00.000Z")
    assert ask(other, objects, "POST", {"objects": [newer]})[1]["success_count"] == 1
    got, path, turn = [], objects + "?limit=7", 0
    while path:
        status, page = ask((one, other)[turn % 2], path)
        assert status == 200, page
        got += [(o["id"], o["modified"]) for o in page["objects"]]
        path = objects + "?limit=7&next=" + page["next"] if page.get("more") else None
        turn += 1
    wanted = [(o["id"], o["modified"]) for o in posted if o["id"] != newer["id"]]
    assert got == wanted + [(newer["id"], newer["modified"])]
    assert len(ask(one, objects + "?match[type]=indicator&match[version]=all")[1]["objects"]) == 31
    found = ask(one, f"{objects}?match[id]={newer['id']},{posted[9]['id']}")[1]["objects"]
    assert [o["id"] for o in found] == [posted[9]["id"], newer["id"]]
    assert ask(one, objects + newer["id"] + "/", "DELETE")[0] == 200
    assert ask(other, objects + newer["id"] + "/")[0] == 404


def test_killed_while_both_nodes_take_more(nodes, entente, tmp_path, say):
    """Objects come in at both nodes; who reads at one, and is killed, misses none of them."""
    one, other = nodes[:2]
    objects = ROOT + "collections/shared/objects/"
    loaded = [indicator(i) for i in range(5000)]

    def post_at(node):
        def post(posted):
            status, answer = ask(node, objects, "POST", {"objects": posted})
            assert (status, answer["failure_count"]) == (202, 0), answer
        return post

    (tmp_path / "loaded.json").write_text(json.dumps({"objects": loaded}))
    database = one.options[one.options.index("--database") + 1]
    entente("intel", "push", "loaded.json", "--store", "shared", "--database", database)
    (tmp_path / "token").write_text(token_of("member") + "\n")
    command = ["intel", "pull", f"http://127.0.0.1:{other.port}{ROOT}", "--collection", "shared",
               "-o", tmp_path / "in", "--page", 100, "--user", "member", "--token-file",
               tmp_path / "token", "--allow-private", "--quiet"]
    with Arriving(post_at(one)) as here, Arriving(post_at(other)) as there:
        kills = pull_and_kill(entente, command, lambda: pulled(tmp_path / "in"))
    entente(*command)
    got = pulled(tmp_path / "in")
    assert len(got) == len(set(got)), "something came twice"
    assert set(got) == {(o["id"], o["modified"]) for o in loaded + here.objects + there.objects}
    assert kills >= 1 and here.objects and there.objects
    say(f"figure: TAXII, PostgreSQL: {len(loaded)} objects pulled with {kills} kills, "
        f"{len(here.objects) + len(there.objects)} more arriving at two nodes")
