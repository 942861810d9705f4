"""entente hunt scan against the rules written once more: random lists, logs, packings and threads.

Exercises scan_files, scan_source, scan_pool, scan_queue, scan_sweep, token_address, token_url and,
on a processor of that kind, class_x86 (src/p1_resilience/hunt); decompress_gzip, decompress_bzip2
and decompress_zstd (src/stream).
"""
import bz2
import gzip
import ipaddress
import json
import lzma
import os
import pathlib
import random
import string
import subprocess
import urllib.parse

import pytest

from conftest import BINARY
from hunt_rules import Rules
from waiting import PATIENCE

KIBI = 1024
FORMATS = "raw", "apache", "json", "syslog", "zeek", "csv", "percent"
BORDERS = 32, 64, 96, 128, 256, 4096, 64 * KIBI, 512 * KIBI, KIBI * KIBI
LETTERS = string.ascii_lowercase + string.digits
NAMES = [("b\u00fccher.example", "xn--bcher-kva.example"), ("fa\u00df.example", "xn--fa-hia.example"),
         ("\u4f8b\u3048\u3002\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah")]
DOTS = "[.]", "(.)", "{.}", "[dot]", "(dot)", "[d]", "\u3002", "\uff0e"
BEFORE = (" ", '"', "=", "(", "<", "/", "\t", "@", ":", "'", "\0", "\u00e9", "\udcff", "_", "-", ".", "x", "9",
          "\\", "%20", "%3A", "\\n", "\\u0020", "\\u0041", "\\/", "http://", "::ffff:", "%c3%a9", "::", "f")
AFTER = (" ", '"', "", ")", ">", ",", "]", "/", ".", "..", "-", ":80", "/24", "\0", "\u00e9", "\udcff", "_", "x", "9",
         "\\", "%20", "%2e", "\\n", "\\u002e", "\\u00e9", ".com", ".in-addr.arpa", "?", "#f", "%eth0", ":", ":.",
         "\x7f", "::", "\r", "/A", "!)")
NOISE = ("GET /index.html HTTP/1.1", "v1.2.3-rc", "1.2.3.4.5", "::", "12:34:56", "00:11:22:33:44:55", "https://.",
         "%zz%4", "\\u12", "@b.c", "....", ":::::", "f" * 65, "256.1.1.1", "%", "\\", "%%41", "\0\0\0", "\udcff\udcff")
FILLERS = b" ", b"a", b".", b"1", b"x y ", b"\n", b":", b"f", b"%41", b"\\\\", b"a.b c\n", b"\xff"


