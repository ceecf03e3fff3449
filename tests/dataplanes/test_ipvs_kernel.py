"""IPVS on a real kernel, read by other programs than ours: what is written, and what survives whom."""

import socket
from dataclasses import replace

import pytest

from lbproxy.model.address import WILDCARDS, Address
from lbproxy.model.errors import BindError
from lbproxy.model.snapshot import Backend as BackendState
from lbproxy.model.snapshot import Policy, Scheduler, State
from tests.support.network import BACKENDS, VIP

from . import kernel_tools
from .balancer import Balancer
from .harness import active, down, draining, web
from .topologies import Topology

pytestmark = pytest.mark.kernel

FOREIGN = "10.1.0.1:7"


@pytest.fixture
def foreign(namespaces: Topology) -> None:  # noqa: ARG001 - it is the kernel of that topology
    """Somebody else's service and table beside ours."""
    kernel_tools.run("ipvsadm", "-A", "-t", FOREIGN, "-s", "rr")
    kernel_tools.run("ipvsadm", "-a", "-t", FOREIGN, "-r", "10.9.0.9:7", "-m", "-w", "5")
    kernel_tools.run("nft", "add", "table", "inet", "theirs")


async def test_the_kernel_holds_what_was_applied(balancer: Balancer) -> None:
    listen, listen6 = balancer.free_listen(), balancer.free_listen(socket.AF_INET6)
    alpha, bravo, charlie = await balancer.backends("alpha", "bravo", "charlie")
    six, = await balancer.backends("six", family=socket.AF_INET6)
    policy = Policy(scheduler=Scheduler.WLC, max_conns=50, idle_timeout=77.0)
    service = web(listen, active(alpha, 3), draining(bravo), down(charlie), active(six, 2), policy=policy)
    await balancer.apply(replace(service, listens=(listen, listen6)))
    assert kernel_tools.ipvs() == {str(listen): ("wlc", {alpha.address: 3, bravo.address: 0, charlie.address: 0}),
                                   str(listen6): ("wlc", {six.address: 2})}
    assert (alpha.address, 50) in kernel_tools.thresholds()
    assert "77 120 300" in kernel_tools.run("ipvsadm", "-L", "--timeout")
    assert f"{listen.host} . {listen.port}" in kernel_tools.rules()
    await balancer.apply()
    assert kernel_tools.ipvs() == {}
    assert kernel_tools.rules() == ""


async def test_scheduler_changes_under_connections(balancer: Balancer) -> None:
    listen = balancer.free_listen()
    alpha, = await balancer.backends("alpha")
    await balancer.apply(web(listen, active(alpha)))
    client = await balancer.client(listen)
    for scheduler in Scheduler:
        await balancer.apply(web(listen, active(alpha), policy=Policy(scheduler=scheduler)))
        assert kernel_tools.ipvs() == {str(listen): (scheduler.value, {alpha.address: 1})}
        assert await client.ask() == "alpha"


async def test_wildcard_follows_the_machines_addresses(balancer: Balancer) -> None:
    listen = Address(WILDCARDS[socket.AF_INET], balancer.free_listen().port)
    alpha, = await balancer.backends("alpha")
    await balancer.apply(web(listen, active(alpha)))
    assert set(kernel_tools.ipvs()) == {f"{VIP}:{listen.port}", f"10.2.0.1:{listen.port}"}
    assert await balancer.served_by(Address(VIP, listen.port), 2) == {"alpha": 2}
    kernel_tools.run("ip", "address", "add", "10.1.0.77/24", "dev", "clients")
    await balancer.look()
    assert await balancer.served_by(Address("10.1.0.77", listen.port), 2) == {"alpha": 2}
    for client in balancer._clients:
        client.reset()
    await balancer.until(lambda: not any(balancer.active().values()))
    kernel_tools.run("ip", "address", "del", "10.1.0.77/24", "dev", "clients")
    await balancer.until(lambda: f"10.1.0.77:{listen.port}" not in kernel_tools.ipvs())


