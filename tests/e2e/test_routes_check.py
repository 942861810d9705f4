"""entente routes check (routes_check.c, routes_check_show.c, gather.c, gather_run.c, judge.c, own_roas.c): origins, paths and prefixes of MRT files against RPKI, from files and from a cache."""
import contextlib
import gzip
import json
import shutil
import socket
import struct
import subprocess
import threading
import time

import jsonschema
import pytest

from conftest import BINARY, ROOT
from ports import free_port
from waiting import PATIENCE, answered

MRT = "data/public_core/mrt"
VRP = "data/public_core/vrp"


def check(*arguments, status=0, env=None):
    done = subprocess.run([BINARY, "routes", "check", *map(str, arguments)], capture_output=True,
                          text=True, timeout=300, env=env)
    assert done.returncode == status, done.stderr
    return done


def lines(*arguments, status=0, env=None):
    schema = json.loads((ROOT / "docs/schema/routes-check.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    found = [json.loads(line)
             for line in check("--format", "json", *arguments, status=status,
                               env=env).stdout.splitlines()]
    for line in found[:50] + found[-50:]:
        validator.validate(line)
    return found


def of(found, kind):
    return [line for line in found if line["type"] == kind]


# --- MRT that says what a test needs

def attribute(code, value, flags=0x40):
    return struct.pack(">BBH", flags | 0x10, code, len(value)) + value


def update(prefix, path, otc=None, time_s=1_700_000_000):
    """A BGP4MP_MESSAGE_AS4 with one announcement; a tuple in the path is an AS_SET."""
    segments = b""
    for part in path:
        group = part if isinstance(part, (tuple, list)) else [part]
        kind = 1 if isinstance(part, tuple) else 2
        segments += struct.pack(">BB", kind, len(group)) + b"".join(
            struct.pack(">I", one) for one in group)
    attributes = attribute(1, b"\0") + attribute(2, segments) + attribute(3, bytes([192, 0, 2, 1]))
    if otc:
        attributes += attribute(35, struct.pack(">I", otc), 0xC0)
    address, length = prefix.split("/")
    nlri = bytes([int(length)]) + bytes(map(int, address.split(".")))[:(int(length) + 7) // 8]
    body = struct.pack(">H", 0) + struct.pack(">H", len(attributes)) + attributes + nlri
    message = b"\xff" * 16 + struct.pack(">HB", 19 + len(body), 2) + body
    head = struct.pack(">IIHH", 64999, 65000, 0, 1) + bytes([192, 0, 2, 9]) + bytes([192, 0, 2, 10])
    return struct.pack(">IHHI", time_s, 16, 4, len(head) + len(message)) + head + message


@pytest.fixture
def rpki(tmp_path):
    """8.0.0.0/9 is AS1's, up to /16; AS1 has the providers 2 and 3, AS2 has 4, AS3 none."""
    path = tmp_path / "vrps.json"
    path.write_text(json.dumps({
        "metadata": {"buildtime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
        "roas": [{"asn": 1, "prefix": "8.0.0.0/9", "maxLength": 16, "ta": "lab",
                  "expires": int(time.time()) + 90000}],
        "aspas": [{"customer_asid": 1, "providers": [2, 3], "expires": 4000000000},
                  {"customer_asid": 2, "providers": [4], "expires": 4000000000},
                  {"customer_asid": 3, "providers": [0], "expires": 4000000000}]}))
    return path


# --- origins

@pytest.mark.parametrize("name", ["vrps.rpki-client.json.gz", "vrps.routinator.json.gz",
                                  "vrps.routinator.csv.gz", "vrps.openbgpd.conf.gz"])
def test_every_origin_has_the_state_that_is_expected(shared, name):
    found = lines("--vrp", shared / VRP / name, shared / MRT / "updates.20160811.1600.gz", status=1)
    states = sorted(f"{line['prefix']}|{line['origin']}|{line['rov']}"
                    for line in of(found, "origin"))
    wanted = gzip.decompress((shared / VRP / "expected_rov.txt.gz").read_bytes()).decode()
    assert "\n".join(states) + "\n" == "".join(sorted(wanted.splitlines(keepends=True)))
    counts = json.loads((shared / VRP / "expected_rov.json").read_text())["counts"]
    assert of(found, "summary")[0]["rov"] == counts


def test_threads_do_not_change_what_is_found(shared):
    arguments = ("--vrp", shared / VRP / "vrps.routinator.csv.gz",
                 shared / MRT / "updates.20160811.1600.gz")
    assert lines("--threads", 1, *arguments, status=1) == lines("--threads", 3, *arguments, status=1)


def test_tables_say_what_is_wrong_and_why(shared):
    done = check("--vrp", shared / VRP / "vrps.rpki-client.json.gz",
                 shared / MRT / "updates.20160811.1600.gz", status=1)
    assert "39256 routes against 1193 payloads" in done.stdout
    assert "AS36976 may announce 41.223.164.0/23 up to /23" in done.stdout
    assert "nobody may announce 41.91.253.0/24" in done.stdout
    assert "stale: built at 2026-01-01" in done.stderr


def test_a_route_whose_path_ends_in_a_set_is_never_valid(tmp_path, rpki):
    mrt = tmp_path / "u.mrt"
    mrt.write_bytes(update("8.1.0.0/16", [1]) + update("8.2.0.0/16", [4, (1, 5)]))
    found = lines("--vrp", rpki, mrt, status=1)
    assert [(line["prefix"], line["origin"], line["rov"]) for line in of(found, "origin")] == [
        ("8.1.0.0/16", 1, "valid"), ("8.2.0.0/16", None, "invalid-asn")]
    assert of(found, "path")[0]["has_set"] and of(found, "path")[0]["aspa"] == "invalid"


def test_nothing_wrong_is_status_0(tmp_path, rpki):
    mrt = tmp_path / "u.mrt"
    mrt.write_bytes(update("8.1.0.0/16", [4, 2, 1]))
    summary = of(lines("--vrp", rpki, mrt), "summary")[0]
    assert summary["aspa_routes"]["valid"] == 1 and summary["anchors"] == {"lab": 1}
    assert summary["first_expires"] > time.strftime("%Y-%m-%d")


# --- paths

def test_leaks_are_found(tmp_path, rpki):
    """3 has no provider, but 2 heard from it what it learnt from 1: a leak by ASPA; and 2 told 4
    what was marked for customers only."""
    mrt = tmp_path / "u.mrt"
    mrt.write_bytes(update("8.1.0.0/16", [3, 7, 3, 1]) + update("8.2.0.0/16", [4, 2, 1], otc=1) +
                    update("8.3.0.0/16", [4, 2, 1], otc=4) + update("8.4.0.0/16", [4, 2, 1], otc=9))
    paths = {line["prefix"]: line for line in of(lines("--vrp", rpki, mrt, status=1), "path")}
    assert paths["8.1.0.0/16"]["aspa"] == "invalid"
    assert paths["8.1.0.0/16"]["up"] == {"customer": 3, "other": 7}
    assert paths["8.2.0.0/16"]["otc_finding"] == "leak"
    assert paths["8.2.0.0/16"]["otc_hop"] == {"customer": 1, "other": 2}
    assert "8.3.0.0/16" not in paths
    assert paths["8.4.0.0/16"]["otc_finding"] == "stranger"
    text = check("--vrp", rpki, mrt, status=1).stdout
    assert "AS1 sent it to customers only" in text


def test_what_is_nobodys(tmp_path, rpki):
    mrt = tmp_path / "u.mrt"
    mrt.write_bytes(update("10.1.0.0/16", [4, 5]) + update("9.0.0.0/16", [4, 64512, 5]) +
                    update("9.1.1.0/25", [4, 5]) + update("0.0.0.0/0", [4, 5]))
    found = lines("--vrp", rpki, mrt, status=1)
    bogons = {line["prefix"]: line.get("bogon") for line in of(found, "origin")}
    assert bogons["10.1.0.0/16"] and bogons["9.1.1.0/25"] and bogons["0.0.0.0/0"]
    assert bogons["9.0.0.0/16"] is None
    assert of(found, "path")[0]["bogon_as"]["asn"] == 64512
    assert of(found, "summary")[0]["bogon_prefixes"] == 1
    mrt.write_bytes(update("9.1.1.0/25", [4, 5]) + update("0.0.0.0/0", [4, 5]))
    check("--vrp", rpki, mrt)  # lengths and the default route are told, and are no finding


def test_local_exceptions(tmp_path, rpki):
    mrt, slurm = tmp_path / "u.mrt", tmp_path / "slurm.json"
    mrt.write_bytes(update("8.1.0.0/16", [5]))
    assert of(lines("--vrp", rpki, mrt, status=1), "origin")[0]["rov"] == "invalid-asn"
    slurm.write_text(json.dumps({
        "slurmVersion": 1,
        "validationOutputFilters": {"prefixFilters": [{"asn": 1}], "bgpsecFilters": []},
        "locallyAddedAssertions": {"prefixAssertions": [{"asn": 5, "prefix": "8.1.0.0/16"}],
                                   "bgpsecAssertions": []}}))
    assert of(lines("--vrp", rpki, "--slurm", slurm, mrt), "origin")[0]["rov"] == "valid"


# --- wrong use, broken files

def test_refusals(tmp_path, rpki):
    mrt = tmp_path / "u.mrt"
    mrt.write_bytes(update("8.1.0.0/16", [1]))
    assert "--rtr HOST:PORT" in check(mrt, status=2).stderr
    assert "which MRT files" in check("--vrp", rpki, status=2).stderr
    assert "port is to be" in check("--rtr", "localhost:x", mrt, status=2).stderr
    broken = tmp_path / "broken.csv"
    broken.write_text("ASN,IP Prefix\nAS1,10.0.0.1/16\n")
    assert "broken.csv: line 2: " in check("--vrp", broken, mrt, status=2).stderr
    mrt.write_bytes(update("8.1.0.0/16", [1]) + b"torn")
    assert "byte " in check("--vrp", rpki, mrt, status=2).stderr
    assert "nowhere" in check("--vrp", rpki, tmp_path / "nowhere", status=3).stderr


# --- a cache

@pytest.fixture
def cache(tmp_path, rpki):
    if not shutil.which("stayrtr"):
        pytest.skip("stayrtr is not installed")
    feed = json.loads(rpki.read_text())
    for afi in ("ipv4", "ipv6"):
        feed.setdefault("provider_authorizations", {})[afi] = feed["aspas"]
    path = tmp_path / "feed.json"
    path.write_text(json.dumps(feed))
    port = free_port()
    process = subprocess.Popen(["stayrtr", "-bind", f"127.0.0.1:{port}", "-cache", str(path),
                                "-checktime=false", "-metrics.addr", "127.0.0.1:0"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    answered(lambda: socket.create_connection(("127.0.0.1", port)).close(), process)
    yield f"127.0.0.1:{port}"
    process.kill()
    process.wait()


def test_a_cache_gives_the_same_as_the_file(tmp_path, rpki, cache):
    mrt = tmp_path / "u.mrt"
    mrt.write_bytes(update("8.1.0.0/16", [1]) + update("8.2.0.0/16", [3, 7, 3, 1]) +
                    update("8.3.0.0/24", [4, 2, 1]))
    from_file = lines("--vrp", rpki, mrt, status=1)
    from_cache = lines("--rtr", cache, mrt, status=1)
    for line in from_file + from_cache:
        for member in ("anchors", "first_expires"):  # a cache does not say
            line.pop(member, None)
        for vrp in line.get("vrps", []) if isinstance(line.get("vrps"), list) else []:
            vrp.pop("anchor", None)
            vrp.pop("expires", None)
    assert from_cache == from_file


def pdu(kind, session=0, body=b"", version=1):
    return struct.pack(">BBHI", version, kind, session, 8 + len(body)) + body


def error_report(code, text, version=1):
    return pdu(10, code, struct.pack(">II", 0, len(text)) + text, version)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        yield server


def refuse(client, asked):
    """Version 2 is not spoken here, and nothing else said; adds to what was asked for."""
    with client:
        client.settimeout(PATIENCE)
        asked.append(client.recv(8)[:1])
        client.sendall(error_report(4, b"one, please") if asked[-1] == b"\2" else
                       error_report(1, b"closed on \x1b[1mMondays"))
        client.recv(1)  # until it goes


@pytest.fixture
def refusing(listener):
    """A cache that refuses everybody: (its address, the versions that it was asked in)."""
    asked = []

    def serve():
        with contextlib.suppress(OSError):  # the listener is shut down
            while True:
                client = listener.accept()[0]
                with contextlib.suppress(OSError):
                    refuse(client, asked)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"127.0.0.1:{listener.getsockname()[1]}", asked
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_what_a_cache_refuses_with_is_said_at_once(tmp_path, refusing):
    """The text of its error report, escaped. Whoever waits a minute for it asks seven times."""
    (tmp_path / "u.mrt").write_bytes(update("8.1.0.0/16", [1]))
    cache, asked = refusing
    said = check("--rtr", cache, tmp_path / "u.mrt", status=3).stderr
    assert "the cache reports: internal error: closed on " in said and "\x1b" not in said
    assert "one, please" not in said and asked[:2] == [b"\2", b"\1"] and len(asked) <= 4


def test_a_cache_without_data_yet_is_waited_for(tmp_path, listener):
    (tmp_path / "u.mrt").write_bytes(update("8.1.0.0/16", [1]))
    process = subprocess.Popen([BINARY, "routes", "check", "--format", "json", "--rtr",
                                f"127.0.0.1:{listener.getsockname()[1]}", tmp_path / "u.mrt"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with listener.accept()[0] as client:
        client.recv(8)
        client.sendall(error_report(2, b"still reading", version=2))
        said = process.stderr.readline()
        assert "no data available: still reading; waiting" in said
        client.sendall(pdu(0, 7, struct.pack(">I", 1), 2))
        client.recv(8)
        client.sendall(pdu(3, 7, version=2) + pdu(4, 0, bytes([1, 16, 16, 0, 8, 1, 0, 0]) + struct.pack(">I", 1), 2)
                       + pdu(7, 7, struct.pack(">IIII", 1, 3600, 600, 7200), 2))
        found = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0 and of(map(json.loads, found.splitlines()), "summary")[0]["rov"]["valid"] == 1


# --- own prefixes

PROFILE = """\
signatory: {name: Example, group: civil-society}
assets:
  prefixes:
    - {prefix: 8.1.0.0/16, origins: [AS1]}
    - {prefix: 8.2.0.0/16, origins: [AS6]}
    - {prefix: 9.0.0.0/16}
"""


def test_own_prefixes_are_judged_and_kept(tmp_path, rpki):
    mrt, profile, data = tmp_path / "u.mrt", tmp_path / "entente.yaml", tmp_path / "data"
    profile.write_text(PROFILE)
    mrt.write_bytes(update("8.1.0.0/16", [4, 2, 1]) + update("8.1.3.0/24", [4, 7]) +
                    update("20.0.0.0/16", [4, 7]) + update("8.0.0.0/8", [4, 7]))
    found = lines("--profile", profile, "--data", data, "--own", "--vrp", rpki, mrt, status=1)
    assert [line["prefix"] for line in of(found, "origin")] == ["8.1.0.0/16", "8.1.3.0/24"]
    own = {line["asset"]: line["record"] for line in of(found, "own")}
    first, second, third = (own[name] for name in ("8.1.0.0/16", "8.2.0.0/16", "9.0.0.0/16"))
    assert first["covered"] and first["origins"][0]["rov"] == "valid"
    assert first["origins"][0]["expires"] and first["loose"] == []
    assert [(one["prefix"], one["rov"], one["declared"]) for one in first["announced"]] == [
        ("8.1.0.0/16", "valid", True), ("8.1.3.0/24", "invalid-asn", False)]
    assert second["covered"] and second["origins"][0]["rov"] == "invalid-asn"
    assert not third["covered"] and third["announced"] == []
    journal = subprocess.run([BINARY, "journal", "list", "--data", str(data), "--format", "json"],
                             capture_output=True, text=True, timeout=PATIENCE)
    assert journal.stdout.count("routes-check") >= 3


def test_what_was_kept_is_assessed(tmp_path, rpki):
    mrt, profile, data = tmp_path / "u.mrt", tmp_path / "entente.yaml", tmp_path / "data"
    profile.write_text(PROFILE)
    mrt.write_bytes(update("8.1.0.0/16", [4, 2, 1]) + update("8.2.3.0/24", [4, 6]) +
                    update("8.2.0.0/16", [4, 7]))

    def outcomes(measure):
        done = subprocess.run([BINARY, "assess", "--quiet", "--no-save", "--no-walk", "--measure",
                               f"org.routes.{measure}", "--profile", str(profile), "--data",
                               str(data), "--format", "json"],
                              capture_output=True, text=True, timeout=120)
        document = json.loads(done.stdout)
        names = [asset["name"] for asset in document["assets"]]
        return {names[one["asset"]]: one["outcome"] for one in document["findings"]
                if names[one["asset"]] in ("8.1.0.0/16", "8.2.0.0/16", "9.0.0.0/16")}

    assert set(outcomes("roas-cover").values()) == {"not-measured"}
    check("--profile", profile, "--data", data, "--own", "--vrp", rpki, mrt, status=1)
    assert outcomes("roas-cover") == {"8.1.0.0/16": "pass", "8.2.0.0/16": "fail",
                                      "9.0.0.0/16": "fail"}
    assert outcomes("origins-known") == {"8.1.0.0/16": "pass", "8.2.0.0/16": "fail",
                                         "9.0.0.0/16": "not-measured"}
    assert outcomes("payloads-fresh") == dict.fromkeys(("8.1.0.0/16", "8.2.0.0/16", "9.0.0.0/16"),
                                                       "pass")
    assert outcomes("roas-last")["8.1.0.0/16"] == "pass"
    assert outcomes("roas-exact")["9.0.0.0/16"] == "not-applicable"


@pytest.mark.parametrize("prefix, origin, rov, status", [
    ("8.1.0.0/16", 1, "valid", 0), ("8.2.0.0/16", 6, "invalid-asn", 1), ("8.1.0.0/24", 1, "invalid-length", 1),
    ("9.0.0.0/16", 1, "notfound", 0)])
def test_an_own_origin_that_is_not_authorised_is_found(tmp_path, rpki, prefix, origin, rov, status):
    profile = tmp_path / "entente.yaml"
    profile.write_text("signatory: {name: Example, group: civil-society}\nassets:\n  prefixes:\n"
                       f"    - {{prefix: {prefix}, origins: [AS{origin}]}}\n")
    found = lines("--profile", profile, "--data", tmp_path / "data", "--own", "--vrp", rpki, status=status)
    assert [one["rov"] for one in of(found, "own")[0]["record"]["origins"]] == [rov]


def test_own_without_prefixes_is_wrong_use(tmp_path, rpki):
    profile = tmp_path / "entente.yaml"
    profile.write_text("signatory: {name: Example, group: civil-society}\n")
    assert "names no prefix" in check("--profile", profile, "--own", "--vrp", rpki, status=2).stderr
