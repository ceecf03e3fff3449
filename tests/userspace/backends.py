"""Backends, named after what they do to those who connect. Only where a docstring says so do they act by themselves."""

import asyncio
import select
import socket

from lbproxy.model.address import Address

from .peers import Peer, until


class Refusing:
    """Keeps an address and listens to nobody: connecting is refused."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.accepted: list[Peer] = []
        self.sock = socket.socket(Address(host, 0).family)
        self.sock.bind((host, 0))
        self.sock.setblocking(False)  # noqa: FBT003 - its only argument
        self.address = Address(*self.sock.getsockname()[:2])

    def close(self) -> None:
        self.sock.close()


class Unreachable(Refusing):
    """Nobody can connect to a multicast address: connect() itself says so, at once."""

    def __init__(self) -> None:
        super().__init__()
        self.address = Address("224.0.0.1", self.address.port)


class Backend(Refusing):
    """Accepts when it is told to. One that is never told still completes handshakes: its kernel does."""

    def __init__(self, host: str = "127.0.0.1", backlog: int = 100) -> None:
        super().__init__(host)
        self.sock.listen(backlog)

    async def accept(self) -> Peer:
        await until(self.is_called)
        return self.accept_now()

    def accept_now(self) -> Peer:
        """Accept who has connected already."""
        self.accepted.append(peer := Peer(self.sock.accept()[0]))
        return peer

    def is_called(self) -> bool:
        """Somebody has connected and waits to be accepted."""
        return bool(select.select([self.sock], [], [], 0)[0])


class Blackhole(Backend):
    """Its accept queue is full: the kernel drops every further SYN, and connecting takes forever."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(host, backlog=0)
        self._fillers = [socket.socket(self.address.family) for _ in range(2)]
        for filler in self._fillers:
            filler.setblocking(False)  # noqa: FBT003 - its only argument
            filler.connect_ex(self.address)

    def close(self) -> None:
        super().close()
        for filler in self._fillers:
            filler.close()


class Resetting(Backend):
    """By itself accepts whoever comes and resets the connection before a byte."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.sock.fileno(), lambda: self.accept_now().reset())

    def close(self) -> None:
        self._loop.remove_reader(self.sock.fileno())
        super().close()
