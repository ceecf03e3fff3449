"""Structured logs on standard error: text on a terminal, JSON otherwise.

JSON lines are for programs: a constant message, and the fields in the order in which they are logged. In text, which is
for people, a change of a backend's state is one sentence.
"""

import logging
import sys
from functools import partial
from typing import Any

import structlog
from structlog.processors import NAME_TO_LEVEL
from structlog.typing import EventDict

from lbproxy.model.event_log import BACKEND_CHANGED, EventLog, change_sentence


def configure(level: str, log_format: str, event_log: EventLog) -> None:
    """Log messages of `level` (debug, info, warning, error) and above, as `text`, `json` or `auto`.

    The event log gets all messages, whatever their level: it stands before the filter.
    """
    is_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            event_log,
            partial(_from_level_on, logging.getLevelNamesMapping()[level.upper()]),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(_text_renderers() if is_text else _json_renderers()),
        ],
        # Nothing is filtered here: the level is applied behind the event log, which gets all.
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _text_renderers() -> list[structlog.typing.Processor]:
    return [_as_sentence, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)]


def _json_renderers() -> list[structlog.typing.Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _from_level_on(least: int, _: Any, method: str, fields: EventDict) -> EventDict:  # noqa: ANN401 - structlog's signature
    if NAME_TO_LEVEL[method] < least:
        raise structlog.DropEvent
    return fields


def _as_sentence(_: Any, __: str, fields: EventDict) -> EventDict:  # noqa: ANN401 - structlog's signature
    """Write a change of a backend's state as one sentence, instead of a message and five fields."""
    if fields["event"] != BACKEND_CHANGED:
        return fields
    return {"event": change_sentence(fields), "level": fields["level"], "timestamp": fields["timestamp"]}
