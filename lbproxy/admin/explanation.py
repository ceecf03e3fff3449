"""From snapshot, stats, facts and the schedulers' answers to the JSON of `/explain`. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lbproxy.admin.backend_metrics import state_of
from lbproxy.admin.causes import causes
from lbproxy.admin.explain_shape import (
    CheckShape,
    DrainShape,
    EndpointShape,
    ExplainedBackendShape,
    ExplainedServiceShape,
    ExplanationShape,
    ScoreShape,
)
from lbproxy.admin.rows import BackendRow, ServiceRow
from lbproxy.admin.state import Now, iso, left, reason_of
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import is_drained_by_operator
from lbproxy.model.facts import Facts
from lbproxy.model.snapshot import Backend, Endpoint, Policy, State
from lbproxy.model.stats import SchedulerChoice


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """One service with all that is known of it."""

    row: ServiceRow
    facts: Mapping[Address, Facts]
    choices: list[SchedulerChoice]


def explain(questions: Iterable[ServiceFacts], now: Now) -> ExplanationShape:
    """Give the whole answer."""
    return {"time": iso(now.wall), "services": [_service(question, now) for question in questions]}


def _service(question: ServiceFacts, now: Now) -> ExplainedServiceShape:
    service = question.row.service
    return {
        "name": question.row.name,
        "scheduler": service.policy.scheduler.value if service else None,
        "next": [{"worker": choice.worker, "backend": str(choice.next) if choice.next else None}
                 for choice in question.choices],
        "backends": [_backend(row, question, now) for row in question.row.backends],
    }


def _backend(row: BackendRow, question: ServiceFacts, now: Now) -> ExplainedBackendShape:
    facts = question.facts.get(row.address) if row.backend else None
    policy = question.row.service.policy if question.row.service else Policy()
    return {
        "address": str(row.address),
        "state": state_of(row.backend),
        "reason": reason_of(row.backend, now),
        "for_seconds": now.age(row.backend.since) if row.backend else None,
        "is_open": bool(row.backend and row.backend.is_open),
        "active": row.stats.active,
        "weight": row.backend.weight if row.backend else 0,
        "causes": causes(row, facts, policy, question.choices, now),
        "endpoint": _endpoint(facts.endpoint) if facts and facts.endpoint else None,
        "check": _check(facts, now) if facts else None,
        "ejected_for_seconds": left(facts.ejected_until, now) if facts else None,
        "drain": _drain(row, row.backend, question.choices, now) if row.backend else None,
        "scores": list(_scores(row.address, question.choices)),
    }


def _endpoint(endpoint: Endpoint) -> EndpointShape:
    return {"origin": endpoint.origin or "configuration", "is_ready": endpoint.is_ready,
            "is_serving": endpoint.is_serving, "is_terminating": endpoint.is_terminating, "weight": endpoint.weight}


def _check(facts: Facts, now: Now) -> CheckShape | None:
    check = facts.last_check
    if check is None:
        return None
    return {"seconds_ago": now.age(check.at), "took_seconds": round(check.seconds, 6), "failure": check.failure,
            "in_a_row": check.in_a_row, "verdict": facts.failure, "is_ignored": facts.is_check_doubted}


def _drain(row: BackendRow, backend: Backend, choices: list[SchedulerChoice], now: Now) -> DrainShape | None:
    if backend.state is not State.DRAINING:
        return None
    ages = [age for choice in choices if (age := choice.oldest_seconds.get(row.address)) is not None]
    return {"connections": row.stats.active, "reset_in_seconds": left(backend.deadline, now),
            "oldest_seconds": round(max(ages), 3) if ages else None,
            "by_operator": is_drained_by_operator(backend), "ends_in_seconds": left(backend.until, now)}


def _scores(address: Address, choices: list[SchedulerChoice]) -> Iterable[ScoreShape]:
    for choice in choices:
        if (score := choice.scores.get(address)) is not None:
            yield {"worker": choice.worker, "score": score.score, "active": score.active, "is_full": score.is_full,
                   "is_next": choice.next == address}
