"""
entente zone: verdicts and checks of real zones, served by knot and by nsd on loopback (zone_check.h, view.h,
judge.h, resolve.h, probe.h, ask.c, dnssec.h, signed.h, checks_*.c, zone_copy.h, zone_root.h,
zone_record.h, past.h), by the commands in src/cli: cmd_zone, zone_verify.
"""
import json
import re
import shutil
import subprocess

import pytest

from name_servers import Altered
from ports import free_port
from test_schemas import check as schema_errors
from waiting import PATIENCE, answered, until
from zones import Knot, Nsd, Zones, ask, outcomes, problems, query

ADDRESSES = ["127.0.0.11", "127.0.0.12"]  # as the zones of the data set have it
SIGNED = ["good", "nsec3it", "sha1", "expired", "future", "bogusds"]
TIME = "2026-11-22T12:00:00Z"  # within the signatures of the data set

OTHER_ANCHOR = ("elsewhere. IN DS 20538 13 2 "
                "C7F639B3E15114F104C44FDE1CE84C4358808A5B2916EF424AB3A8E408FC7153\n")

VERDICTS = {"good": "secure", "nsec3it": "secure", "sha1": "secure", "expired": "bogus",
            "future": "bogus", "bogusds": "bogus", "unsigned": "insecure"}


@pytest.fixture(scope="module")
def data(shared):
    return shared / "data" / "public_core" / "dns"


@pytest.fixture(scope="module")
def port():
    return free_port(*ADDRESSES)


def zone_files(data):
    files = {"": data / "root.zone.signed", "test": data / "test.zone.signed",
             "unsigned.test": data / "unsigned.test.zone"}
    files.update({f"{name}.test": data / f"{name}.test.zone.signed" for name in SIGNED})
    return files


@pytest.fixture(scope="module", params=[Knot, Nsd], ids=["knot", "nsd"])
def servers(request, tmp_path_factory, data, port):
    server = request.param(tmp_path_factory.mktemp("zones") / "servers", ADDRESSES, port,
                           zone_files(data))
    yield server
    server.stop()


@pytest.fixture
def zones(entente, servers, port, data):
    return Zones(entente, port, data / "trust-anchor.ds")


def stubs_for(name):
    return {zone: ADDRESSES[0] for zone in ("", "test", name)}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts(zones, name):
    document = zones.check(f"{name}.test", stubs_for(f"{name}.test"), "--at", TIME, status=1)
    assert document["verdict"] == VERDICTS[name]
    assert {row["security"] for row in document["verdicts"]} == {VERDICTS[name]}
    assert all("why" in row for row in document["verdicts"] if row["security"] != "secure")
    assert schema_errors("zone-check", document) == []
    assert {(row["udp"], row["tcp"]) for row in document["servers"] if not row["of_parent"]} == {
        ("answers", "answers")}


def test_a_flipped_signature_makes_one_name_bogus(tmp_path, entente, data):
    port = free_port(*ADDRESSES)
    knot = Knot(tmp_path / "bad", ADDRESSES, port,
                {**zone_files(data), "good.test": data / "good.test.zone.badsig"})
    try:
        document = Zones(entente, port, data / "trust-anchor.ds").check(
            "good.test", stubs_for("good.test"), "--at", TIME, status=1)
    finally:
        knot.stop()
    assert {row["what"]: row["security"] for row in document["verdicts"]} == {
        "apex": "secure", "keys": "secure", "www": "bogus", "absent name": "secure"}
    found = problems(document)
    assert found["signature.others"][0].startswith("no signature over www.good.test. A")
    assert "signature.soa" not in found and "signature.keys" not in found


