from collections.abc import Callable

import pytest

from bench.errors import LabError
from bench.lab.addresses import NODE
from bench.lab.lab import Lab, standing
from bench.lab.netns import Namespace, call
from bench.lab.overlays import DEVICE
from bench.lab.record import PREFIX, Record, sweep
from bench.lab.shape import Fabric, Overlay, Shape, Spreading
from bench.net import Address

from .asking import body
from .conftest import check_able
from .trace import Trace

MakeLab = Callable[[Shape], Lab]


@pytest.mark.parametrize("overlay", list(Overlay))
def test_every_pod_answers_the_node_with_its_own_address(make_lab: MakeLab, overlay: Overlay) -> None:
    lab = make_lab(Shape(overlay, pods=3))
    for pod in lab.pods(3):
        with lab.node.entered():
            assert body(pod.address) == f"{pod.address.host}\n"
        assert lab.answers(pod.address), "the client has its own way, past the node"


@pytest.mark.parametrize(("overlay", "mtu"), [(Overlay.VXLAN, 1450), (Overlay.UDP, 1472)])
def test_the_overlay_has_the_paper_s_mtu_and_large_answers_arrive_whole(
    make_lab: MakeLab, overlay: Overlay, mtu: int,
) -> None:
    lab = make_lab(Shape(overlay, pods=1))
    (pod,) = lab.pods(1)
    assert f"mtu {mtu} " in call(["ip", "-netns", lab.node.name, "link", "show", DEVICE])
    with lab.node.entered():
        assert len(body(pod.address, "/page")) == 8192


@pytest.mark.parametrize(("overlay", "is_reached"), [
    (Overlay.HOST_GW, False), (Overlay.VXLAN, True), (Overlay.UDP, True),
])
def test_behind_a_router_that_knows_no_pods_only_wrapped_packets_arrive(
    make_lab: MakeLab, overlay: Overlay, *, is_reached: bool,
) -> None:
    assert make_lab(Shape(overlay, fabric=Fabric.ROUTED, pods=2)).reaches_pods() is is_reached


@pytest.mark.parametrize("spreading", list(Spreading))
def test_packets_are_spread_as_the_shape_says_and_pods_are_reached(make_lab: MakeLab, spreading: Spreading) -> None:
    lab = make_lab(Shape(spreading=spreading, pods=1))
    read = "cat /sys/class/net/client/queues/rx-0/rps_cpus /sys/class/net/client/threaded"
    steered, polled = (int(word.replace(",", ""), 16) for word in lab.node.shell(read).split())
    assert bool(steered) == (lab.places.packets is not None)
    assert bool(polled) == (spreading is Spreading.QUEUES)
    assert lab.reaches_pods()


def test_a_limited_link_is_limited_at_both_ends_and_nowhere_else(make_lab: MakeLab) -> None:
    lab = make_lab(Shape(pods=1, megabits=1000))
    for namespace, device in ((lab.client, "node"), (lab.node, "client")):
        assert "tbf" in call(["tc", "-netns", namespace.name, "qdisc", "show", "dev", device])
    assert "tbf" not in call(["tc", "-netns", lab.node.name, "qdisc", "show", "dev", "worker1"])


def test_nothing_is_left_behind() -> None:
    check_able()
    before = Trace.of_this_machine()
    with standing(Shape(Overlay.UDP, pods=2)) as lab:
        meanwhile = Trace.of_this_machine()
        assert lab.node.name in meanwhile.namespaces
        assert len(meanwhile.processes) > len(before.processes)
        assert (meanwhile.links, meanwhile.rules, meanwhile.sysctls) == (before.links, before.rules, before.sysctls)
    assert Trace.of_this_machine() == before


def test_a_lab_that_can_t_be_finished_leaves_nothing(make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Trace.of_this_machine()
    monkeypatch.setattr("bench.lab.lab.script", lambda *_: "echo no luck >&2; exit 3")
    with pytest.raises(LabError, match="no luck"):
        make_lab(Shape(pods=1))
    assert Trace.of_this_machine() == before


def test_what_no_record_lists_is_not_touched_whatever_its_name(make_lab: MakeLab) -> None:
    lab = make_lab(Shape(pods=1))
    stranger = Namespace(f"{PREFIX}somebody-{NODE}")
    call(["ip", "netns", "add", stranger.name])
    try:
        assert sweep() == [], "the lab that stands has its owner"
        assert stranger.exists
        assert lab.node.exists
    finally:
        call(["ip", "netns", "del", stranger.name])


def test_a_name_without_our_prefix_is_not_removed_even_if_a_record_lists_it(make_lab: MakeLab) -> None:
    make_lab(Shape(pods=1))
    stranger = Namespace("somebody-elses-node")
    call(["ip", "netns", "add", stranger.name])
    try:
        Record("forged", (stranger.name,), "/nonexistent", owner=(1, 0.0)).save()
        assert sweep() == ["forged"]
        assert stranger.exists
    finally:
        call(["ip", "netns", "del", stranger.name])


def test_a_command_that_fails_in_a_namespace_says_why(make_lab: MakeLab) -> None:
    lab = make_lab(Shape(pods=1))
    with pytest.raises(LabError, match="Cannot find device"):
        lab.node.ip(["link set nothing up"])


def test_nobody_answers_where_no_balancer_runs(make_lab: MakeLab) -> None:
    lab = make_lab(Shape(pods=1))
    assert not lab.answers()
    assert not lab.answers(Address("10.97.1.99", 80))
