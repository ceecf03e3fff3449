"""One competitor: a system in one of its shapes."""

from dataclasses import dataclass

from bench.systems import Direct, System


@dataclass(frozen=True, slots=True)
class Row:
    """A system and how it is set up. `workers` None is one for each CPU of the node."""

    label: str
    system: System
    workers: int | None = 1
    scheduler: str | None = None

    @property
    def is_direct(self) -> bool:
        """Return whether the client goes past the node."""
        return isinstance(self.system, Direct)
