"""A source that follows a configuration file, and the ways in which such files are replaced."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from lbproxy.config import Config, Loader
from lbproxy.sources.base import WantedServices
from lbproxy.sources.configured import ConfiguredSource
from lbproxy.sources.fixed import FixedBackends
from tests.support.patience import PATIENCE


def text(*ports: int) -> str:
    """A file with one service and these backends."""
    backends = ", ".join(f"'192.0.2.1:{port}'" for port in ports)
    return f"services: [{{name: web, listen: '127.0.0.1:80', backends: [{backends}]}}]\n"


class Following:
    """A source that follows a file, and everything that it says."""

    def __init__(self, path: Path | None, options: Mapping[str, object] = MappingProxyType({})) -> None:
        self._loader = loader = Loader(options, {}, path)
        self.reads = 0
        self.reloads = asyncio.Queue[Config | None]()
        self._said = asyncio.Queue[WantedServices]()
        self._source = ConfiguredSource(loader.load(), self._read, self.reloads.put_nowait)
        self.reread = self._source.reread
        self.task = asyncio.create_task(self._source.run(self._said.put_nowait))

    def _read(self) -> Config:
        try:
            return self._loader.load()
        finally:
            self.reads += 1

    async def ports(self, service: str = "web") -> list[int]:
        """Wait for what it publishes next, and give the ports of the backends."""
        async with asyncio.timeout(PATIENCE):
            services = await self._said.get()
        return [endpoint.address.port for reference in services[service].references
                if isinstance(reference, FixedBackends) for endpoint in reference.endpoints]

    async def is_accepted(self) -> bool:
        """Wait until it has read a file, and say whether it was good."""
        async with asyncio.timeout(PATIENCE):
            return await self.reloads.get() is not None

    @property
    def is_silent(self) -> bool:
        """It has said all that was asked of it."""
        return self._said.empty() and self.reloads.empty()


def revise(volume: Path, revision: int, content: str) -> None:
    """Replace the content as the kubelet does: a new folder, and one rename of the link to it."""
    folder = volume / f"..revision-{revision}"
    folder.mkdir()
    (folder / "lbproxy.yaml").write_text(content)
    (volume / "..data_tmp").symlink_to(folder.name)
    (volume / "..data_tmp").rename(volume / "..data")


def rewrite(path: Path, content: str) -> None:
    path.write_text(content)


def move(path: Path, target: Path) -> None:
    path.rename(target)
