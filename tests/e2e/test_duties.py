"""What an organisation owes others: cases, alarms and contacts turn the findings about them.

Exercises cmd_assess and cmd_contact (src/cli), and, killed at each of their writing calls,
cases_record, cases_head and cases_fold (src/process).
"""
import datetime
import json
import pathlib
import subprocess

import pytest

import test_community
import test_schemas
from conftest import BINARY, ROOT
from waiting import PATIENCE

MAKER = pathlib.Path(BINARY).resolve().parents[1] / "tests" / "e2e" / "make_cases"
DUTIES = {"assistance-acknowledged", "cases-in-time", "alarms-acknowledged", "abuse-acknowledged",
          "contact-answers", "contact-record", "drills-done", "witness", "reviews"}


@pytest.fixture
def make(entente):
    if not MAKER.exists():
        pytest.skip(f"{MAKER} is not built")
    data = entente.folder / "data"
    data.mkdir(mode=0o700)

    def call(*arguments):
        subprocess.run([MAKER, data, *map(str, arguments)], check=True, timeout=PATIENCE)
    return call


def duties(entente):
    report = json.loads(entente("assess", "--format", "json", "--quiet", "--no-save", "--no-walk",
                                *(word for duty in sorted(DUTIES)
                                  for word in ("--measure", f"org.duty.{duty}"))).stdout)
    assert all(report["measures"][one["measure"]]["principle"] in (1, 8, 9)
               for one in report["findings"])
    return {one["measure"].removeprefix("org.duty."): one for one in report["findings"]}


def test_of_one_who_owes_nothing_nothing_is_demanded(entente):
    found = duties(entente)
    assert set(found) == DUTIES
    for one in found.values():
        assert (one["outcome"], one["reason"]) == ("not-applicable", "not-used")
        assert one["detail"]
    assert not (entente.folder / "data" / "cases.db").exists()


def test_an_alarm_that_nobody_answers_turns_the_findings(entente, make):
    make("alarm", "192.0.2.0/24", 1)  # high: 4 hours
    found = duties(entente)
    assert found["alarms-acknowledged"]["outcome"] == "not-applicable"  # not due yet
    assert found["cases-in-time"]["outcome"] == "pass"
    make("alarm", "198.51.100.0/24", 6)
    found = duties(entente)
    assert found["alarms-acknowledged"]["outcome"] == "fail"
    assert found["alarms-acknowledged"]["evidence"][0]["found"] == "0 in time, 0 late, 1 not"
    assert found["cases-in-time"]["outcome"] == "fail"
    assert [line["key"] for line in found["cases-in-time"]["evidence"]] == [
        "overdue", "alarm: acknowledge"]
    make("step", "198.51.100.0/24", "acknowledge", "{}")
    make("step", "192.0.2.0/24", "acknowledge", "{}")
    found = duties(entente)
    assert found["alarms-acknowledged"]["outcome"] == "warn"  # one was late
    assert found["alarms-acknowledged"]["evidence"][0]["found"] == "1 in time, 1 late, 0 not"
    assert found["cases-in-time"]["outcome"] == "pass"


def test_what_cannot_be_read_is_not_called_good(entente, make):
    make("alarm", "192.0.2.0/24", 1)
    (entente.folder / "data" / "cases.db").write_bytes(b"this is no database, and long enough" * 99)
    (entente.folder / "data" / "cases.db-wal").unlink(missing_ok=True)
    found = duties(entente)
    assert found["alarms-acknowledged"]["outcome"] == "not-measured"
    assert found["alarms-acknowledged"]["reason"] == "unreadable"
    assert "cases.db" in found["alarms-acknowledged"]["detail"]


def test_numbers_are_as_their_schema_says(entente, make):
    make("alarm", "192.0.2.0/24", 6)
    done = subprocess.run([MAKER, entente.folder / "data", "numbers"], capture_output=True,
                          text=True, check=True, timeout=PATIENCE)
    numbers = json.loads(done.stdout)
    assert test_schemas.check("case-numbers", numbers) == []
    assert numbers["overdue"] == {"alarm": {"acknowledge": 1}}
    assert test_schemas.check("case-numbers", {**numbers, "title": "elsewhere"})


