"""What the demo has shown, in a few lines, and whether that is a success. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lbproxy.demo.story import Act

LAST_ACTS = 3
"""Acts that are told in full."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole demo, at its end."""

    seconds: float
    answered: Mapping[str, int]
    """Complete answers, by backend."""
    failures: Mapping[str, int]
    """Requests without one, by what happened instead."""
    acts: Sequence[Act]
    must_be_complete: bool
    """It was to run for a given time, and nobody ended it before: then every act must be complete."""

    @property
    def exit_code(self) -> int:
        """0 if no request failed and what had to be shown was shown, else 1."""
        return int(bool(self.failures) or any(shortcomings(self)))


def summary(outcome: Outcome) -> Iterator[str]:
    """Say it in lines for people."""
    answered, failed = sum(outcome.answered.values()), sum(outcome.failures.values())
    yield f"{answered + failed} requests in {outcome.seconds:.1f} s: {answered} answered, {failed} failed"
    yield from (f"  {count} times {failure}" for failure, count in outcome.failures.items())
    yield "  answered by " + ", ".join(f"{name}: {count}" for name, count in sorted(outcome.answered.items()))
    for act in list(outcome.acts)[-LAST_ACTS:]:
        yield from _told(act)
    yield from (f"NOT SHOWN: {shortcoming}" for shortcoming in shortcomings(outcome))


def shortcomings(outcome: Outcome) -> Iterator[str]:
    """Say what should have been shown and was not."""
    if not outcome.must_be_complete:
        return
    if not outcome.acts:
        yield "no backend was stopped"
    for act in outcome.acts:
        if not act.was_noticed:
            yield f"the balancer never noticed that {act.backend} had stopped"
        if act.used_at is None:
            yield f"the balancer never used {act.backend} again"


def _told(act: Act) -> Iterator[str]:
    started = "" if act.started_at is None else f" and started again at {act.started_at:.1f} s"
    yield f"{act.backend} was told to stop at {act.stopped_at:.1f} s{started}; the balancer"
    yield f"  {_retried(act.retries)}"
    yield f"  saw it {' → '.join(act.states or ['not at all'])}"
    if act.started_at is not None and act.used_at is not None:
        yield f"  used it again {act.used_at - act.started_at:.1f} s after its start"


def _retried(number: int) -> str:
    if number == 0:
        return "found that out before it sent a connection there"
    connections = "1 connection" if number == 1 else f"{number} connections"
    return f"gave {connections} that it refused to another backend"
