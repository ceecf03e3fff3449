from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from lbproxy.admin.api.context import AdminContext
from lbproxy.admin.guard import AdminMetrics, Guard, TokenFile
from lbproxy.model.address import Address
from lbproxy.model.event_log import EventLog
from lbproxy.model.facts import Facts, Program, SourceFacts
from lbproxy.model.snapshot import Backend, BackendKey, Policy, Service, Snapshot, State
from lbproxy.model.stats import BackendStats, Histogram, SchedulerChoice, ServiceStats, Stats, WorkerStats

ONE = Address("192.0.2.1", 80)
TWO = Address("2001:db8::2", 80)
LISTEN = Address("0.0.0.0", 8080)


@dataclass
class FakeStatus:
    """Implements `ProgramStatus` with what the test sets."""

    snapshot: Snapshot | None = None
    counted: Stats = field(default_factory=lambda: Stats({}, {}))
    not_ready: str | None = None
    not_healthy: str | None = None
    trouble: str = ""

    def stats(self) -> Stats:
        return self.counted

    def program(self) -> Program:
        return Program("userspace", 0.0, self.trouble)

    def why_not_ready(self) -> str | None:
        return self.not_ready

    def why_not_healthy(self) -> str | None:
        return self.not_healthy


@dataclass
class FakeOperator:
    """Implements `OperatorApi`: answers with what the test sets, and records questions and orders."""

    known: dict[str, dict[Address, Facts]] = field(default_factory=dict)
    told: list[SourceFacts] = field(default_factory=list)
    answers: list[SchedulerChoice] = field(default_factory=list)
    asked: list[tuple[str, Sequence[Address]]] = field(default_factory=list)
    ordered: dict[BackendKey, tuple[float | None, float | None]] = field(default_factory=dict)

    def facts(self, service: str) -> Mapping[Address, Facts]:
        return self.known.get(service, {})

    def sources(self, service: str) -> Sequence[SourceFacts]:
        return self.told if service in self.known else []

    async def choices(self, service: str, draining: Sequence[Address]) -> Sequence[SchedulerChoice]:
        self.asked.append((service, draining))
        return self.answers

    def drain(self, key: BackendKey, seconds: float | None, deadline: float | None) -> bool:
        self.ordered[key] = (seconds, deadline)
        return True

    def drain_orders(self) -> list[BackendKey]:
        return list(self.ordered)

    def undrain(self, key: BackendKey) -> bool:
        return self.ordered.pop(key, None) is not None


def admin_context(status: FakeStatus, operator: FakeOperator | None = None, token: TokenFile | None = None, *,
                  hosts: tuple[str, ...] = (), event_log: EventLog | None = None) -> AdminContext:
    """Everything that a server needs, with the metrics of the status and of refused requests."""
    registry = CollectorRegistry()
    guard = Guard(token, frozenset(hosts), AdminMetrics(registry).count_refusal)
    return AdminContext(status, registry, operator or FakeOperator(), event_log or EventLog(), guard)


def backend(address: Address = ONE, state: State = State.ACTIVE, *,
            since: float = 0.0, weight: int = 1, deadline: float | None = None) -> Backend:
    return Backend(address, weight, state, f"is {state}", since, state is State.ACTIVE, deadline)


def snapshot(*backends: Backend, service: str = "web", version: int = 1) -> Snapshot:
    return Snapshot(version, {service: Service(service, (LISTEN,), Policy(), backends)})


def busy_status() -> FakeStatus:
    """Two backends, one of them draining, a worker that pauses, and a value for every counter."""
    counted = Stats(
        services={"web": ServiceStats(
            accepted=90, queued=2, rejected={"no_backend": 3, "queue_full": 0},
            closed={"finished": 80, "drain_timeout": 6},
            connect_seconds=Histogram((0.001, 0.5), [4, 5, 1], 2.5),
            duration_seconds=Histogram((1.0, 60.0), [0, 7, 2], 300.25))},
        backends={
            BackendKey("web", ONE): BackendStats(
                active=5, connections=60, bytes_received=700, bytes_sent=8000, retries=4,
                failures={"refused": 4, "timeout": 0}, closed={"finished": 50, "backend_reset": 1}),
            BackendKey("web", TWO): BackendStats(active=3, connections=30)},
        workers=(WorkerStats(0, 101, 0.2, 17, is_paused=True, accept_pauses=6, accept_errors=1, descriptor_limit=20,
                             cpu_seconds=1.5),
                 WorkerStats(1, 102, 29.0, 0, is_paused=False, accept_pauses=0, accept_errors=0, descriptor_limit=20)),
        worker_restarts=9)
    return FakeStatus(snapshot(backend(), backend(TWO, State.DRAINING, weight=7)), counted)
