"""IPVS of a real kernel, through our own netlink; ipvsadm and /proc see the same."""

import errno
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
    Counters,
    Destination,
    Mark,
    ObservedDestination,
    ObservedService,
    ServiceKey,
    Timeouts,
)
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Scheduler
from lbproxy.netlink.addresses import InterfaceAddresses
from lbproxy.netlink.errors import KernelError
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


async def done(kernel: IpvsKernel, *ops: Step) -> None:
    for op in ops:
        await kernel.do(op)


@pytest.mark.parametrize(("key", "destination", "shown"), [
    (WEB, ALPHA, ["TCP 10.1.0.1:80 lc", "-> 10.9.0.1:8080 Masq 3 0 0"]),
    (WEB6, ALPHA6, ["TCP [fd01::1]:80 lc", "-> [fd09::1]:8080 Masq 3 0 0"]),
    (MARK, ALPHA, ["FWM 65536 lc", "-> 10.9.0.1:8080 Masq 3 0 0"]),
    (MARK6, ALPHA6, ["FWM 65536 IPv6 lc", "-> [fd09::1]:8080 Masq 3 0 0"])], ids=["IPv4", "IPv6", "mark", "IPv6 mark"])
async def test_service_and_destination_are_made_read_and_deleted(
        kernel: IpvsKernel, key: ServiceKey, destination: Destination, shown: Sequence[str]) -> None:
    await done(kernel, AddService(key, "lc"), AddDestination(key, destination))
    assert readers.ipvsadm().splitlines() == list(shown)
    expected = ObservedService(key, "lc", {destination.address: ObservedDestination(destination)})
    assert (await kernel.dump()).services == {key: expected}
    await done(kernel, DeleteDestination(key, destination.address))
    assert (await kernel.dump()).services == {key: ObservedService(key, "lc")}
    await done(kernel, DeleteService(key))
    assert (await kernel.dump()).services == {}
    assert readers.ipvsadm() == readers.proc() == ""


async def test_proc_shows_the_same_table(kernel: IpvsKernel) -> None:
    await done(kernel, AddService(WEB, "wlc"), AddDestination(WEB, ALPHA))
    assert readers.proc().splitlines() == ["TCP 0A010001:0050 wlc", "-> 0A090001:1F90 Masq 3 0 0"]


async def test_weight_limit_and_scheduler_change_in_place(kernel: IpvsKernel) -> None:
    await done(kernel, AddService(WEB, "lc"), AddDestination(WEB, ALPHA),
               SetDestination(WEB, replace(ALPHA, weight=0, limit=9)), SetService(WEB, "wrr"))
    assert readers.ipvsadm().splitlines() == ["TCP 10.1.0.1:80 wrr", "-> 10.9.0.1:8080 Masq 0 0 0"]
    assert readers.ipvsadm("--thresholds").splitlines()[-1] == "-> 10.9.0.1:8080 9 0 0 0"


@pytest.mark.parametrize("scheduler", Scheduler)
async def test_every_scheduler_that_can_be_asked_for_exists(kernel: IpvsKernel, scheduler: Scheduler) -> None:
    await kernel.do(AddService(WEB, scheduler))
    assert readers.ipvsadm() == f"TCP 10.1.0.1:80 {scheduler}"


@pytest.mark.parametrize(("op", "code"), [
    (AddService(WEB, "lc"), errno.EEXIST),
    (AddService(NOBODY, "none-such"), errno.ENOENT),
    (SetService(WEB, "none-such"), errno.ENOENT),
    (SetService(NOBODY, "lc"), errno.ESRCH),
    (DeleteService(NOBODY), errno.ESRCH),
    (AddDestination(WEB, ALPHA), errno.EEXIST),
    (AddDestination(NOBODY, ALPHA), errno.ESRCH),
    (AddDestination(WEB, ALPHA6), errno.EINVAL),
    (SetDestination(WEB, replace(ALPHA, address=NOBODY)), errno.ENOENT),
    (DeleteDestination(WEB, NOBODY), errno.ENOENT),
    (DeleteDestination(NOBODY, ALPHA.address), errno.ESRCH)], ids=lambda one: type(one).__name__)
