"""What is found against a log opens an alarm, once (delivery/evidence_alarm); somebody acknowledges it,
and says what it was. Exercises cmd_alarm, cmd_inbox and log_follow (src/cli).
"""
import json
import re

from test_community import POLICY, serve  # noqa: F401 (a fixture)
from test_follow import follow, make_log
from test_routes_replay import HIJACK, PROFILE, everybody
from community import program


def alarms(me, *more):
    return json.loads(me("alarm", "list", "--format", "json", *more).stdout)["cases"]


def split_view(me, serve, tmp_path):  # noqa: F811
    one = make_log(tmp_path / "one", POLICY)
    two = make_log(tmp_path / "two", POLICY + "checkpoint_max_age_s: 600\n", one.data / "keys")
    key = one.answer["log_key"]
    follow(me, serve(one.log), key)
    follow(me, serve(one.log), key, "--mirror", serve(two.log), status=1)


def test_a_split_view_opens_one_alarm(serve, tmp_path):  # noqa: F811
    me = program(tmp_path / "me")
    assert alarms(me) == []
    me("key", "new", "--name", "me.example")
    split_view(me, serve, tmp_path)
    (alarm,) = alarms(me)
    assert alarm["title"].startswith("The log shows different contents") and alarm["mine"]
    page = me("alarm", "show", alarm["id"][:8]).stdout
    assert "Severity: Critical" in page and "evidence/split-view-" in page
    assert re.search(r"in \d\d min +Acknowledge +us", page), "critical: within the hour"
    assert "Acknowledge" in me("inbox").stdout
    # Looked at again, it is the same evidence and the same alarm.
    assert [row["id"] for row in alarms(me)] == [alarm["id"]]
    me("alarm", "ack", alarm["id"][:8])
    assert alarms(me)[0]["state"] == "acknowledged"
    assert "--verdict attack" in me("alarm", "close", alarm["id"], status=2).stderr
    me("alarm", "close", alarm["id"], "--verdict", "mistake", "--evidence", "our mirror was old")
    assert alarms(me) == [] and alarms(me, "--all")[0]["state"] == "closed"
    assert me("inbox").stderr.startswith("Nothing waits")


def test_without_a_key_the_evidence_waits(serve, tmp_path):  # noqa: F811
    me = program(tmp_path / "me")
    split_view(me, serve, tmp_path)
    assert "entente key new" in me("alarm", "list", status=None).stderr
    me("key", "new", "--name", "me.example")
    assert len(alarms(me)) == 1


def test_what_the_community_found_is_an_alarm_too(serve, tmp_path):  # noqa: F811
    """Evidence beside the remembered checkpoint; another log is another alarm, the same adds."""
    me = program(tmp_path / "me")
    me("key", "new", "--name", "me.example")
    split_view(me, serve, tmp_path)
    (bundle,) = (me.data / "follow").rglob("split-view-*.json")
    folder = me.data / "community/evidence"
    folder.mkdir(parents=True)
    for name, origin in (("a", "call.example/2026"), ("b", "other.example/log")):
        (folder / f"split-view-{name}.json").write_text(
            json.dumps({**json.loads(bundle.read_text()), "origin": origin}))
    (folder / "split-view-c.json").write_text("{")
    titles = [row["title"] for row in alarms(me)]
    assert len(titles) == 2 and any("other.example/log" in title for title in titles)
    seen = next(row for row in alarms(me) if "other" not in row["title"])
    assert "Seen again" in me("alarm", "show", seen["id"]).stdout


def test_what_a_route_alarm_lacks_is_said(tmp_path):
    """Nothing here could be published; what is in the way is named, with its place."""
    me = program(tmp_path / "me")
    (me.folder / "entente.yaml").write_text(PROFILE)
    (me.folder / "all.mrt").write_bytes(everybody(0, 3, **HIJACK) + everybody(1, 3, announced=["84.205.64.0/24"],
                                                                              path=[50001, 777]))
    told = me("routes", "replay", "--profile", "entente.yaml", "--format", "json", "all.mrt", status=1).stdout
    (me.folder / "told.jsonl").write_text(told)

    def refused(name, *more):
        return me("alarm", "publish", "--profile", "entente.yaml", "--report", name, *more, "--yes", status=2).stderr

    assert "--report told.jsonl: there are several incidents" in refused("told.jsonl")
    assert "--report told.jsonl: there is no incident none" in refused("told.jsonl", "none")
    (me.folder / "torn.jsonl").write_text(told + '{"key": ')
    assert f"--report torn.jsonl:{len(told.splitlines()) + 1}:" in refused("torn.jsonl", "none")
    (me.folder / "other.jsonl").write_text('{"key": "a"}\n')
    assert "--report other.jsonl:1: not a report" in refused("other.jsonl")
    assert "gone.jsonl" in me("alarm", "publish", "--report", "gone.jsonl", status=3).stderr
    key = next(json.loads(line)["key"] for line in told.splitlines() if "sub-prefix" in line)
    alone = refused("told.jsonl", key)
    assert "belongs to no community" in alone and "entente join" in alone and "--origin" not in alone
