"""Weights that a scheduler ignores are told of."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from lbproxy.config import Config
from lbproxy.config.warnings import ignored_weights
from lbproxy.runtime.app import log_ignored_weights

LoadFile = Callable[[str], Config]


def told(load_file: LoadFile, scheduler: str, *backends: str) -> list[str]:
    listed = ", ".join(f"'{backend}'" for backend in backends)
    content = f"services: [{{name: web, listen: '127.0.0.1:80', {scheduler}backends: [{listed}]}}]"
    return [str(found) for found in ignored_weights(load_file(content))]


@pytest.mark.parametrize(("scheduler", "instead"), [("lc", "wlc"), ("rr", "wrr")])
@pytest.mark.parametrize("backends", [
    ("192.0.2.1:1", "192.0.2.2:1,weight=3"), ("192.0.2.1:1", "db.internal:1,weight=3")])
def test_unequal_weights_are_told_of(
        scheduler: str, instead: str, backends: tuple[str, ...], load_file: LoadFile) -> None:
    assert told(load_file, f"scheduler: {scheduler}, ", *backends) == [
        f"service web: scheduler {scheduler} ignores the weights 1 and 3; write scheduler {instead}"]


@pytest.mark.parametrize("scheduler", ["", "scheduler: wlc, ", "scheduler: wrr, "])
def test_scheduler_that_uses_them_is_not(scheduler: str, load_file: LoadFile) -> None:
    assert not told(load_file, scheduler, "192.0.2.1:1", "192.0.2.2:1,weight=3")


@pytest.mark.parametrize("backends", [
    ("192.0.2.1:1", "192.0.2.2:1"), ("192.0.2.1:1,weight=3", "192.0.2.2:1,weight=3"), ("192.0.2.1:1,weight=3",),
    ("192.0.2.1:1", "192.0.2.2:1,weight=0"), ()])
def test_equal_weights_and_weight_0_are_not(backends: tuple[str, ...], load_file: LoadFile) -> None:
    assert not told(load_file, "scheduler: lc, ", *backends)


def test_scheduler_of_the_top_level_counts_where_a_service_sets_none(load_file: LoadFile) -> None:
    config = load_file("{scheduler: lc, services: [{listen: '127.0.0.1:80', "
                       "backends: ['192.0.2.1:1', '192.0.2.1:2,weight=2']}]}")
    assert [found.service for found in ignored_weights(config)] == ["127-0-0-1-80"]


def test_log_tells_of_it(load_file: LoadFile) -> None:
    with capture_logs() as logs:
        log_ignored_weights(load_file("{scheduler: rr, services: [{name: web, listen: '127.0.0.1:80', "
                                      "backends: ['192.0.2.1:1', '192.0.2.1:2,weight=2']}]}"))
    assert logs == [{"log_level": "warning", "event": "the scheduler ignores the weights of the backends",
                     "service": "web", "scheduler": "rr", "weights": [1, 2], "write": "wrr"}]
