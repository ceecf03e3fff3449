"""Why each backend gets connections or none: the JSON of `/explain`, with the chain of causes as sentences. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from lbproxy.admin.reading import Now
from lbproxy.admin.schema import (
    CauseShape,
    CheckShape,
    DrainShape,
    EndpointShape,
    ExplainedBackendShape,
    ExplainedServiceShape,
    ExplanationShape,
    ScoreShape,
    SourceShape,
    iso,
)
from lbproxy.admin.state import BackendRow, ServiceRow, reason_of, seconds_left, state_of
from lbproxy.model.address import Address
from lbproxy.model.drain_orders import is_drained_by_operator
from lbproxy.model.facts import CheckResult, Facts, SourceFacts
from lbproxy.model.snapshot import Backend, Endpoint, Policy, Scheduler, State
from lbproxy.model.stats import SchedulerChoice
from lbproxy.text.units import format_roughly

SCHEDULERS = {
    Scheduler.LC: "the backend with the fewest connections",
    Scheduler.WLC: "the backend with the fewest connections per weight",
    Scheduler.RR: "backends in turn",
    Scheduler.WRR: "backends in turn, in proportion to their weights",
    Scheduler.SH: "by the client's address",
    Scheduler.MH: "by the client's address, alike in every replica",
    Scheduler.SED: "the backend with the shortest expected delay",
    Scheduler.NQ: "an idle backend, or else the one with the shortest expected delay",
}
"""What each scheduler chooses, as the words after "chooses". The kernel's are described in ipvsadm(8)."""


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """One service with what is known of it: facts by address, each worker's choice, and the service's sources."""

    row: ServiceRow
    facts: Mapping[Address, Facts]
    choices: list[SchedulerChoice]
    sources: Sequence[SourceFacts] = ()


def explain(questions: Iterable[ServiceFacts], now: Now) -> ExplanationShape:
    """Give the whole answer of `/explain`."""
    return {"time": iso(now.wall), "services": [_service(question, now) for question in questions]}


def explanation_pieces(questions: Iterable[ServiceFacts], now: Now) -> Iterator[str]:
    """Give the whole answer of `/explain` as pieces of JSON, a backend in each."""
    yield json.dumps({"time": iso(now.wall)})[:-1] + ',\n"services": ['
    for number, question in enumerate(questions):
        yield (",\n" if number else "\n") + json.dumps(_head(question))[:-1] + ',\n"backends": ['
        for place, row in enumerate(question.row.backends):
            yield (",\n" if place else "\n") + json.dumps(_backend(row, question, now), allow_nan=False)
        yield "\n]}"
    yield "\n]}\n"


def _service(question: ServiceFacts, now: Now) -> ExplainedServiceShape:
    backends = [_backend(row, question, now) for row in question.row.backends]
    return cast("ExplainedServiceShape", {**_head(question), "backends": backends})


def _head(question: ServiceFacts) -> dict[str, object]:
    service = question.row.service
    return {
        "name": question.row.name,
        "scheduler": service.policy.scheduler.value if service else None,
        "next": [{"worker": choice.worker, "backend": str(choice.next) if choice.next else None}
                 for choice in question.choices],
        "sources": [_origin(source) for source in question.sources],
    }


def _origin(source: SourceFacts) -> SourceShape:
    return {"origin": source.origin, "is_known": source.is_known, "endpoints": source.endpoints,
            "trouble": source.trouble or None}


def _backend(row: BackendRow, question: ServiceFacts, now: Now) -> ExplainedBackendShape:
    facts = question.facts.get(row.address) if row.backend else None
    # A service of which only counters are left has no policy; nothing that is said of it depends on one.
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
        "ejected_for_seconds": seconds_left(facts.ejected_until, now) if facts else None,
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
            "not_made": check.not_made, "in_a_row": check.in_a_row, "verdict": facts.failure,
            "is_ignored": facts.is_check_doubted}


def _drain(row: BackendRow, backend: Backend, choices: list[SchedulerChoice], now: Now) -> DrainShape | None:
    if backend.state is not State.DRAINING:
        return None
    # Each worker knows only the connections that it relays itself.
    ages = [age for choice in choices if (age := choice.oldest_seconds.get(row.address)) is not None]
    return {"connections": row.stats.active, "reset_in_seconds": seconds_left(backend.deadline, now),
            "oldest_seconds": round(max(ages), 3) if ages else None,
            "by_operator": is_drained_by_operator(backend), "ends_in_seconds": seconds_left(backend.until, now)}


def _scores(address: Address, choices: list[SchedulerChoice]) -> Iterable[ScoreShape]:
    for choice in choices:
        if (score := choice.scores.get(address)) is not None:
            yield {"worker": choice.worker, "score": score.score, "active": score.active, "is_full": score.is_full,
                   "is_next": choice.next == address}


def causes(row: BackendRow, facts: Facts | None, policy: Policy, choices: list[SchedulerChoice],
           now: Now) -> list[CauseShape]:
    """Give the chain of causes in the order in which lbproxy applies them.

    Exactly one cause is decisive: those before it would let the backend have connections, those after it only inform.
    """
    if facts is None:
        return [_cause("source", "it is no longer in the table; only its counters are left", decides=True)]
    chain = [_source(facts.endpoint), *_operator(facts, now), *_checks(row, facts, policy, now), *_ejection(facts, now),
             *_weight(facts.endpoint), *_connections(row, now)]
    decisive = next((cause for cause in chain if cause["is_decisive"]), None)
    if decisive is None:  # nothing keeps connections from it, so its share is up to the scheduler
        return [*chain, _scheduler(row, policy, choices)]
    # A cause after the first decisive one would decide, too, if it were alone.
    return [{**cause, "is_decisive": cause is decisive} for cause in chain]


