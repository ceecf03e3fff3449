"""A source that follows a configuration file, and the ways in which such files are replaced."""

import asyncio
from collections.abc import Callable, Mapping
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


def services(*names: str) -> str:
    """A file with these services, in lines that can be written one by one."""
    return "services:\n" + "".join(map(item, names))


def item(name: str) -> str:
    """The lines of one service."""
    port = 1000 + int.from_bytes(name[:1].encode())
    return f"  - {{name: {name}, listen: '127.0.0.1:{port}', backends: '192.0.2.1:1'}}\n"


class SteppedSource(ConfiguredSource):
    """Looks at the file by itself until it is told to look only when a test says so."""

    _steps: asyncio.Queue[None] | None = None
    _is_stepping = False

    async def next_look(self) -> bool:
        if self._steps is None:
            return await super().next_look()
        if self._is_stepping:
            self._steps.task_done()
        await self._steps.get()
        self._is_stepping = True
        return False

    async def step(self) -> None:
        """Look once, and do what follows from it."""
        self._steps = self._steps or asyncio.Queue()
        self._steps.put_nowait(None)
        async with asyncio.timeout(PATIENCE):
            await self._steps.join()


class Following:
    """A source that follows a file, and everything that it says."""

    def __init__(self, path: Path | None, options: Mapping[str, object] = MappingProxyType({})) -> None:
        self._loader = loader = Loader(options, {}, path)
        self.reads = 0
        self.meanwhile: Callable[[], object] = _nothing
        """Is called once, while the file is read."""
        self.reloads = asyncio.Queue[Config | None]()
        self._said = asyncio.Queue[WantedServices]()
        self._source = SteppedSource(loader.load(), self._read, self.reloads.put_nowait)
        self.reread, self.step = self._source.reread, self._source.step
        self.task = asyncio.create_task(self._source.run(self._said.put_nowait))

    def _read(self) -> Config:
        try:
            return self._loader.load()
        finally:
            meanwhile, self.meanwhile = self.meanwhile, _nothing
            meanwhile()
            self.reads += 1

    async def names(self) -> list[str]:
        """Wait for what it publishes next, and give the names of the services."""
        async with asyncio.timeout(PATIENCE):
            return [*await self._said.get()]

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


def _nothing() -> None:
    pass


def revise(volume: Path, revision: int, content: str) -> None:
    """Replace the content as the kubelet does: a new folder, and one rename of the link to it."""
    folder = volume / f"..revision-{revision}"
    folder.mkdir()
    (folder / "lbproxy.yaml").write_text(content)
    (volume / "..data_tmp").symlink_to(folder.name)
    (volume / "..data_tmp").rename(volume / "..data")


def rewrite(path: Path, content: str) -> None:
    path.write_text(content)


def append(path: Path, content: str) -> None:
    with path.open("a") as stream:
        stream.write(content)


def set_mode(path: Path, mode: int) -> None:
    path.chmod(mode)


def move(path: Path, target: Path) -> None:
    path.rename(target)
