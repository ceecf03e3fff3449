"""Carries IP packets between a TUN device and other nodes, each in one UDP datagram, as flanneld's backend `udp` did.

    python -m bench.lab.encapsulator DEVICE HOST NETWORK/24=NODE...

flanneld's loop was C; this one is Python and slower by what Python costs. Both make two system calls and two trips
through user space of every packet, which is what the mode is about. A packet for no known network is dropped.
"""

import fcntl
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from ipaddress import IPv4Network

TUN = "/dev/net/tun"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
PORT = 8285
LARGEST = 65_536
MANY = 64
"""Packets taken from one side before the other gets its turn."""
DESTINATION = slice(16, 19)
"""The first three bytes of a packet's destination: networks here are /24."""
NODE_BITS = 24


def main() -> None:
    """Run until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    device, host, *pairs = sys.argv[1:]
    tun = opened(device)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((host, PORT))
        udp.settimeout(0)
        carry(tun, udp, dict(map(peer, pairs)))


def peer(pair: str) -> tuple[bytes, tuple[str, int]]:
    """Return what NETWORK/24=NODE says: the prefix of a destination, and whom to send such packets to."""
    network, _, node = pair.partition("=")
    parsed = IPv4Network(network)
    if parsed.prefixlen != NODE_BITS:
        raise ValueError(f"{network} is no /{NODE_BITS}")
    return parsed.network_address.packed[:3], (node, PORT)


def opened(device: str) -> int:
    """Return a descriptor of an existing TUN device; each read and write is one packet."""
    tun = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def carry(tun: int, udp: socket.socket, peers: dict[bytes, tuple[str, int]]) -> None:
    """Carry packets both ways for ever."""
    turns = {tun: lambda: _out(tun, udp, peers), udp.fileno(): lambda: _in(tun, udp)}
    with select.epoll() as waiting:
        for descriptor in turns:
            waiting.register(descriptor, select.EPOLLIN)
        while True:
            for descriptor, _ in waiting.poll():
                _several(turns[descriptor])


def _several(carry_one: Callable[[], None]) -> None:
    try:
        for _ in range(MANY):
            carry_one()
    except BlockingIOError:
        pass  # none left, or no room for one: it is lost, as in any network


def _out(tun: int, udp: socket.socket, peers: dict[bytes, tuple[str, int]]) -> None:
    packet = os.read(tun, LARGEST)
    node = peers.get(packet[DESTINATION])
    if node:
        udp.sendto(packet, node)


def _in(tun: int, udp: socket.socket) -> None:
    os.write(tun, udp.recv(LARGEST))


if __name__ == "__main__":
    main()
