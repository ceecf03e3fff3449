"""The kernel of this machine, asked for real."""

import errno
import socket
from pathlib import Path

import pytest

from lbproxy.dataplanes.ipvs.kind import this_machine
from lbproxy.dataplanes.ipvs.preflight.kernel_answers import KernelAnswers, ask
from tests.support.privileges import has_ipvs, may_administer


async def answers(*schedulers: str) -> KernelAnswers:
    machine = this_machine()
    try:
        return await ask(machine, schedulers)
    finally:
        await machine.close()


async def test_schedulers_are_told_apart_and_no_service_is_made() -> None:
    found = await answers("lc", "mh", "nonsense")
    if not has_ipvs():
        assert found.ipvs == errno.ENOENT
        assert set(found.schedulers.values()) == {errno.ENOENT}
    elif not may_administer():
        assert {found.ipvs, *found.schedulers.values()} == {errno.EPERM}
    else:
        assert (found.ipvs, found.tcp_timeout) == (0, 900)
        assert found.schedulers == {"lc": 0, "mh": 0, "nonsense": errno.ENOENT}
        assert "FWM" not in table()


def table() -> str:
    return Path("/proc/net/ip_vs").read_text()


async def test_nftables_answer_whoever_may_administer() -> None:
    found = await answers()
    assert (found.nftables, found.addresses, found.rival) == (0 if may_administer() else errno.EPERM, 0, None)


async def test_sockets_that_are_forbidden_are_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> socket.socket:
        raise PermissionError(errno.EPERM, "a seccomp profile says so")
    monkeypatch.setattr("lbproxy.netlink.netlink_channel.socket.socket", forbidden)
    found = await answers("lc")
    assert (found.ipvs, found.schedulers, found.nftables) == (errno.EPERM, {"lc": errno.EPERM}, errno.EPERM)
