"""
Ports for servers that a test starts a moment later, and may stop and start again.

They lie outside the range from which the kernel takes ports by itself: no connection of anybody,
and no server that asks for any port, gets one in the meantime. Of other processes that run tests
each keeps to a block of its own, which the name of a socket reserves until the process ends.
"""
import itertools
import os
import pathlib
import socket

LOWEST, HIGHEST = 10240, 65535
BLOCK = 256
RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
KINDS = (socket.SOCK_STREAM, socket.SOCK_DGRAM)


def blocks():
    """First ports of blocks in which the kernel takes none; of all, where it takes them anywhere."""
    low, high = map(int, RANGE.read_text().split())
    every = range(LOWEST, HIGHEST - BLOCK + 2, BLOCK)
    return [first for first in every if first + BLOCK <= low or first > high] or list(every)


class Ports:
    def __init__(self):
        self.process = os.getpid()
        self.name = socket.socket(socket.AF_UNIX)  # open as long as the process lives
        for first in blocks():
            try:
                self.name.bind(f"\0entente-tests-ports-{first}")
            except OSError:
                continue
            self.ports = itertools.cycle(range(first, first + BLOCK))
            return
        raise AssertionError("every block of ports is somebody's")

    def take(self, addresses, kinds):
        for port in itertools.islice(self.ports, BLOCK):
            if all(is_free(address, port, kind) for address in addresses for kind in kinds):
                return port
        raise AssertionError("no port is free")


def is_free(address, port, kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True


reserved = []


def free_port(*addresses, kinds=KINDS):
    """A port that is free on all of the addresses (127.0.0.1), by TCP and UDP."""
    if not reserved or reserved[0].process != os.getpid():
        reserved[:] = [Ports()]
    return reserved[0].take(addresses or ("127.0.0.1",), kinds)
