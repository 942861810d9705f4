"""entente hunt pcap: what captures tell: at least what tshark finds, and which indicators are in it.

Exercises hunt_pcap (src/cli); of src/p1_resilience/hunt capture_hunt, capture_match, capture_ng,
capture_quic, capture_streams, packet_link, packet_ip and packet_tunnel.
"""
import gzip
import json
import shutil
import struct
import subprocess

import pytest

import captures as make
from captures import ether, ip, pcap, segments, udp
from conftest import BINARY
from test_schemas import check

A, B, A6, B6 = "192.0.2.1", "198.51.100.2", "2001:db8::1", "2001:db8:1::2"
CNAME = make.answer("www.evil.example", [
    (b"\xc0\x0c", 5, make.name("cdn.evil.example")),
    ("cdn.evil.example", 1, make.address("203.0.113.7")),
    ("cdn.evil.example", 28, make.address("2001:db8:2::7")),
    (b"\xc0\x0c", 16, make.vector(1, b"x" * 200) + make.vector(1, b"y" * 200)),
    (b"\xc0\x0c", 16, make.vector(1, b"z" * 250)),
])
HELLO = make.client_hello("sni.evil.example", ("h2", "http/1.1"))
LONG_HELLO = make.client_hello("long.evil.example", ("h2",), padding=1700)
GET = (b"GET /first?a=1 HTTP/1.1\r\nHost: www.evil.example\r\nUser-Agent: Test/1.0 (x)\r\n\r\n"
       b"POST /second HTTP/1.1\r\nHost: two.example:8080\r\nContent-Length: 11\r\n\r\nhello\r\n\r\nyo"
       b"GET http://proxied.example/third HTTP/1.1\r\nHost: proxied.example\r\n\r\n")
WEB = (A, 40001, B, 80)
TLS = (A, 40002, B, 443)


def fragments(source, destination, payload, size, last_first=False):
    cuts = [(at, payload[at:at + size]) for at in range(0, len(payload), size)]
    if ":" in source:
        out = [ip(source, destination, 44,
                  make.fragment6(17, part, 77, at, at + size < len(payload))) for at, part in cuts]
    else:
        out = [ip(source, destination, 17, part, 77, at, at + size < len(payload))
               for at, part in cuts]
    return out[::-1] if last_first else out


def gre(packet, key=True):
    return ip(B, A, 47, struct.pack("!HH", 0x2000 if key else 0, 0x0800)
              + (b"\0\0\0\1" if key else b"") + packet)


def vxlan(packet):
    return ip(B, A, 17, udp(55555, 4789, b"\x08\0\0\0\0\0\x2a\0" + ether(packet)))


def gre_in_udp(packet):
    return ip(B, A, 17, udp(55555, 4754, struct.pack("!HH", 0, 0x0800) + packet))


def gtp(packet):
    return ip(B, A, 17, udp(2152, 2152, struct.pack("!BBHI", 0x30, 255, len(packet), 9) + packet))


def mpls(packet):
    return ether(struct.pack("!I", 16 << 12 | 0x100 | 64) + packet, 0x8847)


def pppoe(packet):
    return ether(struct.pack("!BBHHH", 0x11, 0, 1, len(packet) + 2, 0x21) + packet, 0x8864)


def query(name, source=A, destination=B):
    return ip(source, destination, 17, udp(5000, 53, make.query(name)))


def dns_tcp():
    message = make.vector(2, CNAME) + make.vector(2, make.query("second.evil.example"))
    return [ether(packet) for packet in segments((A, 53, B, 40003), message, 100)]


def ng_mixed():
    """Two interfaces with their own links and clocks, and blocks that say nothing of packets."""
    return (make.ng_section(">") + make.ng_interface(make.ETHERNET, ">")
            + make.ng_block(4, struct.pack(">HH", 0, 0), ">")
            + make.ng_packet(0, ether(query("first.ng.example")), ">")
            + make.ng_interface(make.RAW, ">", resolution=9)
            + make.ng_block(0xBAD, b"a private block", ">")
            + make.ng_packet(1, query("second.ng.example"), ">", units=10**9)
            + make.ng_block(5, bytes(12), ">")
            + make.ng_section("<") + make.ng_interface(make.COOKED)
            + make.ng_packet(0, struct.pack("!HHH8xH", 0, 1, 6, 0x0800) + query("third.ng.example")))


