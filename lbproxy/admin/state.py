"""From snapshot and stats to the JSON of `/backends`, whose shape `shape.py` documents. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lbproxy.admin.backend_metrics import state_of
from lbproxy.admin.rows import BackendRow, ServiceRow, join
from lbproxy.admin.shape import BackendShape, ServiceShape, StateShape
from lbproxy.model import Backend, Snapshot
from lbproxy.stats import Stats


@dataclass(frozen=True, slots=True)
class Now:
    """One moment on both clocks: seconds on the event loop's, and the time of day for display."""

    monotonic: float
    wall: datetime

    @classmethod
    def read(cls, monotonic: float) -> "Now":
        """Add the time of day to the time of the loop."""
        return cls(monotonic, datetime.now(UTC))

    def age(self, moment: float) -> float:
        """Seconds since a moment of the monotonic clock, to the millisecond; never negative."""
        return max(0.0, round(self.monotonic - moment, 3))

    def left(self, deadline: float) -> float:
        """Seconds until a moment of the monotonic clock, to the millisecond; never negative."""
        return max(0.0, round(deadline - self.monotonic, 3))


def to_json(snapshot: Snapshot | None, stats: Stats, now: Now) -> bytes:
    """Give the answer as indented JSON in ASCII: names are somebody else's and may hold anything."""
    return json.dumps(state(snapshot, stats, now), indent=1, allow_nan=False).encode() + b"\n"


def state(snapshot: Snapshot | None, stats: Stats, now: Now) -> StateShape:
    """Give the whole answer."""
    return {
        "version": snapshot.version if snapshot else None,
        "time": _iso(now.wall),
        "services": [_service(row, now) for row in join(snapshot, stats)],
    }


def _service(row: ServiceRow, now: Now) -> ServiceShape:
    service = row.service
    return {
        "name": row.name,
        "listens": [str(address) for address in service.listens] if service else [],
        "scheduler": service.policy.scheduler.value if service else None,
        "accepted_total": row.stats.accepted,
        "queued": row.stats.queued,
        "rejected_total": dict(row.stats.rejected),
        "closed_total": dict(row.stats.closed),
        "backends": list(_backends(row.backends, now)),
    }


def _backends(rows: Iterable[BackendRow], now: Now) -> Iterable[BackendShape]:
    for address, backend, stats in rows:
        age = now.age(backend.since) if backend else None
        yield {
            "address": str(address),
            "state": state_of(backend),
            "reason": backend.reason if backend else "no longer in the table",
            "for_seconds": age,
            "since": None if age is None else _iso(now.wall - timedelta(seconds=age)),
            "is_open": bool(backend and backend.is_open),
            "weight": backend.weight if backend else 0,
            "drain_seconds_left": _drain_left(backend, now),
            "active": stats.active,
            "connections_total": stats.connections,
            "bytes_received_total": stats.bytes_received,
            "bytes_sent_total": stats.bytes_sent,
            "retries_total": stats.retries,
            "connect_failures_total": dict(stats.failures),
            "closed_total": dict(stats.closed),
        }


def _drain_left(backend: Backend | None, now: Now) -> float | None:
    return now.left(backend.deadline) if backend and backend.deadline is not None else None


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
