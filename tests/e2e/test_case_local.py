"""Cases before anybody joined: alarms of one's own, the desk, questions on a terminal, exports.

Exercises case_open, case_fields, case_list, case_show, case_desk, case_export and case_kinds, cmd_alarm,
cmd_contact and contact_due (src/cli), and kind_json and kind_markdown (src/process).
"""
import json
import os
import pty
import re
import subprocess

import pytest

from conftest import BINARY
from test_schemas import check
from waiting import PATIENCE


@pytest.fixture
def me(entente):
    entente("key", "new", "--name", "me.example")
    return entente


def raised(me, *more):
    return me("case", "open", "alarm", "--field", "title=A route is wrong", "--field",
              "source=by hand", "--field", "severity=high", *more).stdout.strip()


def state_of(me, case):
    return json.loads(me("case", "show", case, "--format", "json").stdout)["state"]


def test_only_own_kinds_without_a_community(me):
    assert "entente join" in me("case", "open", "drill", "--to", "x.example", status=2).stderr
    assert "entente join" in me("contact", "ping", "x.example", status=2).stderr
    assert '"frob" is no kind' in me("case", "open", "frob", status=2).stderr
    assert "nothing that entente case does" in me("case", "frob", status=2).stderr


def test_what_is_missing_is_said_or_asked(me):
    lacking = me("case", "open", "alarm", status=2).stderr
    assert "--field title=... (Subject)" in lacking and "(critical, high, medium, low)" in lacking
    master, slave = pty.openpty()
    process = subprocess.Popen([BINARY, "case", "open", "alarm", "--field", "source=ops"],
                               stdin=slave, stdout=subprocess.PIPE, stderr=slave,
                               cwd=me.folder, env=me.environment, text=True)
    os.write(master, b"\nA route is wrong\nhuge\nhigh\n")
    case = process.communicate(timeout=PATIENCE)[0].strip()
    os.close(slave)
    said = b""
    try:
        while chunk := os.read(master, 4096):
            said += chunk
    except OSError:
        pass
    os.close(master)
    text = said.decode()
    assert process.returncode == 0, text
    assert "Severity" in text and '"huge" is not one of its choices' in text
    assert state_of(me, case) == "raised"


@pytest.mark.parametrize("field, message", [
    ("severity", "is not NAME=VALUE"), ("severty=high", 'did you mean "severity"'),
    ("q=high", "(text, reason, "),
    ("severity=huge", '"huge" is not one of its choices (critical, high'),
    ("title=@nowhere", "nowhere"), ("title=two\nlines", "title"),
])
def test_a_wrong_field_is_named(me, field, message):
    done = me("case", "open", "alarm", "--field", "title=x", "--field", "source=x", "--field",
              "severity=high", "--field", field, status=None)
    assert done.returncode in (2, 3) and message in done.stderr and not done.stdout


def test_a_case_is_found_by_its_beginning(me):
    case = raised(me)
    assert state_of(me, case[:6]) == "raised"
    assert "0000" in me("case", "show", "0000", status=2).stderr
    assert me("case", "list", "--search", "ROUTE").stdout.count(case[:12]) == 1
    assert case[:12] not in me("case", "list", "--search", "50%").stdout
    assert case[:12] in me("case", "list", "--kind", "alarm", "--state", "raised", "--mine").stdout
    assert case[:12] not in me("case", "list", "--overdue").stdout
    nosuch = me("case", "list", "--kind", "alarm", "--state", "nosuch", status=2).stderr
    assert '"nosuch" is no state of a case of kind alarm: acknowledged, ' in nosuch
    assert "raised" in nosuch and "triaged" not in nosuch
    assert "triaged" in me("case", "list", "--state", "nosuch", status=2).stderr
    page = me("case", "show", case, "--lang", "fr").stdout
    assert "Déclenchée" in page and "Ce que vous pouvez faire maintenant" in page
    assert re.search(r"dans 3 h \d\d min +Prendre en compte +nous +en cours", page)


def test_the_desk_says_whose_keys_work(me):
    case = raised(me)
    me("key", "new", "--data", "other", "--name", "me.example/second")
    (me.folder / "data/keys/second.key").write_bytes(
        (me.folder / "other/keys/default.key").read_bytes())
    (me.folder / "data/keys/second.key").chmod(0o600)
    assert "Nobody is at the desk" in me("case", "desk").stderr
    me("case", "desk", "set", "second", "auditor")
    me("case", "desk", "set", "default", "handler")
    assert re.search(r"handler +me\.example ", me("case", "desk").stdout)
    assert '"chief" is no role' in me("case", "desk", "set", "second", "chief", status=2).stderr
    me("alarm", "ack", case, "--key", "second", status=4)
    page = me("case", "show", case, "--key", "second").stdout
    assert "A route is wrong" not in page and "Open" in page
    assert "A route is wrong" in me("case", "show", case, "--key", "default").stdout
    assert me("case", "recuse", case, "default", status=2).stderr
    me("case", "recuse", case, "default", "--reason", "a friend's router")
    me("alarm", "ack", case, status=4)
    me("case", "desk", "remove", "second")
    assert "second" not in me("case", "desk").stdout