def test_what_each_zone_of_the_set_breaks(zones):
    wrong = {name: problems(zones.check(f"{name}.test", stubs_for(f"{name}.test"), "--at", TIME))
             for name in VERDICTS}
    every = {"delegation.public", "delegation.networks", "delegation.two-ipv6", "server.version",
             "delegation.reverse"}
    assert set(wrong["good"]) == every | {"signature.not-long"}
    assert set(wrong["expired"]) - every == {"chain.validates", "signature.time"}
    assert "ended on 2024-" in wrong["expired"]["signature.time"][0]
    assert set(wrong["future"]) - every == {"chain.validates", "signature.time",
                                           "signature.not-long"}
    assert "begins on 2035-" in wrong["future"]["signature.time"][0]
    assert set(wrong["bogusds"]) - every == {"chain.validates", "ds.keys", "signature.not-long"}
    assert wrong["bogusds"]["ds.keys"][-1] == "no DS record is of a key of the zone"
    assert set(wrong["unsigned"]) - every == {"chain.validates", "caa.signed"}
    assert wrong["nsec3it"]["nsec3.iterations"] == ["100 iterations"] * 2
    assert wrong["nsec3it"]["nsec3.salt"] and "nsec3.form" not in wrong["nsec3it"]
    assert "algorithm 7 (RSASHA1-NSEC3-SHA1) must not be used" in wrong["sha1"]["key.algorithms"][0]


NO_ZONES = {"nothere.test": "the name does not exist", "www.good.test": "the name has no SOA record"}


@pytest.mark.parametrize("name", NO_ZONES)
def test_a_name_that_is_no_zone(zones, name):
    """Though a validating resolver proves that nothing is there."""
    stubs, entente = stubs_for("good.test"), zones.entente
    document = zones.check(name, stubs, "--at", TIME, status=1)
    assert schema_errors("zone-check", document) == []
    assert document["verdict"] == "no-zone" and document["worst"] == "high"
    assert problems(document) == {"delegation.zone": [f"{name}. is no zone: {NO_ZONES[name]}"]}
    assert outcomes(document)["chain.validates"] == "not-applicable"
    text = entente("zone", "check", name, "--no-save", "--at", TIME, *zones.options(stubs),
                   status=1).stdout
    assert text.startswith(f"{name}.: no-zone\n") and f"is no zone: {NO_ZONES[name]}\n" in text

    (entente.folder / "entente.yaml").write_text(
        "signatory:\n  name: Lab\n  group: state\n  country: FR\n  domain: good.test\n"
        f"assets:\n  domains:\n    - {{name: {name}}}\n")
    entente("zone", "check", "--at", TIME, *zones.options(stubs), status=1)
    after = assessed(entente)
    assert {measure: after[name, measure]["outcome"]
            for measure in ("zone.validates", "zone.delegation")} == {
        "zone.validates": "fail", "zone.delegation": "fail"}


def test_the_time_of_judgement(zones):
    """Two days before the end of the signatures, and behind it."""
    name, stubs = "good.test", stubs_for("good.test")
    late = zones.check(name, stubs, "--at", "2035-12-30T00:00:00Z")
    assert late["verdict"] == "secure"
    assert re.search(r"ends in 48 h, on 2036-01-01", problems(late)["signature.horizon"][0])
    short = zones.check(name, stubs, "--at", "2035-12-30T00:00:00Z", "--horizon", 24)
    assert problems(short)["signature.horizon"][0].startswith("less than a fifth")
    assert "signature.horizon" not in problems(zones.check(name, stubs, "--at", TIME))
    over = zones.check(name, stubs, "--at", "2036-02-01T00:00:00Z")  # the root's, too
    assert "ended on 2036-01-01" in problems(over)["signature.time"][0]
    assert over["verdict"] == "indeterminate"


def test_text_says_what_to_do_in_both_languages(zones):
    arguments = ["zone", "check", "bogusds.test", "--at", TIME,
                 *zones.options(stubs_for("bogusds.test"))]
    text = zones.entente(*arguments, status=1).stdout
    assert text.startswith("bogusds.test.: bogus\n")
    assert "Fix: Publish the DS record of the present key at the parent" in text
    french = zones.entente(*arguments, "--lang", "fr", status=1).stdout
    assert "À faire: Publiez chez le parent le DS de la clé actuelle" in french
    assert zones.entente(*arguments, "--all", status=1).stdout.count("\npass ") > 40


def test_fail_on_and_wrong_use(zones):
    arguments = ["zone", "check", "unsigned.test", "--at", TIME,
                 *zones.options(stubs_for("unsigned.test"))]
    zones.entente(*arguments, "--fail-on", "critical", status=0)
    zones.entente(*arguments, "--fail-on", "high", status=1)
    zones.entente("zone", "check", "a..b", status=2)
    zones.entente("zone", "check", status=2)
    zones.entente("zone", "check", "good.test", "--delegate", "nowhere", status=2)
    zones.entente("zone", "check", "good.test", "--at", "noon", status=2)
    zones.entente("zone", "check", "good.test", "--timeout", 26, status=2)