def test_no_word_of_a_case_enters_a_report(entente, make):
    make("alarm", "192.0.2.0/24", 6)
    report = entente("assess", "--format", "json", "--quiet", "--no-save", "--no-walk",
                     "--measure", "org.duty.cases-in-time").stdout
    assert "192.0.2.0" not in report and "is elsewhere" not in report


def test_a_member_owes_a_contact_record_and_drills(entente):
    (entente.folder / "policy.yaml").write_text(test_community.POLICY)
    entente("community", "init", "--origin", "call.example/2026", "--policy", "policy.yaml")
    found = duties(entente)
    assert (found["contact-record"]["outcome"], found["drills-done"]["outcome"]) == ("fail", "fail")
    assert found["witness"]["outcome"] == "not-applicable"  # the policy names none of ours
    assert found["reviews"]["outcome"] == "not-applicable"
    contact = ("contact", "set", "--kind", "technical", "--email", "noc@example.org", "--verified")
    entente(*contact, "2020-01-31")
    lines = {line["key"]: line for line in duties(entente)["contact-record"]["evidence"]}
    assert lines["technical verified"]["outcome"] == "fail"
    assert lines["change handed in"]["outcome"] == "pass"  # 30 days from today
    entente(*contact, str(datetime.datetime.now(datetime.timezone.utc).date()))
    assert duties(entente)["contact-record"]["outcome"] == "pass"
    record = entente.folder / "data" / "contacts.json"
    kept = json.loads(record.read_text())
    kept["changed"] = "2020-01-31"
    record.write_text(json.dumps(kept))
    lines = {line["key"]: line for line in duties(entente)["contact-record"]["evidence"]}
    assert lines["change handed in"]["outcome"] == "fail"


class TestCaseKills:
    """kill -9 at every writing call: a case is as it was before, or as it is after."""

    @pytest.fixture
    def everywhere(self, entente, make, kill_at, tmp_path):
        import shutil
        data, before = entente.folder / "data", tmp_path / "before"

        def check():
            done = subprocess.run([MAKER, data, "check"], capture_output=True, text=True,
                                  timeout=PATIENCE)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        def run(*arguments):
            shutil.copytree(data, before)

            def prepare():
                shutil.rmtree(data)
                shutil.copytree(before, data)
            old, seen = check(), []
            command = [MAKER, data, *map(str, arguments)]
            kill_at.everywhere(command, entente.environment, prepare,
                               lambda number: (seen.append(check()),
                                               subprocess.run(command, check=False, timeout=PATIENCE),
                                               check()))
            prepare()
            subprocess.run(command, check=True, timeout=PATIENCE)
            new = check()
            assert old != new
            assert all(state in (old, new) for state in seen), (old, new, seen)
            assert old in seen
            shutil.rmtree(before)
            return new
        return run

    def test_the_first_case(self, everywhere):
        assert everywhere("alarm", "192.0.2.0/24", 1) == {
            "cases": 1, "events": 1, "erased": 0, "attachments": 0}

    def test_a_step(self, make, everywhere):
        make("alarm", "192.0.2.0/24", 1)
        assert everywhere("step", "192.0.2.0/24", "acknowledge", "{}")["events"] == 2

    def test_an_attachment(self, make, everywhere):
        make("alarm", "192.0.2.0/24", 1)
        new = everywhere("attach", "192.0.2.0/24", ROOT / "LICENSE")
        assert new["attachments"] == 1

    def test_erasure(self, entente, make, everywhere):
        make("alarm", "192.0.2.0/24", 1)
        make("attach", "192.0.2.0/24", ROOT / "LICENSE")
        make("step", "192.0.2.0/24", "close", '{"verdict": "mistake"}')
        new = everywhere("tick", 24 * 800)
        assert new == {"cases": 1, "events": 0, "erased": 1, "attachments": 0}
        kept = b"".join(path.read_bytes() for path in (entente.folder / "data").rglob("*")
                        if path.is_file())
        assert b"192.0.2.0" not in kept and b"Apache License" not in kept
