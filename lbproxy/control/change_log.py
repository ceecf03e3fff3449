"""The log of state changes: one line each, and one line for all when there are very many."""

from collections import Counter
from collections.abc import Iterator
from time import monotonic

import structlog

from lbproxy.model import diff
from lbproxy.model.event_log import KEPT
from lbproxy.model.snapshot import Backend, BackendKey, Snapshot, State

MOST_LINES = 50
"""State changes of one snapshot that are logged one by one; further ones are for the timeline, as debug."""

log = structlog.get_logger()


def log_transitions(before: Snapshot | None, after: Snapshot) -> None:
    """Log what has changed from one snapshot to the next."""
    changes = list(_changes(before, after))
    for number, (key, old, new) in enumerate(changes[:KEPT]):
        fields = {"service": key.service, "backend": str(key.address), "state": _state(new),
                  "before": _state(old) if old else "unknown", "reason": new.reason if new else _farewell(old)}
        write = log.debug if number >= MOST_LINES else log.warning if new and new.state is State.DOWN else log.info
        write("backend", **fields)
    if len(changes) > MOST_LINES:
        rest = Counter(_state(new) for _, _, new in changes[MOST_LINES:])
        log.info("further backends", **rest)


def _farewell(last: Backend | None) -> str:
    is_late = last is not None and last.deadline is not None and last.deadline <= monotonic()
    return "the time to drain is over" if is_late else "no connection left"


def _state(backend: Backend | None) -> str:
    return backend.state if backend else "removed"


def _changes(before: Snapshot | None, after: Snapshot) -> Iterator[tuple[BackendKey, Backend | None, Backend | None]]:
    for name, *pair in diff.changed(before.services if before else {}, after.services):
        left, joined = diff.backends(*pair)
        old, new = ({backend.address: backend for backend in one} for one in (left, joined))
        for address in {**old, **new}:
            if _state(old.get(address)) != _state(new.get(address)):
                yield BackendKey(name, address), old.get(address), new.get(address)
