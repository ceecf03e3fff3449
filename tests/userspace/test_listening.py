"""Listening sockets are bound all or not at all, beside nobody else's, and hand their options down."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from lbproxy.dataplanes.userspace.main.listening_sockets import INHERITED, ListeningSockets
from lbproxy.model.address import Address
from lbproxy.model.errors import BindError

WORKERS = 2


@pytest.fixture
def listening() -> Iterator[ListeningSockets]:
    listening = ListeningSockets(WORKERS)
    yield listening
    listening.close_all_but(())


def unused() -> Address:
    """An address that is free now."""
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:
        return Address(*sock.getsockname())


def test_each_worker_has_a_socket_of_its_own_at_the_same_address(listening: ListeningSockets) -> None:
    address = unused()
    listening.open([address])
    descriptors = [listening.descriptor(address, worker) for worker in range(WORKERS)]
    assert len(set(descriptors)) == WORKERS
    for descriptor in descriptors:
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            assert (sock.getsockname(), os.get_blocking(descriptor)) == (address, False)


def test_clients_inherit_what_the_listening_socket_has() -> None:
    listening, address = ListeningSockets(1), unused()
    listening.open([address])
    with (socket.socket(fileno=os.dup(listening.descriptor(address, 0))) as sock,
          closing(socket.create_connection(address)), closing(sock.accept()[0]) as accepted):
        assert all(accepted.getsockopt(level, option) == value for level, option, value in INHERITED)
    listening.close_all_but(())


@pytest.mark.parametrize("is_shared", [True, False])
def test_address_of_somebody_else_is_an_error_with_advice(listening: ListeningSockets, is_shared: bool) -> None:  # noqa: FBT001 - a case
    free = unused()
    with closing(socket.create_server(("127.0.0.1", 0), reuse_port=is_shared)) as theirs:
        taken = Address(*theirs.getsockname())
        with pytest.raises(BindError, match=f"can't listen on {taken}: it is in use; stop its holder") as caught:
            listening.open([free, taken])
    assert caught.value.address == taken
    assert free not in listening
    with closing(socket.create_server(free)):
        pass


@pytest.mark.parametrize(("text", "hint"), [
    ("192.0.2.1:8080", "no such address; write one of its own"),
    ("[2001:db8::1]:8080", "write"),
])
def test_address_that_cannot_be_had_says_what_to_do(listening: ListeningSockets, text: str, hint: str) -> None:
    with pytest.raises(BindError, match=hint):
        listening.open([Address.parse(text)])


def test_opening_again_changes_nothing(listening: ListeningSockets) -> None:
    address = unused()
    listening.open([address])
    before = listening.descriptor(address, 0)
    listening.open([address])
    assert listening.descriptor(address, 0) == before


def test_who_is_not_named_is_given_up(listening: ListeningSockets) -> None:
    kept, gone = unused(), unused()
    listening.open([kept, gone])
    listening.close_all_but([kept])
    assert (kept in listening, gone in listening) == (True, False)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(gone)
