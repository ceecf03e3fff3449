"""Every metric of lbproxy, under the same names for every dataplane. Reads the view anew each time, keeps nothing.

Service reasons are exposed from the start, at 0 (as the dataplane lists them), so that `rate()` sees the first event.
Backend reasons appear with their first event: sixteen more series for each of 10,000 backends would cost more than
they tell. Alert on the service's; use the backend's to look where it comes from. A series ends when neither the
snapshot nor the dataplane knows its backend any more.
"""

import platform
from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lbproxy import __version__
from lbproxy.admin.api.view import ProgramStatus
from lbproxy.admin.backend_metrics import backend_metrics
from lbproxy.admin.families import gauge
from lbproxy.admin.port_metrics import port_metrics
from lbproxy.admin.rows import join
from lbproxy.admin.service_metrics import service_metrics
from lbproxy.admin.worker_metrics import worker_metrics


class TableCollector(Collector):
    """Register it with a `CollectorRegistry`. Collect on the event loop of the view."""

    def __init__(self, view: ProgramStatus) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        """Give all families, from one reading of the counters."""
        stats = self._view.stats()
        rows = join(self._view.snapshot, stats)
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
