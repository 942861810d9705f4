"""
Every check of entente zone check finds what it is for (checks_delegation.c, checks_servers.c,
checks_data.c, checks_hosts.c, checks_networks.c, checks_mail.c, checks_keys.c, checks_signatures.c,
checks_denial.c, checks_cds.c; networks.h, reverse.h, absent.h, chain.h, past.h, gather_run.h).

A scene is a parent zone "lab.", a zone "zone.lab." on two servers, and what is wrong with them.
"""
import datetime
import json
import pathlib
import re
import subprocess

import pytest

import name_servers
from name_servers import Altered
from ports import free_port
from routers import Cache
from zones import Knot, Nsd, Zones, outcomes, problems, write_payloads, write_routes

PARENT, FIRST, SECOND = "127.0.0.21", "127.0.0.22", "127.0.0.23"
BEHIND = "127.0.0.24"  # the parent's, where another stands before it
ZONE = "zone.lab"
SOA = "@ SOA ns1 hostmaster 2026112201 14400 3600 1209600 3600\n"
GOOD = (f"$ORIGIN {ZONE}.\n$TTL 3600\n" + SOA + "@ NS ns1\n@ NS ns2\n"
        f"ns1 A {FIRST}\nns2 A {SECOND}\nwww A 192.0.2.80\n"
        '@ CAA 0 issue "ca.example"\n@ MX 10 www\n@ TXT "v=spf1 mx -all"\n')
DELEGATION = f"zone NS ns1.zone\nzone NS ns2.zone\nns1.zone A {FIRST}\nns2.zone A {SECOND}\n"
PARENT_HEAD = (f"$ORIGIN lab.\n$TTL 3600\n@ SOA ns hostmaster 1 14400 3600 1209600 3600\n@ NS ns\n"
               f"ns A {PARENT}\nelsewhere A 192.0.2.1\n")
BACK_HEAD = f"$TTL 3600\n@ SOA ns.lab. hostmaster.lab. 1 14400 3600 1209600 3600\n@ NS ns.lab.\n"
BACK = "22.0.0 PTR ns1.zone.lab.\n23.0.0 PTR ns2.zone.lab.\n"  # in 127.in-addr.arpa
BACK_OF_MAIL = "80 PTR www.zone.lab.\n"  # in 2.0.192.in-addr.arpa
# What every scene on loopback has.
ALWAYS = {"chain.validates", "delegation.two-ipv6", "delegation.public", "delegation.networks",
          "server.version"}


