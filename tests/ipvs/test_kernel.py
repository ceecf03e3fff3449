"""IPVS of a real kernel as ipvsadm(8) and /proc show it after our steps. What we read: `test_kernel_contract`."""

import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from lbproxy.dataplanes.ipvs.kernel.ipvs import IpvsKernel
from lbproxy.dataplanes.ipvs.planning.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    SetDestination,
    SetService,
    SetTimeouts,
    Step,
)
from lbproxy.dataplanes.ipvs.planning.values import (
    Destination,
    Mark,
    ServiceKey,
    Timeouts,
)
from lbproxy.model.address import Address
from tests.support.network import BACKENDS, BACKENDS6, VIP, VIP6, Network

from . import readers

pytestmark = pytest.mark.kernel

WEB, WEB6 = Address(VIP, 80), Address(VIP6, 80)
MARK, MARK6 = Mark(socket.AF_INET, 0x10000), Mark(socket.AF_INET6, 0x10000)
NOBODY = Address(VIP, 9)
ALPHA, ALPHA6 = Destination(Address(BACKENDS, 8080), 3, 7), Destination(Address(BACKENDS6, 8080), 3, 7)


@pytest.fixture
async def kernel(network: Network) -> AsyncIterator[IpvsKernel]:
    kernel = IpvsKernel()
    yield kernel
    await kernel.close()
    network.balancer.run("ipvsadm", "-C")


async def done(kernel: IpvsKernel, *steps: Step) -> None:
    for step in steps:
        await kernel.do(step)


@pytest.mark.parametrize(("key", "destination", "shown"), [
    (WEB, ALPHA, ["TCP 10.1.0.1:80 lc", "-> 10.9.0.1:8080 Masq 3 0 0"]),
    (WEB6, ALPHA6, ["TCP [fd01::1]:80 lc", "-> [fd09::1]:8080 Masq 3 0 0"]),
    (MARK, ALPHA, ["FWM 65536 lc", "-> 10.9.0.1:8080 Masq 3 0 0"]),
    (MARK6, ALPHA6, ["FWM 65536 IPv6 lc", "-> [fd09::1]:8080 Masq 3 0 0"])], ids=["IPv4", "IPv6", "mark", "IPv6 mark"])
async def test_service_and_destination_are_shown_until_they_are_deleted(
        kernel: IpvsKernel, key: ServiceKey, destination: Destination, shown: Sequence[str]) -> None:
    await done(kernel, AddService(key, "lc"), AddDestination(key, destination))
    assert readers.ipvsadm().splitlines() == list(shown)
    await done(kernel, DeleteDestination(key, destination.address))
    assert readers.ipvsadm().splitlines() == list(shown)[:1]
    await done(kernel, DeleteService(key))
    assert readers.ipvsadm() == readers.proc() == ""


async def test_proc_shows_the_same_table(kernel: IpvsKernel) -> None:
    await done(kernel, AddService(WEB, "wlc"), AddDestination(WEB, ALPHA))
    assert readers.proc().splitlines() == ["TCP 0A010001:0050 wlc", "-> 0A090001:1F90 Masq 3 0 0"]


async def test_weight_limit_and_scheduler_change_in_place(kernel: IpvsKernel) -> None:
    await done(kernel, AddService(WEB, "lc"), AddDestination(WEB, ALPHA),
               SetDestination(WEB, replace(ALPHA, weight=0, limit=9)), SetService(WEB, "wrr"))
    assert readers.ipvsadm().splitlines() == ["TCP 10.1.0.1:80 wrr", "-> 10.9.0.1:8080 Masq 0 0 0"]
    assert readers.ipvsadm("--thresholds").splitlines()[-1] == "-> 10.9.0.1:8080 9 0 0 0"


async def test_timeouts_are_those_that_ipvsadm_shows(kernel: IpvsKernel, network: Network) -> None:
    await done(kernel, SetTimeouts(Timeouts(3600, 60, 30)), SetTimeouts(Timeouts(0, 90, 0)))
    assert "3600 90 30" in network.balancer.run("ipvsadm", "-L", "--timeout")
