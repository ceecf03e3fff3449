"""What systems write for a set-up, and for a change of it."""

import json
from pathlib import Path

import pytest

from bench.errors import BenchError, NotInstalledError
from bench.net import Address
from bench.systems import LAB, Envoy, HAProxy, Iptables, Ipvs, LBProxy, Nftables, Setup, System

LISTEN = Address("10.0.0.1", 8888)
PODS = tuple(Address(f"10.1.0.{number}", 80) for number in range(1, 5))
NEW = Address("10.1.0.9", 80)


@pytest.fixture(params=LAB, ids=lambda system: system.name)
def system(request: pytest.FixtureRequest) -> System:
    system: System = request.param
    try:
        system.version()
    except NotInstalledError:
        if "ipvs" not in system.name:  # what it writes needs no kernel
            pytest.skip(f"{system.name} is not installed")
    return system


def written(folder: Path) -> str:
    return "".join(file.read_text() for file in sorted(folder.iterdir()))


def test_every_system_can_be_told_of_other_pods(system: System, tmp_path: Path) -> None:
    system.command(Setup(LISTEN, PODS), tmp_path)
    before = written(tmp_path)
    said = " ".join(system.change(Setup(LISTEN, (NEW, *PODS[1:])), tmp_path))
    if system.name != "direct":
        assert NEW.host not in before
        assert NEW.host in written(tmp_path) + said


def test_iptables_divides_what_is_left_evenly(tmp_path: Path) -> None:
    Iptables().change(Setup(LISTEN, PODS), tmp_path)
    rules = [line for line in (tmp_path / "service").read_text().splitlines() if line.startswith("-A")]
    chances = [float(line.split("--probability ")[1].split()[0]) for line in rules[:-1]]
    assert chances == pytest.approx([1 / 4, 1 / 3, 1 / 2])
    assert "statistic" not in rules[-1]


def test_nftables_takes_a_pod_per_number(tmp_path: Path) -> None:
    Nftables().change(Setup(LISTEN, PODS[:2], scheduler="rr"), tmp_path)
    (file,) = tmp_path.iterdir()
    assert "numgen inc mod 2 map { 0 : 10.1.0.1 . 80, 1 : 10.1.0.2 . 80 }" in file.read_text()


def test_ipvs_keeps_connections_of_a_pod_that_leaves(tmp_path: Path) -> None:
    Ipvs().command(Setup(LISTEN, PODS), tmp_path)
    Ipvs().change(Setup(LISTEN, (NEW, *PODS[1:])), tmp_path)
    assert (tmp_path / "changes").read_text().splitlines() == [
        f"-a -t {LISTEN} -r {NEW} -m -w 1", f"-e -t {LISTEN} -r {PODS[0]} -m -w 0",
    ]


def test_lbproxy_keeps_its_admin_address_when_its_pods_change(tmp_path: Path) -> None:
    LBProxy().command(Setup(LISTEN, PODS), tmp_path)
    LBProxy().change(Setup(LISTEN, PODS[1:]), tmp_path)
    old, new = ((tmp_path / name).read_text().splitlines() for name in ("lbproxy.yaml", "new-lbproxy.yaml"))
    assert [line for line in old if line not in new] == [f'      - "{PODS[0]}"']


def test_envoy_s_file_of_pods_is_replaced_whole(tmp_path: Path) -> None:
    move = Envoy().change(Setup(LISTEN, PODS[:1]), tmp_path)
    assert move == ["mv", str(tmp_path / "new-backends.json"), str(tmp_path / "backends.json")]
    (assignment,) = json.loads((tmp_path / "new-backends.json").read_text())["resources"]
    assert "10.1.0.1" in json.dumps(assignment)


@pytest.mark.parametrize("system", [HAProxy(), Envoy(), Iptables()], ids=lambda system: system.name)
def test_a_scheduler_that_a_system_lacks_is_said(system: System, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=f"{system.name} has no scheduler wlc"):
        system.command(Setup(LISTEN, PODS, scheduler="wlc"), tmp_path)
