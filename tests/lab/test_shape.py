import pytest

from bench.lab.shape import Overlay, Places, Spreading, mask, mtu, places


@pytest.mark.parametrize(("overlay", "expected"), [
    (Overlay.HOST_GW, 1500), (Overlay.VXLAN, 1450), (Overlay.UDP, 1472),
])
def test_headers_leave_the_paper_s_mtu(overlay: Overlay, expected: int) -> None:
    assert mtu(overlay) == expected


def test_of_two_cpus_the_node_gets_one_and_its_packets_stay_there() -> None:
    found = places(Spreading.ONE, [0, 1])
    assert found == Places(frozenset([0]), frozenset([1]), frozenset([0]))
    assert found.are_apart


def test_of_two_cpus_a_node_that_needs_several_shares_both() -> None:
    found = places(Spreading.ALL, [0, 1])
    assert found == Places(frozenset([0, 1]), frozenset([0, 1]), frozenset([0, 1]))
    assert not found.are_apart


def test_of_eight_cpus_the_node_gets_half_and_shares_none() -> None:
    found = places(Spreading.ALL, list(range(8)))
    assert found == Places(frozenset(range(4)), frozenset(range(4, 8)), frozenset(range(4)))
    assert found.are_apart


@pytest.mark.parametrize("spreading", [Spreading.NONE, Spreading.QUEUES])
def test_packets_that_nobody_steers_belong_to_no_cpu(spreading: Spreading) -> None:
    found = places(spreading, list(range(8)))
    assert found.packets is None
    assert not found.are_apart


@pytest.mark.parametrize("spreading", list(Spreading))
def test_a_single_cpu_does_everything(spreading: Spreading) -> None:
    found = places(spreading, [3])
    assert found.node == found.load == {3}
    assert not found.are_apart


@pytest.mark.parametrize(("cpus", "expected"), [
    ({0}, "1"), ({0, 1}, "3"), ({4, 5}, "30"), ({32}, "1,00000000"), ({0, 35}, "8,00000001"),
    ({63, 31}, "80000000,80000000"),
])
def test_a_mask_is_hexadecimal_in_groups_of_32_bits(cpus: set[int], expected: str) -> None:
    assert mask(frozenset(cpus)) == expected
