"""entente ct (ct_watch.h), and the node that does it by itself (service_ct.c): logs of certificates made by an
independent generator, good, forked and tampered with.

Exercises cmd_ct (src/cli).
"""
import functools
import gzip
import http.server
import json
import shutil
import threading

import jsonschema
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nodes import Node
from certificate_log import Authority, CertificateLog, sha256, spki
from conftest import ROOT
from waiting import PATIENCE

SCHEMA = json.loads((ROOT / "docs" / "schema" / "ct-check.json").read_text())
DOMAIN = "hospital.example"


@pytest.fixture
def log(tmp_path):
    return CertificateLog(tmp_path / "log")


def check(entente, log, *arguments, names=(DOMAIN,), status=0, place=None):
    done = entente("ct", "check", *names, "--log", place or log.folder, "--log-key", log.key_text, *arguments,
                   "--format", "json", status=status)
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def verdicts(document):
    return [(item["index"], item["match"], item["verdict"]) for item in document["certificates"]]


def alarms(entente):
    return json.loads(entente("alarm", "list", "--format", "json").stdout)["cases"]


def profile(entente, **members):
    domain = {"name": DOMAIN, **members}
    (entente.folder / "entente.yaml").write_text(json.dumps(
        {"signatory": {"name": "Hospital", "group": "civil-society"}, "assets": {"domains": [domain]}}))


# ---- what is found

def test_names_that_concern_a_domain(entente, log):
    authority = Authority()
    log.fill(300)
    cases = [  # names, common name, match
        (["hospital.example"], None, "exact"), (["WWW.Hospital.EXAMPLE"], None, "subdomain"),
        (["*.hospital.example"], None, "wildcard"), ([], "mail.hospital.example", "subdomain"),
        (["a.test", "b.test", "x.y.hospital.example"], None, "subdomain"),
        (["h0spital.example"], None, "look-alike"), (["www.hospltal.example"], None, "look-alike"),
        (["xn--hsptal-5va9b.example"], None, "look-alike"), (["hospital.example.evil.test"], None, None),
        (["myhospital.example"], None, None), (["example"], None, None), (["hos-pital.example"], None, "look-alike"),
        (["xn--hspital-9ig.example"], None, "look-alike"),  # a Cyrillic o
        ([], None, None)]
    wanted = []
    for names, common, match in cases:
        if match:
            wanted.append((len(log.leaves), match, "look-alike" if match == "look-alike" else "unknown"))
        log.add(authority.issue(*names, common_name=common))
    log.publish()
    document = check(entente, log, status=1)
    found = verdicts(document)
    assert [item for item in found if item not in wanted] == []
    assert [item for item in wanted if item not in found] == []
    assert document["logs"][0]["past"] == "first" and document["logs"][0]["until"] == len(log.leaves)
    assert document["alarms"] == len(wanted) == len(alarms(entente))
    assert {item["issuer"] for item in document["certificates"]} == {"Example CA"}


def test_a_precertificate_and_its_certificate_are_one_alarm(entente, log):
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    log.add_precertificate(authority.issue(DOMAIN, key=key, poison=True, serial=77), authority)
    log.add(authority.issue(DOMAIN, key=key, serial=77))
    log.publish()
    document = check(entente, log, status=1)
    first, second = document["certificates"]
    assert first["precertificate"] and first["issuer_key"] == sha256(spki(authority.key)).hex()
    assert not second["precertificate"] and "fingerprint" in second
    assert first["serial"] == second["serial"] == "4d" and first["key"] == second["key"] == sha256(spki(key)).hex()
    assert len(alarms(entente)) == 1 and alarms(entente)[0]["title"].startswith("A certificate that nobody here knows")


def test_known_certificates_raise_no_alarm(entente, log, tmp_path):
    authority, other, key = Authority(), Authority("Other CA"), ec.generate_private_key(ec.SECP256R1())
    mine, pinned = authority.issue(DOMAIN, serial=1), authority.issue(DOMAIN, serial=2)
    (tmp_path / "mine.pem").write_bytes(mine.public_bytes(serialization.Encoding.PEM))
    profile(entente, certificates=[str(tmp_path / "mine.pem"),
                                   "sha256:" + sha256(pinned.public_bytes(serialization.Encoding.DER)).hex()],
            keys=["sha256:" + sha256(spki(key)).hex()], issuers=["other ca", "sha256:" + sha256(spki(other.key)).hex()])
    for certificate in (mine, pinned, authority.issue("new." + DOMAIN, key=key), other.issue(DOMAIN)):
        log.add(certificate)
    log.add_precertificate(other.issue(DOMAIN, poison=True), other)
    log.publish()
    document = check(entente, log, names=())
    assert {item["verdict"] for item in document["certificates"]} == {"known"} and len(document["certificates"]) == 5
    assert document["alarms"] == 0
    log.add(authority.issue(DOMAIN))
    log.publish()
    assert verdicts(check(entente, log, status=1))[-1][2] == "unknown"
    profile(entente, issuers=["Example CA", "Other CA"])
    assert {item["verdict"] for item in check(entente, log)["certificates"]} == {"known"}, "judged anew each time"


