"""The JSON of `/backends` and `/events`. Pure.

`/backends` has what should be (the snapshot) beside what was counted (the stats), by name.
Each side may know something that the other does not: counters outlive membership, and a new backend has none yet.
"""

import json
import os
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from lbproxy import __version__
from lbproxy.admin.reading import Now, ProgramReading
from lbproxy.admin.schema import BackendShape, EventLogShape, EventShape, ProgramShape, ServiceShape, StateShape, iso
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import BY_OPERATOR, is_drained_by_operator
from lbproxy.model.event_log import Event
from lbproxy.model.snapshot import Backend, BackendKey, Service, Snapshot, State
from lbproxy.model.stats import BackendStats, ServiceStats, Stats
from lbproxy.text.units import format_roughly

REMOVED = "removed"
"""The state of a backend that has left the table and of which the dataplane still has counters."""
STATES = (*(state.value for state in State), REMOVED)


class BackendRow(NamedTuple):
    """One backend; `backend` is None when only its counters are left."""

    address: Address
    backend: Backend | None
    stats: BackendStats


class ServiceRow(NamedTuple):
    """One service; `service` is None when only its counters are left."""

    name: str
    service: Service | None
    stats: ServiceStats
    backends: tuple[BackendRow, ...]


def join(snapshot: Snapshot | None, stats: Stats) -> tuple[ServiceRow, ...]:
    """Give every service and backend that snapshot or stats know; those of the snapshot come first, in its order."""
    services = snapshot.services if snapshot else {}
    gone = _gone(services.values(), stats)
    return tuple(
        ServiceRow(name, services.get(name), stats.services.get(name) or ServiceStats(),
                   (*_listed(services.get(name), stats), *gone.get(name, ())))
        for name in dict.fromkeys((*services, *stats.services, *gone)))


def _listed(service: Service | None, stats: Stats) -> Iterable[BackendRow]:
    for backend in service.backends if service else ():
        counted = stats.backends.get(BackendKey(service.name, backend.address)) if service else None
        yield BackendRow(backend.address, backend, counted or BackendStats())


def _gone(services: Iterable[Service], stats: Stats) -> dict[str, list[BackendRow]]:
    listed = {BackendKey(service.name, backend.address) for service in services for backend in service.backends}
    gone: dict[str, list[BackendRow]] = {}
    for key, counted in stats.backends.items():
        if key not in listed:
            gone.setdefault(key.service, []).append(BackendRow(key.address, None, counted))
    return gone


def state_of(backend: Backend | None) -> str:
    """Give one of STATES; None is a backend that has left the table."""
    return backend.state.value if backend else REMOVED


def state_json(reading: ProgramReading) -> bytes:
    """Give the answer of `/backends` as bytes of JSON."""
    return json_bytes(state(reading))


def json_bytes(answer: object) -> bytes:
    """Write JSON with indents for people, in ASCII: names come from others and may hold control characters."""
    # NaN is no JSON (RFC 8259), and browsers refuse the whole answer: a failure here is better.
    return json.dumps(answer, indent=1, allow_nan=False).encode() + b"\n"


def state(reading: ProgramReading) -> StateShape:
    """Give the whole answer of `/backends`."""
    return {
        "version": reading.snapshot.version if reading.snapshot else None,
        "time": iso(reading.now.wall),
        "program": program(reading),
        "services": [_service(row, reading.now) for row in join(reading.snapshot, reading.stats)],
    }


def program(reading: ProgramReading) -> ProgramShape:
    """Give the part about the program: what runs, and what troubles it."""
    return {
        "version": __version__,
        "dataplane": reading.program.dataplane,
        "pid": os.getpid(),
        "uptime_seconds": reading.now.age(reading.program.started),
        "not_ready": reading.not_ready,
        "not_healthy": reading.not_healthy,
        "trouble": reading.program.trouble,
        "configuration_refused": reading.program.refusal or None,
        "workers": [{"index": worker.index, "pid": worker.pid, "descriptors": worker.descriptors,
                     "is_listening": worker.is_listening,
                     "heartbeat_age_seconds": round(worker.heartbeat_age, 3), "is_paused": worker.is_paused}
                    for worker in reading.stats.workers],
        "worker_restarts_total": reading.stats.worker_restarts,
    }


def _service(row: ServiceRow, now: Now) -> ServiceShape:
    service = row.service
    return {
        "name": row.name,
        "listens": [str(address) for address in service.listens] if service else [],
        "scheduler": service.policy.scheduler.value if service else None,
        "max_conns": service.policy.max_conns if service else None,
        "accepted_total": row.stats.accepted,
        "queued": row.stats.queued,
        "rejected_total": dict(row.stats.rejected),
        "closed_total": dict(row.stats.closed),
        "backends": list(_backends(row.backends, now)),
    }


def _backends(rows: Iterable[BackendRow], now: Now) -> Iterable[BackendShape]:
    for address, backend, stats in rows:
        # Only a difference of the monotonic clock is certain, so the time of day is computed from it.
        age = now.age(backend.since) if backend else None
        yield {
            "address": str(address),
            "state": state_of(backend),
            "reason": reason_of(backend, now),
            "for_seconds": age,
            "since": None if age is None else iso(now.wall - timedelta(seconds=age)),
            "is_open": bool(backend and backend.is_open),
            "weight": backend.weight if backend else 0,
            "drain_seconds_left": seconds_left(backend.deadline if backend else None, now),
            "state_seconds_left": seconds_left(backend.until if backend else None, now),
            "is_drained_by_operator": bool(backend and is_drained_by_operator(backend)),
            "active": stats.active,
            "connections_total": stats.connections,
            "bytes_received_total": stats.bytes_received,
            "bytes_sent_total": stats.bytes_sent,
            "retries_total": stats.retries,
            "connect_failures_total": dict(stats.failures),
            "closed_total": dict(stats.closed),
        }


def reason_of(backend: Backend | None, now: Now) -> str:
    """Why it is in its state, and how long an operator's drain still lasts."""
    if backend is None:
        return "no longer in the table"
    if is_drained_by_operator(backend) and backend.until is not None:
        return f"{BY_OPERATOR}, {format_roughly(now.left(backend.until))} left"
    return backend.reason


def seconds_left(moment: float | None, now: Now) -> float | None:
    """Seconds until a moment of the monotonic clock; None without one."""
    return None if moment is None else now.left(moment)


def event_shape(event: Event) -> EventShape:
    """Give one event of the log."""
    return {"number": event.number, "time": iso(event.time), "level": event.level, "kind": event.kind,
            "text": event.text, "service": event.service, "backend": event.backend, "state": event.state,
            "before": event.before, "reason": event.reason}


def event_log_shape(events: Iterable[Event], latest: int) -> EventLogShape:
    """Give the whole answer of `/events`, the oldest event first."""
    return {"latest": latest, "events": [event_shape(event) for event in events]}
