"""Every system, for a second, in a lab of its own."""

from collections.abc import Iterator

import pytest

from bench.errors import LabError, NotInstalledError
from bench.lab.addresses import SERVICE, Pod
from bench.lab.lab import standing
from bench.lab.shape import Shape
from bench.load import Load
from bench.net import Address
from bench.paper.ground import Ground
from bench.paper.row import Row
from bench.paper.throughput import Throughput
from bench.systems import LAB, Direct, HAProxy, Ipvs, Nftables, System
from bench.systems.installed import find
from bench.systems.ipvs import is_there

from .asking import body
from .conftest import check_able
from .trace import Trace

BALANCERS = [
    pytest.param(system, id=system.name, marks=[pytest.mark.kernel] if "ipvs" in system.name else [])
    for system in LAB if not isinstance(system, Direct)
]
PODS = 4


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    check_able()
    with standing(Shape(pods=PODS)) as lab:
        yield Ground(lab)


@pytest.fixture(params=BALANCERS)
def row(request: pytest.FixtureRequest) -> Row:
    system: System = request.param
    try:
        system.version()
    except NotInstalledError as error:
        pytest.skip(str(error))
    return Row(system.name, system)


def addresses(pods: tuple[Pod, ...]) -> tuple[Address, ...]:
    return tuple(pod.address for pod in pods)


def answering(ground: Ground, times: int = 30) -> set[str]:
    with ground.lab.client.entered():
        return {body(SERVICE).strip() for _ in range(times)}


def test_system_carries_load_spreads_it_changes_its_pods_and_leaves_the_node_clean(ground: Ground, row: Row) -> None:
    first, second = ground.lab.pods(PODS)[:2], ground.lab.pods(PODS)[2:]
    before = Trace.of_this_machine()
    with ground.running(row, addresses(first)) as running:
        assert answering(ground) == {pod.address.host for pod in first}
        found = Throughput(Load(connections=8)).sample(ground, running)
        assert (found["errors"], found["per_second"] > 100) == (0, True)
        ground.change(running, addresses(second))
        assert eventually(ground, {pod.address.host for pod in second})
    ground.check_clean()
    assert Trace.of_this_machine() == before


def eventually(ground: Ground, hosts: set[str], attempts: int = 50) -> bool:
    """Ask until only `hosts` answer: a change that is made by moving a file takes its time to be seen."""
    return any(answering(ground) == hosts for _ in range(attempts))


def test_the_pods_directly_are_loaded_past_the_node(ground: Ground) -> None:
    with ground.running(Row("direct", Direct()), addresses(ground.lab.pods(2))) as running:
        found = Throughput(Load(connections=8)).sample(ground, running)
    assert (found["errors"], found["per_second"] > 100) == (0, True)
    assert not ground.lab.answers()


def test_each_connection_of_its_own_and_bulk_are_counted_as_what_they_are(ground: Ground) -> None:
    with ground.running(Row("haproxy", HAProxy()), addresses(ground.lab.pods(2))) as running:
        new = Throughput(Load(8, closes=True)).sample(ground, running)
        bulk = Throughput(Load(2, path="/bulk")).sample(ground, running)
    assert new["node_us"] > 0
    assert bulk["gb_per_second"] > new["gb_per_second"]
    assert bulk["node_s_per_gb"] > 0


def test_rules_that_somebody_left_on_the_node_are_an_error(ground: Ground) -> None:
    rule = "nft add table ip left"
    with pytest.raises(LabError, match="table ip left"), \
            ground.running(Row("nftables", Nftables()), addresses(ground.lab.pods(2))):
        ground.lab.node.shell(rule)
    ground.lab.node.shell("nft delete table ip left")


def test_ipvs_is_only_missing_where_the_kernel_lacks_it() -> None:
    find_or_skip("ipvsadm")
    if is_there():
        assert Ipvs().version()
        return
    with pytest.raises(NotInstalledError, match="this kernel has no IPVS"):
        Ipvs().version()


def find_or_skip(program: str) -> None:
    try:
        find(program)
    except NotInstalledError as error:
        pytest.skip(str(error))
