"""The rules of matching, once more and as plainly as can be: what a line holds of what is listed.

Shares nothing with the scanner: addresses are read by hand, views are made of whole lines.
"""
import ipaddress
import re

WORD = re.compile(rb"[A-Za-z0-9_]")
NAME = re.compile(rb"[A-Za-z0-9._-]+")
ADDRESS4 = re.compile(rb"[0-9.]+")
ADDRESS6 = re.compile(rb"[0-9A-Fa-f:.]+")
DIGEST = re.compile(rb"[0-9A-Fa-f]+")
LOCAL = re.compile(rb"[A-Za-z0-9._%+-]+\Z")
MAIL_HOST = re.compile(rb"[A-Za-z0-9.-]+")
URL = re.compile(rb"https?://", re.I)
URL_REST = re.compile(rb"[^\x00-\x20\"'<>\\^`{|}\x7f-\xff]*")
PORT = re.compile(rb":(\d*)\Z")
BRACKETED = re.compile(rb"\[[^]]+\]")
ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f"}
DIGEST_LENGTHS = 32, 40, 64, 128
LONGEST_NAME = 256
LONGEST_TAIL = 16  # of punctuation behind a URL


def ascii_or_space(digits):
    value = int(digits, 16)
    return bytes([value]) if value < 0x80 else b" "


def json_view(line):
    def meant(match):
        escaped = match[1]
        return ascii_or_space(escaped[1:]) if len(escaped) == 5 else ESCAPES.get(escaped, escaped)
    return re.sub(rb"\\(u[0-9A-Fa-f]{4}|.)", meant, line, flags=re.S)


def percent_view(line):
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: ascii_or_space(match[1]), line)


def number4(text):
    parts = text.split(b".")
    if len(parts) != 4 or not all(re.fullmatch(rb"0|[1-9][0-9]{0,2}", part) for part in parts):
        return None
    octets = [int(part) for part in parts]
    return int.from_bytes(bytes(octets), "big") if max(octets) < 256 else None


def groups(text, may_embed):
    """The 16-bit groups of a piece of an IPv6 address; None where it is no such piece."""
    found = []
    parts = text.split(b":") if text else []
    for index, part in enumerate(parts):
        embedded = number4(part) if may_embed and index == len(parts) - 1 else None
        if embedded is not None:
            found += divmod(embedded, 1 << 16)
        elif re.fullmatch(rb"[0-9A-Fa-f]{1,4}", part):
            found.append(int(part, 16))
        else:
            return None
    return found


def number6(text):
    head, gap, tail = text.partition(b"::")
    before, after = groups(head, not gap), groups(tail, True)
    if before is None or after is None:
        return None
    missing = 8 - len(before) - len(after)
    if missing < 1 if gap else missing != 0:
        return None
    value = 0
    for group in before + [0] * missing + after:
        value = value << 16 | group
    return value


def stands_alone(line, match):
    before, after = line[max(match.start() - 1, 0):match.start()], line[match.end():match.end() + 1]
    return not WORD.match(before) and not WORD.match(after)


def trimmed(url):
    """Without what closes a sentence; a last bracket may close an address."""
    while url and url[-1:] in b".,;:!?)]}" and not BRACKETED.fullmatch(url):
        url = url[:-1]
    return url


def readings(url):
    """Without what closes a sentence, and with each part of it that a path or query may end in."""
    short = trimmed(url)
    host = re.match(rb"[^/?#]*", short)[0]
    yield short.partition(b"#")[0]
    if b"#" not in short and url[len(host):len(host) + 1] in (b"/", b"?"):
        for end in range(len(short) + 1, min(len(url), len(short) + LONGEST_TAIL) + 1):
            yield url[:end]


