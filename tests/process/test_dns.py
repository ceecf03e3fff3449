"""The real program balances over the addresses of a DNS name, as a real DNS server has them."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lbproxy.model.address import Address
from tests.support.dns_server import DnsServer, needs_dnsmasq
from tests.support.patience import PATIENCE
from tests.support.peers import HOST, Backend, Client
from tests.support.program import Program, start

pytestmark = needs_dnsmasq
OTHER_HOST = f"127.200.{HOST.split('.', 2)[2]}"


class Zone:
    """A DNS server, backends on one port of two hosts, and a program that knows them by name."""

    def __init__(self, folder: Path) -> None:
        self.server = DnsServer(folder)
        self.alpha, self.bravo = Backend("alpha"), Backend("bravo")
        self._programs: list[Program] = []

    async def start(self) -> None:
        await self.alpha.start()
        await self.bravo.start(OTHER_HOST, self.alpha.address.port)
        await self.server.has(db=HOST)

    async def run(self, listen: Address, *options: str) -> Program:
        program = await start("--listen", str(listen), "--backend", f"db.test:{self.alpha.address.port}",
                              "--dns-server", str(self.server.address), "--health-interval", "50ms", "--workers", "1",
                              "--shutdown-delay", "0s", "--drain-timeout", "30s", *options)
        self._programs.append(program)
        await program.logged("serving")
        return program

    async def end(self) -> None:
        for program in self._programs:
            await program.kill()
        await self.server.kill()
        await self.alpha.close()
        await self.bravo.close()


@pytest.fixture
async def zone(tmp_path: Path) -> AsyncIterator[Zone]:
    zone = Zone(tmp_path)
    await zone.start()
    yield zone
    await zone.end()


async def says_ready(program: Program, text: str) -> None:
    """Wait until /readyz says this."""
    async with asyncio.timeout(PATIENCE):
        while text not in (await program.get("/readyz"))[1]:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


async def test_new_connections_follow_the_record_and_old_ones_drain(zone: Zone, listen: Address) -> None:
    await zone.server.start()
    program = await zone.run(listen)
    await says_ready(program, "ok")
    old = await Client.connect(listen)
    assert await old.ask() == "alpha"
    await zone.server.has(db=OTHER_HOST)  # its TTL is 1 s
    await program.shows("lbproxy_backend_state", 1, backend=str(zone.alpha.address), state="draining")
    new = await Client.connect(listen)
    assert (await new.ask(), await old.ask()) == ("bravo", "alpha")
    old.close()
    await program.shows("lbproxy_backend_state", 0, backend=str(zone.alpha.address), state="draining")
    assert await new.ask() == "bravo"
    new.close()


async def test_backends_outlive_the_dns_server(zone: Zone, listen: Address) -> None:
    await zone.server.start()
    program = await zone.run(listen, "--dns-interval", "100ms")
    await says_ready(program, "ok")
    await zone.server.kill()
    await program.shows("lbproxy_dns_up", 0, name="db.test")
    await zone.server.has(db="")
    await zone.server.start()
    await program.counts("lbproxy_dns_lookups_total", 1, name="db.test", result="empty")
    client = await Client.connect(listen)
    assert await client.ask() == "alpha"
    client.close()
    assert len(program.log("name can't be resolved, keeping its last known addresses")) == 2
    service, = json.loads((await program.get("/explain"))[1])["services"]
    assert [(one["endpoint"]["origin"], one["state"]) for one in service["backends"]] == [("dns db.test", "active")]
    assert service["sources"] == [{"origin": "dns db.test", "is_known": True, "endpoints": 1,
                                   "trouble": "the name does not exist, or has no address"}]


async def test_first_answer_is_waited_for(zone: Zone, listen: Address) -> None:
    program = await zone.run(listen, "--dns-interval", "100ms")
    await says_ready(program, "DNS has not answered yet for db.test")
    await zone.server.start()
    await says_ready(program, "ok")
    client = await Client.connect(listen)
    assert await client.ask() == "alpha"
    client.close()
