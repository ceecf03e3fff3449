"""The event log: what the log says, kept for a while."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

import lbproxy
from lbproxy.control.change_log import log_transitions
from lbproxy.control.table import Table
from lbproxy.model.event_log import BACKEND_CHANGED, KEPT, KINDS, LONGEST, EventLog
from lbproxy.runtime import logs

from .values import services, web


@pytest.fixture
def output() -> io.StringIO:
    """What the log writes."""
    return io.StringIO()


@pytest.fixture
def event_log(output: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventLog]:
    """In the way of a log that is written at level warning."""
    event_log = EventLog()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", output)
        logs.configure("warning", "json", event_log, lambda line: print(line, file=output))
    yield event_log
    structlog.reset_defaults()


def written(output: io.StringIO) -> list[str]:
    return [json.loads(line)["event"] for line in output.getvalue().splitlines()]


def test_what_the_level_leaves_out_is_kept_all_the_same(event_log: EventLog, output: io.StringIO) -> None:
    log = structlog.get_logger()
    log.info("configuration read", needs_restart=["admin", "workers"])
    log.error("worker died", worker=1, pid=17)
    first, second = event_log.since()
    assert (first.number, first.level, first.kind) == (1, "info", "configuration")
    assert first.text == "configuration read needs_restart=admin,workers"
    assert (second.level, second.kind, second.text) == ("error", "worker", "worker died worker=1 pid=17")
    assert written(output) == ["worker died"]


def test_exception_is_an_error_of_the_log_and_an_event(event_log: EventLog, output: io.StringIO) -> None:
    try:
        int("a secret")
    except ValueError:
        structlog.get_logger().exception("admin request failed", path="/x")
    (event,) = event_log.since()
    assert event.text == "admin request failed path=/x"
    assert written(output) == ["admin request failed"]


def test_change_of_a_backend_is_a_sentence_with_separate_fields(event_log: EventLog) -> None:
    table = Table()
    table.publish(services(web(1)))
    log_transitions(None, table.snapshot(0.0))
    (event,) = event_log.since()
    assert (event.kind, event.service, event.backend) == ("backend", "web", "192.0.2.1:80")
    assert (event.before, event.state, event.reason) == ("unknown", "active", "ready")
    assert event.text == "web: 192.0.2.1:80 active: ready"


def test_changes_that_the_log_sums_up_are_kept_one_by_one(event_log: EventLog) -> None:
    table = Table()
    table.publish(services(web(*range(1, 101))))
    log_transitions(None, table.snapshot(0.0))
    assert len([event for event in event_log.since() if event.backend]) == 100


def test_last_thousand_are_kept(event_log: EventLog) -> None:
    for number in range(KEPT + 5):
        structlog.get_logger().info("serving", number=number)
    assert len(event_log.since()) == KEPT
    assert (event_log.since()[0].number, event_log.latest) == (6, KEPT + 5)
    assert [event.number for event in event_log.since(KEPT + 3)] == [KEPT + 4, KEPT + 5]


def test_long_texts_are_cut(event_log: EventLog) -> None:
    structlog.get_logger().error("configuration refused, nothing was changed", error="x" * 10_000)
    (event,) = event_log.since()
    assert len(event.text) == LONGEST + 1
    assert event.kind == "configuration"


def test_message_of_each_kind_is_one_that_the_program_logs() -> None:
    sources = "".join(file.read_text() for file in Path(lbproxy.__file__).parent.rglob("*.py")
                      if file.name != "event_log.py")
    assert [message for message in KINDS if f'"{message}"' not in sources] == [BACKEND_CHANGED], "a constant"