async def test_backend_that_checks_call_dead_lets_its_clients_know(balancer: Balancer) -> None:
    listen = balancer.free_listen()
    alpha, bravo = await balancer.backends("alpha", "bravo")
    await balancer.apply(web(listen, active(alpha)))
    client = await balancer.client(listen)
    await balancer.apply(web(listen, replace(down(alpha), is_dead=True), active(bravo)))
    assert kernel_tools.ipvs() == {str(listen): ("wlc", {bravo.address: 1})}
    assert await balancer.is_reset(client)
    assert await balancer.served_by(listen, 1) == {"bravo": 1}


async def test_limit_refuses_what_is_above_it(balancer: Balancer) -> None:
    listen = balancer.free_listen()
    alpha, = await balancer.backends("alpha")
    await balancer.apply(web(listen, active(alpha), policy=Policy(max_conns=3)))
    clients = await balancer.clients(listen, 3)
    assert await balancer.is_refused(listen)
    assert [await client.ask() for client in clients] == ["alpha"] * 3


async def test_next_lbproxy_takes_over_and_cuts_nobody(balancer: Balancer) -> None:
    listen = balancer.free_listen()
    alpha, bravo = await balancer.backends("alpha", "bravo")
    await balancer.apply(web(listen, active(alpha), active(bravo)))
    clients = await balancer.clients(listen, 6)
    await balancer.restart(web(listen, active(alpha)))
    assert kernel_tools.ipvs() == {str(listen): ("wlc", {alpha.address: 1, bravo.address: 0})}
    assert await balancer.served_by(listen, 2) == {"alpha": 2}
    await balancer.look()
    assert [await client.ask() for client in clients] == list(clients.values())
    assert kernel_tools.ipvs() == {str(listen): ("wlc", {alpha.address: 1, bravo.address: 0})}
    for client, name in clients.items():
        if name == "bravo":
            client.reset()
    await balancer.until(lambda: kernel_tools.ipvs() == {str(listen): ("wlc", {alpha.address: 1})})


async def test_cleared_table_is_made_anew(balancer: Balancer) -> None:
    listen = balancer.free_listen()
    alpha, = await balancer.backends("alpha")
    await balancer.apply(web(listen, active(alpha)))
    await balancer.client(listen)
    await balancer.catch_up()
    before = kernel_tools.ipvs()
    kernel_tools.run("ipvsadm", "-C")
    kernel_tools.run("nft", "flush", "ruleset")
    await balancer.look()
    assert kernel_tools.ipvs() == before
    assert await balancer.served_by(listen, 2) == {"alpha": 2}
    assert balancer.totals()["web", "accepted"] >= 1


@pytest.mark.usefixtures("foreign")
async def test_others_services_and_tables_stay_as_they_are(balancer: Balancer) -> None:
    listen = balancer.free_listen()
    before = kernel_tools.ipvs(), kernel_tools.rules()
    await balancer.apply(web(listen))
    with pytest.raises(BindError, match=f"ipvsadm -D -t {FOREIGN}"):
        await balancer.apply(web(Address.parse(FOREIGN)))
    await balancer.dataplane.drain(1.0)
    assert (kernel_tools.ipvs(), kernel_tools.rules()) == before
    kernel_tools.run("ipvsadm", "-C")
    kernel_tools.run("nft", "flush", "ruleset")


async def test_thousand_backends_are_applied_and_one_leaves(balancer: Balancer) -> None:
    listen = balancer.free_listen()
    backends = [BackendState(Address(BACKENDS, port), 1, State.ACTIVE, "ready", 0.0) for port in range(1, 1001)]
    await balancer.apply(web(listen, *backends))
    assert len(kernel_tools.ipvs()[str(listen)][1]) == 1000
    await balancer.apply(web(listen, *backends[1:]))
    assert len(kernel_tools.ipvs()[str(listen)][1]) == 999
