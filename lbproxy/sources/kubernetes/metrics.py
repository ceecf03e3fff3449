"""Metrics of the watches on the Kubernetes API."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class WatchMetrics:
    """How well we follow Kubernetes; one series per Service and resource."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["service", "resource"]
        self.up = Gauge("lbproxy_watch_up", "1 while the API server answers.", labels, registry=registry)
        self.event_age = Gauge("lbproxy_watch_last_event_age_seconds",
                               "Time since it said anything, if only that nothing changed.", labels, registry=registry)
        self.relists = Counter("lbproxy_watch_relists_total", "Complete lists asked for.", [*labels, "reason"],
                               registry=registry)

    def forget(self, service: str, resource: str) -> None:
        """Drop the series of a watch that is no more."""
        for metric in (self.up, self.event_age, self.relists):
            metric.remove_by_labels({"service": service, "resource": resource})
