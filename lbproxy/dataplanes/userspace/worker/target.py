"""A backend as a worker knows it: where to connect, where its counters are, whether it may be chosen."""

from lbproxy.dataplanes.userspace.shared import counters
from lbproxy.dataplanes.userspace.worker.scheduler import Candidate
from lbproxy.model.address import Address


class Target(Candidate):
    """One backend of one service in one worker."""

    __slots__ = ("address", "at", "failures", "family", "is_open", "resets", "slot")

    def __init__(self, address: Address, slot: int) -> None:
        super().__init__()
        self.address = address
        self.family = address.family
        self.slot = slot
        self.at = counters.backend_at(slot)
        """Its first cell in a worker's block."""
        self.failures = 0
        """Connect failures in a row."""
        self.resets = 0
        """Connections in a row that it accepted and reset before a byte moved; a connect alone proves nothing then."""
        self.is_open = False
        """It is given new connections."""
