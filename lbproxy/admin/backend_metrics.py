"""The metrics of each backend, labelled `service` and `backend` (its address)."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prometheus_client.metrics_core import Metric

from lbproxy.admin.families import Labels, Values, counter, gauge, spread
from lbproxy.admin.rows import BackendRow, ServiceRow
from lbproxy.model.drain_orders import is_drained_by_operator
from lbproxy.model.snapshot import Backend, State
from lbproxy.model.stats import BackendStats

REMOVED = "removed"
"""The state of a backend that has left the table and still holds connections or counts."""
STATES = (*(state.value for state in State), REMOVED)


class _Series(NamedTuple):
    labels: Labels
    backend: Backend | None
    stats: BackendStats


def state_of(backend: Backend | None) -> str:
    """Give one of STATES."""
    return backend.state.value if backend else REMOVED


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