def test_private_addresses_are_told_and_left_alone(zones):
    arguments = [option for option in zones.options(stubs_for("good.test"))
                 if option != "--allow-private"]
    done = zones.entente("zone", "check", "good.test", "--at", TIME, "--format", "json",
                         *arguments, status=1)
    document = json.loads(done.stdout)
    assert set(document["not_asked"]) == set(ADDRESSES)
    assert document["servers"] == []
    assert outcomes(document)["server.udp"] == "not-seen"
    assert document["verdict"] == "secure"


def test_a_delegation_without_a_port_is_at_that_of_the_laboratory(zones):
    document = json.loads(zones.entente(
        "zone", "check", "good.test", "--at", TIME, "--format", "json", "--no-save", "--port", zones.port,
        "--allow-private", "--trust-anchor", zones.anchor,
        *(word for zone in (".", "test", "good.test") for word in ("--delegate", f"{zone}@{ADDRESSES[0]}")),
        status=None).stdout)
    assert document["verdict"] == "secure"
    assert {row["udp"] for row in document["servers"] if not row["of_parent"]} == {"answers"}


def test_without_an_anchor_above_the_verdict_is_indeterminate(zones, tmp_path):
    anchor = tmp_path / "other.ds"
    anchor.write_text(OTHER_ANCHOR)
    zones.anchor = anchor
    for level in ("critical", "low"):  # what is found beside it makes it no more of a verdict
        document = zones.check("good.test", stubs_for("good.test"), "--at", TIME, "--fail-on",
                               level, status=3)
        assert document["verdict"] == "indeterminate"


@pytest.fixture(scope="module")
def unbound(tmp_path_factory, servers, port, data):
    """A real resolver that validates, in front of the zones: its address."""
    folder = tmp_path_factory.mktemp("unbound")
    own = free_port()
    text = (f"server:\n  interface: 127.0.0.1\n  port: {own}\n  username: \"\"\n  chroot: \"\"\n"
            f"  directory: {folder}\n  pidfile: {folder}/pid\n  use-syslog: no\n"
            "  do-not-query-localhost: no\n  do-daemonize: no\n  local-zone: test. nodefault\n"
            f"  trust-anchor-file: {data}/trust-anchor.ds\n  val-override-date: 20261122120000\n"
            "remote-control:\n  control-enable: no\n")
    for zone in zone_files(data):
        text += f"stub-zone:\n  name: {zone or '.'}\n  stub-addr: {ADDRESSES[0]}@{port}\n"
    (folder / "unbound.conf").write_text(text)
    process = subprocess.Popen([shutil.which("unbound") or "/usr/sbin/unbound", "-c",
                                folder / "unbound.conf"], stderr=open(folder / "err", "wb"))
    until(lambda: answered(lambda: ask("127.0.0.1", own, query("good.test")), process,
                           (folder / "err").read_text)[3] & 0xf == 0, what="unbound's answer")
    yield f"127.0.0.1:{own}"
    process.terminate()
    process.wait(timeout=PATIENCE)


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts_through_a_real_resolver(zones, unbound, name):
    """Which itself gives nothing of what is bogus, unless asked for all that there is."""
    document = zones.check(f"{name}.test", {}, "--server", unbound, "--at", TIME, status=1)
    assert document["verdict"] == VERDICTS[name]
    assert {row["address"] for row in document["servers"] if not row["of_parent"]} == set(ADDRESSES)


def test_a_resolver_that_does_not_pass_dnssec_on_says_nothing_of_the_zone(zones, unbound, tmp_path):
    """Else every zone would be bogus behind it."""
    own = int(unbound.split(":")[1])
    between = Altered("127.0.0.31", "127.0.0.1", own, strip_opt=True)
    try:
        document = zones.check("good.test", {}, "--server", f"127.0.0.31:{own}", "--at", TIME)
    finally:
        between.stop()
    assert document["verdict"] == "indeterminate", document["verdicts"][0]["why"]
    assert "does not pass DNSSEC on" in document["verdicts"][0]["why"]


