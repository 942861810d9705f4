#!/usr/bin/python3
"""usage: make.py FILE: writes the scenario: a quiet day as twelve peers of two collectors tell it by RIS Live,
then, one after another, something wrong of each kind, and beside each what looks like it and is not.

Which alarms are to be raised stands in alarms.json; this file knows nothing of it.
"""
import gzip
import json
import struct
import sys

START = 1790035200  # 2026-09-22T00:00:00Z
DAY, PAUSE = 86400, 1500
PEERS = range(1, 13)
STALE = 99  # a peer that says what was so years ago: nobody is to listen to it
NOISE_EVERY = 100
EVERY = {"193.0.0.0/21": [1299, 3333], "193.0.20.0/22": [174, 3333], "193.0.24.0/23": [1299, 3333],
         "2001:67c:2e8::/48": [1299, 3333], "198.51.100.0/22": [2914, 13335], "198.51.100.0/24": [2914, 13335]}


class Day:
    def __init__(self):
        self.messages = []
        self.now = 0

    def put(self, peer, **data):
        """A message a tenth of a second after the one before, so that none stand at the same time."""
        self.now += 0.1
        stamp = round(START + self.now, 2)
        self.messages.append((stamp, {"type": "ris_message", "data": {
            "timestamp": stamp, "peer": f"192.0.2.{peer}", "peer_asn": str(50000 + peer),
            "id": f"192.0.2.{peer}-{stamp}", "host": "rrc00" if peer <= 6 else "rrc01", **data}}))

    def say(self, peers, prefix, path, community=None):
        for peer in peers:
            members = {"path": [50000 + peer, *path], "origin": "igp", "announcements": [
                {"next_hop": "2001:db8::1" if ":" in prefix else f"192.0.2.{peer}", "prefixes": [prefix]}]}
            self.put(peer, type="UPDATE", **members, **({"community": [community]} if community else {}))

    def say_raw(self, peers, prefix, path, otc):
        """With ONLY_TO_CUSTOMER (RFC 9234), which is in the UPDATE itself alone."""
        for peer in peers:
            hops = [50000 + peer, *path]
            attributes = (b"\x40\x01\x01\x00" + bytes([0x40, 2, 2 + 4 * len(hops), 2, len(hops)])
                          + b"".join(struct.pack(">I", hop) for hop in hops)
                          + b"\x40\x03\x04" + bytes([192, 0, 2, peer]) + b"\xc0\x23\x04" + struct.pack(">I", otc))
            address, length = prefix.split("/")
            octets = bytes(int(part) for part in address.split("."))[:(int(length) + 7) // 8]
            body = (struct.pack(">HH", 0, len(attributes)) + attributes + bytes([int(length)]) + octets)
            message = b"\xff" * 16 + struct.pack(">HB", 19 + len(body), 2) + body
            self.put(peer, type="UPDATE", path=hops, origin="igp", raw=message.hex().upper(),
                     announcements=[{"next_hop": f"192.0.2.{peer}", "prefixes": [prefix]}])

    def end(self, peers, prefix):
        """As before: what all have of the prefix, or nothing."""
        for peer in peers:
            if prefix in EVERY:
                self.say([peer], prefix, EVERY[prefix])
            else:
                self.put(peer, type="UPDATE", withdrawals=[prefix])

    def wrong(self, peers, prefix, path, *more, say=None):
        """For a while some peers have a route that should not be."""
        (say or self.say)(peers, prefix, path, *more)
        self.now += 300
        self.end(peers, prefix)
        self.now += PAUSE

    def noise(self, until, silent_from):
        """Each collector says something of others' routes at least every NOISE_EVERY seconds."""
        for host, peer in (("rrc00", 1), ("rrc01", 7)):
            for second in range(0, until if host == "rrc00" else silent_from, NOISE_EVERY):
                stamp = START + second + 0.05 * peer
                self.messages.append((stamp, {"type": "ris_message", "data": {
                    "timestamp": stamp, "peer": f"192.0.2.{peer}", "peer_asn": str(50000 + peer),
                    "id": f"192.0.2.{peer}-{stamp}", "host": host, "type": "UPDATE", "origin": "igp",
                    "path": [50000 + peer, 1299, 15169], "announcements": [
                        {"next_hop": f"192.0.2.{peer}", "prefixes": [f"8.8.{second // NOISE_EVERY % 256}.0/24"]}]}}))


def quiet(day):
    for prefix, path in EVERY.items():
        day.say(PEERS, prefix, path)
    day.say([STALE], "84.205.64.0/24", [2914, 2000])
    day.now = 3600
    day.say([2, 3, 4], "193.0.24.0/24", [1299, 3333])          # a part, as the profile allows
    day.say([5, 6, 7, 8], "193.0.24.0/23", [2914, 25152])      # anycast: the other origin
    day.say([1, 2, 3], "193.0.0.0/21", [174, 3333, 3333, 3333])  # prepended, by the other upstream
    day.say([9, 10, 11], "193.0.28.0/24", [1299, 3333, 12654])  # a customer's, as it should be
    day.say([4, 5], "193.0.32.0/24", [6939, 3333, 12654])       # to a peer of ours, likewise
    day.now = 7200
    day.say(PEERS, "198.51.101.0/24", [2914, 64496 - 4096])     # another customer of the hoster's
    day.now = DAY


def incidents(day):
    few, some = [3, 8], [3, 5, 8]
    # Origins.
    day.wrong(some, "193.0.20.0/22", [2914, 666])
    day.wrong([4], "193.0.20.0/22", [2914, 777])               # one peer alone: not told
    day.wrong(some, "193.0.21.0/24", [2914, 667])
    day.say(some, "193.0.4.0/24", [1299, 12654])               # new, and its ROA says that it may
    day.wrong([6], "84.205.64.0/24", [2914, 668])
    day.say(some, "84.205.65.0/24", [2914, 668])               # beside what is ours
    day.wrong(few, "193.0.20.0/22", [2914, 669, 3333])
    day.wrong(some, "193.0.0.0/22", [1299, 3333])              # a ROA has it, the profile has not
    # RPKI.
    day.wrong([5], "193.0.1.0/24", [1299, 3333])
    # Paths.
    day.wrong(few, "193.0.0.0/21", [3356, 7018, 1299, 3333], 1299, say=day.say_raw)
    day.wrong(few, "193.0.0.0/21", [1299, 3333], 1299, say=day.say_raw)  # marked, and goes down only
    day.wrong(few, "193.0.0.0/21", [1299, 7018, 174, 3333])
    day.wrong(few, "193.0.20.0/22", [3257, 9002, 1299, 3333])
    day.wrong(few, "193.0.20.0/22", [2914, 1299, 3333])        # across once: as it may
    day.wrong(few, "193.0.20.0/22", [64512, 1299, 3333])
    day.wrong(some, "193.0.28.0/24", [670, 3333, 12654])
    day.wrong(some, "193.0.30.0/24", [1299, 3333, 671])
    day.wrong([2], "193.0.20.0/22", [1299, 3333, 1299, 3333])
    day.wrong(few, "193.0.20.0/22", [1299, 3333], [65535, 666])
    # What is not ours, by our AS; and where our name server is.
    day.wrong(some, "192.88.99.0/24", [1299, 3333])
    day.wrong(some, "198.51.100.0/24", [2914, 672])
    day.wrong(some, "198.51.102.0/24", [2914, 673])            # beside our name server
    # What is not seen: for half a minute, by a peer that went, and in earnest.
    for peer in PEERS:
        day.put(peer, type="UPDATE", withdrawals=["193.0.24.0/23"])
    day.now += 30
    day.say(PEERS, "193.0.24.0/23", EVERY["193.0.24.0/23"])
    day.now += PAUSE
    for peer in PEERS[:7]:
        day.put(peer, type="RIS_PEER_STATE", state="down")
    day.now += PAUSE
    for peer in PEERS[:7]:
        day.put(peer, type="RIS_PEER_STATE", state="connected")
        for prefix, path in EVERY.items():
            day.say([peer], prefix, path)
    day.now += PAUSE
    for peer in PEERS:
        day.put(peer, type="UPDATE", withdrawals=["2001:67c:2e8::/48"])
    day.now += 300
    day.say([9], "2001:67c:2e0::/44", [2914, 674])             # around what nobody sees
    day.now += 300
    day.put(9, type="UPDATE", withdrawals=["2001:67c:2e0::/44"])
    day.say(PEERS, "2001:67c:2e8::/48", EVERY["2001:67c:2e8::/48"])
    day.now += PAUSE


def main():
    day = Day()
    quiet(day)
    incidents(day)
    day.noise(int(day.now) + PAUSE, int(day.now))              # rrc01 ends: there we are blind
    day.messages.sort(key=lambda message: message[0])
    text = "".join(json.dumps(message, separators=(",", ":")) + "\n" for _, message in day.messages)
    with gzip.GzipFile(sys.argv[1], "wb", mtime=0) as out:
        out.write(text.encode())


if __name__ == "__main__":
    main()
