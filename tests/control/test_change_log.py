"""The log of state changes."""

from collections.abc import MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from lbproxy.control import change_log
from lbproxy.control.change_log import log_transitions
from lbproxy.control.table import Table
from lbproxy.model.snapshot import Endpoint, Services, ServiceSpec, Snapshot

from .values import key, not_ready, ready, services, terminating, web

Line = MutableMapping[str, Any]


def told(before: Snapshot | None, after: Snapshot) -> list[Line]:
    with capture_logs() as logs:
        log_transitions(before, after)
    return logs


def snapshots(*published: Services) -> list[Snapshot]:
    """One snapshot after each of them."""
    table, taken = Table(), []
    for number, told in enumerate(published):
        table.publish(told)
        taken.append(table.snapshot(float(number)))
    return taken


def test_first_snapshot_logs_every_backend() -> None:
    first, = snapshots(services(web(1, not_ready(2))))
    assert told(None, first) == [
        {"event": "backend changed", "log_level": "info", "service": "web", "backend": "192.0.2.1:80",
         "before": "unknown", "state": "active", "reason": "ready"},
        {"event": "backend changed", "log_level": "warning", "service": "web", "backend": "192.0.2.2:80",
         "before": "unknown", "state": "down", "reason": "not ready"}]


@pytest.mark.parametrize(("now", "expected"), [
    (not_ready(2), ("warning", "active", "down", "not ready")),
    (ready(2, weight=0), ("info", "active", "draining", "weight 0")),
    (terminating(2), ("info", "active", "draining", "terminating")),
])
def test_state_change_is_one_line(now: Endpoint, expected: tuple[str, ...]) -> None:
    line, = told(*snapshots(services(web(1, 2)), services(web(1, now))))
    assert (line["log_level"], line["before"], line["state"], line["reason"]) == expected
    assert line["backend"] == "192.0.2.2:80"


@pytest.mark.parametrize(("now", "reason"), [(59.0, "no connection left"), (60.0, "the time to drain is over")])
def test_removed_backend_is_one_line_with_its_reason(
        now: float, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_log, "monotonic", lambda: now)
    table = Table()
    table.publish(services(web(1, 2)))
    table.publish(services(web(1)))
    before = table.snapshot(0.0)
    table.forget(key(2))
    line, = told(before, table.snapshot(now))
    assert (line["log_level"], line["before"], line["state"], line["reason"]) == ("info", "draining", "removed", reason)


def test_backends_of_new_and_removed_services_are_logged() -> None:
    first, second, third = snapshots(services(web(1)), services(web(1), web(2, name="new")), services(web(1)))
    assert [(line["service"], line["state"]) for line in told(first, second)] == [("new", "active")]
    assert [(line["service"], line["state"]) for line in told(second, third)] == [("new", "draining")]


@pytest.mark.parametrize("after", [web(1), web(ready(1, weight=9)), web(1, drain_timeout=1.0)])
def test_change_that_keeps_the_state_is_not_logged(after: ServiceSpec) -> None:
    assert told(*snapshots(services(web(1)), services(after))) == []


def test_new_reason_for_the_same_state_is_not_logged() -> None:
    table = Table()
    table.publish(services(web(1, 2)))
    table.report(key(1), "refused")
    before = table.snapshot(0.0)
    table.report(key(1), "timeout")
    assert told(before, table.snapshot(1.0)) == []


def test_fifty_changes_are_logged_one_by_one() -> None:
    lines = told(None, *snapshots(services(web(*range(1, 51)))))
    assert [line["event"] for line in lines] == ["backend changed"] * 50


def test_further_changes_are_summed_up_in_one_line() -> None:
    changed = told(None, *snapshots(services(web(*range(1, 56), not_ready(56), not_ready(57)))))
    *lines, last = [line for line in changed if line["log_level"] != "debug"]
    assert [line["event"] for line in lines] == ["backend changed"] * 50
    assert last == {"event": "further backends changed", "log_level": "info", "active": 5, "down": 2}
