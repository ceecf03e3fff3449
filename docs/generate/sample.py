"""A running program that has one of everything, for the labels of its metrics."""

from lbproxy.model.address import Address
from lbproxy.model.drain_orders import BY_OPERATOR
from lbproxy.model.facts import Program
from lbproxy.model.snapshot import Backend, BackendKey, Policy, Service, Snapshot, State
from lbproxy.model.stats import BackendStats, Histogram, ServiceStats, Stats, WorkerStats

ADDRESS = Address("192.0.2.1", 80)


class Sample:
    """The view of an admin server."""

    snapshot = Snapshot(1, {"web": Service(
        "web", (), Policy(), (Backend(ADDRESS, 1, State.DRAINING, BY_OPERATOR, 0.0),))})

    def stats(self) -> Stats:
        """One service, backend, worker and reason each."""
        some, histogram = {"reason": 1}, Histogram((1.0,), [1, 0])
        return Stats(
            {"web": ServiceStats(rejected=some, closed=some, connect_seconds=histogram, duration_seconds=histogram)},
            {BackendKey("web", ADDRESS): BackendStats(failures=some, closed=some)},
            (WorkerStats(0, 1, 0.0, 1, is_paused=False, accept_pauses=0, accept_errors=0),))

    def program(self) -> Program:
        """It is well."""
        return Program("userspace", 0.0, "")

    def why_not_ready(self) -> str | None:
        """It is."""

    def why_not_healthy(self) -> str | None:
        """It is."""
