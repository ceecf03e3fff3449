"""Which dataplane runs: what was asked for or an error, and with auto what works, with the reason."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lbproxy.config import Config, load
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.dataplanes.ipvs.kernel.address_reservations import Lock, holder_of
from lbproxy.dataplanes.ipvs.kind import IpvsKind
from lbproxy.dataplanes.ipvs.reconciler import Machine
from lbproxy.dataplanes.selection import DataplaneSelection, select_dataplane
from lbproxy.dataplanes.userspace.kind import USERSPACE
from lbproxy.model.errors import ConfigError
from lbproxy.net.system import System

from .fake_kernel import FakeMachine
from .machines import dataplanes_over, machine_with

GIVEN = {"listen": ("192.0.2.1:8080",), "backend": ("192.0.2.2:80",)}


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return machine_with(tmp_path, {})


def config(**options: str) -> Config:
    return load({**GIVEN, **options}, {}, None)


async def chosen(machine: FakeMachine, **options: str) -> DataplaneSelection:
    """As `run` does at its start."""
    root = machine.sysctls.parents[1]
    choice = await select_dataplane(dataplanes_over(machine), config(**options), System(root))
    choice.refuse_fatal()
    return choice


async def test_userspace_asks_no_kernel(tmp_path: Path) -> None:
    def never() -> Machine:
        raise AssertionError("the kernel was asked")
    choice = await select_dataplane(Dataplanes((IpvsKind(never), USERSPACE)), config(), System(tmp_path))
    assert (choice.name, choice.reason) == ("userspace", "asked for")


async def test_ipvs_is_what_was_asked_for(machine: FakeMachine) -> None:
    choice = await chosen(machine, dataplane="ipvs")
    assert (choice.requested, choice.name, choice.reason) == ("ipvs", "ipvs", "asked for")
    assert (machine.sysctls / "net/ipv4/ip_forward").read_text() == "0\n", "asking changes nothing"
    assert holder_of(machine.lock) is None


@pytest.mark.parametrize(("code", "says"), [
    (errno.EPERM, "ipvs: it is there but refuses us"), (errno.ENOENT, "ipvs: the kernel knows no netlink family IPVS")])
async def test_ipvs_that_does_not_work_is_an_error_and_auto_goes_without(
        machine: FakeMachine, code: int, says: str) -> None:
    machine.kernel.dump_failures.extend([code, code])
    with pytest.raises(ConfigError, match=f"^--dataplane=ipvs: {says}.*; lbproxy doctor says more$"):
        await chosen(machine, dataplane="ipvs")
    choice = await chosen(machine, dataplane="auto")
    assert choice.name == "userspace"
    assert says in choice.reason


async def test_what_can_not_be_found_out_keeps_auto_away_but_not_who_asks_for_it(machine: FakeMachine) -> None:
    machine.kernel.dump_failures.extend([errno.ENOBUFS, errno.ENOBUFS])
    assert (await chosen(machine, dataplane="auto")).reason.startswith("ipvs: asking failed: No buffer space")
    assert (await chosen(machine, dataplane="ipvs")).name == "ipvs"


async def test_scheduler_that_can_not_be_asked_for_keeps_auto_away_but_not_who_asks_for_it(
        machine: FakeMachine) -> None:
    machine.kernel.scheduler_failures.extend([errno.EAFNOSUPPORT, errno.EAFNOSUPPORT])
    assert (await chosen(machine, dataplane="auto")).reason.startswith("scheduler wlc: asking failed")
    assert (await chosen(machine, dataplane="ipvs")).name == "ipvs"


async def test_auto_takes_ipvs_where_it_works(machine: FakeMachine) -> None:
    choice = await chosen(machine, dataplane="auto", scheduler="sh")
    assert (choice.name, choice.reason) == ("ipvs", "nothing is in the way of ipvs")


async def test_auto_takes_userspace_for_what_only_it_can_do(machine: FakeMachine) -> None:
    choice = await chosen(machine, dataplane="auto", queue="3")
    assert choice.name == "userspace"
    assert choice.reason == "option queue: is for the userspace dataplane, ipvs has no such option"


async def test_auto_that_can_have_neither_is_an_error(machine: FakeMachine) -> None:
    with pytest.raises(ConfigError, match=r"auto is userspace here: option scheduler: .* has no sh"):
        await chosen(machine, dataplane="auto", queue="3", scheduler="sh")


async def test_what_the_other_one_has_is_refused_after_the_choice_too(machine: FakeMachine) -> None:
    choice = await chosen(machine, dataplane="auto")
    assert choice.check(config(dataplane="auto", cleanup="on")).cleanup
    with pytest.raises(ConfigError, match="--dataplane=auto is ipvs here: queue"):
        choice.check(config(dataplane="auto", queue="3"))


async def test_ipvs_that_another_lbproxy_keeps_is_refused_by_its_pid(machine: FakeMachine) -> None:
    lock = Lock(machine.lock)
    lock.take()
    with pytest.raises(ConfigError, match=rf"another lbproxy \(pid {os.getpid()}\) keeps IPVS"):
        await chosen(machine, dataplane="ipvs")
    lock.release()
    assert (await chosen(machine, dataplane="ipvs")).name == "ipvs"


def test_lock_that_was_asked_for_often_is_still_known_to_be_taken(machine: FakeMachine) -> None:
    lock = Lock(machine.lock)
    lock.take()
    pids = {holder_of(machine.lock) for _ in range(500)}
    lock.release()
    assert pids <= {os.getpid(), 0}
    assert os.getpid() in pids


@pytest.mark.parametrize(("family", "address"), [("ipv4", "192.0.2.1"), ("ipv6", "[2001:db8::1]")])
async def test_only_families_that_are_listened_on_have_to_be_forwarded(
        machine: FakeMachine, family: str, address: str) -> None:
    choice = await chosen(machine, dataplane="ipvs", listen=f"{address}:8080", backend=f"{address}:9")
    names = {found.name for found in choice.active.findings if "forward" in found.name}
    assert names == {"ipv4": {"net.ipv4.ip_forward"}, "ipv6": {"net.ipv6.conf.all.forwarding"}}[family]


@pytest.fixture
def low_port(machine: FakeMachine) -> Callable[[str], FakeMachine]:
    def with_capabilities(digits: str) -> FakeMachine:
        root = machine.sysctls.parents[1]
        (root / "proc/self/status").write_text(f"CapEff:\t{digits}\nCapBnd:\t{digits}\n")
        return machine
    return with_capabilities


async def test_userspace_that_may_not_listen_is_refused_before_it_starts(
        low_port: Callable[[str], FakeMachine]) -> None:
    with pytest.raises(ConfigError, match="--dataplane=userspace: low ports: 80 wanted"):
        await chosen(low_port("0"), listen="0.0.0.0:80")
    assert (await chosen(low_port("400"), listen="0.0.0.0:80")).name == "userspace"


async def test_scheduler_of_each_service_has_to_be_there(tmp_path: Path) -> None:
    file = tmp_path / "lbproxy.yaml"
    file.write_text("dataplane: ipvs\nservices:\n  - {listen: 0.0.0.0:80, scheduler: rr}\n  - listen: 0.0.0.0:81\n"
                    "  - {listen: 0.0.0.0:82, scheduler: rr}\n")
    machine = machine_with(tmp_path, {})
    choice = await select_dataplane(dataplanes_over(machine), load({}, {}, file), System(tmp_path))
    names = [found.name for found in choice.active.findings if found.name.startswith("scheduler")]
    assert names == ["scheduler rr", "scheduler wlc"]
