import socket

import pytest

from lbproxy.dataplanes.userspace.main.listening_sockets import ListeningSockets
from lbproxy.model.address import Address
from lbproxy.model.errors import BindError


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("before", "after"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0")])
def test_all_addresses_can_become_one_and_one_all(workers: int, before: str, after: str) -> None:
    port = free_port()
    listening = ListeningSockets(workers)
    listening.open([Address(before, port)])
    listening.open([Address(before, port), Address(after, port)])
    listening.close_all_but([Address(after, port)])
    with socket.create_connection(("127.0.0.1", port)):
        pass
    listening.close_all_but([])


@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_that_somebody_else_holds_is_refused_even_if_both_would_share(workers: int) -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = Address(*holder.getsockname())
        with pytest.raises(BindError, match=r"^can't listen on 127\.0\.0\.1:\d+: it is in use"):
            ListeningSockets(workers).open([address])


@pytest.mark.parametrize(("one", "other", "expected"), [
    ("127.0.0.1:80", "127.0.0.1:80", True), ("0.0.0.0:80", "127.0.0.1:80", True), ("[::1]:80", "[::]:80", True),
    ("0.0.0.0:80", "[::]:80", False), ("127.0.0.1:80", "127.0.0.1:81", False), ("127.0.0.1:80", "127.0.0.2:80", False),
])
def test_overlap_of_addresses(one: str, other: str, expected: bool) -> None:  # noqa: FBT001 - a case
    assert Address.parse(one).overlaps(Address.parse(other)) is expected
