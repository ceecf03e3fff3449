"""Services from the configuration, re-read on SIGHUP and when the file changes on disk.

A file that is wrong changes nothing: it is logged in one line and shows in the metrics. Changes are found by looking at
the file four times a second, through symbolic links: a mounted ConfigMap works, and no inotify limit is in the way.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import structlog

from lbproxy.config import Config, ServiceConfig
from lbproxy.model.errors import ConfigError, UnreadableFileError
from lbproxy.sources.base import Reference, WantedService, WantedServices
from lbproxy.sources.dns.reference import DnsName
from lbproxy.sources.fixed import FixedBackends
from lbproxy.sources.kubernetes.reference import KubernetesPort

LOOK_INTERVAL = 0.25
"""Seconds between two looks at the file: a look is a stat(), and what has changed should be in force soon."""

log = structlog.get_logger()


class FileVersion(NamedTuple):
    """What is seen of a file without reading it. It differs whenever the content, or who may read it, has changed."""

    path: str
    """Where it is, behind all symbolic links."""
    status: tuple[int, ...]


class ConfiguredSource:
    """Publishes what `config` says, then what `reload` says each time the file changes or `reread` is called.

    `on_reload` is told of each attempt: the new configuration, or None if it was wrong. A file that is being written is
    left alone until it is complete. One that can't be read is tried again at each look, and told of once.
    """

    def __init__(self, config: Config, reload: Callable[[], Config],
                 on_reload: Callable[[Config | None], None]) -> None:
        self._config, self._reload, self._on_reload = config, reload, on_reload
        self._path = config.config_file
        self._taken: FileVersion | None = None  # the first look reads the file, as it may have changed since the start
        self.refusal = ""
        """Why the file as it is now was refused, in one line; empty: it is in force."""
        self._asked = asyncio.Event()
        self._is_owed = False  # asked for, and not read yet because it was being written

    def reread(self) -> None:
        """Read the file again now, changed or not (SIGHUP)."""
        self._asked.set()

    async def run(self, publish: Callable[[WantedServices], None]) -> None:
        """Publish, and follow the file until cancelled. Without a file, only wait."""
        publish(wanted_services(self._config))
        seen = look(self._path)
        while True:
            # Polling, not inotify: kubelet swaps a symbolic link, so that the watched file itself never changes.
            is_asked = await self.next_look()
            before, seen = seen, look(self._path)
            self._is_owed |= is_asked
            if is_asked or (self._is_news(seen) and is_complete(before, seen)):
                await self._read(seen, publish)

    async def next_look(self) -> bool:
        """Wait for the time of the next look, or until `reread` is called: True then."""
        try:
            async with asyncio.timeout(LOOK_INTERVAL):
                await self._asked.wait()
        except TimeoutError:
            return False
        self._asked.clear()
        return True

    def _is_news(self, seen: FileVersion | None) -> bool:
        return self._is_owed or (self._path is not None and (seen is None or seen != self._taken))

    async def _read(self, version: FileVersion | None, publish: Callable[[WantedServices], None]) -> None:
        try:
            config = await asyncio.to_thread(self._reload)  # a large file takes its time
        except ConfigError as error:
            if self._is_still(version):
                self._refuse(error)
            return
        except Exception as error:
            if self._is_still(version):
                self._refuse(ConfigError(f"reading it failed: {error!r}"))
            raise  # a bug, here or in a library: logged with its traceback, and this starts again
        if self._is_still(version):
            self._accept(config, publish)

    def _is_still(self, version: FileVersion | None) -> bool:
        """Whether what was read is one version of the file, and not the parts of two; notes it as read."""
        if look(self._path) != version:
            return False
        self._taken = version
        return True

    def _refuse(self, error: ConfigError) -> None:
        is_unreadable = isinstance(error, UnreadableFileError)
        is_told = is_unreadable and str(error) == self.refusal
        if is_unreadable:
            self._taken = None  # the cause may end without a trace at the file, such as too many open files
        if self._is_owed or not is_told:
            log.error("configuration refused, nothing was changed", error=str(error))
            self._on_reload(None)
        self.refusal, self._is_owed = str(error), False

    def _accept(self, config: Config, publish: Callable[[WantedServices], None]) -> None:
        if self._is_owed or self.refusal or config != self._config:
            self._config, self.refusal, self._is_owed = config, "", False
            self._on_reload(config)
            publish(wanted_services(config))


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


def look(path: Path | None) -> FileVersion | None:
    """Look at a file without reading it; None if there is none."""
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    if path is None or status is None:
        return None
    # Device and inode too: an editor or kubelet puts another file in its place, maybe of the same size and time.
    return FileVersion(os.path.realpath(path), (status.st_dev, status.st_ino, status.st_size,
                                                status.st_mtime_ns, status.st_ctime_ns))  # chmod changes ctime alone


def is_complete(before: FileVersion | None, now: FileVersion | None) -> bool:
    """Whether a file is taken to be written to its end, by two looks at it in a row.

    Half a file is often a valid one with half of the services. So it is complete when nothing changed from one look to
    the next, or when a symbolic link leads to another file now: that is done when the other file is complete, as the
    kubelet does it for a ConfigMap.
    """
    is_swapped = before is not None and now is not None and before.path != now.path
    return before == now or is_swapped
