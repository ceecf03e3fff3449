"""Metrics of the lookups in DNS."""

from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge

RESULTS = ("answered", "empty", "timeout", "failed")


class DnsMetrics:
    """How well names are resolved; one series per name."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.up = Gauge("lbproxy_dns_up", "1 while the last lookup of this name gave addresses.", ["name"],
                        registry=registry)
        self.answer_age = Gauge(
            "lbproxy_dns_last_answer_age_seconds",
            "Time since the last lookup that gave addresses; before the first, since it is asked for.", ["name"],
            registry=registry)
        self.lookups = Counter("lbproxy_dns_lookups_total", "Lookups made, by what came of them.", ["name", "result"],
                               registry=registry)


class NameMetrics:
    """Those of one name, from its first lookup until `forget`."""

    def __init__(self, metrics: DnsMetrics, name: str) -> None:
        self._metrics, self._name = metrics, name
        self._answered_at = monotonic()
        self._up = metrics.up.labels(name)
        self._lookups = {result: metrics.lookups.labels(name, result) for result in RESULTS}
        # Computed at each scrape: a gauge that is set would stand still when lookups do.
        metrics.answer_age.labels(name).set_function(lambda: monotonic() - self._answered_at)

    def count(self, result: str) -> None:
        """Count a lookup by its result, one of RESULTS."""
        self._lookups[result].inc()
        self._up.set(result == "answered")
        if result == "answered":
            self._answered_at = monotonic()

    def forget(self) -> None:
        """Drop the series: nobody wants the name any more."""
        for metric in (self._metrics.up, self._metrics.answer_age, self._metrics.lookups):
            metric.remove_by_labels({"name": self._name})
