"""Why one backend gets connections or none: the facts as sentences, in the order in which they are heeded. Pure."""

from collections.abc import Iterator

from lbproxy.admin.explain_shape import CauseShape
from lbproxy.admin.rows import BackendRow
from lbproxy.admin.state import Now
from lbproxy.model.facts import CheckResult, Facts
from lbproxy.model.snapshot import Endpoint, Policy, Scheduler
from lbproxy.model.stats import SchedulerChoice
from lbproxy.text.units import format_roughly

RULES = {Scheduler.LC: "the fewest connections", Scheduler.WLC: "the fewest connections per weight",
         Scheduler.RR: "in turn", Scheduler.WRR: "in turn, in proportion to the weights",
         Scheduler.SH: "by the client's address", Scheduler.MH: "by the client's address, the same everywhere",
         Scheduler.SED: "the shortest wait to be expected", Scheduler.NQ: "who is idle, else the shortest wait"}
"""What a scheduler goes by."""


def causes(row: BackendRow, facts: Facts | None, policy: Policy, choices: list[SchedulerChoice],
           now: Now) -> list[CauseShape]:
    """Give the chain. One link is decisive: those before it would let it have connections, those after it say more."""
    if facts is None:
        return [_cause("source", "it is not in the table any more; only its counts are left", decides=True)]
    chain = [_source(facts.endpoint), *_operator(facts, now), *_checks(row, facts, policy, now), *_ejection(facts, now),
             *_weight(facts.endpoint), *_connections(row, now)]
    decisive = next((cause for cause in chain if cause["is_decisive"]), None)
    if decisive is None:
        return [*chain, _scheduler(row, policy, choices)]
    return [{**cause, "is_decisive": cause is decisive} for cause in chain]


def _cause(about: str, says: str, *, decides: bool = False) -> CauseShape:
    return {"about": about, "says": says, "is_decisive": decides}


def _source(endpoint: Endpoint | None) -> CauseShape:
    if endpoint is None:
        return _cause("source", "its source does not name it any more", decides=True)
    if not endpoint.origin:
        return _cause("source", "the configuration names it")
    return _cause("source", f"{endpoint.origin} says {_conditions(endpoint)}", decides=not endpoint.is_ready)


def _conditions(endpoint: Endpoint) -> str:
    said = {"ready": endpoint.is_ready, "serving": endpoint.is_serving, "terminating": endpoint.is_terminating}
    return ", ".join(word if is_said else f"not {word}" for word, is_said in said.items())


def _operator(facts: Facts, now: Now) -> Iterator[CauseShape]:
    order, endpoint = facts.order, facts.endpoint
    if order is not None:
        end = "until lbproxy undrain" if order.until is None else f"for another {format_roughly(now.left(order.until))}"
        is_heeded = endpoint is not None and not endpoint.is_terminating
        yield _cause("operator", f"an operator drains it, {end}", decides=is_heeded)


def _checks(row: BackendRow, facts: Facts, policy: Policy, now: Now) -> Iterator[CauseShape]:
    if not policy.health.interval:
        yield _cause("checks", "it is not checked (health-interval 0)")
    elif row.backend is not None and row.backend.deadline is not None:
        yield _cause("checks", "it is not checked any more, as its connections will be reset")
    elif facts.last_check is None:
        yield _cause("checks", "no check was made yet")
    else:
        verdict = _verdict(facts, policy)
        is_heeded = facts.failure is not None and not facts.is_check_doubted and _is_candidate(facts)
        yield _cause("checks", f"{_last(facts.last_check, now)}{verdict}", decides=is_heeded)


def _last(check: CheckResult, now: Now) -> str:
    outcome = "passed" if check.failure is None else f"failed ({check.failure})"
    times = f"{check.in_a_row} times in a row" if check.in_a_row > 1 else "once"
    return f"the last check {outcome} {now.age(check.at):.1f} s ago in {1000 * check.seconds:.1f} ms, {times}"


def _verdict(facts: Facts, policy: Policy) -> str:
    if facts.failure is None:
        return ""
    if facts.is_check_doubted:
        return "; ignored, as more than half of the backends fail their checks"
    return f"; it counts as dead until {policy.health.rise} in a row pass"


def _ejection(facts: Facts, now: Now) -> Iterator[CauseShape]:
    if facts.ejected_until is not None:
        left = format_roughly(now.left(facts.ejected_until))
        yield _cause("ejection", f"ejected for another {left}: connects failed in a row", decides=_is_candidate(facts))


def _weight(endpoint: Endpoint | None) -> Iterator[CauseShape]:
    if endpoint is not None and endpoint.is_ready:
        if endpoint.weight == 0:
            yield _cause("weight", "weight 0: it keeps its connections and gets no new ones", decides=True)
        elif endpoint.weight != 1:
            yield _cause("weight", f"weight {endpoint.weight}")


def _is_candidate(facts: Facts) -> bool:
    return facts.order is None and facts.endpoint is not None and facts.endpoint.is_ready


def _connections(row: BackendRow, now: Now) -> Iterator[CauseShape]:
    backend = row.backend
    if backend is not None and backend.deadline is not None:
        yield _cause("connections", f"{_left(row)}; reset in {format_roughly(now.left(backend.deadline))}")
    elif backend is not None and not backend.is_open:
        yield _cause("connections", f"{_left(row)}; they may go on" if row.stats.active else _left(row))


def _left(row: BackendRow) -> str:
    return f"it has {row.stats.active or 'no'} connection{'s' * (row.stats.active != 1)} left"


def _scheduler(row: BackendRow, policy: Policy, choices: list[SchedulerChoice]) -> CauseShape:
    limit = f", {policy.max_conns} at most" if policy.max_conns else ""
    rule = f"{policy.scheduler.value} chooses {RULES[policy.scheduler]}; it has {row.stats.active}{limit}"
    ahead = [choice.worker for choice in choices if choice.next == row.address]
    return _cause("scheduler", f"{rule}{_turn(ahead, len(choices))}", decides=True)


def _turn(ahead: list[int], workers: int) -> str:
    if not ahead:
        return ""
    which = "" if workers == 1 else f" of worker{'s' * (len(ahead) > 1)} {', '.join(map(str, ahead))}"
    return f"; the next connection{which} is for it"