class Signer:
    """Keys and signatures by BIND's tools."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def run(self, *command):
        done = subprocess.run([str(word) for word in command], cwd=self.folder,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def key(self, *more, algorithm="ECDSAP256SHA256"):
        return self.run("dnssec-keygen", "-a", algorithm, *more, ZONE).strip()

    def keys(self):
        self.zsk, self.ksk = self.key(), self.key("-f", "KSK")
        return self

    def ds(self, key=None, digest="2"):
        return self.run("dnssec-dsfromkey", "-a", digest, key or self.ksk)

    def sign(self, text, *more):
        """The signed zone, a record a line."""
        (self.folder / "zone").write_text(text)
        self.run("dnssec-signzone", "-S", "-K", ".", "-P", "-O", "full", "-o", ZONE, "-f",
                 "signed", *more, "zone")
        return (self.folder / "signed").read_text()


def line_of(text, pattern):
    return re.search(f"^.*{pattern}.*$", text, re.M).group()


@pytest.fixture
def scene(tmp_path, entente):
    running = []

    def play(zone=GOOD, second=None, parent=DELEGATION, altered=None, transfers=False, back=BACK,
             back_of_mail=BACK_OF_MAIL, more=(), of_parent=(), server=Knot):
        port = free_port(PARENT, FIRST, SECOND, BEHIND)
        files = {"parent": PARENT_HEAD + parent, "first": zone, "second": second or zone,
                 "back": BACK_HEAD + back, "mail": BACK_HEAD + back_of_mail}
        for name, text in files.items():
            (tmp_path / f"{name}.zone").write_text(text)

        def knot(name, address, zones):
            own = {zone: tmp_path / f"{file}.zone" for zone, file in zones.items()}
            running.append(Knot(tmp_path / name, [address], port, own, transfers) if server is Knot
                           else server(tmp_path / name, [address], port, own))

        others = {"lab": "parent", "127.in-addr.arpa": "back", "2.0.192.in-addr.arpa": "mail"}
        knot("parent", BEHIND if of_parent else PARENT, others)
        if of_parent:
            running.append(Altered(PARENT, BEHIND, port, faults=of_parent))
        knot("first", FIRST, {ZONE: "first"})
        if altered is None:
            knot("second", SECOND, {ZONE: "second"})
        else:
            running.append(Altered(SECOND, FIRST, port, **altered))
        anchor = tmp_path / "anchor"
        anchor.write_text("other. IN DS 1 13 2 " + "ab" * 32 + "\n")
        play.zones = Zones(entente, port, anchor)
        play.stubs = {**dict.fromkeys(others, PARENT), ZONE: FIRST}
        document = play.zones.check(ZONE, play.stubs, *more)
        found = problems(document)
        return found, document

    yield play
    for one in running:
        one.stop()


def test_nothing_is_found_where_nothing_is_wrong(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    signed = signer.sign(GOOD)
    write_routes(tmp_path / "routes", {"127.0.0.22/32": 64500, "127.0.0.23/32": 64501})
    write_payloads(tmp_path / "vrps", {"127.0.0.22/32": 64500, "127.0.0.23/32": 64501})
    found, document = scene(signed, parent=DELEGATION + signer.ds(),
                            more=["--routes", tmp_path / "routes", "--vrp", tmp_path / "vrps"])
    assert set(found) == ALWAYS
    passing = {check for check, outcome in outcomes(document).items() if outcome == "pass"}
    assert {"delegation.agreement", "delegation.glue", "delegation.glue-same", "ds.keys",
            "signature.others", "mail.exchangers", "mail.senders", "denial.name", "mail.reverse",
            "delegation.reverse", "delegation.reverse-same", "delegation.operators",
            "delegation.prefixes", "delegation.announced", "delegation.origins",
            "data.takeover"} <= passing
    assert [check for check, outcome in outcomes(document).items() if outcome == "not-seen"] == [
        "key.age"]  # it was never looked at before


def test_nsec3_without_salt_is_right(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    found, document = scene(signer.sign(GOOD, "-3", "-", "-H", "0"),
                            parent=DELEGATION + signer.ds())
    assert set(found) == ALWAYS
    assert outcomes(document)["nsec3.parameters"] == "pass"
    assert outcomes(document)["denial.name"] == "pass"


def test_delegation(scene):
    zone = GOOD + f"@ NS dup\ndup A {FIRST}\n@ NS alias\nalias CNAME ns1\n@ NS gone\n"
    parent = (f"zone NS ns1.zone\nzone NS ns2.zone\nzone NS elsewhere\nzone NS ns3.zone\n"
              f"ns1.zone A {SECOND}\nns2.zone A {SECOND}\n")
    found, _ = scene(zone, parent=parent)
    assert "the parent names elsewhere.lab., the zone does not" in found["delegation.agreement"]
    assert "the zone names dup.zone.lab., the parent does not" in found["delegation.agreement"]
    assert found["delegation.glue"] == [
        "no address of ns3.zone.lab., which is inside of the zone"]
    assert found["delegation.glue-same"] == [
        "the parent gives ns1.zone.lab. another address than the zone"]
    assert "ns1.zone.lab. and dup.zone.lab. have one address" in " ".join(
        found["delegation.own-addresses"]) or "dup.zone.lab." in " ".join(
        found["delegation.own-addresses"])
    assert found["delegation.no-alias"] == ["alias.zone.lab. is an alias (CNAME)"]
    assert any(text.startswith("gone.zone.lab. has no address: the name does not exist")
               for text in found["delegation.resolvable"])


def test_one_server_and_a_long_delegation(scene):
    zone = GOOD.replace("@ NS ns2\n", "").replace(f"ns2 A {SECOND}\n", "")
    names = [f"{letter * 40}.{letter * 40}.zone" for letter in "abcdef"]
    parent = f"zone NS ns1.zone\nns1.zone A {FIRST}\n" + "".join(
        f"zone NS {name}\n{name} A {FIRST}\n" for name in names)
    found, _ = scene(zone, parent=parent)
    assert found["delegation.two-names"] == ["the zone names one server"]
    assert found["delegation.two-ipv4"] == ["one server address by IPv4"]
    assert "more than 512" in found["delegation.referral-size"][0]


def test_servers_that_alter_answers(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    faults = [name_servers.echo_option, name_servers.echo_flag, name_servers.short_cookie,
              name_servers.lower_case, name_servers.no_aaaa, name_servers.recursion,
              name_servers.truncated, name_servers.two_soa]
    found, _ = scene(signer.sign(GOOD), parent=DELEGATION + signer.ds(),
                     altered={"faults": faults}, transfers=True)
    assert found["server.edns-option"] == ["an unknown option is sent back"]
    assert found["server.edns-flag"] == ["unknown flags (0x0040) are sent back"]
    assert found["server.cookie"] == ["a cookie of 5 bytes"]
    assert found["server.letter-case"] == ["the case of the question is not kept"]
    assert found["server.aaaa"] == ["a question for AAAA is answered with RCODE 3"]
    assert found["server.no-recursion"] == ["offers recursion (RA), though it gave no answer"]
    assert found["server.edns-truncated"] == ["a truncated answer has no OPT record"]
    assert found["server.answer-size"] == ["the answer to DNSKEY is truncated at 1232 bytes"]
    assert found["server.no-transfer"] == ["gives the whole zone to whoever asks (AXFR)"] * 2
    assert found["soa.one"] == ["2 SOA records"]


def test_a_server_without_edns(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    found, _ = scene(signer.sign(GOOD), parent=DELEGATION + signer.ds(),
                     altered={"strip_opt": True})
    assert found["server.edns"] == ["a question with EDNS is answered without"]
    assert found["server.edns-version"] == [
        "EDNS version 1 is answered with RCODE 0, not BADVERS"]
    assert found["server.dnssec"] == ["gives keys without signatures"]


@pytest.mark.parametrize("missing", ["udp", "tcp"])
def test_a_server_that_lacks_a_transport(scene, missing):
    found, document = scene(altered={missing: False})
    assert len(found[f"server.{missing}"]) == 1
    other = "tcp" if missing == "udp" else "udp"
    assert outcomes(document)[f"server.{other}"] == "pass"


def test_answers_from_another_address(scene):
    found, document = scene(altered={"source": PARENT}, more=["--timeout", 5])  # silence is waited out
    assert found["server.source"] == ["the answer comes from another address: resolvers drop it"]
    assert found["server.udp"] == ["the answer comes from another address"]
    assert outcomes(document)["server.tcp"] == "pass"


def test_keys_that_are_cut(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    signed = signer.sign(GOOD) + f"{ZONE}. 3600 IN DNSKEY 256 2 15 AAAA\n"
    found, _ = scene(signed, parent=DELEGATION + signer.ds())
    assert [text.split(" ", 2)[2] for text in found["key.form"]] == [
        "has protocol 2, not 3", "of algorithm 15 has 3 bytes, not 32"]


def test_a_server_without_authority(scene):
    found, _ = scene(altered={"faults": [name_servers.not_authoritative]})
    assert found["delegation.authoritative"] == ["answers without authority (AA)"]


def test_data(scene):
    zone = (f"$ORIGIN {ZONE}.\n$TTL 3600\n"
            "@ SOA absent host\\@master 2026112201 60 120 30 10\n@ NS ns1\n@ NS ns_2\n"
            f"ns1 A {FIRST}\nns_2 A {SECOND}\n* A 192.0.2.9\nwww CNAME gone.lab.\n"
            '@ MX 0 .\n@ MX 10 gone.lab.\n@ TXT "v=spf1 mx ?all"\n@ TXT "v=spf1 nonsense +all"\n'
            '@ CAA 128 unheard "x"\n@ CAA 0 iodef "nobody"\n')
    parent = f"zone NS ns1.zone\nzone NS ns_2.zone\nns1.zone A {FIRST}\nns_2.zone A {SECOND}\n"
    found, _ = scene(zone, parent=parent)
    assert found["soa.mailbox"][0].endswith("has an @: the first dot stands for it")
    assert found["soa.refresh"] and found["soa.retry"] == ["retry (120 s) is not below refresh"]
    assert found["soa.expire"] == ["expire (30 s) is below refresh"]
    assert found["soa.minimum"][0].startswith("absent names are remembered for 10 s")
    assert found["data.host-names"] == [
        "ns_2.zone.lab.: a character other than letters, digits and hyphen"]
    assert found["data.wildcard"] and found["data.dangling"]
    assert "gone.lab. does not exist" in found["mail.exchangers"]
    assert any("null MX" in text for text in found["mail.exchangers"])
    assert {"\"nonsense\" is no term of SPF", "\"+all\" lets everybody send",
            "2 SPF policies: receivers heed none"} <= set(found["mail.senders"])
    assert any("critical and unknown" in text for text in found["caa.form"])
    assert any("iodef" in text for text in found["caa.form"])
    assert found["caa.signed"]


def test_an_alias_of_a_zone_is_no_zone(scene):
    scene(GOOD + "alias CNAME @\n")
    found = problems(scene.zones.check(f"alias.{ZONE}", scene.stubs))
    assert found["delegation.zone"] == [f"alias.{ZONE}. is no zone: the name is an alias (CNAME)"]


def test_issuers_by_the_grammar(scene):
    """RFC 8659 sections 4.2 and 4.3."""
    right = ["", ";", " ; ", "ca.example;", "c-a--b.example; account=1; a-1 = %!~;b=", "x;k=v=w"]
    wrong = ["ca.example; bad", "%%%", "-bad-.example", "bad-.example", "ca..example", "ca.example.",
             "ca example", ".", "ca.example; a=b;", "ca.example; =b", "ca.example; a=b c",
             "ca.example; a_b=c", ";;"]

    wrong = [("issue", value) for value in wrong] + [("issuewild", "-bad-.example")]
    records = [(tag, value) for tag in ("issue", "issuewild") for value in right] + wrong
    lines = (f'@ CAA 0 {tag} "{value}"\n'.replace(";", "\\;") for tag, value in records)
    found, _ = scene(GOOD + "".join(lines))
    assert sorted(found["caa.form"]) == sorted(
        f'{tag} "{value}" is malformed: it lets nobody issue' for tag, value in wrong)


def test_servers_with_different_zones(scene):
    first = GOOD.replace("@ SOA ns1", "@ SOA missing").replace('@ CAA 0 issue "ca.example"\n', "")
    second = first.replace("2026112201 14400", "2026112101 28800").replace("@ NS ns2\n", "")
    found, _ = scene(first, second + "* A 192.0.2.9\n")
    assert found["data.same-absence"] == [
        "answers a name that is not there with RCODE 0, others with 3"]
    assert found["soa.same-serial"] == ["has serial 2026112101, the newest is 2026112201"]
    assert found["soa.same"] == ["has other timers"]
    assert found["data.same-ns"][0].startswith("answers otherwise than ns1.zone.lab.")
    assert found["soa.primary"] == ["missing.zone.lab. has no address"]
    assert found["caa.there"] == ["every authority may issue certificates"]


def test_ds_records(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    stray = f"{ZONE}. IN DS 4711 13 2 {'ab' * 32}\n"
    found, _ = scene(signer.sign(GOOD), parent=DELEGATION + signer.ds(digest="1") +
                     signer.ds(signer.zsk) + stray)
    assert "digest type 1 (SHA-1)" in found["ds.digests"][0]
    assert found["ds.keys"] == ["DS 4711 (algorithm 13, digest type 2) is of no key of the zone"]
    assert found["ds.flags"][0].endswith("has no SEP flag")


@pytest.mark.parametrize("signed", [True, False])
def test_a_chain_that_is_not_linked(scene, tmp_path, signed):
    signer = Signer(tmp_path / "keys").keys()
    found, _ = scene(signer.sign(GOOD) if signed else GOOD,
                     parent=DELEGATION + ("" if signed else signer.ds()))
    assert found["ds.linked"] == [
        "the zone is signed, and the parent has no DS record" if signed else
        "the parent says that the zone is signed, and it is not"]


def test_keys(scene, tmp_path):
    signer = Signer(tmp_path / "keys")
    signer.zsk = signer.key("-b", "1024", algorithm="RSASHA256")
    signer.ksk = signer.key("-b", "2048", "-f", "KSK", algorithm="RSASHA256")
    for _ in range(6):
        signer.key(algorithm="ED25519")
    signed = signer.sign(GOOD, "-T", "604800")
    one_key_less = "".join(line for line in signed.splitlines(True)
                           if not ("DNSKEY" in line and " 3 15 " in line and "RRSIG" not in line))
    found, _ = scene(signed, one_key_less, parent=DELEGATION + signer.ds())
    assert any("has 1024 bits" in text for text in found["key.rsa"])
    assert found["key.count"] == ["8 keys, more than 6"]
    assert found["key.same"][0].startswith("answers otherwise than")
    assert "keys are kept for 604800 s" in found["key.ttl"][0]


def test_signatures_that_are_not_there(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    signed = signer.sign(GOOD)
    for covered in ("DNSKEY", "SOA", "NS"):
        signed = re.sub(rf"^{ZONE}\.\s+\d+\s+IN\s+RRSIG\s+{covered} .*\n", "", signed, flags=re.M)
    found, _ = scene(signed, parent=DELEGATION + signer.ds())
    assert found["signature.keys"] == ["zone.lab. DNSKEY has no signature"] * 2
    assert found["signature.soa"] == ["zone.lab. SOA has no signature"] * 2
    assert found["signature.ns"] == ["zone.lab. NS has no signature"] * 2
    assert "no signature over SOA with algorithm 13" in found["signature.algorithms"]


def test_a_time_to_live_that_was_not_signed(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    signed = re.sub(r"^(www\S+\s+)3600(\s+IN\s+A\s)", r"\g<1>7200\2", signer.sign(GOOD),
                    flags=re.M)
    found, _ = scene(signed, parent=DELEGATION + signer.ds())
    assert found["signature.ttl"] == ["2 records have a longer time to live than was signed"] * 2


def test_proofs_of_absence(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    signed = signer.sign(GOOD)
    none = re.sub(r"^.*\s(NSEC|RRSIG\s+NSEC)\s.*\n", "", signed, flags=re.M)
    found, _ = scene(re.sub(rf"^({ZONE}\.\s+\d+\s+IN\s+NSEC\s+)\S+( .*) SOA", r"\1a.zone.lab.\2",
                            signed, flags=re.M), none, parent=DELEGATION + signer.ds())
    assert found["denial.one-kind"] == ["no proof that a type is not there"]
    assert "the apex is said to have no SOA" in found["denial.type"]
    assert {"the proof does not cover the name", "no proof that a name is not there"} <= set(
        found["denial.name"])


def test_nsec3_parameters(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    many = signer.sign(GOOD, "-3", "aabb", "-H", "120", "-A")
    found, _ = scene(many, signer.sign(GOOD, "-3", "-", "-H", "0"),
                     parent=DELEGATION + signer.ds())
    assert found["nsec3.iterations"][0].startswith("120 iterations: resolvers take the zone")
    assert found["nsec3.salt"] == ["a salt of 2 bytes"]
    assert found["nsec3.form"] == ["opt-out: unsigned delegations can be forged"]
    assert found["nsec3.parameters"][0].startswith("answers otherwise than")


def test_wishes_to_the_parent(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    cds = signer.ds().replace(" DS ", " CDS ")
    other = f"{ZONE}. IN CDS 4711 13 2 {'ab' * 32}\n"
    key = line_of(signer.sign(GOOD), r"DNSKEY\s+257").replace("DNSKEY", "CDNSKEY", 1) + "\n"
    delete = f"{ZONE}. 3600 IN CDS 0 0 0 00\n"
    signed = signer.sign(GOOD + "@ CSYNC 2026112299 11 NS\n")
    found, _ = scene(signed + cds + other + delete + key, signed, parent=DELEGATION + signer.ds())
    assert found["cds.same"][0].startswith("answers otherwise than")
    assert "a CDS record is of no CDNSKEY record" in found["cds.pair"]
    assert found["cds.keys"] == ["a CDS record is of no key of the zone"]
    assert "CDS is signed by no key of the zone" in found["cds.authentic"]
    assert found["cds.delete-alone"] == ["CDS asks to remove DS records, and for others"]
    assert found["cds.pending"]
    assert found["csync.form"] == ["unknown flags 0x000b",
                                   "its serial is ahead of the zone's: nothing happens"]


def test_wishes_that_are_right(scene, tmp_path):
    signer = Signer(tmp_path / "keys").keys()
    signed = signer.sign(GOOD + signer.ds().replace(" DS ", " CDS ") +
                         "@ CSYNC 2026112201 3 A NS AAAA\n", "-x")
    found, document = scene(signed, parent=DELEGATION + signer.ds())
    assert not [check for check in found if check.startswith(("cds.", "csync."))]
    assert outcomes(document)["cds.authentic"] == "pass"
    assert outcomes(document)["csync.form"] == "pass"


# ---- networks and other places

def test_addresses_that_lead_back_to_nothing_or_to_others(scene):
    found, _ = scene(back="23.0.0 PTR host.provider.lab.\n", back_of_mail="")
    assert found["delegation.reverse"] == [
        "127.0.0.22 (ns1.zone.lab.) leads back to no name (PTR)"]
    assert found["delegation.reverse-same"] == [
        "127.0.0.23 of ns2.zone.lab. leads back to host.provider.lab."]
    assert found["mail.reverse"] == ["192.0.2.80 (www.zone.lab.) leads back to no name (PTR)"]


def test_domains_that_anybody_may_register(scene):
    zone = (GOOD.replace("www A 192.0.2.80", "www CNAME pages.nobodys.lab.").replace("@ MX 10 www\n", "")
            + "@ NS ns.gone.lab.\n@ MX 20 mail.elsewhere.lab.\n@ MX 30 inside\n")
    zone += "shop CNAME shop.nobodys.lab.\nfine CNAME ns1\n"
    names = [f"shop.{ZONE}", f"fine.{ZONE}.", "www.other.lab"]
    found, _ = scene(zone, more=[word for name in names for word in ("--name", name)])
    assert sorted(found["data.dangling"]) == [
        "shop.zone.lab. is an alias of a name that does not exist",
        "www.zone.lab. is an alias of a name that does not exist"]
    assert sorted(found["data.takeover"]) == [
        "mail.elsewhere.lab., a mail exchanger, does not exist in a domain of others",
        "the domain gone.lab. of ns.gone.lab., a name server, does not exist",
        "the domain nobodys.lab. of pages.nobodys.lab., where www.zone.lab. leads, does not exist",
        "the domain nobodys.lab. of shop.nobodys.lab., where shop.zone.lab. leads, does not exist"]


@pytest.mark.parametrize("server", [Knot, Nsd])
def test_aliases_of_aliases(scene, tmp_path, server):
    """In a circle, over too many steps, and what DNAME (RFC 6672) makes of names."""
    zone = GOOD.replace("www A 192.0.2.80", "www CNAME round\nround CNAME trip\ntrip CNAME www")
    zone = zone.replace("@ MX 10 www", "@ MX 10 ns1") + "self CNAME self\nlast A 192.0.2.80\n"
    zone += "".join(f"long{i} CNAME {'last' if i == 10 else f'long{i + 1}'}\n" for i in range(11))
    zone += "moved DNAME other\nx.other A 192.0.2.81\ngrows DNAME grows.grows\ngone DNAME gone.lab.\n"
    names = ["self", "long0", "long1", "x.moved", "y.moved", "x.grows", "x.gone", "last"]
    more = [word for name in names for word in ("--name", f"{name}.{ZONE}")]
    signer = Signer(tmp_path / "keys").keys()
    found, document = scene(signer.sign(zone), parent=DELEGATION + signer.ds(), more=more, server=server)
    assert sorted(found["data.alias-chain"]) == [
        "long0.zone.lab. leads over more than 10 aliases: resolvers give up",
        "the aliases of self.zone.lab. lead in a circle", "the aliases of www.zone.lab. lead in a circle",
        "x.grows.zone.lab. leads over more than 10 aliases: resolvers give up"]
    assert sorted(found["data.dangling"]) == ["x.gone.zone.lab. is an alias of a name that does not exist",
                                              "y.moved.zone.lab. is an alias of a name that does not exist"]
    assert found["data.takeover"] == [
        "the domain gone.lab. of x.gone.lab., where x.gone.zone.lab. leads, does not exist"]
    www, = (row for row in document["verdicts"] if row["what"] == "www")
    assert (www["security"], www["why"]) == ("indeterminate", "its aliases lead in a circle")


def test_a_referral_that_reads_as_nothing(scene):
    found, _ = scene(of_parent=[name_servers.referral_with_soa])
    assert found["delegation.referral-form"] == ["its referral to the zone has an SOA record"]


def test_servers_of_one_operator(scene, tmp_path):
    write_routes(tmp_path / "routes", {"127.0.0.0/8": 64511, "127.0.0.16/28": 64500})
    write_payloads(tmp_path / "vrps", {"127.0.0.0/24": 64499})
    found, _ = scene(more=["--routes", tmp_path / "routes", "--vrp", tmp_path / "vrps"])
    assert found["delegation.operators"] == ["all IPv4 addresses are of AS64500"]
    assert found["delegation.prefixes"] == ["all IPv4 addresses are in 127.0.0.16/28"]
    assert found["delegation.origins"] == [
        "127.0.0.16/28 of AS64500 is invalid-asn: networks that validate drop it"] * 2


def test_servers_without_a_route_or_a_roa(scene, tmp_path):
    write_routes(tmp_path / "routes", {"127.0.0.22/32": 64500})
    write_payloads(tmp_path / "vrps", {"192.0.2.0/24": 64499})
    found, document = scene(more=["--routes", tmp_path / "routes", "--vrp", tmp_path / "vrps"])
    assert found["delegation.announced"] == ["no route leads to this address"]
    assert [problem["address"] for check in document["checks"] for problem in check["problems"]
            if check["id"] == "delegation.announced"] == [SECOND]
    assert found["delegation.origins"] == ["127.0.0.22/32 of AS64500: no ROA covers it"]
    assert "delegation.operators" not in found  # nobody knows of the other


def test_the_networks_that_payloads_name(scene, tmp_path):
    """Who may announce is known without a table of routes; whether anybody does is not."""
    write_payloads(tmp_path / "vrps", {"127.0.0.16/28": 64500, "127.0.0.0/8": 64511})
    found, document = scene(more=["--vrp", tmp_path / "vrps"])
    assert found["delegation.operators"] == ["all IPv4 addresses are of AS64500"]
    assert outcomes(document)["delegation.announced"] == "not-seen"
    assert outcomes(document)["delegation.origins"] == "not-seen"


def test_payloads_of_a_cache(scene, tmp_path):
    """stayrtr, by RTR; routes of two operators."""
    cache = Cache(tmp_path / "cache", [(64500, "127.0.0.22/32"), (64499, "127.0.0.23/32")])
    write_routes(tmp_path / "routes", {"127.0.0.22/32": 64500, "127.0.0.23/32": 64501})
    try:
        found, document = scene(more=["--routes", tmp_path / "routes", "--rtr",
                                      f"127.0.0.1:{cache.port}"])
    finally:
        cache.stop()
    assert found["delegation.origins"] == [
        "127.0.0.23/32 of AS64501 is invalid-asn: networks that validate drop it"]
    assert outcomes(document)["delegation.operators"] == "pass"


def test_files_of_routes_and_payloads_that_are_none(scene, tmp_path, entente):
    (tmp_path / "nothing").write_text("no payloads")
    assert "nothing" in entente("zone", "check", ZONE, "--vrp", tmp_path / "nothing",
                                status=None).stderr


@pytest.mark.parametrize("is_silent", [False, True])
def test_a_revoked_key(scene, tmp_path, is_silent):
    """It must sign the keys, too: BIND's tool does that, and we take the signature away."""
    signer = Signer(tmp_path / "keys").keys()
    old = signer.key("-f", "KSK")
    old = signer.run("dnssec-revoke", old).strip().removesuffix(".key")
    signed = signer.sign(GOOD)
    tag = old.rsplit("+", 1)[1].lstrip("0")
    silent = re.sub(rf"^.*RRSIG\s+DNSKEY .* {tag} {ZONE}\. .*\n", "", signed, flags=re.M)
    assert silent != signed
    found, document = scene(silent if is_silent else signed, parent=DELEGATION + signer.ds())
    if is_silent:
        assert found["key.revoked"] == [f"key {tag} is revoked and does not say so itself"]
    else:
        assert outcomes(document)["key.revoked"] == "pass"


