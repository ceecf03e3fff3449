"""Makes the dataplane that was chosen."""

from collections.abc import Callable
from typing import NamedTuple

from lbproxy.config import Config
from lbproxy.config.options import DataplaneName
from lbproxy.dataplanes.base import Dataplane
from lbproxy.dataplanes.ipvs.dataplane import IpvsDataplane
from lbproxy.dataplanes.ipvs.marks import MarkRange
from lbproxy.dataplanes.ipvs.reconciler import Machine
from lbproxy.dataplanes.userspace.dataplane import UserspaceDataplane
from lbproxy.model import BackendKey
from lbproxy.stats import WorkerStats


class Carrier(NamedTuple):
    """A dataplane, and what tells of its processes: there are none if the kernel carries the connections."""

    dataplane: Dataplane
    workers: Callable[[], tuple[WorkerStats, ...]]


def carrier(name: DataplaneName, config: Config, on_failing: Callable[[BackendKey], None],
            on_drift: Callable[[str], None]) -> Carrier:
    """Make one. `on_failing` is told of backends whose connects fail, `on_drift` why the kernel is not as applied."""
    if name is DataplaneName.IPVS:
        marks = MarkRange(*config.ipvs_fwmark) if config.ipvs_fwmark else None
        return Carrier(IpvsDataplane(this_machine(), marks, is_cleaning=config.cleanup, on_drift=on_drift), tuple)
    userspace = UserspaceDataplane(config.workers, on_failing)
    return Carrier(userspace, userspace.workers)


def this_machine() -> Machine:
    """The kernel that this process runs on."""
    from lbproxy.dataplanes.ipvs.addresses import InterfaceAddresses  # noqa: PLC0415 - only IPVS needs them
    from lbproxy.dataplanes.ipvs.kernel import IpvsKernel  # noqa: PLC0415
    from lbproxy.dataplanes.ipvs.netfilter import NftTables  # noqa: PLC0415

    return Machine(IpvsKernel(), NftTables(), InterfaceAddresses())
