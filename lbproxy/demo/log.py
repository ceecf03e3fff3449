"""What was done to the backends, what the balancer did about it, and the summary at the end.

Pure: the caller passes the time, in seconds since the demo began.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lbproxy.demo.frame import DemoEvent, DemoRow

LONGEST_MEMORY = 100
"""Events and outages that are remembered; a demo may run for days."""
LAST_OUTAGES = 3
"""Outages that the summary describes."""


@dataclass(slots=True)
class Outage:
    """One backend was stopped, and perhaps started again."""

    backend: str
    stopped_at: float
    retries_before: int = 0
    retries: int = 0
    """Connections that it refused since, and that the balancer gave to another backend."""
    states: list[str] = field(default_factory=list)
    """The states that the balancer has reported since, without repetitions."""
    started_at: float | None = None
    answers_before: int = 0
    used_at: float | None = None
    """When its first answer after the start was seen."""

    @property
    def was_noticed(self) -> bool:
        """Whether the balancer avoided the stopped backend."""
        return self.retries > 0 or any(not state.startswith("active") for state in self.states)

    @property
    def is_complete(self) -> bool:
        """Whether the balancer avoided the stopped backend, and used it again after its start."""
        return self.was_noticed and self.used_at is not None


class DemoLog:
    """Collects events and outages."""

    def __init__(self) -> None:
        self.events: deque[DemoEvent] = deque(maxlen=LONGEST_MEMORY)
        self.outages: deque[Outage] = deque(maxlen=LONGEST_MEMORY)
        self.rows: tuple[DemoRow, ...] = ()
        """The backends as last seen."""
        self._answered: Mapping[str, int] = {}

    def add(self, moment: float, text: str) -> None:
        """Add an event; `moment` is in seconds since the demo began."""
        self.events.append(DemoEvent(moment, text))

    def stopped(self, moment: float, backend: str) -> None:
        """Begin an outage: this backend is being told to stop."""
        # The balancer's counters only grow: what was counted before the outage is taken off.
        retries = next((row.retries for row in self.rows if row.name == backend), 0)
        self.outages.append(Outage(backend, moment, retries_before=retries))
        self.add(moment, f"{backend} is told to stop, as Kubernetes stops a pod (SIGTERM)")

    def started(self, moment: float, backend: str) -> None:
        """Note that the backend of the last outage runs again."""
        self.outages[-1].started_at = moment
        self.outages[-1].answers_before = self._answered.get(backend, 0)
        self.add(moment, f"{backend} is started again")

    def observe(self, moment: float, rows: Iterable[DemoRow], answered: Mapping[str, int]) -> None:
        """Take the backends as they are now, and the number of answers from each; changes of state become events."""
        before = {row.name: row.status for row in self.rows}
        self.rows, self._answered = tuple(rows), dict(answered)
        for row in self.rows:
            if row.status != before.get(row.name, row.status):
                self.add(moment, f"{row.name}: {before[row.name]} → {row.status}")
            # Only the last outage: there is never more than one at a time.
            if self.outages and self.outages[-1].backend == row.name:
                _observe(self.outages[-1], moment, row, answered.get(row.name, 0))


def _observe(outage: Outage, moment: float, row: DemoRow, answered: int) -> None:
    outage.retries = row.retries - outage.retries_before
    if outage.states[-1:] != [row.status]:
        outage.states.append(row.status)
    if outage.used_at is None and outage.started_at is not None and answered > outage.answers_before:
        outage.used_at = moment


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole demo, at its end."""

    seconds: float
    answered: Mapping[str, int]
    """Complete answers, by backend."""
    failures: Mapping[str, int]
    """Requests without one, by the error instead."""
    outages: Sequence[Outage]
    must_be_complete: bool
    """It ran for its whole given time, so every outage must be complete."""

    @property
    def exit_code(self) -> int:
        """0 if no request failed and everything that had to be shown was shown, else 1."""
        return int(bool(self.failures) or any(shortcomings(self)))


def summary(outcome: Outcome) -> Iterator[str]:
    """Yield the lines that the demo ends with."""
    answered, failed = sum(outcome.answered.values()), sum(outcome.failures.values())
    yield f"{answered + failed} requests in {outcome.seconds:.1f} s: {answered} answered, {failed} failed"
    yield from (f"  {count} times {failure}" for failure, count in outcome.failures.items())
    yield "  answered by " + ", ".join(f"{name}: {count}" for name, count in sorted(outcome.answered.items()))
    for outage in list(outcome.outages)[-LAST_OUTAGES:]:
        yield from _described(outage)
    yield from (f"NOT SHOWN: {shortcoming}" for shortcoming in shortcomings(outcome))


def shortcomings(outcome: Outcome) -> Iterator[str]:
    """Yield what should have been shown and was not; nothing for a demo that was interrupted."""
    if not outcome.must_be_complete:
        return
    if not outcome.outages:
        yield "no backend was stopped"
    for outage in outcome.outages:
        if not outage.was_noticed:
            yield f"the balancer never noticed that {outage.backend} had stopped"
        if outage.used_at is None:
            yield f"the balancer never used {outage.backend} again"


def _described(outage: Outage) -> Iterator[str]:
    started = "" if outage.started_at is None else f" and started again at {outage.started_at:.1f} s"
    yield f"{outage.backend} was told to stop at {outage.stopped_at:.1f} s{started}. The balancer"
    yield f"  {_retried(outage.retries)}"
    yield f"  saw these states: {' → '.join(outage.states or ['none'])}"
    if outage.started_at is not None and outage.used_at is not None:
        yield f"  used it again {outage.used_at - outage.started_at:.1f} s after its start"


def _retried(number: int) -> str:
    if number == 0:
        return "noticed before it sent a connection there"
    return f"gave {number} refused connection{'s' * (number != 1)} to another backend"
