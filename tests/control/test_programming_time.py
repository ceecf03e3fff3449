"""`lbproxy_network_programming_seconds`: each change that is dated is measured once, and nothing else is."""

from dataclasses import replace
from time import time

import pytest
from prometheus_client import CollectorRegistry

from lbproxy.control.metrics import SyncMetrics
from lbproxy.control.table import Table
from lbproxy.model.snapshot import Endpoint, ServiceSpec, Snapshot

from .values import at, key, services, web

NAME = "lbproxy_network_programming_seconds"


class Program:
    """A table whose snapshots are in force at once."""

    def __init__(self) -> None:
        self.registry, self.table = CollectorRegistry(), Table()
        self._metrics = SyncMetrics(self.registry)
        self._applied: Snapshot | None = None

    def say(self, *specs: ServiceSpec) -> None:
        self.table.publish(services(*specs))
        self.apply()

    def apply(self) -> None:
        snapshot = self.table.snapshot(now=0.0)
        self._metrics.note_applied(self._applied, snapshot)
        self._applied = snapshot

    def measured(self) -> list[int]:
        """How many changes were measured, and the sum of their seconds."""
        return [round(self.registry.get_sample_value(f"{NAME}_{part}") or 0.0) for part in ("count", "sum")]


def dated(*endpoints: Endpoint | int, ago: float | None, name: str = "web") -> ServiceSpec:
    return replace(web(*endpoints, name=name, drain_timeout=0.0), changed_at=None if ago is None else time() - ago)


def unready(*, is_serving: bool) -> Endpoint:
    return Endpoint(at(2), is_ready=False, is_serving=is_serving)


@pytest.fixture
def program() -> Program:
    program = Program()
    program.say(dated(1, unready(is_serving=True), ago=100))
    assert program.measured() == [0, 0]
    return program


def test_newer_change_is_measured(program: Program) -> None:
    program.say(dated(1, 2, ago=10))
    assert program.measured() == [1, 10]


@pytest.mark.parametrize("ago", [3600.0, 101.0, None])
def test_older_time_dates_another_change_and_is_not_measured(program: Program, ago: float | None) -> None:
    program.say(dated(1, 2, ago=ago))
    program.say(dated(1, 2, 3, ago=ago))
    assert program.measured() == [0, 0]


def test_time_that_returns_is_not_measured_again(program: Program) -> None:
    newer = dated(1, 2, ago=10)
    program.say(newer)
    program.say(dated(1, ago=None))
    program.say(newer)
    assert program.measured() == [1, 10]


def test_service_that_comes_back_has_first_endpoints_again(program: Program) -> None:
    program.say(dated(9, ago=90, name="other"))
    program.say(dated(1, ago=50))
    assert program.measured() == [0, 0]


def test_change_without_effect_is_not_measured_with_what_happens_later(program: Program) -> None:
    program.say(dated(1, unready(is_serving=False), ago=50))
    program.table.report(key(1), "refused")
    program.apply()
    assert program.measured() == [0, 0]
