"""Where backends come from: references as values, and what resolves them."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from lbproxy.model.snapshot import Endpoint, Services, ServiceSpec

Publish = Callable[[Services], None]
"""Takes the complete set of services; what is absent is gone."""


class Reference:
    """Says where backends come from. The type is the tag: each resolver knows its own, and passes over the others.

    Frozen and hashable; `str` of it names it to an operator.
    """

    __slots__ = ()


class WantedService(NamedTuple):
    """A service as its owner wants it: everything but its endpoints, and the references to them in order."""

    spec: ServiceSpec
    references: tuple[Reference, ...]


WantedServices = Mapping[str, WantedService]
"""The complete set, by name."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What is known of one reference."""

    endpoints: tuple[Endpoint, ...] = ()
    """The complete set, each address once."""
    is_known: bool = True
    """False while its endpoints were never learned: that there are none says nothing then."""
    trouble: str = ""
    """Why the endpoints may be out of date, or why there are none yet; empty: they are what the last answer says."""
    changed_at: float | None = None
    """When the endpoints changed where they come from: seconds since 1970; None: nobody says so."""


class Resolver(Protocol):
    """Turns references of one type into endpoints. Never takes any away because of an error (fail static)."""

    def want(self, references: AbstractSet[Reference]) -> None:
        """Resolve from now on what of these is of this resolver's type: the complete set, others are forgotten."""

    def resolve(self, reference: Reference) -> Resolution | None:
        """Give what is known now, the same object while nothing changes; None: it is of another type.

        The reference is one of those wanted. Nothing here waits or fails.
        """

    def waits_for(self) -> str:
        """Say which first answers are still missing, as `DNS has not answered yet for db.internal`; empty: none."""

    async def run(self, on_change: Callable[[], None]) -> None:
        """Resolve until cancelled; call `on_change` after each change of what `resolve` gives. Raises nothing else."""