class Maker:
    """Makes lists, and logs that hold what is listed, or nearly."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.listed = list(dict.fromkeys(hit for _ in range(200) for hit in self.indicators()))
        self.listed += [("domain", name) for _, name in NAMES]

    def any(self, *choices):
        return self.random.choice(choices)

    def word(self):
        return "".join(self.random.choices(LETTERS, k=self.any(2, 3, 5, 8, 12, 20, 63)))

    def domain(self):
        words = [self.word() for _ in range(self.any(1, 1, 2, 3))]
        return ".".join([*words, self.any("com", "net", "org", "xyz", "top")])

    def address4(self):
        return ipaddress.IPv4Address(bytes([self.any(9, 45, 100, 199, 203), *self.random.choices(range(256), k=3)]))

    def address6(self):
        high = self.any(0x20010db8, 0x2a000000, 0x2a010000)
        groups = [high >> 16, high & 0xffff] + [self.any(0, 0, 1, self.random.randrange(1 << 16)) for _ in range(6)]
        if self.random.random() < .1:
            groups[:6] = [0, 0, 0, 0, 0, 0xffff]
        return ipaddress.IPv6Address(b"".join(group.to_bytes(2, "big") for group in groups))

    def url(self, host):
        port = self.any("", "", ":8080", ":65535")
        path = self.any("", "a", "A/b.php?q=1&r=2", "x/%41bc", "~u/-_./x", "d//e/", "p(1)x", "@me/x", "a:b")
        return self.any("http://", "https://", "") + host + port + "/" + path

    def indicators(self):
        """One value, and some of those that lie around it."""
        domain = self.domain()
        kind = self.any("domain", "domain", "ipv4", "cidr", "ipv6", "cidr6", "hash", "email", "url")
        if kind == "domain":
            return [("domain", domain), ("domain", f"{self.word()}.{domain}"), ("url", self.url(domain))]
        if kind in ("cidr", "cidr6"):
            address, bits = (self.address4(), 32) if kind == "cidr" else (self.address6(), 128)
            network = ipaddress.ip_network((int(address), self.random.randint(bits // 4, bits)), strict=False)
            inner = ipaddress.ip_network((int(address), self.random.randint(network.prefixlen, bits)), strict=False)
            return [("cidr", text(network)), ("cidr", text(inner)), (f"ipv{address.version}", text(address))]
        value = {"ipv4": lambda: text(self.address4()), "ipv6": lambda: text(self.address6()),
                 "hash": lambda: "".join(self.random.choices("0123456789abcdef", k=self.any(32, 40, 64))),
                 "email": lambda: f"{self.any('a.b', 'admin+x', 'no-reply_1')}@{domain}",
                 "url": lambda: self.url(self.any(domain, str(self.address4())))}[kind]()
        return [(kind, value)]

    def defanged(self, kind, value):
        dot = self.any(*DOTS)
        if kind == "domain":
            return dict(map(reversed, NAMES)).get(value, value).replace(".", dot)
        if kind == "ipv4":
            return value.replace(".", dot)
        if kind == "email":
            local, _, host = value.partition("@")
            return local + self.any("[@]", "(at)", "[at]", " at ") + host.replace(".", dot)
        if kind == "hash":
            return f"`{value.upper()}`"
        if kind == "url" and "://" in value:
            scheme, _, rest = value.partition("://")
            host, slash, path = rest.partition("/")
            scheme = self.any("hxxp", "hXXp") + scheme.removeprefix("http")
            return scheme + self.any("://", "[:]//", "[://]") + host.replace(".", dot) + slash + path
        return value

    def list(self):
        csv = self.random.random() < .4
        lines = ["date,type,indicator,comment"] if csv else ["# ours", "; and theirs", ""]
        for kind, value in self.listed:
            if self.random.random() < .15:
                value = self.defanged(kind, value)
            lines.append(f'2026-01-02,{kind},"{value}","a, ""b"""' if csv else value + self.any("", "", "", " # seen"))
        return self.any("\n", "\r\n").join(lines)

    def mixed(self, value):
        return "".join(self.any(char, char.upper()) for char in value)

    def spelled(self, address):
        if address.version == 4:
            return str(address)
        groups = [f"{int(group, 16):x}" for group in address.exploded.split(":")]
        tail = str(ipaddress.IPv4Address(int(address) & 0xffffffff))
        zero = groups.index("0") if "0" in groups[:6] else None
        return self.any(address.exploded, address.exploded.upper(), ":".join(groups), address.compressed,
                        ":".join([*groups[:6], tail]),
                        address.compressed if zero is None else
                        ":".join(groups[:zero]) + "::" + ":".join([*groups[zero + 1:6], tail]))

    def token(self, kind, value):
        """As a log may have it: in upper case, below a name, in a network, escaped; or one byte off."""
        if kind == "domain":
            value = self.any("", "", "www.", "_dmarc.", "x@", "not-", "my_") + self.any(value, self.mixed(value))
        elif kind in ("cidr", "ipv4", "ipv6"):
            network = ipaddress.ip_network(value)
            value = self.spelled(network[self.any(0, -1, self.random.randrange(min(network.num_addresses, 1 << 60)))])
        elif kind in ("hash", "email"):
            value = self.any(value, self.mixed(value))
        else:
            scheme, _, rest = value.rpartition("://")
            host, _, path = rest.partition("/")
            scheme = scheme or self.any("http", "https")
            host = self.any("", "", "", "user:pw@") + self.mixed(host)
            host += self.any("", ":80" if scheme == "http" else ":443") if ":" not in host else ""
            value = f"{self.mixed(scheme)}://{host}/{self.any(path, path, path + '#part', path + self.any('.', '?', ')', '.:') + self.any('#part', ''), path.swapcase())}"
        value = self.any("", "x", "0", ".", "-") + value if self.random.random() < .08 else value
        value = value + self.any("x", "0", ".", "-") if self.random.random() < .08 else value
        escape = self.any(*[lambda text: text] * 6, lambda text: text.replace(".", "%2e").replace("/", "%2F"),
                          lambda text: text.replace(".", "\\u002e"), lambda text: text.replace("/", "\\/"),
                          lambda text: "".join(self.any(char, f"%{ord(char):02x}") for char in text),
                          lambda text: text.replace(".", "%252e"))
        return escape(value)

    def piece(self):
        if self.random.random() < .4:
            return self.any(*NOISE)
        return self.any(" ", *BEFORE) + self.token(*self.any(*self.listed)) + self.any(" ", *AFTER)

    def line(self, form):
        pieces = self.any(" ", "", "\t").join(self.piece() for _ in range(self.any(0, 1, 2, 3, 4)))
        if form == "json":
            value = {"time": "2026-01-01T00:00:00Z", "m": pieces, "h": self.piece()}
            text_ = json.dumps(value, ensure_ascii=self.any(True, False))
            return text_.replace("/", self.any("/", "\\/")).encode("utf-8", "surrogateescape")
        if form == "percent":
            return b"q=" + urllib.parse.quote(bytes_of(pieces), safe=self.any("", "/", "/:")).encode()
        around = {"apache": '192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] "GET %s HTTP/1.1" 200 9 "-"',
                  "syslog": "Oct 10 13:55:36 host prog[9]: %s", "zeek": "1600000000.123\tCx\t%s\t53",
                  "csv": '1,"%s",x\r'}.get(form, "%s")
        return bytes_of(around.replace("%s", pieces))

    def log(self, form, count):
        lines = [self.line(form).replace(b"\n", b" ") for _ in range(count)]
        return b"\n".join(lines) + self.any(b"", b"\n", b"\r\n")

    def at_borders(self):
        """A filler that goes on and on, and values across the borders of blocks."""
        content, filler = bytearray(), self.any(*FILLERS)
        for border in (*BORDERS, BORDERS[-1] + 9999):
            value = self.any(b" ", b"\n", b",", b" http://") + bytes_of(self.token(*self.any(*self.listed)))
            gap = max(border - self.random.randint(0, len(value)) - len(content), 0)
            content += (filler * (gap // len(filler) + 1))[:gap] + value + self.any(b" ", b"\n", b"", b",")
        return bytes(content)

    def packed(self, content, form):
        cuts = sorted(self.random.randrange(len(content) + 1) for _ in range(self.any(0, 1, 3)))
        pieces = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)])]
        if form == "zst":
            def pack(piece):
                done = subprocess.run(["zstd", "-qc"], input=piece, stdout=subprocess.PIPE, check=True)
                return b"\x5a\x2a\x4d\x18\x05\0\0\0abcde" + done.stdout
        else:
            pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "": bytes}[form]
        return b"".join(map(pack, pieces))


