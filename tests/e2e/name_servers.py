"""A name server that misbehaves: it passes questions on to a good one and alters what it says."""
import socket
import socketserver
import struct
import threading

from waiting import PATIENCE

OPT = 41


def question_end(message):
    at = 12
    while message[at]:
        at += 1 + message[at]
    return at + 5


def record_end(message, at):
    while message[at] and message[at] < 0xc0:
        at += 1 + message[at]
    at += 2 if message[at] >= 0xc0 else 1
    return at + 10 + struct.unpack(">H", message[at + 8:at + 10])[0]


def opt_of(message):
    """(start, end) of the OPT record, or None."""
    at = question_end(message)
    for _ in range(sum(struct.unpack(">3H", message[6:12]))):
        end = record_end(message, at)
        if message[at] == 0 and struct.unpack(">H", message[at + 1:at + 3])[0] == OPT:
            return at, end
        at = end
    return None


def without_opt(message):
    place = opt_of(message)
    if not place:
        return message
    count = struct.unpack(">H", message[10:12])[0] - 1
    return message[:10] + struct.pack(">H", count) + message[12:place[0]] + message[place[1]:]


def kind_of(message):
    return struct.unpack(">H", message[question_end(message) - 4:question_end(message) - 2])[0]


def with_flags(message, on=0, off=0):
    flags = struct.unpack(">H", message[2:4])[0]
    return message[:2] + struct.pack(">H", (flags | on) & ~off) + message[4:]


def with_option(message, option):
    """The answer's OPT record holds this option only."""
    place = opt_of(message)
    if not place:
        return message
    head = message[place[0]:place[0] + 9]
    return (message[:place[0]] + head + struct.pack(">H", len(option)) + option
            + message[place[1]:])


# Each fault: (question, answer, by_udp) to the answer that is given instead; None: none.
def echo_option(asked, answer, by_udp):
    place = opt_of(asked)
    option = asked[place[0] + 11:place[1]] if place else b""
    return with_option(answer, option) if option[:2] == struct.pack(">H", 65001) else answer


def echo_flag(asked, answer, by_udp):
    place = opt_of(answer)
    if not place:
        return answer
    at = place[0] + 7
    return answer[:at] + bytes([answer[at], answer[at + 1] | 0x40]) + answer[at + 2:]


def short_cookie(asked, answer, by_udp):
    place = opt_of(asked)
    cookie = place and asked[place[0] + 11:place[0] + 13] == b"\0\x0a"
    return with_option(answer, b"\0\x0a\0\x05hello") if cookie else answer


def lower_case(asked, answer, by_udp):
    end = question_end(answer) - 4
    return answer[:12] + answer[12:end].lower() + answer[end:]


def no_aaaa(asked, answer, by_udp):
    return with_flags(answer, on=3) if kind_of(asked) == 28 else answer


def recursion(asked, answer, by_udp):
    return with_flags(answer, on=0x80)


def truncated(asked, answer, by_udp):
    """A truncated answer without OPT where the question is for keys."""
    if not by_udp or kind_of(asked) != 48:
        return answer
    end = question_end(answer)
    return with_flags(answer[:6] + bytes(6) + answer[12:end], on=0x200)


def not_authoritative(asked, answer, by_udp):
    return with_flags(answer, off=0x400)


def two_soa(asked, answer, by_udp):
    if kind_of(asked) != 6 or struct.unpack(">H", answer[6:8])[0] != 1:
        return answer
    start = question_end(answer)
    end = record_end(answer, start)
    other = bytearray(answer[start:end])
    other[-1] ^= 1  # another minimum
    return answer[:6] + b"\0\2" + answer[8:end] + bytes(other) + answer[end:]


def referral_with_soa(asked, answer, by_udp):
    """As if the parent had nothing of the kind (RFC 2308 section 2.2)."""
    counts = struct.unpack(">3H", answer[6:12])
    if answer[2] & 4 or counts[0] or not counts[1]:
        return answer
    end = question_end(answer)
    for _ in range(counts[1]):
        end = record_end(answer, end)
    soa = b"\0" + struct.pack(">HHIH", 6, 1, 3600, 22) + bytes(22)
    return answer[:8] + struct.pack(">H", counts[1] + 1) + answer[10:end] + soa + answer[end:]


class TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128  # who finds it full tries again after a second


class Altered:
    """On (address, port), by UDP and TCP, in front of (behind, port)."""

    def __init__(self, address, behind, port, faults=(), strip_opt=False, udp=True, tcp=True,
                 source=None):
        self.faults, self.strip_opt, self.behind, self.port = faults, strip_opt, behind, port
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                asked, sock = self.request
                answer = outer.answer(asked, True)
                if answer and source:
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                        other.bind((source, 0))
                        other.sendto(answer, self.client_address)
                elif answer:
                    sock.sendto(answer, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                head = self.rfile.read(2)
                if len(head) == 2:
                    answer = outer.answer(self.rfile.read(struct.unpack(">H", head)[0]), False)
                    self.wfile.write(struct.pack(">H", len(answer)) + answer)

        self.servers = []
        if udp:
            self.servers.append(socketserver.ThreadingUDPServer((address, port), Udp))
        if tcp:
            self.servers.append(TcpServer((address, port), Tcp))
        for server in self.servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def answer(self, asked, by_udp):
        passed_on = without_opt(asked) if self.strip_opt else asked
        with socket.create_connection((self.behind, self.port), timeout=PATIENCE) as back:
            back.sendall(struct.pack(">H", len(passed_on)) + passed_on)
            stream = back.makefile("rb")
            answer = stream.read(struct.unpack(">H", stream.read(2))[0])
        for fault in self.faults:
            answer = fault(asked, answer, by_udp)
        return answer

    def stop(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()
