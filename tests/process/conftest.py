from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lbproxy.model.address import Address
from tests.support.peers import free_address
from tests.support.scene import Scene


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    await scene.end()


@pytest.fixture
def listen() -> Address:
    return free_address()


@pytest.fixture
def other_listen() -> Address:
    return free_address()
