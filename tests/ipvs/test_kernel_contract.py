"""What the IPVS dataplane expects of a kernel: the fake of its tests answers as the real one does."""

import asyncio
import errno
import os
import socket
from dataclasses import replace

import pytest

from lbproxy.dataplanes.ipvs.kernel.protocols import Kernel
from lbproxy.dataplanes.ipvs.planning.plan import LONGEST_TIMEOUT
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
    ObservedDestination,
    ObservedService,
    ServiceKey,
    Timeouts,
)
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Scheduler
from lbproxy.netlink.errors import KernelError
from tests.support.network import BACKENDS, BACKENDS6, VIP, VIP6

from .subjects import Subject

WEB, WEB6 = Address(VIP, 80), Address(VIP6, 80)
MARK, MARK6 = Mark(socket.AF_INET, 0x10000), Mark(socket.AF_INET6, 0x10000)
NOBODY = Address(VIP, 9)
ALPHA, ALPHA6 = Destination(Address(BACKENDS, 8080), 3, 7), Destination(Address(BACKENDS6, 8080), 3, 7)
COUNTED, COUNTED_BACKEND = Address(VIP, 90), Destination(Address("10.9.0.90", 80), 1)
"""Of the tests of counters alone: the kernel remembers connections and deleted destinations for longer than a test."""


async def done(kernel: Kernel, *steps: Step) -> None:
    for step in steps:
        await kernel.do(step)


async def services(kernel: Kernel) -> dict[ServiceKey, ObservedService]:
    return dict((await kernel.dump()).services)


@pytest.mark.parametrize(("key", "destination"), [(WEB, ALPHA), (WEB6, ALPHA6), (MARK, ALPHA), (MARK6, ALPHA6)],
                         ids=["IPv4", "IPv6", "mark", "IPv6 mark"])
async def test_service_and_destination_are_added_read_and_deleted(
        subject: Subject, key: ServiceKey, destination: Destination) -> None:
    await done(subject.kernel, AddService(key, "lc"), AddDestination(key, destination))
    expected = ObservedService(key, "lc", {destination.address: ObservedDestination(destination)})
    assert await services(subject.kernel) == {key: expected}
    await done(subject.kernel, DeleteDestination(key, destination.address))
    assert await services(subject.kernel) == {key: ObservedService(key, "lc")}
    await done(subject.kernel, DeleteService(key))
    assert await services(subject.kernel) == {}


async def test_services_of_one_mark_are_one_for_each_family(subject: Subject) -> None:
    await done(subject.kernel, AddService(MARK, "lc"), AddService(MARK6, "rr"), AddDestination(MARK6, ALPHA6))
    await done(subject.kernel, DeleteService(MARK))
    assert await services(subject.kernel) == {
        MARK6: ObservedService(MARK6, "rr", {ALPHA6.address: ObservedDestination(ALPHA6)})}


async def test_one_backend_is_a_destination_of_each_of_its_services(subject: Subject) -> None:
    await done(subject.kernel, AddService(WEB, "lc"), AddService(MARK, "lc"), AddDestination(WEB, ALPHA),
               AddDestination(MARK, ALPHA), SetDestination(MARK, replace(ALPHA, weight=0)))
    found = await services(subject.kernel)
    assert found[WEB].destinations[ALPHA.address].destination.weight == ALPHA.weight
    assert found[MARK].destinations[ALPHA.address].destination.weight == 0


async def test_weight_limit_and_scheduler_change_in_place(subject: Subject) -> None:
    changed = replace(ALPHA, weight=0, limit=9)
    await done(subject.kernel, AddService(WEB, "lc"), AddDestination(WEB, ALPHA), SetDestination(WEB, changed),
               SetService(WEB, "wrr"))
    assert await services(subject.kernel) == {
        WEB: ObservedService(WEB, "wrr", {ALPHA.address: ObservedDestination(changed)})}


async def test_service_is_deleted_with_its_destinations(subject: Subject) -> None:
    await done(subject.kernel, AddService(WEB, "lc"), AddDestination(WEB, ALPHA), DeleteService(WEB),
               AddService(WEB, "lc"))
    assert await services(subject.kernel) == {WEB: ObservedService(WEB, "lc")}


async def test_a_dump_does_not_change_afterwards(subject: Subject) -> None:
    await done(subject.kernel, AddService(WEB, "lc"))
    before = await services(subject.kernel)
    await done(subject.kernel, AddDestination(WEB, ALPHA), AddService(MARK, "lc"))
    assert before == {WEB: ObservedService(WEB, "lc")}


