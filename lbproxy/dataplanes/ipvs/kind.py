"""IPVS, as the program asks of it before it runs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lbproxy.config import Config, ServiceConfig
from lbproxy.config.source_map import Problem
from lbproxy.dataplanes.ipvs.planning.loopback import loopback_conflict
from lbproxy.dataplanes.kind import DataplaneReports, RunningDataplane
from lbproxy.model.address import Address
from lbproxy.model.finding import Finding
from lbproxy.model.snapshot import Scheduler
from lbproxy.net.system import System

if TYPE_CHECKING:
    from lbproxy.dataplanes.ipvs.reconciler import Machine


def this_machine() -> "Machine":
    """Give the kernel that this process runs on; nothing is opened yet."""
    from lbproxy.dataplanes.ipvs.kernel.ipvs import IpvsKernel  # noqa: PLC0415 - heavy, and only IPVS needs them
    from lbproxy.dataplanes.ipvs.kernel.netfilter import NftTables  # noqa: PLC0415
    from lbproxy.dataplanes.ipvs.reconciler import Machine  # noqa: PLC0415
    from lbproxy.netlink.addresses import InterfaceAddresses  # noqa: PLC0415

    return Machine(IpvsKernel(), NftTables(), InterfaceAddresses())


@dataclass(frozen=True, slots=True)
class IpvsKind:
    """Implements `DataplaneKind`. `machine` gives the kernel to ask and to keep; its taker closes it."""

    machine: "Callable[[], Machine]" = this_machine

    name = "ipvs"
    summary = "the kernel's IPVS"
    own_options = frozenset({"ipvs_fwmark", "cleanup"})
    schedulers = frozenset(Scheduler)

    def unsupported(self, config: Config) -> Iterator[Problem]:
        """See `DataplaneKind`: addresses between which the kernel can't pass connections."""
        for index, service in enumerate(config.services):
            for place, listen in enumerate(service.listen):
                if text := _unservable(listen, service):
                    yield Problem(("services", index, "listen", place), text)

    async def preflight(self, config: Config, system: System) -> Sequence[Finding]:
        """See `DataplaneKind`."""
        from lbproxy.dataplanes.ipvs.preflight.findings import findings  # noqa: PLC0415 - not before it is of use

        machine = self.machine()
        try:
            return await findings(config, system, machine)
        finally:
            await machine.close()

    def make(self, config: Config, reports: DataplaneReports) -> RunningDataplane:
        """See `DataplaneKind`."""
        from lbproxy.dataplanes.ipvs.dataplane import IpvsDataplane  # noqa: PLC0415 - not before it is of use
        from lbproxy.dataplanes.ipvs.planning.marks import MarkRange  # noqa: PLC0415

        marks = MarkRange(*config.ipvs_fwmark) if config.ipvs_fwmark else None
        dataplane = IpvsDataplane(self.machine(), marks, is_cleaning=config.cleanup, on_drift=reports.on_drift,
                                  restarter=reports.restarter)
        return RunningDataplane(dataplane)


IPVS = IpvsKind()


def _unservable(listen: Address, service: ServiceConfig) -> str | None:
    """Say why the kernel can't pass connections from there to the service's backends; None if it can."""
    backends = [endpoint.address for endpoint in service.endpoints()]
    # Backends that are still to be resolved may be of any family, so nothing is said about those.
    if backends and not service.is_resolved() and all(backend.family != listen.family for backend in backends):
        return f"{listen} has no backend of its family, and IPVS translates addresses only; write one, or remove it"
    # The same rule as in planning: what sources find later is refused there, by `BindError`.
    return loopback_conflict(listen, backends)
