"""The log of state changes: one line for each, and one for all further ones when there are very many."""

from collections import Counter
from collections.abc import Iterator
from time import monotonic

import structlog

from lbproxy.model import diff
from lbproxy.model.event_log import BACKEND_CHANGED, KEPT, NEW
from lbproxy.model.snapshot import Backend, BackendKey, Snapshot, State

MOST_LINES = 50
"""Changes of one snapshot that are logged one by one; further ones go to the event log only, at level debug. A whole
service that comes or goes must not flood the log."""

log = structlog.get_logger()


def log_transitions(before: Snapshot | None, after: Snapshot) -> None:
    """Log which backends changed their state from one snapshot to the next; `before` is None at the start."""
    changes = list(_changes(before, after))
    for number, (key, old, new) in enumerate(changes[:KEPT]):  # the event log keeps no more than that
        is_down = new is not None and new.state is State.DOWN
        write = log.debug if number >= MOST_LINES else log.warning if is_down else log.info
        write(BACKEND_CHANGED, service=key.service, backend=str(key.address), before=_state(old) if old else NEW,
              state=_state(new), reason=new.reason if new else _removal_reason(old))
    if len(changes) > MOST_LINES:
        rest = Counter(_state(new) for _, _, new in changes[MOST_LINES:])
        log.info("further backends changed", **rest)


def _removal_reason(last: Backend | None) -> str:
    # A backend leaves the snapshot for one of two reasons: its deadline (drain.is_overdue), or no connection is left.
    is_late = last is not None and last.deadline is not None and last.deadline <= monotonic()
    return "the time to drain is over" if is_late else "no connection left"


def _state(backend: Backend | None) -> str:
    return backend.state if backend else "removed"


def _changes(before: Snapshot | None, after: Snapshot) -> Iterator[tuple[BackendKey, Backend | None, Backend | None]]:
    for name, *pair in diff.changed(before.services if before else {}, after.services):
        removed, added = diff.backends(*pair)
        old, new = ({backend.address: backend for backend in one} for one in (removed, added))
        # A dict, not a set: the lines of one snapshot come in the same order each time.
        for address in {**old, **new}:
            # A new reason for the same state is not logged: a check that fails in turns would fill the log.
            if _state(old.get(address)) != _state(new.get(address)):
                yield BackendKey(name, address), old.get(address), new.get(address)
