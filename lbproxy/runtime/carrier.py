"""Makes the dataplane that was chosen."""

from collections.abc import Callable
from typing import NamedTuple

from lbproxy.config import Config
from lbproxy.config.options import DataplaneName
from lbproxy.dataplanes.ipvs.dataplane import IpvsDataplane
from lbproxy.dataplanes.ipvs.planning.marks import MarkRange
from lbproxy.dataplanes.ipvs.reconciler import Machine
from lbproxy.dataplanes.userspace.main.dataplane import UserspaceDataplane
from lbproxy.model.dataplane import Dataplane
from lbproxy.model.snapshot import BackendKey
from lbproxy.model.stats import WorkerStats


class RunningDataplane(NamedTuple):
    """A dataplane, and what tells of its processes: there are none if the kernel carries the connections."""

    dataplane: Dataplane
    workers: Callable[[], tuple[WorkerStats, ...]]


def make_dataplane(name: DataplaneName, config: Config, on_failing: Callable[[BackendKey], None],
            on_drift: Callable[[str], None]) -> RunningDataplane:
    """Make one. `on_failing` is told of backends whose connects fail, `on_drift` why the kernel is not as applied."""
    if name is DataplaneName.IPVS:
        marks = MarkRange(*config.ipvs_fwmark) if config.ipvs_fwmark else None
        ipvs = IpvsDataplane(this_machine(), marks, is_cleaning=config.cleanup, on_drift=on_drift)
        return RunningDataplane(ipvs, tuple)
    userspace = UserspaceDataplane(config.workers, on_failing)
    return RunningDataplane(userspace, userspace.workers)


def this_machine() -> Machine:
    """The kernel that this process runs on."""
    from lbproxy.dataplanes.ipvs.kernel.ipvs import IpvsKernel  # noqa: PLC0415
    from lbproxy.dataplanes.ipvs.kernel.netfilter import NftTables  # noqa: PLC0415
    from lbproxy.netlink.addresses import InterfaceAddresses  # noqa: PLC0415 - only IPVS needs them

    return Machine(IpvsKernel(), NftTables(), InterfaceAddresses())
