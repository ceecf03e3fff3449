from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.support.dns_server import DnsServer, LyingServer

from .dns_kit import Names


@pytest.fixture
def resolv_conf(tmp_path: Path) -> Path:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\nsearch\n")
    return path


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DnsServer]:
    """It has db.test with one address, 10.0.0.1."""
    server = DnsServer(tmp_path)
    await server.has(db="10.0.0.1")
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
async def liar() -> AsyncIterator[LyingServer]:
    liar = await LyingServer().start()
    yield liar
    await liar.close()


@pytest.fixture
async def names(server: DnsServer, resolv_conf: Path) -> AsyncIterator[Names]:
    """They are asked of the real server."""
    names = Names(resolv_conf, server.address)
    yield names
    await names.close()


@pytest.fixture
async def doubtful(liar: LyingServer, resolv_conf: Path) -> AsyncIterator[Names]:
    """They are asked of the liar."""
    names = Names(resolv_conf, liar.address)
    yield names
    await names.close()


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as logs:
        yield logs
