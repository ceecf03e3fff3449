"""The JSON of `/events`: the timeline, the oldest event first. As with `/backends`, fields are only ever added."""

from collections.abc import Iterable

from typing_extensions import TypedDict  # typing's own can't be described to others before Python 3.12

from lbproxy.admin.state import iso
from lbproxy.model.event_log import Event


class EventShape(TypedDict):
    """One change."""

    number: int
    """Grows by one with each event since lbproxy started; a gap before the first says how many were forgotten."""
    time: str
    """ISO 8601 in UTC."""
    level: str
    """debug, info, warning or error."""
    kind: str
    """backend, ejection, checks, configuration, worker, kubernetes, dataplane, order or program."""
    text: str
    service: str | None
    backend: str | None
    """Its address."""
    state: str | None
    """That it has now: active, draining, down or removed."""
    before: str | None
    """That it had; unknown for a new one."""
    reason: str | None


class TimelineShape(TypedDict):
    """The whole answer."""

    latest: int
    """The number of the latest event, 0 before the first: ask with `?since=` it for what comes after."""
    events: list[EventShape]


def event_shape(event: Event) -> EventShape:
    """Give one event."""
    return {"number": event.number, "time": iso(event.time), "level": event.level, "kind": event.kind,
            "text": event.text, "service": event.service, "backend": event.backend, "state": event.state,
            "before": event.before, "reason": event.reason}


def timeline_shape(events: Iterable[Event], latest: int) -> TimelineShape:
    """Give the whole answer."""
    return {"latest": latest, "events": [event_shape(event) for event in events]}
