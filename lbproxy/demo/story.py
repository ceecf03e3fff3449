"""What was done to the backends, and what the balancer made of it. Pure: whoever tells it says what time it is.

Times are seconds since the demo began.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lbproxy.demo.rows import Row

LONGEST_MEMORY = 100
"""Events and acts that are remembered; a demo may run for days."""


class DemoEvent(NamedTuple):
    """Something that happened."""

    moment: float
    text: str


@dataclass(slots=True)
class Act:
    """One backend was stopped, and perhaps started again."""

    backend: str
    stopped_at: float
    retries_before: int = 0
    retries: int = 0
    """Connections that the balancer gave to another backend meanwhile."""
    states: list[str] = field(default_factory=list)
    """What the balancer said of it since, each once in a row."""
    started_at: float | None = None
    answers_before: int = 0
    used_at: float | None = None
    """When it had answered again after its start."""

    @property
    def was_noticed(self) -> bool:
        """The balancer went round the stopped backend."""
        return self.retries > 0 or any(not state.startswith("active") for state in self.states)

    @property
    def is_complete(self) -> bool:
        """The balancer went round the stopped backend, and came back to it."""
        return self.was_noticed and self.used_at is not None


class Story:
    """Grows with what is told to it."""

    def __init__(self) -> None:
        self.events: deque[DemoEvent] = deque(maxlen=LONGEST_MEMORY)
        self.acts: deque[Act] = deque(maxlen=LONGEST_MEMORY)
        self.rows: tuple[Row, ...] = ()
        """The backends as they were last seen."""
        self._answered: Mapping[str, int] = {}

    def tell(self, moment: float, text: str) -> None:
        """Add an event."""
        self.events.append(DemoEvent(moment, text))

    def stopped(self, moment: float, backend: str) -> None:
        """A backend was told to stop."""
        retries = next((row.retries for row in self.rows if row.name == backend), 0)
        self.acts.append(Act(backend, moment, retries_before=retries))
        self.tell(moment, f"{backend} is told to stop, as Kubernetes stops a pod (SIGTERM)")

    def started(self, moment: float, backend: str) -> None:
        """The backend of the last act runs again."""
        self.acts[-1].started_at = moment
        self.acts[-1].answers_before = self._answered.get(backend, 0)
        self.tell(moment, f"{backend} is started again")

    def observe(self, moment: float, rows: Iterable[Row], answered: Mapping[str, int]) -> None:
        """Look at the backends, and at how many requests each has answered."""
        before = {row.name: row.standing for row in self.rows}
        self.rows, self._answered = tuple(rows), dict(answered)
        for row in self.rows:
            if row.standing != before.get(row.name, row.standing):
                self.tell(moment, f"{row.name}: {before[row.name]} → {row.standing}")
            if self.acts and self.acts[-1].backend == row.name:
                _observe(self.acts[-1], moment, row, answered.get(row.name, 0))


def _observe(act: Act, moment: float, row: Row, answered: int) -> None:
    act.retries = row.retries - act.retries_before
    if act.states[-1:] != [row.standing]:
        act.states.append(row.standing)
    if act.used_at is None and act.started_at is not None and answered > act.answers_before:
        act.used_at = moment