def text(address):
    """As the program has it: an IPv4 address in an IPv6 one is written as such (RFC 5952 section 5)."""
    first, slash, prefix = str(address).partition("/")
    number = ipaddress.ip_address(first)
    mapped = number.ipv4_mapped if number.version == 6 else None
    return (f"::ffff:{mapped}" if mapped else number.compressed) + slash + prefix


def bytes_of(value):
    return value.encode("utf-8", "surrogateescape")


def scan(entente, arguments, stdin=None):
    done = subprocess.run([BINARY, "hunt", "scan", "--table", "a.table", "--format", "json", *map(str, arguments)],
                          cwd=entente.folder, env=entente.environment, stdin=stdin, capture_output=True, check=False,
                          timeout=PATIENCE)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == (1 if len(lines) > 1 else 0), done.stderr
    assert not lines[-1]["summary"]["unread"]
    return lines[:-1]


@pytest.mark.parametrize("seed", [1, 3])
def test_what_is_found_is_what_the_rules_say(entente, seed):
    maker = Maker(seed)
    (entente.folder / "list.txt").write_text(maker.list(), encoding="utf-8", newline="")
    entente("hunt", "build", "-o", "a.table", "--no-known-warnings", "list.txt")
    contents = {f"{form}.log": maker.log(form, 60) for form in FORMATS}
    contents |= {f"border{number}.log": maker.at_borders() for number in range(3)}
    rules = Rules(maker.listed)
    wanted = {name: rules.log(content) for name, content in contents.items()}
    assert sum(map(len, wanted.values())) > 200
    for name, content in contents.items():
        (entente.folder / name).write_bytes(maker.packed(content, maker.any("", "", "gz", "zst", "bz2", "xz")))
    found = [scan(entente, ["--threads", threads, *contents]) for threads in (1, 2, 7)]
    assert found[0] == found[1] == found[2]
    for name in contents:
        with open(entente.folder / name, "rb") as stdin:
            for hits in [hit for hit in found[0] if hit["file"] == name], scan(entente, ["-"], stdin):
                rows = [(hit["line"], hit["kind"], hit["indicator"]) for hit in hits]
                assert len(rows) == len(set(rows))
                assert set(rows) == wanted[name], name


