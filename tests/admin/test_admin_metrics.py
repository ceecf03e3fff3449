from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_open
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from lbproxy.admin import metrics
from lbproxy.admin.metrics import TableCollector
from lbproxy.model.drain_orders import BY_OPERATOR
from lbproxy.model.snapshot import Backend, BackendKey, State
from lbproxy.model.stats import BackendStats, Histogram, ServiceStats, Stats
from lbproxy.net.system import System

from .fakes import ONE, TWO, FakeStatus, backend, snapshot

DOCUMENTED = {f"lbproxy_{name}" for name in (
    "backend_connections_active", "backend_connections_total", "backend_connect_failures_total",
    "backend_retries_total", "backend_state",  "backend_weight", "backend_bytes_total",
    "backend_connections_closed_total", "connections_accepted_total", "connections_rejected_total",
    "connections_closed_total", "queue_length", "usable_backends",
    "draining_connections", "connect_duration_seconds_bucket", "connect_duration_seconds_count",
    "connect_duration_seconds_sum", "connection_duration_seconds_bucket", "connection_duration_seconds_count",
    "connection_duration_seconds_sum", "workers", "worker_up", "worker_restarts_total", "worker_descriptors",
    "worker_descriptor_limit", "worker_cpu_seconds_total", "source_ports", "relay_info",
    "accept_pauses_total", "accept_paused", "accept_errors_total", "build_info")}


