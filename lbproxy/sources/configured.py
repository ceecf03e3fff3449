"""Services from the configuration, re-read on SIGHUP and when the file changes on disk.

A file that is wrong changes nothing: it is logged in one line and shows in the metrics. Changes are found by looking at
the file four times a second, through symbolic links: a mounted ConfigMap works, and no inotify limit is in the way.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from lbproxy.config import Config, ServiceConfig
from lbproxy.model.errors import ConfigError
from lbproxy.sources.base import Reference, WantedService, WantedServices
from lbproxy.sources.dns.reference import DnsName
from lbproxy.sources.fixed import FixedBackends
from lbproxy.sources.kubernetes.reference import KubernetesPort

LOOK_INTERVAL = 0.25
"""Seconds between two looks at the file: a look is one stat(), and what has changed should be in force soon."""

log = structlog.get_logger()

Signature = tuple[int, ...]


class ConfiguredSource:
    """Publishes what `config` says, then what `reload` says each time the file changes or `reread` is called.

    `on_reload` is told of each attempt: the new configuration, or None if it was wrong.
    """

    def __init__(self, config: Config, reload: Callable[[], Config],
                 on_reload: Callable[[Config | None], None]) -> None:
        self._config, self._reload, self._on_reload = config, reload, on_reload
        self._is_refused = False
        self.refusal = ""
        """Why the file as it is now was refused, in one line; empty: it is in force."""
        self._asked = asyncio.Event()

    def reread(self) -> None:
        """Read the file again now, changed or not (SIGHUP)."""
        self._asked.set()

    async def run(self, publish: Callable[[WantedServices], None]) -> None:
        """Publish, and follow the file until cancelled. Without a file, only wait."""
        publish(wanted_services(self._config))
        seen: Signature | None = ()  # nothing: the first look reads the file, as it may have changed since the start
        while True:
            # Polling, not inotify: kubelet swaps a symbolic link, so that the watched file itself never changes.
            is_asked = await self._wait()
            now = signature(self._config.config_file)
            if is_asked or now != seen:
                seen = now
                await self._read(publish, is_asked=is_asked)

    async def _read(self, publish: Callable[[WantedServices], None], *, is_asked: bool) -> None:
        try:
            config = await asyncio.to_thread(self._reload)  # a large file takes its time
        # Nothing else is caught: any other error is a fault of ours, and must not look like a wrong file.
        except ConfigError as error:
            log.error("configuration refused, nothing was changed", error=str(error))
            self._is_refused, self.refusal = True, str(error)
            self._on_reload(None)
            return
        # A file that was touched and says the same causes no work; one that is right again ends the alarm of the
        # metrics.
        if is_asked or self._is_refused or config != self._config:
            self._config, self._is_refused, self.refusal = config, False, ""
            self._on_reload(config)
            publish(wanted_services(config))

    async def _wait(self) -> bool:
        try:
            async with asyncio.timeout(LOOK_INTERVAL):
                await self._asked.wait()
        except TimeoutError:
            return False
        self._asked.clear()
        return True


def wanted_services(config: Config) -> WantedServices:
    """Give every service of a configuration, with references to where its endpoints come from."""
    specs = config.specs()
    return {service.name: WantedService(specs[service.name], _references(service)) for service in config.services}


def _references(service: ServiceConfig) -> tuple[Reference, ...]:
    if service.kubernetes is not None:
        return (KubernetesPort(*service.kubernetes.service, service.kubernetes.port),)
    names = [DnsName(backend.name, backend.port, backend.own_weight) for backend in service.backends if backend.name]
    fixed = service.endpoints()
    return (*([FixedBackends(fixed)] if fixed or not names else []), *names)


def signature(path: Path | None) -> Signature | None:
    """Something that differs whenever the file's content may have changed; None if there is no file."""
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    # Device and inode too: an editor or kubelet puts another file in its place, maybe of the same size and time.
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns) if status else None