def test_a_wish_that_the_parent_does_not_hear(scene, tmp_path, entente):
    """A month after the first check that saw it."""
    signer = Signer(tmp_path / "keys").keys()
    signed = signer.sign(GOOD + signer.ds(digest="4").replace(" DS ", " CDS "), "-x", "-e",
                         "now+200d")
    (entente.folder / "entente.yaml").write_text(json.dumps(
        {"signatory": {"name": "Lab", "group": "state"}, "assets": {"domains": [{"name": ZONE}]}}))
    scene(signed, parent=DELEGATION + signer.ds())
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)

    def days_on(days):
        time = (now + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        done = entente("zone", "check", ZONE, "--at", time, "--format", "json",
                       *scene.zones.options(scene.stubs), status=None)
        return json.loads(done.stdout)

    for days in (0, 29):
        assert problems(days_on(days))["cds.pending"] == [
            "the parent's DS records are not (yet) what CDS asks for"]
    assert problems(days_on(33))["cds.pending"][1] == "the parent has not done it for 33 days"


def test_every_check_has_a_test(scene):
    """One that demands what it finds: found["ID"] here, or a zone of the data set."""
    _, document = scene()
    folder = pathlib.Path(__file__).parent
    text = "".join((folder / name).read_text() for name in ("test_zone.py", "test_zone_checks.py"))
    tried = set(re.findall(r'(?:found|wrong\["\w+"\]|problems\(\w+\))\["([a-z0-9.-]+)"\]', text))
    tried |= {"server.udp", "server.tcp"} | ALWAYS | {"signature.not-long"}
    assert set(outcomes(document)) - tried == set()
