"""Every metric of services, backends and workers, under the same names for every dataplane.

Service reasons are exposed from the start, at 0 (as the dataplane lists them), so that `rate()` sees the first event.
Backend reasons appear with their first event: sixteen more series for each of 10,000 backends would cost more than
they tell. Alert on the service's; use the backend's to find the cause. A series ends when neither the snapshot nor
the dataplane knows its backend any more.
"""

import platform
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lbproxy import __version__
from lbproxy.admin.api.program_status import HEARTBEAT_LIMIT, ProgramStatus
from lbproxy.admin.metric_families import Labels, Values, counter, gauge, histogram, spread
from lbproxy.admin.state import STATES, BackendRow, ServiceRow, join, state_of
from lbproxy.model.drain_orders import is_drained_by_operator
from lbproxy.model.snapshot import Backend, State
from lbproxy.model.stats import BackendStats, Stats, WorkerStats
from lbproxy.net.limits import PORT_RANGE, source_ports
from lbproxy.net.system import System

MACHINE = System()


class TableCollector(Collector):
    """Makes the families from the program's status, anew for each scrape. Collect on the program's event loop only."""

    def __init__(self, status: ProgramStatus) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Give all families, from one reading of the counters."""
        stats = self._status.stats()
        rows = join(self._status.snapshot, stats)
        yield from backend_metrics(rows)
        yield from service_metrics(rows)
        yield from worker_metrics(stats)
        yield from port_metrics()
        yield _build()

    def describe(self) -> Iterable[Metric]:
        """Name nothing in advance. Without this the registry would collect once when the collector is registered."""
        return ()


def service_metrics(rows: Iterable[ServiceRow]) -> Iterator[Metric]:
    """Give the families of each service's clients, labelled `service`."""
    named = [({"service": row.name}, row) for row in rows]
    yield counter("lbproxy_connections_accepted_total", "Client connections accepted.",
                  ((labels, row.stats.accepted) for labels, row in named))
    yield counter("lbproxy_connections_rejected_total", "Client connections that got no backend and were reset.",
                  spread("reason", ((labels, row.stats.rejected) for labels, row in named)))
    yield counter("lbproxy_connections_closed_total", "Relayed connections that ended, on removed backends too.",
                  spread("reason", ((labels, row.stats.closed) for labels, row in named)))
    yield gauge("lbproxy_usable_backends", "Backends that are given new connections now.",
                ((labels, _usable(row)) for labels, row in named if row.service))
    yield gauge("lbproxy_queue_length", "Clients that are waiting for a backend below max-conns.",
                ((labels, row.stats.queued) for labels, row in named))
    yield gauge("lbproxy_draining_connections", "Open connections of draining backends.",
                ((labels, _draining(row)) for labels, row in named))
    yield histogram("lbproxy_connect_duration_seconds", "Time to connect to a backend, in seconds.",
                    ((labels, row.stats.connect_seconds) for labels, row in named))
    yield histogram("lbproxy_connection_duration_seconds", "Duration of relayed connections, in seconds.",
                    ((labels, row.stats.duration_seconds) for labels, row in named))


def _usable(service: ServiceRow) -> int:
    return sum(row.backend is not None and row.backend.is_open for row in service.backends)


def _draining(service: ServiceRow) -> int:
    return sum(row.stats.active for row in service.backends
               if row.backend is not None and row.backend.state is State.DRAINING)


class _Series(NamedTuple):
    labels: Labels
    backend: Backend | None
    stats: BackendStats


def backend_metrics(rows: Iterable[ServiceRow]) -> Iterator[Metric]:
    """Give the families of each backend, labelled `service` and `backend` (its address)."""
    series = [_series(service.name, row) for service in rows for row in service.backends]
    yield from _standing(series)
    yield from _counts(series)
    yield from _reasons(series)


def _series(service: str, row: BackendRow) -> _Series:
    return _Series({"service": service, "backend": str(row.address)}, row.backend, row.stats)


