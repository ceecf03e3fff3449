"""Every metric of services, backends and workers, under the same names for every dataplane.

Service reasons are exposed from the start, at 0 (as the dataplane lists them), so that `rate()` sees the first event.
Backend reasons appear with their first event: sixteen more series for each of 10,000 backends would cost more than
they tell. Alert on the service's; use the backend's to find the cause. A series ends when neither the snapshot nor
the dataplane knows its backend any more.
"""

import platform
from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from lbproxy import __version__
from lbproxy.admin.api.program_status import HEARTBEAT_LIMIT, ProgramStatus
from lbproxy.admin.metric_families import Family, label_text
from lbproxy.admin.state import STATES, BackendRow, ServiceRow, rows_of, state_of
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import is_drained_by_operator
from lbproxy.model.snapshot import BackendKey, State
from lbproxy.model.stats import ServiceStats, Stats, WorkerStats
from lbproxy.net.limits import PORT_RANGE, source_ports
from lbproxy.net.system import System

MACHINE = System()


class TableMetrics:
    """Writes the families of the program's status, anew for each scrape. Use it on the program's event loop only."""

    def __init__(self, status: ProgramStatus) -> None:
        self._status = status
        self._labels: dict[BackendKey, str] = {}
        """The labels of each backend of the last scrape: to write an address takes longer than the rest of a line."""

    def pieces(self, *, is_open: bool = False) -> Iterator[str]:
        """Give the text in pieces; empty ones while the counters are read."""
        for family in self.families():
            if family is None:
                yield ""
            else:
                yield from family.pieces(is_open=is_open)

    def families(self) -> Iterator[Family | None]:
        """Give all families, from one reading of the counters; None in between, where a pause is possible."""
        stats = self._status.stats()
        backends, services = _BackendFamilies(), _ServiceFamilies()
        known, self._labels = self._labels, {}
        for service, backend in rows_of(self._status.snapshot, stats):
            if backend is None:
                services.add(service)
            else:
                key = BackendKey(service.name, backend.address)
                labels = self._labels[key] = known.get(key) or _labels(service.name, backend.address)
                backends.add(labels, backend)
                services.sum_up(backend)
            yield None
        yield from (*backends.all, *services.all, *worker_metrics(stats), port_metrics(), _build())


class TableCollector(Collector):
    """The same families for the client library, read back from their text: for references and tests."""

    def __init__(self, status: ProgramStatus) -> None:
        self._metrics = TableMetrics(status)

    def collect(self) -> Iterator[Metric]:
        """Give all families, from one reading of the counters."""
        yield from text_string_to_metric_families("".join(self._metrics.pieces()))

    def describe(self) -> Iterable[Metric]:
        """Name nothing in advance. Without this the registry would collect once when the collector is registered."""
        return ()


def _labels(service: str, address: Address) -> str:
    return label_text({"service": service, "backend": str(address)})


class _ServiceFamilies:
    """The families of each service's clients, labelled `service`."""

    def __init__(self) -> None:
        self._accepted = Family("counter", "lbproxy_connections_accepted_total", "Client connections accepted.")
        self._rejected = Family("counter", "lbproxy_connections_rejected_total",
                                "Client connections that got no backend and were reset.")
        self._closed = Family("counter", "lbproxy_connections_closed_total",
                              "Relayed connections that ended, on removed backends too.")
        self._usable = Family("gauge", "lbproxy_usable_backends", "Backends that are given new connections now.")
        self._queued = Family("gauge", "lbproxy_queue_length",
                              "Clients that are waiting for a backend below max-conns.")
        self._draining = Family("gauge", "lbproxy_draining_connections", "Open connections of draining backends.")
        self._connect = Family("histogram", "lbproxy_connect_duration_seconds",
                               "Time to connect to a backend, in seconds.")
        self._duration = Family("histogram", "lbproxy_connection_duration_seconds",
                                "Duration of relayed connections, in seconds.")
        self.all = (self._accepted, self._rejected, self._closed, self._usable, self._queued, self._draining,
                    self._connect, self._duration)
        self._open = self._on_draining = 0

    def sum_up(self, row: BackendRow) -> None:
        """Take a backend of the service that is added next."""
        if row.backend is not None:
            self._open += row.backend.is_open
            self._on_draining += row.stats.active if row.backend.state is State.DRAINING else 0

    def add(self, service: ServiceRow) -> None:
        """Add a service, after its backends."""
        labels, stats = label_text({"service": service.name}), service.stats
        self._add_clients(labels, stats)
        if service.service is not None:
            self._usable.add(labels, self._open)
        self._queued.add(labels, stats.queued)
        self._draining.add(labels, self._on_draining)
        self._open = self._on_draining = 0

    def _add_clients(self, labels: str, stats: ServiceStats) -> None:
        self._accepted.add(labels, stats.accepted)
        self._rejected.add_each(labels, "reason", stats.rejected)
        self._closed.add_each(labels, "reason", stats.closed)
        self._connect.add_histogram(labels, stats.connect_seconds)
        self._duration.add_histogram(labels, stats.duration_seconds)