def test_an_issuer_that_caa_does_not_allow(entente, log):
    profile(entente, caa=["letsencrypt.org", "ca.example=Example CA"], issuers=["Example CA", "Let's Encrypt", "DigiCert Inc"])
    for organisation in ("Example CA", "Let's Encrypt", "DigiCert Inc", "Nobody's CA"):
        log.add(Authority(organisation).issue(DOMAIN))
    log.publish()
    document = check(entente, log, status=1)
    assert [verdict for _, _, verdict in verdicts(document)] == ["known", "known", "not-allowed", "unknown"]
    assert sorted(alarm["title"].split(":")[0] for alarm in alarms(entente)) == [
        "A certificate by an issuer that CAA does not allow", "A certificate that nobody here knows"]


def test_expired_ones_are_told_once(entente, log):
    log.add(Authority().issue(DOMAIN, days=-1))
    log.publish()
    assert len(check(entente, log, status=1)["certificates"]) == 1
    assert check(entente, log)["certificates"] == []


def test_broken_certificates(entente, log):
    log.add_der(b"\x30\x03nonsense hospital.example")
    log.add_der(b"\x30\x82\xff\xff nonsense")
    log.publish()
    document = check(entente, log, status=1)
    assert document["logs"][0]["unreadable"] == 2 and verdicts(document) == [(0, "unreadable", "unknown")]


# ---- position, and the past

def test_it_goes_on_where_it_ended(entente, log):
    authority = Authority()
    log.fill(255)
    log.add(authority.issue(DOMAIN))
    log.publish()
    assert check(entente, log, status=1)["logs"][0]["until"] == 256
    log.fill(600)
    log.add(authority.issue("b." + DOMAIN))
    log.publish()
    shutil.rmtree(log.folder / "tile/data/000.p", ignore_errors=True)
    (log.folder / "tile/data/000").unlink()  # not read again
    document = check(entente, log, status=1)
    assert document["logs"][0]["past"] == "consistent" and document["logs"][0]["from"] == 256
    assert [(item["index"], item["new"]) for item in document["certificates"]] == [(255, False), (856, True)]
    assert document["alarms"] == 1 and len(alarms(entente)) == 2
    assert check(entente, log, status=1)["alarms"] == 0


def test_limits_and_ends(entente, log):
    log.add(Authority().issue(DOMAIN))
    log.fill(700)
    log.publish()
    document = check(entente, log, "--limit", 300, status=1)
    assert document["logs"][0]["until"] == 300
    assert check(entente, log, "--limit", 400, status=1)["logs"][0]["until"] == 700
    assert check(entente, log, "--limit", 400, status=1)["logs"][0]["until"] == 701
    entente.environment["ENTENTE_DATA"] += "2"
    assert check(entente, log, "--begin", "end")["logs"][0] | {"from": 701, "until": 701, "past": "first"} \
        == check(entente, log)["logs"][0] | {"past": "first"}


def test_another_domain_is_looked_for_from_the_start(entente, log):
    log.add(Authority().issue("late.test"))
    log.fill(10)
    log.publish()
    assert check(entente, log)["certificates"] == []
    document = check(entente, log, names=(DOMAIN, "late.test"), status=1)
    assert verdicts(document) == [(0, "exact", "unknown")] and document["logs"][0]["from"] == 0


def test_what_was_seen_is_not_told_twice(entente, log):
    log.add(Authority().issue(DOMAIN))
    log.add(Authority().issue("late.test"))
    log.publish()
    assert check(entente, log, status=1)["alarms"] == 1
    document = check(entente, log, names=(DOMAIN, "late.test"), status=1)
    assert document["alarms"] == 1 and [(item["index"], item["new"]) for item in document["certificates"]] == [(0, False), (1, True)]
    assert verdicts(check(entente, log, names=("late.test",), status=1)) == [(1, "exact", "unknown")], "only what is watched"
    assert check(entente, log, names=("quiet.test",))["certificates"] == []
    assert check(entente, log, names=(DOMAIN, "late.test"), status=1)["alarms"] == 0


