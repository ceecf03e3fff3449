"""The last thousand lines of the log, for the admin server. Pure, but for the time of each event.

It is a processor in front of the log's renderer: no part of the program reports anything twice, and nothing that is
logged is missing here. Lines that the log leaves out (`--log-level`, or too many changes at once) are kept here too.
"""

from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

KEPT = 1000
"""Events."""
LONGEST = 500
"""Characters of a text that is kept. With KEPT it bounds the memory: a hostile API server can write long errors."""
BACKEND_CHANGED = "backend changed"
"""The message of a backend's change of state. Fields: service, backend, before, state, reason, in this order."""
NEW = "unknown"
"""The state `before` of a backend that was not there before."""
KINDS = {
    BACKEND_CHANGED: "backend", "further backends changed": "backend", "backend ejected": "ejection",
    "more than half of the backends fail their checks: checks are IGNORED": "checks",
    "checks are used again": "checks",
    "configuration read": "configuration", "configuration refused, nothing was changed": "configuration",
    "worker died": "worker", "can't start a new worker, trying again": "worker",
    "worker does not respond, killing it": "worker",
    "accepting paused": "worker", "accepting resumed": "worker",
    "watch failed, keeping the last known state": "kubernetes", "the API server answers again": "kubernetes",
    "Service can't be followed, going by its EndpointSlices": "kubernetes",
    "EndpointSlices lack the port, keeping endpoints that they still list": "kubernetes",
    "EndpointSlices say what holds for the port again": "kubernetes",
    "Service is followed now": "kubernetes",
    "parts of the EndpointSlices are ignored": "kubernetes",
    "Kubernetes can't be followed, trying again": "kubernetes",
    "out of sync, keeping the last applied state": "dataplane", "in sync again": "dataplane",
    "drain ordered": "order", "drain cancelled": "order",
}
"""The kind of each message, by which the page filters; every other message is of the kind `program`. A message that is
reworded must be reworded here: `tests/control/test_event_log.py` looks for each one in the program."""
_OWN_FIELDS = ("service", "backend", "state", "before", "reason")
_NOT_IN_TEXT = {"event", *_OWN_FIELDS, "exc_info", "exception", "stack_info"}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log."""

    number: int
    """Grows by one with each event; the first one is 1."""
    time: datetime
    """In UTC."""
    level: str
    """debug, info, warning or error."""
    kind: str
    """One of the values of KINDS, or `program`."""
    text: str
    """The message and its fields, except those below."""
    service: str | None = None
    backend: str | None = None
    """Its address."""
    state: str | None = None
    before: str | None = None
    """The state that the backend had; `unknown` for a new one."""
    reason: str | None = None


class EventLog:
    """A structlog processor that keeps what passes. `on_event` is called after each event."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._number = 0
        self.on_event: Callable[[], None] = lambda: None

    def __call__(self, _: Any, level: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401 - structlog's signature
        """Keep one line of the log, and let it pass unchanged."""
        self._number += 1  # counts on when old events are dropped, so that a reader sees the gap
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


def change_sentence(fields: Mapping[str, Any]) -> str:
    """Write the fields of a BACKEND_CHANGED line as `web: 10.0.0.12:80 active → down: check failed: refused`."""
    before = "" if fields["before"] == NEW else f"{fields['before']} → "
    return f"{fields['service']}: {fields['backend']} {before}{fields['state']}: {fields['reason']}"


def _event(number: int, level: str, fields: MutableMapping[str, Any]) -> Event:
    message = str(fields.get("event", ""))
    return Event(number, datetime.now(UTC), level, KINDS.get(message, "program"), _shortened(_text(message, fields)),
                 **{name: _value(fields.get(name)) for name in _OWN_FIELDS})


def _text(message: str, fields: Mapping[str, Any]) -> str:
    if message == BACKEND_CHANGED:
        return change_sentence(fields)
    rest = " ".join(f"{name}={_flat(value)}" for name, value in fields.items() if name not in _NOT_IN_TEXT)
    return f"{message} {rest}".rstrip()


def _value(value: object) -> str | None:
    return None if value is None else _shortened(value)


def _flat(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _shortened(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
