"""How log lines look: sentences for people, fields in a fixed order for programs."""

import io
import json
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog

from lbproxy.control.change_log import log_transitions
from lbproxy.control.table import Table
from lbproxy.model.event_log import EventLog
from lbproxy.runtime import logs

from .values import key, services, web

Configure = Callable[[str], io.StringIO]


@pytest.fixture
def logged_as(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Log in this format, and give what is written."""
    def configure(log_format: str) -> io.StringIO:
        output = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", output)
            logs.configure("info", log_format, EventLog(), lambda line: print(line, file=output))
        return output

    yield configure
    structlog.reset_defaults()


def lose_a_backend() -> None:
    table = Table()
    table.publish(services(web(1, 2, 3)))
    before = table.snapshot(0.0)
    table.report(key(1), "refused")
    log_transitions(before, table.snapshot(1.0))


def test_state_change_is_a_sentence_for_people(logged_as: Configure) -> None:
    output = logged_as("text")
    lose_a_backend()
    line = output.getvalue()
    assert "web: 192.0.2.1:80 active → down: check failed: refused" in line
    assert "=" not in line


def test_new_backend_has_no_state_before(logged_as: Configure) -> None:
    output = logged_as("text")
    table = Table()
    table.publish(services(web(1)))
    log_transitions(None, table.snapshot(0.0))
    assert "web: 192.0.2.1:80 active: ready" in output.getvalue()


def test_state_change_is_fields_in_a_fixed_order_for_programs(logged_as: Configure) -> None:
    output = logged_as("json")
    lose_a_backend()
    line = json.loads(output.getvalue())
    assert [*line] == ["service", "backend", "before", "state", "reason", "event", "level", "timestamp"]
    assert [*line.values()][:7] == [
        "web", "192.0.2.1:80", "active", "down", "check failed: refused", "backend changed", "warning"]


def test_other_lines_keep_their_fields_in_text_in_the_order_of_the_program(logged_as: Configure) -> None:
    output = logged_as("text")
    structlog.get_logger().info("serving", listen=["127.0.0.1:80"], dataplane="userspace", admin="off")
    line = output.getvalue()
    assert line.index("serving") < line.index("listen=") < line.index("dataplane=") < line.index("admin=")
