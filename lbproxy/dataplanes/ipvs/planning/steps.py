"""The steps by which IPVS is changed, one kernel request each. Frozen values, no I/O.

`str` of a step says what it does, to follow "can't ".
"""

from dataclasses import dataclass

from lbproxy.dataplanes.ipvs.planning.values import Destination, ServiceKey, Timeouts
from lbproxy.model.address import Address


@dataclass(frozen=True, slots=True)
class AddService:
    """Make a virtual service without destinations."""

    key: ServiceKey
    scheduler: str

    def __str__(self) -> str:
        return f"add the IPVS service {self.key} with scheduler {self.scheduler}"


@dataclass(frozen=True, slots=True)
class SetService:
    """Give a virtual service this scheduler and take away persistence and flags. Destinations and counters stay."""

    key: ServiceKey
    scheduler: str

    def __str__(self) -> str:
        return f"set the IPVS service {self.key} to scheduler {self.scheduler}"


@dataclass(frozen=True, slots=True)
class DeleteService:
    """Remove a virtual service with its destinations."""

    key: ServiceKey

    def __str__(self) -> str:
        return f"delete the IPVS service {self.key}"


@dataclass(frozen=True, slots=True)
class AddDestination:
    """Add a destination, masquerading."""

    key: ServiceKey
    destination: Destination

    def __str__(self) -> str:
        return f"add the destination {self.destination.address} to the IPVS service {self.key}"


@dataclass(frozen=True, slots=True)
class SetDestination:
    """Give a destination this weight and limit, masquerading, no lower threshold. Connections and counters stay."""

    key: ServiceKey
    destination: Destination

    def __str__(self) -> str:
        return f"set the destination {self.destination.address} of the IPVS service {self.key}"


@dataclass(frozen=True, slots=True)
class DeleteDestination:
    """Remove a destination: its connections are lost.

    With `expire_nodest_conn` their clients are reset as soon as they send; without it their packets vanish silently.
    """

    key: ServiceKey
    address: Address

    def __str__(self) -> str:
        return f"delete the destination {self.address} of the IPVS service {self.key}"


@dataclass(frozen=True, slots=True)
class SetTimeouts:
    """Set how long silent connections are remembered; 0 leaves one as it is."""

    timeouts: Timeouts

    def __str__(self) -> str:
        return "set the IPVS timeouts"


Step = AddService | SetService | DeleteService | AddDestination | SetDestination | DeleteDestination | SetTimeouts
