"""How well the watches on the Kubernetes API do: their metrics, and one log line per change."""

from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

log = structlog.get_logger()


class WatchMetrics:
    """The metrics of all watches; one series per Service and resource."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["service", "resource"]
        self.up = Gauge("lbproxy_watch_up", "1 while the API server answers.", labels, registry=registry)
        self.event_age = Gauge("lbproxy_watch_last_event_age_seconds",
                               "Time since it said anything, if only that nothing changed.", labels, registry=registry)
        self.relists = Counter("lbproxy_watch_relists_total", "Complete lists asked for.", [*labels, "reason"],
                               registry=registry)

    def forget(self, service: str, resource: str) -> None:
        """Drop the series of a watch that has ended."""
        for metric in (self.up, self.event_age, self.relists):
            metric.remove_by_labels({"service": service, "resource": resource})


class WatchStatus:
    """The status of one watch: it works, or it fails for one reason at a time. Log lines mark only changes."""

    def __init__(self, service: str, resource: str, metrics: WatchMetrics) -> None:
        labels = {"service": service, "resource": resource}
        self._log = log.bind(**labels)
        self._failure: str | None = None
        self._heard_at = monotonic()
        self._up, self._relists = metrics.up.labels(**labels), metrics.relists
        self._labels = labels
        metrics.event_age.labels(**labels).set_function(self._age)

    def heard(self) -> None:
        """Note that the server sent something: a list, an event or a bookmark."""
        self._heard_at = monotonic()

    def relisting(self, reason: str) -> None:
        """Count a list that is asked for, and the reason in one word."""
        self._relists.labels(**self._labels, reason=reason).inc()

    def succeeded(self) -> None:
        """Note that the server answered as it should."""
        self.heard()
        self._up.set(1)
        if self._failure is not None:
            self._log.info("the API server answers again")
        self._failure = None

    def failed(self, failure: str) -> None:
        """Note a failure; the same one again is not logged again, nor with another detail in brackets.

        A restart of the API server is one failure: first the connection breaks, then there is none.
        """
        self._up.set(0)
        if self._failure is None or _without_detail(failure) != _without_detail(self._failure):
            self._log.error("watch failed, keeping the last known state", error=failure)
        self._failure = failure

    def _age(self) -> float:
        return monotonic() - self._heard_at


def _without_detail(failure: str) -> str:
    return failure.partition(" (")[0]
