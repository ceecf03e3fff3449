"""Addresses on the loopback: ports nobody uses, and whether someone answers there."""

import random
import socket
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

# Below the kernel's range for outgoing connections: none of those can take a port before its owner binds it.
PORTS = range(12_000, 32_000)


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def free_address() -> Address:
    """Return a loopback address on whose port nobody listens."""
    while True:
        address = Address("127.0.0.1", random.choice(PORTS))
        if _is_free(address.port):
            return address


def answers(address: Address, timeout: float = 0.5) -> bool:
    """Return whether a small HTTP request to `address` is answered with 200."""
    connection = HTTPConnection(address.host, address.port, timeout=timeout)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        return connection.getresponse().status == 200  # noqa: PLR2004 - the one status everybody knows
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - never listens
        except OSError:
            return False
    return True