def authority(host, own_port):
    """A host, and its port unless it is the scheme's own, in the normal form."""
    port = PORT.search(host)
    host, port = (host[:port.start()], port[1]) if port else (host, b"")
    if port and (int(port) == 0 or int(port) > 65535 or len(port) > 5):
        return host + b":" + port
    if BRACKETED.fullmatch(host):
        value = number6(host[1:-1])
        host = b"[%s]" % str(ipaddress.IPv6Address(value)).encode() if value is not None else host
    elif len(host) > 1:
        host = host.removesuffix(b".")
    port = b":%d" % int(port) if port else b""
    return host + (b"" if port == own_port else port)


class Rules:
    """What to look for: pairs of kind and normal form."""

    def __init__(self, indicators):
        self.texts = {}
        self.networks = {4: {}, 6: {}}
        for kind, text in indicators:
            if kind in ("ipv4", "ipv6", "cidr"):
                network = ipaddress.ip_network(text)
                shift = network.max_prefixlen - network.prefixlen
                at = self.networks[network.version].setdefault(shift, {})
                at.setdefault(int(network.network_address) >> shift, set()).add((kind, text))
            else:
                self.texts[kind, text.encode()] = text

    def text(self, kind, token):
        return {(kind, self.texts[kind, token])} if (kind, token) in self.texts else set()

    def address(self, version, value):
        hits = set()
        for shift, networks in self.networks[version].items() if value is not None else ():
            hits |= networks.get(value >> shift, set())
        return hits

    def names(self, line):
        hits = set()
        for match in NAME.finditer(line):
            name = match[0].strip(b".-").lower()
            hits |= self.text("host", name)
            labels = name[-LONGEST_NAME:].split(b".")
            for start in range(len(labels) - 1):
                hits |= self.text("domain", b".".join(labels[start:]))
        return hits

    def addresses(self, line):
        hits = set()
        for match in ADDRESS4.finditer(line):
            if stands_alone(line, match):
                hits |= self.address(4, number4(match[0].strip(b".")))
        for match in ADDRESS6.finditer(line):
            if match[0].count(b":") > 1 and stands_alone(line, match):
                token = match[0].rstrip(b".")
                if token.endswith(b":") and not token.endswith(b"::"):
                    token = token[:-1]
                hits |= self.address(6, number6(token))
        return hits

    def digests(self, line):
        hits = set()
        for match in DIGEST.finditer(line):
            if len(match[0]) in DIGEST_LENGTHS and stands_alone(line, match):
                hits |= self.text("hash", match[0].lower())
        return hits

    def emails(self, line):
        hits = set()
        for at in re.finditer(rb"@", line):
            local = LOCAL.search(line, max(at.start() - LONGEST_NAME, 0), at.start())
            host = MAIL_HOST.match(line, at.end())
            if local and host:
                hits |= self.text("email", (local[0] + b"@" + host[0].rstrip(b".-")).lower())
        return hits

    def urls(self, line):
        hits = set()
        for match in URL.finditer(line):
            scheme = match[0].lower()
            for rest in readings(URL_REST.match(line, match.end())[0]):
                host, path = re.match(rb"([^/?]*)(.*)", rest, re.DOTALL).groups()
                port = b":80" if scheme == b"http://" else b":443"
                if b"@" in host or not host:
                    continue
                host = authority(host.lower(), port)
                path = (b"" if path.startswith(b"/") else b"/") + path
                hits |= self.text("url", host + path) | self.text("url", scheme + host + path)
                if not PORT.search(host):
                    hits |= self.text("url", host + port + path)
        return hits

    def view(self, line):
        return (self.names(line) | self.addresses(line) | self.digests(line) | self.emails(line)
                | self.urls(line))

    def line(self, line):
        hits = self.view(line)
        if b"\\" in line:
            hits |= self.view(json_view(line))
        if b"%" in line:
            hits |= self.view(percent_view(line))
        return hits

    def log(self, content):
        """(line, kind, indicator) of all that a log holds."""
        return {(number, *hit) for number, line in enumerate(content.split(b"\n"), 1)
                for hit in self.line(line.removesuffix(b"\r"))}