@pytest.mark.parametrize("size", [300, 310, 500, 120])
def test_a_log_that_shows_another_past(entente, log, tmp_path, size):
    log.fill(300)
    log.publish()
    check(entente, log)
    forked = CertificateLog(tmp_path / "forked", key=log.key)
    forked.fill(5, Authority("Evil CA"))
    forked.fill(size - 5)
    forked.publish()
    if size < 300:  # tiles of what was seen before are still there
        shutil.copytree(log.folder / "tile", forked.folder / "tile", dirs_exist_ok=True)
    document = check(entente, forked, status=1)
    assert document["logs"][0]["past"] == "forked" and document["logs"][0]["until"] == 0
    evidence = json.loads(open(document["logs"][0]["evidence"]).read())
    assert [note.splitlines()[1] for note in evidence["checkpoints"]] == ["300", str(size)]
    assert alarms(entente)[0]["title"].startswith("A log of certificates shows different pasts")
    assert check(entente, log)["logs"][0]["past"] == "consistent", "what was seen first stays"


def test_an_old_checkpoint_is_stale_not_forked(entente, log):
    log.fill(300)
    log.publish(size=200)
    old = (log.folder / "checkpoint").read_bytes()
    log.publish()
    check(entente, log)
    (log.folder / "checkpoint").write_bytes(old)
    document = check(entente, log, status=3)
    assert document["logs"][0]["past"] == "stale" and alarms(entente) == []


# ---- tampering

def tampered(log, path, at=100):
    content = bytearray((log.folder / path).read_bytes())
    content[at] ^= 1
    (log.folder / path).write_bytes(content)


@pytest.mark.parametrize("path, words", [
    ("tile/0/000", "does not fit the root"), ("tile/0/001.p/44", "do not give the root"),
    ("tile/1/000.p/1", "do not give the root"), ("tile/data/000", "does not fit the root"),
    ("tile/data/001.p/44", "does not fit the root")])
def test_tiles_that_were_changed(entente, log, path, words):
    log.fill(300)
    log.publish()
    tampered(log, path, at=30)
    document = check(entente, log, status=1)
    assert words in document["logs"][0]["problem"] and document["logs"][0]["until"] == 0


def test_checkpoints_that_were_changed(entente, log):
    log.fill(3)
    log.publish()
    good = (log.folder / "checkpoint").read_text()
    stranger = ec.generate_private_key(ec.SECP256R1())
    log.sign(3, sha256(b"x"), key=stranger)
    assert "not signed by the key" in check(entente, log, status=1)["logs"][0]["problem"]
    (log.folder / "checkpoint").write_text(good.replace("\n3\n", "\n2\n"))
    assert "does not verify" in check(entente, log, status=1)["logs"][0]["problem"]
    (log.folder / "checkpoint").write_text("nothing")
    assert "not a signed note" in check(entente, log, status=3)["logs"][0]["problem"]
    (log.folder / "checkpoint").unlink()
    assert "is not there" in check(entente, log, status=3)["logs"][0]["problem"]


@pytest.mark.parametrize("damage", ["missing", "stranger", "renamed", "cut"])
def test_what_is_unknown_stays_listed_while_its_log_cannot_be_read(entente, log, damage):
    log.add(Authority().issue(DOMAIN))
    log.publish()
    known = check(entente, log, status=1)["certificates"]
    checkpoint = log.folder / "checkpoint"
    if damage == "missing":
        checkpoint.unlink()
    elif damage == "cut":
        checkpoint.write_bytes(checkpoint.read_bytes()[:20])
    else:
        log.origin += "/other" if damage == "renamed" else ""
        log.sign(1, sha256(b"x"), key=log.key if damage == "renamed" else ec.generate_private_key(ec.SECP256R1()))
    document = check(entente, log, status=1)
    assert document["certificates"] == [one | {"new": False} for one in known] and document["logs"][0]["problem"]
    text = entente("ct", "check", DOMAIN, "--log", log.folder, "--log-key", log.key_text, status=1).stdout
    assert "unknown" in text and "No certificate" not in text


def test_a_place_that_was_promised_to_another(entente, log):
    log.add(Authority().issue("a.test"), index=7)
    log.publish()
    assert "promised the place 7" in check(entente, log, status=1)["logs"][0]["problem"]


