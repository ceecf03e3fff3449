"""What is published of services whose endpoints come from several places, and when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
import structlog

from lbproxy.model.address import Address
from lbproxy.model.snapshot import Endpoint, Services, ServiceSpec
from lbproxy.sources import merger
from lbproxy.sources.base import Reference, Resolution, WantedService
from lbproxy.sources.fixed import FixedBackends
from lbproxy.sources.merger import Merger
from tests.support.patience import PATIENCE
from tests.support.waiting import until

UNKNOWN = Resolution(is_known=False)


@dataclass(frozen=True)
class Toy(Reference):
    """A kind of reference that nobody else knows."""

    name: str


class ToyResolver:
    """Knows what the test says: a source is one class, and one item in a list."""

    def __init__(self) -> None:
        self.wanted: set[Toy] = set()
        self.known: dict[Reference, Resolution] = {}
        self._on_change: Callable[[], None] = lambda: None

    def want(self, references: AbstractSet[Reference]) -> None:
        self.wanted = {one for one in references if isinstance(one, Toy)}

    def resolve(self, reference: Reference) -> Resolution | None:
        return self.known.get(reference, UNKNOWN) if isinstance(reference, Toy) else None

    def waits_for(self) -> str:
        return "toys" if self.wanted - self.known.keys() else ""

    async def run(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        await asyncio.get_running_loop().create_future()

    def learn(self, name: str, *ports: int, changed_at: float | None = None) -> None:
        self.known[Toy(name)] = Resolution(endpoints(*ports), changed_at=changed_at)
        self._on_change()

    def fail(self, name: str, trouble: str) -> None:
        self.known[Toy(name)] = replace(self.known[Toy(name)], trouble=trouble)
        self._on_change()


class Bench:
    """A merger, its toys, and everything that it says."""

    def __init__(self) -> None:
        self.toys = ToyResolver()
        self.merger = Merger([self.toys], coalesce=0)
        self.said: list[Services] = []
        self._told = asyncio.Event()
        self.task = asyncio.create_task(self.merger.run(self._hear))

    def _hear(self, services: Services) -> None:
        self.said.append(services)
        self._told.set()

    def take(self, *services: WantedService) -> None:
        self.merger.take({wanted.spec.name: wanted for wanted in services})

    def ports(self, name: str = "web") -> list[int]:
        return [one.address.port for one in self.said[-1][name].endpoints] if name in self.said[-1] else [-1]

    async def says(self, *ports: int, name: str = "web") -> ServiceSpec:
        async with asyncio.timeout(PATIENCE):
            while not self.said or self.ports(name) != list(ports):
                self._told.clear()
                await self._told.wait()
        return self.said[-1][name]

    async def rest(self) -> None:
        """Let it take notice of what has happened: it says what is to be said within a few turns of the loop."""
        for _ in range(10):
            await asyncio.sleep(0)


def endpoints(*ports: int) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(Address("192.0.2.1", port)) for port in ports)


def fixed(*ports: int) -> FixedBackends:
    return FixedBackends(endpoints(*ports))


def web(*references: Reference, name: str = "web") -> WantedService:
    return WantedService(ServiceSpec(name, (), ()), references)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.task.cancel()
    with suppress(asyncio.CancelledError):
        await bench.task


async def test_fixed_list_and_resolved_endpoints_are_one_set_in_the_order_of_references(bench: Bench) -> None:
    bench.toys.learn("a", 3, 1)
    bench.take(web(fixed(9, 1), Toy("a")))
    assert (await bench.says(9, 1, 3)).is_known


async def test_each_service_has_its_own_fixed_list(bench: Bench) -> None:
    bench.take(web(fixed(1)), web(fixed(2), name="other"))
    await bench.says(1)
    assert bench.ports("other") == [2]


async def test_address_that_stands_in_two_references_is_what_the_first_says(bench: Bench) -> None:
    bench.toys.learn("a", 1)
    heavy = FixedBackends((Endpoint(Address("192.0.2.1", 1), weight=7),))
    bench.take(web(heavy, Toy("a")))
    assert (await bench.says(1)).endpoints[0].weight == 7


async def test_what_is_known_is_served_before_the_rest_is(bench: Bench) -> None:
    bench.take(web(fixed(1), Toy("a")))
    assert not (await bench.says(1)).is_known
    bench.toys.learn("a", 2)
    assert (await bench.says(1, 2)).is_known


async def test_service_that_never_was_resolved_is_not_known(bench: Bench) -> None:
    bench.take(web(Toy("a")))
    assert not (await bench.says()).is_known


async def test_empty_answer_of_a_resolver_is_one(bench: Bench) -> None:
    bench.toys.learn("a", 1)
    bench.take(web(Toy("a")))
    await bench.says(1)
    bench.toys.learn("a")
    assert (await bench.says()).is_known


async def test_trouble_of_a_resolver_is_no_news(bench: Bench) -> None:
    bench.toys.learn("a", 1)
    bench.take(web(Toy("a")))
    await bench.says(1)
    bench.toys.fail("a", "it is away")
    await bench.rest()
    assert len(bench.said) == 1


async def test_service_that_turns_to_another_reference_keeps_its_endpoints_until_those_are_known(bench: Bench) -> None:
    bench.toys.learn("a", 1)
    bench.take(web(Toy("a")))
    await bench.says(1)
    bench.take(web(Toy("b")))
    bench.take(web(Toy("c")))
    await bench.rest()
    assert bench.ports() == [1]
    assert bench.said[-1]["web"].is_known
    bench.toys.learn("c", 2)
    await bench.says(2)
    assert all(said["web"].endpoints for said in bench.said)


async def test_endpoints_are_kept_while_the_same_references_are_taken_again(bench: Bench) -> None:
    bench.toys.learn("a", 1)
    bench.take(web(Toy("a")))
    await bench.says(1)
    for _ in range(3):
        bench.take(web(fixed(9), Toy("b")))
        await bench.rest()
        assert bench.ports() == [9, 1]
    bench.toys.learn("b", 2)
    await bench.says(9, 2)


async def test_fixed_list_that_replaces_a_fixed_list_waits_for_nothing(bench: Bench) -> None:
    bench.take(web(fixed(1, 2), Toy("unknown")))
    await bench.says(1, 2)
    bench.take(web(fixed(2, 3), Toy("unknown")))
    await bench.says(2, 3)


async def test_service_that_is_listed_no_more_is_gone(bench: Bench) -> None:
    bench.toys.learn("a", 1)
    bench.take(web(Toy("a")), web(fixed(9), name="other"))
    await bench.says(1)
    bench.take(web(fixed(9), name="other"))
    await bench.says(9, name="other")
    await bench.rest()
    assert bench.said[-1].keys() == {"other"}
    assert bench.toys.wanted == set()


async def test_services_that_did_not_change_are_the_same_objects(bench: Bench) -> None:
    bench.toys.learn("a", 1)
    bench.toys.learn("b", 2)
    bench.take(web(Toy("a")), web(Toy("b"), fixed(9), name="other"))
    before = await bench.says(2, 9, name="other")
    bench.toys.learn("a", 3)
    await bench.says(3)
    assert bench.said[-1]["other"] is before
    bench.toys.fail("b", "it is away")
    bench.take(web(Toy("a")), web(Toy("b"), fixed(9), name="other"))
    bench.toys.learn("a", 4)
    await bench.says(4)
    assert bench.said[-1]["other"] is before


async def test_service_of_which_nothing_changed_is_not_merged_again(
        bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have ten thousand endpoints."""
    bench.toys.learn("a", 1)
    bench.toys.learn("b", 2)
    bench.take(web(Toy("a")), web(Toy("b"), fixed(9), name="other"))
    await bench.says(2, 9, name="other")
    merged = list[str]()
    real = merger._merge

    def merge(wanted: WantedService, *others: object) -> object:
        merged.append(wanted.spec.name)
        return real(wanted, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(merger, "_merge", merge)
    bench.toys.learn("a", 3)
    await bench.says(3)
    assert merged == ["web"]


async def test_time_of_the_last_change_is_that_of_the_latest_reference(bench: Bench) -> None:
    bench.toys.learn("a", 1, changed_at=7.0)
    bench.toys.learn("b", 2, changed_at=9.0)
    bench.take(web(Toy("a"), fixed(3), Toy("b")))
    assert (await bench.says(1, 3, 2)).changed_at == 9.0


async def test_time_of_what_is_learned_for_the_first_time_dates_no_change(bench: Bench) -> None:
    bench.toys.learn("a", 1, changed_at=7.0)
    bench.take(web(Toy("a")))
    await bench.says(1)
    bench.take(web(Toy("b")))
    bench.toys.learn("b", 2, changed_at=9.0)
    assert (await bench.says(2)).changed_at == 7.0
    bench.toys.learn("b", 2, 3, changed_at=9.0)
    assert (await bench.says(2, 3)).changed_at == 7.0
    bench.toys.learn("b", 3, changed_at=11.0)
    assert (await bench.says(3)).changed_at == 11.0


async def test_many_changes_are_few_publications(bench: Bench) -> None:
    bench.take(web(Toy("a")))
    await bench.says()
    for port in range(1, 1000):
        bench.toys.learn("a", port)
    await bench.says(999)
    assert len(bench.said) == 2


async def test_every_reference_is_told_with_its_trouble(bench: Bench) -> None:
    bench.toys.learn("a", 1, 2)
    bench.take(web(fixed(9), Toy("a"), Toy("b")))
    bench.toys.fail("a", "it is away")
    assert [(one.is_known, one.endpoints, one.trouble) for one in bench.merger.facts("web")] == [
        (True, 1, ""), (True, 2, "it is away"), (False, 0, "")]
    assert bench.merger.facts("other") == []


async def test_first_answers_are_waited_for_once(bench: Bench) -> None:
    bench.take(web(Toy("a")))
    await bench.says()
    assert bench.merger.waits_for() == "toys"
    bench.toys.learn("a", 1)
    await bench.says(1)
    assert not bench.merger.waits_for()
    bench.take(web(Toy("a")), web(Toy("b"), name="other"))
    await bench.says(name="other")
    assert not bench.merger.waits_for()


async def test_reference_that_no_resolver_knows_is_logged_and_takes_nothing_away(bench: Bench) -> None:
    bench.take(web(FixedBackends(endpoints(1))))
    await until(lambda: bool(bench.said))
    with structlog.testing.capture_logs() as lines:
        bench.take(web(Reference()))
        await until(lambda: bool(lines))
    assert lines[0]["event"] == "a task failed, starting it again"
    assert "no resolver for" in lines[0]["error"]
    assert len(bench.said) == 1
