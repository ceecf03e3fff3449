"""/explain: the chain of causes for each backend, and how the schedulers are asked."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest

from lbproxy.admin import explain_handler
from lbproxy.admin.explain_rules import ServiceFacts, explain
from lbproxy.admin.reading import Now
from lbproxy.admin.schema import ExplainedBackendShape
from lbproxy.admin.state import join
from lbproxy.model.drain_orders import BY_OPERATOR, DrainOrder
from lbproxy.model.facts import CheckResult, Facts, SourceFacts
from lbproxy.model.snapshot import Backend, Endpoint, Policy, Service, Snapshot, State
from lbproxy.model.stats import BackendStats, SchedulerChoice, Score, Stats

from .fakes import LISTEN, ONE, TWO, FakeOperator, FakeStatus

NOON = Now(1000.0, datetime(2025, 1, 1, 12, 0, 0, tzinfo=UTC))
READY = Endpoint(ONE, origin="slice web-abcde")
PASSED = CheckResult(999.5, 0.0012, None, 7)
FACTS = Facts(READY, None, is_check_doubted=False, last_check=PASSED, ejected_until=None, order=None)
ACTIVE = Backend(ONE, 1, State.ACTIVE, "ready", 990.0)


def explained(facts: Facts | None, backend: Backend = ACTIVE, *choices: SchedulerChoice,
              active: int = 0, policy: Policy | None = None) -> ExplainedBackendShape:
    """Explain the only backend of a service."""
    service = Service("web", (LISTEN,), policy or Policy(), (backend,))
    (row,) = join(Snapshot(1, {"web": service}), Stats({}, {}))
    row = row._replace(backends=(row.backends[0]._replace(stats=BackendStats(active=active)),))
    known = {ONE: facts} if facts else {}
    return explain([ServiceFacts(row, known, list(choices))], NOON)["services"][0]["backends"][0]


def causes(found: ExplainedBackendShape) -> dict[str, str]:
    return {cause["about"]: cause["says"] for cause in found["causes"]}


def decisive(found: ExplainedBackendShape) -> str:
    (cause,) = [cause for cause in found["causes"] if cause["is_decisive"]]
    return cause["about"]


def test_active_backend_is_explained_by_its_scheduler() -> None:
    choice = SchedulerChoice(0, ONE, {ONE: Score(3.0, 3, is_full=False)}, {})
    found = explained(FACTS, ACTIVE, choice, active=3, policy=Policy(max_conns=9))
    assert decisive(found) == "scheduler"
    assert causes(found) == {
        "source": "slice web-abcde says ready, serving, not terminating",
        "checks": "the last check passed 0.5 s ago and took 1.2 ms (7 passes in a row)",
        "scheduler": ("wlc chooses the backend with the fewest connections per weight; this one has 3 of 9 at most; "
                      "it gets the next connection"),
    }
    assert found["scores"] == [{"worker": 0, "score": 3.0, "active": 3, "is_full": False, "is_next": True}]
    assert found["check"] == {"seconds_ago": 0.5, "took_seconds": 0.0012, "failure": None, "not_made": None,
                              "in_a_row": 7, "verdict": None, "is_ignored": False}


def test_backend_of_a_dns_name_is_there_since_dns_has_its_address() -> None:
    facts = replace(FACTS, endpoint=Endpoint(ONE, origin="dns db.internal"))
    assert causes(explained(facts))["source"] == "dns db.internal has its address"


def test_sources_say_what_they_know_and_what_troubles_them() -> None:
    (row,) = join(Snapshot(1, {"web": Service("web", (LISTEN,), Policy(), ())}), Stats({}, {}))
    told = [SourceFacts("configuration", is_known=True, endpoints=3, trouble=""),
            SourceFacts("dns db.internal", is_known=False, endpoints=0, trouble="it is away")]
    assert explain([ServiceFacts(row, {}, [], told)], NOON)["services"][0]["sources"] == [
        {"origin": "configuration", "is_known": True, "endpoints": 3, "trouble": None},
        {"origin": "dns db.internal", "is_known": False, "endpoints": 0, "trouble": "it is away"}]


def test_scheduler_cause_names_the_workers_that_choose_it_next() -> None:
    choices = [SchedulerChoice(0, ONE, {}, {}), SchedulerChoice(1, TWO, {}, {}), SchedulerChoice(2, ONE, {}, {})]
    assert causes(explained(FACTS, ACTIVE, *choices))["scheduler"].endswith(
        "it gets the next connection of workers 0, 2")


def test_endpoint_that_is_not_ready_is_the_cause() -> None:
    facts = replace(FACTS, endpoint=replace(READY, is_ready=False, is_serving=False))
    found = explained(facts, replace(ACTIVE, state=State.DOWN, reason="not ready", is_open=False))
    assert (decisive(found), found["endpoint"]) == ("source", {
        "origin": "slice web-abcde", "is_ready": False, "is_serving": False, "is_terminating": False, "weight": 1})


def test_failed_check_is_the_cause_before_an_ejection() -> None:
    facts = replace(FACTS, failure="refused", ejected_until=1008.0,
                    last_check=replace(PASSED, failure="refused", in_a_row=2))
    found = explained(facts, replace(ACTIVE, state=State.DOWN, reason="check failed: refused", is_open=False), active=1)
    assert decisive(found) == "checks"
    assert causes(found)["checks"].endswith(
        " (2 failures in a row); the backend counts as failed until 2 checks in a row pass")
    assert causes(found)["ejection"] == "ejected for another 8s: several connects in a row failed"
    assert causes(found)["connections"] == "it has 1 connection left, which may go on"
    assert found["ejected_for_seconds"] == 8.0


def test_ignored_checks_are_not_decisive() -> None:
    facts = replace(FACTS, failure="refused", is_check_doubted=True, last_check=replace(PASSED, failure="refused"))
    found = explained(facts)
    assert decisive(found) == "scheduler"
    assert "ignored, because more than half" in causes(found)["checks"]


@pytest.mark.parametrize(("facts", "policy", "words"), [
    (replace(FACTS, last_check=None), Policy(), "it has not been checked yet"),
    (FACTS, Policy(health=replace(Policy().health, interval=0.0)), "it is not checked (health-interval 0)"),
])
def test_backend_without_checks_says_so(facts: Facts, policy: Policy, words: str) -> None:
    assert causes(explained(facts, policy=policy))["checks"] == words


def test_operators_drain_has_its_end_its_deadline_and_its_oldest_connection() -> None:
    backend = replace(ACTIVE, state=State.DRAINING, reason=BY_OPERATOR, is_open=False, deadline=1030.0, until=1540.0)
    choices = [SchedulerChoice(0, None, {}, {ONE: 61.5}), SchedulerChoice(1, None, {}, {ONE: 7.0}),
               SchedulerChoice(2, None, {}, {})]
    found = explained(replace(FACTS, order=DrainOrder(1540.0, 1030.0)), backend, *choices, active=4)
    assert (decisive(found), found["reason"]) == ("operator", "drained by operator, 9m left")
    assert causes(found)["operator"] == "an operator drains it for another 9m"
    assert causes(found)["connections"] == "it has 4 connections left; what remains is reset in 30s"
    assert found["drain"] == {"connections": 4, "reset_in_seconds": 30.0, "oldest_seconds": 61.5,
                              "by_operator": True, "ends_in_seconds": 540.0}


def test_source_is_decisive_for_a_terminating_backend_with_an_order() -> None:
    facts = replace(FACTS, order=DrainOrder(), endpoint=replace(READY, is_ready=False, is_terminating=True))
    backend = replace(ACTIVE, state=State.DRAINING, reason="terminating", is_open=False, deadline=1060.0)
    found = explained(facts, backend)
    assert decisive(found) == "source"
    assert causes(found)["operator"] == "an operator drains it until lbproxy undrain"
    assert found["drain"] is not None
    assert found["drain"]["by_operator"] is False


def test_oldest_connection_is_null_if_the_dataplane_can_not_tell() -> None:
    found = explained(FACTS, replace(ACTIVE, state=State.DRAINING, reason="removed", is_open=False))
    assert found["drain"] is not None
    assert (found["drain"]["oldest_seconds"], found["scores"]) == (None, [])


def test_removed_endpoint_and_weight_0_are_causes() -> None:
    assert decisive(explained(replace(FACTS, endpoint=None))) == "source"
    assert decisive(explained(replace(FACTS, endpoint=replace(READY, weight=0)))) == "weight"
    assert causes(explained(replace(FACTS, endpoint=replace(READY, weight=7))))["weight"] == "weight 7"


async def test_answer_is_limited_to_the_service_or_backend_in_question(
        client: aiohttp.ClientSession, operator: FakeOperator) -> None:
    operator.known = {"web": {ONE: FACTS}}
    async with client.get("/explain", params={"service": "web", "backend": str(ONE)}) as answer:
        (service,) = (await answer.json())["services"]
    assert [backend["address"] for backend in service["backends"]] == [str(ONE)]
    async with client.get("/explain", params={"backend": TWO.host}) as answer:
        assert [one["address"] for one in (await answer.json())["services"][0]["backends"]] == [str(TWO)]
    async with client.get("/explain") as answer:
        assert len(json.loads(await answer.text())["services"][0]["backends"]) == 2


@pytest.mark.parametrize(("query", "line"), [
    ({"service": "wbe"}, "there is no service 'wbe'; did you mean web?"),
    ({"service": "\x1b[31m"}, r"there is no service '\x1b[31m'"),
    ({"service": "web", "backend": "192.0.2.1:81"}, "there is no backend '192.0.2.1:81'; did you mean 192.0.2.1:80?"),
])
async def test_unknown_names_are_404_with_advice(
        client: aiohttp.ClientSession, query: dict[str, str], line: str) -> None:
    async with client.get("/explain", params=query) as answer:
        assert (answer.status, await answer.text()) == (404, f"{line}\n")


async def test_schedulers_are_asked_once_a_second_however_many_clients_ask(
        client: aiohttp.ClientSession, operator: FakeOperator, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        await (await client.get("/explain")).read()
    assert operator.asked == [("web", [TWO])], "of the draining ones, the oldest connection"
    monkeypatch.setattr(explain_handler, "FRESH", 0.0)
    await (await client.get("/explain")).read()
    assert len(operator.asked) == 2


async def test_service_with_only_counters_left_is_explained(
        client: aiohttp.ClientSession, status: FakeStatus) -> None:
    status.snapshot = None
    async with client.get("/explain") as answer:
        (service,) = (await answer.json())["services"]
    assert service["scheduler"] is None
    assert service["backends"][0]["causes"][0]["says"] == (
        "it is no longer in the table; only its counters are left")
