"""Answers and waivers: dated, reasoned, kept in the journal.

Exercises cmd_answer, cmd_waive and cmd_journal (src/cli).
"""
import datetime
import json

from waiting import DAY, within_one


def day(offset):
    """From today, which is another day after midnight (UTC)."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return str(today + datetime.timedelta(days=offset))


def answers(entente):
    return {row["question"]: row for row in
            json.loads(entente("answer", "--list", "--format", "json").stdout)}


def test_questions_cover_what_no_program_sees(entente):
    rows = answers(entente)
    assert {3, 5, 7, 8, 9} <= {row["principle"] for row in rows.values()}
    assert all("value" not in row and row["max_age_days"] > 0 for row in rows.values())


def test_the_newest_answer_counts_and_ages_from_its_date(entente):
    old = day(-400)
    entente("answer", "org.incident-drill", "--value", "no")
    entente("answer", "ORGA-03", "--value", "yes", "--date", old, "--note", "old drill")
    row = answers(entente)["org.incident-drill"]
    assert (row["value"], row["date"], row["note"]) == ("yes", old, "old drill")
    assert row["too_old"] is True
    entente("answer", "org.incident-drill", "--value", "yes", "--date", day(-3))
    assert answers(entente)["org.incident-drill"]["too_old"] is False
    entente("journal", "verify")


def test_mistaken_answers_are_refused(entente):
    for arguments, word in [
            (["org.incident-drill"], "--value"),
            (["org.incident-drill", "--value", "maybe"], "maybe"),
            (["org.incident-drill", "--value", "yes", "--date", day(2)], "future"),
            (["org.incident-drill", "--value", "yes", "--date", "soon"], "soon"),
            (["org.election-plan", "--value", "not-applicable"], "--note"),
            (["host.ssh.root-login", "--value", "yes"], "question"),
            (["org.leavers", "--value", "yes", "--note", "x" * 2000], "note")]:
        done = entente("answer", *arguments, status=2, stdin="")
        assert word in done.stderr, arguments
    assert not any("value" in row for row in answers(entente).values())


def waivers(entente):
    return json.loads(entente("waive", "--list", "--format", "json").stdout)


def test_a_waiver_needs_a_reason_and_a_day(entente):
    name = "host.ssh.root-login"
    for arguments, word in [
            ([name, "--until", day(30)], "--reason"),
            ([name, "--reason", "x"], "--until"),
            ([name, "--reason", "  ", "--until", day(30)], "reason"),
            ([name, "--reason", "x", "--until", day(-1)], "passed"),
            ([name, "--reason", "x", "--until", day(400)], "366"),
            ([name, "--reason", "x", "--until", "tomorrow"], "tomorrow"),
            ([name, "--reason", "x", "--until", day(30), "--asset", "nowhere"], "nowhere"),
            (["host.no.such", "--reason", "x", "--until", day(30)], "host.no.such"),
            ([name, "--remove"], "not waived")]:
        done = entente("waive", *arguments, status=2)
        assert word in done.stderr, arguments
    assert waivers(entente) == []


def test_waivers_stand_until_taken_back(entente):
    soon, later = day(30), day(60)
    entente("waive", "SSHD-01", "--reason", "vendor", "--until", soon, "--by", "A. Admin")
    (row,) = waivers(entente)
    assert row == {"measure": "host.ssh.root-login", "until": soon, "reason": "vendor",
                   "by": "A. Admin", "expired": False}
    entente("waive", "host.ssh.root-login", "--reason", "longer", "--until", later)
    (row,) = waivers(entente)
    assert (row["reason"], row["until"]) == ("longer", later)
    entente("waive", "host.ssh.root-login", "--remove")
    assert waivers(entente) == []
    entente("journal", "verify")


def test_today_is_still_a_day_to_come(entente):
    def waived():
        entente("waive", "host.ssh.root-login", "--reason", "x", "--until", day(0))
        return waivers(entente)[0]["expired"]
    assert within_one(DAY, waived) is False


def findings(entente, *arguments):
    document = json.loads(entente("assess", "--no-walk", "--format", "json", *arguments).stdout)
    return {row["measure"]: row for row in document["findings"]
            if document["assets"][row["asset"]]["kind"] == "signatory"}


def test_answers_are_judged(entente):
    entente("answer", "org.incident-drill", "--value", "yes", "--note", "with the city")
    entente("answer", "org.leavers", "--value", "no")
    entente("answer", "org.no-hack-back", "--value", "partly")
    entente("answer", "org.security-contact", "--value", "yes", "--date", day(-500))
    entente("answer", "org.election-plan", "--value", "not-applicable", "--note", "we serve none")
    rows = findings(entente)
    assert rows["org.incident-drill"]["outcome"] == "pass"
    assert "self-declared" in rows["org.incident-drill"]["evidence"][0]["found"]
    assert rows["org.leavers"]["outcome"] == "fail"
    assert rows["org.no-hack-back"]["outcome"] == "warn"
    assert rows["org.security-contact"]["outcome"] == "warn"
    assert rows["org.election-plan"]["outcome"] == "not-applicable"
    unanswered = rows["org.asset-inventory"]
    assert (unanswered["outcome"], unanswered["reason"]) == ("not-measured", "no-record")


def test_a_waiver_stands_beside_the_outcome(entente):
    entente("answer", "org.leavers", "--value", "no")
    entente("waive", "org.leavers", "--reason", "new process in spring", "--until", day(90),
            "--by", "Director")
    row = findings(entente)["org.leavers"]
    assert row["outcome"] == "fail"
    assert row["waiver"]["by"] == "Director"
    assert row["waiver"]["reason"] == "new process in spring"
    assert not row["waiver"].get("expired")
