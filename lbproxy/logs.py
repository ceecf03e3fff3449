"""Structured logs on standard error: text on a terminal, JSON otherwise."""

import logging
import sys

import structlog


def configure(level: str, log_format: str) -> None:
    """Log messages of `level` (debug, info, warning, error) and above, as `text`, `json` or `auto`."""
    is_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    text = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(() if is_text else (structlog.processors.format_exc_info,)),
            text if is_text else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
