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
from lbproxy.admin.api.program_status import ProgramStatus
from lbproxy.admin.metric_families import Labels, Values, counter, gauge, histogram, spread
from lbproxy.admin.state import STATES, BackendRow, ServiceRow, join, state_of
from lbproxy.model.drain_orders import is_drained_by_operator
from lbproxy.model.snapshot import Backend, State
from lbproxy.model.stats import BackendStats, Stats, WorkerStats
from lbproxy.net.limits import source_ports


class TableCollector(Collector):
    """Register it with a `CollectorRegistry`. Collect on the event loop of the view."""

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
        """Name nothing in advance: registering must not read the counters."""
        return ()


def _build() -> Metric:
    labels = {"version": __version__, "python": platform.python_version()}
    return gauge("lbproxy_build_info", "Always 1; the labels say which version runs on which Python.", [(labels, 1)])


def service_metrics(rows: Iterable[ServiceRow]) -> Iterator[Metric]:
    """Give the families, each with every service."""
    named = [({"service": row.name}, row) for row in rows]
    yield counter("lbproxy_connections_accepted_total", "Client connections accepted.",
                  ((labels, row.stats.accepted) for labels, row in named))
    yield counter("lbproxy_connections_rejected_total", "Client connections that got no backend and were reset.",
                  spread("reason", ((labels, row.stats.rejected) for labels, row in named)))
    yield counter("lbproxy_connections_closed_total", "Relayed connections that ended, also on backends that are gone.",
                  spread("reason", ((labels, row.stats.closed) for labels, row in named)))
    yield gauge("lbproxy_usable_backends", "Backends that are given new connections now.",
                ((labels, _usable(row)) for labels, row in named if row.service))
    yield gauge("lbproxy_queue_length", "Clients that wait now for a backend below max-conns.",
                ((labels, row.stats.queued) for labels, row in named))
    yield gauge("lbproxy_draining_connections", "Connections that draining backends still have.",
                ((labels, _draining(row)) for labels, row in named))
    yield histogram("lbproxy_connect_duration_seconds", "Time to connect to a backend, in seconds.",
                    ((labels, row.stats.connect_seconds) for labels, row in named))
    yield histogram("lbproxy_connection_duration_seconds", "Life of a relayed connection, in seconds.",
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
    """Give the families, each with every backend."""
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
    yield gauge("lbproxy_backend_drained_by_operator", "1 while an operator drains the backend; no series for others.",
                ((one.labels, 1) for one in series if one.backend and is_drained_by_operator(one.backend)))
    yield gauge("lbproxy_backend_connections_active", "Connections that the backend has, established or connecting.",
                ((one.labels, one.stats.active) for one in series))


def _counts(series: list[_Series]) -> Iterator[Metric]:
    yield counter("lbproxy_backend_connections_total", "Connections for which the backend was chosen.",
                  ((one.labels, one.stats.connections) for one in series))
    yield counter("lbproxy_backend_retries_total", "Connections that went on to another backend after this one failed.",
                  ((one.labels, one.stats.retries) for one in series))
    yield counter("lbproxy_backend_bytes_total", "Bytes received from clients for the backend, and sent by it to them.",
                  _bytes(series))


def _reasons(series: list[_Series]) -> Iterator[Metric]:
    yield counter("lbproxy_backend_connect_failures_total", "Failed attempts to connect to the backend.",
                  spread("reason", ((row.labels, row.stats.failures) for row in series), is_sparse=True))
    yield counter("lbproxy_backend_connections_closed_total", "Connections of the backend that have ended.",
                  spread("reason", ((row.labels, row.stats.closed) for row in series), is_sparse=True))


def _states(series: list[_Series]) -> Values:
    for labels, backend, _ in series:
        current = state_of(backend)
        for state in STATES:
            yield {**labels, "state": state}, state == current


def _bytes(series: list[_Series]) -> Values:
    for labels, _, stats in series:
        yield {**labels, "direction": "received"}, stats.bytes_received
        yield {**labels, "direction": "sent"}, stats.bytes_sent


SILENT_AFTER = 5.0
"""Seconds without a heartbeat after which a worker counts as down."""


def worker_metrics(stats: Stats) -> Iterator[Metric]:
    """Give the families; without workers those that are labelled have no series."""
    named = [({"worker": str(worker.index)}, worker) for worker in stats.workers]
    yield gauge("lbproxy_workers", "Worker processes that there should be.", [({}, len(named))])
    yield counter("lbproxy_worker_restarts_total", "Worker processes that died and were replaced.",
                  [({}, stats.worker_restarts)])
    yield gauge("lbproxy_worker_up", "1 if the worker answers, 0 if it has died or hangs.",
                ((labels, _is_up(worker)) for labels, worker in named))
    yield gauge("lbproxy_worker_descriptors", "File descriptors that the worker uses for connections.",
                ((labels, worker.descriptors) for labels, worker in named))
    yield gauge("lbproxy_worker_descriptor_limit", "File descriptors that the worker may use for connections.",
                ((labels, worker.descriptor_limit) for labels, worker in named))
    yield counter("lbproxy_worker_cpu_seconds_total", "CPU time that the worker has used, in seconds.",
                  ((labels, worker.cpu_seconds) for labels, worker in named))
    yield gauge("lbproxy_accept_paused", "1 while the worker accepts nothing for want of descriptors, else 0.",
                ((labels, worker.is_paused) for labels, worker in named))
    yield counter("lbproxy_accept_pauses_total", "Times that the worker stopped accepting for want of descriptors.",
                  ((labels, worker.accept_pauses) for labels, worker in named))
    yield counter("lbproxy_accept_errors_total", "Clients that the worker failed to accept.",
                  ((labels, worker.accept_errors) for labels, worker in named))


def _is_up(worker: WorkerStats) -> bool:
    return worker.pid is not None and worker.heartbeat_age < SILENT_AFTER


def port_metrics() -> Iterator[Metric]:
    """Give the family; without a series where the kernel doesn't say."""
    ports = source_ports()
    yield gauge("lbproxy_source_ports", "Ports for connections to one backend address (net.ipv4.ip_local_port_range).",
                [({}, ports)] if ports else [])
