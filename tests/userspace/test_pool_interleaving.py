"""Two workers lease at the same time: in any order of their reads and writes, `max_conns` holds for both together.

Each worker is a thread that stops before every access to the shared counters until the schedule says that it is next.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from lbproxy.dataplanes.userspace.shared.counters import ACTIVE, backend_at
from lbproxy.dataplanes.userspace.shared.wire import Member
from lbproxy.dataplanes.userspace.worker.pool import Pool
from lbproxy.model.address import Address
from lbproxy.model.snapshot import Scheduler
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from lbproxy.dataplanes.userspace.worker.pool import Target

BACKENDS = [Member(Address("10.0.0.1", 80), 0, 1, is_open=True), Member(Address("10.0.0.2", 80), 1, 1, is_open=True)]
WORKERS = 2


class Turnstile:
    """Lets one worker at a time through, in the order of the schedule; when that is over, in any order."""

    def __init__(self, schedule: list[int]) -> None:
        self._schedule, self._changed = schedule[::-1], threading.Condition()
        self._running = set(range(WORKERS))

    def pass_through(self, worker: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._is_next(worker), PATIENCE)
            if self._schedule:
                self._schedule.pop()
            self._changed.notify_all()

    def leave(self, worker: int) -> None:
        with self._changed:
            self._running.discard(worker)
            self._changed.notify_all()

    def _is_next(self, worker: int) -> bool:
        while self._schedule and self._schedule[-1] not in self._running:
            self._schedule.pop()
        return not self._schedule or self._schedule[-1] == worker


class Cells:
    """A worker's block as one worker sees it: every access goes through the turnstile."""

    def __init__(self, cells: dict[int, int], before_access: Callable[[], None]) -> None:
        self._cells, self._before_access = cells, before_access

    def __getitem__(self, at: int) -> int:
        self._before_access()
        return self._cells.get(at, 0)

    def __setitem__(self, at: int, value: int) -> None:
        self._before_access()
        self._cells[at] = value


class Workers:
    """Two pools over the same memory, and what each holds."""

    def __init__(self, limit: int, schedule: list[int]) -> None:
        self.limit, self.turnstile = limit, Turnstile(schedule)
        self.memory: list[dict[int, int]] = [{} for _ in range(WORKERS)]
        self.held: list[list[Target]] = [[] for _ in range(WORKERS)]
        self.failures: list[BaseException] = []
        self.pools = [self._pool(worker) for worker in range(WORKERS)]

    def run(self, worker: int, ops: list[str]) -> None:
        try:
            for op in ops:
                self._do(worker, op)
                self.check()
        except BaseException as failure:  # noqa: BLE001 - raised again in the test's own thread
            self.failures.append(failure)
        finally:
            self.turnstile.leave(worker)

    def check(self) -> None:
        for member in BACKENDS:
            leases = [target for held in self.held for target in held if target.address == member.address]
            assert len(leases) <= self.limit

    def _do(self, worker: int, op: str) -> None:
        pool, held = self.pools[worker], self.held[worker]
        if op == "lease" and (target := pool.lease()) is not None:
            held.append(target)
        elif op == "give back" and held:
            pool.give_back(held.pop())
        elif op == "review":
            pool.review()

    def _pool(self, worker: int) -> Pool:
        views = [cast("memoryview", Cells(cells, lambda: self.turnstile.pass_through(worker))) for cells in self.memory]
        pool = Pool(views[worker], views, shift=worker)
        pool.configure(Scheduler.LC, self.limit)
        pool.put(BACKENDS)
        return pool


def run_both(workers: Workers, ops: tuple[list[str], list[str]]) -> None:
    threads = [threading.Thread(target=workers.run, args=(worker, ops[worker])) for worker in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert not workers.failures


OPS = st.lists(st.sampled_from(["lease", "lease", "lease", "give back", "review"]), min_size=1, max_size=6)
SCHEDULE = st.lists(st.integers(0, WORKERS - 1), max_size=60)


@given(st.integers(1, 3), SCHEDULE, st.tuples(OPS, OPS))
@settings(deadline=None, max_examples=150)
def test_limit_holds_in_every_interleaving(limit: int, schedule: list[int], ops: tuple[list[str], list[str]]) -> None:
    workers = Workers(limit, schedule)
    run_both(workers, ops)
    for at, member in enumerate(BACKENDS):
        counted = sum(cells.get(backend_at(member.slot) + ACTIVE, 0) for cells in workers.memory)
        assert counted == sum(target.slot == at for held in workers.held for target in held)
