"""An IPVS dataplane on a real kernel that ends and starts again."""

from lbproxy.dataplanes.ipvs.dataplane import IpvsDataplane
from lbproxy.dataplanes.ipvs.kind import this_machine
from lbproxy.model.snapshot import Service

from .harness import Harness
from .kinds import ipvs
from .topologies import Topology


class Balancer(Harness):
    """One after the other."""

    def __init__(self, topology: Topology) -> None:
        super().__init__(ipvs(), topology)

    async def restart(self, *services: Service) -> None:
        """End it without cleaning up, and start another one that is told of these."""
        assert isinstance(self.dataplane, IpvsDataplane)
        self.dataplane._is_cleaning = False
        await self.dataplane.close()
        self.dataplane = IpvsDataplane(this_machine(), is_cleaning=True)
        await self.apply(*services)
