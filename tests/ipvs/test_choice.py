"""Which dataplane runs: what was asked for or an error, and with auto what works, with the reason."""

import errno
import os

import pytest

from lbproxy.config import Config, load
from lbproxy.dataplanes.ipvs.kernel.address_reservations import Lock
from lbproxy.dataplanes.ipvs.reconciler import Machine
from lbproxy.model.errors import ConfigError
from lbproxy.runtime.dataplane_choice import select_dataplane

from .fake_kernel import FakeMachine

GIVEN = {"listen": ("192.0.2.1:80",), "backend": ("192.0.2.2:80",)}


def config(**options: str) -> Config:
    return load({**GIVEN, **options}, {}, None)


def never() -> Machine:
    raise AssertionError("the kernel was asked")


async def test_userspace_asks_no_kernel() -> None:
    choice = await select_dataplane(config(), never)
    assert (choice.active, choice.reason) == ("userspace", "asked for")


async def test_ipvs_is_what_was_asked_for(machine: FakeMachine) -> None:
    choice = await select_dataplane(config(dataplane="ipvs"), machine.parts)
    assert (choice.requested, choice.active, choice.reason) == ("ipvs", "ipvs", "asked for")
    assert (machine.sysctls / "net/ipv4/ip_forward").read_text() == "0\n", "asking changes nothing"


@pytest.mark.parametrize(("code", "says"), [
    (errno.EPERM, "NET_ADMIN"), (errno.ENOENT, "can't read the IPVS"), (errno.ENOBUFS, "can't read the IPVS")])
async def test_ipvs_that_does_not_work_is_an_error_and_auto_goes_without(
        machine: FakeMachine, code: int, says: str) -> None:
    machine.kernel.dump_failures.extend([code, code])
    with pytest.raises(ConfigError, match=f"^--dataplane=ipvs: .*{says}.*; lbproxy doctor says more$"):
        await select_dataplane(config(dataplane="ipvs"), machine.parts)
    choice = await select_dataplane(config(dataplane="auto"), machine.parts)
    assert choice.active == "userspace"
    assert says in choice.reason


async def test_auto_takes_ipvs_where_it_works(machine: FakeMachine) -> None:
    choice = await select_dataplane(config(dataplane="auto", scheduler="sh"), machine.parts)
    assert (choice.active, choice.reason) == ("ipvs", "it works here")


async def test_auto_takes_userspace_for_what_only_it_can_do(machine: FakeMachine) -> None:
    choice = await select_dataplane(config(dataplane="auto", queue="3"), machine.parts)
    assert choice.active == "userspace"
    assert choice.reason.startswith("queue is for the userspace dataplane")


async def test_auto_that_can_have_neither_is_an_error(machine: FakeMachine) -> None:
    with pytest.raises(ConfigError, match="sh is the kernel's alone"):
        await select_dataplane(config(dataplane="auto", queue="3", scheduler="sh"), machine.parts)


async def test_what_the_other_one_has_is_refused_after_the_choice_too(machine: FakeMachine) -> None:
    choice = await select_dataplane(config(dataplane="auto"), machine.parts)
    with pytest.raises(ConfigError, match="--dataplane=auto is ipvs here: queue"):
        choice.check(config(dataplane="auto", queue="3"))


async def test_ipvs_that_another_lbproxy_keeps_is_refused_by_its_pid(machine: FakeMachine) -> None:
    lock = Lock(machine.lock)
    lock.take()
    with pytest.raises(ConfigError, match=rf"another lbproxy \(pid {os.getpid()}\) keeps IPVS"):
        await select_dataplane(config(dataplane="ipvs"), machine.parts)
    lock.release()
    assert (await select_dataplane(config(dataplane="ipvs"), machine.parts)).active == "ipvs"
