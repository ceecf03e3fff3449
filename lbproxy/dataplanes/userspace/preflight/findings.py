"""All that relaying needs of a machine, judged. Of the kernel only files are asked, and whether it splices."""

from collections.abc import Iterator

from lbproxy.config import Config
from lbproxy.dataplanes.conntrack import conntrack
from lbproxy.dataplanes.userspace.preflight.bulk import bulk
from lbproxy.dataplanes.userspace.preflight.descriptors import descriptors
from lbproxy.dataplanes.userspace.preflight.ports import local_ports, low_ports
from lbproxy.model.finding import Finding
from lbproxy.net.capabilities import capabilities
from lbproxy.net.system import System


def findings(config: Config, system: System) -> Iterator[Finding]:
    """Judge it for this configuration, in the order in which one would mend it."""
    yield descriptors(system)
    yield local_ports(system)
    yield conntrack(system, is_needed=False)
    yield bulk()
    listens = [listen for service in config.services for listen in service.listen]
    admin = [config.admin_address] if config.admin_address else []
    if found := low_ports(system, capabilities(system), (*listens, *admin)):
        yield found