# What a capture is called, and its bytes.
CAPTURES = {
    "dns": pcap([ether(query("www.evil.example")), ether(ip(B, A, 17, udp(53, 5000, CNAME)))]),
    "big-endian-ns": pcap([ether(query("be.example"))], order=">", nanoseconds=True),
    "ipv6": pcap([ether(query("six.example", A6, B6))]),
    "vlan": pcap([ether(query("tag.example"), tags=[(0x8100, 5)]),
                  ether(query("qinq.example", A6, B6), tags=[(0x88A8, 5), (0x8100, 6)])]),
    "mdns": pcap([ether(ip(A, "224.0.0.251", 17, udp(5353, 5353, make.query("x.local")))),
                  ether(ip(A6, "ff02::1:3", 17, udp(5000, 5355, make.query("llmnr"))))]),
    "fragments": pcap([ether(packet) for packet in
                       fragments(B, A, udp(53, 5000, CNAME), 104)]),
    "fragments-backwards": pcap([ether(packet) for packet in
                                 fragments(B, A, udp(53, 5000, CNAME), 104, last_first=True)]),
    "fragments6": pcap([ether(packet) for packet in
                        fragments(B6, A6, udp(53, 5000, CNAME), 104)]),
    "extension-headers": pcap([ether(ip(A6, B6, 0, bytes([60, 0, 1, 4, 0, 0, 0, 0])
                                        + bytes([17, 0, 1, 4, 0, 0, 0, 0])
                                        + udp(5000, 53, make.query("ext.example"))))]),
    "dns-tcp": pcap(dns_tcp()),
    "http": pcap([ether(packet) for packet in segments(WEB, GET, 2000)]),
    "http-segments": pcap([ether(packet) for packet in segments(WEB, GET, 31)]),
    "http-ipv6": pcap([ether(packet) for packet in
                       segments((A6, 40001, B6, 80), GET, 60)]),
    "connect": pcap([ether(packet) for packet in segments(
        (A, 40005, B, 3128), b"CONNECT tunnel.example:443 HTTP/1.1\r\nHost: tunnel.example:443\r\n"
        b"User-Agent: c\r\n\r\n", 2000)]),
    "tls": pcap([ether(packet) for packet in segments(TLS, make.records(HELLO), 2000)]),
    "tls-segments": pcap([ether(packet) for packet in
                          segments(TLS, make.records(LONG_HELLO), 700)]),
    "tls-records": pcap([ether(packet) for packet in
                         segments(TLS, make.records(LONG_HELLO, 600), 1400)]),
    "gre": pcap([ether(gre(query("gre.example"))),
                 ether(gre(query("gre6.example", "10.0.0.1", "10.0.0.2"), key=False))]),
    "vxlan": pcap([ether(vxlan(query("vxlan.example", "10.0.0.1", "10.0.0.2")))]),
    "gre-in-udp": pcap([ether(gre_in_udp(query("gu.example", "10.0.0.1", "10.0.0.2")))]),
    "fddi": pcap([b"\x50" + bytes(12) + b"\xaa\xaa\x03\0\0\0\x08\0" + query("fddi.example")],
                 link=10),
    "ssdp": pcap([ether(ip(A, "239.255.255.250", 17, udp(
        1900, 1900, b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n")))]),
    "gtp": pcap([ether(gtp(query("gtp.example", "10.0.0.1", "10.0.0.2")))]),
    "ip-in-ip": pcap([ether(ip(A, B, 4, query("ipip.example", "10.0.0.1", "10.0.0.2"))),
                      ether(ip(A, B, 41, query("sixinfour.example", A6, B6)))]),
    "mpls": pcap([mpls(query("mpls.example"))]),
    "pppoe": pcap([pppoe(query("pppoe.example"))]),
    "raw": pcap([query("raw.example"), query("raw6.example", A6, B6)], link=make.RAW),
    "cooked": pcap([struct.pack("!HHH8xH", 0, 1, 6, 0x0800) + query("sll.example")],
                   link=make.COOKED),
    "cooked2": pcap([struct.pack("!HHIHBB8x", 0x0800, 0, 1, 1, 0, 6) + query("sll2.example")],
                    link=make.COOKED2),
    "loopback": pcap([struct.pack("<I", 2) + query("null.example")], link=make.LOOPBACK),
    "icmp": pcap([ether(ip(B, A, 1, struct.pack("!BBHI", 3, 3, 0, 0)
                           + query("quoted.example", A, "203.0.113.9")))]),
    "ng": ng_mixed(),
}


def read(entente, *arguments, status=0):
    """The values, the hits and the summary."""
    done = entente("hunt", "pcap", "--format", "json", "-q", *map(str, arguments), status=status)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        assert check("hunt-pcap", line) == []
    return ([line for line in lines[:-1] if "indicator" not in line],
            [line for line in lines[:-1] if "indicator" in line], lines[-1]["summary"])


def pairs(values):
    return {(value["seen"], value["value"]) for value in values}


@pytest.fixture
def capture(entente):
    def write(content, name="test.pcap"):
        path = entente.folder / name
        path.write_bytes(content)
        return path
    return write


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
@pytest.mark.parametrize("which", CAPTURES)
def test_at_least_what_tshark_finds(entente, capture, which):
    path = capture(CAPTURES[which])
    expected = make.tshark_values(path)
    values, _, summary = read(entente, "--values", path)
    assert expected, "the capture says nothing to tshark"
    assert expected - pairs(values) == set()
    assert summary["complete"]


def test_a_quic_hello_over_several_packets_is_read(entente, capture):
    pytest.importorskip("cryptography")
    for version in make.SALTS:
        hello = make.client_hello(f"v{version}.evil.example", ("h3",), padding=1500)
        parts = [make.crypto(hello[at:at + 700], at) for at in range(0, len(hello), 700)]
        first, second, third = parts[2], parts[0], parts[1]
        datagrams = [make.initial(first, 0, version=version),
                     # two packets in one datagram
                     make.initial(second, 1, version=version, size=720)
                     + make.initial(third, 2, version=version, size=720)]
        path = capture(pcap([ether(ip(A, B, 17, udp(50000, 443, each))) for each in datagrams]))
        values, _, summary = read(entente, "--values", path)
        assert ("tls-sni", f"v{version}.evil.example") in pairs(values)
        assert ("tls-alpn", "h3") in pairs(values)
        assert "quic-closed" not in summary["not_seen"]


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_quic_as_tshark_reads_it(entente, capture):
    pytest.importorskip("cryptography")
    path = capture(pcap([ether(ip(A, B, 17, udp(50000, 443, make.initial(
        make.crypto(make.client_hello("quic.example", ("h3",)), 0), 0))))]))
    assert make.tshark_values(path) <= pairs(read(entente, "--values", path)[0])
    assert ("tls-sni", "quic.example") in make.tshark_values(path)


def test_what_cannot_be_read_is_said(entente, capture):
    pytest.importorskip("cryptography")
    wrong = make.initial(make.crypto(HELLO, 0), 0, key_identity=b"another!")
    path = capture(pcap([
        ether(ip(A, B, 17, udp(50000, 443, wrong))),
        *(ether(packet) for packet in
          segments((A, 50001, B, 853), make.records(make.client_hello("dns.example")), 2000)),
        ether(ip(A, B, 50, b"\0" * 40)),
        ether(fragments(A, B, udp(53, 5000, CNAME), 104)[0]),
    ]))
    _, _, summary = read(entente, "--values", path)
    assert summary["not_seen"] == {"quic-closed": 1, "dns-encrypted": 1, "encrypted": 1,
                                   "fragments": 1}
    assert summary["complete"]  # the file holds none of it in clear


def test_an_unknown_link_type_is_not_complete(entente, capture):
    path = capture(pcap([b"\0" * 60], link=147))
    _, _, summary = read(entente, "--values", path, status=3)
    assert summary["not_seen"] == {"unknown-link": 1} and summary["unknown_link"] == 147


def test_a_cut_file_gives_what_it_has(entente, capture):
    path = capture(CAPTURES["http"][:-20])
    values, _, summary = read(entente, "--values", path, status=3)
    assert ("ip", A) in pairs(values) and not summary["complete"]
    assert "cut" in summary["unread"][0]


def test_packets_cut_by_the_capture_are_counted(entente, capture):
    path = capture(pcap([ether(packet) for packet in segments(WEB, GET, 2000)], snap=120))
    values, _, summary = read(entente, "--values", path)
    assert ("http-host", "www.evil.example") not in pairs(values) or summary["not_seen"]["cut"]
    assert summary["not_seen"]["cut"] == 1


def test_segments_in_any_order_and_twice(entente, capture):
    order = [3, 0, 0, 2, 1, 5, 4, 4, 7, 6]
    packets = segments(WEB, GET, 32, order=order)
    values, _, _ = read(entente, "--values", capture(pcap([ether(each) for each in packets])))
    assert {("url", "http://www.evil.example/first?a=1"),
            ("url", "http://two.example:8080/second"),
            ("url", "http://proxied.example/third")} <= pairs(values)


def test_a_conversation_without_its_beginning(entente, capture):
    packets = segments(WEB, GET, 2000, syn=False)
    lost = segments((A, 40009, B, 80), b"x" * 100 + GET, 100)
    del lost[1]  # what came first was not captured
    values, _, summary = read(entente, "--values",
                              capture(pcap([ether(each) for each in packets + lost])))
    assert ("http-host", "two.example:8080") in pairs(values)
    assert summary["not_seen"]["tcp-missing"] == 1


def test_tls_after_starttls(entente, capture):
    mail = segments((A, 40010, B, 25), b"EHLO me\r\n", 100, sequence=5000)
    mail += segments((A, 40010, B, 25), b"STARTTLS\r\n", 100, sequence=5009, syn=False)
    mail += segments((A, 40010, B, 25), make.records(HELLO), 60, sequence=5019, syn=False)
    values, _, _ = read(entente, "--values", capture(pcap([ether(each) for each in mail])))
    assert ("tls-sni", "sni.evil.example") in pairs(values)


def test_packed_captures_and_standard_input(entente, capture):
    packed = capture(gzip.compress(CAPTURES["dns"]), "test.pcap.gz")
    assert ("dns-qname", "www.evil.example") in pairs(read(entente, "--values", packed)[0])
    with open(packed, "rb") as stream:
        done = subprocess.run([BINARY, "hunt", "pcap", "--values", "-q", "-"], stdin=stream,
                              env=entente.environment, capture_output=True, text=True, check=True)
    assert "cdn.evil.example" in done.stdout


def test_values_say_where_they_were_seen_first(entente, capture):
    values, _, _ = read(entente, "--values", capture(CAPTURES["dns"]))
    found = next(value for value in values if value["seen"] == "dns-cname")
    assert found == {"file": str(entente.folder / "test.pcap"), "packet": 2,
                     "time": "2023-11-14T22:13:21.000001Z", "seen": "dns-cname",
                     "value": "cdn.evil.example", "from": f"{B}:53", "to": f"{A}:5000"}


def test_hits_are_of_the_table(entente, capture):
    (entente.folder / "list.txt").write_text(
        "evil.example\n203.0.113.0/24\nhttp://www.evil.example/first?a=1\nother.example\n")
    entente("hunt", "build", "-o", "t.table", "-q", "list.txt")
    dns, web = capture(CAPTURES["dns"], "dns.pcap"), capture(CAPTURES["http"], "web.pcap")
    values, hits, summary = read(entente, "-t", "t.table", dns, web, status=1)
    assert not values and summary["hits"] == len(hits)
    assert {(hit["seen"], hit["value"], hit["kind"], hit["indicator"]) for hit in hits} == {
        ("dns-qname", "www.evil.example", "domain", "evil.example"),
        ("dns-rrname", "www.evil.example", "domain", "evil.example"),
        ("dns-rrname", "cdn.evil.example", "domain", "evil.example"),
        ("dns-cname", "cdn.evil.example", "domain", "evil.example"),
        ("dns-a", "203.0.113.7", "cidr", "203.0.113.0/24"),
        ("http-host", "www.evil.example", "domain", "evil.example"),
        ("url", "http://www.evil.example/first?a=1", "url", "http://www.evil.example/first?a=1"),
    }
    assert "203.0.113.7" in entente("hunt", "pcap", "-t", "t.table", dns, status=1).stdout
    assert not read(entente, "-t", "t.table", capture(CAPTURES["ipv6"]))[1]


def test_hits_go_to_a_file(entente, capture):
    (entente.folder / "list.txt").write_text("evil.example\n")
    entente("hunt", "build", "-o", "t.table", "-q", "list.txt")
    done = entente("hunt", "pcap", "-t", "t.table", "--format", "json", "-o", "hits.jsonl",
                   capture(CAPTURES["dns"]), status=1)
    assert done.stdout == ""
    lines = (entente.folder / "hits.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["indicator"] == "evil.example"


def test_a_hostile_capture_ends(entente, capture):
    """Tunnels without end, names that point at themselves, fragments that overlap."""
    nested = query("deep.example")
    for _ in range(60):
        nested = ip(A, B, 4, nested)
    loop = struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1"
    path = capture(pcap([ether(nested), ether(ip(A, B, 17, udp(5000, 53, loop)))]
                        + [ether(ip(A, B, 17, b"x" * 64, 5, offset, True))
                           for offset in (0, 8, 32, 0, 65528)]))
    _, _, summary = read(entente, "--values", path, status=3)
    assert summary["not_seen"]["too-deep"] == 1 and summary["not_seen"]["dns-malformed"] == 1


def test_wrong_use(entente, capture):
    path = capture(CAPTURES["dns"])
    assert "--values" in entente("hunt", "pcap", path, status=2).stderr
    assert "captures" in entente("hunt", "pcap", "--values", status=2).stderr
    missing = entente("hunt", "pcap", "--values", "not-there.pcap", status=3)
    assert "not-there.pcap" in missing.stdout
