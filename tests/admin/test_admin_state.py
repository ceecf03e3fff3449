import json
from datetime import UTC, datetime

from lbproxy.admin.reading import Now, ProgramReading
from lbproxy.admin.schema import BackendShape, StateShape
from lbproxy.admin.state import state as state_of
from lbproxy.admin.state import state_pieces
from lbproxy.model.snapshot import BackendKey, Policy, Service, Snapshot, State
from lbproxy.model.stats import BackendStats, Stats

from .fakes import ONE, TWO, FakeStatus, backend, snapshot

NOON = Now(1000.0, datetime(2025, 1, 1, 12, 0, 0, tzinfo=UTC))
NOTHING = Stats({}, {})


def reading(status: FakeStatus) -> ProgramReading:
    return ProgramReading(status.snapshot, status.counted, status.program(), status.not_ready, status.not_healthy, NOON)


def state(status: FakeStatus) -> StateShape:
    return state_of(reading(status))


def only(status: FakeStatus) -> BackendShape:
    (service,) = state(status)["services"]
    (found,) = service["backends"]
    return found


def test_service_has_its_listen_addresses_and_the_counts_of_its_clients(status: FakeStatus) -> None:
    (service,) = state(status)["services"]
    assert (service["name"], service["listens"], service["scheduler"]) == ("web", ["0.0.0.0:8080"], "wlc")
    assert (service["accepted_total"], service["queued"]) == (90, 2)
    assert service["rejected_total"] == {"no_backend": 3, "queue_full": 0}
    assert [each["address"] for each in service["backends"]] == ["192.0.2.1:80", "[2001:db8::2]:80"]


def test_backend_has_its_counts(status: FakeStatus) -> None:
    first = state(status)["services"][0]["backends"][0]
    assert (first["active"], first["connections_total"], first["retries_total"]) == (5, 60, 4)
    assert (first["bytes_received_total"], first["bytes_sent_total"]) == (700, 8000)
    assert first["connect_failures_total"] == {"refused": 4, "timeout": 0}
    assert first["closed_total"] == {"finished": 50, "backend_reset": 1}


def test_age_of_a_state_is_given_in_seconds_and_as_a_time_of_day() -> None:
    found = only(FakeStatus(snapshot(backend(since=990.5))))
    assert (found["state"], found["reason"], found["is_open"]) == ("active", "is active", True)
    assert found["for_seconds"] == 9.5
    assert found["since"] == "2025-01-01T11:59:50.500+00:00"
    assert found["drain_seconds_left"] is None


def test_draining_backend_has_the_seconds_until_its_deadline() -> None:
    assert only(FakeStatus(snapshot(backend(state=State.DRAINING, deadline=1030.0))))["drain_seconds_left"] == 30.0
    assert only(FakeStatus(snapshot(backend(state=State.DRAINING, deadline=999.0))))["drain_seconds_left"] == 0.0


def test_backend_with_only_counters_left_is_removed() -> None:
    counted = Stats({}, {BackendKey("web", TWO): BackendStats(active=2)})
    found = only(FakeStatus(None, counted))
    assert (found["state"], found["active"], found["is_open"]) == ("removed", 2, False)
    assert (found["since"], found["for_seconds"]) == (None, None)


def test_removed_backends_follow_those_of_the_table() -> None:
    counted = Stats({}, {BackendKey("web", TWO): BackendStats(), BackendKey("web", ONE): BackendStats()})
    (service,) = state(FakeStatus(snapshot(backend()), counted))["services"]
    assert [each["state"] for each in service["backends"]] == ["active", "removed"]


def test_state_before_the_first_snapshot_is_empty() -> None:
    answer = state(FakeStatus(None, NOTHING))
    assert (answer["version"], answer["services"]) == (None, [])
    assert answer["time"] == "2025-01-01T12:00:00.000+00:00"


def test_json_is_ascii_whatever_the_names_are() -> None:
    written = "".join(state_pieces(reading(FakeStatus(snapshot(backend(), service='"ü\n</script>'), NOTHING))))
    assert written.isascii()
    assert json.loads(written)["services"][0]["name"] == '"ü\n</script>'


def test_json_in_pieces_is_the_whole_answer(status: FakeStatus) -> None:
    two = Snapshot(3, {"a": Service("a", (), Policy(), ()), **snapshot(backend()).services})
    for one in (status, FakeStatus(), FakeStatus(snapshot()), FakeStatus(None, status.counted), FakeStatus(two)):
        assert json.loads("".join(state_pieces(reading(one)))) == state(one)
