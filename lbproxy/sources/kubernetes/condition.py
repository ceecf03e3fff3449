"""How one watch fares: one log line per change, and what the metrics say of it."""

from time import monotonic

import structlog

from lbproxy.sources.kubernetes.collection import Collection
from lbproxy.sources.kubernetes.metrics import WatchMetrics

log = structlog.get_logger()


class Condition:
    """Of one watch; fine or in trouble, for one reason at a time."""

    def __init__(self, collection: Collection, metrics: WatchMetrics) -> None:
        labels = {"service": collection.subject, "resource": collection.resource}
        self._log = log.bind(**labels)
        self._trouble: str | None = None
        self._heard_at = monotonic()
        self._up, self._relists = metrics.up.labels(**labels), metrics.relists
        self._labels = labels
        metrics.event_age.labels(**labels).set_function(self._age)

    def hear(self) -> None:
        """Something came: a list, an event or a bookmark."""
        self._heard_at = monotonic()

    def relist(self, reason: str) -> None:
        """Count a list and why it is needed."""
        self._relists.labels(**self._labels, reason=reason).inc()

    def fine(self) -> None:
        """It works."""
        self.hear()
        self._up.set(1)
        if self._trouble is not None:
            self._log.info("the API server answers again")
        self._trouble = None

    def fail(self, trouble: str) -> None:
        """It does not; what was published stays."""
        self._up.set(0)
        if trouble != self._trouble:
            self._log.error("watch failed, going on with what is known", error=trouble)
        self._trouble = trouble

    def _age(self) -> float:
        return monotonic() - self._heard_at
