"""`LeastScore` against a scheduler so simple that it is plainly right: exact fractions, and a look at everybody."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, count
from math import ceil, floor

from hypothesis import given, settings
from hypothesis import strategies as st

from lbproxy.dataplanes.userspace.kind import USERSPACE
from lbproxy.dataplanes.userspace.worker.scheduler import Candidate, LeastScore
from lbproxy.model.snapshot import MAX_WEIGHT, Scheduler

PEOPLE = 5
WEIGHTS = st.integers(0, 4) | st.integers(0, MAX_WEIGHT)
STEPS = st.lists(st.tuples(st.sampled_from(["acquire", "acquire", "release", "admit", "withdraw", "weigh", "avoid"]),
                           st.integers(0, PEOPLE - 1), WEIGHTS), max_size=150)


@dataclass(eq=False)
class Person:
    """A candidate of the naive scheduler."""

    weight: int
    active: int = 0
    turns: int = 0
    since: int = 0
    """When it took its place: of two equals, the one who has waited longer is chosen."""


@dataclass
class Naive:
    """Scores everybody anew each time."""

    scheduler: Scheduler
    standing: list[Person] = field(default_factory=list)
    picked: Fraction = Fraction(0)
    now: Callable[[], int] = field(default_factory=lambda: count().__next__)

    def score(self, person: Person) -> Fraction:
        match self.scheduler:
            case Scheduler.LC:
                return Fraction(person.active)
            case Scheduler.WLC:
                return Fraction(person.active, person.weight)
            case Scheduler.RR:
                return Fraction(person.turns)
            case Scheduler.WRR:
                return Fraction(person.turns + 1, person.weight)
        raise AssertionError(f"{self.scheduler} is not one of userspace")

    def admit(self, person: Person) -> None:
        if person in self.standing or not person.weight:
            return
        is_weighted = self.scheduler is Scheduler.WRR
        due = self.picked * (person.weight if is_weighted else 1)
        if self.scheduler in {Scheduler.RR, Scheduler.WRR}:
            person.turns = min(max(person.turns, ceil(due) - is_weighted), floor(due) + 1 - is_weighted)
        person.since = self.now()
        self.standing.append(person)

    def withdraw(self, person: Person) -> None:
        if person in self.standing:
            self.standing.remove(person)

    def acquire(self, excluded: list[Person]) -> Person | None:
        able = [person for person in self.standing if person not in excluded]
        if not able:
            return None
        best = min(able, key=lambda person: (self.score(person), person.since))
        self.picked = self.score(best)
        best.active += 1
        best.turns += 1
        best.since = self.now()
        return best

    def release(self, person: Person) -> None:
        person.active -= 1
        if self.scheduler in {Scheduler.LC, Scheduler.WLC}:
            person.since = self.now()


class Both:
    """The two side by side."""

    def __init__(self, scheduler: Scheduler, weights: list[int]) -> None:
        self.naive, self.least = Naive(scheduler), LeastScore[Candidate](scheduler)
        self.people, self.candidates = list(map(Person, weights)), list(map(Candidate, weights))

    def step(self, op: str, who: int, weight: int) -> None:
        person, candidate = self.people[who], self.candidates[who]
        match op:
            case "acquire" | "avoid":
                self._acquire([who] if op == "avoid" else [])
            case "release":
                if person.active:
                    self.naive.release(person)
                    self.least.release(candidate)
            case "admit":
                self.naive.admit(person)
                self.least.admit(candidate)
            case "withdraw" | "weigh":
                self.naive.withdraw(person)
                self.least.withdraw(candidate)
                if op == "weigh":
                    person.weight = candidate.weight = weight
                    self.step("admit", who, weight)

    def _acquire(self, excluded: list[int]) -> None:
        expected = self.naive.acquire([self.people[who] for who in excluded])
        chosen = self.least.acquire([self.candidates[who] for who in excluded])
        assert (chosen and self.candidates.index(chosen)) == (expected and self.people.index(expected))

    def check(self) -> None:
        assert [c.active for c in self.candidates] == [p.active for p in self.people]
        assert len(self.least) == len(self.naive.standing)


@given(st.sampled_from(sorted(USERSPACE.schedulers)), st.lists(WEIGHTS, min_size=PEOPLE, max_size=PEOPLE), STEPS)
@settings(deadline=None, max_examples=400)
def test_chooses_whom_the_naive_scheduler_chooses(
        scheduler: Scheduler, weights: list[int], steps: list[tuple[str, int, int]]) -> None:
    both = Both(scheduler, weights)
    for who in range(PEOPLE):
        both.step("admit", who, 0)
    for step in steps:
        both.step(*step)
        both.check()


@given(st.lists(st.integers(1, MAX_WEIGHT), min_size=1, max_size=6), st.integers(1, 3))
@settings(deadline=None)
def test_wrr_is_exact_over_whole_cycles_and_never_a_whole_pick_late(weights: list[int], cycles: int) -> None:
    least, candidates = LeastScore[Candidate](Scheduler.WRR), list(map(Candidate, weights))
    for candidate in candidates:
        least.admit(candidate)
    chosen = [least.acquire() for _ in range(cycles * sum(weights))]
    for candidate, weight in zip(candidates, weights, strict=True):
        so_far = accumulate(pick is candidate for pick in chosen)
        assert all(got > number * weight / sum(weights) - 1 for number, got in enumerate(so_far, 1))
    assert Counter(chosen) == {c: cycles * w for c, w in zip(candidates, weights, strict=True)}
