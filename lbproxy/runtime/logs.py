"""Structured logs on standard error: text on a terminal, JSON otherwise."""

import logging
import sys
from functools import partial
from typing import Any

import structlog
from structlog.processors import NAME_TO_LEVEL
from structlog.typing import EventDict

from lbproxy.model.event_log import EventLog


def configure(level: str, log_format: str, timeline: EventLog) -> None:
    """Log messages of `level` (debug, info, warning, error) and above, as `text`, `json` or `auto`.

    The timeline gets all of them, whatever their level.
    """
    is_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    text = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            timeline,
            partial(_from_level_on, logging.getLevelNamesMapping()[level.upper()]),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(() if is_text else (structlog.processors.format_exc_info,)),
            text if is_text else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _from_level_on(least: int, _: Any, method: str, fields: EventDict) -> EventDict:  # noqa: ANN401 - structlog's signature
    if NAME_TO_LEVEL[method] < least:
        raise structlog.DropEvent
    return fields
