from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbproxy.doctor.interfaces import interfaces
from lbproxy.doctor.queues import cpus, cpus_of, mask_of, spreading
from lbproxy.model.finding import Finding, Verdict
from tests.support.trees import Files, card, lay, virtual

NO_RPS = None


def machine(online: str, pairs: int = 0) -> dict[str, str]:
    """CPUs; `pairs` of them share a core, as 0 and 1, 2 and 3 do."""
    shared = {f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list": f"{cpu // 2 * 2}-{cpu // 2 * 2 + 1}\n"
              for cpu in range(2 * pairs)}
    return {"sys/devices/system/cpu/online": f"{online}\n", **shared}


def found(tmp_path: Path, files: Files) -> Finding:
    system = lay(tmp_path, files)
    one, = spreading(interfaces(system), cpus(system))
    return one


@pytest.mark.parametrize(("files", "verdict", "fix"), [
    ({**machine("0"), **card("eth0", "0")}, Verdict.OK, ""),
    ({**machine("0-3"), **card("eth0", *"0000")}, Verdict.OK, ""),
    ({**machine("0-3"), **card("eth0", "f")}, Verdict.OK, ""),
    ({**machine("0-3"), **card("eth0", "3", "c")}, Verdict.OK, ""),
    ({**machine("0-3", pairs=2), **card("eth0", "0", "0")}, Verdict.OK, ""),
    ({**machine("0-3", pairs=2), **card("eth0", "0")}, Verdict.IMPROVABLE,
     "echo f >/sys/class/net/eth0/queues/rx-0/rps_cpus"),
    ({**machine("0-7"), **card("eth0", "00")}, Verdict.IMPROVABLE, "echo ff >/sys/class/net/eth0/queues/rx-0/rps_cpus"),
    ({**machine("0-3"), **card("eth0", "1")}, Verdict.IMPROVABLE, "echo f >/sys/class/net/eth0/queues/rx-0/rps_cpus"),
    ({**machine("0-3"), **card("eth0", "f0")}, Verdict.IMPROVABLE, "echo f >/sys/class/net/eth0/queues/rx-0/rps_cpus"),
    ({**machine("0-63"), **card("eth0", "0", "0")}, Verdict.IMPROVABLE,
     "for queue in /sys/class/net/eth0/queues/rx-*; do echo ffffffff,ffffffff >$queue/rps_cpus; done"),
    ({**machine("0,2-3"), **card("eth0", "0")}, Verdict.IMPROVABLE, "echo d >/sys/class/net/eth0/queues/rx-0/rps_cpus"),
    ({**machine("0-3"), **card("eth0", NO_RPS)}, Verdict.IMPROVABLE, "ethtool -L eth0 combined 4"),
    ({**machine("0-3"), **card("eth0")}, Verdict.IMPROVABLE, "ethtool -L eth0 combined 4"),
    (card("eth0", "0"), Verdict.UNKNOWN, ""),
], ids=["one-cpu", "a-queue-each", "rps-to-all", "rps-in-parts", "a-queue-per-core", "one-queue-for-two-cores",
        "one-queue", "rps-to-one", "rps-to-cpus-that-are-off", "two-queues-of-64", "a-cpu-is-off", "no-rps",
        "no-queues-shown", "no-cpus-shown"])
def test_packets_of_a_card(tmp_path: Path, files: Files, verdict: Verdict, fix: str) -> None:
    one = found(tmp_path, files)
    assert (one.name, one.verdict, one.fix.startswith(fix), bool(one.fix)) == (
        "packets of eth0", verdict, True, bool(fix)), one


@pytest.mark.parametrize(("files", "seen"), [
    (virtual("lo", type="772", operstate="unknown"), "loopback: a packet is received on the CPU that sends it"),
    (virtual("eth0", iflink="9"), "virtual: packets stay on the CPU where the network card brought them; run"),
    (virtual("br0", uevent="DEVTYPE=bridge\n"), "virtual: packets stay"),
])
def test_packets_of_what_is_no_card_are_explained(tmp_path: Path, files: Files, seen: str) -> None:
    one = found(tmp_path, {**machine("0-7"), **files})
    assert (one.verdict, one.seen.startswith(seen)) == (Verdict.OK, True)


def test_many_virtual_interfaces_beside_a_card_are_one_finding(tmp_path: Path) -> None:
    veths = {name: text for number in range(5) for name, text in virtual(f"veth{number}", iflink="9").items()}
    system = lay(tmp_path, {**machine("0"), **card("ens3", "0"), **veths})
    first, second = spreading(interfaces(system), cpus(system))
    assert (first.name, second.name) == ("packets of ens3", "packets of veth0, veth1, veth2 and 2 more")
    assert "on the node, too" not in second.seen


def test_fix_is_what_makes_it_well(tmp_path: Path) -> None:
    before = found(tmp_path, {**machine("0-39"), **card("eth0", "00,00000000", "00,00000000")})
    mask = before.fix.partition("echo ")[2].partition(" ")[0]
    after = found(tmp_path, card("eth0", mask, mask))
    assert (before.verdict, mask, after.verdict) == (Verdict.IMPROVABLE, "ff,ffffffff", Verdict.OK)


@given(st.frozensets(st.integers(0, 200)))
def test_mask_read_is_what_was_written(some: frozenset[int]) -> None:
    assert cpus_of(mask_of(some)) == some


def test_this_very_machine_has_cpus() -> None:
    system = lay(Path("/"), {})
    here = cpus(system)
    assert 1 <= here.cores <= len(here.online)