def test_without_a_network_nothing_is_said_or_recorded(zones):
    entente = zones.entente
    (entente.folder / "entente.yaml").write_text(
        "signatory:\n  name: Lab\n  group: state\n  country: FR\n  domain: good.test\n"
        "assets:\n  domains:\n    - {name: good.test}\n")
    nobody = f"127.0.0.1:{free_port()}"
    for subcommand in ("check", "root"):
        done = entente("zone", subcommand, "--server", nobody, "--trust-anchor", zones.anchor,
                       status=3)
        assert done.stderr.endswith("the resolver answers nothing\n")
    assert entente("journal", "list", "--kind", "zone-check", "--format", "json").stdout == ""


# ---- whole zones

def test_verify(entente, data, tmp_path):
    for name in ("rfc8976-example.zone", "good.test.zonemd.zone"):
        done = entente("zone", "verify", data / name, "--format", "json")
        document = json.loads(done.stdout)
        assert schema_errors("zone-verify", document) == []
        assert (document["zonemd"], document["authentic"]) == ("verified", "unsigned")
    changed = tmp_path / "changed.zone"
    changed.write_text((data / "rfc8976-example.zone").read_text().replace("203.0.113.63",
                                                                           "203.0.113.64"))
    assert "digest (ZONEMD): mismatch" in entente("zone", "verify", changed, status=1).stdout
    none = entente("zone", "verify", data / "unsigned.test.zone", status=1)
    assert "digest (ZONEMD): none" in none.stdout
    changed.write_text("$TTL 1\n@ SOA ( not a zone\n")
    assert "changed.zone:" in entente("zone", "verify", changed, status=2).stderr


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root of our own, with a digest, signed by a key of its own: (folder, anchor)."""
    folder = tmp_path_factory.mktemp("root")
    (folder / "root.zone").write_text(
        "$TTL 3600\n. SOA a.lab. root.lab. 2026112200 1800 900 604800 86400\n"
        ". NS a.lab.\n. NS b.lab.\na.lab. A 127.0.0.11\nb.lab. A 127.0.0.12\n"
        "test. NS ns1.test.\nns1.test. A 127.0.0.13\n")

    def run(*command):
        return subprocess.run(command, cwd=folder, check=True, capture_output=True,
                              text=True).stdout.split()

    keygen = shutil.which("ldns-keygen")
    zsk = run(keygen, "-a", "ECDSAP256SHA256", "-r", "/dev/urandom", ".")[0]
    ksk = run(keygen, "-a", "ECDSAP256SHA256", "-k", "-r", "/dev/urandom", ".")[0]
    run("ldns-signzone", "-o", ".", "-z", "simple:sha384", "-f", "root.signed", "root.zone", zsk,
        ksk)
    anchor = folder / "anchor.ds"
    anchor.write_text((folder / f"{ksk}.ds").read_text())
    return folder, anchor


def root_check(entente, port, anchor, *more, status):
    done = entente("zone", "root", "--format", "json", *Zones(entente, port, anchor).options(
        {"": ADDRESSES[0]}), *more, status=status)
    return json.loads(done.stdout)


def test_the_root_by_transfer_and_from_a_file(entente, tmp_path, root):
    folder, anchor = root
    port = free_port(*ADDRESSES)
    knot = Knot(tmp_path / "knot", ADDRESSES, port, {"": folder / "root.signed"}, transfers=True)
    try:
        document = root_check(entente, port, anchor, status=0)
        assert schema_errors("zone-root", document) == []
        assert document["verdict"] == "secure" and document["problems"] == []
        assert [(row["serial"], row["behind"]) for row in document["servers"]] == [
            (2026112200, False)] * 2
        assert document["copy"]["zonemd"] == "verified" and document["copy"]["authentic"] == "yes"
        assert document["copy"]["anchors"] == [
            {"tag": document["copy"]["anchors"][0]["tag"], "published": True}]

        changed = tmp_path / "changed.zone"
        changed.write_text((folder / "root.signed").read_text().replace("127.0.0.13",
                                                                        "127.0.0.14"))
        found = root_check(entente, port, anchor, "--file", changed, status=1)
        assert found["copy"]["zonemd"] == "mismatch"
        assert found["problems"][0]["level"] == "critical"

        old = tmp_path / "two.ds"
        old.write_text(anchor.read_text() + ". IN DS 1 13 2 " + "ab" * 32 + "\n")
        found = root_check(entente, port, old, "--fail-on", "low", status=1)
        assert "trust anchor 1 is not among the published keys" in found["problems"][0]["text"]
    finally:
        knot.stop()


def test_no_verdict_on_the_root_is_no_finding(entente, tmp_path, root):
    """Where no anchor is above it, what else is wrong makes it no more of a verdict."""
    folder, _ = root
    port = free_port(*ADDRESSES)
    elsewhere = tmp_path / "other.ds"
    elsewhere.write_text(OTHER_ANCHOR)
    knot = Knot(tmp_path / "knot", ADDRESSES, port, {"": folder / "root.signed"})
    try:
        for level in ("critical", "low"):
            document = root_check(entente, port, elsewhere, "--file", folder / "root.signed", "--fail-on", level,
                                  status=3)
            assert document["verdict"] == "indeterminate" and document["problems"]
    finally:
        knot.stop()


def test_a_rollover_of_the_root(entente, tmp_path, root):
    """A key-signing key that is no anchor yet; then the old one, revoked (RFC 5011)."""
    folder, anchor = root
    port = free_port(*ADDRESSES)
    zone, work = (folder / "root.zone").read_text(), tmp_path / "keys"
    work.mkdir()
    (work / "root.zone").write_text(zone)

    def run(*command):
        return subprocess.run(command, cwd=work, check=True, capture_output=True, text=True).stdout.split()

    zsk = run("dnssec-keygen", "-a", "ECDSAP256SHA256", ".")[0]
    old, new = (run("dnssec-keygen", "-a", "ECDSAP256SHA256", "-f", "KSK", ".")[0] for _ in range(2))
    anchor = work / "anchor.ds"
    anchor.write_text(" ".join(run("dnssec-dsfromkey", "-2", old)) + "\n")

    def sign(name, *keys):
        run("ldns-signzone", "-o", ".", "-u", "-z", "simple:sha384", "-f", name, "root.zone", zsk, *keys)
        return work / name

    def tag(key):
        return int(key.rsplit("+", 1)[1])

    def found(copy, *more, status):
        document = root_check(entente, port, anchor, "--file", copy, *more, status=status)
        return document, [(problem["level"], problem["text"]) for problem in document["problems"]]

    knot = Knot(tmp_path / "knot", ADDRESSES, port, {"": sign("quiet", old)})
    try:
        document, problems = found(work / "quiet", status=0)
        assert problems == []
        assert [key["anchored"] for key in document["copy"]["keys"] if key["sep"]] == [True]
        _, problems = found(sign("begun", old, new), status=1)
        assert problems == [("medium", f"key-signing key {tag(new)} is published and no trust anchor here: "
                             "a rollover has begun (RFC 5011); update the anchors")]
        both = " ".join(run("dnssec-dsfromkey", "-2", new))
        anchor.write_text(anchor.read_text() + both + "\n")
        _, problems = found(work / "begun", status=0)
        assert problems == []
        revoked = run("dnssec-revoke", old)[0].removesuffix(".key")
        document, problems = found(sign("ended", revoked, new), status=1)
        assert document["copy"]["authentic"] == "yes"
        assert ("high", f"a trust anchor is revoked by its key (now {tag(revoked)}): take it out "
                "(RFC 5011)") in problems
    finally:
        knot.stop()


def test_a_root_server_that_lags(entente, tmp_path, root):
    folder, anchor = root
    port = free_port(*ADDRESSES)
    signed = (folder / "root.signed").read_text()
    lagging = tmp_path / "old.signed"
    lagging.write_text(signed.replace("2026112200", "2026112001"))
    knots = []
    try:
        knots.append(Knot(tmp_path / "new", ADDRESSES[:1], port, {"": folder / "root.signed"}))
        knots.append(Knot(tmp_path / "old", ADDRESSES[1:], port, {"": lagging}))
        document = root_check(entente, port, anchor, "--file", folder / "root.signed", status=1)
        assert [row["behind"] for row in sorted(document["servers"], key=lambda row: row["address"])
                ] == [False, True]
        assert "a day or more behind" in document["problems"][0]["text"]
        nothing = entente("zone", "root", *Zones(entente, port, anchor).options(
            {"": ADDRESSES[0]}), "--fail-on", "critical", status=3)
        assert "no copy of the zone" in nothing.stdout
    finally:
        for knot in knots:
            knot.stop()


def test_a_zone_by_transfer(entente, tmp_path, root):
    folder, anchor = root
    port = free_port(*ADDRESSES)
    knot = Knot(tmp_path / "knot", ADDRESSES, port, {"": folder / "root.signed"}, transfers=True)
    try:
        done = entente("zone", "verify", ".", "--transfer-from", f"127.0.0.11:{port}",
                       "--trust-anchor", anchor)
        assert "digest (ZONEMD): verified\nauthentic: yes\n" in done.stdout
        refused = entente("zone", "verify", "other", "--transfer-from", f"127.0.0.11:{port}",
                          status=3)
        assert "refused" in refused.stderr
    finally:
        knot.stop()


# ---- what earlier checks saw

def recorded(zones, name, time):
    """A check that the journal keeps."""
    done = zones.entente("zone", "check", name, "--at", time, "--format", "json",
                         *zones.options(stubs_for(name)), status=None)
    return json.loads(done.stdout)


def test_the_age_of_keys(zones):
    """A key is as old as the first check that saw it; zone-signing keys may be of any age."""
    (zones.entente.folder / "entente.yaml").write_text(
        "signatory:\n  name: Lab\n  group: state\n  country: FR\n  domain: good.test\n"
        "assets:\n  domains:\n    - {name: good.test}\n")
    first = recorded(zones, "good.test", TIME)
    assert outcomes(first)["key.age"] == "not-seen"
    assert {key["first_seen"] for key in first["keys"]} == {TIME}
    second = recorded(zones, "good.test", "2028-01-01T00:00:00Z")
    assert outcomes(second)["key.age"] == "pass"
    assert {key["first_seen"] for key in second["keys"]} == {TIME}
    late = recorded(zones, "good.test", "2032-01-01T00:00:00Z")
    tags = [key["tag"] for key in late["keys"] if key["key_signing"]]
    assert problems(late)["key.age"] == [f"key {tag} has been in use for 5 years" for tag in tags]
    assert len(tags) < len(late["keys"])


# ---- measures, judged from what the journal keeps

def assessed(entente, *more):
    entente("assess", "--principle", 2, "--format", "json", "--output", "assessment.json", "--save",
            "--quiet", *more)
    document = json.loads((entente.folder / "assessment.json").read_text())
    names = [asset["name"] for asset in document["assets"]]
    return {(names[finding["asset"]], finding["measure"]): finding
            for finding in document["findings"] if finding["measure"].startswith("zone.")}


def test_measures_come_from_the_last_recorded_check(zones, monkeypatch):
    entente = zones.entente
    (entente.folder / "entente.yaml").write_text(
        "signatory:\n  name: Lab\n  group: state\n  country: FR\n  domain: good.test\n"
        "assets:\n  domains:\n    - {name: good.test}\n    - {name: expired.test}\n")
    before = assessed(entente)
    assert before["good.test", "zone.checked"]["outcome"] == "fail"
    assert before["good.test", "zone.validates"]["outcome"] == "not-measured"
    assert before["good.test", "zone.validates"]["reason"] == "no-record"

    stubs = {**stubs_for("good.test"), "expired.test": ADDRESSES[0]}
    done = entente("zone", "check", "--at", TIME, "--format", "json", *zones.options(stubs),
                   status=1)
    assert [json.loads(line)["zone"] for line in done.stdout.splitlines()] == [
        "good.test.", "expired.test."]
    after = assessed(entente)
    wanted = {"zone.checked": "pass", "zone.validates": "pass", "zone.keys": "pass",
              "zone.signatures": "warn", "zone.delegation": "fail", "zone.servers": "pass",
              "zone.data": "pass"}
    assert {measure: after["good.test", measure]["outcome"] for measure in wanted} == wanted
    for measure in ("zone.validates", "zone.signatures"):
        assert after["expired.test", measure]["outcome"] == "fail"
    found = [line["found"] for line in after["good.test", "zone.delegation"]["evidence"]]
    assert any("127.0.0.11 is no address of the public Internet" in line for line in found)

    # A zone that the profile does not have leaves no record.
    entente("zone", "check", "sha1.test", "--at", TIME, *zones.options(stubs_for("sha1.test")),
            status=1)
    events = [json.loads(line) for line in
              entente("journal", "list", "--format", "json").stdout.splitlines()]
    assert [event["asset"] for event in events if event["kind"] == "zone-check"] == [
        "good.test", "expired.test"]