def _cause(about: str, says: str, *, decides: bool = False) -> CauseShape:
    return {"about": about, "says": says, "is_decisive": decides}


def _source(endpoint: Endpoint | None) -> CauseShape:
    if endpoint is None:
        return _cause("source", "its source no longer lists it", decides=True)
    if not endpoint.origin:
        return _cause("source", "the configuration lists it")
    if endpoint.origin.startswith("dns "):  # DNS knows no conditions
        return _cause("source", f"{endpoint.origin} has its address")
    return _cause("source", f"{endpoint.origin} says {_conditions(endpoint)}", decides=not endpoint.is_ready)


def _conditions(endpoint: Endpoint) -> str:
    said = {"ready": endpoint.is_ready, "serving": endpoint.is_serving, "terminating": endpoint.is_terminating}
    return ", ".join(word if is_said else f"not {word}" for word, is_said in said.items())


def _operator(facts: Facts, now: Now) -> Iterator[CauseShape]:
    order, endpoint = facts.order, facts.endpoint
    if order is not None:
        end = "until lbproxy undrain" if order.until is None else f"for another {format_roughly(now.left(order.until))}"
        # What goes away drains for its own reason, with a deadline (the table of reasons in control/drain.py).
        is_in_force = endpoint is not None and not endpoint.is_terminating
        yield _cause("operator", f"an operator drains it {end}", decides=is_in_force)


def _checks(row: BackendRow, facts: Facts, policy: Policy, now: Now) -> Iterator[CauseShape]:
    if not policy.health.interval:
        yield _cause("checks", "it is not checked (health-interval 0)")
    elif row.backend is not None and row.backend.deadline is not None:
        yield _cause("checks", "it is no longer checked, because its connections will be reset")
    elif facts.last_check is None:
        yield _cause("checks", "it has not been checked yet")
    else:
        verdict = _verdict(facts, policy)
        is_in_force = facts.failure is not None and not facts.is_check_doubted and _is_candidate(facts)
        yield _cause("checks", f"{_last(facts.last_check, now)}{verdict}", decides=is_in_force)


def _last(check: CheckResult, now: Now) -> str:
    if check.not_made is not None:
        return f"the last check could not be made here, {now.age(check.at):.1f} s ago: {check.not_made}"
    outcome, results = ("passed", "passes") if check.failure is None else (f"failed ({check.failure})", "failures")
    streak = f" ({check.in_a_row} {results} in a row)" if check.in_a_row > 1 else ""
    return f"the last check {outcome} {now.age(check.at):.1f} s ago and took {1000 * check.seconds:.1f} ms{streak}"


def _verdict(facts: Facts, policy: Policy) -> str:
    if facts.failure is None:
        return ""
    if facts.is_check_doubted:
        return "; ignored, because more than half of the backends fail their checks"
    return f"; the backend counts as failed until {policy.health.rise} checks in a row pass"


def _ejection(facts: Facts, now: Now) -> Iterator[CauseShape]:
    if facts.ejected_until is not None:
        why = f"ejected for another {format_roughly(now.left(facts.ejected_until))}: several connects in a row failed"
        yield _cause("ejection", why, decides=_is_candidate(facts))


def _weight(endpoint: Endpoint | None) -> Iterator[CauseShape]:
    if endpoint is not None and endpoint.is_ready:
        if endpoint.weight == 0:
            yield _cause("weight", "weight 0: it keeps its connections and gets no new ones", decides=True)
        elif endpoint.weight != 1:
            yield _cause("weight", f"weight {endpoint.weight}")


def _is_candidate(facts: Facts) -> bool:
    # Checks and ejections change nothing about a backend that its source or an operator keeps out already.
    return facts.order is None and facts.endpoint is not None and facts.endpoint.is_ready


def _connections(row: BackendRow, now: Now) -> Iterator[CauseShape]:
    backend = row.backend
    if backend is not None and backend.deadline is not None:
        rest = format_roughly(now.left(backend.deadline))
        yield _cause("connections", f"{_left(row)}; what remains is reset in {rest}")
    elif backend is not None and not backend.is_open:
        yield _cause("connections", f"{_left(row)}, which may go on" if row.stats.active else _left(row))


def _left(row: BackendRow) -> str:
    return f"it has {row.stats.active or 'no'} connection{'s' * (row.stats.active != 1)} left"


def _scheduler(row: BackendRow, policy: Policy, choices: list[SchedulerChoice]) -> CauseShape:
    limit = f" of {policy.max_conns} at most" if policy.max_conns else ""
    rule = f"{policy.scheduler.value} chooses {SCHEDULERS[policy.scheduler]}; this one has {row.stats.active}{limit}"
    ahead = [choice.worker for choice in choices if choice.next == row.address]
    return _cause("scheduler", f"{rule}{_turn(ahead, len(choices))}", decides=True)


def _turn(ahead: list[int], workers: int) -> str:
    if not ahead:
        return ""
    which = "" if workers == 1 else f" of worker{'s' * (len(ahead) > 1)} {', '.join(map(str, ahead))}"
    return f"; it gets the next connection{which}"
