"""The metrics of each service's clients, labelled `service`."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

from lbproxy.admin.families import counter, gauge, histogram, spread
from lbproxy.admin.rows import ServiceRow
from lbproxy.model.snapshot import State


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
