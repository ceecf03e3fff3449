"""Structured logs on standard error: text on a terminal, JSON otherwise.

JSON lines are for programs: a constant message, and the fields in the order in which they are logged. In text, which is
for people, a change of a backend's state is one sentence.
"""

import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from structlog.processors import NAME_TO_LEVEL
from structlog.typing import EventDict

from lbproxy.model.event_log import BACKEND_CHANGED, EventLog, change_sentence


class LineLogger:
    """What structlog calls for each line; `write` gets it without a newline."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.msg = self.debug = self.info = self.warning = self.error = self.critical = write


class FromLibraries(logging.Handler):
    """Passes on what libraries log by `logging`, which would go to standard error directly, and wait for its reader."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record with the name of its logger."""
        level = "error" if record.levelno >= logging.ERROR else "warning"
        structlog.get_logger().log(logging.getLevelNamesMapping()[level.upper()], record.getMessage(),
                                   logger=record.name, exc_info=record.exc_info or None)


def take_from_libraries() -> None:
    """Have warnings and errors of libraries, asyncio and the interpreter in this log. Of this process, for good."""
    logging.getLogger().handlers[:] = [FromLibraries(logging.WARNING)]
    logging.captureWarnings(capture=True)


def configure(level: str, log_format: str, event_log: EventLog, write: Callable[[str], None]) -> None:
    """Log messages of `level` (debug, info, warning, error) and above, as `text`, `json` or `auto`.

    `write` gets each line, without a newline; `auto` is text if standard error is a terminal.

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
        logger_factory=lambda *_: LineLogger(write),
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
