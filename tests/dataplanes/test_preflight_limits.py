"""Conntrack, ports and descriptors."""

from pathlib import Path

import pytest

from lbproxy.dataplanes.conntrack import conntrack
from lbproxy.dataplanes.userspace.preflight.descriptors import descriptors
from lbproxy.dataplanes.userspace.preflight.ports import local_ports, low_ports
from lbproxy.model.address import Address
from lbproxy.model.finding import Verdict
from lbproxy.net.capabilities import NET_BIND_SERVICE, Capabilities
from tests.support.trees import lay, sysctls

NONE, BINDING = Capabilities(0, 0), Capabilities(1 << NET_BIND_SERVICE, 0)


@pytest.mark.parametrize(("used", "limit", "larger"), [
    (0, 262_144, None),
    (209_715, 262_144, None),
    (209_716, 262_144, 1_048_576),
    (0, 65_536, None),
    (0, 65_535, 262_144),
])
def test_conntrack(tmp_path: Path, used: int, limit: int, larger: int | None) -> None:
    files = sysctls(net__netfilter__nf_conntrack_count=used, net__netfilter__nf_conntrack_max=limit)
    found = conntrack(lay(tmp_path, files), is_needed=True)
    assert found.verdict is (Verdict.IMPROVABLE if larger else Verdict.OK)
    assert found.fix.endswith(f"nf_conntrack_max={larger}" if larger else "")


@pytest.mark.parametrize(("used", "verdict"), [(0, Verdict.OK), (16_384, Verdict.IMPROVABLE)])
def test_small_conntrack_that_is_not_needed_matters_only_when_it_is_full(
        tmp_path: Path, used: int, verdict: Verdict) -> None:
    files = sysctls(net__netfilter__nf_conntrack_count=used, net__netfilter__nf_conntrack_max=16_384)
    assert conntrack(lay(tmp_path, files), is_needed=False).verdict is verdict


@pytest.mark.parametrize("is_needed", [True, False])
def test_conntrack_that_is_not_loaded_is_no_trouble(tmp_path: Path, *, is_needed: bool) -> None:
    found = conntrack(lay(tmp_path, {}), is_needed=is_needed)
    assert (found.verdict, found.seen.startswith("not loaded")) == (Verdict.OK, True)


@pytest.mark.parametrize(("text", "verdict", "seen"), [
    ("32768\t60999", Verdict.OK, "28,232 connections"),
    ("1024 65535", Verdict.OK, "64,512 connections"),
    ("32768 33767", Verdict.IMPROVABLE, "1,000 connections"),
    ("", Verdict.UNKNOWN, "can't be read"),
    ("many", Verdict.UNKNOWN, "can't be read"),
])
def test_local_ports(tmp_path: Path, text: str, verdict: Verdict, seen: str) -> None:
    found = local_ports(lay(tmp_path, sysctls(net__ipv4__ip_local_port_range=text)))
    assert (found.verdict, seen in found.seen, bool(found.fix)) == (verdict, True, verdict is Verdict.IMPROVABLE)


@pytest.mark.parametrize(("ports", "start", "sets", "verdict"), [
    ([80, 443], 1024, NONE, Verdict.FATAL),
    ([80, 443], None, NONE, Verdict.FATAL),
    ([80, 443], 443, NONE, Verdict.FATAL),
    ([80, 443], 80, NONE, Verdict.OK),
    ([80, 443], 0, NONE, Verdict.OK),
    ([80, 443], 1024, BINDING, Verdict.OK),
    ([80, 443], 1024, Capabilities(None, None), Verdict.UNKNOWN),
])
def test_low_ports(tmp_path: Path, ports: list[int], start: int | None, sets: Capabilities, verdict: Verdict) -> None:
    system = lay(tmp_path, {} if start is None else sysctls(net__ipv4__ip_unprivileged_port_start=start))
    found = low_ports(system, sets, [Address("0.0.0.0", port) for port in (8080, 0, *ports)])
    assert found is not None
    assert (found.verdict, "ip_unprivileged_port_start=80" in found.fix) == (verdict, verdict is Verdict.FATAL)


def test_without_low_ports_nothing_is_said_of_them(tmp_path: Path) -> None:
    assert low_ports(lay(tmp_path, {}), NONE, [Address("0.0.0.0", 1024), Address("::", 0)]) is None


HEAD = "Limit                     Soft Limit           Hard Limit           Units     \n"


@pytest.mark.parametrize(("soft", "hard", "verdict", "seen"), [
    ("1024", "1048576", Verdict.OK, "soft 1024, hard 1048576"),
    ("unlimited", "unlimited", Verdict.OK, "hard unlimited"),
    ("1024", "65536", Verdict.OK, "hard 65536"),
    ("1024", "4096", Verdict.IMPROVABLE, "at most 2,048 connections"),
])
def test_descriptors(tmp_path: Path, soft: str, hard: str, verdict: Verdict, seen: str) -> None:
    limits = f"{HEAD}Max processes   9  9  processes\nMax open files            {soft:20} {hard:20} files     \n"
    found = descriptors(lay(tmp_path, {"proc/self/limits": limits}))
    assert (found.verdict, seen in found.seen, bool(found.fix)) == (verdict, True, verdict is Verdict.IMPROVABLE)


@pytest.mark.parametrize("limits", [{}, {"proc/self/limits": HEAD}])
def test_descriptors_that_can_not_be_read_are_unknown(tmp_path: Path, limits: dict[str, str]) -> None:
    assert descriptors(lay(tmp_path, limits)).verdict is Verdict.UNKNOWN
