from pathlib import Path

import click
import pytest

from bench.choosing import named
from bench.net import Address
from bench.process import environment
from bench.relay import measurements
from bench.relay.command import checkouts
from bench.relay.lineups import growing_backends, growing_workers
from bench.relay.targets import TARGETS
from bench.rounds import rotated
from bench.systems import HAProxy, LBProxy, Setup

SYSTEMS = (LBProxy(), HAProxy())
LISTEN = Address("127.0.0.1", 80)


def test_names_choose_in_their_order_and_no_names_choose_all() -> None:
    known = {"a": 1, "b": 2, "c": 3}
    assert named("c,a", known) == [3, 1]
    assert named(None, known) == [1, 2, 3]


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(click.BadParameter, match="'x' is none of a, b"):
        named("x", {"a": 1, "b": 2})


def test_each_turn_starts_with_another_row_and_visits_all() -> None:
    turns = ["".join(rotated("abc", number)) for number in range(4)]
    assert turns == ["abc", "bca", "cab", "abc"]
    assert rotated([], 3) == []


def test_only_lbproxy_grows() -> None:
    assert [subject.backends for subject in growing_backends("wlc")(SYSTEMS)] == [2, 100, 1_000]
    assert [subject.label for subject in growing_workers(SYSTEMS)] == ["1 worker", "2 workers"]
    assert growing_workers([HAProxy()]) == ()


def test_each_target_names_a_measurement_a_row_and_a_figure_that_exist() -> None:
    known = {measurement.plan.name: measurement for measurement in measurements.ALL}
    for target in TARGETS:
        measurement = known[target.measurement]
        assert target.key in {metric.key for metric in measurement.plan.metrics}
        assert target.label in {subject.label for subject in measurement.lineup(SYSTEMS)}


def test_lbproxy_takes_a_thousand_backends_and_a_scheduler_from_its_file(tmp_path: Path) -> None:
    LBProxy().command(Setup(LISTEN, (LISTEN,) * 1_000, scheduler="wlc"), tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.read_text().count('- "127.0.0.1:80"') == 1_000
    assert "scheduler: wlc" in file.read_text()


def test_lbproxy_runs_the_dataplane_that_its_row_names(tmp_path: Path) -> None:
    LBProxy("lbproxy ipvs", dataplane="ipvs").command(Setup(LISTEN, (LISTEN,)), tmp_path)
    (file,) = tmp_path.iterdir()
    assert "dataplane: ipvs\n" in file.read_text()
    assert "workers" not in file.read_text(), "the kernel has none"


def test_what_configures_lbproxy_does_not_reach_what_is_measured() -> None:
    assert environment({"LBPROXY_WORKERS": "7", "PATH": "/bin"}) == {"PATH": "/bin"}


def test_another_checkout_of_lbproxy_competes_under_its_own_name(tmp_path: Path) -> None:
    (system,) = checkouts([f"before={tmp_path}"])
    assert system.name == "before"
    assert f"--chdir={tmp_path}" in " ".join(system.command(Setup(LISTEN, (LISTEN,)), tmp_path))
