"""Metrics of the control side. Those of connections come from the dataplane's counters (`admin.metrics`)."""

from collections.abc import Set as AbstractSet
from time import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from lbproxy.model import diff
from lbproxy.model.snapshot import Snapshot

SYNC_BOUNDS = (.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1.0, 2.5, 5.0)
# To five minutes, as kube-proxy's histogram of the same meaning.
PROGRAMMING_BOUNDS = (.025, .05, .1, .25, .5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class SyncMetrics:
    """How well the dataplane follows the table."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.duration = Histogram("lbproxy_sync_duration_seconds", "Time to make a snapshot true in the dataplane.",
                                  buckets=SYNC_BOUNDS, registry=registry)
        self.failures = Counter("lbproxy_sync_failures_total", "Snapshots that the dataplane refused.",
                                registry=registry)
        self.in_sync = Gauge("lbproxy_in_sync", "1 while the dataplane is as the table says.", registry=registry)
        self._programming = Histogram(
            "lbproxy_network_programming_seconds",
            "Time from a change of a Service's endpoints, dated in whole seconds, until it is in force here.",
            buckets=PROGRAMMING_BOUNDS, registry=registry)
        self.ejections = Counter("lbproxy_ejections_total", "Backends taken out for failing connects.", ["service"],
                                 registry=registry)
        self._latest_changes: dict[str, float] = {}
        """The latest time of a change of each service, of those that are in force."""
        self._panic = Gauge("lbproxy_health_panic", "1 while checks are ignored, as over half the backends fail them.",
                            ["service"], registry=registry)

    def note_applied(self, before: Snapshot | None, after: Snapshot) -> None:
        """Measure the changes that are in force now, each once: a time that is not the latest dates another change.

        A service's first endpoints don't count: they may be of any age.
        """
        for name, old, new in diff.changed(before.services if before else {}, after.services):
            if new is None:
                # A service that comes back begins anew, as its endpoints may be of any age again.
                self._latest_changes.pop(name, None)
            elif new.changed_at is not None and new.changed_at > self._latest_changes.get(name, float("-inf")):
                self._latest_changes[name] = new.changed_at
                if old is not None and old.is_known:
                    # Wall time, because Kubernetes dates the change; its clock may be ahead of ours.
                    self._programming.observe(max(0.0, time() - new.changed_at))

    def show_panic(self, before: AbstractSet[str], now: AbstractSet[str]) -> None:
        """Show for which services checks are ignored."""
        for service in before - now:
            self._panic.labels(service).set(0)  # not removed: an alert that has fired must see it end
        for service in now:
            self._panic.labels(service).set(1)


class HealthMetrics:
    """Numbers of the active checks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        checks = Counter("lbproxy_health_checks_total", "Active checks made.", ["result"], registry=registry)
        self.stretch = Gauge("lbproxy_health_interval_factor",
                             "By what the intervals of all checks are multiplied, as there would be too many; else 1.",
                             registry=registry)
        self.stretch.set(1)
        # Looked up once: labels() takes a lock and a dict for each of 500 checks a second.
        self._passed, self._failed = checks.labels("passed"), checks.labels("failed")
        self._not_made = checks.labels("not_made")

    def count(self, is_passed: bool | None) -> None:  # noqa: FBT001 - a callback's one fact
        """Count one check, as passed or failed; None: it could not be made, for want of something on this host."""
        if is_passed is None:
            self._not_made.inc()
        else:
            (self._passed if is_passed else self._failed).inc()
