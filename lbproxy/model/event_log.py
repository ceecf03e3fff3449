"""The last thousand changes of state, for the admin server: what the log says, kept for a while.

It stands in the log's way as a processor, so nobody tells the same thing twice and nothing logged is forgotten; what
the log leaves out for its length or its level (`--log-level`) is here all the same.
"""

from collections import deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

KEPT = 1000
"""Events."""
LONGEST = 500
"""Characters of a text that is kept."""
KINDS = {
    "backend": "backend", "further backends": "backend", "backend ejected": "ejection",
    "more than half of the backends fail their checks: checks are IGNORED": "checks", "checks count again": "checks",
    "configuration read": "configuration", "configuration refused, nothing was changed": "configuration",
    "worker died": "worker", "worker not replaced, trying again": "worker", "worker hangs, killing it": "worker",
    "accepting paused": "worker", "accepting resumed": "worker",
    "watch failed, keeping the last known state": "kubernetes", "the API server answers again": "kubernetes",
    "Service can't be followed, keeping its last known endpoints": "kubernetes",
    "Service is followed now": "kubernetes",
    "parts of the EndpointSlices are ignored": "kubernetes",
    "Kubernetes can't be followed, trying again": "kubernetes",
    "not applied, going on as before": "dataplane", "applied at last": "dataplane",
    "drain ordered": "order", "drain taken back": "order",
}
"""What a message is about; whatever else is logged is about the `program`."""
_APART = {"event", "service", "backend", "state", "before", "reason", "exc_info", "exception", "stack_info"}


@dataclass(frozen=True, slots=True)
class Event:
    """One change."""

    number: int
    """Grows by one with each event; the first one is 1."""
    time: datetime
    """In UTC."""
    level: str
    """info, warning or error; debug for what the log leaves out for its length."""
    kind: str
    """One of the values of KINDS, or program."""
    text: str
    """The message, with those of its fields that have no place of their own here."""
    service: str | None = None
    backend: str | None = None
    """Its address."""
    state: str | None = None
    before: str | None = None
    """The state that it had."""
    reason: str | None = None


class EventLog:
    """A processor of structlog that keeps what passes, and tells `on_event`."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._number = 0
        self.on_event: Callable[[], None] = lambda: None

    def __call__(self, _: Any, level: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401 - structlog's signature
        """Keep one line of the log, and let it pass unchanged."""
        self._number += 1
        self._events.append(_event(self._number, level, fields))
        self.on_event()
        return fields

    def since(self, number: int = 0) -> list[Event]:
        """Events after this number, the oldest first; as many as are kept."""
        return [event for event in self._events if event.number > number]

    @property
    def latest(self) -> int:
        """The number of the latest event; 0 before the first."""
        return self._number


def _event(number: int, level: str, fields: MutableMapping[str, Any]) -> Event:
    message = str(fields.get("event", ""))
    rest = " ".join(f"{name}={_flat(value)}" for name, value in fields.items() if name not in _APART)
    return Event(number, datetime.now(UTC), level, KINDS.get(message, "program"), _short(f"{message} {rest}".rstrip()),
                 **{name: _text(fields.get(name)) for name in ("service", "backend", "state", "before", "reason")})


def _text(value: object) -> str | None:
    return None if value is None else _short(value)


def _flat(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