def test_a_url_ends_before_what_is_not_ascii(entente):
    (entente.folder / "list.txt").write_text("http://evil.example/a\n::ffff:c000:207\n")
    entente("hunt", "build", "-o", "a.table", "list.txt")
    (entente.folder / "a.log").write_bytes(b"\xc2\xab http://evil.example/a\xc2\xbb\n::FFFF:C000:0207, 192.0.2.7\n")
    assert [(hit["line"], hit["kind"], hit["indicator"]) for hit in scan(entente, ["a.log"])] == [
        (1, "url", "http://evil.example/a"), (2, "ipv6", "::ffff:192.0.2.7")]


@pytest.mark.parametrize("ends", [".", "?", ")", "!?).", "/b)"])
def test_what_stands_before_a_fragment_ends_no_sentence(entente, ends):
    """The token ends in its fragment, or in the path that the fragment follows."""
    (entente.folder / "list.txt").write_text("http://evil.example/a\nhttp://other.example/a" + ends + "#x\n")
    entente("hunt", "build", "-o", "a.table", "list.txt")
    (entente.folder / "a.log").write_text("".join(
        f"get http://{host}.example/a{ends}{fragment} 200\n"
        for host in ("evil", "other") for fragment in ("#sec", "#", "#sec.", "")))
    found = [(hit["line"], hit["indicator"]) for hit in scan(entente, ["a.log"])]
    other = [(line, "http://other.example/a" + ends) for line in (5, 6, 7, 8)]
    assert found == ([(4, "http://evil.example/a")] if ends != "/b)" else []) + other


@pytest.mark.parametrize("ends", [".", "?", ")", "?).", "/b:"])
def test_punctuation_of_an_indicator_is_its_own(entente, ends):
    """It is no other URL's, and what closes a sentence behind it is not its own."""
    url = "http://evil.example/a" + ends
    (entente.folder / "list.txt").write_text(url + "\n")
    entente("hunt", "build", "-o", "a.table", "list.txt")
    (entente.folder / "a.log").write_text("".join(
        f"see {text} there\n" for text in (url, f"({url})!", url[:-1], url + "x", url + "#x", url + "#x.",
                                           url.upper().replace("/A", "/a").replace("/B", "/b"), url + ".x")))
    found = [(hit["line"], hit["indicator"], hit["token"]) for hit in scan(entente, ["a.log"])]
    assert found == [(1, url, url), (2, url, url), (5, url, url), (6, url, url),
                     (7, url, url.upper().replace("/A", "/a").replace("/B", "/b"))]
    assert entente("hunt", "explain", "--table", "a.table", url, status=1).returncode == 1
    assert entente("hunt", "explain", "--table", "a.table", url[:-1]).returncode == 0


def test_a_report_closes_its_sentences(entente):
    (entente.folder / "report.txt").write_text(
        "# Report\n\nIt loads hxxp://evil[.]example/a. Then (hxxps://other[.]example/b?c) is asked.\n")
    entente("hunt", "build", "-o", "a.table", "report.txt")
    (entente.folder / "a.log").write_text("http://evil.example/a\nhttps://other.example/b?c\n")
    assert [hit["indicator"] for hit in scan(entente, ["a.log"]) if hit["kind"] == "url"] == [
        "http://evil.example/a", "https://other.example/b?c"]


def test_a_log_that_is_cut_while_it_is_read_is_named(entente):
    (entente.folder / "list.txt").write_text("evil.example\n")
    entente("hunt", "build", "-o", "a.table", "list.txt")
    log = pathlib.Path(entente.folder / "a.log")
    log.write_bytes((b"evil.example" + b" " * 1011 + b"\n") * (64 * KIBI))
    with subprocess.Popen([BINARY, "hunt", "scan", "--threads", "2", "--table", "a.table", "--format", "json",
                           "a.log"],
                          cwd=entente.folder, env=entente.environment, stdout=subprocess.PIPE) as run:
        run.stdout.readline()
        os.truncate(log, 0)  # the reader waits for its hits to be taken
        summary = json.loads(run.stdout.read().splitlines()[-1])["summary"]
    assert summary["unread"] == ["a.log: it became shorter while it was read"]
    assert run.returncode == 1
