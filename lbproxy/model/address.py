"""A TCP address: an IP literal and a port, in one canonical form, so that equal addresses are equal values. Pure."""

import ipaddress
import socket
from typing import NamedTuple

MAX_PORT = 65_535
WILDCARDS = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104 - nothing is bound here
"""The address that stands for all of this machine's, by family."""


class Address(NamedTuple):
    """A TCP endpoint: an IP address literal in canonical form, and a port (0 to 65535)."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `127.0.0.1:80` or `[::1]:80`; raise `ValueError` with what to write instead."""
        host, colon, port = text.strip().rpartition(":")  # from the right: IPv6 addresses have colons
        bracketed = host.startswith("[") and host.endswith("]")
        if not colon or not host or (":" in host and not bracketed):
            raise ValueError(f"{text!r} is not ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080")
        return cls(_canonical(host[1:-1] if bracketed else host, text), _port(port, text))

    @property
    def family(self) -> socket.AddressFamily:
        """The address family: AF_INET or AF_INET6."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    @property
    def is_loopback(self) -> bool:
        """Whether it is inside of this machine only: 127.0.0.0/8 or ::1."""
        return ipaddress.ip_address(self.host).is_loopback

    def overlaps(self, other: "Address") -> bool:
        """Whether only one of the two can be bound: they are equal, or one of them stands for all addresses."""
        is_alike = (self.port, self.family) == (other.port, other.family)
        return is_alike and (self.host == other.host or WILDCARDS[self.family] in {self.host, other.host})

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _canonical(host: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        raise ValueError(f"{text!r}: {host!r} is not an IP address; "
                         "write one, such as 127.0.0.1:8080 or [::1]:8080") from None


def _port(port: str, text: str) -> int:
    # isascii: int() and isdigit() take other alphabets' digits too.
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= MAX_PORT):
        raise ValueError(f"{text!r}: port {port!r} is not a number from 1 to {MAX_PORT}")
    return int(port)