@pytest.mark.parametrize("cut", [1, 40, 300])
def test_a_data_tile_that_is_cut(entente, log, cut):
    log.fill(4)
    log.publish()
    path = log.folder / "tile/data/000.p/4"
    path.write_bytes(path.read_bytes()[:-cut])
    assert "byte " in check(entente, log, status=None)["logs"][0]["problem"]


# ---- over the network

class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def end_headers(self):
        if "/tile/data/" in self.path:
            self.send_header("Content-Encoding", "gzip")
        super().end_headers()


def test_a_log_behind_a_url(entente, log):
    log.fill(520)
    log.add(Authority().issue(DOMAIN))
    log.publish()
    for path in (log.folder / "tile/data").rglob("*"):
        if path.is_file():
            path.write_bytes(gzip.compress(path.read_bytes()))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(log.folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/"
        assert entente("ct", "check", DOMAIN, "--log", url, "--log-key", log.key_text, status=4).stderr
        document = check(entente, log, "--allow-private", place=url, status=1)
        assert verdicts(document) == [(520, "exact", "unknown")] and document["logs"][0]["origin"] == log.origin
        text = entente("ct", "check", DOMAIN, "--log", url, "--log-key", log.key_text, "--allow-private", status=1).stdout
        assert "unknown" in text and "consistent" in text
    finally:
        server.shutdown()
        server.server_close()


# ---- use

def test_logs_of_the_profile(entente, log, tmp_path):
    log.fill(3)
    log.publish()
    (tmp_path / "log.pem").write_bytes(log.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    (entente.folder / "entente.yaml").write_text(json.dumps({
        "signatory": {"name": "A", "group": "state"}, "assets": {"domains": [{"name": DOMAIN}]},
        "transparency": {"logs": [{"log": str(log.folder), "key": str(tmp_path / "log.pem")}]}}))
    document = json.loads(entente("ct", "check", "--format", "json").stdout)
    assert document["logs"][0]["until"] == 3


@pytest.mark.parametrize("arguments, words", [
    ([], "no domain is named"), ([DOMAIN], "no log is named"), ([DOMAIN, "--log", "x"], "--log-key"),
    (["nowhere", "--log", "x", "--log-key", "x"], "not a domain name"), ([DOMAIN, "--begin", "now"], "--begin takes"),
    ([DOMAIN, "--limit", "0"], "--limit takes"), ([DOMAIN, "--log", "x", "--log-key", "nokey"], "base64 or a PEM file")])
def test_mistakes(entente, arguments, words):
    assert words in entente("ct", "check", *arguments, status=None).stderr


# ---- chains (ct_chain.h)

def chains(document):
    return [item["chain"] for item in document["certificates"]]


def test_chains_that_a_log_gives(entente, log):
    root, middle = Authority("Root CA"), Authority()
    chain = [middle.certificate(by=root), root.certificate()]
    log.fill(3)
    log.add(middle.issue(DOMAIN), chain=chain)
    log.add_precertificate(middle.issue(DOMAIN, poison=True), middle, chain=chain)
    log.add(middle.issue(DOMAIN), chain=chain[:1])
    log.add(middle.issue(DOMAIN))
    log.add(middle.issue(DOMAIN), chain=[])
    signing = Authority("Precertificates of Example CA")
    log.add_precertificate(signing.issue(DOMAIN, poison=True), middle, chain=[signing.certificate(by=middle), *chain])
    log.publish()
    assert chains(check(entente, log, status=1)) == ["borne", "borne", "borne", "missing", "none", "borne"]
    assert chains(check(entente, log, status=1))[0] == "borne"  # as it was kept


def test_the_name_of_an_issuer_that_did_not_sign_makes_nothing_known(entente, log):
    profile(entente, issuers=["Example CA"])
    honest, forger, root = Authority(), Authority(), Authority("Root CA")
    log.add(honest.issue(DOMAIN), chain=[honest.certificate()])
    log.add(forger.issue(DOMAIN), chain=[honest.certificate()])
    log.add_precertificate(forger.issue(DOMAIN, poison=True), forger, chain=[honest.certificate()])
    log.add(honest.issue(DOMAIN), chain=[honest.certificate(by=root), forger.certificate()])
    log.add(honest.issue(DOMAIN), chain=[b"no certificate"])
    named = honest.certificate(by=root)
    log.add(honest.issue(DOMAIN), chain=[named])
    log.write(f"issuer/{sha256(named).hex()}", honest.certificate())  # not what was named
    log.publish()
    document = check(entente, log, names=(), status=1)
    assert chains(document) == ["borne"] + ["broken"] * 5
    assert [item["verdict"] for item in document["certificates"]] == ["known"] + ["unknown"] * 5
    told = entente("alarm", "show", alarms(entente)[0]["id"], "--format", "json").stdout
    assert "who did not sign it, by the chain that the log gives" in told


# ---- the node

def test_the_node_watches_by_itself_and_goes_on_after_it_was_killed(entente, log):
    entente("key", "new")
    log.fill(300)
    log.add(Authority().issue(DOMAIN))  # before it began: entente ct check tells it
    log.publish()
    (entente.folder / "entente.yaml").write_text(json.dumps({
        "signatory": {"name": "A", "group": "state"}, "assets": {"domains": [{"name": DOMAIN}]},
        "transparency": {"logs": [{"log": str(log.folder), "key": log.key_text}]}}))
    data = entente.folder / "data"
    node = Node(data, "--profile", entente.folder / "entente.yaml", "--ct-every", 1)

    def read():
        states = [json.loads(path.read_text()) for path in data.glob("ct/*/state.json")]
        return states[0]["read"] if states else None

    def titles():
        return sorted(case["title"] for case in alarms(entente))

    try:
        node.start()
        node.until(lambda: read() == 301)
        assert titles() == []
        log.add(Authority().issue("www." + DOMAIN))
        log.publish()
        node.until(lambda: len(titles()) == 1)
        node.until(lambda: read() == 302)
        node.process.kill()
        node.process.wait()
        log.add(Authority("Nobody's CA").issue("h0spital.example"))
        log.publish()
        node.start()
        node.until(lambda: read() == 303)
        node.until(lambda: len(titles()) == 2)
        assert titles() == ["A certificate for a name that looks like ours: " + DOMAIN,
                            "A certificate that nobody here knows: " + DOMAIN]
        log.hashes[0] = sha256(b"another past")
        log.publish()
        node.until(lambda: len(titles()) == 3)
        assert titles()[2].startswith("A log of certificates shows different pasts")

        def numbers():
            lines = node.get("/metrics")[2].decode().splitlines()
            return {name: int(value) for name, value in
                    (line.split() for line in lines if line.startswith("entente_ct_"))}

        rounds = numbers()["entente_ct_rounds_total"]
        node.until(lambda: numbers()["entente_ct_rounds_total"] >= rounds + 3)
        told = [case for case in alarms(entente) if "different pasts" in case["title"]]
        steps = json.loads(entente("alarm", "show", told[0]["id"], "--format", "json").stdout)
        assert numbers()["entente_ct_entries_total"] == 1 and numbers()["entente_ct_unread_logs"] == 1
        assert [entry["event"] for entry in steps["entries"]] == ["open"]  # told once, though it goes on
        assert numbers()["entente_ct_alarms_total"] == 2
        node.process.terminate()
        assert node.process.wait(timeout=PATIENCE) == 0
    finally:
        if node.process.poll() is None:
            node.process.kill()
    events = [json.loads(line) for line in
              entente("journal", "list", "--kind", "ct-check", "--format", "json").stdout.splitlines()]
    assert len(events) >= 3 and {event["asset"] for event in events} == {DOMAIN}


# ---- what an assessment makes of it (assess/certificates.c, assess/last_check.c)

def outcomes(entente):
    document = json.loads(entente("assess", "--principle", 2, "--no-save", "--format", "json").stdout)
    return {finding["measure"]: finding["outcome"] for finding in document["findings"]
            if finding["measure"].startswith("ct.")}


def test_measures_judge_the_last_reading(entente, log):
    profile(entente, caa=["ca.example=Example CA"], issuers=["Example CA"])
    assert set(outcomes(entente).values()) == {"not-measured"}
    log.add(Authority().issue(DOMAIN))
    log.publish()
    check(entente, log, names=())
    good = {"ct.watched": "pass", "ct.certificates-known": "pass", "ct.issuers-allowed": "pass", "ct.logs-honest": "pass"}
    assert outcomes(entente) == good
    log.add(Authority("DigiCert Inc").issue(DOMAIN))
    log.add(Authority("Nobody's CA").issue("hospita1.example"))
    log.publish()
    check(entente, log, names=(), status=1)
    assert outcomes(entente) == {**good, "ct.certificates-known": "warn", "ct.issuers-allowed": "fail"}
    log.hashes[0] = sha256(b"another past")
    log.publish()
    check(entente, log, names=(), status=1)
    assert outcomes(entente)["ct.logs-honest"] == "fail"
