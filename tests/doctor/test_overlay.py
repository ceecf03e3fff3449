from pathlib import Path

import pytest

from lbproxy.doctor.interfaces import InterfaceKind, default_interfaces, interfaces
from lbproxy.doctor.overlay import uplinks
from lbproxy.model.finding import Finding, Verdict
from tests.support.trees import Files, card, default_route, lay, virtual


def found(tmp_path: Path, files: Files) -> list[Finding]:
    system = lay(tmp_path, files)
    return list(uplinks(interfaces(system), default_interfaces(system)))


def veth(mtu: int) -> dict[str, str]:
    return {**virtual("eth0", mtu, iflink="9"), **default_route("eth0")}


@pytest.mark.parametrize(("mtu", "seen"), [
    (1500, "no overlay"), (9000, "no overlay"), (9001, "no overlay"), (1376, "no overlay that we know"),
    (1450, "vxlan presumably (1500 less 50)"), (8951, "vxlan presumably (9001 less 50)"),
    (1480, "ipip presumably (1500 less 20)"), (1440, "wireguard presumably"), (1420, "wireguard presumably"),
    (1430, "vxlan over IPv6 presumably"),
])
def test_mtu_of_a_pod_betrays_its_overlay(tmp_path: Path, mtu: int, seen: str) -> None:
    one, = found(tmp_path, veth(mtu))
    assert (one.name, one.verdict) == ("mtu of eth0", Verdict.OK)
    assert one.seen.startswith(f"{mtu} on a veth, {seen}")


def test_overlay_in_a_process_could_be_better(tmp_path: Path) -> None:
    one, = found(tmp_path, veth(1472))
    assert (one.verdict, "udp presumably" in one.seen, "host-gw" in one.fix) == (Verdict.IMPROVABLE, True, True)


def test_tun_is_a_process_that_copies(tmp_path: Path) -> None:
    one, = found(tmp_path, {**virtual("tun0", 1472, type="65534", tun_flags="0x1001"), **default_route("tun0")})
    assert (one.verdict, "a tun, udp" in one.seen) == (Verdict.IMPROVABLE, True)


def test_mtu_below_that_of_ipv6_could_be_better(tmp_path: Path) -> None:
    one, = found(tmp_path, veth(1000))
    assert (one.verdict, "dev eth0 mtu" in one.fix) == (Verdict.IMPROVABLE, True)


def test_card_of_a_node_is_no_overlay(tmp_path: Path) -> None:
    one, = found(tmp_path, {**card("ens3", "0"), **virtual("lo", type="772"), **default_route("ens3")})
    assert (one.name, one.seen) == ("mtu of ens3", "1500 on a network card, no overlay")


def test_without_a_default_route_there_is_nothing_to_judge(tmp_path: Path) -> None:
    one, = found(tmp_path, virtual("lo", type="772"))
    assert (one.name, one.verdict) == ("uplink", Verdict.OK)


@pytest.mark.parametrize(("files", "kind"), [
    (virtual("a", type="772"), InterfaceKind.LOOPBACK), (virtual("a", type="768"), InterfaceKind.TUNNEL),
    (virtual("a", uevent="DEVTYPE=vxlan\n"), InterfaceKind.VXLAN),
    (virtual("a", uevent="DEVTYPE=wireguard\n"), InterfaceKind.WIREGUARD),
    (virtual("a", uevent="DEVTYPE=bridge\nINTERFACE=a\n"), InterfaceKind.VIRTUAL),
    (virtual("a", tun_flags="0x1"), InterfaceKind.TUN),
    (virtual("a", iflink="7"), InterfaceKind.PEER), (virtual("a"), InterfaceKind.VIRTUAL),
    (card("a"), InterfaceKind.CARD),
    (virtual("a", uevent="DEVTYPE=vlan\n", iflink="7"), InterfaceKind.VIRTUAL),
])
def test_kind_of_an_interface(tmp_path: Path, files: Files, kind: InterfaceKind) -> None:
    assert [each.kind for each in interfaces(lay(tmp_path, files))] == [kind]


def test_interface_that_is_down_is_left_out(tmp_path: Path) -> None:
    assert interfaces(lay(tmp_path, virtual("eth0", operstate="down"))) == ()


IPV6_DEFAULT = f"{'0' * 32} 00 {'0' * 32} 00 {'fe80'.ljust(32, '0')} 00000400 00000001 00000000 00000003     eth1\n"
REJECTING = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo\n"


def test_default_routes_of_both_families_count_once_and_those_that_reject_do_not(tmp_path: Path) -> None:
    files = {**default_route("eth0", "eth1"), "proc/net/ipv6_route": IPV6_DEFAULT + REJECTING}
    assert default_interfaces(lay(tmp_path, files)) == ["eth0", "eth1"]