async def test_refusal_is_said_with_its_number_and_changes_nothing(kernel: IpvsKernel, op: Step, code: int) -> None:
    await done(kernel, AddService(WEB, "lc"), AddDestination(WEB, ALPHA))
    before = readers.ipvsadm()
    with pytest.raises(KernelError, match=r"^can't .* IPVS service") as caught:
        await kernel.do(op)
    assert caught.value.errno == code
    assert readers.ipvsadm() == before
    await kernel.do(DeleteService(WEB))  # the next request is answered as if nothing had been


async def test_what_others_made_is_seen_as_it_is(kernel: IpvsKernel, network: Network) -> None:
    network.balancer.run("ipvsadm", "-R", given="""
        -A -t 10.1.0.1:80 -s rr -p 300
        -a -t 10.1.0.1:80 -r 10.9.0.1:8080 -m -w 1 -x 9 -y 4
        -A -t 10.1.0.1:81 -s sh -b sh-port
        -A -t 10.1.0.1:82 -s lc
        -a -t 10.1.0.1:82 -r 10.9.0.1:82 -g -w 1
        -A -u 10.1.0.1:53 -s rr
    """.replace("        ", "").lstrip())
    services = (await kernel.dump()).services
    assert set(services) == {WEB, Address(VIP, 81), Address(VIP, 82)}
    assert {key for key, service in services.items() if service.is_plain} == {Address(VIP, 82)}
    assert services[WEB].destinations[ALPHA.address].has_lower_threshold
    assert not services[Address(VIP, 82)].destinations[Address(BACKENDS, 82)].is_masquerading


async def test_set_takes_persistence_flags_and_another_way_of_forwarding_away(
        kernel: IpvsKernel, network: Network) -> None:
    network.balancer.run("ipvsadm", "-R", given="-A -t 10.1.0.1:80 -s sh -p 300 -b sh-port\n"
                                                "-a -t 10.1.0.1:80 -r 10.9.0.1:80 -g -w 1 -x 9 -y 4\n")
    wanted = Destination(Address(BACKENDS, 80), 3)
    await done(kernel, SetService(WEB, "lc"), SetDestination(WEB, wanted))
    expected = ObservedService(WEB, "lc", {wanted.address: ObservedDestination(wanted)})
    assert (await kernel.dump()).services == {WEB: expected}
    assert readers.ipvsadm().splitlines() == ["TCP 10.1.0.1:80 lc", "-> 10.9.0.1:80 Masq 3 0 0"]


async def test_timeouts_are_set_one_by_one(kernel: IpvsKernel, network: Network) -> None:
    await kernel.do(SetTimeouts(Timeouts(3600, 60, 30)))
    await kernel.do(SetTimeouts(Timeouts(0, 90, 0)))
    assert (await kernel.dump()).timeouts == Timeouts(3600, 90, 30)
    assert "3600 90 30" in network.balancer.run("ipvsadm", "-L", "--timeout")


async def test_thousand_destinations_are_all_read(kernel: IpvsKernel) -> None:
    made = [Destination(Address(f"10.9.{place // 250}.{place % 250 + 1}", 80), 1) for place in range(1000)]
    await done(kernel, AddService(WEB, "lc"), *(AddDestination(WEB, one) for one in made))
    found = (await kernel.dump()).services[WEB].destinations
    assert [one.destination for one in sorted(found.values(), key=lambda one: made.index(one.destination))] == made
    assert readers.ipvsadm().count("\n") == 1000


async def test_destination_that_comes_back_soon_has_its_counters_again(kernel: IpvsKernel) -> None:
    await done(kernel, AddService(WEB, "lc"), AddDestination(WEB, ALPHA))
    assert (await kernel.dump()).services[WEB].destinations[ALPHA.address].counters == Counters()
    await done(kernel, DeleteDestination(WEB, ALPHA.address), AddDestination(WEB, replace(ALPHA, weight=1)))
    assert (await kernel.dump()).services[WEB].destinations[ALPHA.address].destination.weight == 1


async def test_local_addresses_are_those_that_others_can_reach(network: Network) -> None:
    addresses = InterfaceAddresses()
    assert await addresses.read() == {VIP, VIP6, "10.2.0.1", "fd02::1"}
    network.balancer.ip("address add 10.1.0.77/32 dev lo", "address add 169.254.1.1/32 dev lo")
    assert await addresses.read() == {VIP, VIP6, "10.2.0.1", "fd02::1", "10.1.0.77"}
    network.balancer.ip("address del 10.1.0.77/32 dev lo", "address del 169.254.1.1/32 dev lo")
    assert "10.1.0.77" not in await addresses.read()
    await addresses.close()
