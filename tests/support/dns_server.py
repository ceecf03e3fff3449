"""DNS servers for tests: Debian's dnsmasq, which tells the truth, and one that does whatever a test says."""

import asyncio
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Self

import dns.message
import pytest

from lbproxy.model.address import Address
from tests.support.patience import PATIENCE
from tests.support.peers import HOST, free_address

needs_dnsmasq = pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed")


class DnsServer:
    """dnsmasq for the zone `test`, on a port of its own; every record lives for `ttl` seconds."""

    def __init__(self, folder: Path, ttl: int = 1) -> None:
        self.address = _free_for_both()
        self._hosts, self._ttl = folder / "hosts", ttl
        self._options: tuple[str, ...] = ()
        self._process: Process | None = None
        self._hosts.write_text("")

    async def start(self, *options: str) -> Self:
        """Start it, with options such as `--srv-host=...`; it stays on its port, and keeps its hosts."""
        self._options = options or self._options
        self._process = await asyncio.create_subprocess_exec(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--no-daemon",
            "--local=/test/", "--domain-needed",
            f"--addn-hosts={self._hosts}", f"--local-ttl={self._ttl}", "--bind-interfaces",
            "--log-queries", "--log-facility=-",
            f"--listen-address={self.address.host}", f"--port={self.address.port}", "--pid-file=", *self._options,
            stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
        await self._said("read ")
        return self

    async def has(self, **hosts: str) -> None:
        """From now on it has these names below `test`, each with addresses that are separated by blanks."""
        self._hosts.write_text("".join(f"{address} {name.replace('_', '-')}.test\n"
                                       for name, addresses in hosts.items() for address in addresses.split()))
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)
            await self._said("read ")

    async def kill(self) -> None:
        """End it at once; its port refuses from now on."""
        if self._process is not None:
            self._process.kill()
            await self._process.communicate()
        self._process = None

    async def _said(self, text: str) -> None:
        assert self._process
        assert self._process.stderr
        async with asyncio.timeout(PATIENCE):
            while text not in (line := (await self._process.stderr.readline()).decode()):
                assert line, "dnsmasq has ended"


Answering = Callable[[dns.message.Message], bytes | None]
"""Gives what is sent for a question; None: nothing."""


class LyingServer(asyncio.DatagramProtocol):
    """A DNS server that answers by UDP what `udp` says, and by TCP what `tcp` says; silent until told otherwise."""

    def __init__(self) -> None:
        self.address = _free_for_both()
        self.udp: Answering = lambda _: None
        self.tcp: Answering = lambda _: None
        self.asked: list[str] = []
        """The questions so far, as `A db.test.`."""
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=self.address)
        self._server = await asyncio.start_server(self._serve, *self.address)
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self.udp(self._read(data))
        if answer is not None and self._transport:
            self._transport.sendto(answer, addr)

    async def close(self) -> None:
        if self._transport:
            self._transport.close()
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2))
        answer = self.tcp(self._read(await reader.readexactly(size)))
        if answer is not None:
            writer.write(len(answer).to_bytes(2) + answer)
        writer.close()

    def _read(self, data: bytes) -> dns.message.Message:
        question = dns.message.from_wire(data)
        self.asked.append(f"{question.question[0].rdtype.name} {question.question[0].name}")
        return question


def _free_for_both() -> Address:
    """A port that is free for UDP and TCP."""
    return free_address(HOST)
