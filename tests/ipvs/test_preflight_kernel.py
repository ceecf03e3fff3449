"""The preflight of IPVS, on a kernel that has it."""

import os

import pytest

from lbproxy.config import load
from lbproxy.dataplanes.ipvs.kernel.address_reservations import LOCK, Lock
from lbproxy.dataplanes.ipvs.kernel.ipvs import IpvsKernel
from lbproxy.dataplanes.selection import select_dataplane
from lbproxy.doctor.examination import examine
from lbproxy.model.snapshot import Scheduler
from lbproxy.net.system import System
from lbproxy.runtime.dataplanes import DATAPLANES
from tests.support.network import VIP, VIP6

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("network")]

GIVEN = {"listen": (f"{VIP}:80", f"[{VIP6}]:80"), "backend": ("10.9.0.1:80", "[fd09::1]:80"), "dataplane": "auto"}


async def test_schedulers_are_told_apart_and_no_service_is_made() -> None:
    kernel = IpvsKernel()
    before = await kernel.dump()
    found = [name for name in (*map(str, Scheduler), "nonsense") if await kernel.has_scheduler(name)]
    assert found == [str(one) for one in Scheduler]
    assert await kernel.dump() == before
    await kernel.close()


async def test_auto_takes_ipvs_and_doctor_says_so() -> None:
    config = load(GIVEN, {}, None)
    choice = await select_dataplane(DATAPLANES, config, System())
    assert (choice.name, choice.reason) == ("ipvs", "nothing is in the way of ipvs"), choice.preflights
    diagnosis = await examine(config, DATAPLANES, System())
    assert diagnosis.selection.name == "ipvs"


async def test_another_lbproxy_is_in_the_way() -> None:
    lock = Lock(LOCK)
    lock.take()
    try:
        choice = await select_dataplane(DATAPLANES, load(GIVEN, {}, None), System())
    finally:
        lock.release()
    assert (choice.name, f"(pid {os.getpid()})" in choice.reason) == ("userspace", True)
