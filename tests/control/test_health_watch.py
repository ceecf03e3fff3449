"""Which backends are checked, from one snapshot to the next, and what is told about them."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from lbproxy.control.health import JITTER, MOST_PER_SECOND, Health, stretch
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import BY_OPERATOR
from lbproxy.model.snapshot import Backend, BackendKey, HealthPolicy, Policy, Service, Snapshot, State
from tests.support.patience import PATIENCE

from .peers import listening, silent_port

FAST = HealthPolicy(interval=0.002, timeout=5.0, rise=2, fall=2)
OTHER = HealthPolicy(interval=0.003, timeout=5.0, rise=1, fall=1)
RARE = HealthPolicy(interval=3600.0)
OFF = HealthPolicy(interval=0.0)
NOTHING = Snapshot(9, {})


class Verdicts(asyncio.Queue[tuple[BackendKey, str | None]]):
    """What was reported, in order, and the single checks."""

    def __init__(self) -> None:
        super().__init__()
        self.checks: list[bool | None] = []
        self.stretches: list[float] = []

    def report(self, key: BackendKey, failure: str | None) -> None:
        self.put_nowait((key, failure))

    async def next(self) -> str | None:
        async with asyncio.timeout(PATIENCE):
            return (await self.get())[1]


@pytest.fixture
def verdicts() -> Verdicts:
    return Verdicts()


@pytest.fixture
async def health(verdicts: Verdicts) -> AsyncIterator[Health]:
    async with asyncio.TaskGroup() as group:
        health = Health(group, verdicts.report, verdicts.checks.append, verdicts.stretches.append)
        yield health
        health.close()


@pytest.fixture
def address() -> Iterator[Address]:
    with silent_port() as address:
        yield address


def snapshot_of(address: Address, policy: HealthPolicy = FAST, state: State = State.ACTIVE,
                deadline: float | None = None) -> Snapshot:
    one = Backend(address, 1, state, "", 0.0, state is State.ACTIVE, deadline)
    return Snapshot(1, {"web": Service("web", (), Policy(health=policy), (one,))})


def checks() -> set[asyncio.Task[object]]:
    """The checks under way."""
    return {task for task in asyncio.all_tasks() if task.get_name().startswith("check ") and not task.cancelling()}


async def test_backend_that_dies_and_comes_back_is_reported_both_times(
        health: Health, verdicts: Verdicts, address: Address) -> None:
    async with listening(address):
        health.watch(snapshot_of(address))
    assert await verdicts.next() == "refused"
    async with listening(address):
        assert await verdicts.next() is None


async def test_healthy_backend_is_checked_again_and_again_and_nothing_is_reported(
        health: Health, verdicts: Verdicts, address: Address) -> None:
    async with listening(address) as clients, asyncio.timeout(PATIENCE):
        health.watch(snapshot_of(address))
        for _ in range(5):
            await clients.get()
        assert verdicts.checks.count(True) >= 5 - 1  # the last one may not have heard yet
    assert verdicts.empty()


async def test_task_is_named_after_its_backend(health: Health) -> None:
    health.watch(snapshot_of(Address("::1", 80), RARE))
    assert {task.get_name() for task in checks()} == {"check web [::1]:80"}


async def test_same_backends_go_on_being_checked_by_the_same_tasks(health: Health, address: Address) -> None:
    health.watch(snapshot_of(address, RARE))
    before = checks()
    health.watch(snapshot_of(address, RARE, State.DOWN))
    assert len(before) == 1
    assert checks() == before


@pytest.mark.parametrize("state", list(State))
async def test_backend_is_checked_in_every_state_that_it_may_leave(
        health: Health, address: Address, state: State) -> None:
    health.watch(snapshot_of(address, RARE, state))
    assert len(checks()) == 1


@pytest.mark.parametrize("unwatched", [
    NOTHING, snapshot_of(Address("127.0.0.1", 1), OFF),
    snapshot_of(Address("127.0.0.1", 1), RARE, State.DRAINING, deadline=60.0)], ids=["gone", "off", "draining"])
async def test_backend_that_need_not_be_checked_is_not(health: Health, unwatched: Snapshot) -> None:
    health.watch(snapshot_of(Address("127.0.0.1", 1), RARE))
    health.watch(unwatched)
    assert checks() == set()


async def test_close_ends_all_checks(health: Health, address: Address) -> None:
    health.watch(snapshot_of(address, RARE))
    health.close()
    assert checks() == set()


async def test_backend_that_is_no_longer_checked_counts_as_alive(
        health: Health, verdicts: Verdicts, address: Address) -> None:
    health.watch(snapshot_of(address))
    assert await verdicts.next() == "refused"
    health.watch(snapshot_of(address, OFF))
    assert await verdicts.next() is None


async def test_backend_that_never_failed_is_not_mentioned_when_checks_end(
        health: Health, verdicts: Verdicts, address: Address) -> None:
    health.watch(snapshot_of(address, RARE))
    health.watch(NOTHING)
    assert verdicts.empty()


async def test_new_policy_applies_and_keeps_the_verdict(
        health: Health, verdicts: Verdicts, address: Address) -> None:
    health.watch(snapshot_of(address))
    assert await verdicts.next() == "refused"
    async with listening(address):
        health.watch(snapshot_of(address, OTHER))
        assert len(checks()) == 1
        assert await verdicts.next() is None


def many(count: int, interval: float) -> Service:
    backends = tuple(Backend(Address("192.0.2.1", port), 1, State.ACTIVE, "", 0.0) for port in range(1, count + 1))
    return Service("web", (), Policy(health=HealthPolicy(interval=interval)), backends)


@pytest.mark.parametrize(("service", "factor"), [
    (many(1_000, 2.0), 1.0), (many(10_000, 2.0), 10.0), (many(10_000, 20.0), 1.0), (many(10_000, 0.0), 1.0)])
def test_intervals_are_stretched_as_far_as_the_most_checks_per_second_demand(service: Service, factor: float) -> None:
    assert stretch([service]) == factor


def test_checks_of_all_services_count_together() -> None:
    assert stretch([many(1_000, 2.0), many(500, 1.0)]) == 1_000 / MOST_PER_SECOND


async def test_checks_that_are_stretched_are_as_rare_as_they_should_be(
        health: Health, verdicts: Verdicts, address: Address) -> None:
    """Asked for are 10,000 in a second."""
    async with listening(address) as clients, asyncio.timeout(PATIENCE):
        health.watch(snapshot_of(address, HealthPolicy(interval=0.0001)))
        began = asyncio.get_running_loop().time()
        for _ in range(50):
            await clients.get()
        assert asyncio.get_running_loop().time() - began >= 49 * (1 - JITTER) / MOST_PER_SECOND
    assert verdicts.stretches == [20.0]


async def test_stretched_intervals_are_logged_once_and_when_they_end(health: Health, verdicts: Verdicts) -> None:
    with capture_logs() as logs:
        for count in (1_000, 10_000, 10_001, 10_000, 2):
            health.watch(Snapshot(1, {"web": many(count, 2.0)}))
    assert [(line["event"], line["interval_factor"]) for line in logs] == [
        ("health checks are made less often than asked", 10.0), ("health checks are made as often as asked", 1.0)]
    assert verdicts.stretches == [10.0, 10.001, 10.0, 1.0]


async def test_one_more_backend_leaves_the_checks_of_the_others_alone(health: Health) -> None:
    few, more = many(3, 3600.0), many(4, 3600.0)
    health.watch(Snapshot(1, {"web": few}))
    before = checks()
    health.watch(Snapshot(2, {"web": more}))
    assert before < checks()
    assert len(checks()) == 4
    health.watch(Snapshot(3, {"web": few}))
    assert checks() == before


async def test_last_result_of_each_check_is_remembered(health: Health, verdicts: Verdicts, address: Address) -> None:
    health.watch(snapshot_of(address))
    assert await verdicts.next() == "refused"
    failed = health.results[BackendKey("web", address)]
    assert (failed.failure, failed.in_a_row) == ("refused", FAST.fall)
    assert 0 <= failed.seconds < FAST.timeout
    async with listening(address):
        assert await verdicts.next() is None
        passed = health.results[BackendKey("web", address)]
    assert (passed.failure, passed.in_a_row) == (None, FAST.rise)
    assert passed.at > failed.at
    health.watch(NOTHING)
    assert health.results == {}


async def test_check_that_could_not_be_made_is_counted_apart_and_changes_no_verdict(
        health: Health, verdicts: Verdicts, address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once, when it begins, and when it is over."""
    key = BackendKey("web", address)
    with capture_logs() as lines:
        async with listening(address), asyncio.timeout(PATIENCE):
            with monkeypatch.context() as patch:
                patch.setattr(socket.socket, "connect_ex", lambda *_: errno.EADDRNOTAVAIL)
                health.watch(snapshot_of(address))
                while len(verdicts.checks) < 2 * FAST.fall:  # noqa: ASYNC110 - a list announces nothing
                    await asyncio.sleep(0)
            assert set(verdicts.checks) == {None}
            assert health.results[key].not_made == "Cannot assign requested address"
            while verdicts.checks[-1] is None:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0)
            assert (verdicts.checks[-1], health.results[key].not_made) == (True, None)
    assert [line["event"] for line in lines] == [
        "health checks can't be made, for want of something here", "health checks are made again"]
    health.watch(NOTHING)
    assert verdicts.empty()


async def test_check_history_goes_on_through_an_operators_deadline(
        health: Health, verdicts: Verdicts, address: Address) -> None:
    key = BackendKey("web", address)
    health.watch(snapshot_of(address))
    assert await verdicts.next() == "refused"
    counted = health.results[key].in_a_row
    drained = Backend(address, 1, State.DRAINING, BY_OPERATOR, 0.0, is_open=False, deadline=5.0)
    policy = Policy(health=FAST)
    for service in (Service("web", (), policy, (drained,)),
                    Service("web", (), policy, (), left_out=frozenset({address})),
                    Service("web", (), policy, (replace(drained, deadline=None),))):
        health.watch(Snapshot(2, {"web": service}))
        assert health.results[key].in_a_row >= counted
        assert len(checks()) == 1
    assert verdicts.empty()
    health.watch(Snapshot(3, {"web": Service("web", (), policy, (), left_out=frozenset({address}))}))
    health.watch(NOTHING)
    assert (checks(), key in health.results) == (set(), False)