class Scrape:
    """The samples that Prometheus would store after one scrape."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self.samples = [sample for family in families for sample in family.samples]

    @classmethod
    def of(cls, status: FakeStatus) -> "Scrape":
        return cls(parse(generate_latest(_registry(status)).decode()))

    def names(self) -> set[str]:
        return {sample.name for sample in self.samples}

    def values(self, name: str, **labels: str) -> Mapping[str, float]:
        """Give the values of the series with these labels, by their other label."""
        found = [s for s in self.samples if s.name == f"lbproxy_{name}" and labels.items() <= s.labels.items()]
        return {",".join(v for k, v in s.labels.items() if k not in labels): s.value for s in found}


def _registry(status: FakeStatus) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(TableCollector(status))
    return registry


def test_every_documented_name_is_exposed_and_no_other(status: FakeStatus) -> None:
    assert Scrape.of(status).names() == DOCUMENTED


def test_openmetrics_parser_reads_the_same_samples(status: FakeStatus) -> None:
    parsed = parse_open(generate_open(_registry(status)).decode())  # type: ignore[no-untyped-call]  # untyped library
    assert sorted(map(repr, Scrape(parsed).samples)) == sorted(map(repr, Scrape.of(status).samples))


def test_help_says_the_unit_of_what_is_measured_in_one() -> None:
    for family in TableCollector(FakeStatus(snapshot(backend()))).collect():
        for unit in ("seconds", "bytes"):
            assert unit not in family.name or unit in family.documentation.lower()


def test_counts_of_a_backend_carry_its_service_and_address(status: FakeStatus) -> None:
    scrape = Scrape.of(status)
    assert scrape.values("backend_connections_active", service="web") == {str(ONE): 5, str(TWO): 3}
    assert scrape.values("backend_connections_total", service="web") == {str(ONE): 60, str(TWO): 30}
    assert scrape.values("backend_weight", service="web") == {str(ONE): 1, str(TWO): 7}
    assert scrape.values("backend_retries_total", service="web", backend=str(ONE)) == {"": 4}
    assert scrape.values("backend_bytes_total", service="web", backend=str(ONE)) == {"received": 700, "sent": 8000}


def test_exactly_one_state_is_1(status: FakeStatus) -> None:
    states = Scrape.of(status).values("backend_state", service="web", backend=str(TWO))
    assert states == {"active": 0, "draining": 1, "down": 0, "removed": 0}


def test_reasons_of_a_backend_appear_with_their_first_event(status: FakeStatus) -> None:
    scrape = Scrape.of(status)
    assert scrape.values("backend_connect_failures_total", service="web", backend=str(ONE)) == {"refused": 4}
    closed = scrape.values("backend_connections_closed_total", service="web", backend=str(ONE))
    assert closed == {"finished": 50, "backend_reset": 1}


def test_reasons_of_a_service_are_there_before_their_first_event(status: FakeStatus) -> None:
    assert Scrape.of(status).values("connections_rejected_total", service="web") == {"no_backend": 3, "queue_full": 0}
    assert Scrape.of(status).values("connections_closed_total", service="web") == {"finished": 80, "drain_timeout": 6}


def test_connections_of_draining_backends_are_summed_by_service(status: FakeStatus) -> None:
    assert Scrape.of(status).values("draining_connections") == {"web": 3}


def test_usable_backends_are_counted_by_service(status: FakeStatus) -> None:
    assert Scrape.of(status).values("usable_backends") == {"web": 1}
    status.snapshot = snapshot(service="empty")
    assert Scrape.of(status).values("usable_backends") == {"empty": 0}, "a service that is gone lacks nothing"


def test_source_ports_are_the_size_of_the_kernels_range(status: FakeStatus, monkeypatch: pytest.MonkeyPatch,
                                                          tmp_path: Path) -> None:
    monkeypatch.setattr(metrics, "MACHINE", System(tmp_path))
    file = tmp_path / "proc/sys/net/ipv4/ip_local_port_range"
    file.parent.mkdir(parents=True)
    assert Scrape.of(status).values("source_ports") == {}
    file.write_text("32768\t60999\n")
    assert Scrape.of(status).values("source_ports") == {"": 28232}


def test_histogram_is_cumulative_and_its_last_bucket_is_its_count(status: FakeStatus) -> None:
    scrape = Scrape.of(status)
    assert scrape.values("connect_duration_seconds_bucket", service="web") == {"0.001": 4, "0.5": 9, "+Inf": 10}
    assert scrape.values("connect_duration_seconds_count") == {"web": 10}
    assert scrape.values("connect_duration_seconds_sum") == {"web": 2.5}


def test_empty_histogram_is_exposed_and_an_absent_one_is_not() -> None:
    services = {"web": ServiceStats(connect_seconds=Histogram((1.0,), [0, 0]))}
    scrape = Scrape.of(FakeStatus(None, Stats(services, {})))
    assert scrape.values("connect_duration_seconds_count") == {"web": 0}
    assert scrape.values("connection_duration_seconds_count") == {}


def test_worker_without_a_heartbeat_is_not_up(status: FakeStatus) -> None:
    scrape = Scrape.of(status)
    assert scrape.values("worker_up") == {"0": 1, "1": 0}
    assert scrape.values("accept_paused") == {"0": 1, "1": 0}
    assert scrape.values("worker_descriptor_limit") == {"0": 20, "1": 20}
    assert scrape.values("worker_cpu_seconds_total") == {"0": 1.5, "1": 0}
    assert scrape.values("workers") == {"": 2}
    assert scrape.values("worker_restarts_total") == {"": 9}


@pytest.mark.parametrize("is_open", [False, True])
def test_sample_without_labels_has_no_braces(status: FakeStatus, is_open: bool) -> None:  # noqa: FBT001 - a case
    written = "".join(metrics.TableMetrics(status).pieces(is_open=is_open))
    assert "\nlbproxy_worker_restarts_total 9\n" in written
    assert "{}" not in written


def test_backend_that_was_never_used_counts_from_0() -> None:
    scrape = Scrape.of(FakeStatus(snapshot(backend())))
    assert scrape.values("backend_connections_total", service="web") == {str(ONE): 0}
    assert scrape.values("connections_accepted_total") == {"web": 0}


def test_series_of_a_backend_end_when_table_and_dataplane_have_forgotten_it(status: FakeStatus) -> None:
    status.snapshot = snapshot(backend(), version=2)
    scrape = Scrape.of(status)
    assert scrape.values("backend_state", backend=str(TWO), service="web")["removed"] == 1
    assert scrape.values("backend_connections_active", service="web") == {str(ONE): 5, str(TWO): 3}
    status.counted = Stats(status.counted.services, {BackendKey("web", ONE): BackendStats()})
    assert all(sample.labels.get("backend") != str(TWO) for sample in Scrape.of(status).samples)


def test_nothing_but_the_program_itself_is_exposed_before_the_first_snapshot() -> None:
    assert Scrape.of(FakeStatus()).names() == {
        f"lbproxy_{name}" for name in ("workers", "worker_restarts_total", "source_ports", "build_info")}


@pytest.mark.parametrize("name", ['a"b', "back\\slash", "new\nline", "ünïcode", '{brace="x"}', "", " # EOF"])
def test_odd_service_names_survive_both_formats(name: str) -> None:
    status = FakeStatus(snapshot(backend(state=State.DOWN), service=name))
    assert Scrape.of(status).values("connections_accepted_total") == {name: 0}
    parsed = parse_open(generate_open(_registry(status)).decode())  # type: ignore[no-untyped-call]  # untyped library
    assert Scrape(parsed).values("connections_accepted_total") == {name: 0}


def test_operators_drain_has_a_series_for_as_long_as_it_holds() -> None:
    drained = Backend(TWO, 1, State.DRAINING, BY_OPERATOR, since=0.0, is_open=False)
    scrape = Scrape.of(FakeStatus(snapshot(backend(), drained)))
    assert scrape.values("backend_drained_by_operator", service="web") == {str(TWO): 1}
