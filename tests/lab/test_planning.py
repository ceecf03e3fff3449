from itertools import pairwise

import pytest

from bench.lab import overlays, wiring
from bench.lab.addresses import NODE, ROUTER, pods, roles, workers
from bench.lab.encapsulator import peer
from bench.lab.shape import Fabric, Overlay, Places, Shape, Spreading
from bench.lab.steering import script

SHAPES = [Shape(overlay, fabric=fabric) for overlay in Overlay for fabric in Fabric]
APART = Places(frozenset([0]), frozenset([1]), frozenset([0]))


@pytest.fixture(params=SHAPES, ids=lambda shape: f"{shape.overlay}-{shape.fabric}")
def shape(request: pytest.FixtureRequest) -> Shape:
    shape: Shape = request.param
    return shape


def test_every_pod_has_an_address_of_its_own_and_its_neighbour_another_worker() -> None:
    found = pods(Shape(workers=3, pods=50))
    assert len({pod.address for pod in found}) == 50
    assert all(one.worker != other.worker for one, other in pairwise(found))


def test_both_ends_of_every_wire_belong_to_somebody(shape: Shape) -> None:
    ends = [end for wire in wiring.wires(shape) for end in wire]
    assert {end.role for end in ends} == set(roles(shape))
    assert len({(end.role, end.interface) for end in ends}) == len(ends)
    assert (ROUTER in roles(shape)) == (shape.fabric is Fabric.ROUTED)


def test_the_node_has_a_way_to_the_pods_of_every_worker(shape: Shape) -> None:
    routes = "\n".join(overlays.lines(shape)[NODE])
    assert all(f"route add {worker.pods} " in routes for worker in workers(shape))


def test_routes_over_a_router_name_the_router_as_the_next_hop() -> None:
    found = overlays.lines(Shape(Overlay.HOST_GW, fabric=Fabric.ROUTED))
    assert found == {NODE: ["route add 10.97.1.0/24 via 10.99.200.1", "route add 10.97.2.0/24 via 10.99.200.1"]}


def test_only_vxlan_forwards_by_hardware_address_and_only_udp_has_processes(shape: Shape) -> None:
    assert bool(overlays.forwarding(shape)) == (shape.overlay is Overlay.VXLAN)
    assert len(overlays.encapsulators(shape)) == (3 if shape.overlay is Overlay.UDP else 0)


def test_a_datagram_goes_to_the_node_that_has_the_network() -> None:
    assert peer("10.97.1.0/24=10.99.1.2") == (b"\x0a\x61\x01", ("10.99.1.2", 8285))


@pytest.mark.parametrize(("pair", "complaint"), [
    ("10.97.0.0/16=10.99.1.2", "is no /24"), ("10.97.1.2/24=10.99.1.2", "host bits"), ("nothing", "nothing"),
])
def test_what_is_no_network_of_the_right_size_is_refused(pair: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        peer(pair)


def test_packets_are_steered_on_both_sides_or_not_at_all() -> None:
    assert script(NODE, Shape(spreading=Spreading.NONE), APART) == ""
    assert "echo 1 >$queue/rps_cpus" in script(NODE, Shape(), APART)
    assert "echo 2 >$queue/rps_cpus" in script("worker1", Shape(), APART)


def test_queues_are_polled_by_threads_on_the_node_only() -> None:
    shape, unsteered = Shape(spreading=Spreading.QUEUES), Places(frozenset([0]), frozenset([1]), None)
    assert "threaded" in script(NODE, shape, unsteered)
    assert "rps_cpus" in script("client", shape, unsteered)


def test_only_the_link_between_client_and_node_is_limited() -> None:
    shape = Shape(megabits=1000)
    limited = [role for role in roles(shape) if "rate 1000mbit" in script(role, shape, APART)]
    assert limited == ["client", "node"]