class _BackendFamilies:
    """The families of each backend, labelled `service` and `backend` (its address)."""

    def __init__(self) -> None:
        self._weight = Family("gauge", "lbproxy_backend_weight",
                              "Weight of the backend, 0 to 100; 0 takes no new connections.")
        self._state = Family("gauge", "lbproxy_backend_state",
                             "1 for the state that the backend is in, 0 for the others.")
        self._ordered = Family("gauge", "lbproxy_backend_drained_by_operator",
                               "1 while an operator drains the backend, else no series.")
        self._active = Family("gauge", "lbproxy_backend_connections_active",
                              "Open connections of the backend, established or connecting.")
        self._connections = Family("counter", "lbproxy_backend_connections_total",
                                   "Connections for which the backend was chosen.")
        self._retries = Family("counter", "lbproxy_backend_retries_total",
                               "Connections retried with another backend after this one failed.")
        self._bytes = Family("counter", "lbproxy_backend_bytes_total",
                             "Bytes received from clients for the backend, and sent by it.")
        self._failures = Family("counter", "lbproxy_backend_connect_failures_total",
                                "Failed attempts to connect to the backend.")
        self._closed = Family("counter", "lbproxy_backend_connections_closed_total",
                              "Connections of the backend that have ended.")
        self.all = (self._weight, self._state, self._ordered, self._active, self._connections, self._retries,
                    self._bytes, self._failures, self._closed)

    def add(self, labels: str, row: BackendRow) -> None:
        """Add a backend."""
        backend, stats = row.backend, row.stats
        if backend is not None:
            self._weight.add(labels, backend.weight)
            if is_drained_by_operator(backend):
                self._ordered.add(labels, 1)
        self._add_states(labels, state_of(backend))
        self._active.add(labels, stats.active)
        self._connections.add(labels, stats.connections)
        self._retries.add(labels, stats.retries)
        self._bytes.lines.append(f'{self._bytes.name}{{{labels},direction="received"}} {stats.bytes_received}\n'
                                 f'{self._bytes.name}{{{labels},direction="sent"}} {stats.bytes_sent}\n')
        self._failures.add_each(labels, "reason", stats.failures, is_sparse=True)
        self._closed.add_each(labels, "reason", stats.closed, is_sparse=True)

    def _add_states(self, labels: str, current: str) -> None:
        # Every state has a series, also those with 0: a state that appears and disappears breaks `for:` of alerts.
        before = f'{self._state.name}{{{labels},state="'
        self._state.lines.append("".join([f'{before}{state}"}} {state == current:d}\n' for state in STATES]))


def worker_metrics(stats: Stats) -> Iterator[Family]:
    """Give the families of the worker processes. Label `worker` is the number, which a replacement takes over."""
    workers = stats.workers
    yield _one("gauge", "lbproxy_workers", "Worker processes that should run.", len(workers))
    yield _one("counter", "lbproxy_worker_restarts_total", "Worker processes that died and were replaced.",
               stats.worker_restarts)
    yield _each("gauge", "lbproxy_worker_up",
                "1 if the worker runs and sent a heartbeat in the last 5 seconds, else 0.",
                ((worker, int(_is_up(worker))) for worker in workers))
    yield _paths(workers)
    yield _each("gauge", "lbproxy_worker_descriptors", "File descriptors that the worker uses for connections.",
                ((worker, worker.descriptors) for worker in workers))
    yield _each("gauge", "lbproxy_worker_descriptor_limit",
                "File descriptors that the worker may use for connections.",
                ((worker, worker.descriptor_limit) for worker in workers))
    yield _each("counter", "lbproxy_worker_cpu_seconds_total", "CPU time that the worker has used, in seconds.",
                ((worker, worker.cpu_seconds) for worker in workers))
    yield _each("gauge", "lbproxy_accept_paused",
                "1 while the worker accepts no clients because descriptors are short, else 0.",
                ((worker, int(worker.is_paused)) for worker in workers))
    yield _each("counter", "lbproxy_accept_pauses_total",
                "Times that the worker stopped accepting, as descriptors were short.",
                ((worker, worker.accept_pauses) for worker in workers))
    yield _each("counter", "lbproxy_accept_errors_total", "Clients that the worker failed to accept.",
                ((worker, worker.accept_errors) for worker in workers))


def _is_up(worker: WorkerStats) -> bool:
    return worker.pid is not None and worker.heartbeat_age <= HEARTBEAT_LIMIT


def _paths(workers: Iterable[WorkerStats]) -> Family:
    family = Family("gauge", "lbproxy_relay_info",
                    "Always 1; `path` is how bulk is relayed: splice, or copy where it is refused.")
    for worker in workers:
        family.add(f'worker="{worker.index}",path="{"copy" if worker.is_copying else "splice"}"', 1)
    return family


def _one(kind: str, name: str, text: str, value: float, labels: str = "") -> Family:
    family = Family(kind, name, text)
    family.add(labels, value)
    return family


def _each(kind: str, name: str, text: str, values: Iterable[tuple[WorkerStats, float]]) -> Family:
    family = Family(kind, name, text)
    for worker, value in values:
        family.add(f'worker="{worker.index}"', value)
    return family


def port_metrics() -> Family:
    """Give the family of source ports, of which each connection to a backend needs one.

    It has no series where the kernel does not tell the range.
    """
    family = Family("gauge", "lbproxy_source_ports", f"Ports for connections to one backend address ({PORT_RANGE}).")
    if ports := source_ports(MACHINE):
        family.add("", len(ports))
    return family


def _build() -> Family:
    labels = label_text({"version": __version__, "python": platform.python_version()})
    return _one("gauge", "lbproxy_build_info", "Always 1; the labels say which version runs on which Python.", 1,
                labels)
