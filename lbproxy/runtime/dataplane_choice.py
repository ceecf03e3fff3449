"""Which dataplane runs, and why: asked for, or found out."""

import socket
from collections.abc import Callable
from dataclasses import dataclass

from lbproxy.config import Config
from lbproxy.config.dataplanes import misfits
from lbproxy.config.options import DataplaneName
from lbproxy.config.source_map import SourceMap, config_error
from lbproxy.dataplanes.ipvs.probe import why_not
from lbproxy.dataplanes.ipvs.reconciler import Machine
from lbproxy.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class DataplaneSelection:
    """The dataplane that runs, and the reason in a few words."""

    requested: DataplaneName
    active: DataplaneName
    reason: str

    def check(self, config: Config) -> Config:
        """Give the configuration back; raise `ConfigError` if it asks for what this dataplane hasn't got."""
        if problems := [*misfits(config, self.active)]:
            raise config_error(problems, SourceMap(f"--dataplane={self.requested} is {self.active} here"))
        return config


async def select_dataplane(config: Config, machine: Callable[[], Machine]) -> DataplaneSelection:
    """Choose. `machine` gives this one's kernel, if IPVS is in question; it is asked only, and closed.

    Raises `ConfigError` if what was asked for won't work here.
    """
    requested = config.dataplane
    if requested is DataplaneName.USERSPACE:
        return DataplaneSelection(requested, DataplaneName.USERSPACE, "asked for")
    trouble = await _trouble(config, machine())
    if requested is DataplaneName.IPVS:
        if trouble:
            raise ConfigError(f"--dataplane=ipvs: {trouble}; lbproxy doctor says more")
        return DataplaneSelection(requested, DataplaneName.IPVS, "asked for")
    choice = (DataplaneSelection(requested, DataplaneName.USERSPACE, trouble) if trouble
              else DataplaneSelection(requested, DataplaneName.IPVS, "it works here"))
    choice.check(config)
    return choice


async def _trouble(config: Config, machine: Machine) -> str | None:
    for problem in misfits(config, DataplaneName.IPVS):
        return f"{problem.path[-1]} {problem.text}" if problem.path else problem.text
    families = {listen.family for service in config.services for listen in service.listen}
    try:
        return await why_not(machine, ipv4=socket.AF_INET in families, ipv6=socket.AF_INET6 in families)
    finally:
        await machine.close()
