from collections.abc import Iterator

import psutil
import pytest

from bench.errors import BenchError, NotInstalledError, StartError
from bench.net import Address, answers
from bench.relay.bed import Bed, Subject, laid_out
from bench.relay.memory import idle_connections
from bench.systems import ALL, HAProxy, Setup, System
from bench.systems.installed import find


@pytest.fixture
def bed() -> Iterator[Bed]:
    try:
        find("nginx")
    except NotInstalledError as error:
        pytest.skip(str(error))
    with laid_out(is_pinned=True) as bed:
        yield bed


@pytest.fixture(params=ALL, ids=lambda system: system.name)
def system(request: pytest.FixtureRequest) -> System:
    system: System = request.param
    try:
        system.version()
    except NotInstalledError as error:
        pytest.skip(str(error))
    return system


def test_system_serves_holds_idle_connections_and_leaves_no_process(bed: Bed, system: System) -> None:
    with bed.balancer(Subject(system.name, system)) as balancer:
        family = psutil.Process(balancer.meter.pid).children(recursive=True)
        before = balancer.meter.cpu_seconds()
        assert answers(balancer.address, timeout=5.0)
        assert balancer.meter.cpu_seconds() > before > 0
        with idle_connections(balancer, 20):
            assert balancer.meter.pss_bytes() > 0
    assert not psutil.pid_exists(balancer.meter.pid)
    assert not any(child.is_running() for child in family)


class Broken(HAProxy):
    """A program that ends at once, with a last word."""

    name = "broken"

    def command(self, setup: Setup, folder: object) -> list[str]:
        del folder
        return ["sh", "-c", f"echo no luck with {setup.listen.host}; exit 3"]


def test_a_system_that_ends_early_is_reported_with_its_last_words(bed: Bed) -> None:
    with pytest.raises(StartError, match=r"broken did not start: no luck with 127\.0\.0\.1"), \
            bed.balancer(Subject("broken", Broken())):
        pytest.fail("it never ran")


def test_a_process_that_is_gone_cannot_be_measured(bed: Bed) -> None:
    with bed.balancer(Subject("haproxy", HAProxy())) as balancer:
        pass
    with pytest.raises(BenchError, match="ended while it was measured"):
        balancer.meter.cpu_seconds()


def test_backends_have_addresses_of_their_own(bed: Bed) -> None:
    addresses = bed.backends.first(1_000)
    assert len(set(addresses)) == 1_000
    assert addresses[250] == Address("127.0.1.1", bed.backends.port)
    assert answers(addresses[-1], timeout=5.0)
