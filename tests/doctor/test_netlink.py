"""The kernel of this machine, asked for real."""

import errno
import socket
from pathlib import Path

import pytest

from lbproxy.doctor.netlink import ask

from .test_doctor_process import has_ipvs, may_administer


async def test_schedulers_are_told_apart_and_no_service_is_made() -> None:
    answers = await ask(["lc", "mh", "nonsense"])
    if not has_ipvs():
        assert answers.ipvs == errno.ENOENT
        assert set(answers.schedulers.values()) == {errno.ENOENT}
    elif not may_administer():
        assert {answers.ipvs, *answers.schedulers.values()} == {errno.EPERM}
    else:
        assert (answers.ipvs, answers.tcp_timeout) == (0, 900)
        assert answers.schedulers == {"lc": errno.EINVAL, "mh": errno.EINVAL, "nonsense": errno.ENOENT}
        assert "FWM" not in table()


def table() -> str:
    return Path("/proc/net/ip_vs").read_text()


async def test_nftables_answer_whoever_may_administer() -> None:
    assert (await ask([])).nftables == (0 if may_administer() else errno.EPERM)


async def test_sockets_that_are_forbidden_are_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> socket.socket:
        raise PermissionError(errno.EPERM, "a seccomp profile says so")
    monkeypatch.setattr(socket, "socket", forbidden)
    answers = await ask(["lc"])
    assert (answers.ipvs, answers.schedulers, answers.nftables) == (errno.EPERM, {"lc": errno.EPERM}, errno.EPERM)