@pytest.mark.parametrize("scheduler", Scheduler)
async def test_every_scheduler_that_can_be_asked_for_exists(subject: Subject, scheduler: Scheduler) -> None:
    await subject.kernel.do(AddService(WEB, scheduler))
    assert await services(subject.kernel) == {WEB: ObservedService(WEB, scheduler)}


@pytest.mark.parametrize(("name", "exists"), [(Scheduler.LC, True), (Scheduler.MH, True), ("none-such", False)])
async def test_question_for_a_scheduler_is_answered_and_makes_nothing(
        subject: Subject, name: str, *, exists: bool) -> None:
    assert await subject.kernel.has_scheduler(name) is exists
    assert await services(subject.kernel) == {}


@pytest.mark.parametrize(("step", "code"), [
    (AddService(WEB, "lc"), errno.EEXIST),
    (AddService(WEB, "none-such"), errno.EEXIST),
    (AddService(NOBODY, "none-such"), errno.ENOENT),
    (SetService(WEB, "none-such"), errno.ENOENT),
    (SetService(NOBODY, "lc"), errno.ESRCH),
    (SetService(NOBODY, "none-such"), errno.ESRCH),
    (DeleteService(NOBODY), errno.ESRCH),
    (DeleteService(MARK), errno.ESRCH),
    (AddDestination(WEB, ALPHA), errno.EEXIST),
    (AddDestination(NOBODY, ALPHA), errno.ESRCH),
    (AddDestination(NOBODY, ALPHA6), errno.ESRCH),
    (AddDestination(WEB, ALPHA6), errno.EINVAL),
    (SetDestination(WEB, ALPHA6), errno.EINVAL),
    (SetDestination(WEB, replace(ALPHA, address=NOBODY)), errno.ENOENT),
    (SetDestination(NOBODY, ALPHA), errno.ESRCH),
    (DeleteDestination(WEB, NOBODY), errno.ENOENT),
    (DeleteDestination(WEB, ALPHA6.address), errno.ENOENT),
    (DeleteDestination(NOBODY, ALPHA.address), errno.ESRCH),
    (SetTimeouts(Timeouts(2**31 - 1, 0, 0)), errno.EINVAL)], ids=lambda one: str(one).replace(":", "."))
async def test_refusal_says_what_was_tried_and_changes_nothing(subject: Subject, step: Step, code: int) -> None:
    await done(subject.kernel, AddService(WEB, "lc"), AddDestination(WEB, ALPHA))
    before = await subject.kernel.dump()
    with pytest.raises(KernelError) as caught:
        await subject.kernel.do(step)
    assert caught.value.errno == code
    assert str(caught.value).startswith(f"can't {step}: {os.strerror(code)}")
    assert await subject.kernel.dump() == before
    await subject.kernel.do(DeleteService(WEB))  # the next request is answered as if nothing had been


async def test_services_of_other_programs_are_seen_as_they_are(subject: Subject) -> None:
    subject.ipvsadm(f"-A -t {WEB} -s rr -p 300",
                    f"-a -t {WEB} -r {ALPHA.address} -m -w 1 -x 9 -y 4",
                    f"-A -t {VIP}:81 -s sh -b sh-port",
                    f"-A -t {VIP}:82 -s lc",
                    f"-a -t {VIP}:82 -r {BACKENDS}:82 -g -w 1",
                    f"-A -f {MARK.number} -s wrr",
                    f"-A -u {VIP}:53 -s rr")
    direct = ObservedDestination(Destination(Address(BACKENDS, 82), 1), is_masquerading=False)
    limited = ObservedDestination(Destination(ALPHA.address, 1, 9), has_lower_threshold=True)
    assert await services(subject.kernel) == {
        WEB: ObservedService(WEB, "rr", {ALPHA.address: limited}, is_plain=False),
        Address(VIP, 81): ObservedService(Address(VIP, 81), "sh", is_plain=False),
        Address(VIP, 82): ObservedService(Address(VIP, 82), "lc", {direct.destination.address: direct}),
        MARK: ObservedService(MARK, "wrr")}


async def test_set_takes_persistence_flags_and_another_way_of_forwarding_away(subject: Subject) -> None:
    subject.ipvsadm(f"-A -t {WEB} -s sh -p 300 -b sh-port", f"-a -t {WEB} -r {BACKENDS}:80 -g -w 1 -x 9 -y 4")
    wanted = Destination(Address(BACKENDS, 80), 3)
    await done(subject.kernel, SetService(WEB, "lc"), SetDestination(WEB, wanted))
    assert await services(subject.kernel) == {
        WEB: ObservedService(WEB, "lc", {wanted.address: ObservedDestination(wanted)})}


