"""What one dataplane can't do and the other can: options given for it are refused, never ignored."""

import ipaddress
from collections.abc import Iterator

from lbproxy.config.effective import Config
from lbproxy.config.option_names import kebab
from lbproxy.config.options import IPVS_ONLY, USERSPACE_ONLY, DataplaneName
from lbproxy.config.services import ServiceConfig
from lbproxy.config.source_map import KeyPath, Problem
from lbproxy.model.address import Address
from lbproxy.model.snapshot import KERNEL_ONLY, Scheduler
from lbproxy.text.quoting import listed

_OURS = [scheduler for scheduler in Scheduler if scheduler not in KERNEL_ONLY]


def misfits(config: Config, dataplane: DataplaneName) -> Iterator[Problem]:
    """Give what this dataplane can't do; nothing for `auto`, which picks one that can."""
    if dataplane is DataplaneName.IPVS:
        yield from _beyond_ipvs(config)
    elif dataplane is DataplaneName.USERSPACE:
        yield from _beyond_userspace(config)


def _beyond_ipvs(config: Config) -> Iterator[Problem]:
    for path, given in _places(config):
        for name in USERSPACE_ONLY:
            if name in given.model_fields_set:
                yield Problem((*path, kebab(name)), "is for the userspace dataplane, IPVS has no such thing; "
                                                    "remove it, or write --dataplane=userspace")
    for index, service in enumerate(config.services):
        for place, listen in enumerate(service.listen):
            if text := _unservable(listen, [backend.address for backend in service.backends]):
                yield Problem(("services", index, "listen", place), text)


def _beyond_userspace(config: Config) -> Iterator[Problem]:
    for name in IPVS_ONLY:
        if getattr(config, name):
            yield Problem((kebab(name),), "is for IPVS; remove it, or write --dataplane=ipvs")
    for path, given in _places(config):
        if given.scheduler in KERNEL_ONLY:
            yield Problem((*path, "scheduler"), f"{given.scheduler} is the kernel's alone; write {listed(_OURS)}, or "
                                                "--dataplane=ipvs")


def _places(config: Config) -> Iterator[tuple[KeyPath, Config | ServiceConfig]]:
    yield (), config
    for index, service in enumerate(config.services):
        yield ("services", index), service


def _unservable(listen: Address, backends: list[Address]) -> str:
    """Why the kernel can't pass connections from there to these; see `lbproxy.dataplanes.ipvs.planning.desired`."""
    if backends and all(backend.family != listen.family for backend in backends):
        return f"{listen} has no backend of its family, and IPVS translates addresses only; write one, or remove it"
    strange = [backend for backend in backends
               if backend.family == listen.family and _is_loopback(backend) != _is_loopback(listen)]
    if strange:
        return (f"{listen} can't lead to {strange[0]} in IPVS: loopback addresses neither leave nor enter a machine; "
                "write the address of an interface, or --dataplane=userspace")
    return ""


def _is_loopback(address: Address) -> bool:
    return ipaddress.ip_address(address.host).is_loopback