def _standing(series: list[_Series]) -> Iterator[Metric]:
    yield gauge("lbproxy_backend_weight", "Weight of the backend, 0 to 100; 0 takes no new connections.",
                ((one.labels, one.backend.weight) for one in series if one.backend))
    yield gauge("lbproxy_backend_state", "1 for the state that the backend is in, 0 for the others.", _states(series))
    yield gauge("lbproxy_backend_drained_by_operator", "1 while an operator drains the backend, else no series.",
                ((one.labels, 1) for one in series if one.backend and is_drained_by_operator(one.backend)))
    yield gauge("lbproxy_backend_connections_active", "Open connections of the backend, established or connecting.",
                ((one.labels, one.stats.active) for one in series))


def _counts(series: list[_Series]) -> Iterator[Metric]:
    yield counter("lbproxy_backend_connections_total", "Connections for which the backend was chosen.",
                  ((one.labels, one.stats.connections) for one in series))
    yield counter("lbproxy_backend_retries_total", "Connections retried with another backend after this one failed.",
                  ((one.labels, one.stats.retries) for one in series))
    yield counter("lbproxy_backend_bytes_total", "Bytes received from clients for the backend, and sent by it.",
                  _bytes(series))


def _reasons(series: list[_Series]) -> Iterator[Metric]:
    yield counter("lbproxy_backend_connect_failures_total", "Failed attempts to connect to the backend.",
                  spread("reason", ((row.labels, row.stats.failures) for row in series), is_sparse=True))
    yield counter("lbproxy_backend_connections_closed_total", "Connections of the backend that have ended.",
                  spread("reason", ((row.labels, row.stats.closed) for row in series), is_sparse=True))


def _states(series: list[_Series]) -> Values:
    # Every state has a series, also those with 0: a state that appears and disappears breaks `for:` of alerts.
    for labels, backend, _ in series:
        current = state_of(backend)
        for state in STATES:
            yield {**labels, "state": state}, state == current


def _bytes(series: list[_Series]) -> Values:
    for labels, _, stats in series:
        yield {**labels, "direction": "received"}, stats.bytes_received
        yield {**labels, "direction": "sent"}, stats.bytes_sent


def worker_metrics(stats: Stats) -> Iterator[Metric]:
    """Give the families of the worker processes. Label `worker` is the number, which a replacement takes over."""
    named = [({"worker": str(worker.index)}, worker) for worker in stats.workers]
    yield gauge("lbproxy_workers", "Worker processes that should run.", [({}, len(named))])
    yield counter("lbproxy_worker_restarts_total", "Worker processes that died and were replaced.",
                  [({}, stats.worker_restarts)])
    yield gauge("lbproxy_worker_up", "1 if the worker runs and sent a heartbeat in the last 5 seconds, else 0.",
                ((labels, _is_up(worker)) for labels, worker in named))
    yield gauge("lbproxy_worker_descriptors", "File descriptors that the worker uses for connections.",
                ((labels, worker.descriptors) for labels, worker in named))
    yield gauge("lbproxy_worker_descriptor_limit", "File descriptors that the worker may use for connections.",
                ((labels, worker.descriptor_limit) for labels, worker in named))
    yield counter("lbproxy_worker_cpu_seconds_total", "CPU time that the worker has used, in seconds.",
                  ((labels, worker.cpu_seconds) for labels, worker in named))
    yield gauge("lbproxy_accept_paused", "1 while the worker accepts no clients because descriptors are short, else 0.",
                ((labels, worker.is_paused) for labels, worker in named))
    yield counter("lbproxy_accept_pauses_total", "Times that the worker stopped accepting, as descriptors were short.",
                  ((labels, worker.accept_pauses) for labels, worker in named))
    yield counter("lbproxy_accept_errors_total", "Clients that the worker failed to accept.",
                  ((labels, worker.accept_errors) for labels, worker in named))


def _is_up(worker: WorkerStats) -> bool:
    return worker.pid is not None and worker.heartbeat_age <= HEARTBEAT_LIMIT


def port_metrics() -> Iterator[Metric]:
    """Give the family of source ports, of which each connection to a backend needs one.

    It has no series where the kernel does not tell the range.
    """
    ports = source_ports(MACHINE)
    yield gauge("lbproxy_source_ports", f"Ports for connections to one backend address ({PORT_RANGE}).",
                [({}, len(ports))] if ports else [])


def _build() -> Metric:
    labels = {"version": __version__, "python": platform.python_version()}
    return gauge("lbproxy_build_info", "Always 1; the labels say which version runs on which Python.", [(labels, 1)])