async def test_destination_that_another_program_made_returns_as_ours_would_be(subject: Subject) -> None:
    subject.ipvsadm(f"-A -t {WEB} -s rr", f"-a -t {WEB} -r {BACKENDS}:80 -g -w 1 -x 9 -y 4")
    wanted = Destination(Address(BACKENDS, 80), 3)
    await done(subject.kernel, DeleteDestination(WEB, wanted.address), AddDestination(WEB, wanted))
    assert await services(subject.kernel) == {
        WEB: ObservedService(WEB, "rr", {wanted.address: ObservedDestination(wanted)})}


async def test_timeouts_are_set_one_by_one(subject: Subject) -> None:
    await done(subject.kernel, SetTimeouts(Timeouts(3600, 60, 30)), SetTimeouts(Timeouts(0, 90, 0)))
    assert (await subject.kernel.dump()).timeouts == Timeouts(3600, 90, 30)
    await done(subject.kernel, SetTimeouts(Timeouts(LONGEST_TIMEOUT, 0, 0)))
    assert (await subject.kernel.dump()).timeouts == Timeouts(LONGEST_TIMEOUT, 90, 30)


async def test_thousand_destinations_are_all_read(subject: Subject) -> None:
    added = [Destination(Address(f"10.9.{number // 250}.{number % 250 + 1}", 80), 1) for number in range(1000)]
    await done(subject.kernel, AddService(WEB, "lc"), *(AddDestination(WEB, one) for one in added))
    found = (await services(subject.kernel))[WEB].destinations
    assert {address: one.destination for address, one in found.items()} == {one.address: one for one in added}


async def connections(subject: Subject, expected: int) -> None:
    """Wait until so many are counted: a kernel sums them every two seconds, and no event says so."""
    async with asyncio.timeout(30):
        while (found := await counted(subject)) != expected:
            assert found < expected
            await asyncio.sleep(0.05)


async def counted(subject: Subject) -> int:
    return (await services(subject.kernel))[COUNTED].destinations[COUNTED_BACKEND.address].counters.connections


async def test_destination_that_returns_soon_has_its_old_counters(subject: Subject) -> None:
    await done(subject.kernel, AddService(COUNTED, "lc"), AddDestination(COUNTED, COUNTED_BACKEND))
    subject.knock(COUNTED)
    await connections(subject, 1)
    changed = replace(COUNTED_BACKEND, weight=5, limit=6)
    await done(subject.kernel, DeleteDestination(COUNTED, changed.address), AddDestination(COUNTED, changed))
    assert await counted(subject) == 1
    found = (await services(subject.kernel))[COUNTED].destinations[changed.address]
    assert found.destination == changed
    subject.knock(COUNTED)
    await connections(subject, 2)


@pytest.mark.parametrize("is_deleted_first", [True, False])
async def test_destination_that_returns_to_a_service_made_anew_counts_from_zero(
        subject: Subject, *, is_deleted_first: bool) -> None:
    await done(subject.kernel, AddService(COUNTED, "lc"), AddDestination(COUNTED, COUNTED_BACKEND))
    subject.knock(COUNTED)
    await connections(subject, 1)
    if is_deleted_first:
        await done(subject.kernel, DeleteDestination(COUNTED, COUNTED_BACKEND.address))
    await done(subject.kernel, DeleteService(COUNTED), AddService(COUNTED, "lc"),
               AddDestination(COUNTED, COUNTED_BACKEND))
    assert await counted(subject) == 0


async def test_close_may_be_called_again_and_the_next_request_is_answered(subject: Subject) -> None:
    await subject.kernel.close()
    await subject.kernel.do(AddService(WEB, "lc"))
    await subject.kernel.close()
    await subject.kernel.close()
    assert set(await services(subject.kernel)) == {WEB}


async def test_local_addresses_are_those_that_others_can_reach(subject: Subject) -> None:
    before = await subject.addresses.read()
    added = "10.1.0.77/32", "169.254.1.1/32", "127.0.0.77/8", "fd77::1/128"
    for address in added:
        subject.address("add", address)
    assert await subject.addresses.read() == before | {"10.1.0.77", "fd77::1"}
    for address in added:
        subject.address("del", address)
    assert await subject.addresses.read() == before
    await subject.addresses.close()
    assert await subject.addresses.read() == before