def test_an_export_is_as_its_schema_says(me):
    (me.folder / "dump.bin").write_bytes(b"\0\1\2")
    case = raised(me, "--file", "dump.bin")
    document = json.loads(me("case", "export", case, "--format", "json").stdout)
    assert check("case-export", document) == []
    (file,) = document["files"]
    assert (file["name"], file["size"], file["data"]) == ("dump.bin", 3, "AAEC")
    del document["events"][0]["signatures"]
    assert check("case-export", document)


def test_a_name_as_long_as_may_be_is_exported(me):
    name = "é" * 120 + ".bin"
    (me.folder / name).write_bytes(b"\0\1\2")
    case = raised(me, "--file", name)
    me("case", "export", case, "--output", "folder")
    (file,) = (me.folder / "folder" / "files").iterdir()
    assert file.read_bytes() == b"\0\1\2"
    assert file.name[12:16] == "-ééé" and file.suffix == ".bin"


def test_kinds_are_shown_as_data(me):
    listed = me("case", "kinds").stdout
    assert re.search(r"^assistance +Call for help +1 +red +what, continuing, channel$", listed,
                     re.M)
    document = json.loads(me("case", "kinds", "--format", "json").stdout)
    assert {"assistance", "disclosure", "drill", "alarm"} <= {kind["id"]
                                                              for kind in document["kinds"]}
    only = me("case", "kinds", "--kind", "drill")
    assert "drill" in only.stdout and "assistance" not in only.stdout
    document = json.loads(me("case", "kinds", "--kind", "drill", "--format", "json").stdout)
    assert [kind["id"] for kind in document["kinds"]] == ["drill"]
    assert check("kinds", document) == []
    markdown = me("case", "kinds", "--kind", "drill", "--format", "markdown").stdout
    assert "## Contact drill: `drill`" in markdown and "`assistance`" not in markdown
    assert '"nosuch" is no kind of case' in me("case", "kinds", "--kind", "nosuch",
                                               status=2).stderr
    assert "# Types de dossiers" in me("case", "kinds", "--format", "markdown", "--lang",
                                       "fr").stdout


def test_an_alarm_outlives_the_beginning_of_a_community(me):
    case = raised(me)
    (me.folder / "policy.yaml").write_text("operator: op.example\nmembers: []\nquorum: {state: 0, "
                                           "private-sector: 0, civil-society: 0}\n")
    me("community", "init", "--origin", "call.example/2026", "--policy", "policy.yaml")
    assert "A route is wrong" in me("alarm", "show", case).stdout
    me("alarm", "ack", case)
    assert "Give a verdict" in me("inbox").stdout
    me("alarm", "close", case, "--verdict", "planned")
    assert state_of(me, case) == "closed"


def test_an_alarm_that_is_not_there_is_called_so(me):
    case = raised(me)
    for asked in (("show",), ("ack",), ("close", "--verdict", "planned")):
        for word in ("nosuch", "00000000", case[:3] + "x"):
            said = me("alarm", asked[0], word, *asked[1:], status=2).stderr
            assert f'there is no alarm "{word}" here (entente alarm list)' in said
    assert state_of(me, case) == "raised"


def test_contacts_are_added_and_come_due(me):
    assert me("contact", "due").stdout.startswith("DUE"), "nothing is kept, and nothing is due"
    me("contact", "add", "--kind", "technical", "--email", "soc@me.example", "--verified",
       "2020-01-01")
    again = me("contact", "add", "--kind", "technical", "--email", "x@me.example", status=2).stderr
    assert '"entente contact set" changes it' in again
    me("contact", "add", "--kind", "legal", "--email", "law@me.example")
    late = me("contact", "due", status=1).stdout
    assert re.search(r"2020-06-29 +\d+ d \d+ h late +Verify the contact +technical", late)
    rows = json.loads(me("contact", "due", "--format", "json", status=1).stdout)
    assert rows[0]["overdue"] and rows == sorted(rows, key=lambda row: row["due"])
    assert "--level 1 (automatic)" in me("contact", "ping", "x", "--level", 4, status=2).stderr
