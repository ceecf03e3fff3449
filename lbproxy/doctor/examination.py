"""Asks and reads everything that the configuration needs, and judges it."""

from collections.abc import Iterator

from lbproxy.config import Config
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.dataplanes.selection import select_dataplane
from lbproxy.doctor.clusters import clusters_of, ports_of
from lbproxy.doctor.diagnosis import Diagnosis
from lbproxy.doctor.interfaces import default_interfaces, interfaces
from lbproxy.doctor.overlay import uplinks
from lbproxy.doctor.queues import cpus, spreading
from lbproxy.model.finding import Finding
from lbproxy.net.system import System


async def examine(config: Config, dataplanes: Dataplanes, system: System) -> Diagnosis:
    """Give the findings. Touches no traffic and changes nothing; raises nothing that the system is to blame for."""
    selection = await select_dataplane(dataplanes, config, system)
    return Diagnosis(selection, (*_common(system), *await _access(config)))


def _common(system: System) -> Iterator[Finding]:
    found = interfaces(system)
    yield from spreading(found, cpus(system))
    yield from uplinks(found, default_interfaces(system))


async def _access(config: Config) -> list[Finding]:
    clusters = clusters_of(config)
    if not clusters:
        return []
    from lbproxy.doctor.access import access  # noqa: PLC0415 - the client library takes half a second to load
    from lbproxy.doctor.followed_services import followed_services  # noqa: PLC0415 - as above

    return [*await access(clusters), *await followed_services(ports_of(config))]
