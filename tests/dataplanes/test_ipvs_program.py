"""The whole program on a real kernel: privileges, crashes, the end, and what it says of itself."""

import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest

from lbproxy.model.address import Address
from tests.support.program import Program, start

from . import kernel_tools
from .balancer import Balancer
from .topologies import Topology

pytestmark = pytest.mark.kernel

ONLY_NET_ADMIN = ("setpriv", "--bounding-set=-all,+net_admin", "--inh-caps=-all")
NOTHING = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
Launch = Callable[..., Coroutine[Any, Any, Program]]


@pytest.fixture
async def launch() -> AsyncIterator[Launch]:
    """Start programs that end with the test."""
    async with AsyncExitStack() as stack:
        async def launch(*options: str, wrapper: tuple[str, ...] = ()) -> Program:
            program = await start("--log-format=json", *options, wrapper=wrapper)
            stack.push_async_callback(program.kill)
            return program

        yield launch


@pytest.fixture(autouse=True)
def nothing_left(namespaces: Topology) -> None:  # noqa: ARG001 - it is the kernel of that topology
    """Each test finds the kernel empty."""
    kernel_tools.run("ipvsadm", "-C")
    kernel_tools.run("nft", "flush", "ruleset")


async def one_backend(balancer: Balancer) -> tuple[Address, tuple[str, ...]]:
    """A listen address, and the options that lead from there to a backend."""
    listen = balancer.free_listen()
    alpha, = await balancer.backends("alpha")
    return listen, ("--listen", str(listen), "--backend", str(alpha.address), "--shutdown-delay=0s")


async def test_net_admin_is_all_that_it_needs(balancer: Balancer, launch: Launch) -> None:
    listen, options = await one_backend(balancer)
    program = await launch("--dataplane=ipvs", *options, wrapper=ONLY_NET_ADMIN)
    assert (await program.logged("serving"))["dataplane"] == "ipvs"
    assert await balancer.served_by(listen, 2) == {"alpha": 2}
    await program.counts("lbproxy_connections_accepted_total", 2, service="default")
    assert (await program.metrics()).value(
        "lbproxy_dataplane_info", requested="ipvs", active="ipvs", reason="asked for") == 1
    assert (await program.get("/readyz"))[0] == (await program.get("/healthz"))[0] == 200


async def test_without_net_admin_it_says_so(balancer: Balancer, launch: Launch) -> None:
    _, options = await one_backend(balancer)
    refused = await launch("--dataplane=ipvs", *options, wrapper=NOTHING)
    assert await refused.ended() == 2
    assert "NET_ADMIN" in refused.output[-1]


async def test_auto_takes_userspace_without_net_admin(balancer: Balancer, launch: Launch) -> None:
    listen, options = await one_backend(balancer)
    program = await launch("--dataplane=auto", *options, wrapper=NOTHING)
    chosen = await program.logged("dataplane chosen")
    assert (chosen["dataplane"], "NET_ADMIN" in chosen["reason"]) == ("userspace", True)
    await program.logged("serving")
    assert await balancer.served_by(listen, 1) == {"alpha": 1}


async def test_crash_leaves_traffic_flowing_and_the_next_one_takes_over(balancer: Balancer, launch: Launch) -> None:
    listen, options = await one_backend(balancer)
    program = await launch("--dataplane=auto", *options)
    await program.logged("serving")
    client = await balancer.client(listen)
    await program.kill()
    assert await client.ask() == "alpha"
    assert await balancer.served_by(listen, 1) == {"alpha": 1}
    program = await launch("--dataplane=ipvs", "--cleanup", *options)
    await program.logged("serving")
    assert await client.ask() == "alpha"
    await program.shows("lbproxy_backend_connections_active", 2, service="default")


async def test_end_without_cleanup_leaves_everything_as_it_is(balancer: Balancer, launch: Launch) -> None:
    listen, options = await one_backend(balancer)
    program = await launch("--dataplane=ipvs", *options)
    await program.logged("serving")
    client, before = await balancer.client(listen), kernel_tools.ipvs()
    program.signal(signal.SIGTERM)
    assert await program.ended() == 0
    assert kernel_tools.ipvs() == before
    assert await client.ask() == "alpha"


async def test_cleanup_drains_and_leaves_nothing(balancer: Balancer, launch: Launch) -> None:
    listen, options = await one_backend(balancer)
    program = await launch("--dataplane=ipvs", "--cleanup", *options)
    await program.logged("serving")
    client = await balancer.client(listen)
    program.signal(signal.SIGTERM)
    await balancer.until_refused(listen)
    assert await client.ask() == "alpha"
    client.close()
    assert await program.ended() == 0
    assert (kernel_tools.ipvs(), kernel_tools.rules()) == ({}, "")


async def test_second_lbproxy_is_refused_by_name_of_the_first(balancer: Balancer, launch: Launch) -> None:
    _, options = await one_backend(balancer)
    first = await launch("--dataplane=ipvs", *options)
    await first.logged("serving")
    _, others = await one_backend(balancer)
    second = await launch("--dataplane=ipvs", *others)
    assert await second.ended() == 2
    assert f"another lbproxy (pid {first.process.pid})" in second.output[-1]


async def test_backend_that_dies_is_taken_out_and_its_client_learns_of_it(balancer: Balancer, launch: Launch) -> None:
    listen, options = await one_backend(balancer)
    bravo, = await balancer.backends("bravo")
    program = await launch("--dataplane=ipvs", *options, "--backend", str(bravo.address), "--health-interval=100ms")
    await program.logged("serving")
    clients = await balancer.clients(listen, 4)
    bravo.stop()
    await program.shows("lbproxy_backend_state", 1, backend=str(bravo.address), state="down")
    await balancer.until(lambda: bravo.address not in kernel_tools.ipvs()[str(listen)][1])
    assert [await client.ask() for client, name in clients.items() if name == "alpha"] == ["alpha"] * 2
